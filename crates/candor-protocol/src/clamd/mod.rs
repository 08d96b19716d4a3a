//! clamd's protocol, as clamd 1.4 speaks it.
//!
//! A command is framed in one of three ways ([`Framing`]), and its reply ends as the command did. A
//! connection carries one command, unless that is `IDSESSION`: then it carries any number, and every
//! reply is prefixed with the number of its command.
//!
//! Source: the ClamAV manual (`clamd(8)`, section "Commands"), and runs of clamd 1.4.6. Where they
//! differ, the program that clients were written against is followed, and a test says so.

mod command;
mod decoder;
mod reply;
mod stats;
#[cfg(test)]
mod tests;

pub use command::{Command, NAMES};
pub use decoder::{Decoder, Event, Failure, LONGEST_COMMAND, Step};
pub use reply::{Answer, Reply, STREAM, ScanError, Verdict, describe_version, parse};
pub use stats::{Memory, Running, Stats};

/// How a command is marked off from the next, and a reply likewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// `zPING\0`: may carry any path.
    Nul,
    /// `nPING\n`.
    Newline,
    /// `PING`: ends with a line or with what was sent at once. Not for all commands.
    Packet,
}

impl Framing {
    /// The byte that ends a reply.
    #[must_use]
    pub const fn end(self) -> u8 {
        match self {
            Self::Nul => 0,
            Self::Newline | Self::Packet => b'\n',
        }
    }
}

/// What a reply needs to know of its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    /// How the reply ends.
    pub framing: Framing,
    /// Number of the command in its session, from 1 on; outside of a session there is none.
    pub id: Option<u32>,
}

impl Tag {
    /// Appends one reply: prefix, text, end.
    pub fn write(self, text: &[u8], out: &mut Vec<u8>) {
        if let Some(id) = self.id {
            out.extend_from_slice(id.to_string().as_bytes());
            out.extend_from_slice(b": ");
        }
        out.extend_from_slice(text);
        out.push(self.framing.end());
    }
}
