//! The table of readers of an inventory.

use std::fmt::Write as _;

use candor_policy::inventory::READERS;

pub(super) fn page() -> String {
    let mut page = String::from(
        "<!-- Written by `cargo xtask docs`; do not edit. -->\n\n\
         # What an inventory reads\n\n\
         `candor audit` walks a root by name: it opens a file only when its path has one of these readers, or when an\n\
         identifier of a vendor names it. It follows no link, and nothing leads out of the root. Files are read in a\n\
         jail; what could not be read, or not wholly, stands in the report as coverage.\n\n\
         A file that comes without a place (`candor audit FILE`) is known by its bytes and its name. A tar archive of\n\
         `docker save` or with an OCI layout, and a folder with an OCI layout, are read layer by layer, from the top, so\n\
         that what upper layers hide is not there.\n\n\
         An image of a disk is read like a mounted root, without being mounted: raw, VHD, VHDX, VMDK, QCOW2 or DMG; MBR,\n\
         GPT, Apple's map, LVM or one volume; ext2 to ext4, XFS, btrfs, NTFS, FAT, exFAT, HFS+, APFS. Of it are read tables, folders,\n\
         and the files that a reader or an identifier wants, so that one of terabytes costs what is looked at on it. A volume\n\
         that is encrypted (BitLocker, LUKS, FileVault) or of another file system (ZFS, ReFS, F2FS and others) is told by\n\
         name. On ext, XFS and btrfs, a volume or subvolume of its own for `var`, `usr`, `opt` or `home` is known by what\n\
         is on it. Logical volumes are known by group and name (`IMAGE!rhel/root/PATH`); those that cannot be read (thin ones,\n\
         caches, RAID, snapshots, those on a disk that is elsewhere) are told by theirs. What a snapshot of btrfs shares with\n\
         the subvolume that it is of is told once.\n\
         The volumes of a container of APFS are put together as macOS mounts them: system and data of one group are one\n\
         root, where what shows through firm links has its own path, and the rest stands below `System/Volumes`.\n\n\
         What was changed last may stand beside a file: logs of hives (`.LOG1`, `.LOG2`, `.LOG`, of both formats) and\n\
         write-ahead logs of SQLite (`-wal`) are applied in memory, up to the last change that is whole.\n\n\
         | reader | reads | up to |\n|---|---|---|\n",
    );
    for row in &READERS {
        // Writing to a string does not fail.
        let _ = writeln!(page, "| `{}` | {} | {} MiB |", row.name, row.what, row.most >> 20);
    }
    page.push_str(
        "\n## What is not read, and what is not proved\n\n\
         * `.snap` files, compressed archives of images of containers, compressed images of disks: unpack or mount\n  \
         them, and give the folder.\n\
         * Of an image of a disk: snapshots in it, what stands in the disk that it is based on, RAID of Linux,\n  \
         links, empty folders, files of more than 384 MiB; programs that Windows has compressed (WOF) are told. A volume of ext, XFS or btrfs that was in use\n  \
         says so, as changes in its journal are not applied; NTFS does not say it. Without the jail (`--no-sandbox`), images of more than 1 GiB\n  \
         are not read.\n\
         * Of a folder with an OCI layout, more than 900 blobs.\n\
         * Programs for Windows outside of `Program Files`, `ProgramData` and drivers, unless an identifier names them.\n\
         * A signature of a Windows program is verified as far as the file allows; whether somebody trusts the certificate\n  \
         at the end of its chain is not known. One that does not verify names nobody.\n\
         * The team of a program for macOS is what its code directory says; the signature over it is not verified.\n\
         * A key of an rpm package is the one that the signature names; it is not verified either.\n\
         * Of one source come 250,000 items at most, of one inventory two million; more is told.\n",
    );
    page
}
