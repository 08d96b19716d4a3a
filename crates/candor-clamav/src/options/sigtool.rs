//! The options of `sigtool`.

use super::Fate::{Honoured, Unused};
use super::Takes::{Number, Optional, Switch, Text};
use super::{Fate, Known, Takes};

const fn option(name: &'static str, letter: char, takes: Takes, fate: Fate) -> Known {
    Known { name, letter, takes, fate }
}

const NO: char = '\0';
const NO_FILES: &str = "nothing is written to temporary files";

/// All of them.
pub(crate) const OPTIONS: &[Known] = &[
    option("help", 'h', Switch, Honoured),
    option("version", 'V', Switch, Honoured),
    option("debug", NO, Switch, Honoured),
    option("quiet", NO, Switch, Honoured),
    option("verbose", 'v', Switch, Unused("reasons are always told", "no")),
    option("stdout", NO, Switch, Honoured),
    option("gen-json", NO, Switch, Unused("`clamscan --gen-json` writes metadata", "no")),
    option("hex-dump", NO, Switch, Honoured),
    option("md5", NO, Switch, Honoured),
    option("sha1", NO, Switch, Honoured),
    option("sha256", NO, Switch, Honoured),
    option("sha2-256", NO, Switch, Honoured),
    option("mdb", NO, Switch, Honoured),
    option("imp", NO, Switch, Honoured),
    option("fuzzy-img", NO, Switch, Honoured),
    option("html-normalise", NO, Text, Honoured),
    option("ascii-normalise", NO, Text, Honoured),
    option("utf16-decode", NO, Text, Honoured),
    option("info", 'i', Text, Honoured),
    option("build", 'b', Text, Honoured),
    option("max-bad-sigs", NO, Number, Honoured),
    option("flevel", NO, Number, Honoured),
    option("cvd-version", NO, Number, Honoured),
    option("no-cdiff", NO, Switch, Honoured),
    option("unsigned", NO, Switch, Honoured),
    option("hybrid", NO, Switch, Honoured),
    option("print-certs", NO, Text, Honoured),
    option("server", NO, Text, Honoured),
    option("datadir", NO, Text, Honoured),
    option("unpack", 'u', Text, Honoured),
    option("unpack-current", NO, Text, Honoured),
    option("list-sigs", 'l', Optional, Honoured),
    option("find-sigs", 'f', Text, Honoured),
    option("decode-sigs", NO, Switch, Honoured),
    option("test-sigs", NO, Text, Honoured),
    option("vba", NO, Text, Honoured),
    option("vba-hex", NO, Text, Honoured),
    option("diff", 'd', Text, Honoured),
    option("compare", 'c', Text, Honoured),
    option("run-cdiff", 'r', Text, Honoured),
    option("verify-cdiff", NO, Text, Honoured),
    option("tempdir", NO, Text, Unused(NO_FILES, "")),
    option("leave-temps", NO, Switch, Unused(NO_FILES, "no")),
    option("sign", NO, Text, Honoured),
    option("verify", NO, Text, Honoured),
    option("key", NO, Text, Honoured),
    option("cert", NO, Text, Honoured),
    option("append", NO, Switch, Honoured),
    option("cvdcertsdir", NO, Text, Honoured),
    option("fips-limits", NO, Switch, Unused("containers are signed by MD5 sums", "no")),
];
