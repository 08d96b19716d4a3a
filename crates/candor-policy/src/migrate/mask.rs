//! Masks of other products to the regular expressions of `ExcludePath` and to patterns of `candor scan --exclude`.
//!
//! In masks of Kaspersky and ESET `*` is any text within a folder, `**` any text across folders, `?` one character; in
//! Defender's `*` stays within a folder as well. Whatever else stands in a path stands for itself, and is escaped.

use std::fmt::Write as _;

/// A path or a mask, as the two languages here say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// For `ExcludePath`: searched for in whole paths.
    pub(super) expression: String,
    /// For `--exclude`.
    pub(super) glob: String,
}

/// A file or folder at a path, and all below it.
pub(super) fn path(text: &str) -> Pattern {
    let trimmed = text.trim_end_matches('/');
    let trimmed = if trimmed.is_empty() { text } else { trimmed };
    // All that is in a folder is what is below it.
    let below = trimmed.strip_suffix("/**").or_else(|| trimmed.strip_suffix("/*")).unwrap_or(trimmed);
    let below = if below.is_empty() { "/" } else { below };
    if below == "/" {
        return Pattern { expression: "^/".to_owned(), glob: "/**".to_owned() };
    }
    Pattern {
        expression: format!("^{}(/|$)", expression(below)),
        glob: format!("{{{0},{0}/**}}", glob(below)),
    }
}

/// Names that a mask fits, below a path or anywhere.
pub(super) fn name(below: Option<&str>, mask: &str) -> Pattern {
    let folder = below.map(|path| path.trim_end_matches('/'));
    match folder {
        Some(folder) => Pattern {
            expression: format!("^{}/(.*/)?{}$", expression(folder), expression(mask)),
            glob: format!("{}/**/{}", glob(folder), glob(mask)),
        },
        None => Pattern { expression: format!("/{}$", expression(mask)), glob: glob(mask) },
    }
}

/// Files with an extension.
pub(super) fn extension(text: &str) -> Pattern {
    let text = text.trim_start_matches(['*', '.']);
    Pattern { expression: format!("(?i)\\.{}$", expression(text)), glob: format!("*.{}", glob(text)) }
}

fn expression(mask: &str) -> String {
    let mut out = String::new();
    let mut letters = mask.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.peek() == Some(&'*') => {
                while letters.next_if_eq(&'*').is_some() {}
                out.push_str(".*");
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '.' | '+' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' | '|' | '\\' | '#' | '&' | '-'
            | '~' | ' ' => {
                // A blank ends no value, and two of them are easily lost by who edits the line.
                let _ = if letter == ' ' { write!(out, "\\x20") } else { write!(out, "\\{letter}") };
            }
            other => out.push(other),
        }
    }
    out
}

fn glob(mask: &str) -> String {
    let mut out = String::new();
    for letter in mask.chars() {
        if matches!(letter, '[' | ']' | '{' | '}' | '\\' | ',' | '!') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[track_caller]
    fn check(pattern: &Pattern, fits: &[&str], others: &[&str]) {
        let expression = Regex::new(&pattern.expression).unwrap();
        for path in fits {
            assert!(expression.is_match(path), "{} {path}", pattern.expression);
        }
        for path in others {
            assert!(!expression.is_match(path), "{} {path}", pattern.expression);
        }
    }

    #[test]
    fn a_path_is_itself_and_what_is_below_it() {
        let pattern = path("/tmp/not checked");
        check(
            &pattern,
            &["/tmp/not checked", "/tmp/not checked/a/b"],
            &["/tmp/not checkedx", "/a/tmp/not checked"],
        );
        assert_eq!(pattern.glob, "{/tmp/not checked,/tmp/not checked/**}");
        check(&path("/srv/a.b/"), &["/srv/a.b/c"], &["/srv/axb/c"]);
        check(&path("/"), &["/etc/passwd"], &[]);
        check(&path("/*"), &["/etc/passwd"], &[]);
    }

    #[test]
    fn one_star_stays_in_its_folder_and_two_leave_it() {
        check(&path("/home/*/cache"), &["/home/a/cache/x"], &["/home/a/b/cache/x"]);
        check(&path("/home/**/cache"), &["/home/a/b/cache/x"], &["/srv/a/cache"]);
        check(&name(None, "*doc"), &["/a/b/x.doc", "/doc"], &["/a/doc/x"]);
        check(
            &name(Some("/srv/db/"), "*.mdf"),
            &["/srv/db/a.mdf", "/srv/db/x/a.mdf"],
            &["/srv/a.mdf", "/srv/db/a.mdfx"],
        );
        check(&name(None, "a?.(1)"), &["/ab.(1)"], &["/a/.(1)", "/abx(1)"]);
    }

    #[test]
    fn an_extension_is_one_however_it_is_written() {
        for text in ["iso", ".iso", "*.iso"] {
            check(&extension(text), &["/a/b.ISO", "/b.iso"], &["/a.iso/b", "/aiso"]);
            assert_eq!(extension(text).glob, "*.iso");
        }
    }
}
