//! XPRESS with Huffman codes (MS-XCA 2.2): lengths of 512 codes, then literals and copies.

use std::io;

use super::code::{Bits, Code};
use crate::bits::copy_back;

/// Appends a chunk of `length` bytes.
///
/// # Errors
/// It is damaged; what came before the damage is appended.
pub(super) fn unpack(packed: &[u8], out: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let (table, data) = packed.split_at_checked(256).ok_or(io::ErrorKind::UnexpectedEof)?;
    let lengths: Vec<u8> = table.iter().flat_map(|pair| [pair & 15, pair >> 4]).collect();
    let code = Code::new(&lengths)?;
    let mut bits = Bits::new(data);
    let end = out.len().saturating_add(length);
    let start = out.len();
    while out.len() < end {
        let symbol = code.symbol(&mut bits)?;
        let Some(copy) = symbol.checked_sub(256) else {
            out.push(u8::try_from(symbol).unwrap_or(0));
            continue;
        };
        // Whole bytes stand behind the word after the one that the code is in.
        bits.settle();
        let mut length = usize::from(copy & 15);
        if length == 15 {
            length = length.saturating_add(usize::from(bits.byte()?));
            if length == 15 + 255 {
                length = usize::from(u16::from_le_bytes([bits.byte()?, bits.byte()?]));
            }
        }
        let width = u32::from(copy >> 4);
        let distance = 1_u32.wrapping_shl(width) | bits.take(width)?;
        let distance = usize::try_from(distance).unwrap_or(usize::MAX);
        if distance > out.len().saturating_sub(start) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a copy from before the start"));
        }
        copy_back(out, distance, length.saturating_add(3).min(end.saturating_sub(out.len())));
    }
    Ok(())
}
