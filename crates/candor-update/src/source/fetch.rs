//! What is said between whoever wants bytes and `candor-fetch`, the only program that opens connections.
//!
//! One [`Job`] goes in as JSON on standard input; its working directory is the spool. It answers one line of JSON, an
//! [`Answer`], for each wish, in their order. The bytes of wish number 3 are in the file `3` of the spool. Both
//! sides bound what they read, and neither believes the other: digests are computed again by whoever uses the bytes.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The version of these messages. A fetcher refuses jobs of another version.
pub const VERSION: u32 = 1;
/// Longest job in bytes.
pub const LONGEST_JOB: usize = 256 << 10;
/// Longest answer in bytes, with its end of line.
pub const LONGEST_ANSWER: usize = 16 << 10;
/// Most wishes of a job.
pub const MOST_WISHES: usize = 64;

/// Things to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// [`VERSION`].
    pub version: u32,
    /// What the fetcher says that it is. It must not tell one installation from another.
    pub agent: String,
    /// Times that end a wait.
    pub times: Times,
    /// How often a server may send on to another place.
    pub redirects: u32,
    /// A proxy that connections go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Servers that are asked for names. When there is none, those of the system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name_servers: Vec<SocketAddr>,
    /// Files of certificates in PEM that servers are believed by instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// Leaves the rest out after the first wish that is not granted.
    #[serde(default)]
    pub stop_at_failure: bool,
    /// What is wanted.
    pub wishes: Vec<Wish>,
}

/// Times that end a wait, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// Until a connection stands.
    pub connect: u64,
    /// Without a byte; and the time over which fewer than [`slowest`](Self::slowest) bytes a second are too few.
    pub stall: u64,
    /// For one file altogether.
    pub total: u64,
    /// Bytes a second that a server must bring, on average over the time of a stall.
    pub slowest: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { connect: 30, stall: 60, total: 3600, slowest: 64 }
    }
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// `http://host:port` or `https://host:port`.
    pub url: String,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// And proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// One thing to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Wish {
    /// A file behind an address.
    File(FileWish),
    /// The texts that the name system keeps for a name.
    Text {
        /// The name.
        name: String,
    },
}

/// A file to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileWish {
    /// Where: `http` or `https`.
    pub url: String,
    /// The most bytes that are taken.
    pub most: u64,
    /// Only this many bytes of its start are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Only if it is newer than this time, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

/// What became of one wish.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The place of the wish in its job.
    pub wish: usize,
    /// The status of HTTP, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Bytes in the spool.
    #[serde(default)]
    pub length: u64,
    /// SHA-256 of them, in 64 lower-case digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// When the server says that the file changed last, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// Seconds that the server wants to be left alone for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Texts of a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// Why there is nothing, or not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Why something was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{text}")]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// In words, at most 300 bytes.
    pub text: String,
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The name is not known, or nobody could be asked.
    Name,
    /// Nobody answers there.
    Connect,
    /// The server is not who it should be, or its certificate has expired.
    Certificate,
    /// The connection ended before the file did.
    Cut,
    /// It took too long, or came too slowly.
    Slow,
    /// It is longer than what is taken.
    TooLong,
    /// The server sends on to where one does not follow.
    Redirect,
    /// What is asked for makes no sense.
    Wish,
    /// The spool cannot be written.
    Spool,
    /// What the server says is no HTTP.
    Protocol,
}

impl Failure {
    /// A failure; its words are cut to what an answer may hold.
    #[must_use]
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        if text.len() > 300 {
            let end = (0..=300).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
        }
        let text = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        Self { kind, text }
    }
}

/// Why a job or an answer is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It is no message.
    #[error("not a message of the fetcher: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is longer than any message.
    #[error("the message is longer than {0} bytes")]
    TooLong(usize),
    /// It is of another version.
    #[error("the message is of version {0}, not {VERSION}")]
    Version(u32),
    /// There are too many wishes.
    #[error("there are {0} wishes in the job, not 1 to {MOST_WISHES}")]
    Wishes(usize),
    /// It answers something that was not asked.
    #[error("the answer is about wish {0}, not {1}")]
    OutOfTurn(usize, usize),
}

impl Job {
    /// Reads a job.
    ///
    /// # Errors
    /// It is none, of another version, or too large.
    pub fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > LONGEST_JOB {
            return Err(MessageError::TooLong(LONGEST_JOB));
        }
        let job: Self = serde_json::from_slice(bytes)?;
        if job.version != VERSION {
            return Err(MessageError::Version(job.version));
        }
        if job.wishes.is_empty() || job.wishes.len() > MOST_WISHES {
            return Err(MessageError::Wishes(job.wishes.len()));
        }
        Ok(job)
    }

    /// The bytes that [`read`](Self::read) reads.
    ///
    /// # Errors
    /// The job is too large.
    pub fn write(&self) -> Result<Vec<u8>, MessageError> {
        let bytes = serde_json::to_vec(self)?;
        if bytes.len() > LONGEST_JOB { Err(MessageError::TooLong(LONGEST_JOB)) } else { Ok(bytes) }
    }
}

impl Answer {
    /// Reads the line that answers wish number `wish`.
    ///
    /// # Errors
    /// It is no answer, or to another wish.
    pub fn read(line: &[u8], wish: usize) -> Result<Self, MessageError> {
        if line.len() > LONGEST_ANSWER {
            return Err(MessageError::TooLong(LONGEST_ANSWER));
        }
        let answer: Self = serde_json::from_slice(line)?;
        if answer.wish != wish {
            return Err(MessageError::OutOfTurn(answer.wish, wish));
        }
        Ok(answer)
    }

    /// The line that [`read`](Self::read) reads, with its end.
    ///
    /// # Errors
    /// The answer is too large.
    pub fn write(&self) -> Result<Vec<u8>, MessageError> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        if line.len() > LONGEST_ANSWER { Err(MessageError::TooLong(LONGEST_ANSWER)) } else { Ok(line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job {
            version: VERSION,
            agent: String::from("Candor/0"),
            times: Times::default(),
            redirects: 3,
            proxy: None,
            name_servers: vec!["127.0.0.1:53".parse().unwrap()],
            authorities: None,
            stop_at_failure: true,
            wishes: vec![
                Wish::File(FileWish {
                    url: String::from("https://example.org/a"),
                    most: 512,
                    first: Some(512),
                    since: Some(7),
                }),
                Wish::Text { name: String::from("current.example.org") },
            ],
        }
    }

    #[test]
    fn messages_come_back_as_they_were() {
        assert_eq!(Job::read(&job().write().unwrap()).unwrap(), job());
        let answer = Answer {
            wish: 1,
            status: Some(200),
            failure: Some(Failure::new(FailureKind::Cut, "a\nb")),
            ..Answer::default()
        };
        let line = answer.write().unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        assert_eq!(Answer::read(&line, 1).unwrap(), answer);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let other = Job { version: 2, ..job() };
        let none = Job { wishes: Vec::new(), ..job() };
        let many = Job { wishes: vec![Wish::Text { name: String::new() }; 65], ..job() };
        for (bytes, reason) in [
            (b"{}".to_vec(), "not a message of the fetcher"),
            (vec![b' '; LONGEST_JOB + 1], "the message is longer than 262144 bytes"),
            (other.write().unwrap(), "the message is of version 2, not 1"),
            (none.write().unwrap(), "there are 0 wishes in the job"),
            (many.write().unwrap(), "there are 65 wishes in the job"),
            (br#"{"version":1,"extra":1}"#.to_vec(), "not a message of the fetcher"),
        ] {
            let said = Job::read(&bytes).unwrap_err().to_string();
            assert!(said.starts_with(reason), "{said}");
        }
        let line = Answer { wish: 2, ..Answer::default() }.write().unwrap();
        assert_eq!(Answer::read(&line, 1).unwrap_err().to_string(), "the answer is about wish 2, not 1");
    }

    #[test]
    fn words_of_a_failure_are_short_and_in_one_line() {
        let failure = Failure::new(FailureKind::Protocol, "ü".repeat(400) + "\r\n");
        assert!(failure.text.len() <= 300 && failure.text.ends_with('ü'));
    }
}
