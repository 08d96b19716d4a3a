//! The milter protocol: what a mail server (Sendmail, Postfix) and a filter say to each other, versions 2 to 6.
//!
//! Both sides speak in packets: four bytes of length, big endian, one letter, and what belongs to it.
//!
//! ```text
//! 00 00 00 0d  'O'  00 00 00 06  00 00 01 ff  00 1f ff ff      versions, actions and steps are agreed upon
//! ```
//!
//! The server says what happens in a conversation ([`Event`]), a packet each; the filter answers most of them with one
//! [`Reply`]. What it wants changed it says at the end of a message, before its last reply.
//!
//! Source: the documentation of Sendmail's `libmilter`, Postfix's `MILTER_README`, and runs of both sides.

mod decoder;
mod reply;
#[cfg(test)]
mod tests;

pub use decoder::{Address, Broken, Decoder, Event, LONGEST};
pub use reply::{Offer, Reply};

/// The newest version that is spoken here.
pub const VERSION: u32 = 6;

/// The oldest.
pub const OLDEST: u32 = 2;

/// What a filter may ask of a server at the end of a message.
pub mod action {
    /// To add headers.
    pub const ADD_HEADERS: u32 = 0x01;
    /// To change headers, and remove them.
    pub const CHANGE_HEADERS: u32 = 0x10;
    /// To keep the message back.
    pub const QUARANTINE: u32 = 0x20;
}

/// What a server leaves out, and what it does not wait for an answer to.
pub mod step {
    /// HELO is not told.
    pub const NO_HELO: u32 = 0x02;
    /// The end of the headers is not told.
    pub const NO_END_OF_HEADERS: u32 = 0x40;
    /// Unknown commands are not told.
    pub const NO_UNKNOWN: u32 = 0x100;
    /// DATA is not told.
    pub const NO_DATA: u32 = 0x200;
    /// The rest of a body may be skipped.
    pub const SKIP: u32 = 0x400;
}
