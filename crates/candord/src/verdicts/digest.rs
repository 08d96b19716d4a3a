//! What a stream is known by: its bytes and its name, by SHA-256 over a secret of this machine and them.
//!
//! Whoever could make two contents with one digest would have the second one pass for the first. SHA-256 makes that
//! hard, and the secret makes it impossible to prepare. It is the watch's, which is kept where nobody else reads: a stream that was
//! clean before a restart is known after it. A digest is made of bytes that nobody can change any more, by this
//! program and not by a worker: what a worker said of some bytes is never taken for a verdict about others.

use std::fmt;
use std::io;
use std::os::fd::AsFd;

use sha2::{Digest as _, Sha256};

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// A digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is of no use to anybody, and might be to somebody.
        formatter.write_str("Digest")
    }
}

/// Makes digests.
pub struct Digester {
    /// After the secret, which fills a block, so that it costs nothing.
    begun: Sha256,
}

impl fmt::Debug for Digester {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Digester")
    }
}

impl Digester {
    /// With a secret.
    #[must_use]
    pub fn new(secret: [u8; 64]) -> Self {
        Self { begun: Sha256::new_with_prefix(secret) }
    }

    /// Of bytes that go by this name. The name counts: what is found may depend on it.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8], name: &str) -> Digest {
        let mut digest = self.begun.clone();
        digest.update(bytes);
        end(digest, name)
    }

    /// Of all that is in a file that nobody can change.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file(&self, file: impl AsFd, name: &str) -> io::Result<Digest> {
        let mut digest = self.begun.clone();
        let mut buffer = vec![0; PIECE];
        let mut place = 0_u64;
        loop {
            match rustix::io::pread(&file, &mut buffer, place) {
                Ok(0) => return Ok(end(digest, name)),
                Ok(read) => {
                    digest.update(buffer.get(..read).unwrap_or_default());
                    place = place.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                }
                Err(rustix::io::Errno::INTR) => (),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The length of the name comes last, so that no byte of it can be taken for one of the content.
fn end(mut digest: Sha256, name: &str) -> Digest {
    digest.update(name);
    digest.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
    Digest(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn each_byte_and_the_name_make_it_another() {
        let digester = Digester::new([1; 64]);
        let long: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut seen = vec![digester.bytes(&long, "")];
        assert_eq!(digester.bytes(&long, ""), seen[0]);
        for place in [0, 1, PIECE - 1, PIECE, PIECE + 1, long.len() - 1] {
            let mut other = long.clone();
            other[place] ^= 1;
            seen.push(digester.bytes(&other, ""));
        }
        seen.push(digester.bytes(&long[1..], ""));
        seen.push(digester.bytes(&[long.as_slice(), b"a"].concat(), ""));
        seen.push(digester.bytes(&long, "a"));
        // Content that ends as a name does.
        seen.push(digester.bytes(&[long.as_slice(), b"a", &1_u64.to_be_bytes()].concat(), ""));
        for (place, one) in seen.iter().enumerate() {
            assert!(seen.iter().skip(place + 1).all(|other| other != one), "{place}");
        }
        // Another secret makes it another.
        assert!(Digester::new([2; 64]).bytes(&long, "") != seen[0]);
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes_wherever_it_is_read_to() {
        let digester = Digester::new([1; 64]);
        for length in [0, 1, PIECE - 1, PIECE, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            assert!(digester.file(&file, "n").unwrap() == digester.bytes(&bytes, "n"), "{length}");
        }
    }
}
