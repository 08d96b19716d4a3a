//! The options of `clamconf`.

use super::Fate::Honoured;
use super::Known;
use super::Takes::{Switch, Text};

/// All of them.
pub(crate) const OPTIONS: &[Known] = &[
    Known { name: "help", letter: 'h', takes: Switch, fate: Honoured },
    Known { name: "version", letter: 'V', takes: Switch, fate: Honoured },
    Known { name: "config-dir", letter: 'c', takes: Text, fate: Honoured },
    Known { name: "non-default", letter: 'n', takes: Switch, fate: Honoured },
    Known { name: "generate-config", letter: 'g', takes: Text, fate: Honoured },
];
