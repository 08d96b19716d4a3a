//! The options of `clambc`.

use super::Fate::{Honoured, Unused};
use super::Takes::{Number, Switch, Text};
use super::{Fate, Known, Takes};

const fn option(name: &'static str, letter: char, takes: Takes, fate: Fate) -> Known {
    Known { name, letter, takes, fate }
}

const NOT_RUN: &str = "bytecode is not run";

/// All of them.
pub(crate) const OPTIONS: &[Known] = &[
    option("help", 'h', Switch, Honoured),
    option("version", 'V', Switch, Honoured),
    option("debug", '\0', Switch, Unused(NOT_RUN, "no")),
    option("force-interpreter", 'f', Switch, Unused(NOT_RUN, "no")),
    option("trust-bytecode", 't', Switch, Unused(NOT_RUN, "yes")),
    option("info", 'i', Switch, Honoured),
    option("printsrc", 'p', Switch, Honoured),
    option("printbcir", 'c', Switch, Honoured),
    option("input", 'r', Text, Honoured),
    option("trace", 'T', Number, Unused(NOT_RUN, "7")),
    option("no-trace-showsource", 's', Switch, Unused(NOT_RUN, "no")),
    option("statistics", '\0', Text, Unused(NOT_RUN, "none")),
];
