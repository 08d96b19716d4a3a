//! TOML with places: a mistake is told with its line.

use serde::de::DeserializeOwned;

use super::PolicyError;

/// The text of one file, and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Place<'_> {
    pub(crate) fn parse<T: DeserializeOwned>(self) -> Result<T, PolicyError> {
        toml::from_str(self.text).map_err(|error| {
            let line = error.span().map_or(0, |span| self.line(span.start));
            PolicyError::at(self.file, line, error.message().to_owned())
        })
    }

    /// The line of a byte of the text, from 1.
    pub(crate) fn line(self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// The line on which a text first stands in quotes, or as a word; 0 when it does not.
    pub(crate) fn line_of(self, value: &str) -> usize {
        let quoted = [format!("\"{value}\""), format!("'{value}'")];
        let is_part = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
        match self.line_where(|line| quoted.iter().any(|quoted| line.contains(quoted))) {
            0 => {
                self.line_where(|line| line.split(|character| !is_part(character)).any(|word| word == value))
            }
            line => line,
        }
    }

    /// The first line that is so; 0 when none is.
    pub(crate) fn line_where(self, is_it: impl Fn(&str) -> bool) -> usize {
        self.text.lines().position(is_it).map_or(0, |before| before.saturating_add(1))
    }

    pub(crate) fn error(self, line: usize, reason: String) -> PolicyError {
        PolicyError::at(self.file, line, reason)
    }
}
