//! What stands behind the end of a layer whose format says where that is. Readers of such a format do not look there, and
//! readers of others find theirs: an archive of Java behind an installer, a document behind an archive, anything behind the
//! image of a disk.
//!
//! Images of disks hold whole files of their own, which their readers give; so what is looked at is only what stands behind all
//! of that. What an image says of its length is no more than a claim, and readers of ZIP begin at the end of a file: an
//! archive that ends there is given wherever it begins.

use candor_model::{ChildKind, Content, FileType, Member, Sink};

use crate::codec::{behind_skippable, behind_zeros};
use crate::ends::{self, End};
use crate::reader::clipped;
use crate::work::units;
use crate::{cab, embedded, ole2, seven_zip, zip};

/// Gives what is behind the end, if it is more than filling.
pub(crate) fn give(file_type: FileType, bytes: &[u8], sink: &mut dyn Sink) {
    let end = match ends::of(file_type, bytes) {
        None => match bytes {
            [b'P', b'K', ..] => return give_behind(bytes, zip::end(bytes), sink),
            [b'7', b'z', 0xbc, ..] => return give_behind(bytes, seven_zip::end(bytes), sink),
            [b'M', b'S', b'C', b'F', ..] => return give_behind(bytes, cab::end(bytes), sink),
            [0xd0, 0xcf, 0x11, 0xe0, ..] => return give_behind(bytes, ole2::end(bytes), sink),
            _ => None,
        },
        end => end,
    };
    // One that is behind the end of the file is no end of anything.
    let place = |end: u64| usize::try_from(end).ok().filter(|end| *end > 0 && *end < bytes.len());
    let covered = match end {
        Some(End::Here(end)) => place(end).inspect(|end| give_behind_frames(bytes, *end, sink)),
        Some(End::Before(end)) => place(end).inspect(|end| embedded::search_behind(bytes, *end, sink)),
        None => None,
    };
    if matches!(file_type, FileType::Lz4 | FileType::Zstd) {
        // Frames to be skipped, with which a file begins, hold anything.
        let skipped = bytes.len().saturating_sub(behind_skippable(bytes).len());
        embedded::search(bytes.get(..skipped).unwrap_or_default(), sink);
    }
    if !may_end_in_member(file_type)
        && let Some(start) = zip::at_end(bytes).filter(|start| covered.is_none_or(|end| *start < end))
    {
        give_from(bytes, start, sink);
    }
}

/// Whether the last member of a file may stand at its end as it is, so that an archive there is one; or what is behind the end
/// of such files is given by their readers.
const fn may_end_in_member(file_type: FileType) -> bool {
    matches!(
        file_type,
        FileType::Ar
            | FileType::Bzip2
            | FileType::CabSfx
            | FileType::CpioCrc
            | FileType::CpioNewc
            | FileType::CpioOdc
            | FileType::CpioOld
            | FileType::Gzip
            | FileType::Lzip
            | FileType::MachOUniversal
            | FileType::Mail
            | FileType::Mhtml
            | FileType::OldTar
            | FileType::PosixTar
            | FileType::SevenZipSfx
            | FileType::Xz
            | FileType::Zip
            | FileType::ZipSfx
            | FileType::Zstd
            | FileType::OoxmlHwp
            | FileType::OoxmlPpt
            | FileType::OoxmlWord
            | FileType::OoxmlXl
    )
}

/// Gives what begins at `end` but for frames that are to be skipped, as Zstandard and LZ4 have them also behind all others. What
/// programs keep in them is theirs; what of it can be told is given.
pub(crate) fn give_behind_frames(bytes: &[u8], end: usize, sink: &mut dyn Sink) {
    let rest = behind_skippable(bytes.get(end..).unwrap_or_default());
    let behind = bytes.len().saturating_sub(rest.len());
    if behind > end {
        embedded::search_behind(bytes.get(..behind).unwrap_or_default(), end, sink);
    }
    give_from(bytes, behind, sink);
}

fn give_behind(bytes: &[u8], end: Option<u64>, sink: &mut dyn Sink) {
    if let Some(end) = end.and_then(|end| usize::try_from(end).ok()) {
        give_from(bytes, end, sink);
    }
}

/// The least that must stand behind the end of a program for it to be given, in bytes.
const SMALLEST: usize = 16;

/// Tells of what stands behind the end of a program, and gives it, but for zeros and what is found by its magic anyway, also behind
/// zeros, as the bytes of programs are searched for them.
pub(crate) fn overlay(bytes: &[u8], end: u64, sink: &mut dyn Sink) {
    let behind = clipped(bytes, end, u64::MAX);
    // With an end at the start, what is behind would be all of it once more.
    if end == 0 || behind.len() < SMALLEST {
        return;
    }
    sink.detail("overlay", format!("{} bytes at offset {end}", behind.len()));
    let content = behind_zeros(behind);
    if content.is_empty() || embedded::begins_with_magic(content) {
        return;
    }
    let member = Member { name: "overlay".to_owned(), ..Member::default() };
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Embedded { offset: end }, &member, Content::Bytes(behind));
}

/// Gives what begins at `end`, if it is more than filling. When nothing ended there, the layer itself is nothing that stands
/// behind anything.
pub(crate) fn give_from(bytes: &[u8], end: usize, sink: &mut dyn Sink) {
    let rest = bytes.get(end..).unwrap_or_default();
    if end == 0 || rest.iter().all(|byte| matches!(byte, 0 | 0xff | b' ' | b'\t' | b'\r' | b'\n' | 0x1a)) {
        return;
    }
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Embedded { offset: units(end) }, &Member::default(), Content::Bytes(rest));
}

#[cfg(test)]
mod tests {
    use candor_fixtures::archive::{self, Cab, SevenZip};
    use candor_fixtures::volume::{self, Btrfs, SquashFs};
    use candor_fixtures::wim::{Wim, wim};
    use candor_fixtures::{container, document, stream, virtual_disk, zip_methods};
    use candor_model::{ChildKind, FileType};

    use crate::collected::Collected;

    #[test]
    fn what_is_behind_the_end_is_given() {
        let zip = zip_methods::archive(&[zip_methods::pack("a", b"content", 8)]);
        let compound = document::compound("", &[("a", b"content".repeat(1000))]);
        let files = [
            (FileType::Zip, zip.clone()),
            (FileType::SevenZip, archive::seven_zip(SevenZip::Lzma2, None, &[("a", b"content")])),
            (FileType::MsCab, archive::cab(Cab::Stored, &[("a", b"content")])),
            (FileType::MsOle2, compound),
            (FileType::Gzip, stream::gzip(b"content")),
            (FileType::Bzip2, stream::bzip2(b"content")),
            (FileType::Xz, stream::xz(b"content")),
            (FileType::Zstd, stream::zstd(b"content")),
            (FileType::Arj, archive::arj(&[("a", 0, b"content".to_vec(), 7)])),
            (FileType::LhaLzh, archive::lha(1, &[("a", "-lh0-", b"content".to_vec(), 7)])),
            (FileType::LhaLzh, archive::lha(2, &[])),
            (FileType::Arc, archive::arc(&[("A", 2, b"content"), ("B", 1, b"content")])),
            (FileType::Xar, container::xar(b"content")),
        ];
        for (file_type, bytes) in files {
            let offset = bytes.len() as u64;
            let is_behind = |found: Collected, content: &[u8]| {
                let mut children = found.children.iter();
                children.any(|child| child.kind == ChildKind::Embedded { offset } && child.bytes == content)
            };
            for behind in [&b"<html><script>"[..], b"%PDF-1.7", &zip, b"junk"] {
                if file_type != FileType::Zip || behind != zip {
                    let found = Collected::of(file_type, &[&bytes, behind].concat());
                    assert!(is_behind(found, behind), "{file_type:?} {:?}", &behind[..4]);
                }
            }
            for filling in [&b""[..], &[0; 1000], b"\r\n"] {
                let found = Collected::of(file_type, &[&bytes, filling].concat());
                assert!(!is_behind(found, filling), "{file_type:?}");
            }
        }
    }

    /// An image that says how long it is, here.
    fn saying(mut bytes: Vec<u8>, place: usize, length: u64) -> Vec<u8> {
        bytes[place..place + 4].copy_from_slice(&(length as u32).to_le_bytes());
        bytes
    }

    fn images() -> Vec<(FileType, Vec<u8>)> {
        let files = [("a", &b"content"[..])];
        let disk = b"content".repeat(3000);
        let iso = archive::iso(&files);
        let sectors = iso.len() as u64 / 2048;
        // Longer than it is, so that its anchor stands where most look for it.
        let mut udf = volume::udf(false, &files);
        let anchor = udf.chunks(2048).find(|block| block.starts_with(&[2, 0])).unwrap().to_vec();
        udf.resize(256 * 2048, 0);
        udf.extend(anchor);
        let blocks = udf.len() as u64 / 2048 - 32;
        // It says more than is needed.
        let mut fat = volume::fat(12, &files);
        fat.resize(512 * u32::from_le_bytes(fat[32..36].try_into().unwrap()) as usize, 0);
        let exfat = volume::exfat(&files);
        let exfat_sectors = exfat.len() as u64 / 512;
        let mut ntfs = volume::ntfs(&files);
        ntfs.resize(ntfs.len() + 512, 0);
        let ntfs_sectors = ntfs.len() as u64 / 512 - 1;
        let ext = volume::ext(true, &files);
        let ext_blocks = ext.len() as u64 / 1024;
        let mut apfs = volume::apfs(&files);
        apfs.resize(4096 * u32::from_le_bytes(apfs[40..44].try_into().unwrap()) as usize, 0);
        let btrfs = volume::btrfs(Btrfs::Stored, &files);
        let btrfs_length = btrfs.len() as u64;
        vec![
            (FileType::Iso9660, saying(saying(iso, 32_768 + 80, sectors), 32_768 + 128, 2048)),
            (FileType::Udf, saying(udf, 20 * 2048 + 192, blocks)),
            (FileType::Fat, fat),
            (FileType::Fat, saying(exfat, 72, exfat_sectors)),
            (FileType::Ntfs, saying(ntfs, 40, ntfs_sectors)),
            (FileType::Ext, saying(ext, 1024 + 4, ext_blocks)),
            (FileType::Xfs, volume::xfs(5, &files)),
            (FileType::Btrfs, saying(btrfs, 0x1_00d1, btrfs_length)),
            (FileType::Apfs, apfs),
            (FileType::SquashFs, volume::squashfs(SquashFs::Gzip, &files)),
            (FileType::Mbr, container::mbr(b"content")),
            (FileType::Gpt, container::gpt(b"content")),
            (FileType::Apm, container::apm(b"content")),
            (FileType::Wim, wim(Wim::Xpress, &files)),
            (FileType::Vhdx, virtual_disk::vhdx(&disk)),
            (FileType::Vmdk, virtual_disk::vmdk(false, &disk)),
            (FileType::Qcow2, virtual_disk::qcow2(0, &disk)),
            (FileType::Qcow2, virtual_disk::qcow2(1, &disk)),
            (FileType::Lz4, stream::lz4(b"content")),
            (FileType::Lz4, stream::lz4_legacy(b"content")),
            (FileType::PosixTar, archive::tar(&files)),
        ]
    }

    #[test]
    fn what_is_behind_images_is_given_and_nothing_of_what_is_in_them() {
        let zip = zip_methods::archive(&[zip_methods::pack("a", b"content", 8)]);
        let objects = [zip, archive::cab(Cab::Stored, &[("a", b"content")]), document::pdf(&[("", vec![7])])];
        for (file_type, bytes) in images() {
            let given = |bytes: &[u8]| {
                let found = Collected::of(file_type, bytes);
                found.children.into_iter().map(|child| (child.kind, child.bytes)).collect::<Vec<_>>()
            };
            let inside = given(&bytes);
            assert_eq!(given(&[&bytes[..], &[0; 4096]].concat()).len(), inside.len(), "{file_type}");
            for object in &objects {
                let all = given(&[&bytes[..], object].concat());
                assert_eq!(all.len(), inside.len() + 1, "{file_type} {:?}", &object[..4]);
                let offset = bytes.len() as u64;
                let is_it = |(kind, bytes): &&(ChildKind, Vec<u8>)| {
                    *kind == ChildKind::Embedded { offset } && object.starts_with(bytes)
                };
                assert_eq!(all.iter().filter(is_it).count(), 1, "{file_type} {:?}", &object[..4]);
            }
        }
    }

    #[test]
    fn what_is_behind_the_zeros_that_fill_the_last_page_of_an_image_begins_behind_them() {
        let mut bytes = volume::squashfs(SquashFs::Gzip, &[("a", b"content")]);
        bytes.resize(bytes.len().next_multiple_of(4096), 0);
        let found = Collected::of(FileType::SquashFs, &[&bytes[..], b"behind"].concat()).children;
        assert_eq!((found.len(), &found[1].bytes[..]), (2, &b"behind"[..]));
    }

    #[test]
    fn what_is_behind_the_last_whole_member_of_an_archive_without_an_end_is_given() {
        let mut bytes = archive::lha(0, &[("a", "-lh0-", b"content".to_vec(), 7)]);
        bytes.pop();
        let found = Collected::of(FileType::LhaLzh, &[&bytes[..], b"behind"].concat()).children;
        assert_eq!((found.len(), &found[1].bytes[..]), (2, &b"behind"[..]));
    }

    #[test]
    fn checksums_signatures_and_attributes_are_of_an_archive() {
        for (table, length) in [
            ("<checksum><offset>0</offset><size>20</size></checksum>", 20),
            ("<signature><offset>20</offset><size>9</size></signature>", 29),
            ("<x-signature><size>7</size><offset>3</offset></x-signature>", 10),
            ("<file><ea><length>5</length><offset>0</offset><size>900</size></ea></file>", 5),
        ] {
            let packed = stream::zlib(table.as_bytes());
            let numbers = [packed.len() as u64, table.len() as u64].map(u64::to_be_bytes).concat();
            let bytes = [b"xar!\0\x1c\0\x01", &numbers[..], &[0; 4], &packed, &[7; 29][..length]].concat();
            assert_eq!(Collected::of(FileType::Xar, &bytes).children, [], "{table}");
            let found = Collected::of(FileType::Xar, &[&bytes[..], b"behind"].concat()).children;
            assert_eq!((found.len(), &found[0].bytes[..]), (1, &b"behind"[..]), "{table}");
        }
    }

    #[test]
    fn the_start_of_the_table_behind_the_heap_is_of_the_archive_too() {
        let bytes = container::xar(b"content");
        for length in [16, 20] {
            let bytes = [&bytes[..], &bytes[28..28 + length]].concat();
            assert_eq!(Collected::of(FileType::Xar, &bytes).children.len(), 3);
            let found = Collected::of(FileType::Xar, &[&bytes[..], b"behind"].concat()).children;
            assert_eq!((found.len(), &found[3].bytes[..]), (4, &b"behind"[..]));
        }
    }

    #[test]
    fn an_archive_at_the_end_is_given_whatever_an_image_says_of_its_length() {
        let zip = zip_methods::archive(&[zip_methods::pack("a", b"content", 8)]);
        let mut iso = archive::iso(&[("a", b"content")]);
        let offset = iso.len() as u64;
        iso[32_768 + 80..32_768 + 84].fill(0x7f);
        let found = Collected::of(FileType::Iso9660, &[&iso[..], &zip].concat());
        assert_eq!(found.children.last().unwrap().kind, ChildKind::Embedded { offset });
        assert_eq!(found.children.last().unwrap().bytes, zip);
        // Others with offsets from the start of the file.
        let mut moved = [&iso[..], &zip].concat();
        let end = moved.len() - 22;
        let directory = u32::from_le_bytes(moved[end + 16..end + 20].try_into().unwrap());
        moved[end + 16..end + 20].copy_from_slice(&(directory + offset as u32).to_le_bytes());
        let row = offset as usize + directory as usize + 42;
        moved[row..row + 4].copy_from_slice(&(offset as u32).to_le_bytes());
        let found = Collected::of(FileType::Iso9660, &moved);
        assert_eq!(found.children.last().unwrap().kind, ChildKind::Embedded { offset });
    }

    #[test]
    fn frames_to_be_skipped_are_nothing_behind_a_stream_but_what_is_in_them() {
        let frame = |content: &[u8]| {
            let length = (content.len() as u32).to_le_bytes();
            [&b"\x5e\x2a\x4d\x18"[..], &length, content].concat()
        };
        let zip = zip_methods::archive(&[zip_methods::pack("a", b"content", 8)]);
        for (file_type, bytes) in [
            (FileType::Zstd, stream::zstd(b"content")),
            (FileType::Lz4, stream::lz4(b"content")),
            (FileType::Lz4, stream::lz4_legacy(b"content")),
        ] {
            let given = |bytes: &[u8]| {
                let found = Collected::of(file_type, bytes);
                assert_eq!(found.incomplete, []);
                found.children
            };
            assert_eq!(given(&[&bytes[..], &frame(b"a table")].concat()).len(), 1, "{file_type}");
            let behind = given(&[&bytes[..], &frame(b"a table"), b"junk"].concat());
            assert_eq!((behind.len(), &behind[1].bytes[..]), (2, &b"junk"[..]), "{file_type}");
            let held = given(&[&bytes[..], &frame(&zip)].concat());
            assert_eq!((held.len(), held[1].bytes.starts_with(&zip)), (2, true), "{file_type}");
        }
        // With such a frame in front, it is told by that alone.
        for bytes in [stream::lz4(b"content"), stream::lz4_legacy(b"content"), stream::zstd(b"content")] {
            let children = Collected::of(FileType::Zstd, &[frame(&zip), bytes].concat()).children;
            assert_eq!((children.len(), &children[0].bytes[..]), (2, &b"content"[..]));
            assert_eq!(children[1].kind, ChildKind::Embedded { offset: 8 });
        }
        let alone = Collected::of(FileType::Zstd, &frame(b"content"));
        assert_eq!(alone.children.iter().filter(|child| !child.bytes.is_empty()).count(), 0);
    }
}
