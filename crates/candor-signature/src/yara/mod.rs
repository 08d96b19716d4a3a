//! Rules of YARA: text in, [`candor_database::ir::Rule`] out.
//!
//! ```text
//! bytes -> tokens -> pieces of a file (library) -> rule -> strings (text, hex, regex) and condition -> closed rule
//! ```
//!
//! Each rule is read, checked and translated in one go, as everything that it may name stands before it. What comes out
//! refers to no other rule (`closed`). Semantics are those of YARA 4; what differs is in `docs/reference/rules.md`.

mod closed;
mod condition;
mod fault;
mod hex;
mod library;
mod regex;
mod renumber;
mod rule;
mod scope;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

pub(crate) use self::library::{Content, Item, Library, RuleFile};

/// What stands before the names of rules in findings, as ClamAV has it.
pub(crate) const NAME_PREFIX: &str = "YARA.";
