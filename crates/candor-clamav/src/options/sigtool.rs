//! The options of `sigtool` that are there, and the names of those that are not.

use super::Fate::Honoured;
use super::Known;
use super::Takes::Switch;

/// Those that are there.
pub(crate) const OPTIONS: &[Known] = &[
    Known { name: "help", letter: 'h', takes: Switch, fate: Honoured },
    Known { name: "version", letter: 'V', takes: Switch, fate: Honoured },
    Known { name: "quiet", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "stdout", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "hex-dump", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "md5", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "sha1", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "sha256", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "sha2-256", letter: '\0', takes: Switch, fate: Honoured },
];
