//! Where signatures may come from, and how their bytes are asked for.
//!
//! * [`Source`], [`read`](read()): the list of sources, `sources.toml`.
//! * [`fetch`]: what is said to the program that opens connections.

pub mod fetch;
mod list;

pub use list::{LONGEST_LIST, ListError, Source, SourceKind, Vouched, read};
