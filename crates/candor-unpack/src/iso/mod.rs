//! ISO 9660, with the names of Joliet and Rock Ridge, also as raw sectors of 2,352 bytes.
//!
//! Layout: ECMA-119. Volume descriptors from sector 16 on; each names a root directory; a directory is
//! records of length, place, size, flags and name.
//!
//! A volume that is UDF as well is read as that, too: systems prefer it.
//!
//! Every descriptor's tree is walked, because hostile images have one for each kind of reader; a file that
//! several trees lead to is given once. Directories that lead back into themselves are visited once.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::name::decoded;
use crate::reader::{Reader, clipped, without_nuls};
use crate::troubles::Troubles;
use crate::udf;
use crate::work::{Work, charge, units};
use crate::zisofs;

const SECTOR: u64 = 2048;
/// Length of a raw sector.
const RAW: usize = 2352;
/// Entries of directories that are read.
const ENTRIES: u32 = 100_000;
/// What an entry costs beside its path, in the units of [`candor_model::Budget::pay_work`].
const ENTRY: u64 = 256;

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let is_volume = |offset: usize| bytes.get(offset..).is_some_and(|rest| rest.starts_with(b"CD001"));
    // What of a raw sector stands before its data, which depends on the mode.
    let header = [0, 16, 24]
        .into_iter()
        .find(|&header| is_volume(RAW.saturating_mul(16).saturating_add(header).saturating_add(1)));
    if let Some(header) = header.filter(|_| !is_volume(32_769)) {
        let sectors = u64::try_from(bytes.len().div_ceil(RAW)).unwrap_or(u64::MAX);
        let room = sink.budget().memory().min(sink.budget().remaining());
        let fitting = sectors.min(room.checked_div(SECTOR).unwrap_or(0));
        if fitting < sectors {
            let whole = sectors.saturating_mul(SECTOR);
            if let Err(reason) = sink.budget().admit(whole) {
                sink.incomplete(reason);
            }
        }
        let data = |sector| clipped(sector, u64::try_from(header).unwrap_or(0), SECTOR);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        let user: Vec<u8> = bytes.chunks(RAW).take(fitting).flat_map(data).copied().collect();
        let length = u64::try_from(user.len()).unwrap_or(u64::MAX);
        match sink.budget().spend(length) {
            Ok(()) => volume(&user, sink),
            Err(reason) => sink.incomplete(reason),
        }
        return;
    }
    volume(bytes, sink);
}

fn volume(bytes: &[u8], sink: &mut dyn Sink) {
    let mut walk = Walk {
        bytes,
        sink,
        position: 0,
        directories: BTreeSet::new(),
        files: BTreeSet::new(),
        left: ENTRIES,
        troubles: Troubles::default(),
        work: Work::of(bytes),
    };
    // Joliet first: its names are the long ones.
    let mut roots = Vec::new();
    let mut is_whole = false;
    for sector in 16..80_u64 {
        let descriptor = clipped(bytes, sector.saturating_mul(SECTOR), SECTOR);
        if descriptor.get(1..6) != Some(b"CD001") {
            is_whole = !descriptor.is_empty();
            break;
        }
        let Some(record) = descriptor.get(156..190).and_then(Record::read) else { continue };
        let is_joliet = descriptor.get(88..90) == Some(b"%/");
        match descriptor.first() {
            Some(1) => roots.push((record, false)),
            Some(2) => roots.insert(0, (record, is_joliet)),
            Some(255) => {
                is_whole = true;
                break;
            }
            _ => {}
        }
    }
    if roots.is_empty() || !is_whole {
        walk.sink.incomplete(Reason::Malformed("ISO 9660 descriptors".to_owned()));
    }
    for (root, is_joliet) in roots {
        if walk.tree(&root, is_joliet) == Flow::Stop {
            return;
        }
    }
    std::mem::take(&mut walk.troubles).finish(walk.sink);
    let has_udf =
        (16..80_u64).any(|sector| clipped(bytes, sector.saturating_mul(SECTOR), 5).starts_with(b"\0NSR0"));
    let Walk { sink, mut files, .. } = walk;
    if has_udf && !udf::walk(bytes, &mut files, sink) {
        sink.incomplete(Reason::Malformed("UDF descriptors".to_owned()));
    }
}

struct Walk<'a, 'sink> {
    bytes: &'a [u8],
    sink: &'sink mut dyn Sink,
    position: u64,
    directories: BTreeSet<u64>,
    files: BTreeSet<(u64, u64)>,
    left: u32,
    troubles: Troubles,
    /// For directories that overlap.
    work: Work,
}

impl Walk<'_, '_> {
    fn tree(&mut self, root: &Record<'_>, is_joliet: bool) -> Flow {
        let mut open = vec![(root.offset, root.length, String::new())];
        while let Some((offset, length, path)) = open.pop() {
            if !self.directories.insert(offset) {
                continue;
            }
            let directory = clipped(self.bytes, offset, length);
            if !self.work.pay(directory.len(), self.sink) {
                return Flow::Stop;
            }
            if u64::try_from(directory.len()).unwrap_or(0) < length {
                let path = path.strip_suffix('/').unwrap_or("/");
                self.troubles.damaged(self.sink, format!("the directory {path} is cut short"));
            }
            // Records do not cross sectors; what is left of one is zeros.
            for sector in directory.chunks(2048) {
                let mut rest = sector;
                while let Some(record) = Record::read(rest) {
                    rest = rest.get(record.size..).unwrap_or_default();
                    if matches!(record.name, [0 | 1]) {
                        continue;
                    }
                    let Some(left) = self.left.checked_sub(1) else {
                        self.sink.incomplete(Reason::Children);
                        return Flow::Stop;
                    };
                    self.left = left;
                    if !charge(ENTRY.saturating_add(units(path.len())), self.sink) {
                        return Flow::Stop;
                    }
                    let name = format!("{path}{}", record.shown(is_joliet));
                    if record.is_directory {
                        if name.len() < 4096 {
                            open.push((record.offset, record.length, name + "/"));
                        } else {
                            self.sink.incomplete(Reason::Depth);
                        }
                    } else if self.file(&record, name) == Flow::Stop {
                        return Flow::Stop;
                    }
                }
            }
        }
        Flow::Continue
    }

    fn file(&mut self, record: &Record<'_>, name: String) -> Flow {
        if record.length == 0 {
            return Flow::Continue;
        }
        if !self.files.insert((record.offset, record.length)) {
            // The tree that gave it says nothing of how it is packed.
            let member = Member { name, compressed_size: Some(record.length), ..Member::default() };
            return self.unpacked(record, clipped(self.bytes, record.offset, record.length), member);
        }
        self.position = self.position.saturating_add(1);
        let content = clipped(self.bytes, record.offset, record.length);
        let member = Member {
            name,
            position: self.position,
            compressed_size: Some(record.length),
            real_size: Some(record.length),
            ..Member::default()
        };
        if u64::try_from(content.len()).unwrap_or(0) < record.length {
            self.sink.incomplete(Reason::Malformed(format!("the file {} is cut short", member.name)));
        }
        let offset = record.offset.min(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX));
        if self.sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(content)) == Flow::Stop {
            return Flow::Stop;
        }
        self.unpacked(record, content, member)
    }

    /// Gives what a file is unpacked to that only the image says is packed.
    fn unpacked(&mut self, record: &Record<'_>, content: &[u8], member: Member) -> Flow {
        let Some(layout) = record.packed().filter(|_| !zisofs::has_magic(content)) else {
            return Flow::Continue;
        };
        if !self.files.insert((record.offset, !record.length)) {
            return Flow::Continue;
        }
        self.position = self.position.saturating_add(1);
        let member = Member { position: self.position, real_size: Some(layout.length), ..member };
        let mut blocks = zisofs::Blocks::new(content, layout);
        self.sink.child(ChildKind::Extracted, &member, Content::Stream(&mut blocks))
    }
}

struct Record<'a> {
    /// Of the record itself.
    size: usize,
    offset: u64,
    length: u64,
    is_directory: bool,
    name: &'a [u8],
    /// What stands behind the name: Rock Ridge's fields.
    system: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let size = usize::from(*bytes.first()?);
        let record = bytes.get(..size).filter(|record| record.len() >= 34)?;
        let start = Reader::little(record);
        let sector = u64::from(start.at(2)?.u32()?);
        let attributes = u64::from(*record.get(1)?);
        let length = u64::from(start.at(10)?.u32()?);
        let name_length = u64::from(*record.get(32)?);
        let name = clipped(record, 33, name_length);
        let system = clipped(record, 33_u64.saturating_add(name_length | 1), u64::MAX);
        Some(Self {
            size,
            offset: sector.saturating_add(attributes).saturating_mul(SECTOR),
            length,
            is_directory: record.get(25)? & 2 != 0,
            name,
            system,
        })
    }

    /// How the file is packed, by the field `ZF`: `pz`, the length of the header in four bytes, that of a block as a power of
    /// two, that of the file in both orders of bytes.
    fn packed(&self) -> Option<zisofs::Layout> {
        let field = fields(self.system).find(|field| field.starts_with(b"ZF"))?;
        let mut reader = Reader::little(field).at(4)?;
        let is_known = reader.take(2)? == b"pz";
        let (header, block, length) = (reader.u8()?, reader.u8()?, u64::from(reader.u32()?));
        is_known.then_some(zisofs::Layout { length, header: u64::from(header).saturating_mul(4), block })
    }

    fn shown(&self, is_joliet: bool) -> String {
        if is_joliet {
            let units: Vec<u16> =
                self.name.as_chunks::<2>().0.iter().map(|&unit| u16::from_be_bytes(unit)).collect();
            let name = String::from_utf16_lossy(&units);
            return name.strip_suffix(";1").unwrap_or(&name).to_owned();
        }
        let mut long = Vec::new();
        for field in fields(self.system).filter(|field| field.starts_with(b"NM")) {
            long.extend_from_slice(field.get(5..).unwrap_or_default());
        }
        if !long.is_empty() {
            return decoded(&long);
        }
        let name = without_nuls(self.name);
        decoded(name.strip_suffix(b";1").unwrap_or(name))
    }
}

/// The fields that stand behind the name in a record.
fn fields(system: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = system;
    std::iter::from_fn(move || {
        let length = usize::from(*rest.get(2)?);
        let (field, behind) = rest.split_at_checked(length).filter(|_| length >= 4)?;
        rest = behind;
        Some(field)
    })
}
