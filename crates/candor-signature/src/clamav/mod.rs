//! ClamAV's signature languages, one file each.
//!
//! [`load`] is the only way in. A line of any language is parsed by a function from `Line` to
//! `Parsed` or `Fault`; what belongs to all languages alike (order of files, comments, limits,
//! ignore lists, functionality levels, counting) is in `loading`.

mod body;
mod container;
mod hash;
mod hex;
mod ignore;
mod language;
mod level;
mod lists;
mod loading;
mod logical;
mod magic;
mod metadata;
mod offset;
mod pattern;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use candor_database::ir::{Receiver, Signature};

pub use self::container::{
    ContainerError, Header, Keys, Member, Opened, PublicKey, open_container, open_container_with,
    open_vouched_container,
};
pub use self::language::extensions;
pub use self::loading::{load_vouched, load_with};
use self::text::Text;
use crate::{Diagnostic, Input, SourceSummary};

/// The functionality level that Candor claims: that of ClamAV 1.5.
pub const FUNCTIONALITY_LEVEL: u32 = 233;

/// How to load.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Signatures for other functionality levels are left out.
    pub level: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: FUNCTIONALITY_LEVEL }
    }
}

/// Loads `inputs` into `receiver`. No line stops it: what cannot be used is told to `diagnostics`.
///
/// The order of `inputs` does not matter for what is accepted: ignore lists and configuration are
/// read first, and of `daily.cvd` and `daily.cld` only the newer one counts. Inputs whose names say
/// nothing about a language are told of and left alone.
pub fn load(
    inputs: &[Input<'_>],
    options: Options,
    receiver: &mut dyn Receiver,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> Vec<SourceSummary> {
    load_with(inputs, options, &Keys::published(), receiver, diagnostics)
}

/// Whether [`load`] would read a file of this name: whether its extension is one of ClamAV's.
#[must_use]
pub fn is_database_name(name: &str) -> bool {
    language::of_name(name).is_some()
}

/// A line to be parsed, for an engine of some level.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    text: Text<'a>,
    level: u32,
}

/// What became of a line.
#[derive(Debug)]
enum Parsed<'a> {
    /// A signature.
    Signature {
        /// Its name; empty where the language has none.
        name: Text<'a>,
        /// What it says.
        signature: Signature,
    },
    /// It is for engines of other levels.
    OtherLevel,
    /// It is well-formed, but nothing could ever match it.
    Unused {
        /// Where in the line the reason stands.
        at: usize,
        /// The reason.
        reason: Cow<'static, str>,
    },
}

impl Parsed<'_> {
    fn unused(text: Text<'_>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unused { at: text.at(), reason: reason.into() }
    }
}
