//! Windows images of one image each.

use sha1::{Digest as _, Sha1};

use crate::archive::File;
use crate::lzms::lzms;

/// What packs them, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wim {
    /// Nothing.
    Stored,
    /// XPRESS: runs as copies, everything else as it is.
    Xpress,
    /// LZMS.
    Lzms,
    /// LZMS, the files in so many resources, all chunks of which follow one another.
    Solid(usize),
    /// XPRESS, for pipes.
    Piped,
}

/// Bytes of a chunk.
const CHUNK: usize = 32 << 10;
const METADATA: u64 = 2;
const PACKED: u64 = 4;
const SOLID: u64 = 16;

/// A WIM. A name may have one folder in front.
#[must_use]
pub fn wim(kind: Wim, files: &[File<'_>]) -> Vec<u8> {
    part(kind, files, 0..files.len(), 1, 1)
}

/// A WIM in two parts: the first with the folders and some of the files, the second with the others.
#[must_use]
pub fn wim_parts(kind: Wim, files: &[File<'_>], first: usize) -> [Vec<u8>; 2] {
    [part(kind, files, 0..first, 1, 2), part(kind, files, first..files.len(), 2, 2)]
}

fn part(kind: Wim, files: &[File<'_>], held: std::ops::Range<usize>, number: u16, parts: u16) -> Vec<u8> {
    let mut image = Image { kind, out: vec![0; 208], rows: Vec::new() };
    if kind == Wim::Piped {
        image.resource(b"<WIM/>", METADATA);
    }
    image.rows.clear();
    let held: Vec<&[u8]> =
        files[held].iter().map(|(_, content)| *content).filter(|content| !content.is_empty()).collect();
    if number == 1 {
        image.resource(&metadata(files), METADATA);
    }
    match kind {
        Wim::Solid(resources) => image.solid(&held, resources),
        _ => held.iter().for_each(|content| image.resource(content, 0)),
    }
    let table = image.rows.concat();
    if kind == Wim::Piped {
        image.piped(&table, METADATA);
    }
    let place = image.out.len();
    image.out.extend(&table);
    let (magic, flags): (_, u32) = match kind {
        Wim::Stored => (b"MSWIM\0\0\0", 0),
        Wim::Xpress => (b"MSWIM\0\0\0", 0x2_0002),
        Wim::Lzms | Wim::Solid(_) => (b"MSWIM\0\0\0", 0x8_0002),
        Wim::Piped => (b"WLPWM\0\0\0", 0x2_0002),
    };
    let version = if matches!(kind, Wim::Solid(_)) { 0xe00 } else { 0x10d00 };
    let chunk = u32::try_from(CHUNK).unwrap_or(0);
    let part = u32::from(number) | u32::from(parts) << 16;
    let mut header = vec![0; 208];
    header[..8].copy_from_slice(magic);
    for (at, value) in [(8, 208), (12, version), (16, flags), (20, chunk), (40, part), (44, 1)] {
        header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    image.out[..208].copy_from_slice(&header);
    let row = [long(table.len()), long(place), long(table.len())].concat();
    if kind == Wim::Piped {
        header[48..72].copy_from_slice(&row);
        image.out.extend(header);
    } else {
        image.out[48..72].copy_from_slice(&row);
    }
    image.out
}

struct Image {
    kind: Wim,
    out: Vec<u8>,
    rows: Vec<Vec<u8>>,
}

impl Image {
    /// Adds a stream that is packed on its own.
    fn resource(&mut self, content: &[u8], flags: u64) {
        let chunks = self.chunks(content);
        let is_packed = self.kind != Wim::Stored && chunks.concat().len() < content.len();
        let flags = if is_packed { flags | PACKED } else { flags };
        if self.kind == Wim::Piped {
            self.piped(content, flags);
        }
        let offset = self.out.len();
        let mut place = 0;
        let places: Vec<u8> = chunks[..chunks.len() - 1]
            .iter()
            .flat_map(|chunk| {
                place += chunk.len();
                short(place)
            })
            .collect();
        match self.kind {
            _ if !is_packed => self.out.extend(content),
            Wim::Piped => {
                for chunk in &chunks {
                    self.out.extend(short(chunk.len()));
                    self.out.extend(chunk);
                }
                self.out.extend(places);
            }
            _ => self.out.extend([places, chunks.concat()].concat()),
        }
        self.row(self.out.len() - offset, flags, offset, content.len() as u64, Sha1::digest(content).into());
    }

    /// What stands in front of a stream of an image for pipes.
    fn piped(&mut self, content: &[u8], flags: u64) {
        self.out.extend(0x2b9b_9ba2_443d_b9d8_u64.to_le_bytes());
        self.out.extend(long(content.len()));
        self.out.extend(Sha1::digest(content));
        self.out.extend(&flags.to_le_bytes()[..4]);
    }

    /// Adds streams that are packed together, in so many resources.
    fn solid(&mut self, contents: &[&[u8]], resources: usize) {
        let mut place = 0;
        let mut rows = Vec::new();
        for contents in contents.chunks(contents.len().div_ceil(resources).max(1)) {
            let all = contents.concat();
            let (offset, chunks) = (self.out.len(), self.chunks(&all));
            self.out.extend(long(all.len()));
            self.out.extend(short(CHUNK));
            self.out.extend(short(3));
            self.out.extend(chunks.iter().flat_map(|chunk| short(chunk.len())));
            self.out.extend(chunks.concat());
            self.row(self.out.len() - offset, SOLID, offset, 1 << 32, [0; 20]);
            for content in contents {
                rows.push((content.len(), place, Sha1::digest(content).into()));
                place += content.len();
            }
        }
        for (length, place, digest) in rows {
            self.row(length, SOLID, place, 0, digest);
        }
    }

    /// Chunks, packed where that is shorter.
    fn chunks(&self, content: &[u8]) -> Vec<Vec<u8>> {
        let packed = |chunk: &[u8]| match self.kind {
            Wim::Stored => chunk.to_vec(),
            Wim::Xpress | Wim::Piped => xpress(chunk),
            Wim::Lzms | Wim::Solid(_) => lzms(chunk),
        };
        let shorter = |chunk: &[u8]| {
            Some(packed(chunk)).filter(|packed| packed.len() < chunk.len()).unwrap_or_else(|| chunk.to_vec())
        };
        content.chunks(CHUNK).map(shorter).collect()
    }

    fn row(&mut self, packed: usize, flags: u64, offset: usize, real: u64, digest: [u8; 20]) {
        let mut row = (packed as u64 | flags << 56).to_le_bytes().to_vec();
        row.extend(long(offset));
        row.extend(real.to_le_bytes());
        row.extend([1, 0, 1, 0, 0, 0]);
        row.extend(digest);
        self.rows.push(row);
    }
}

/// Rights, then folders behind one another: the root's entries first.
fn metadata(files: &[File<'_>]) -> Vec<u8> {
    let entry = |name: &str, attributes: u32, below: usize, digest: [u8; 20]| {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut entry = vec![0; 102];
        entry[8..12].copy_from_slice(&attributes.to_le_bytes());
        entry[16..24].copy_from_slice(&long(below));
        entry[64..84].copy_from_slice(&digest);
        entry[100..102].copy_from_slice(&short(units.len())[..2]);
        entry.extend(units);
        entry.resize(entry.len().next_multiple_of(8), 0);
        let length = long(entry.len());
        entry[..8].copy_from_slice(&length);
        entry
    };
    let mut folders: Vec<(&str, Vec<u8>)> = vec![("", Vec::new())];
    for (path, content) in files {
        let digest = if content.is_empty() { [0; 20] } else { Sha1::digest(content).into() };
        let (folder, name) = path.split_once('/').unwrap_or(("", path));
        let entry = entry(name, 0x20, 0, digest);
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, entries)) => entries.extend(entry),
            None => folders.push((folder, entry)),
        }
    }
    let named: usize = folders[1..].iter().map(|(folder, _)| entry(folder, 16, 0, [0; 20]).len()).sum();
    // Rights, the root with its end, the root's entries with theirs.
    let mut place = 8 + 104 + 8 + folders[0].1.len() + named + 8;
    let mut metadata = [8, 0, 0, 0, 0, 0, 0, 0].to_vec();
    metadata.extend(entry("", 16, 8 + 104 + 8, [0; 20]));
    metadata.extend([0; 8]);
    metadata.extend(&folders[0].1);
    for (folder, entries) in &folders[1..] {
        metadata.extend(entry(folder, 16, place, [0; 20]));
        place += entries.len() + 8;
    }
    metadata.extend([0; 8]);
    for (_, entries) in &folders[1..] {
        metadata.extend([&entries[..], &[0; 8]].concat());
    }
    metadata
}

fn short(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes()
}

fn long(value: usize) -> [u8; 8] {
    (value as u64).to_le_bytes()
}

fn u16_of(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A chunk of XPRESS under codes that all have nine bits.
fn xpress(chunk: &[u8]) -> Vec<u8> {
    let mut out = vec![0x99; 256];
    // The next two words are reserved before whole bytes come.
    let mut words = [out.len(), out.len() + 2];
    out.extend([0; 4]);
    let (mut held, mut count) = (0_u32, 0);
    let mut put = |value: u32, width: u32, out: &mut Vec<u8>| {
        held = held << width | value;
        count += width;
        // A word that is full is written when more bits come.
        if count > 16 {
            count -= 16;
            let word = u16::try_from(held >> count & 0xffff).unwrap_or(0);
            out[words[0]..words[0] + 2].copy_from_slice(&word.to_le_bytes());
            words = [words[1], out.len()];
            out.extend([0; 2]);
            held &= (1 << count) - 1;
        }
    };
    let mut place = 0;
    while place < chunk.len() {
        let same = match place.checked_sub(1) {
            Some(before) => chunk[place..].iter().take_while(|byte| **byte == chunk[before]).count(),
            None => 0,
        };
        if same < 3 {
            put(u32::from(chunk[place]), 9, &mut out);
            place += 1;
            continue;
        }
        // From one byte back, which needs no more bits.
        let length = same - 3;
        put(256 + u32_of(length.min(15)), 9, &mut out);
        if length >= 15 {
            out.push(u8::try_from(length - 15).unwrap_or(255));
            if length - 15 >= 255 {
                out.extend(u16_of(length).to_le_bytes());
            }
        }
        place += same;
    }
    // What is held still goes into the first word that is reserved.
    put(0, 16, &mut out);
    out
}
