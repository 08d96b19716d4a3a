//! `freshclam.conf`: a key and a value a line. What it says, and the command line over it.

use std::collections::BTreeMap;
use std::path::Path;

use super::options::{KEYS, Key};
use crate::options::{Fate, Given, Takes, size};

/// The most bytes of a configuration file that are read.
const MOST: u64 = 1 << 20;

/// What is configured, by the names of options.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    values: BTreeMap<&'static str, Vec<String>>,
    /// What there is to be said about keys that have no effect.
    pub(crate) warnings: Vec<String>,
}

impl Configuration {
    /// Reads a file. The error is the lines to say.
    pub(crate) fn read(path: &Path) -> Result<Self, Vec<String>> {
        use std::io::Read as _;
        let shown = path.display();
        let cannot = format!("Can't open/parse the config file {shown}");
        let mut bytes = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
        let fits = read.is_ok() && u64::try_from(bytes.len()).is_ok_and(|length| length <= MOST);
        if !fits {
            return Err(vec![cannot]);
        }
        Self::parse(&String::from_utf8_lossy(&bytes), &shown.to_string()).map_err(|error| vec![error, cannot])
    }

    fn parse(text: &str, file: &str) -> Result<Self, String> {
        let mut read = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            if name == "Example" {
                return Err(format!("Please edit the example config file {file}"));
            }
            let at = number + 1;
            let Some(key) = KEYS.iter().find(|key| key.name == name) else {
                return Err(format!("Parse error at {file}:{at}: Unknown option {name}"));
            };
            read.take(key, value.trim(), &format!("{file}:{at}"))?;
        }
        Ok(read)
    }

    fn take(&mut self, key: &Key, value: &str, at: &str) -> Result<(), String> {
        if key.fate == Fate::Deprecated {
            self.warnings.push(format!("Ignoring deprecated option {} at {at}", key.name));
            return Ok(());
        }
        if value.is_empty() {
            return Err(format!("Missing argument for option {} at {at}", key.name));
        }
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let fits = match key.takes {
            Takes::Switch => switch(value).is_some(),
            Takes::Number => value.parse::<u32>().is_ok(),
            Takes::Size => size(value).is_some(),
            _ => true,
        };
        if !fits {
            return Err(format!("Incorrect argument format for option {}", key.name));
        }
        if let Fate::Unused(why, usual) = key.fate {
            let asks = match key.takes {
                Takes::Switch => switch(value) != switch(usual),
                _ => !value.eq_ignore_ascii_case(usual),
            };
            if asks {
                self.warnings.push(format!("{} has no effect: {why}", key.name));
            }
            return Ok(());
        }
        self.values.entry(key.option).or_default().push(value.to_owned());
        Ok(())
    }

    /// Puts the command line over what the file says.
    pub(crate) fn override_by(&mut self, given: &Given) {
        for key in
            KEYS.iter().filter(|key| super::options::OPTIONS.iter().any(|known| known.name == key.option))
        {
            let mut all: Vec<String> =
                given.all(key.option).map(|value| value.to_string_lossy().into_owned()).collect();
            if !all.is_empty() {
                // Of the same option twice freshclam takes the first.
                all.truncate(1);
                self.values.insert(key.option, all);
            }
        }
    }

    /// The value of an option.
    pub(crate) fn text(&self, option: &str) -> Option<&str> {
        self.values.get(option)?.first().map(String::as_str)
    }

    /// All values of an option that may be given more than once.
    pub(crate) fn all(&self, option: &str) -> &[String] {
        self.values.get(option).map_or(&[], Vec::as_slice)
    }

    /// Whether a switch is on; `usual` when nothing is said.
    pub(crate) fn is_on(&self, option: &str, usual: bool) -> bool {
        self.text(option).and_then(switch).unwrap_or(usual)
    }

    /// A number.
    pub(crate) fn number(&self, option: &str) -> Option<u32> {
        self.text(option)?.parse().ok()
    }

    /// A number of bytes.
    pub(crate) fn size(&self, option: &str) -> Option<u64> {
        size(self.text(option)?)
    }
}

fn switch(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match () {
        () if is(["yes", "true", "1"]) => Some(true),
        () if is(["no", "false", "0"]) => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::read;

    #[test]
    fn keys_are_read_and_the_command_line_is_over_them() {
        let text = "# x\n\n  Checks 24\nDatabaseMirror a\nDatabaseMirror\tb\nScriptedUpdates No\nOnUpdateExecute echo a b\n";
        let mut configuration = Configuration::parse(text, "f").unwrap();
        assert_eq!(configuration.number("checks"), Some(24));
        assert_eq!(configuration.all("database-mirror"), ["a", "b"]);
        assert!(!configuration.is_on("scripted-updates", true) && configuration.is_on("bytecode", true));
        assert_eq!(configuration.text("on-update-execute"), Some("echo a b"));
        let arguments = ["--checks=3", "--on-update-execute", "true"].map(std::ffi::OsString::from);
        configuration.override_by(&read("freshclam", super::super::options::OPTIONS, arguments).unwrap());
        assert_eq!(
            (configuration.number("checks"), configuration.text("on-update-execute")),
            (Some(3), Some("true"))
        );
    }

    #[test]
    fn what_is_not_understood_is_said_with_its_line() {
        for (text, said) in [
            ("Example\n", "Please edit the example config file f"),
            ("Checks 1\nFoo bar\n", "Parse error at f:2: Unknown option Foo"),
            ("checks 1\n", "Parse error at f:1: Unknown option checks"),
            ("Checks x\n", "Incorrect argument format for option Checks"),
            ("Bytecode maybe\n", "Incorrect argument format for option Bytecode"),
            ("LogFileMaxSize 1Q\n", "Incorrect argument format for option LogFileMaxSize"),
            ("Checks\n", "Missing argument for option Checks at f:1"),
        ] {
            assert_eq!(Configuration::parse(text, "f").unwrap_err(), said);
        }
    }

    #[test]
    fn what_has_no_effect_is_told_and_nothing_else() {
        let read =
            Configuration::parse("LogSyslog yes\nDebug no\nSafeBrowsing yes\nLocalIPAddress 1.2.3.4\n", "f")
                .unwrap();
        assert_eq!(read.warnings.len(), 3, "{:?}", read.warnings);
        assert!(read.warnings[0].starts_with("LogSyslog has no effect: "));
    }

    #[test]
    fn every_key_of_freshclam_is_known() {
        let names = "LogFileMaxSize LogTime LogSyslog LogFacility LogVerbose LogRotate PidFile DatabaseDirectory \
                     CVDCertsDirectory Foreground Debug FIPSCryptoHashLimits UpdateLogFile DatabaseOwner Checks \
                     DNSDatabaseInfo DatabaseMirror PrivateMirror MaxAttempts ScriptedUpdates TestDatabases \
                     CompressLocalDatabase ExtraDatabase ExcludeDatabase DatabaseCustomURL HTTPProxyServer \
                     HTTPProxyPort HTTPProxyUsername HTTPProxyPassword HTTPUserAgent NotifyClamd OnUpdateExecute \
                     OnErrorExecute OnOutdatedExecute LocalIPAddress ConnectTimeout ReceiveTimeout Bytecode \
                     SafeBrowsing AllowSupplementaryGroups";
        for name in names.split_whitespace() {
            assert!(KEYS.iter().any(|key| key.name == name), "{name}");
        }
        assert_eq!(KEYS.len(), names.split_whitespace().count());
    }
}
