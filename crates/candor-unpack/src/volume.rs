//! Disks and volumes that are larger than memory: what is looked at of them is read, and nothing else.
//!
//! The same readers as in a scan, by another door: whoever comes through it says on a child whether its content
//! is wanted, by reading the stream that it is given, or not.

use candor_model::{FileType, Flow, Sink};

pub use crate::apfs::{Apfs, ApfsVolume};
pub use crate::disk::Partition;
pub use crate::lvm::{
    Found as Logical, LogicalVolume, is_physical as is_physical_volume, walk as logical_volumes,
};
pub use crate::medium::{Medium, Window, taken};
use crate::virtual_disk::RawDisk;
use crate::{apfs, btrfs, disk, dmg, ext, fat, hfs, ntfs, virtual_disk, xfs};

/// The raw disk in the image of a virtual one (VHD, VHDX, VMDK, QCOW2) or in one of Apple's (DMG); `None` for other
/// types, and when there is none, which is told to `sink` then.
pub fn raw_disk<'a>(
    file_type: FileType,
    bytes: &'a [u8],
    sink: &mut dyn Sink,
) -> Option<Box<dyn Medium + 'a>> {
    if file_type == FileType::Dmg {
        return Some(Box::new(dmg::disk::open(bytes, sink)?));
    }
    Some(match virtual_disk::open(file_type, bytes, sink)? {
        RawDisk::Plain(content, _) => Box::new(content),
        RawDisk::Blocks(disk, _) => disk,
    })
}

/// Gives the partitions of a disk to `take` until it wants no more; `false` for a type that has none.
pub fn partitions(
    file_type: FileType,
    medium: &dyn Medium,
    sink: &mut dyn Sink,
    take: &mut dyn FnMut(&mut dyn Sink, &Partition) -> Flow,
) -> bool {
    match file_type {
        FileType::Mbr => disk::mbr(medium, sink, take),
        FileType::Gpt => disk::gpt(medium, sink, take),
        FileType::Apm => disk::apm(medium, sink, take),
        _ => return false,
    }
    true
}

/// Gives the files of a volume (ext, XFS, btrfs, NTFS, FAT, exFAT, HFS+) or of all volumes of a container (APFS), each
/// with a stream that reads nothing until it is read; `false` for other types. Of ext, only what a path leads to is
/// given. Where a volume has subvolumes (btrfs), `enter` is told the path of one before its files come.
pub fn files(
    file_type: FileType,
    medium: &dyn Medium,
    sink: &mut dyn Sink,
    enter: &mut dyn FnMut(&str),
) -> bool {
    match file_type {
        FileType::Apfs => apfs::walk(medium, sink),
        FileType::Btrfs => btrfs::walk(medium, sink, enter),
        FileType::Ext => ext::walk(medium, sink),
        FileType::Fat => fat::walk(medium, sink),
        FileType::Ntfs => ntfs::walk(medium, sink),
        FileType::PartHfsPlus => hfs::walk(medium, sink),
        FileType::Xfs => xfs::walk(medium, sink),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use candor_fixtures::{container, virtual_disk as made, volume};
    use candor_model::Reason;

    use super::*;
    use crate::collected::Collected;

    /// A medium that counts what is read of it.
    struct Counted<'a>(&'a [u8], std::cell::Cell<usize>);

    impl Medium for Counted<'_> {
        fn length(&self) -> u64 {
            self.0.length()
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read_at(offset, buffer)?;
            self.1.set(self.1.get() + read);
            Ok(read)
        }
    }

    /// Reads only what has this name.
    struct Named(&'static str, Collected);

    impl Sink for Named {
        fn child(
            &mut self,
            kind: candor_model::ChildKind,
            member: &candor_model::Member,
            content: candor_model::Content<'_>,
        ) -> Flow {
            if member.name.ends_with(self.0) { self.1.child(kind, member, content) } else { Flow::Continue }
        }

        fn facts(&mut self, _: candor_model::Facts) {}

        fn incomplete(&mut self, reason: Reason) {
            self.1.incomplete(reason);
        }

        fn budget(&mut self) -> &mut candor_model::Budget {
            self.1.budget()
        }
    }

    fn volumes(files: &[(&str, &[u8])]) -> Vec<(FileType, Vec<u8>)> {
        vec![
            (FileType::Ext, volume::ext(true, files)),
            (FileType::Ext, volume::ext(false, files)),
            (FileType::Xfs, volume::xfs(4, files)),
            (FileType::Xfs, volume::xfs(5, files)),
            (FileType::Btrfs, volume::btrfs(volume::Btrfs::Stored, files)),
            (FileType::Btrfs, volume::btrfs(volume::Btrfs::Zstd, files)),
            (FileType::Ntfs, volume::ntfs(files)),
            (FileType::Fat, volume::fat(12, files)),
            (FileType::Fat, volume::fat(32, files)),
            (FileType::Fat, volume::exfat(files)),
            (FileType::Apfs, volume::apfs(files)),
        ]
    }

    #[test]
    fn the_same_files_come_by_both_doors() {
        let large = vec![b'x'; 70_000];
        let files: &[(&str, &[u8])] = &[("a", b"first"), ("folder/b", &large), ("folder/c", b"third")];
        for (file_type, bytes) in volumes(files) {
            let whole = Collected::of(file_type, &bytes);
            let mut walked = Collected::of(FileType::BinaryData, b"");
            assert!(self::files(file_type, &&bytes[..], &mut walked, &mut |_| ()));
            let shown = |found: &Collected| {
                let mut shown: Vec<(String, Vec<u8>)> = found
                    .children
                    .iter()
                    .map(|child| (child.member.name.clone(), child.bytes.clone()))
                    .collect();
                shown.sort();
                shown
            };
            assert_eq!(shown(&whole), shown(&walked), "{file_type}");
            assert_eq!(walked.incomplete, [], "{file_type}");
        }
        let bytes = container::hfs(b"content");
        let mut walked = Collected::of(FileType::BinaryData, b"");
        assert!(self::files(FileType::PartHfsPlus, &&bytes[..], &mut walked, &mut |_| ()));
        assert_eq!(walked.children.len(), 3);
        assert!(!self::files(FileType::Zip, &&bytes[..], &mut walked, &mut |_| ()));
    }

    #[test]
    fn what_is_not_wanted_is_not_read() {
        let large = vec![b'x'; 3 << 20];
        for (file_type, bytes) in volumes(&[("large", &large), ("folder/wanted", b"this")]) {
            let medium = Counted(&bytes, std::cell::Cell::new(0));
            let mut sink = Named("wanted", Collected::of(FileType::BinaryData, b""));
            assert!(files(file_type, &medium, &mut sink, &mut |_| ()));
            assert_eq!(sink.1.children.len(), 1, "{file_type}");
            assert_eq!(sink.1.children[0].bytes, b"this", "{file_type}");
            let read = medium.1.get();
            assert!(read < large.len() / 10, "{file_type}: {read} bytes");
        }
    }

    #[test]
    fn the_disk_of_each_kind_of_image_can_be_read_anywhere() {
        let content: Vec<u8> = (0..60_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect();
        for (file_type, image) in [
            (FileType::Vhd, made::vhd_fixed(&content)),
            (FileType::Vhd, made::vhd(&content)),
            (FileType::Vhdx, made::vhdx(&content)),
            (FileType::Vmdk, made::vmdk(false, &content)),
            (FileType::Vmdk, made::vmdk(true, &content)),
            (FileType::Qcow2, made::qcow2(0, &content)),
            (FileType::Qcow2, made::qcow2(1, &content)),
            (FileType::Qcow2, made::qcow2(2, &content)),
        ] {
            let mut sink = Collected::of(FileType::BinaryData, b"");
            let disk = raw_disk(file_type, &image, &mut sink).expect("a disk");
            assert!(disk.length() >= 240_000, "{file_type}");
            // Backwards, in pieces that begin and end within blocks.
            for at in (0..content.len() - 3000).step_by(7001).rev() {
                assert!(taken(&*disk, at as u64, 3000) == content[at..at + 3000], "{file_type} at {at}");
            }
            assert_eq!(taken(&*disk, disk.length(), 10), b"");
        }
    }

    #[test]
    fn partitions_tell_what_they_are_for() {
        for (file_type, bytes, kind) in
            [(FileType::Mbr, container::mbr(b"content"), 1), (FileType::Gpt, container::gpt(b"content"), 16)]
        {
            let mut sink = Collected::of(FileType::BinaryData, b"");
            let mut seen = Vec::new();
            assert!(partitions(file_type, &&bytes[..], &mut sink, &mut |_, partition| {
                seen.push(partition.clone());
                Flow::Continue
            }));
            assert_eq!(seen.len(), 1);
            assert_eq!(seen[0].kind.len(), kind);
            let window = Window::new(&&bytes[..], seen[0].offset, seen[0].length).length();
            assert!(window > 0);
        }
    }
}
