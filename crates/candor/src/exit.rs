//! Exit statuses: one place, so that they stay what the manual says.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: everything was looked at and nothing was found; or the command did what it was asked.
    Clean,
    /// 1: something was found, whatever else happened.
    Found,
    /// 2: nothing was found, but something could not be looked at; or the command failed.
    Failed,
    /// 130: Ctrl-C, before anything was found.
    Interrupted,
    /// 141: nobody reads the output any more.
    OutputClosed,
    /// 143: asked to terminate, before anything was found.
    Terminated,
}

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Found => 1,
            Self::Failed => 2,
            Self::Interrupted => 130,
            Self::OutputClosed => 141,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
