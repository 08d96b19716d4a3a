//! A configuration file, and what the command line says instead.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use candord::settings::conf::Conf;
use candord::settings::keys::{Fate, Key, Kind};

use crate::options::Given;
use crate::options::daemon;

/// It is candord that always stays in the foreground, not these programs.
const FOREGROUND: Key =
    Key { name: "Foreground", kind: Kind::Flag, default: "no", many: false, fate: Fate::Honoured("") };

/// The options that are keys, as lines of a configuration file.
pub(super) fn lines(given: &Given, keys: &[daemon::Key]) -> anyhow::Result<String> {
    let mut lines = String::new();
    for (name, _, key) in keys {
        for value in given.all(name) {
            let value = value.to_str().filter(|value| !value.contains(['\n', '\r']));
            let value = value.with_context(|| format!("--{name}: a value that no configuration can have"))?;
            ensure!(!value.is_empty(), "--{name}: a value is missing");
            lines.push_str(&format!("{key} {value}\n"));
        }
    }
    Ok(lines)
}

/// The file, with `lines` as if they stood at its end.
pub(super) fn read(
    path: &Path,
    lines: &str,
    find: &dyn Fn(&str) -> Option<&'static Key>,
) -> anyhow::Result<Conf> {
    let find = |name: &str| {
        if name.eq_ignore_ascii_case(FOREGROUND.name) { Some(&FOREGROUND) } else { find(name) }
    };
    let name = path.display().to_string();
    let file = Conf::read_with(path, &find)?;
    let own = Conf::parse_with(lines, "command line", &find)?;
    let text = fs::read_to_string(path).with_context(|| name.clone())?;
    let mut both = Conf::parse_with(&format!("{text}\n{lines}"), &name, &find)?;
    both.warnings = [file.warnings, own.warnings].concat();
    Ok(both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candord::settings::keys;

    #[test]
    fn the_command_line_counts_more_and_every_warning_says_where_it_is_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clamd.conf");
        fs::write(&path, "MaxThreads 4\nScanPE no\nForeground no\nLogTime yes").unwrap();
        let conf = read(&path, "MaxThreads 7\nForeground yes\nBytecodeTimeout 5\n", &keys::find).unwrap();
        assert_eq!(conf.number("MaxThreads"), Some(7));
        assert!(conf.flag("Foreground", false) && conf.flag("LogTime", false));
        let [first, second] = conf.warnings.as_slice() else { panic!("{:?}", conf.warnings) };
        assert!(first.starts_with(&format!("{}:2: ScanPE", path.display())), "{first}");
        assert!(second.starts_with("command line:3: BytecodeTimeout"), "{second}");
    }

    #[test]
    fn a_value_is_one_line() {
        let given = |value: &str| {
            let arguments = [format!("--log={value}")].map(Into::into);
            crate::options::read("clamd", &daemon::CLAMD, arguments).unwrap()
        };
        assert_eq!(lines(&given("/x y"), &daemon::CLAMD_KEYS).unwrap(), "LogFile /x y\n");
        assert!(lines(&given("/x\nUser root"), &daemon::CLAMD_KEYS).is_err());
        assert!(lines(&given(""), &daemon::CLAMD_KEYS).is_err());
    }
}
