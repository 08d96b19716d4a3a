//! What a program says of how it was built: the linker's list of tools, and where its symbols were kept.
//!
//! ```text
//! DanS ^ key | key 3 times | (tool and build ^ key, count ^ key)… | Rich | key      before the PE header
//! debug directory: 28 bytes an entry; kind 2 leads to RSDS | GUID 16 | age 4 | path, or NB10 | 12 | path
//! ```

use std::fmt::Write as _;

use candor_model::Sink;
use md5::{Digest as _, Md5};
use memchr::memmem;

use super::image::PortableExecutable;
use crate::reader::{Reader, clipped, until_nul};

/// Tools and debug entries that are looked at; longest path.
const TOOLS: usize = 64;
const ENTRIES: usize = 16;
const PATH: u64 = 1024;

/// Tells both.
pub(super) fn tell(file: &PortableExecutable<'_>, sink: &mut dyn Sink) {
    if let Some(rich) = rich(file.bytes) {
        sink.detail("rich-header", rich);
    }
    for path in symbols(file) {
        sink.detail("pdb", path);
    }
}

/// The list of tools with the MD5 sum that it is known by.
fn rich(bytes: &[u8]) -> Option<String> {
    let header = u64::from(Reader::little(bytes).at(0x3c)?.u32()?);
    let stub = clipped(bytes, 0, header.min(0x1000));
    let end = memmem::rfind(stub, b"Rich")?;
    let key = Reader::little(stub).at(u64::try_from(end).ok()?.checked_add(4)?)?.u32()?;
    let words: Vec<u32> = stub.get(..end)?.rchunks_exact(4).map(|word| number(word) ^ key).collect();
    // From the end back to its beginning.
    let start = words.iter().position(|&word| word == u32::from_le_bytes(*b"DanS"))?;
    let mut plain: Vec<u32> = words.get(..=start)?.to_vec();
    plain.reverse();
    let mut hash = Md5::new();
    plain.iter().for_each(|word| hash.update(word.to_le_bytes()));
    let mut told = String::new();
    for byte in hash.finalize() {
        let _ = write!(told, "{byte:02x}");
    }
    let tools = plain.get(4..)?.as_chunks::<2>().0;
    for [tool, count] in tools.iter().take(TOOLS) {
        let _ = write!(told, ", {}.{} x{count}", tool >> 16, tool & 0xffff);
    }
    Some(told)
}

fn number(word: &[u8]) -> u32 {
    word.first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
}

/// Where symbols were kept.
fn symbols(file: &PortableExecutable<'_>) -> Vec<String> {
    let Some((address, length)) = file.directory(6) else { return Vec::new() };
    let Some(mut reader) = file.reader_at(address) else { return Vec::new() };
    let count = usize::try_from(length / 28).unwrap_or(0).min(ENTRIES);
    let mut found = Vec::new();
    for _ in 0..count {
        let Some(entry) = reader.take(28) else { break };
        let entry = Reader::little(entry);
        let field = |offset: u64| entry.at(offset).and_then(|mut reader| reader.u32());
        let (Some(2), Some(size), Some(offset)) = (field(12), field(16), field(24)) else { continue };
        let data = clipped(file.bytes, u64::from(offset), u64::from(size));
        let at = match data.get(..4) {
            Some(b"RSDS") => 24,
            Some(b"NB10") => 16,
            _ => continue,
        };
        let path = until_nul(clipped(data, at, PATH));
        if !path.is_empty() {
            found.push(String::from_utf8_lossy(path).into_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_tools_is_read_backwards() {
        let key = 0x1122_3344_u32;
        let mut stub = vec![0; 0x80];
        stub[..2].copy_from_slice(b"MZ");
        let words = [u32::from_le_bytes(*b"DanS"), 0, 0, 0, 0x0105_7809, 7, 0x0001_0000, 30];
        stub.extend(words.iter().flat_map(|word| (word ^ key).to_le_bytes()));
        stub.extend(b"Rich");
        stub.extend(key.to_le_bytes());
        let header = stub.len() as u32;
        stub[0x3c..0x40].copy_from_slice(&header.to_le_bytes());
        let plain: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let sum: String = Md5::digest(plain).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(rich(&stub).unwrap(), format!("{sum}, 261.30729 x7, 1.0 x30"));
        stub[0x80] ^= 1;
        assert_eq!(rich(&stub), None);
        assert_eq!(rich(&stub[..0x40]), None);
    }
}
