//! The name table: what every signature is called and where it was written.
//!
//! Millions of names are made by machines and differ from their predecessor in a few digits. So names
//! are kept in the order in which they were added, in blocks of [`BLOCK`], and each but the first of
//! a block says only how it differs from the one before. A signature's number is its place in that
//! order; finding its name decodes at most one block.
//!
//! ```text
//! sources          count 4 | where each record starts, 4 each | records:
//!                  flags 1 (1 official, 2 potentially unwanted), signatures 8, language run, name run
//! blocks of names  where each block starts in the names, 4 each
//! names            first of a block: source varint, line varint, name run
//!                  any other: control 1 [source varint, line varint | line difference varint]
//!                             [shared varint] middle 1 [middle varint] middle bytes
//! control          bits 0 to 5: how many bytes at the start are as in the name before; 63: a varint
//!                  says it
//!                  bit 6: the line is not the next one, the (zigzag) difference follows
//!                  bit 7: the source is another one, which follows with the line
//! middle           bits 0 to 4: how many bytes are new; 31: a varint says it
//!                  bits 5 to 7: how many bytes at the end are as in the name before
//! ```
//! A run is a length as a varint, and so many bytes.

mod build;
mod search;
mod sources;
#[cfg(test)]
mod tests;

pub(crate) use build::NamesBuilder;
pub(crate) use search::{Names, Written};
pub(crate) use sources::{SourceRecord, Sources, SourcesBuilder};

/// Number of names in a block: the longer, the smaller the table and the slower to find one.
const BLOCK: usize = 64;

/// The longest name, in bytes: no line of a database that ClamAV accepts holds a longer one in practice,
/// and it bounds what a damaged image can make us copy.
const LONGEST: usize = 8192;

/// The longest shared beginning that the control byte holds itself; this value says that it does not.
const SHARED_BEHIND: u8 = 63;

/// The longest middle that its byte holds itself; this value says that it does not.
const MIDDLE_BEHIND: u8 = 31;

/// The bits of the byte of the middle that tell its length; the others tell the shared end.
const MIDDLE_BITS: u32 = 5;

/// The longest shared end. Ends like `-0` are what it is for.
const LONGEST_END: usize = 7;

/// The line is not the next one.
const LINE_BEHIND: u8 = 1 << 6;

/// The source is another one.
const SOURCE_BEHIND: u8 = 1 << 7;
