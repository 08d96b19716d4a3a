//! `clamd.conf`: a key and a value a line, `#` for comments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::keys::{self, Fate, Key, Kind};

/// Bytes of a file that is taken for a configuration.
const LONGEST: u64 = 1 << 20;

/// What a file says.
#[derive(Clone, Debug, Default)]
pub struct Conf {
    /// Values by the name of their key, as it is in the table; with the line that each is from.
    values: BTreeMap<&'static str, Vec<String>>,
    /// What is to be said about keys that are not honoured.
    pub warnings: Vec<String>,
}

impl Conf {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or a line of it is not one of a configuration; says which.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        Self::read_with(path, &keys::find)
    }

    /// The same, for a file with other keys.
    ///
    /// # Errors
    /// As above.
    pub fn read_with(path: &Path, find: &dyn Fn(&str) -> Option<&'static Key>) -> anyhow::Result<Self> {
        let name = path.display();
        let length = std::fs::metadata(path).with_context(|| format!("{name}"))?.len();
        anyhow::ensure!(length <= LONGEST, "{name}: far too long for a configuration");
        let text = std::fs::read_to_string(path).with_context(|| format!("{name}"))?;
        Self::parse_with(&text, &name.to_string(), find)
    }

    /// Takes a text apart; `file` is what it is called in messages.
    ///
    /// # Errors
    /// A line is not one of a configuration; says which.
    pub fn parse(text: &str, file: &str) -> anyhow::Result<Self> {
        Self::parse_with(text, file, &keys::find)
    }

    /// The same, for a file with other keys.
    ///
    /// # Errors
    /// As above.
    pub fn parse_with(
        text: &str,
        file: &str,
        find: &dyn Fn(&str) -> Option<&'static Key>,
    ) -> anyhow::Result<Self> {
        let mut conf = Self::default();
        for (number, line) in text.lines().enumerate() {
            let place = format!("{file}:{}", number + 1);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            if name.eq_ignore_ascii_case("Example") {
                bail!("{place}: please edit the example configuration: remove the line `Example`");
            }
            let Some(key) = find(name) else { bail!("{place}: unknown key {name}") };
            let value = unquoted(value.trim());
            let value = plain(key.kind, value)
                .with_context(|| format!("{place}: {}", key.name))
                .map(|value| (key, value))?;
            conf.take(value.0, value.1, &place);
        }
        Ok(conf)
    }

    fn take(&mut self, key: &'static Key, value: String, place: &str) {
        let mut name = key.name;
        match key.fate {
            Fate::Honoured(_) => (),
            Fate::Alias(real) => {
                name = real;
                self.warnings.push(format!("{place}: {} is an old name of {real}", key.name));
            }
            Fate::Fixed(fixed, why) => {
                let fixed = if fixed { "yes" } else { "no" };
                if value != fixed {
                    self.warnings.push(format!("{place}: {} is taken for `{fixed}`: {why}", key.name));
                }
            }
            Fate::Unused(why) => self.warnings.push(format!("{place}: {} has no effect: {why}", key.name)),
        }
        let values = self.values.entry(name).or_default();
        if !key.many {
            values.clear();
        }
        values.push(value);
    }

    /// The value of a key.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    /// All values of a key.
    #[must_use]
    pub fn texts(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The path that a key names.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// Whether a key says yes.
    #[must_use]
    pub fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.text(name).map_or(otherwise, |value| value == "yes")
    }

    /// The number, or number of bytes, of a key.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

/// A value as it is kept: `yes` or `no`, or a number without unit.
fn plain(kind: Kind, value: &str) -> anyhow::Result<String> {
    anyhow::ensure!(!value.is_empty(), "a value is missing");
    Ok(match kind {
        Kind::Flag => match value.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => String::from("yes"),
            "no" | "false" | "0" => String::from("no"),
            _ => bail!("{value:?} is neither yes nor no"),
        },
        Kind::Number => {
            let number: u64 = value.parse().with_context(|| format!("{value:?} is no number"))?;
            number.to_string()
        }
        Kind::Size => {
            let end = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
            let (number, unit) = value.split_at(end);
            let factor: u64 = match unit {
                "" => 1,
                "K" | "k" => 1 << 10,
                "M" | "m" => 1 << 20,
                "G" | "g" => 1 << 30,
                _ => bail!("{value:?} is no number of bytes such as 4096, 512K or 100M"),
            };
            let number: u64 = number.parse().with_context(|| format!("{value:?} is no number of bytes"))?;
            number.checked_mul(factor).with_context(|| format!("{value:?} is too large"))?.to_string()
        }
        Kind::Text => value.to_owned(),
    })
}

/// The text between quotation marks, if it stands between them.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_key() {
        let text = "# a comment\n\nLocalSocket /run/a b\nlocalsocket /run/c\nMaxThreads 12\nStreamMaxLength 25M\nTCPAddr \"::1\"\nLogTime true\n";
        let conf = Conf::parse(text, "clamd.conf").unwrap();
        assert_eq!(conf.texts("LocalSocket"), ["/run/a b", "/run/c"]);
        assert_eq!(conf.number("MaxThreads"), Some(12));
        assert_eq!(conf.number("StreamMaxLength"), Some(25 << 20));
        assert_eq!(conf.text("TCPAddr"), Some("::1"));
        assert!(conf.flag("LogTime", false));
        assert!(conf.warnings.is_empty());
    }

    #[test]
    fn what_is_no_configuration_is_an_error_that_says_where() {
        for (text, wanted) in [
            ("LogTime yes\nNoSuchKey yes\n", "x.conf:2: unknown key NoSuchKey"),
            ("Example\n", "x.conf:1: please edit"),
            ("LogTime maybe\n", "x.conf:1: LogTime"),
            ("MaxThreads many\n", "x.conf:1: MaxThreads"),
            ("MaxThreads -1\n", "x.conf:1: MaxThreads"),
            ("MaxFileSize 1X\n", "x.conf:1: MaxFileSize"),
            ("MaxFileSize 99999999999999999999\n", "x.conf:1: MaxFileSize"),
            ("LogFile\n", "x.conf:1: LogFile"),
        ] {
            let error = Conf::parse(text, "x.conf").unwrap_err();
            assert!(format!("{error:#}").starts_with(wanted), "{error:#}");
        }
    }

    #[test]
    fn what_is_not_honoured_is_said_once_and_what_holds_anyway_is_not() {
        let text = "Bytecode yes\nBytecodeTimeout 5\nScanPE no\nScanELF yes\nDebug no\nBlockMax yes\n";
        let conf = Conf::parse(text, "x").unwrap();
        let said: Vec<&str> = conf.warnings.iter().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(said, ["Bytecode", "BytecodeTimeout", "ScanPE", "BlockMax"]);
        assert!(conf.flag("AlertExceedsMax", false));
    }

    #[test]
    fn every_key_can_be_given() {
        for key in keys::KEYS {
            let value = match key.kind {
                Kind::Flag => "yes",
                Kind::Number | Kind::Size => "7",
                Kind::Text => "x",
            };
            let conf = Conf::parse(&format!("{} {value}\n", key.name), "x").unwrap();
            let told = !conf.warnings.is_empty();
            let expected = match key.fate {
                Fate::Honoured(_) => false,
                Fate::Alias(_) | Fate::Unused(_) => true,
                Fate::Fixed(fixed, _) => !fixed,
            };
            assert_eq!(told, expected, "{}", key.name);
            if let Fate::Alias(real) = key.fate {
                assert!(matches!(keys::find(real).unwrap().fate, Fate::Honoured(_)), "{real}");
            }
        }
    }
}
