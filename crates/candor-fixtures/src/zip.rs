//! Small ZIP archives.

use std::io::Write as _;

use flate2::Crc;
use flate2::write::DeflateEncoder;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it is compressed; else it is stored.
    pub deflate: bool,
    /// Whether its flags say that it is encrypted. Nothing opens it then.
    pub encrypted: bool,
}

impl Member {
    /// The bytes as they stand in the archive.
    #[must_use]
    pub fn packed(&self) -> Vec<u8> {
        if self.encrypted {
            // Under a cipher of nobody's: what could be read all the same would be.
            let plain = Self { encrypted: false, ..self.clone() };
            return plain.packed().into_iter().map(|byte| byte ^ 0x5a).collect();
        }
        if !self.deflate {
            return self.bytes.clone();
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        // Writing to memory does not fail; were it to, the archive would be short, and the test with it.
        encoder.write_all(&self.bytes).and_then(|()| encoder.finish()).unwrap_or_default()
    }

    /// CRC-32 of its bytes.
    #[must_use]
    pub fn crc(&self) -> u32 {
        let mut crc = Crc::new();
        crc.update(&self.bytes);
        crc.sum()
    }
}

/// An archive with a member of this name, in which nothing is found.
#[must_use]
pub fn archive_of(name: &str) -> Vec<u8> {
    build(&[Member { name: name.into(), bytes: b"anything".to_vec(), deflate: false, encrypted: false }])
}

/// An archive of `members`, in this order.
#[must_use]
pub fn build(members: &[Member]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let packed = member.packed();
        let at = field(archive.len());
        let mut common = Vec::new();
        common.extend_from_slice(&20_u16.to_le_bytes());
        common.extend_from_slice(&u16::from(member.encrypted).to_le_bytes());
        common.extend_from_slice(&if member.deflate { 8_u16 } else { 0 }.to_le_bytes());
        common.extend_from_slice(&[0, 0, 0x21, 0x50]);
        common.extend_from_slice(&member.crc().to_le_bytes());
        common.extend_from_slice(&field(packed.len()).to_le_bytes());
        common.extend_from_slice(&field(member.bytes.len()).to_le_bytes());
        common.extend_from_slice(&u16::try_from(member.name.len()).unwrap_or(u16::MAX).to_le_bytes());
        common.extend_from_slice(&[0, 0]);
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&common);
        archive.extend_from_slice(member.name.as_bytes());
        archive.extend_from_slice(&packed);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&at.to_le_bytes());
        directory.extend_from_slice(member.name.as_bytes());
    }
    let directory_at = field(archive.len());
    let count = u16::try_from(members.len()).unwrap_or(u16::MAX).to_le_bytes();
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    archive.extend_from_slice(&count);
    archive.extend_from_slice(&count);
    archive.extend_from_slice(&field(directory.len()).to_le_bytes());
    archive.extend_from_slice(&directory_at.to_le_bytes());
    archive.extend_from_slice(&[0, 0]);
    archive
}

fn field(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
