//! Signature languages: text in, [`candor_database::ir`] out. One folder a language.
//!
//! Nothing here opens a file: the caller hands over names and bytes.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

pub mod clamav;
mod yara;

/// A file of signatures, or a container of such files.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its name; the extension tells the language.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Something that the loader has to say about a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// The file, with the container it was in: `daily.cvd/daily.ldb`.
    pub source: String,
    /// Line, from 1; 0 when it is about the whole file.
    pub line: u32,
    /// Column in bytes, from 1; 0 when it is about the whole line.
    pub column: u32,
    /// What, in lower case and without a full stop.
    pub message: String,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing: something is recognised and not used, and need not be.
    Note,
    /// A line that cannot be used. Fatal when the user asks for strictness.
    Error,
}

/// What became of the lines of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceSummary {
    /// The file, with the container it was in.
    pub source: String,
    /// Signatures that are now in the builder.
    pub accepted: u64,
    /// Lines that are left out because they are for other functionality levels.
    pub other_level: u64,
    /// Lines that an ignore list names.
    pub ignored: u64,
    /// Lines that are recognised and not used yet.
    pub unused: u64,
    /// Lines that cannot be used; each has a diagnostic.
    pub refused: u64,
}
