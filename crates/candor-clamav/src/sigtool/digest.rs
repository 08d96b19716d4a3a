//! `sigtool`, as far as nothing is parsed: digests in the form of signatures, and hexadecimal digits.
//!
//! What looks into databases or files belongs into a jail, and is not there yet; it is refused, not guessed.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::console::{Console, complain, shown};
use crate::options;
use crate::options::sigtool::OPTIONS;

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// Runs `sigtool`.
pub(crate) fn run(program: &str, arguments: Vec<OsString>) -> ExitCode {
    let given = match options::read(program, OPTIONS, arguments) {
        Ok(given) => given,
        Err(lines) => {
            lines.iter().for_each(|line| complain(line));
            complain("ERROR: only --md5, --sha1, --sha256 and --hex-dump are there yet");
            return ExitCode::FAILURE;
        }
    };
    let mut console = Console::new();
    console.quiet = given.is_on("quiet");
    console.all_to_stdout = given.is_on("stdout");
    let kind = match () {
        () if given.is_on("md5") => Some(Kind::Md5),
        () if given.is_on("sha1") => Some(Kind::Sha1),
        () if given.is_on("sha256") || given.is_on("sha2-256") => Some(Kind::Sha256),
        () => None,
    };
    let is_done = match kind {
        _ if given.is_on("version") => {
            console.show(format!("ClamAV {}", crate::CLAMAV).as_bytes());
            true
        }
        Some(kind) if given.paths.is_empty() => kind.stdin(&mut console),
        Some(kind) => given.paths.iter().all(|path| kind.file(Path::new(path), &mut console)),
        None if given.is_on("hex-dump") => hex_dump(&mut console),
        None => {
            console.show(b"\n    sigtool [options] [files]\n");
            options::help(OPTIONS).iter().for_each(|line| console.show(line.as_bytes()));
            given.is_on("help")
        }
    };
    console.flush();
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
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

    fn stdin(self, console: &mut Console) -> bool {
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
    fn file(self, path: &Path, console: &mut Console) -> bool {
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
fn hex_dump(console: &mut Console) -> bool {
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

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
