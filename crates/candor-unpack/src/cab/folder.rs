//! The blocks of a folder, decoded: stored, MSZIP, Quantum or LZX.

use candor_model::{Budget, Reason};

use super::quantum::Quantum;
use crate::codec::{Inflate, Inflated};
use crate::reader::{Reader, clipped};
use crate::wim::lzx::Frames;
use crate::work::{Price, RangeCoder, units};

/// Where the blocks of a folder stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Folder {
    pub(super) offset: u64,
    pub(super) blocks: u16,
    pub(super) method: u16,
    /// Bytes in every block that are for others.
    pub(super) reserve: u64,
}

/// Most that a block decodes to.
const BLOCK: usize = 32 << 10;

/// What beginning to inflate a block costs, in the units of [`candor_model::Budget::pay_work`]: tables are made, and the block
/// before it is its dictionary.
const BLOCK_OF_MSZIP: u64 = 4096;

/// What Quantum costs: a byte may be a fortieth of a bit, in two choices among many.
const QUANTUM: RangeCoder = RangeCoder { byte: 32, packed: 10_000 };

/// What decoding a folder takes: how many bytes its blocks say that they make, and what the blocks cost besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    pub(super) made: u64,
    pub(super) price: u64,
    packed: u64,
}

impl Folder {
    /// Bytes from the first block to the end of the file at most.
    pub(super) fn packed_length(&self, bytes: &[u8]) -> u64 {
        let blocks = u64::from(self.blocks).saturating_mul(0xffff);
        u64::try_from(clipped(bytes, self.offset, blocks).len()).unwrap_or(u64::MAX)
    }

    /// What it takes to decode `most` bytes, as the heads of blocks tell it.
    pub(super) fn blocks_for(&self, bytes: &[u8], most: u64) -> Blocks {
        let mut blocks = Blocks { made: 0, price: 0, packed: 0 };
        let Some(mut reader) = Reader::little(bytes).at(self.offset) else { return blocks };
        let mut block = || {
            reader.skip(4)?;
            let (packed, real) = (reader.u16()?, reader.u16()?);
            reader.skip(self.reserve)?;
            reader.skip(u64::from(packed))?;
            // Nobody asks what a block of MSZIP says of itself.
            let made = match self.method & 15 {
                0 => usize::from(packed),
                1 => BLOCK,
                _ => usize::from(real).min(BLOCK),
            };
            Some((packed, made))
        };
        for _ in 0..self.blocks {
            // The last one counts, too, when it is cut short.
            blocks.price =
                blocks.price.saturating_add(if self.method & 15 == 1 { BLOCK_OF_MSZIP } else { 64 });
            let Some((packed, real)) = block() else { break };
            blocks.packed = blocks.packed.saturating_add(u64::from(packed));
            blocks.made = blocks.made.saturating_add(units(real));
            if blocks.made >= most {
                break;
            }
        }
        blocks
    }

    /// What a byte costs that is decoded, in the units of [`candor_model::Budget::pay_work`].
    pub(super) const fn price(&self) -> u64 {
        match self.method & 15 {
            0 => 1,
            1 => 4,
            2 => 32,
            _ => 8,
        }
    }

    /// What it costs besides that Quantum makes the bytes of these blocks.
    pub(super) fn coded(&self, blocks: Blocks, budget: &mut Budget) -> u64 {
        let packed = if self.method & 15 == 2 { blocks.packed } else { 0 };
        Price::coded(QUANTUM, packed, budget).for_bytes(blocks.made)
    }

    /// The content, up to `most` bytes, and why that is not all.
    pub(super) fn decoded(&self, bytes: &[u8], most: u64) -> (Vec<u8>, Option<Reason>) {
        let mut out = Vec::new();
        let method = match self.method & 15 {
            0 => Method::Stored,
            1 => Method::MsZip,
            3 => match u32::from(self.method >> 8 & 31) {
                window @ 15..=21 => Method::Lzx(Box::new(Frames::new(window))),
                _ => return (out, Some(Reason::Unsupported("an LZX window of this size".to_owned()))),
            },
            2 => match Quantum::new(self.method >> 8 & 31) {
                Some(quantum) => Method::Quantum(Box::new(quantum)),
                None => return (out, Some(Reason::Unsupported("a Quantum window of this size".to_owned()))),
            },
            _ => return (out, Some(Reason::Unsupported("an unknown compression of cabinets".to_owned()))),
        };
        let mut method = method;
        let Some(mut reader) = Reader::little(bytes).at(self.offset) else {
            return (out, Some(Reason::Malformed("a folder outside of the cabinet".to_owned())));
        };
        for _ in 0..self.blocks {
            if u64::try_from(out.len()).unwrap_or(u64::MAX) >= most {
                break;
            }
            let mut block = || {
                reader.skip(4)?;
                let (packed, real) = (reader.u16()?, reader.u16()?);
                reader.skip(self.reserve)?;
                let data = clipped(reader.rest(), 0, u64::from(packed));
                let is_whole = reader.skip(u64::from(packed)).is_some();
                Some((data, usize::from(real), is_whole))
            };
            // What is there of a block that is cut is kept.
            let read = block().and_then(|(data, real, is_whole)| {
                method.block(data, real, &mut out)?;
                is_whole.then_some(())
            });
            if read.is_none() {
                return (out, Some(Reason::Malformed("a block of a cabinet".to_owned())));
            }
        }
        out.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        (out, None)
    }
}

enum Method {
    Stored,
    MsZip,
    Lzx(Box<Frames>),
    Quantum(Box<Quantum>),
}

impl Method {
    /// Appends what a block holds; `None` when it is damaged, with what came before the damage appended.
    fn block(&mut self, data: &[u8], real: usize, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Stored => out.extend_from_slice(data),
            Self::MsZip => inflated(data, out)?,
            Self::Lzx(lzx) => lzx.next(data, real.min(BLOCK), out).ok()?,
            Self::Quantum(quantum) => quantum.block(data, real.min(BLOCK), out)?,
        }
        Some(())
    }
}

/// Appends what a block of MSZIP holds; `None` when it is damaged, with what came before the damage appended.
pub(super) fn inflated(data: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let data = data.strip_prefix(b"CK")?;
    let mut inflate = Inflate::new(false);
    // Copies may reach into the block before this one.
    let history = out.get(out.len().saturating_sub(BLOCK)..).unwrap_or_default();
    if !history.is_empty() {
        inflate.set_history(history).ok()?;
    }
    let (mut rest, mut block, mut length) = (data, [0; BLOCK], 0_usize);
    let outcome = loop {
        let room = block.get_mut(length..).unwrap_or_default();
        let is_last = rest.is_empty() || room.is_empty();
        match inflate.step(rest, room) {
            Ok(Inflated { read, written, is_end }) => {
                rest = rest.get(read..).unwrap_or_default();
                length = length.saturating_add(written);
                if is_end || is_last {
                    break Some(());
                }
            }
            Err(_) => break None,
        }
    };
    out.extend_from_slice(block.get(..length).unwrap_or_default());
    outcome
}
