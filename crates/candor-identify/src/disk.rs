//! Images of disks and volumes, which say what they are far behind the first kilobyte or at the end.

use candor_model::FileType;

/// The image type of `bytes`, if they are one.
pub(crate) fn identify(bytes: &[u8]) -> Option<FileType> {
    let at = |offset: usize, magic: &[u8]| {
        offset
            .checked_add(magic.len())
            .and_then(|end| bytes.get(offset..end))
            .is_some_and(|found| found == magic)
    };
    // A disk of fixed size is the raw disk and a footer, so the footer comes before what is on the disk.
    if bytes.len().checked_sub(512).is_some_and(|footer| at(footer, b"conectix\0\0\0")) {
        return Some(FileType::Vhd);
    }
    if at(0, b"ER") && at(512, b"PM\0\0") {
        return Some(FileType::Apm);
    }
    // The size of a block is a power of two between 512 and 65,536 bytes.
    if at(0, b"XFSB\0") && bytes.get(120).is_some_and(|size| (9..=16).contains(size)) {
        return Some(FileType::Xfs);
    }
    // The superblock of a container, by what kind of object it is.
    if at(32, b"NXSB") && at(24, &[1, 0]) {
        return Some(FileType::Apfs);
    }
    if at(512, b"EFI PART") {
        return Some(FileType::Gpt);
    }
    // Sectors of 2,048 bytes, or raw ones of 2,352 with a header of 0, 16 or 24.
    if [32_769, 37_633, 37_649, 37_657].into_iter().any(|place| at(place, b"CD001")) {
        return Some(FileType::Iso9660);
    }
    // Volume recognition sequences start at sector 16 and hold a handful of descriptors.
    if at(32_769, b"BEA01") || at(34_817, b"BEA01") || at(36_865, b"BEA01") {
        return Some(FileType::Udf);
    }
    if at(1024, b"H+\0\x04") || at(1024, b"HX\0\x05") {
        return Some(FileType::PartHfsPlus);
    }
    if bytes.len().checked_sub(512).is_some_and(|trailer| at(trailer, b"koly")) {
        return Some(FileType::Dmg);
    }
    if at(3, b"NTFS    ") && at(510, b"\x55\xaa") {
        return Some(FileType::Ntfs);
    }
    if (at(3, b"EXFAT   ") && at(510, b"\x55\xaa")) || is_fat(bytes) {
        return Some(FileType::Fat);
    }
    // The label stands in one of the first four sectors, and says in which.
    if [0_u8, 1, 2, 3].into_iter().any(|sector| {
        let place = usize::from(sector).saturating_mul(512);
        at(place, &[b'L', b'A', b'B', b'E', b'L', b'O', b'N', b'E', sector])
            && at(place.saturating_add(24), b"LVM2 001")
    }) {
        return Some(FileType::Lvm);
    }
    if at(0x1_0040, b"_BHRfS_M") {
        return Some(FileType::Btrfs);
    }
    // The mark of ext is two bytes; the number of inodes and the size of blocks must be some.
    if at(1080, b"\x53\xef")
        && !at(1024, &[0; 4])
        && at(1049, &[0; 3])
        && bytes.get(1048).is_some_and(|size| *size <= 6)
    {
        return Some(FileType::Ext);
    }
    // The signature alone is two bytes; a partition table has a status of 0 or 0x80 in each of its rows.
    let is_table = || [446, 462, 478, 494].iter().all(|&row| at(row, b"\0") || at(row, b"\x80"));
    (at(510, b"\x55\xaa") && is_table()).then_some(FileType::Mbr)
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
