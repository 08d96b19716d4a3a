//! The index: which signatures may match a layer, found in one pass over its bytes.
//!
//! Every signature stands in the index with one or a few anchors ([`super::anchor`]). At every fourth
//! position a digest of the next eight bytes (at every second, of the next four) is tested against a
//! small filter that stays in the cache; the few positions that pass are looked up in a table, and the
//! surroundings of the anchor are compared. A signature of which enough was seen is touched: it is
//! evaluated afterwards, by itself. So the cost of a search follows the length of the layer and the
//! number of touched signatures, not the number of signatures.

mod build;
mod check;
mod groups;
mod hint;
mod kernel;
mod lanes;
mod layout;
mod nibbles;
mod screen;
mod search;
mod stitched;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vector;

pub(crate) use build::{ClassUsage, IndexBuilder};
pub(crate) use screen::Sieve;
pub use screen::{Screen, Screening, screen_together};
pub(crate) use search::{Groups, Index, LookingUp, State, Touched};
