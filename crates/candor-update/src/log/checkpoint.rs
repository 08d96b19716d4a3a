//! Checkpoints: what a log says of itself at one size (C2SP `tlog-checkpoint`).

use super::hash::Hash;

/// A log's name, its size and the root of its tree, and nothing about who signed that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a text is not a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Fewer than three lines, or an empty one.
    #[error("a checkpoint has three lines that are not empty: origin, size, root")]
    Lines,
    /// More lines: nobody audits what they say.
    #[error("the checkpoint of `{0}` has extension lines, which no monitor can check")]
    Extended(String),
    /// The size is not a number in its one spelling.
    #[error("the size in the checkpoint of `{0}` is not a decimal number without leading zeroes")]
    Size(String),
    /// The root is not a digest.
    #[error("the root in the checkpoint of `{0}` is not the base 64 of 32 bytes")]
    Root(String),
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    /// It is not a checkpoint without extensions.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Lines);
        };
        if origin.is_empty() {
            return Err(CheckpointError::Lines);
        }
        if lines.next().is_some() {
            return Err(CheckpointError::Extended(origin.to_owned()));
        }
        let size = decimal(size).ok_or_else(|| CheckpointError::Size(origin.to_owned()))?;
        let root = Hash::from_base64(root).ok_or_else(|| CheckpointError::Root(origin.to_owned()))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }
}

/// Reads a number that has one spelling only, and that fits 63 bits, as sizes and times must.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !(canonical && digits) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= i64::MAX.unsigned_abs())
}
