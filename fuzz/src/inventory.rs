//! Any bytes can be read as any source of an inventory; what is said of them is what can be taken.

use candor_fixtures::package_database::{Package, berkeley, ndb, sqlite};
use candor_fixtures::registry::{Key, hive};
use candor_policy::inventory::record::{self, Record};
use candor_policy::inventory::{Beside, Interest, READERS, Reader, plan};

struct Everything;

impl Interest for Everything {
    fn is_wanted(&self, _: &str, _: bool) -> bool {
        true
    }
}

/// The first byte chooses the reader; beyond their number, the bytes themselves do. Where one stands in the table
/// may change: kept inputs are about any of them.
pub(crate) fn read(bytes: &[u8]) {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let reader = READERS.get(usize::from(*first)).map(|row| row.reader);
    let name = record::name(reader, "Applications/A.app/Contents/Info.plist");
    taken(&name, bytes, &[]);
}

/// Logs beside what they belong to. The first byte chooses the reader, the next four how long the source is; what
/// follows it are two logs, the first as long as the next four bytes say.
pub(crate) fn beside(bytes: &[u8]) {
    let Some((&[which, a, b, c, d, e, f, g, h], rest)) = bytes.split_first_chunk::<9>() else { return };
    let reader = if which % 2 == 0 { Reader::Hive } else { Reader::Rpm };
    let cut = |bytes: [u8; 4], rest: &[u8]| {
        usize::try_from(u32::from_le_bytes(bytes)).map_or(rest.len(), |length| length.min(rest.len()))
    };
    let (source, rest) = rest.split_at(cut([a, b, c, d], rest));
    let (one, two) = rest.split_at(cut([e, f, g, h], rest));
    let beside: Vec<Beside<'_>> =
        plan::beside(reader).iter().zip([one, two]).map(|(name, bytes)| Beside { name, bytes }).collect();
    taken(&record::name(Some(reader), "SOFTWARE"), source, &beside);
}

/// Images of disks, folded.
pub(crate) fn disk(bytes: &[u8]) {
    taken("any:disk.img", &crate::unpack::unfolded(bytes), &[]);
}

fn taken(name: &str, bytes: &[u8], beside: &[Beside<'_>]) {
    let mut items = 0;
    let mut take = |said: &[u8]| match Record::decode(said) {
        Some(Record::Item(_)) => items += 1,
        Some(Record::Coverage(_)) => (),
        None => panic!("a record that cannot be taken"),
    };
    let last = record::read_beside(name, bytes, None, beside, &Everything, &mut take);
    let Some(Record::Coverage(coverage)) = Record::decode(&last) else { panic!("no last word") };
    assert_eq!(coverage.items, items);
}

/// Logs of both formats and a write-ahead log, each beside what it belongs to.
pub(crate) fn logged() -> Vec<Vec<u8>> {
    let key = |name: &str| {
        hive(&Key::new("ROOT").at(r"Microsoft\Windows\CurrentVersion\Uninstall", Key::new(name)))
    };
    let (dirty, log) = candor_fixtures::registry::log(&key("A"), &key("B"));
    let old = candor_fixtures::registry::old_log(&dirty, &key("B"));
    let package =
        |name: &str| Package { name: name.to_owned(), version: "1-1".to_owned(), ..Package::default() };
    let (before, after) = (sqlite(&[package("a")]), sqlite(&[package("b")]));
    let pages = candor_fixtures::sqlite::log(&before, &after);
    let number = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let seed = |which: u8, source: &[u8], one: &[u8], two: &[u8]| {
        [&[which][..], &number(source), &number(one), source, one, two].concat()
    };
    vec![seed(0, &dirty, &log, &old), seed(0, &dirty, &old, &log), seed(1, &before, &pages, &[])]
}

/// A disk of each kind with a volume on it.
pub(crate) fn disks() -> Vec<Vec<u8>> {
    use candor_fixtures::{container, virtual_disk, volume};
    let files: &[(&str, &[u8])] = &[("var/lib/dpkg/status", b"Package: a\n"), ("b", b"content")];
    let (ext, ntfs) = (volume::ext(true, files), volume::ntfs(files));
    let (fat, exfat, hfs) = (volume::fat(12, files), volume::exfat(files), container::hfs(b"content"));
    let (xfs, btrfs) = (volume::xfs(5, files), volume::btrfs(volume::Btrfs::Zstd, files));
    let logical = [("root", volume::Lvm::Striped, &xfs[..]), ("home", volume::Lvm::Linear, &ext[..])];
    let physical = volume::lvm(2, "vg", &logical);
    let disk = container::gpt(&ext);
    [
        container::mbr_of(&[&physical[0], &physical[1]]),
        xfs,
        btrfs,
        container::mbr(&ntfs),
        container::apm(&hfs),
        virtual_disk::vhd(&disk),
        virtual_disk::vhdx(&disk),
        virtual_disk::vmdk(true, &disk),
        virtual_disk::qcow2(1, &disk),
        disk,
        volume::ext(false, files),
        fat,
        exfat,
        container::dmg(&volume::apfs(files)),
        volume::apfs(files),
    ]
    .iter()
    .map(|disk| crate::unpack::folded(disk))
    .collect()
}

/// A good source for readers of binary formats, and words of the others.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let number = |reader: Reader| READERS.iter().position(|row| row.reader == reader).unwrap_or(0) as u8;
    let package =
        Package { name: "a".to_owned(), version: "1-1".to_owned(), padding: 5000, ..Package::default() };
    let packages = [package];
    let key = Key::new("ROOT")
        .at(r"Microsoft\Windows\CurrentVersion\Uninstall", Key::new("A").text("DisplayName", "A"));
    let sources: [(Reader, Vec<u8>); 10] = [
        (Reader::Rpm, sqlite(&packages)),
        (Reader::Rpm, ndb(&packages)),
        (Reader::Rpm, berkeley(&packages, false)),
        (Reader::Hive, hive(&key)),
        (Reader::MachO, candor_fixtures::roots::macho("com.example", "TEAM")),
        (Reader::Program, candor_fixtures::signed_program::program(&[("ProductName", "A")], &[("CN", "A")])),
        (Reader::Certificates, candor_fixtures::signed_program::certificate(&[("CN", "A")])),
        (Reader::PropertyList, b"<plist><dict><key>Label</key><string>a</string></dict></plist>".to_vec()),
        (
            Reader::CycloneDxJson,
            br#"{"specVersion":"1.6","components":[{"name":"a","purl":"pkg:npm/a"}]}"#.to_vec(),
        ),
        (Reader::SpdxXml, b"<Document><packages><name>a</name></packages></Document>".to_vec()),
    ];
    sources.into_iter().map(|(reader, bytes)| [vec![number(reader)], bytes].concat()).collect()
}
