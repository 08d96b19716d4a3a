//! Cabinets: folders of compressed blocks, and the files in them.
//!
//! Layout: <https://learn.microsoft.com/previous-versions/bb417343(v=msdn.10)>.
//!
//! ```text
//! 0   "MSCF", size, where the files stand, version, number of folders and files, flags
//! 36  reserved sizes, names of neighbouring cabinets, as the flags say
//!     8 bytes a folder: where its blocks start, how many, method
//!     16 bytes a file: length, offset in its folder, number of the folder, date, attributes; name
//!     8 bytes a block: checksum, packed length, real length; data
//! ```
//!
//! A folder is decoded once, as far as its files reach and the budget goes. Hostile cabinets name files that
//! overlap or reach far behind the end of their folder, thousands of times: each is cut to what is there,
//! and paid for. Checksums are not looked at.

mod folder;
mod quantum;
#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::name::decoded;
use crate::reader::{Reader, clipped, until_nul};
use crate::work::{charge, units};
use folder::Folder;

/// Where a cabinet ends, as its header says.
pub(crate) fn end(bytes: &[u8]) -> Option<u64> {
    let length = u64::from(Reader::little(bytes).at(8)?.u32()?);
    (length > 36).then_some(length)
}

/// Gives every file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some((folders, files)) = read(bytes) else {
        sink.incomplete(Reason::Malformed("cabinet header".to_owned()));
        return;
    };
    let mut of_folders: Vec<Vec<&File<'_>>> = vec![Vec::new(); folders.len()];
    for file in &files {
        if let Some(own) = of_folders.get_mut(usize::from(file.folder)) {
            own.push(file);
        }
    }
    let mut position = 0_u64;
    for (folder, own) in folders.iter().zip(of_folders) {
        let Some(end) = own.iter().map(|file| file.offset.saturating_add(file.length)).max() else {
            continue;
        };
        let packed = folder.packed_length(bytes);
        let most = sink.budget().growth(packed).min(end);
        let limit = sink.budget().growth_limit(packed);
        // Any number of folders may be the same blocks, and what no file lays claim to is not counted as given.
        let blocks = folder.blocks_for(bytes, most);
        let made = blocks.made.min(most);
        let claimed = own
            .iter()
            .map(|file| file.offset.saturating_add(file.length).min(made).saturating_sub(file.offset));
        let unclaimed = made.saturating_sub(claimed.fold(0, u64::saturating_add));
        let price = blocks.price.saturating_add(unclaimed.saturating_mul(folder.price()));
        let price = price.saturating_add(folder.coded(blocks, sink.budget()));
        if !charge(price, sink) {
            return;
        }
        let (content, trouble) = folder.decoded(bytes, most);
        let made = u64::try_from(content.len()).unwrap_or(u64::MAX);
        // What is behind a limit is told of the files that reach there.
        let is_limited = trouble.is_none() && made >= most;
        if let Some(trouble) = trouble {
            sink.incomplete(trouble);
        } else if made < end && !is_limited {
            sink.incomplete(Reason::Malformed("a folder is cut short".to_owned()));
        }
        for file in own {
            position = position.saturating_add(1);
            let member = Member {
                name: decoded(file.name),
                position,
                compressed_size: Some(file.length),
                real_size: Some(file.length),
                ..Member::default()
            };
            let data = clipped(&content, file.offset, file.length);
            let is_whole = units(data.len()) == file.length;
            let content = match data {
                _ if is_whole => Content::Bytes(data),
                [] if is_limited => Content::Absent(limit.clone()),
                [] => Content::Absent(Reason::Malformed("behind the end of its folder".to_owned())),
                _ if is_limited => Content::Part(data, limit.clone()),
                _ => Content::Bytes(data),
            };
            if sink.child(ChildKind::Extracted, &member, content) == Flow::Stop {
                return;
            }
        }
    }
    let elsewhere = files.iter().filter(|file| usize::from(file.folder) >= folders.len()).count();
    if elsewhere > 0 {
        sink.incomplete(Reason::Unsupported(format!("{elsewhere} files that other cabinets hold")));
    }
}

struct File<'a> {
    name: &'a [u8],
    length: u64,
    offset: u64,
    folder: u16,
}

fn read(bytes: &[u8]) -> Option<(Vec<Folder>, Vec<File<'_>>)> {
    let start = Reader::little(bytes);
    let first_file = start.at(16)?.u32()?;
    let mut reader = start.at(26)?;
    let (folder_count, file_count, flags) = (reader.u16()?, reader.u16()?, reader.u16()?);
    reader.skip(4)?;
    let (mut folder_reserve, mut block_reserve) = (0, 0);
    if flags & 4 != 0 {
        let header_reserve = reader.u16()?;
        (folder_reserve, block_reserve) = (reader.u8()?, reader.u8()?);
        reader.skip(u64::from(header_reserve))?;
    }
    for flag in [1, 1, 2, 2] {
        if flags & flag != 0 {
            let text = u64::try_from(until_nul(reader.rest()).len()).ok()?;
            reader.skip(text.checked_add(1)?)?;
        }
    }
    let mut folders = Vec::new();
    for _ in 0..folder_count {
        let (offset, blocks, method) = (reader.u32()?, reader.u16()?, reader.u16()?);
        reader.skip(u64::from(folder_reserve))?;
        folders.push(Folder { offset: u64::from(offset), blocks, method, reserve: u64::from(block_reserve) });
    }
    let mut reader = start.at(u64::from(first_file))?;
    let mut files = Vec::new();
    for _ in 0..file_count {
        let mut file = || {
            let (length, offset, folder) = (reader.u32()?, reader.u32()?, reader.u16()?);
            reader.skip(6)?;
            let name = until_nul(reader.rest());
            reader.skip(u64::try_from(name.len()).ok()?.checked_add(1)?)?;
            // Files that began in another cabinet, or go on in one, are in the first or last folder.
            let folder = match folder {
                0xfffe => folder_count.saturating_sub(1),
                other => other,
            };
            Some(File { name, length: u64::from(length), offset: u64::from(offset), folder })
        };
        let Some(file) = file() else { break };
        files.push(file);
    }
    Some((folders, files))
}

/// Blocks of MSZIP behind their lengths, as KWAJ has them, up to `most` bytes.
pub(crate) fn mszip(data: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reader = Reader::little(data);
    while let Some(block) = reader.take_counted() {
        if out.len() >= most || folder::inflated(block, &mut out).is_none() {
            break;
        }
    }
    out.truncate(most);
    out
}
