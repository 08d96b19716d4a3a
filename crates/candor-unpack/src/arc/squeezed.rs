//! Squeezed data: a tree of Huffman codes, and the bits.

use std::io::{self, ErrorKind};

use crate::bits::{Bits, Steps};
use crate::reader::Reader;

/// Nodes of a tree.
const NODES: u16 = 256;
/// The symbol of the end.
const END: i32 = 256;

/// A decoder.
pub(super) struct Squeezed<'a> {
    nodes: Vec<[i16; 2]>,
    bits: Bits<&'a [u8]>,
}

impl<'a> Squeezed<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        let mut reader = Reader::little(data);
        let count = reader.u16().unwrap_or(0).min(NODES);
        let mut child = || reader.u16().map(u16::cast_signed);
        let nodes = (0..count).map_while(|_| Some([child()?, child()?])).collect();
        Self { nodes, bits: Bits::new(reader.rest()) }
    }
}

impl Steps for Squeezed<'_> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut node = 0_usize;
        // A path has no more turns than there are nodes, unless it leads in a circle.
        for _ in 0..=self.nodes.len() {
            let Some([left, right]) = self.nodes.get(node) else { return Ok(false) };
            let child = i32::from(if self.bits.bit()? { *right } else { *left });
            match usize::try_from(child) {
                Ok(next) => node = next,
                Err(_) => {
                    let symbol = child.saturating_add(1).saturating_neg();
                    if symbol == END {
                        return Ok(false);
                    }
                    out.push(u8::try_from(symbol).map_err(|_| io::Error::from(ErrorKind::InvalidData))?);
                    return Ok(true);
                }
            }
        }
        Err(io::Error::new(ErrorKind::InvalidData, "a tree that leads in a circle"))
    }
}
