//! Names of files, members and signatures, made safe to print.
//!
//! Whoever wrote a file also chose its name: a name may hold terminal escapes, line breaks that forge
//! a line of a report, or marks that turn the reading direction. Text output shows those as escapes;
//! whoever needs the exact bytes asks for JSON.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;

/// Bytes shown as text in one line, whatever they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl<'a> Escaped<'a> {
    pub(crate) fn os(name: &'a OsStr) -> Self {
        Self(name.as_bytes())
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    _ if character.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(character))?,
                    _ if misleads(character) => write!(f, "\\u{{{:x}}}", u32::from(character))?,
                    _ => f.write_char(character)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Whether a character changes how the rest of the line reads instead of showing itself.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    fn escaped(bytes: &[u8]) -> String {
        Escaped(bytes).to_string()
    }

    #[test]
    fn ordinary_names_stay() {
        assert_eq!(escaped("Grüße, 世界 (1).txt".as_bytes()), "Grüße, 世界 (1).txt");
    }

    #[test]
    fn bytes_that_are_not_utf8_show_as_numbers() {
        assert_eq!(escaped(b"caf\xe9.txt"), "caf\\xe9.txt");
        assert_eq!(escaped(b"\xff\xfe"), "\\xff\\xfe");
    }

    #[test]
    fn nothing_breaks_the_line_or_drives_the_terminal() {
        assert_eq!(escaped(b"a\n/etc/passwd: infected"), "a\\n/etc/passwd: infected");
        assert_eq!(escaped(b"\x1b[2J"), "\\x1b[2J");
        assert_eq!(escaped("a\u{202e}txt.exe".as_bytes()), "a\\u{202e}txt.exe");
        assert_eq!(escaped("\u{85}".as_bytes()), "\\u{85}");
    }
}
