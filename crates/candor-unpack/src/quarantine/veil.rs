//! What products lay over a file so that nobody runs it by accident, and bytes without it.

use std::io::{self, Read};

use crate::cipher::Rc4;

/// How bytes were changed.
pub(super) enum Veil {
    /// Each byte with the next one of a key that begins anew when it ends.
    Xor(&'static [u8]),
    /// RC4, from some place of its stream on.
    Rc4(Box<Rc4>),
    /// What ESET does to each byte: exclusive or with 0xa5, then 84 more.
    Eset,
}

impl Veil {
    /// RC4 from the beginning.
    pub(super) fn rc4(key: &[u8]) -> Self {
        Self::Rc4(Box::new(Rc4::new(key)))
    }

    /// Takes the veil off `bytes`, which stand `at` behind the beginning.
    fn lift(&mut self, bytes: &mut [u8], at: usize) {
        match self {
            Self::Xor(key) => {
                let phase = at.checked_rem(key.len()).unwrap_or(0);
                for (byte, mask) in bytes.iter_mut().zip(key.iter().cycle().skip(phase)) {
                    *byte ^= mask;
                }
            }
            Self::Rc4(cipher) => cipher.apply(bytes),
            Self::Eset => bytes.iter_mut().for_each(|byte| *byte = byte.wrapping_sub(84) ^ 0xa5),
        }
    }

    /// `bytes` from the beginning without the veil.
    pub(super) fn lifted(mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        self.lift(&mut out, 0);
        out
    }
}

/// Bytes in pieces, read without their veil. Nothing is copied before it is asked for.
pub(super) struct Unveiled<'a> {
    parts: std::vec::IntoIter<&'a [u8]>,
    rest: &'a [u8],
    read: usize,
    veil: Veil,
}

impl<'a> Unveiled<'a> {
    pub(super) fn new(parts: Vec<&'a [u8]>, veil: Veil) -> Self {
        Self { parts: parts.into_iter(), rest: &[], read: 0, veil }
    }

    /// The cipher where it stands now; none when the veil is another.
    pub(super) fn into_cipher(self) -> Option<Rc4> {
        match self.veil {
            Veil::Rc4(cipher) => Some(*cipher),
            Veil::Xor(_) | Veil::Eset => None,
        }
    }
}

impl Read for Unveiled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            let Some(next) = self.parts.next() else { return Ok(0) };
            self.rest = next;
        }
        let length = self.rest.read(buffer)?;
        if let Some(filled) = buffer.get_mut(..length) {
            self.veil.lift(filled, self.read);
        }
        self.read = self.read.wrapping_add(length);
        Ok(length)
    }
}
