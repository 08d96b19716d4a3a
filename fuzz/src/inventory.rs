//! Any bytes can be read as any source of an inventory; what is said of them is what can be taken.

use candor_fixtures::package_database::{Package, berkeley, ndb, sqlite};
use candor_fixtures::registry::{Key, hive};
use candor_policy::inventory::record::{self, Record};
use candor_policy::inventory::{Interest, READERS, Reader};

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
    let mut items = 0;
    let last = record::read(&name, bytes, None, &Everything, &mut |said| match Record::decode(said) {
        Some(Record::Item(_)) => items += 1,
        Some(Record::Coverage(_)) => (),
        None => panic!("a record that cannot be taken"),
    });
    let Some(Record::Coverage(coverage)) = Record::decode(&last) else { panic!("no last word") };
    assert_eq!(coverage.items, items);
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
