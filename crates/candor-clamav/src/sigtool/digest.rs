//! Digests in the form of signatures, and hexadecimal digits: what parses nothing.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::console::{Console, shown};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// A digest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Md5,
    Sha1,
    Sha256,
}

impl Kind {
    /// The digest of what is read, in hexadecimal digits, and how many bytes it was.
    fn of(self, input: &mut dyn Read) -> io::Result<(String, u64)> {
        match self {
            Self::Md5 => digest::<Md5>(input),
            Self::Sha1 => digest::<Sha1>(input),
            Self::Sha256 => digest::<Sha256>(input),
        }
    }

    /// The digest of standard input.
    pub(super) fn stdin(self, console: &mut Console) -> bool {
        match self.of(&mut io::stdin()) {
            Ok((digest, _)) => console.show(digest.as_bytes()),
            Err(error) => {
                console.error(&format!("hashsig: Can't read standard input: {error}"));
                return false;
            }
        }
        true
    }

    /// A signature of a file: `digest:length:name`.
    pub(super) fn file(self, path: &Path, console: &mut Console) -> bool {
        let told = String::from_utf8_lossy(&shown(path.as_os_str().as_bytes())).into_owned();
        // Opening a pipe would wait for somebody who writes.
        let opened = match std::fs::metadata(path) {
            Ok(status) if status.is_file() => File::open(path),
            Ok(_) => {
                console.error(&format!("hashsig: {told} is no file"));
                return false;
            }
            Err(error) => Err(error),
        };
        match opened.and_then(|mut file| self.of(&mut file)) {
            Ok((digest, length)) => {
                let name = shown(path.file_name().unwrap_or_default().as_bytes());
                console.show(&[format!("{digest}:{length}:").as_bytes(), &name].concat());
                true
            }
            Err(error) => {
                let text = error.to_string();
                let text = text.split(" (os error").next().unwrap_or_default();
                console.stderr(format!("hashsig: {text}").as_bytes());
                console.error(&format!("hashsig: Can't access file {told}"));
                false
            }
        }
    }
}

fn digest<D: Digest>(input: &mut dyn Read) -> io::Result<(String, u64)> {
    let mut digest = D::new();
    let length = pieces(input, &mut |piece| digest.update(piece))?;
    Ok((hexadecimal(&digest.finalize()), length))
}

/// What is on standard input, in hexadecimal digits, without an end of the line.
pub(super) fn hex_dump(console: &mut Console) -> bool {
    match pieces(&mut io::stdin(), &mut |piece| console.raw(hexadecimal(piece).as_bytes())) {
        Ok(_) => true,
        Err(error) => {
            console.error(&format!("hexdump: Can't read standard input: {error}"));
            false
        }
    }
}

/// Reads to the end; says how much it was.
fn pieces(input: &mut dyn Read, take: &mut dyn FnMut(&[u8])) -> io::Result<u64> {
    let mut buffer = vec![0; PIECE];
    let mut length = 0_u64;
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(length),
            Ok(read) => {
                take(buffer.get(..read).unwrap_or_default());
                length = length.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
