//! Installers of InstallShield: what stands behind the program `setup.exe`, and cabinets of its own kind.
//!
//! Layouts: none are published by the maker; these are from what its programs write.
//!
//! ```text
//! setup   perhaps the name of a debug file: "NB10", 12 bytes, name, NUL
//!         either, for each file: name, path, version and length as strings that end in NUL; content
//!         or "InstallShield" or "ISSetupStream", NUL, number of files, 30 bytes;
//!            for each file: name, flags, length, whether zlib packs it; content under a key from its name
//! ```
//!
//! A cabinet has its directory in a file of its own and its content in others, which are found beside it in
//! the same installer. Cabinets are in `cabinet.rs`, and archives of version 3 in `archive.rs`.

mod archive;
mod cabinet;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::codec::{self, Decoder};
use crate::name::decoded;
use crate::reader::{Reader, until_nul};
use archive::Archive;
use cabinet::Cabinet;

/// Files of an installer.
const FILES: u64 = 65_536;

/// Gives every file of what stands behind a program.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let start = behind_debug(bytes);
    let rest = bytes.get(start..).unwrap_or_default();
    if rest.starts_with(b"InstallShield\0") || rest.starts_with(b"ISSetupStream\0") {
        if keyed(rest, sink).is_none() {
            sink.incomplete(Reason::Malformed("the files of an InstallShield installer".to_owned()));
        }
        return;
    }
    let (files, is_whole) = plain(bytes, start);
    if !is_whole {
        sink.incomplete(Reason::Malformed("the files of an InstallShield installer".to_owned()));
    }
    let names: Vec<String> = files.iter().map(|file| file.name.to_ascii_lowercase()).collect();
    // Directories of cabinets, by the names of what they describe without a number.
    let mut cabinets: BTreeMap<String, Cabinet<'_>> = BTreeMap::new();
    for end in [".hdr", ".cab"] {
        for (file, name) in files.iter().zip(&names) {
            if let Some((stem, cabinet)) = name.strip_suffix(end).zip(Cabinet::read(file.content)) {
                cabinets.entry(without_number(stem).to_owned()).or_insert(cabinet);
            }
        }
    }
    for (position, (file, name)) in (1_u64..).zip(files.iter().zip(&names)) {
        // The pieces of a cabinet are given by its directory.
        let stem = name.strip_suffix(".cab").or_else(|| name.strip_suffix(".hdr")).map(without_number);
        if stem.is_some_and(|stem| cabinets.contains_key(stem)) {
            continue;
        }
        let member =
            Member { name: file.name.clone(), position, real_size: Some(file.length), ..Member::default() };
        let offset = u64::try_from(file.offset).unwrap_or(u64::MAX);
        if sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(file.content)) == Flow::Stop {
            return;
        }
    }
    let mut volumes: BTreeMap<&str, cabinet::Volumes<'_>> = BTreeMap::new();
    for (file, name) in files.iter().zip(&names) {
        let Some(stem) = name.strip_suffix(".cab") else { continue };
        let (stem, number) = stem.split_at_checked(without_number(stem).len()).unwrap_or_default();
        if let Ok(number) = number.parse() {
            volumes.entry(stem).or_default().entry(number).or_insert(file.content);
        }
    }
    for (stem, cabinet) in &cabinets {
        let own = volumes.remove(stem.as_str()).unwrap_or_default();
        if cabinet.give(&own, sink) == Flow::Stop {
            return;
        }
    }
}

/// A name without the digits at its end.
fn without_number(name: &str) -> &str {
    name.trim_end_matches(|byte: char| byte.is_ascii_digit())
}

/// Gives every file of a cabinet that stands alone.
pub(crate) fn unpack_cabinet(bytes: &[u8], sink: &mut dyn Sink) {
    if let Some(archive) = Archive::read(bytes) {
        archive.give(sink);
        return;
    }
    match Cabinet::read(bytes) {
        Some(cabinet) => {
            let _ = cabinet.give(&[(1, bytes)].into_iter().collect(), sink);
        }
        None => cabinet::give_without_directory(bytes, sink),
    }
}

/// Where the installer's data begin: behind the name of a debug file, if there is one.
fn behind_debug(bytes: &[u8]) -> usize {
    if !bytes.starts_with(b"NB10") {
        return 0;
    }
    let name = until_nul(bytes.get(16..).unwrap_or_default());
    name.len().saturating_add(17).min(bytes.len())
}

struct Plain<'a> {
    name: String,
    offset: usize,
    length: u64,
    content: &'a [u8],
}

/// Files that stand as they are, and whether those are all.
fn plain(bytes: &[u8], start: usize) -> (Vec<Plain<'_>>, bool) {
    let mut files = Vec::new();
    // Since the installers are for Unicode, characters have two bytes.
    let is_wide = [1, 3].into_iter().all(|at| bytes.get(start.saturating_add(at)) == Some(&0));
    let Some(mut reader) = Reader::little(bytes).at(u64::try_from(start).unwrap_or(u64::MAX)) else {
        return (files, false);
    };
    while !reader.rest().is_empty() {
        let mut file = || {
            let (name, _, _) =
                (text(&mut reader, is_wide)?, text(&mut reader, is_wide)?, text(&mut reader, is_wide)?);
            let length: u64 = text(&mut reader, is_wide)?.parse().ok()?;
            let offset = reader.position();
            let content = reader.rest();
            let content = content.get(..usize::try_from(length).ok()?).unwrap_or(content);
            let _ = reader.skip(u64::try_from(content.len()).ok()?);
            Some(Plain { name, offset, length, content })
        };
        let Some(file) = file().filter(|_| u64::try_from(files.len()).unwrap_or(FILES) < FILES) else {
            return (files, false);
        };
        let is_cut = u64::try_from(file.content.len()).unwrap_or(0) < file.length;
        files.push(file);
        if is_cut {
            return (files, false);
        }
    }
    let is_whole = !files.is_empty();
    (files, is_whole)
}

fn text(reader: &mut Reader<'_>, is_wide: bool) -> Option<String> {
    let rest = reader.rest();
    if is_wide {
        let units: Vec<u16> =
            rest.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).take(300).collect();
        let length = units.iter().position(|unit| *unit == 0)?;
        reader.skip(u64::try_from(length.saturating_add(1).saturating_mul(2)).ok()?)?;
        return Some(String::from_utf16_lossy(units.get(..length)?));
    }
    let near = rest.get(..rest.len().min(300))?;
    let length = near.iter().position(|byte| *byte == 0)?;
    reader.skip(u64::try_from(length.saturating_add(1)).ok()?)?;
    Some(decoded(near.get(..length)?))
}

/// Files under a key.
fn keyed(bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let is_stream = bytes.starts_with(b"ISSetup");
    let mut reader = Reader::little(bytes).at(14)?;
    let count = reader.u16()?;
    reader.skip(30)?;
    for position in 1..=u64::from(count) {
        let (name, flags, length, is_zlib) = if is_stream {
            let (name_length, flags) = (reader.u32()?, reader.u32()?);
            reader.skip(2)?;
            let length = reader.u32()?;
            reader.skip(8)?;
            let is_zlib = reader.u16()? != 0;
            let name = reader.take(u64::from(name_length.min(4096)))?;
            (encoding_rs::UTF_16LE.decode_without_bom_handling(name).0.into_owned(), flags, length, is_zlib)
        } else {
            let name = decoded(until_nul(reader.take(260)?));
            let flags = reader.u32()?;
            reader.skip(4)?;
            let length = reader.u32()?;
            reader.skip(8)?;
            let is_zlib = reader.u16()? != 0;
            reader.skip(30)?;
            (name, flags, length, is_zlib)
        };
        let rest = reader.rest();
        let data = reader.take(u64::from(length));
        let is_cut = data.is_none();
        let data = data.unwrap_or(rest);
        let plain = Keyed { data, at: 0, key: key(&name, flags), is_in_blocks: flags & 4 != 0 };
        let mut decoder: Decoder<'_> =
            if is_zlib { codec::zlib(BufReader::new(plain)) } else { Box::new(plain) };
        let member = Member {
            name,
            position,
            compressed_size: Some(u64::from(length)),
            real_size: (!is_zlib).then_some(u64::from(length)),
            ..Member::default()
        };
        if sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder)) == Flow::Stop {
            return Some(());
        }
        if is_cut {
            return None;
        }
    }
    Some(())
}

fn key(name: &str, flags: u32) -> Vec<u8> {
    if flags & 6 == 0 {
        return Vec::new();
    }
    name.bytes().zip([0x13, 0x35, 0x86, 0x07].into_iter().cycle()).map(|(byte, magic)| byte ^ magic).collect()
}

/// Undoes the key; without one, the bytes are as they stand.
struct Keyed<'a> {
    data: &'a [u8],
    at: usize,
    key: Vec<u8>,
    /// Whether the key begins again every 1,024 bytes.
    is_in_blocks: bool,
}

impl Read for Keyed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read(buffer)?;
        for byte in buffer.iter_mut().take(read) {
            let place = if self.is_in_blocks { self.at % 1024 } else { self.at };
            let key = place.checked_rem(self.key.len()).and_then(|place| self.key.get(place));
            if let Some(key) = key {
                *byte = !(byte.rotate_left(4) ^ key);
            }
            self.at = self.at.saturating_add(1);
        }
        Ok(read)
    }
}
