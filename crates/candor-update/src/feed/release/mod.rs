//! The release archive: a tar archive in a Zstandard frame that can hold nothing but data.
//!
//! It has one spelling. Every header is compared with the one that `Packer` writes for its name and length, so
//! there is no room for links, devices, owners, times or paths; the first member is a manifest that says what follows,
//! and it follows in ascending order. What is not text is refused, programs first of all. Nothing is unpacked
//! beyond what the manifest announced, and it may announce only so much.

mod archive;
mod content;
mod manifest;
mod pack;
#[cfg(test)]
mod tests;

pub use archive::{ArchiveError, Header, Unpacked, unpack};
pub use content::Foreign;
pub(crate) use manifest::class_name;
pub use manifest::{
    Canary, ENGINE, FORMAT, LONGEST_MANIFEST, Manifest, ManifestError, ManifestMember, class_of,
};
pub use pack::{Contents, PackError, pack, pack_as};

/// The name of the first member.
const MANIFEST: &str = "manifest.toml";

/// Bytes of a block of tar.
const BLOCK: usize = 512;

/// The header of a member, as it must be.
fn header(name: &str, length: u64) -> [u8; BLOCK] {
    let mut block = [0_u8; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| {
        let places = block.iter_mut().skip(at);
        places.zip(bytes).for_each(|(place, byte)| *place = *byte);
    };
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{length:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let places = block.iter_mut().skip(148);
    places.zip(format!("{sum:06o}\0 ").as_bytes()).for_each(|(place, byte)| *place = *byte);
    block
}

/// Bytes that fill the last block of a member.
const fn padding(length: u64) -> u64 {
    length.next_multiple_of(BLOCK as u64).saturating_sub(length)
}
