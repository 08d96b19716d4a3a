//! Extended regular expressions of POSIX, which `--exclude` and its like take, as those of the engine that is used.
//!
//! What POSIX leaves open is taken as ClamAV takes it: a backslash makes any character stand for itself.

/// The same expression for the engine.
pub(crate) fn translate(expression: &str) -> String {
    // ClamAV cuts a slash off the end.
    let expression = expression.strip_suffix('/').unwrap_or(expression);
    let mut out = String::from("(?-u)");
    let mut rest = expression.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                if let Some(next) = rest.next() {
                    if !next.is_alphanumeric() {
                        out.push('\\');
                    }
                    out.push(next);
                } else {
                    out.push_str("\\\\");
                }
            }
            '[' => bracket(&mut rest, &mut out),
            // It counts only before a number.
            '{' if !rest.peek().is_some_and(char::is_ascii_digit) => out.push_str("\\{"),
            _ if character.is_ascii() => out.push(character),
            // Without it a character that is several bytes could not be repeated.
            _ => {
                out.push_str("(?:");
                out.push(character);
                out.push(')');
            }
        }
    }
    out
}

/// A set of characters, behind its opening bracket. No backslash means anything in it.
fn bracket(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    if rest.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    while let Some(character) = rest.next() {
        match character {
            ']' => return out.push(']'),
            '[' if rest.peek() == Some(&':') => {
                out.push('[');
                for inner in rest.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '-' if rest.peek() == Some(&']') => out.push_str("\\-"),
            '\\' | '[' | '&' | '~' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::translate;

    #[test]
    fn expressions_mean_what_posix_says() {
        for (expression, yes, no) in [
            (r"\.txt$", "a.txt", "a.txt.gz"),
            (r"^/srv/(a|b)+/", "/srv/abab", "/srv/c/"),
            (r"[[:digit:]]{2,3}x", "12x", "1x"),
            (r"[\.]", "\\", "a"),
            (r"[]x]", "]", "["),
            (r"[^]x]", "a", "]"),
            (r"[a&&b]", "&", "c"),
            (r"[a-]", "-", "b"),
            (r"\bb", "bb", "b"),
            (r"a{b", "a{b", "ab"),
            (r"sub/", "/x/sub", "/x/su"),
            (r"ü+$", "üü", "u"),
        ] {
            let engine = Regex::new(&translate(expression)).expect(expression);
            assert!(engine.is_match(yes.as_bytes()), "{expression} {yes}");
            assert!(!engine.is_match(no.as_bytes()), "{expression} {no}");
        }
        assert!(Regex::new(&translate("(")).is_err());
    }
}
