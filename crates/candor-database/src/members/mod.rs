//! Signatures on the members of containers: `.cdb`, `.zmd` and `.rmd`.
//!
//! There are hundreds at most, so they are a list that is gone through for every member: numbers are
//! compared first, and only what is left has its name looked at. The list is decoded when the first
//! member is searched, and each expression on names is compiled when it is first needed.
//!
//! All three languages come down to the same conditions. A record says by bits which of them it has, and
//! then holds those, in this order:
//!
//! ```text
//! bit 0  container        number of its type 1       bit 5  encrypted   0 or 1, 1
//! bit 1  container size   lowest, highest: varints   bit 6  position    lowest, highest: varints
//! bit 2  name             run                        bit 7  CRC-32      varint
//! bit 3  compressed size  lowest, highest: varints   bit 8  method      varint
//! bit 4  real size        lowest, highest: varints
//! ```

mod expression;
mod layout;
mod search;
#[cfg(test)]
mod tests;

pub(crate) use layout::MembersBuilder;
pub(crate) use search::{Asked, Rules};
