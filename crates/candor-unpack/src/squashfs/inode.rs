//! The table of inodes, from front to back.

use crate::reader::Reader;

/// Inodes of an image.
const INODES: usize = 1 << 20;

/// An inode, as far as it is of use here.
pub(super) struct Inode {
    /// Where it stands in the table.
    pub(super) place: usize,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// Where its entries stand: block, offset in it, and length.
    Directory {
        block: u32,
        offset: u16,
        size: u32,
    },
    /// Where its first block stands, its size, number and place of the fragment with its end, and where in the
    /// table the lengths of its blocks are, and how many.
    File {
        start: u64,
        size: u64,
        fragment: Option<(u32, u32)>,
        blocks: (usize, usize),
    },
    Other,
}

/// Every inode, and whether the table could be read to its end.
pub(super) fn read_all(table: &[u8], block: u32) -> (Vec<Inode>, bool) {
    let mut inodes = Vec::new();
    let mut reader = Reader::little(table);
    while !reader.rest().is_empty() {
        let place = reader.position();
        let Some(kind) = read(&mut reader, block).filter(|_| inodes.len() < INODES) else {
            return (inodes, false);
        };
        if !matches!(kind, Kind::Other) {
            inodes.push(Inode { place, kind });
        }
    }
    (inodes, true)
}

fn read(reader: &mut Reader<'_>, block: u32) -> Option<Kind> {
    let kind = reader.u16()?;
    reader.skip(14)?;
    match kind {
        1 => {
            let block = reader.u32()?;
            reader.skip(4)?;
            let (size, offset) = (reader.u16()?, reader.u16()?);
            reader.skip(4)?;
            return Some(Kind::Directory { block, offset, size: u32::from(size) });
        }
        8 => {
            reader.skip(4)?;
            let (size, block) = (reader.u32()?, reader.u32()?);
            reader.skip(4)?;
            let (count, offset) = (reader.u16()?, reader.u16()?);
            reader.skip(4)?;
            for _ in 0..count {
                reader.skip(8)?;
                let length = reader.u32()?;
                reader.skip(u64::from(length).checked_add(1)?)?;
            }
            return Some(Kind::Directory { block, offset, size });
        }
        2 => {
            let (start, fragment, offset, size) =
                (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
            return file(reader, block, u64::from(start), u64::from(size), (fragment, offset));
        }
        9 => {
            let (start, size) = (reader.u64()?, reader.u64()?);
            reader.skip(12)?;
            let (fragment, offset) = (reader.u32()?, reader.u32()?);
            reader.skip(4)?;
            return file(reader, block, start, size, (fragment, offset));
        }
        3 | 10 => {
            reader.skip(4)?;
            let length = reader.u32()?;
            reader.skip(u64::from(length))?;
            if kind == 10 {
                reader.skip(4)?;
            }
        }
        4 | 5 => reader.skip(8)?,
        6 | 7 => reader.skip(4)?,
        11 | 12 => reader.skip(12)?,
        13 | 14 => reader.skip(8)?,
        _ => return None,
    }
    Some(Kind::Other)
}

fn file(reader: &mut Reader<'_>, block: u32, start: u64, size: u64, fragment: (u32, u32)) -> Option<Kind> {
    let fragment = Some(fragment).filter(|(index, _)| *index != u32::MAX);
    let whole = size.checked_div(u64::from(block))?;
    let has_rest = fragment.is_none() && size.checked_rem(u64::from(block))? > 0;
    let count = whole.checked_add(u64::from(has_rest))?;
    let place = reader.position();
    reader.skip(count.checked_mul(4)?)?;
    Some(Kind::File { start, size, fragment, blocks: (place, usize::try_from(count).ok()?) })
}
