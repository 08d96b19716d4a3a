//! Where signatures may come from, and how their bytes are asked for.
//!
//! * [`Source`], [`read`](read()): the list of sources, `sources.toml`.
//! * [`fetch`]: what is said to the program that opens connections.
//! * [`Key`]: a key that a customer wrote down, and signatures by it.
//! * [`Remembered`]: what a source on the network remembers.

pub mod fetch;
mod key;
mod list;
mod remembered;

pub use key::{Key, KeyError, MOST_SIGNATURE, Signed};
pub use list::{
    Clamav, Cosigner, Directory, Feed, LONGEST_LIST, List, ListError, Network, Source, SourceKind, Vouched,
    host_of, read,
};
pub use remembered::{OtherKind, Remembered};
