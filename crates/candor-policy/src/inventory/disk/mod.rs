//! Images of disks: raw ones, those of virtual machines (VHD, VHDX, VMDK, QCOW2) and Apple's (DMG), with partition
//! tables or without, logical volumes of LVM, and the volumes on them (ext, XFS, btrfs, NTFS, FAT, exFAT, HFS+, APFS).
//!
//! A disk is larger than memory. What is read of it is tables, folders and the files that a reader or an identifier
//! wants; nothing else is touched. A volume that is encrypted, or whose file system is none of these, is told by
//! name: what is on it was not seen.

mod apple;

use std::cell::RefCell;
use std::io::Read as _;

use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Reason, Sink,
};
use candor_unpack::volume::{self, Logical, Medium, Partition, Window, taken};

use super::inside::{Found, Inside};
use super::{CoverageState, Interest};

/// Volumes of one disk that are looked at.
const VOLUMES: usize = 64;
/// Files of one volume.
const FILES: u32 = 8_000_000;
/// Bytes that the tables and folders of all volumes may have, and what of them is held at a time.
const TABLES: u64 = 64 << 30;
const HELD: u64 = 1 << 30;
/// Bytes at the start of a volume that say what it is.
const START: u64 = 72 << 10;
/// Reasons that are told of one volume.
const REASONS: usize = 8;
/// Disks in one another: a logical volume may have partitions of its own, with a system in each.
const DISKS: u32 = 3;

/// Where a Linux system mounts volumes of their own, besides the root.
const MOUNTED: [&str; 5] = ["", "var/", "usr/", "opt/", "home/"];

/// The kind of image that bytes are, if they are one of a disk or of a volume.
pub(super) fn is_image(bytes: &[u8]) -> Option<FileType> {
    let file_type = candor_identify::identify(bytes);
    match file_type {
        FileType::Vhd
        | FileType::Vhdx
        | FileType::Vmdk
        | FileType::Qcow2
        | FileType::Dmg
        | FileType::Mbr
        | FileType::Gpt
        | FileType::Apm
        | FileType::Apfs
        | FileType::Btrfs
        | FileType::Ext
        | FileType::Fat
        | FileType::Lvm
        | FileType::Ntfs
        | FileType::PartHfsPlus
        | FileType::Xfs => Some(file_type),
        FileType::BinaryData => closed(&bytes, bytes).is_some().then_some(FileType::BinaryData),
        _ => None,
    }
}

/// Reads the image of a disk; gives items, and what became of each volume. Paths are told as `IMAGE!VOLUME/PATH`.
pub(super) fn read(
    name: &str,
    file_type: FileType,
    bytes: &[u8],
    interest: &dyn Interest,
    give: &mut dyn FnMut(Found),
) -> CoverageState {
    let mut reading =
        Reading { inside: Inside::new(name, interest, give), volumes: 0, missed: 0, is_any_read: false };
    let mut told = Told::default();
    let is_virtual = matches!(
        file_type,
        FileType::Vhd | FileType::Vhdx | FileType::Vmdk | FileType::Qcow2 | FileType::Dmg
    );
    if is_virtual {
        match volume::raw_disk(file_type, bytes, &mut told) {
            Some(disk) => reading.disk("", &*disk, 0, &mut told),
            None if told.reasons.is_empty() => told.add("nothing stands on it".to_owned()),
            None => (),
        }
    } else {
        reading.disk("", &bytes, 0, &mut told);
    }
    if reading.inside.is_full() {
        told.add("there is more on it than is told".to_owned());
    }
    let Reading { volumes, missed, is_any_read, .. } = reading;
    if missed > 0 && !is_any_read && told.reasons.is_empty() {
        return CoverageState::NotRead(format!("none of its {volumes} volumes could be read"));
    }
    if missed > 0 {
        told.add(format!("{missed} of its {volumes} volumes could not be read, or not wholly"));
    }
    match (told.reasons.is_empty(), volumes) {
        (true, _) => CoverageState::Read,
        (false, 0) => CoverageState::NotRead(told.words()),
        (false, _) => CoverageState::Partly(told.words()),
    }
}

struct Reading<'a, 'give> {
    inside: Inside<'a, 'give>,
    volumes: usize,
    /// Volumes that were not read, or not wholly.
    missed: usize,
    /// Whether one was read, wholly or not.
    is_any_read: bool,
}

impl Reading<'_, '_> {
    /// A disk with partitions or logical volumes, or with one volume from its start on. `within` is what it stands in.
    fn disk(&mut self, within: &str, medium: &dyn Medium, depth: u32, told: &mut Told) {
        let start = taken(medium, 0, START);
        let is_wide = taken(medium, 4096, 8) == b"EFI PART";
        let file_type = match candor_identify::identify(&start) {
            FileType::Mbr if is_wide => FileType::Gpt,
            other => other,
        };
        if depth >= DISKS {
            return self.volume(within, medium);
        }
        if file_type == FileType::Lvm {
            return self.logical(&[medium], depth, told);
        }
        if !matches!(file_type, FileType::Mbr | FileType::Gpt | FileType::Apm) {
            return self.volume(within, medium);
        }
        let mut number = 0_usize;
        let mut physical = Vec::new();
        volume::partitions(file_type, medium, told, &mut |told, partition| {
            number = number.saturating_add(1);
            if number > VOLUMES {
                told.incomplete(Reason::Children);
                return Flow::Stop;
            }
            if partition.kind == [0xee] {
                told.incomplete(Reason::Malformed("its GUID partition table is missing".to_owned()));
            } else if has_files(partition) {
                let window = Window::new(medium, partition.offset, partition.length);
                let slash = if within.is_empty() { "" } else { "/" };
                let name = match partition.name.trim() {
                    "" => format!("{within}{slash}partition {number}"),
                    name => {
                        format!("{within}{slash}partition {number} ({})", name.replace(['/', '!'], "_"))
                    }
                };
                if volume::is_physical_volume(&window) {
                    physical.push(window);
                } else {
                    self.volume(&name, &window);
                }
            }
            if self.inside.is_full() { Flow::Stop } else { Flow::Continue }
        });
        if number == 0 {
            told.add("its partition table has no partition".to_owned());
        }
        // What stands on several of them is spread over all.
        let physical: Vec<&dyn Medium> = physical.iter().map(|window| window as &dyn Medium).collect();
        if !physical.is_empty() {
            self.logical(&physical, depth, told);
        }
    }

    /// The logical volumes on physical ones, each a disk for itself, known by its group and its name.
    fn logical(&mut self, physical: &[&dyn Medium], depth: u32, told: &mut Told) {
        let mut own = Told::default();
        volume::logical_volumes(physical, &mut own, &mut |_, name, found| {
            match found {
                Logical::Volume(volume) => self.disk(name, volume, depth.saturating_add(1), told),
                Logical::Closed(why) => {
                    self.volumes = self.volumes.saturating_add(1);
                    self.missed = self.missed.saturating_add(1);
                    self.inside.begin(name, &[""]);
                    self.inside.coverage("disk", "", CoverageState::NotRead(why.clone()), 0);
                }
            }
            if self.inside.is_full() { Flow::Stop } else { Flow::Continue }
        });
        own.reasons.into_iter().for_each(|why| told.add(why));
    }

    fn volume(&mut self, name: &str, medium: &dyn Medium) {
        let start = taken(medium, 0, START);
        if start.iter().all(|byte| *byte == 0) && !name.is_empty() {
            return;
        }
        let kind = candor_identify::identify(&start);
        if kind == FileType::Apfs {
            return self.apfs(name, medium);
        }
        self.volumes = self.volumes.saturating_add(1);
        let closed = closed(medium, &start);
        let mounted = if matches!(kind, FileType::Btrfs | FileType::Ext | FileType::Xfs) {
            &MOUNTED[..]
        } else {
            &[""]
        };
        self.inside.begin(name, mounted);
        let part = RefCell::new(String::new());
        let mut files = Files {
            inside: &mut self.inside,
            told: Told::default(),
            kind,
            left: FILES,
            name,
            mounted,
            part: &part,
            at: String::new(),
            items: 0,
        };
        let enter = &mut |path: &str| path.clone_into(&mut part.borrow_mut());
        let is_read = closed.is_none() && volume::files(kind, medium, &mut files, enter);
        files.inside.finish();
        let items = files.items.saturating_add(files.inside.items());
        let mut told = files.told;
        self.inside.begin(name, mounted);
        let what = match (closed, is_read) {
            (Some(Closed::NoFiles), _) => return,
            (Some(Closed::By(what)), _) => what.to_owned(),
            (None, true) => String::new(),
            (None, false) => match kind {
                FileType::BinaryData | FileType::Mbr => "no file system that is known is on it".to_owned(),
                kind => format!("what stands on it ({}) is not read", kind.description()),
            },
        };
        if is_read && self.inside.is_full() {
            told.add("there is more on it than is told".to_owned());
        }
        let state = match (is_read, told.reasons.is_empty()) {
            (true, true) => CoverageState::Read,
            (true, false) => CoverageState::Partly(told.words()),
            (false, _) => CoverageState::NotRead(what),
        };
        self.is_any_read |= is_read;
        if state != CoverageState::Read {
            self.missed = self.missed.saturating_add(1);
        }
        self.inside.coverage("disk", if is_read { kind_name(kind) } else { "" }, state, items);
    }
}

/// What a file system is called.
const fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::Btrfs => "btrfs",
        FileType::Ext => "ext",
        FileType::Fat => "FAT",
        FileType::Ntfs => "NTFS",
        FileType::PartHfsPlus => "HFS+",
        FileType::Xfs => "XFS",
        _ => "",
    }
}

/// Whether a partition is one that files may be on, by what its table says of it.
fn has_files(partition: &Partition) -> bool {
    /// Of GUID partition tables: BIOS boot, reserved by Microsoft, swap of Linux, boot of Apple.
    const NONE: [[u8; 16]; 4] = [
        *b"Hah!IdontNeedEFI",
        *b"\x16\xe3\xc9\xe3\x5c\x0b\xb8\x4d\x81\x7d\xf9\x2d\xf0\x02\x15\xae",
        *b"\x6d\xfd\x57\x06\xab\xa4\xc4\x43\x84\xe5\x09\x33\xc8\x4b\x4f\x4f",
        *b"tofB\0\0\xaa\x11\xaa\x11\0\x30\x65\x43\xec\xac",
    ];
    match &partition.kind[..] {
        // Swap of Linux.
        [kind] => *kind != 0x82,
        kind => !NONE.iter().any(|none| none == kind),
    }
}

/// Why nothing of a volume is read, whatever else it looks like.
enum Closed {
    /// What it is.
    By(&'static str),
    /// Files cannot be on it.
    NoFiles,
}

/// Volumes that say by a mark that they are encrypted, or of a kind that is not read.
fn closed(medium: &dyn Medium, start: &[u8]) -> Option<Closed> {
    const MARKS: [(usize, &[u8], &str); 13] = [
        (3, b"-FVE-FS-", "it is encrypted by BitLocker"),
        (
            424,
            b"\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01",
            "it is encrypted by BitLocker",
        ),
        (0, b"LUKS\xba\xbe", "it is encrypted by LUKS"),
        (0, b"encrcdsa", "it is encrypted by FileVault"),
        (3, b"ReFS\0\0\0\0", "its file system (ReFS) is not read"),
        (1024, b"\x10\x20\xf5\xf2", "its file system (F2FS) is not read"),
        (0x1_0034, b"ReIsEr", "its file system (ReiserFS) is not read"),
        (0x8000, b"JFS1", "its file system (JFS) is not read"),
        (
            4096 + 24,
            b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81",
            "its file system (bcachefs) is not read",
        ),
        (4096, b"\xfc\x4e\x2b\xa9\x01\0\0\0", "it is a part of a RAID of Linux, which is not read"),
        (0, b"hsqs", "its file system (SquashFS) is not read as that of a disk"),
        (0x8001, b"CD001", "its file system (ISO 9660) is not read as that of a disk"),
        (0x2_0000, b"\x0c\xb1\xba\0\0\0\0\0", "its file system (ZFS) is not read"),
    ];
    let is_swap =
        |at: usize| matches!(start.get(at..at.saturating_add(10)), Some(b"SWAPSPACE2" | b"SWAP-SPACE"));
    if [4086, 8182, 16_374, 65_526].into_iter().any(is_swap) {
        return Some(Closed::NoFiles);
    }
    // The mark of CoreStorage is two letters; its version and the kind of its first block make it sure.
    if start.get(8..12) == Some(b"\x01\0\x10\0") && start.get(88..90) == Some(b"CS") {
        return Some(Closed::By("it is a physical volume of CoreStorage, perhaps encrypted by FileVault"));
    }
    let has = |at: usize, mark: &[u8]| {
        let end = at.saturating_add(mark.len());
        match start.get(at..end) {
            Some(found) => found == mark,
            None => {
                let length = u64::try_from(mark.len()).unwrap_or(0);
                taken(medium, u64::try_from(at).unwrap_or(u64::MAX), length) == mark
            }
        }
    };
    MARKS.iter().find(|(at, mark, _)| has(*at, mark)).map(|(_, _, what)| Closed::By(what))
}

/// Why not all was read.
struct Told {
    reasons: Vec<String>,
    budget: Budget,
}

impl Default for Told {
    fn default() -> Self {
        let limits = Limits {
            max_scan_size: TABLES,
            max_file_size: TABLES,
            max_memory: HELD,
            max_children: u32::MAX,
            ..Limits::default()
        };
        Self { reasons: Vec::new(), budget: Budget::new(limits, Interrupt::new(), TABLES) }
    }
}

impl Told {
    fn add(&mut self, why: String) {
        if self.reasons.len() < REASONS && !self.reasons.contains(&why) {
            self.reasons.push(why);
        }
    }

    fn words(&self) -> String {
        self.reasons.join("; ")
    }
}

impl Sink for Told {
    fn child(&mut self, _: ChildKind, _: &Member, _: Content<'_>) -> Flow {
        Flow::Continue
    }

    fn facts(&mut self, _: Facts) {}

    fn incomplete(&mut self, reason: Reason) {
        self.add(reason.to_string());
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

/// Takes the files of a volume.
struct Files<'i, 'a, 'give> {
    inside: &'i mut Inside<'a, 'give>,
    told: Told,
    kind: FileType,
    left: u32,
    /// The volume, and what a path on it may be below.
    name: &'i str,
    mounted: &'static [&'static str],
    /// Which part of the volume comes, where it is several, and the one that came last.
    part: &'i RefCell<String>,
    at: String,
    /// Items of the parts before.
    items: u64,
}

impl Files<'_, '_, '_> {
    /// Begins with another part, if another comes.
    fn enter(&mut self) {
        let part = self.part.borrow();
        if *part == self.at {
            return;
        }
        self.at.clone_from(&part);
        self.inside.finish();
        self.items = self.items.saturating_add(self.inside.items());
        let slash = if self.name.is_empty() || part.is_empty() { "" } else { "/" };
        self.inside.begin(&format!("{}{slash}{part}", self.name), self.mounted);
    }
}

impl Sink for Files<'_, '_, '_> {
    fn child(&mut self, _: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        let Some(left) = self.left.checked_sub(1) else {
            self.told.add("it has more files than are looked at".to_owned());
            return Flow::Stop;
        };
        self.left = left;
        self.enter();
        let path = member.name.strip_prefix(&self.at).unwrap_or(&member.name).trim_start_matches('/');
        // Other streams of a file, and what belongs to the file system.
        let is_other = match self.kind {
            FileType::Ntfs => path.contains(':'),
            FileType::PartHfsPlus => path.ends_with("/rsrc"),
            _ => false,
        };
        // A file that Windows has compressed for good has its content in another stream, and none in its own.
        if let Some(path) = path.strip_suffix(":WofCompressedData").filter(|_| is_other) {
            if let Some(wish) = self.inside.wish(path) {
                self.inside.unread(&wish.path, "it is compressed in a way that is not read (WOF)");
            }
            return Flow::Continue;
        }
        if path.is_empty() || is_other {
            return Flow::Continue;
        }
        let Some(wish) = self.inside.wish(path) else { return Flow::Continue };
        match content {
            Content::Bytes(whole) => self.inside.file(&wish.path, whole, None),
            Content::Part(part, reason) => self.inside.file(&wish.path, part, Some(&reason.to_string())),
            Content::Absent(reason) => self.inside.unread(&wish.path, &reason.to_string()),
            Content::Stream(stream) => {
                let length = member.real_size.unwrap_or(0);
                if length > wish.most {
                    let why = format!("its {length} bytes are more than the {} that are read", wish.most);
                    self.inside.unread(&wish.path, &why);
                } else {
                    let mut held = Vec::new();
                    let read = stream.take(wish.most).read_to_end(&mut held);
                    match read {
                        Ok(_) => self.inside.file(&wish.path, &held, None),
                        Err(error) if held.is_empty() => self.inside.unread(&wish.path, &error.to_string()),
                        Err(error) => self.inside.file(&wish.path, &held, Some(&error.to_string())),
                    }
                }
            }
        }
        if self.inside.is_full() { Flow::Stop } else { Flow::Continue }
    }

    fn facts(&mut self, _: Facts) {}

    fn incomplete(&mut self, reason: Reason) {
        self.told.incomplete(reason);
    }

    fn budget(&mut self) -> &mut Budget {
        self.told.budget()
    }
}

#[cfg(test)]
mod tests;
