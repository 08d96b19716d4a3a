//! The documented differences: `docs/reference/semantics.md` says what each means.

use super::generate::File;

/// Something that only one engine found.
pub(super) struct Difference<'a> {
    /// Language and text of the signature.
    pub(super) extension: &'a str,
    pub(super) text: &'a str,
    /// All that it needs, language and text.
    pub(super) lines: &'a [(&'static str, String)],
    /// Whether it was Candor that found it, not ClamAV.
    pub(super) candor: bool,
    pub(super) file: &'a File,
}

/// A difference that is meant.
pub(super) struct Rule {
    /// Its name on that page.
    pub(super) name: &'static str,
    /// Whether it can explain this difference.
    pub(super) explains: fn(&Difference<'_>) -> bool,
}

/// All of them, the most particular first.
pub(super) const RULES: &[Rule] = &[
    Rule { name: "short-file", explains: |it| it.candor && it.file.bytes.len() <= 5 },
    Rule {
        name: "jpeg-rounding",
        explains: |it| it.text.contains("fuzzy_img#") && it.file.bytes.starts_with(&[0xff, 0xd8]),
    },
    Rule { name: "late-macro", explains: |it| it.lines.iter().any(|(_, text)| text.contains("${")) },
    Rule {
        name: "type-further-on",
        explains: |it| {
            let beyond = it.file.bytes.len() > 1024;
            !it.candor
                && beyond
                && it.lines.iter().any(|(kind, text)| *kind == "ftm" && text.starts_with("1:"))
        },
    },
    Rule {
        name: "flat-icon",
        explains: |it| it.lines.iter().any(|(kind, text)| *kind == "idb" && text.ends_with("00")),
    },
    Rule {
        name: "compare-at-zero",
        explains: |it| it.candor && may_compare_at_zero(it.text, &it.file.bytes),
    },
    Rule { name: "bracket-count", explains: |it| has_brackets(it.text) && has_count(it.text) },
    Rule { name: "bracket-offset", explains: |it| has_brackets(it.text) },
    Rule {
        name: "branch-prefix",
        explains: |it| (it.candor || has_count(it.text)) && has_uneven_branches(it.text),
    },
    Rule { name: "branch-past-end", explains: |it| !it.candor && has_uneven_branches(it.text) },
    Rule { name: "imports-64", explains: |it| it.candor && it.extension == "imp" && is_64_bit(it.file) },
    Rule { name: "macho-main", explains: |it| it.candor && is_for(it.text, 9) && names_entry(it.text) },
    Rule { name: "macho-section", explains: |it| !it.candor && is_for(it.text, 9) && it.text.contains("SE") },
    Rule { name: "ascii-and-wide", explains: |it| is_ascii_and_wide(it.text) && has_count(it.text) },
    Rule { name: "version-last", explains: |it| it.candor && it.text.contains(":1:VI") },
    Rule { name: "negated-boundary", explains: |it| begins_negated(it.text) },
];

/// Whether a byte comparison may be about the first byte of the file: it goes back from a hit of its sub-signature to
/// there.
fn may_compare_at_zero(text: &str, bytes: &[u8]) -> bool {
    let subs: Vec<&str> = text.split(';').skip(3).collect();
    let first_byte = |sub: &&str| {
        let (id, rest) =
            sub.split_once("(<<").or_else(|| sub.split_once("(>>0#").map(|(id, _)| (id, "0#")))?;
        let back: usize = rest.split('#').next()?.parse().ok()?;
        let content = subs.get(id.parse::<usize>().ok()?)?.rsplit(':').find(|part| part.len() > 1)?;
        let digits: String = content.chars().take_while(char::is_ascii_hexdigit).collect();
        let literal = candor_fixtures::recipe::hex_bytes(digits.get(..digits.len() / 2 * 2)?).ok()?;
        let there = bytes.get(back..)?.get(..literal.len())?;
        Some(there.eq_ignore_ascii_case(&literal))
    };
    subs.iter().filter_map(first_byte).any(|is_there| is_there)
}

/// Whether a negated boundary stands in front of a part.
fn begins_negated(text: &str) -> bool {
    ["!(B)", "!(L)", "!(W)"].iter().any(|boundary| {
        text.match_indices(boundary).any(|(at, _)| {
            text[at + boundary.len()..].starts_with(|next: char| next.is_ascii_hexdigit() || next == '(')
        })
    })
}

/// Whether a sub-signature is looked for as it is and in UTF-16.
fn is_ascii_and_wide(text: &str) -> bool {
    text.split(';')
        .filter_map(|sub| sub.split_once("::"))
        .any(|(_, letters)| letters.contains('a') && letters.contains('w'))
}

/// Whether there are brackets that are no braces: in a pattern that is not wide.
fn has_brackets(text: &str) -> bool {
    let narrow = |sub: &str| sub.contains('[') && !sub.split_once("::").is_some_and(|it| it.1.contains('w'));
    !text.contains('/') && text.split(';').any(narrow)
}

fn is_64_bit(file: &File) -> bool {
    let executable = file.known.as_ref().and_then(|(_, facts)| facts.executable.as_ref());
    executable.is_some_and(|executable| executable.is_64_bit)
}

fn names_entry(text: &str) -> bool {
    text.contains("EP") || text.contains("EntryPoint")
}

/// Whether the signature is for this class of files.
fn is_for(text: &str, target: u32) -> bool {
    text.contains(&format!("Target:{target};")) || text.split(':').nth(1) == Some(target.to_string().as_str())
}

/// Whether the condition counts hits: then a hit more can also make it fail.
fn has_count(text: &str) -> bool {
    text.split(';').nth(2).is_some_and(|condition| condition.contains(['=', '<', '>']))
}

/// Whether a choice has branches of different lengths.
fn has_uneven_branches(text: &str) -> bool {
    text.split('(').skip(1).filter_map(|rest| rest.split_once(')')).any(|(choice, _)| {
        let mut lengths = choice.split('|').map(str::len);
        let first = lengths.next();
        lengths.any(|length| Some(length) != first)
    })
}
