//! ClamAV's command lines, as its option parser reads them: long names may be cut short while they stay
//! clear, options and paths may be mixed, `--name=no` takes a switch back.
//!
//! Every option says what becomes of it. One that has no effect here says so on standard error when it asks for
//! something; no wish is dropped in silence.

pub(crate) mod clambc;
pub(crate) mod clamconf;
pub(crate) mod clamdscan;
pub(crate) mod clamscan;
pub(crate) mod daemon;
pub(crate) mod sigtool;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// One option of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Its long name.
    pub(crate) name: &'static str,
    /// Its letter; NUL for none.
    pub(crate) letter: char,
    /// What it takes.
    pub(crate) takes: Takes,
    /// What becomes of it.
    pub(crate) fate: Fate,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing, or yes or no behind an equals sign.
    Switch,
    /// A number.
    Number,
    /// Bytes, with K, M or G.
    Size,
    /// A text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Anything or nothing.
    Anything,
    /// A text or nothing; what comes behind a blank is something else.
    Optional,
}

/// What becomes of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It means here what it means in ClamAV.
    Honoured,
    /// ClamAV itself has given it up.
    Deprecated,
    /// It has no effect, for this reason; with this value nobody would miss one.
    Unused(&'static str, &'static str),
    /// It is one of `clamscan` alone.
    Unsupported,
    /// It is Candor's own.
    Own,
}

/// A command line that was understood.
#[derive(Debug)]
pub(crate) struct Given {
    known: &'static [Known],
    values: Vec<(&'static str, OsString)>,
    /// What is no option.
    pub(crate) paths: Vec<OsString>,
    /// What there is to be said about options that have no effect.
    pub(crate) warnings: Vec<String>,
}

/// Reads a command line. The error is the lines to say.
pub(crate) fn read(
    program: &str,
    known: &'static [Known],
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Given, Vec<String>> {
    let mut given = Given { known, values: Vec::new(), paths: Vec::new(), warnings: Vec::new() };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let bytes = argument.as_bytes();
        match bytes {
            b"--" => {
                given.paths.extend(arguments);
                break;
            }
            [b'-', b'-', long @ ..] => given.long(program, long, &mut arguments)?,
            [b'-', letters @ ..] if !letters.is_empty() => given.short(program, letters, &mut arguments)?,
            _ => given.paths.push(argument),
        }
    }
    Ok(given)
}

impl Given {
    fn long(
        &mut self,
        program: &str,
        text: &[u8],
        more: &mut dyn Iterator<Item = OsString>,
    ) -> Result<(), Vec<String>> {
        let (name, value) = match text.iter().position(|&byte| byte == b'=') {
            Some(at) => (&text[..at], Some(OsStr::from_bytes(&text[at + 1..]).to_owned())),
            None => (text, None),
        };
        let exact = self.known.iter().find(|known| known.name.as_bytes() == name);
        let mut close = self.known.iter().filter(|known| known.name.as_bytes().starts_with(name));
        let option = match (exact, close.next(), close.next()) {
            (Some(option), ..) | (None, Some(option), None) => option,
            (None, Some(_), Some(_)) => {
                let text = String::from_utf8_lossy(text);
                return Err(unknown(format!("{program}: option `--{text}' is ambiguous")));
            }
            _ => {
                let text = String::from_utf8_lossy(text);
                return Err(unknown(format!("{program}: unrecognized option `--{text}'")));
            }
        };
        let value = match (option.takes, value) {
            (Takes::Switch, None) => OsString::from("yes"),
            (Takes::Anything | Takes::Optional, None) => OsString::new(),
            (_, Some(value)) => value,
            (_, None) => match more.next() {
                Some(value) => value,
                None => {
                    let text = format!("{program}: option `--{}' requires an argument", option.name);
                    return Err(incomplete(text));
                }
            },
        };
        self.take(option, value)
    }

    fn short(
        &mut self,
        program: &str,
        letters: &[u8],
        more: &mut dyn Iterator<Item = OsString>,
    ) -> Result<(), Vec<String>> {
        for (at, &letter) in letters.iter().enumerate() {
            let Some(option) = self.known.iter().find(|known| known.letter == char::from(letter)) else {
                return Err(unknown(format!("{program}: illegal option -- {}", char::from(letter))));
            };
            if option.takes == Takes::Switch {
                self.take(option, OsString::from("yes"))?;
                continue;
            }
            let rest = &letters[at + 1..];
            let value = if rest.is_empty() && option.takes == Takes::Optional {
                OsString::new()
            } else if rest.is_empty() {
                more.next().ok_or_else(|| {
                    incomplete(format!("{program}: option requires an argument -- {}", char::from(letter)))
                })?
            } else {
                OsString::from_vec(rest.to_vec())
            };
            return self.take(option, value);
        }
        Ok(())
    }

    fn take(&mut self, option: &'static Known, value: OsString) -> Result<(), Vec<String>> {
        let name = option.name;
        let text = value.to_string_lossy();
        let fits = match option.takes {
            Takes::Switch => switch(&text).is_some(),
            Takes::Number => text.parse::<u32>().is_ok(),
            Takes::Size => size(&text).is_some(),
            Takes::Word(words) => words.iter().any(|word| word.eq_ignore_ascii_case(&text)),
            Takes::Text | Takes::Anything | Takes::Optional => true,
        };
        if option.fate == Fate::Deprecated {
            self.warnings.push(format!("Ignoring deprecated option --{name}"));
            return Ok(());
        }
        if !fits {
            let letter = if option.letter == '\0' { String::new() } else { format!(" (-{})", option.letter) };
            return Err(vec![
                format!("ERROR: Incorrect argument format for option --{name}{letter}"),
                String::from(CANNOT),
            ]);
        }
        if option.fate == Fate::Unsupported {
            let letter = if option.letter == '\0' { String::new() } else { format!(" (-{})", option.letter) };
            self.warnings.push(format!("Ignoring unsupported option --{name}{letter}"));
            return Ok(());
        }
        if let Fate::Unused(why, usual) = option.fate {
            let asks = match option.takes {
                Takes::Switch => switch(&text) != switch(usual),
                _ => !text.eq_ignore_ascii_case(usual),
            };
            if asks {
                self.warnings.push(format!("--{name} has no effect: {why}"));
            }
            return Ok(());
        }
        self.values.push((name, value));
        Ok(())
    }

    /// All values of an option, in the order in which they were given.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a OsStr> {
        debug_assert!(self.known.iter().any(|known| known.name == name), "no such option: {name}");
        self.values.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_os_str())
    }

    /// The value of an option; the last one counts.
    pub(crate) fn text(&self, name: &str) -> Option<&OsStr> {
        let mut values = self.values.iter().rev();
        values.find(|(known, _)| *known == name).map(|(_, value)| value.as_os_str())
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.text(name).and_then(OsStr::to_str).and_then(switch).unwrap_or(false)
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.text(name)?.to_str()?.parse().ok()
    }

    /// A number of bytes.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        size(self.text(name)?.to_str()?)
    }
}

/// A line for each option: its names and what becomes of it.
pub(crate) fn help(known: &[Known]) -> Vec<String> {
    let line = |known: &Known| {
        let takes = match known.takes {
            Takes::Switch => "[=yes/no]",
            Takes::Number => "=#n",
            Takes::Size => "=#n[K/M/G]",
            Takes::Text | Takes::Word(_) => "=TEXT",
            Takes::Anything => "",
            Takes::Optional => "[=TEXT]",
        };
        let name = format!("--{}{takes}", known.name);
        let letter = if known.letter == '\0' { String::new() } else { format!("-{}", known.letter) };
        let fate = match known.fate {
            Fate::Honoured => String::new(),
            Fate::Deprecated => String::from("deprecated: ignored"),
            Fate::Unused(why, _) => format!("no effect: {why}"),
            Fate::Unsupported => String::from("only for clamscan: ignored"),
            Fate::Own => String::from("Candor's own"),
        };
        format!("    {name:38} {letter:3} {fate}").trim_end().to_owned()
    };
    known.iter().map(line).collect()
}

/// Why a command line is not understood, in the last line that is said.
const CANNOT: &str = "ERROR: Can't parse command line options";

fn unknown(first: String) -> Vec<String> {
    vec![first, String::from("ERROR: Unknown option passed"), String::from(CANNOT)]
}

fn incomplete(first: String) -> Vec<String> {
    let second = String::from("ERROR: Incomplete option passed (missing argument)");
    vec![first, second, String::from(CANNOT)]
}

fn switch(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match () {
        () if is(["yes", "true", "1"]) => Some(true),
        () if is(["no", "false", "0"]) => Some(false),
        () => None,
    }
}

/// A number of bytes, with K, M or G.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 1 << 10),
        (at, 'm' | 'M') => (&text[..at], 1 << 20),
        (at, 'g' | 'G') => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    if digits.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Known] = &[
        Known { name: "recursive", letter: 'r', takes: Takes::Switch, fate: Fate::Honoured },
        Known { name: "remove", letter: '\0', takes: Takes::Switch, fate: Fate::Honoured },
        Known { name: "log", letter: 'l', takes: Takes::Text, fate: Fate::Honoured },
        Known { name: "max", letter: '\0', takes: Takes::Size, fate: Fate::Honoured },
        Known { name: "scan-pe", letter: '\0', takes: Takes::Switch, fate: Fate::Unused("so it is", "yes") },
        Known { name: "unzip", letter: '\0', takes: Takes::Anything, fate: Fate::Deprecated },
    ];

    fn of(arguments: &[&str]) -> Result<Given, Vec<String>> {
        read("program", KNOWN, arguments.iter().map(OsString::from))
    }

    #[test]
    fn options_and_paths_may_be_mixed_and_names_cut_short() {
        let given = of(&["a", "--rec", "-l", "x", "b", "--max=3K", "--", "-r"]).unwrap();
        assert!(given.is_on("recursive"));
        assert!(!given.is_on("remove"));
        assert_eq!(given.text("log"), Some(OsStr::new("x")));
        assert_eq!(given.size("max"), Some(3072));
        assert_eq!(given.paths, ["a", "b", "-r"]);
    }

    #[test]
    fn letters_stand_together_and_the_last_value_counts() {
        let given = of(&["-rlfirst", "-lsecond", "--recursive=No"]).unwrap();
        assert!(!given.is_on("recursive"));
        assert_eq!(given.text("log"), Some(OsStr::new("second")));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (arguments, first) in [
            (&["--bogus"][..], "program: unrecognized option `--bogus'"),
            (&["--re"], "program: option `--re' is ambiguous"),
            (&["-x"], "program: illegal option -- x"),
            (&["-l"], "program: option requires an argument -- l"),
            (&["--max"], "program: option `--max' requires an argument"),
            (&["--max=1Q"], "ERROR: Incorrect argument format for option --max"),
            (&["--max=99999999999999999G"], "ERROR: Incorrect argument format for option --max"),
            (&["--recursive=maybe"], "ERROR: Incorrect argument format for option --recursive (-r)"),
        ] {
            let said = of(arguments).unwrap_err();
            assert_eq!(said[0], first);
            assert_eq!(said.last().map(String::as_str), Some(CANNOT));
        }
    }

    #[test]
    fn what_has_no_effect_is_said_when_it_asks_for_something() {
        assert!(of(&["--scan-pe=yes"]).unwrap().warnings.is_empty());
        assert_eq!(of(&["--scan-pe=no"]).unwrap().warnings, ["--scan-pe has no effect: so it is"]);
        assert_eq!(of(&["--unzip"]).unwrap().warnings, ["Ignoring deprecated option --unzip"]);
    }
}
