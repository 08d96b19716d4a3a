//! Reads a configuration of ClamAV's: a key and its value on each line, `#` before comments.
//!
//! What is wrong with one line makes all of it worth nothing, as in ClamAV: nobody is to run with half of what was
//! asked for.

use std::collections::HashMap;

use super::keys::{Key, Takes};

/// What a configuration says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Config {
    values: HashMap<&'static str, Vec<String>>,
}

impl Config {
    /// Reads the text of the file that is called `name`.
    ///
    /// # Errors
    /// Something in it is wrong.
    pub(super) fn read(name: &str, text: &str, keys: &'static [Key]) -> Result<Self, String> {
        let mut config = Self::default();
        for (line, number) in text.lines().zip(1_u64..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) =
                line.split_once(|character: char| character.is_whitespace()).unwrap_or((line, ""));
            if word == "Example" {
                return Err(format!("Please edit the example config file {name}"));
            }
            let rest = rest.trim();
            if rest.is_empty() {
                return Err(format!("Missing argument for option at {name}:{number}"));
            }
            let Some(key) = keys.iter().find(|key| key.name == word) else {
                return Err(format!("Parse error at {name}:{number}: Unknown option {word}"));
            };
            let value = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next().unwrap_or_default(),
                None => rest,
            };
            if value.is_empty() {
                return Err(format!("Empty argument for option {word} at {name}:{number}"));
            }
            let Some(value) = key.takes.read(value) else {
                return Err(format!("Incorrect argument format for option {word}"));
            };
            let values = config.values.entry(key.name).or_default();
            // The first one counts.
            if values.is_empty() || matches!(key.takes, Takes::Texts | Takes::Numbers) {
                values.push(value);
            }
        }
        Ok(config)
    }

    /// What counts for a key: what was given, else the default; nothing where it is off.
    pub(super) fn values(&self, key: &Key) -> Vec<String> {
        let values = match self.values.get(key.name) {
            Some(values) => values.clone(),
            None => key.default.iter().filter_map(|default| key.takes.read(default)).collect(),
        };
        let is_off = match key.takes {
            Takes::Switch => values.first().is_none_or(|value| value == "no"),
            Takes::Number => values.first().is_none_or(|value| value == "0"),
            _ => values.is_empty(),
        };
        if is_off { Vec::new() } else { values }
    }

    /// Whether a key was given.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.values.contains_key(key.name)
    }
}

impl Takes {
    /// A value in the form in which it is told.
    fn read(self, text: &str) -> Option<String> {
        match self {
            Self::Switch => {
                let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
                let is_on = is(["yes", "true", "1"]);
                (is_on || is(["no", "false", "0"])).then(|| if is_on { "yes" } else { "no" }.to_owned())
            }
            Self::Number | Self::Numbers => text.parse::<u32>().ok().map(|number| number.to_string()),
            Self::Size => {
                let bytes = crate::options::size(text)?;
                // 0 is no limit.
                Some(if bytes == 0 { i64::MAX.cast_unsigned() } else { bytes }.to_string())
            }
            Self::Word(words) => {
                words.iter().any(|word| word.eq_ignore_ascii_case(text)).then(|| text.to_owned())
            }
            Self::Secret | Self::Text | Self::Texts => Some(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::key;
    use super::*;

    const KEYS: &[Key] = &[
        key("Log", Takes::Switch, Some("no"), &[], ""),
        key("Most", Takes::Size, Some("1M"), &[], ""),
        key("Path", Takes::Texts, None, &[], ""),
        key("Threads", Takes::Number, Some("10"), &[], ""),
    ];

    #[test]
    fn the_first_value_counts_and_lists_are_kept() {
        let text = "# no\n\n  Log\tTRUE \nThreads 3\nThreads 4\nPath \"/a b\"\nPath /c d\nMost 0\n";
        let config = Config::read("x", text, KEYS).unwrap();
        let values = |number: usize| config.values(&KEYS[number]);
        assert_eq!(values(0), ["yes"]);
        assert_eq!(values(1), ["9223372036854775807"]);
        assert_eq!(values(2), ["/a b", "/c d"]);
        assert_eq!(values(3), ["3"]);
        let nothing = Config::default();
        assert_eq!(nothing.values(&KEYS[1]), ["1048576"]);
        assert!(nothing.values(&KEYS[0]).is_empty());
    }

    #[test]
    fn one_wrong_line_makes_all_of_it_worth_nothing() {
        for (text, why) in [
            ("Log yes\nBogus x\n", "Parse error at x:2: Unknown option Bogus"),
            ("log yes\n", "Parse error at x:1: Unknown option log"),
            ("Log\n", "Missing argument for option at x:1"),
            ("Path \"\"\n", "Empty argument for option Path at x:1"),
            ("Log maybe\n", "Incorrect argument format for option Log"),
            ("Threads -1\n", "Incorrect argument format for option Threads"),
            ("Most 5X\n", "Incorrect argument format for option Most"),
            ("Log yes\nExample\n", "Please edit the example config file x"),
        ] {
            assert_eq!(Config::read("x", text, KEYS).unwrap_err(), why);
        }
    }
}
