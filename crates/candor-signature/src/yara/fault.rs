//! Why a rule cannot be used, and where in its file the reason stands.

use std::borrow::Cow;

/// Why a rule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Distance from the start of the file in bytes.
    pub(crate) at: usize,
    /// What is wrong, in lower case and without a full stop.
    pub(crate) message: Cow<'static, str>,
    /// Whether the rule is well-formed and asks for something that is not there.
    pub(crate) unused: bool,
}

impl Fault {
    /// The rule is wrong.
    pub(crate) fn new(at: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self { at, message: message.into(), unused: false }
    }

    /// The rule is right, and what it asks for is not there.
    pub(crate) fn unused(at: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self { at, message: message.into(), unused: true }
    }
}

/// Where the lines of a file begin.
#[derive(Debug)]
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// The lines of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let behind = memchr::memchr_iter(b'\n', bytes).map(|at| at.saturating_add(1));
        Self { starts: std::iter::once(0).chain(behind).collect() }
    }

    /// Line and column of a byte, both from 1.
    pub(crate) fn place(&self, at: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        (number(line), number(at.saturating_sub(start).saturating_add(1)))
    }
}
