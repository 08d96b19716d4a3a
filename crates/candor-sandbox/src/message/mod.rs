//! What broker and workers say to each other: a fixed, bounded, versioned format. Nothing here does input
//! or output.
//!
//! A message is one packet: a byte for the version, one for the kind, then values as each kind has them.
//! The broker believes nothing of what a worker says beyond that: every number, length and text is checked,
//! what is left over is an error, and whoever sends something else is ended. What a worker says about the
//! files that it was given may be a lie; it can say nothing else.

mod bytes;
mod report;
mod tasks;
#[cfg(test)]
mod tests;
mod worker;

use candor_model::{LayerSummary, Report};

pub use bytes::Malformed;
use bytes::{Reader, put_list, put_run, put_u64, shorten};
pub use tasks::{Diagnostic, Summary, Sums};
pub use worker::Packer;

/// The version of the format. Broker and worker are the same program, so there is only ever one.
const VERSION: u8 = 1;

/// Bytes of the longest packet.
pub const PACKET: usize = 64 << 10;

/// Bytes of the longest answer about one file, which may take many packets.
pub const LONGEST_ANSWER: usize = 24 << 20;

/// Bytes of the longest record.
pub const LONGEST_RECORD: usize = PACKET - 16;

/// Files in one packet.
pub const BATCH: usize = 64;

/// Bytes of the name of a file.
const NAME: usize = 1024;
/// Bytes of a text that explains something.
const TEXT: usize = 4096;
/// Facts about one layer.
pub(crate) const FACTS: usize = 1024;
/// Bytes of last words that are kept.
const LAST_WORDS: usize = 256;

/// What the broker says to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Do what should be refused: what its act number stands for.
    Attempt(u8),
    /// Scan these files; their descriptors come with the packet, in the same order.
    Files(Vec<Given>),
    /// Take this file apart and hand out its layers; its descriptor comes with the packet.
    Unpack {
        /// The file.
        file: Given,
        /// Whether to hand out the bytes of the layers, too.
        contents: bool,
    },
    /// Compile these sources; their descriptors come with the packet, behind the two that are written to (the image,
    /// and what is put aside), if this is the first packet.
    Sources {
        /// The sources.
        sources: Vec<Given>,
        /// Whether these are the last ones.
        last: bool,
    },
}

/// A file that is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its own name; not a path.
    pub name: String,
    /// Its length when it was opened, in bytes.
    pub length: u64,
    /// Whether to read it into memory however large it is, as it has ended a worker before.
    pub careful: bool,
}

/// What a worker says to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Answers about the next files of those that were handed over, in the same order.
    Answers(Vec<Answer>),
    /// What became of an act that should be refused: what the system call returned, or the error.
    Attempted(Result<i64, i32>),
    /// The compilation is done, or why it failed.
    Compiled(Result<Sums, String>),
    /// The next bytes of a layer.
    Content {
        /// Which layer.
        layer: u32,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// About one line of a signature source.
    Diagnostic(Diagnostic),
    /// What was learned about a layer.
    Facts {
        /// Which layer.
        layer: u32,
        /// What it is about, and what there is to say.
        facts: Vec<(String, String)>,
    },
    /// The jail is closed; with these layers of it in force.
    Jailed(u32),
    /// Something that the run-time wrote before it gave up.
    LastWords(String),
    /// A layer of the file that is taken apart.
    Layer(LayerSummary),
    /// A part of an answer that is too long for one packet.
    Part {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether it is the last part.
        last: bool,
    },
    /// It can take orders.
    Ready,
    /// Something that the file that it is reading says; its meaning is not for the broker's side of this channel.
    Record {
        /// Whether it is the last one about this file.
        last: bool,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// About one signature source.
    Summary(Summary),
}

/// What there is to say about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The engine failed; says where. A defect of this program.
    Defect(String),
    /// It was scanned.
    Scanned {
        /// Bytes that were read.
        read: u64,
        /// Why not all of it could be read.
        partial: Option<String>,
        /// What the engine says.
        report: Box<Report>,
    },
    /// It is larger than allowed; how large, when it is known.
    TooLarge(Option<u64>),
    /// It could not be read; says why.
    Unreadable(String),
}

impl Order {
    /// The packet.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2048);
        out.push(VERSION);
        match self {
            Self::Files(files) => {
                out.push(1);
                put_list(&mut out, files, BATCH, put_given);
            }
            Self::Sources { sources, last } => {
                out.push(2);
                out.push(u8::from(*last));
                put_list(&mut out, sources, BATCH, put_given);
            }
            Self::Attempt(act) => out.extend([3, *act]),
            Self::Unpack { file, contents } => {
                out.extend([4, u8::from(*contents)]);
                put_given(&mut out, file);
            }
        }
        out
    }
}

impl Word {
    /// Reads a packet.
    ///
    /// # Errors
    /// It is not one that [`encode`](Self::encode) makes.
    pub fn decode(packet: &[u8]) -> Result<Self, Malformed> {
        // What the run-time writes to its error stream ends here; it begins with a letter.
        if packet.first().is_some_and(|first| *first >= b' ' || *first == b'\n') {
            let text = String::from_utf8_lossy(packet.get(..LAST_WORDS).unwrap_or(packet));
            return Ok(Self::LastWords(text.into_owned()));
        }
        if packet.len() > PACKET {
            return Err(Malformed::Excess("bytes"));
        }
        let mut reader = Reader::new(packet);
        version(&mut reader)?;
        let word = match reader.u8()? {
            1 => Self::Jailed(reader.u32()?),
            2 => Self::Ready,
            3 => {
                let mut answers = Vec::new();
                while !reader.is_empty() {
                    answers.push(answer(&mut reader)?);
                }
                Self::Answers(answers)
            }
            4 => {
                let last = reader.flag()?;
                let bytes = packet.get(3..).unwrap_or_default().to_vec();
                return Ok(Self::Part { bytes, last });
            }
            kind => return tasks::word(kind, reader, packet),
        };
        reader.end()?;
        Ok(word)
    }
}

impl Answer {
    /// The bytes that the parts of a long answer make up.
    ///
    /// # Errors
    /// They are not one answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let answer = answer(&mut reader)?;
        reader.end()?;
        Ok(answer)
    }

    /// Whether a worker goes on after it: it has met neither something that was made to do harm nor
    /// something that it could not cope with.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        use candor_model::{Reason, Verdict};
        match self {
            Self::Scanned { report, .. } => match report.verdict {
                Verdict::Clean => true,
                Verdict::Infected | Verdict::Suspicious => false,
                Verdict::Incomplete => report.incomplete.iter().all(|incomplete| {
                    matches!(incomplete.reason, Reason::Encrypted | Reason::Unsupported(_) | Reason::FileSize)
                }),
            },
            Self::TooLarge(_) | Self::Unreadable(_) => true,
            Self::Defect(_) => false,
        }
    }
}

fn version(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    match reader.u8()? {
        VERSION => Ok(()),
        other => Err(Malformed::Version(other)),
    }
}

fn put_given(out: &mut Vec<u8>, given: &Given) {
    put_u64(out, given.length);
    out.push(u8::from(given.careful));
    put_run(out, shorten(&given.name, NAME).as_bytes(), NAME);
}

fn answer(reader: &mut Reader<'_>) -> Result<Answer, Malformed> {
    Ok(match reader.u8()? {
        0 => Answer::Scanned {
            read: reader.u64()?,
            partial: reader.option(|reader| reader.text(TEXT).map(str::to_owned))?,
            report: Box::new(report::take(reader)?),
        },
        1 => Answer::Unreadable(reader.text(TEXT)?.to_owned()),
        2 => Answer::TooLarge(reader.option(Reader::u64)?),
        3 => Answer::Defect(reader.text(TEXT)?.to_owned()),
        _ => return Err(Malformed::Unknown("answer")),
    })
}
