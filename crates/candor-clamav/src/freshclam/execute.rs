//! Commands that are run after an update, without a shell: their words are split at blanks, quotes hold words
//! together. `EXIT_n` is none of them: it sets the exit status.

use std::process::Command;

/// A command that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The program ends with this status.
    Exit(u8),
    /// A program is started with these arguments.
    Run(Vec<String>),
}

impl Action {
    /// Reads a command.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(digits) = text.strip_prefix("EXIT_") {
            return digits
                .parse()
                .map(Self::Exit)
                .map_err(|_| format!("{text} is no exit status from 0 to 255"));
        }
        let words = words(text)?;
        if words.is_empty() { Err(String::from("there is no command")) } else { Ok(Self::Run(words)) }
    }

    /// Runs a program and waits for it; says what went wrong.
    pub(crate) fn run(words: &[String]) -> Result<(), String> {
        let Some((program, arguments)) = words.split_first() else { return Ok(()) };
        match Command::new(program).args(arguments).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{program} ended with {status}")),
            Err(error) => Err(format!("{program} cannot be started: {error}")),
        }
    }
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some(next) if next == letter => break,
                        Some(next) => word.push(next),
                        None => return Err(format!("a quote is not closed in: {text}")),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next().unwrap_or('\\')),
            // A shell would do something about these. To leave it undone in silence would be worse than to refuse.
            '|' | '&' | ';' | '<' | '>' | '$' | '`' | '(' | ')' | '*' | '?' | '~' => {
                return Err(format!(
                    "there is no shell for `{letter}`; put the command into a script and name that: {text}"
                ));
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_words() {
        let run = |words: &[&str]| Ok(Action::Run(words.iter().map(|word| (*word).to_owned()).collect()));
        assert_eq!(Action::parse("/bin/a  b"), run(&["/bin/a", "b"]));
        assert_eq!(Action::parse("a 'b c' \"d|e\" f\\ g ''"), run(&["a", "b c", "d|e", "f g", ""]));
        assert_eq!(Action::parse("EXIT_3"), Ok(Action::Exit(3)));
    }

    #[test]
    fn what_needs_a_shell_is_refused() {
        for text in ["a | b", "a > b", "a; b", "a $HOME", "a `b`", "'a", "", "EXIT_300", "EXIT_x"] {
            assert!(Action::parse(text).is_err(), "{text}");
        }
    }
}
