//! Archives of InstallShield 3 (`.z`): a directory at the end, and imploded files.
//!
//! ```text
//! 0   13 5d 65 8c 3a 01 02 00; 12 number of files; 31 number of the volume; 41 where the folders stand;
//!     49 how many; 51 where the files stand
//!     a folder: number of its files, length of this, length of its name, name
//!     a file: last volume, folder, real and packed length, place, date, ..., 23 length of this, attributes,
//!     whether it is split, ..., first volume, length of its name, name
//! ```

use std::io::Read as _;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::bits::Stepped;
use crate::explode::Explode;
use crate::name::decoded;
use crate::reader::{Reader, clipped};

/// What an archive begins with.
const MARK: &[u8] = b"\x13\x5d\x65\x8c\x3a\x01\x02\0";
/// The attribute of files that stand as they are.
const STORED: u8 = 0x10;

/// An archive.
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    count: u16,
    volume: u8,
    folders: Vec<String>,
    files: Reader<'a>,
}

impl<'a> Archive<'a> {
    /// Reads the header and the folders; `None` for what is no such archive.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let start = Reader::little(bytes);
        let count = start.at(12)?.u16()?;
        let volume = start.at(31)?.u8()?;
        let place = start.at(41)?.u32()?;
        let mut rest = start.at(49)?;
        let (folder_count, files) = (rest.u16()?, rest.u32()?);
        if !bytes.starts_with(MARK) {
            return None;
        }
        let mut folders = Vec::new();
        let mut reader = start.at(u64::from(place))?;
        for _ in 0..folder_count {
            let mut folder = || {
                reader.skip(2)?;
                let length = u64::from(reader.u16()?);
                let mut body = Reader::little(reader.take(length.checked_sub(4)?)?);
                body.take_counted().map(decoded)
            };
            folders.push(folder()?);
        }
        // The files stand behind the folders.
        let files = start.at(u64::from(files)).filter(|_| files > 0).unwrap_or(reader);
        Some(Self { bytes, count, volume, folders, files })
    }

    /// Gives every file.
    pub(super) fn give(mut self, sink: &mut dyn Sink) {
        for position in 1..=self.count {
            let Some(file) = File::read(&mut self.files) else {
                sink.incomplete(Reason::Malformed("the directory of an InstallShield archive".to_owned()));
                return;
            };
            let folder = self.folders.get(usize::from(file.folder)).filter(|folder| !folder.is_empty());
            let member = Member {
                name: folder
                    .map_or_else(|| decoded(file.name), |folder| format!("{folder}\\{}", decoded(file.name))),
                position: u64::from(position),
                compressed_size: Some(u64::from(file.packed)),
                real_size: Some(u64::from(file.real)),
                ..Member::default()
            };
            let data = clipped(self.bytes, u64::from(file.place), u64::from(file.packed));
            let is_cut = u64::try_from(data.len()).unwrap_or(0) < u64::from(file.packed);
            let mut give = |content: Content<'_>| sink.child(ChildKind::Extracted, &member, content);
            // A volume that is alone has the number 0 or 1.
            let flow = if file.is_split || self.volume > 1 && file.volume != self.volume {
                let reason = Reason::Unsupported("a file that another volume holds a part of".to_owned());
                give(Content::Absent(reason))
            } else if file.attributes & STORED != 0 {
                match is_cut {
                    true => give(Content::Part(data, Reason::Malformed("a file is cut short".to_owned()))),
                    false => give(Content::Bytes(data)),
                }
            } else {
                let mut stream = Stepped::new(Explode::new(data)).take(u64::from(file.real));
                give(Content::Stream(&mut stream))
            };
            if flow == Flow::Stop {
                return;
            }
        }
    }
}

struct File<'a> {
    name: &'a [u8],
    folder: u16,
    real: u32,
    packed: u32,
    place: u32,
    attributes: u8,
    is_split: bool,
    volume: u8,
}

impl<'a> File<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let mut row = *reader;
        row.skip(1)?;
        let folder = row.u16()?;
        let (real, packed, place) = (row.u32()?, row.u32()?, row.u32()?);
        row.skip(8)?;
        let length = u64::from(row.u16()?);
        let (attributes, split) = (row.u8()?, row.u8()?);
        row.skip(1)?;
        let (volume, name) = (row.u8()?, row.u8()?);
        let name = row.take(u64::from(name))?;
        // A row that says that it is shorter than its head would be read again.
        reader.skip(length.max(30))?;
        Some(Self { name, folder, real, packed, place, attributes, is_split: split != 0, volume })
    }
}
