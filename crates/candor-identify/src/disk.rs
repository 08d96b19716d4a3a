//! Images of disks and volumes, which say what they are far behind the first kilobyte or at the end.

use candor_model::FileType;

/// The image type of `bytes`, if they are one.
pub(crate) fn identify(bytes: &[u8]) -> Option<FileType> {
    RULES.iter().find(|(_, is_image)| is_image(bytes)).map(|&(found, _)| found)
}

/// Whether this is a type of images.
pub(crate) fn is_image(file_type: FileType) -> bool {
    RULES.iter().any(|&(known, _)| known == file_type)
}

/// The image types that `bytes` of the type `found` are as well: most images begin with bytes that nobody reads, in which the
/// magic of anything may stand, and systems open them all the same.
pub(crate) fn beside(found: FileType, bytes: &[u8]) -> impl Iterator<Item = FileType> + '_ {
    // What is on a disk of fixed size is in front of its footer, and is unpacked from there.
    let has_footer = matches!(found, FileType::Vhd | FileType::Dmg);
    let mut is_known = is_image(found);
    RULES.iter().filter(move |_| !has_footer).filter_map(move |&(file_type, is_image)| {
        // Volumes have boot sectors, and an ISO 9660 volume is read as UDF, too, when it is.
        let is_part = match file_type {
            FileType::Mbr | FileType::Fat => is_known,
            FileType::Udf => found == FileType::Iso9660 || is_iso(bytes),
            _ => false,
        };
        let is_other = file_type != found && !is_part && is_image(bytes);
        is_known |= is_other;
        is_other.then_some(file_type)
    })
}

type Rule = (FileType, fn(&[u8]) -> bool);

/// What each image has; the first that holds decides, and tables of partitions come last.
const RULES: [Rule; 15] = [
    // A disk of fixed size is the raw disk and a footer, so the footer comes before what is on the disk.
    (FileType::Vhd, |bytes| at_end(bytes, b"conectix\0\0\0")),
    (FileType::Apm, |bytes| at(bytes, 0, b"ER") && at(bytes, 512, b"PM\0\0")),
    // The size of a block is a power of two between 512 and 65,536 bytes.
    (FileType::Xfs, |bytes| {
        at(bytes, 0, b"XFSB\0") && bytes.get(120).is_some_and(|size| (9..=16).contains(size))
    }),
    // The superblock of a container, by what kind of object it is.
    (FileType::Apfs, |bytes| at(bytes, 32, b"NXSB") && at(bytes, 24, &[1, 0])),
    // It stands in the second sector, whatever its length; that of 4,096 bytes may hold anything else without a boot record.
    (FileType::Gpt, |bytes| {
        at(bytes, 512, b"EFI PART") || (at(bytes, 4096, b"EFI PART") && at(bytes, 510, b"\x55\xaa"))
    }),
    (FileType::Iso9660, is_iso),
    // Volume recognition sequences start at sector 16 and hold a handful of descriptors.
    (FileType::Udf, |bytes| [32_769, 34_817, 36_865].into_iter().any(|place| at(bytes, place, b"BEA01"))),
    (FileType::PartHfsPlus, |bytes| at(bytes, 1024, b"H+\0\x04") || at(bytes, 1024, b"HX\0\x05")),
    (FileType::Dmg, |bytes| at_end(bytes, b"koly")),
    (FileType::Ntfs, |bytes| at(bytes, 3, b"NTFS    ") && at(bytes, 510, b"\x55\xaa")),
    (FileType::Fat, |bytes| (at(bytes, 3, b"EXFAT   ") && at(bytes, 510, b"\x55\xaa")) || is_fat(bytes)),
    // The label stands in one of the first four sectors, and says in which.
    (FileType::Lvm, |bytes| {
        [0_u8, 1, 2, 3].into_iter().any(|sector| {
            let place = usize::from(sector).saturating_mul(512);
            at(bytes, place, &[b'L', b'A', b'B', b'E', b'L', b'O', b'N', b'E', sector])
                && at(bytes, place.saturating_add(24), b"LVM2 001")
        })
    }),
    (FileType::Btrfs, |bytes| at(bytes, 0x1_0040, b"_BHRfS_M")),
    // The mark of ext is two bytes; the number of inodes and the size of blocks must be some.
    (FileType::Ext, |bytes| {
        at(bytes, 1080, b"\x53\xef")
            && !at(bytes, 1024, &[0; 4])
            && at(bytes, 1049, &[0; 3])
            && bytes.get(1048).is_some_and(|size| *size <= 6)
    }),
    // The signature alone is two bytes; a partition table has a status of 0 or 0x80 in each of its rows.
    (FileType::Mbr, |bytes| {
        let is_status = |row| at(bytes, row, b"\0") || at(bytes, row, b"\x80");
        at(bytes, 510, b"\x55\xaa") && [446, 462, 478, 494].into_iter().all(is_status)
    }),
];

fn at(bytes: &[u8], offset: usize, magic: &[u8]) -> bool {
    bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic))
}

/// Whether a footer of 512 bytes begins with these.
fn at_end(bytes: &[u8], magic: &[u8]) -> bool {
    bytes.len().checked_sub(512).is_some_and(|footer| at(bytes, footer, magic))
}

/// Sectors of 2,048 bytes, or raw ones of 2,352 with a header of 0, 16 or 24.
fn is_iso(bytes: &[u8]) -> bool {
    [32_769, 37_633, 37_649, 37_657].into_iter().any(|place| at(bytes, place, b"CD001"))
}

/// A jump, and numbers that a volume can have: sectors of 512 to 4,096 bytes, a power of two of them in a cluster,
/// one or two tables, a kind of medium.
fn is_fat(bytes: &[u8]) -> bool {
    let Some(start) = bytes.get(..512).and_then(|sector| sector.first_chunk::<24>()) else { return false };
    let is_jump = matches!(start, [0xeb, _, 0x90, ..] | [0xe9, ..]);
    let &[.., low, high, cluster, reserved, more, tables, _, _, _, _, medium, _, _] = start;
    let sector = u16::from_le_bytes([low, high]);
    is_jump
        && matches!(sector, 512 | 1024 | 2048 | 4096)
        && cluster.is_power_of_two()
        && (reserved, more) != (0, 0)
        && matches!(tables, 1 | 2)
        && (medium == 0xf0 || medium >= 0xf8)
}
