//! The options of `clamdscan`. Those of `clamscan` are accepted, too, and have no effect: what is looked for
//! is for the daemon to say.

use std::sync::LazyLock;

use super::Fate::{Honoured, Unsupported, Unused};
use super::Takes::{Switch, Text};
use super::{Known, clamscan};

const WINDOWS: &str = "it is for processes in memory, on Windows";

const OWN: [Known; 22] = [
    Known { name: "help", letter: 'h', takes: Switch, fate: Honoured },
    Known { name: "config-file", letter: 'c', takes: Text, fate: Honoured },
    Known { name: "version", letter: 'V', takes: Switch, fate: Honoured },
    Known { name: "verbose", letter: 'v', takes: Switch, fate: Honoured },
    Known { name: "quiet", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "stdout", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "reload", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "multiscan", letter: 'm', takes: Switch, fate: Honoured },
    Known { name: "fdpass", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "stream", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "allmatch", letter: 'z', takes: Switch, fate: Honoured },
    Known { name: "no-summary", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "file-list", letter: 'f', takes: Text, fate: Honoured },
    Known { name: "infected", letter: 'i', takes: Switch, fate: Honoured },
    Known { name: "ping", letter: 'p', takes: Text, fate: Honoured },
    Known { name: "wait", letter: 'w', takes: Switch, fate: Honoured },
    Known { name: "move", letter: '\0', takes: Text, fate: Honoured },
    Known { name: "copy", letter: '\0', takes: Text, fate: Honoured },
    Known { name: "remove", letter: '\0', takes: Switch, fate: Honoured },
    Known { name: "log", letter: 'l', takes: Text, fate: Honoured },
    Known { name: "memory", letter: '\0', takes: Switch, fate: Unused(WINDOWS, "no") },
    Known { name: "kill", letter: '\0', takes: Switch, fate: Unused(WINDOWS, "no") },
];

/// All of them.
pub(crate) static OPTIONS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let mut all: Vec<Known> = OWN.into_iter().collect();
    for known in clamscan::OPTIONS {
        let is_taken = all.iter().any(|own| own.name == known.name);
        if !is_taken && known.fate != super::Fate::Own {
            all.push(Known { name: known.name, letter: known.letter, takes: known.takes, fate: Unsupported });
        }
    }
    all
});
