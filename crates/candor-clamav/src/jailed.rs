//! Work on hostile bytes for a command that is no scan: files go into a jail, what is to be said and written comes
//! out of it.
//!
//! The worker is handed descriptors of copies and one descriptor that its answer goes to; it can open nothing
//! else. The answer is a run of [`Said`], each with its length in front. Whoever takes the worker over can say
//! anything, and choose among the names of files that [`is_plain`] lets through; he cannot choose where they go.

use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use anyhow::Context as _;
use candor_sandbox::message::Sums;
use candor_sandbox::worker::{self, Source};
use candor_sandbox::{Outputs, Sandbox, Setup, Task, spool};

/// Bytes of memory that the work may take besides its input.
const MEMORY: u64 = 4 << 30;

/// Bytes of a file that is worked on. ClamAV's largest database has a third of a GiB.
const LONGEST: u64 = 4 << 30;

/// Why nothing is done.
const NO_JAIL: &str = "nothing can be read in a jail here; `candor doctor` says what is missing";

/// A file to be worked on: a copy that nobody can change.
#[derive(Debug)]
pub(crate) struct Input {
    name: String,
    file: OwnedFd,
    length: u64,
}

/// Something that comes out of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Bytes for standard output.
    Out(Vec<u8>),
    /// An error, for people.
    Error(String),
    /// A line for standard error, as ClamAV's library writes it.
    Note(String),
    /// A file: its name and its bytes.
    File(String, Vec<u8>),
    /// The command has failed.
    Failed,
}

/// What the work has said so far.
#[derive(Debug, Default)]
pub(crate) struct Saying(Vec<u8>);

impl Input {
    /// Copies a file.
    ///
    /// # Errors
    /// It cannot be opened or read, or is too long.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for somebody who writes.
        let status = std::fs::metadata(path)?;
        if !status.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        Self::copy(&File::open(path)?, &path.to_string_lossy())
    }

    /// Copies standard input.
    ///
    /// # Errors
    /// It cannot be read, or is too long.
    pub(crate) fn stdin() -> io::Result<Self> {
        Self::copy(&io::stdin(), "stdin")
    }

    fn copy(file: &impl std::os::fd::AsFd, name: &str) -> io::Result<Self> {
        let (file, length) = spool(file.as_fd(), LONGEST)?;
        if length > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self { name, file, length })
    }
}

/// Does `work` on files in a jail, and gives what comes of it to `take`. To be called while this program has one
/// thread.
///
/// # Errors
/// There is no jail, or the work did not come to its end.
pub(crate) fn run(
    inputs: &[Input],
    work: impl Fn(&[Source], &mut Saying),
    take: &mut dyn FnMut(Said) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mapped = inputs.iter().fold(1 << 20, |sum: u64, input| sum.saturating_add(input.length));
    let setup = Setup { memory: MEMORY, mapped, ..Setup::new(Task::Compile) };
    let do_it = |jailed| {
        worker::compile(jailed, |mut given, _| {
            let mut saying = Saying::default();
            work(given.sources, &mut saying);
            let length = u64::try_from(saying.0.len()).unwrap_or(u64::MAX);
            given
                .image
                .write_all(&saying.0)
                .map_err(|error| format!("the answer cannot be written: {error}"))?;
            Ok(Sums { length, ..Sums::default() })
        })
    };
    for input in inputs {
        // It may have been worked on before.
        rustix::fs::seek(&input.file, rustix::fs::SeekFrom::Start(0))
            .context("a file cannot be read again")?;
    }
    let sandbox = Sandbox::start(setup, do_it).context(NO_JAIL)?;
    let given: Vec<candor_sandbox::Input<'_>> = inputs
        .iter()
        .map(|input| candor_sandbox::Input {
            name: &input.name,
            file: input.file.as_fd(),
            length: input.length,
        })
        .collect();
    let outputs = Outputs::make(None, mapped).context("there is no room for an answer")?;
    let answer = candor_sandbox::compile(&sandbox, &given, &outputs, &mut |_| ());
    sandbox.close();
    let length = answer?.length;
    let mut reader = BufReader::new(File::from(outputs.image).take(length));
    while let Some(said) = next(&mut reader, length).context("the worker says what nobody understands")? {
        take(said)?;
    }
    Ok(())
}

impl Saying {
    /// Bytes for standard output.
    pub(crate) fn out(&mut self, bytes: &[u8]) {
        self.put(b'o', bytes);
    }

    /// A line for standard output.
    pub(crate) fn line(&mut self, line: impl AsRef<[u8]>) {
        self.put(b'o', &[line.as_ref(), b"\n"].concat());
    }

    /// An error, for people.
    pub(crate) fn error(&mut self, text: &str) {
        self.put(b'e', text.as_bytes());
    }

    /// A line for standard error, as ClamAV's library writes it.
    pub(crate) fn note(&mut self, text: &str) {
        self.put(b'l', text.as_bytes());
    }

    /// A file.
    pub(crate) fn file(&mut self, name: &str, bytes: &[u8]) {
        self.put(b'n', name.as_bytes());
        self.put(b'f', bytes);
    }

    /// The command has failed.
    pub(crate) fn failed(&mut self) {
        self.put(b'x', b"");
    }

    /// What was said.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> Vec<Said> {
        let mut reader = self.0.as_slice();
        std::iter::from_fn(|| next(&mut reader, u64::MAX).unwrap()).collect()
    }

    fn put(&mut self, kind: u8, bytes: &[u8]) {
        self.0.push(kind);
        self.0.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }
}

/// Whether a file may have this name in the folder that it goes to: one word of letters that every system takes,
/// that leads nowhere else.
pub(crate) fn is_plain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+ ".contains(&byte);
    !name.is_empty() && name.len() <= 128 && !name.starts_with(['.', '-', ' ']) && name.bytes().all(fits)
}

/// The next thing that was said; of nothing longer than all of it.
fn next(reader: &mut impl Read, most: u64) -> io::Result<Option<Said>> {
    let Some((kind, bytes)) = record(reader, most)? else { return Ok(None) };
    let text = |bytes| String::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
    Ok(Some(match kind {
        b'o' => Said::Out(bytes),
        b'e' => Said::Error(text(bytes)?),
        b'l' => Said::Note(text(bytes)?),
        b'x' if bytes.is_empty() => Said::Failed,
        b'n' => match record(reader, most)? {
            Some((b'f', content)) => Said::File(text(bytes)?, content),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        },
        _ => return Err(io::ErrorKind::InvalidData.into()),
    }))
}

fn record(reader: &mut impl Read, most: u64) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut kind = [0];
    if reader.read(&mut kind)? == 0 {
        return Ok(None);
    }
    let mut length = [0; 8];
    reader.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut bytes = Vec::new();
    // It grows with what is there, whatever the length says.
    let read = reader.take(length.min(most)).read_to_end(&mut bytes)?;
    if u64::try_from(read) != Ok(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((kind[0], bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> io::Result<Vec<Said>> {
        let mut reader = bytes;
        std::iter::from_fn(|| next(&mut reader, 1 << 20).transpose()).collect()
    }

    #[test]
    fn what_is_said_comes_back() {
        let mut saying = Saying::default();
        saying.line("a");
        saying.error("b");
        saying.file("n", b"\0\xff");
        saying.failed();
        assert_eq!(
            all(&saying.0).unwrap(),
            [
                Said::Out(b"a\n".to_vec()),
                Said::Error(String::from("b")),
                Said::File(String::from("n"), b"\0\xff".to_vec()),
                Said::Failed
            ]
        );
        for end in 1..saying.0.len() {
            let told = all(&saying.0[..end]);
            assert!(told.is_err() || told.unwrap().len() < 4, "{end}");
        }
    }

    #[test]
    fn lies_are_refused() {
        for lie in [&b"o\xff\xff\xff\xff\xff\xff\xff\xffabc"[..], b"q\0\0\0\0\0\0\0\0", b"f\0\0\0\0\0\0\0\0"]
        {
            assert!(all(lie).is_err(), "{lie:?}");
        }
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        assert!(is_plain("main.ndb") && is_plain("3986187.cbc") && is_plain("COPYING"));
        for name in ["", ".", "..", "../a", "/etc/passwd", "a/b", "a\0b", "a\nb", ".profile", "-rf", "ü"] {
            assert!(!is_plain(name), "{name:?}");
        }
        assert!(!is_plain(&"a".repeat(200)));
    }
}
