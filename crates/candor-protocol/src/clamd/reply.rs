//! Replies, as clamd words them, and how a client reads them.

use super::Tag;

/// What a stream is called in replies.
pub const STREAM: &[u8] = b"stream";

/// What is said to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// To `PING`.
    Pong,
    /// To `VERSION`: what [`describe_version`] gives.
    Version(&'a str),
    /// To `VERSIONCOMMANDS`, with the version and the names.
    Commands(&'a str, &'a [&'a str]),
    /// To `RELOAD`.
    Reloading,
    /// To `SELFCHECK` when nothing changed.
    UpToDate,
    /// To a command that the configuration turns off.
    Unavailable,
    /// To `FILDES` without a descriptor.
    NoDescriptor,
    /// To a session that was silent for too long.
    ReadTimeout,
    /// To whatever came when there is no room for it.
    QueueFull,
    /// About a file, or the argument of a scan.
    Scanned(&'a [u8], Verdict<'a>),
}

/// What is said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Nothing was found.
    Ok,
    /// A signature of this name matched.
    Found(&'a str),
    /// The same, with the MD5 and size of the file (`ExtendedDetectionInfo`).
    FoundIn(&'a str, &'a str, u64),
    /// It was not scanned, or not to the end.
    Error(ScanError<'a>),
    /// The configuration excludes it.
    Excluded,
    /// It is on another file system, and those are not crossed.
    OtherFileSystem,
    /// It has no bytes.
    Empty,
}

/// Why something was not scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanError<'a> {
    /// The path leads nowhere; says why.
    Path(&'a str),
    /// It may not be read.
    AccessDenied,
    /// No file and no directory.
    NotSupported,
    /// `MULTISCAN` with one thread.
    NotEnoughThreads,
    /// `ALLMATCHSCAN` is turned off.
    AllMatchDisabled,
    /// Something else, in words.
    Other(&'a str),
}

impl ScanError<'_> {
    fn text(&self) -> String {
        match self {
            Self::Path(why) => format!("File path check failure: {why}. ERROR"),
            Self::AccessDenied => String::from("Access denied. ERROR"),
            Self::NotSupported => String::from("Not supported file type ERROR"),
            Self::NotEnoughThreads => {
                String::from("Not enough threads for multiscan. Increase MaxThreads. ERROR")
            }
            Self::AllMatchDisabled => {
                String::from("ALLMATCHSCAN command disabled by clamd configuration. ERROR")
            }
            Self::Other(why) => format!("{why} ERROR"),
        }
    }
}

impl Verdict<'_> {
    fn text(&self) -> String {
        match self {
            Self::Ok => String::from("OK"),
            Self::Found(name) => format!("{name} FOUND"),
            Self::FoundIn(name, digest, size) => format!("{name}({digest}:{size}) FOUND"),
            Self::Error(error) => error.text(),
            Self::Excluded => String::from("Excluded"),
            Self::OtherFileSystem => String::from("Excluded (another filesystem)"),
            Self::Empty => String::from("Empty file"),
        }
    }
}

impl Reply<'_> {
    /// The text of the reply, without prefix and end.
    ///
    /// A byte of a path that would end a reply early becomes `?`: a file's name must not be able
    /// to say `OK` for another one. clamd sends it as it is.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Vec<u8> {
        match self {
            Self::Pong => b"PONG".to_vec(),
            Self::Version(version) => version.as_bytes().to_vec(),
            Self::Commands(version, names) => {
                format!("{version}| COMMANDS: {}", names.join(" ")).into_bytes()
            }
            Self::Reloading => b"RELOADING".to_vec(),
            Self::UpToDate => b"DBUPTODATE".to_vec(),
            Self::Unavailable => b"COMMAND UNAVAILABLE".to_vec(),
            Self::NoDescriptor => b"No file descriptor received. ERROR".to_vec(),
            Self::ReadTimeout => b"COMMAND READ TIMED OUT".to_vec(),
            Self::QueueFull => b"Too many requests are waiting. ERROR".to_vec(),
            Self::Scanned(subject, verdict) => {
                let end = tag.framing.end();
                let safe = |byte: &u8| if *byte == end || *byte == 0 { b'?' } else { *byte };
                let mut text: Vec<u8> = subject.iter().map(safe).collect();
                text.extend_from_slice(b": ");
                text.extend_from_slice(verdict.text().as_bytes());
                text
            }
        }
    }

    /// Appends the reply as it is sent.
    pub fn write(&self, tag: Tag, out: &mut Vec<u8>) {
        tag.write(&self.text(tag), out);
    }
}

/// The version as clamd tells it: its own, and when a daily database is loaded, that one's number and date.
#[must_use]
pub fn describe_version(own: &str, daily: Option<(u32, &str)>) -> String {
    match daily {
        Some((number, date)) => format!("ClamAV {own}/{number}/{date}"),
        None => format!("ClamAV {own}"),
    }
}

/// A reply about a file, as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Number of the command in its session.
    pub id: Option<u32>,
    /// What it is about: a path, `stream` or `fd[N]`; empty for an error about the connection.
    pub subject: &'a [u8],
    /// The words behind it.
    pub verdict: Verdict<'a>,
}

/// Reads a reply about a file, without its end; `in_session` says that it has a number. `None` for what
/// is no such reply.
#[must_use]
pub fn parse(reply: &[u8], in_session: bool) -> Option<Answer<'_>> {
    let (id, rest) = if in_session {
        let end = memchr::memmem::find(reply, b": ")?;
        let id = std::str::from_utf8(reply.get(..end)?).ok()?.parse().ok()?;
        (Some(id), reply.get(end.checked_add(2)?..)?)
    } else {
        (None, reply)
    };
    // A path may have a colon in it, the words behind it have none that a blank follows, but for errors.
    let split = |place: usize| Some((rest.get(..place)?, rest.get(place.checked_add(2)?..)?));
    if rest.ends_with(b" FOUND") || rest.ends_with(b": OK") {
        let (subject, words) = split(memchr::memmem::rfind(rest, b": ")?)?;
        let words = std::str::from_utf8(words).ok()?;
        let verdict = match words {
            "OK" => Verdict::Ok,
            // No name is no reason to take it for harmless.
            "FOUND" => Verdict::Found(""),
            words => Verdict::Found(words.strip_suffix(" FOUND")?),
        };
        return Some(Answer { id, subject, verdict });
    }
    if let Some(before) = rest.strip_suffix(b" ERROR") {
        let place = memchr::memmem::find(before, b": ");
        let (subject, words) = place.and_then(split).unwrap_or((&[], rest));
        let words = words.strip_suffix(b" ERROR").unwrap_or(words);
        let words = std::str::from_utf8(words).ok()?;
        return Some(Answer { id, subject, verdict: Verdict::Error(ScanError::Other(words)) });
    }
    for (words, verdict) in [
        (&b": Excluded"[..], Verdict::Excluded),
        (b": Excluded (another filesystem)", Verdict::OtherFileSystem),
        (b": Empty file", Verdict::Empty),
    ] {
        if let Some(subject) = rest.strip_suffix(words) {
            return Some(Answer { id, subject, verdict });
        }
    }
    None
}
