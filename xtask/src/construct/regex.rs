//! Bytes that match a regular expression: the shortest that its syntax tree shows.

use candor_database::ir::Regex;
use candor_fixtures::naive::translate;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Bytes for `regex`, as far as it is a plain one.
pub(super) fn bytes(regex: &Regex) -> Result<Vec<u8>, &'static str> {
    // The end before a final line feed is the end.
    let pattern = translate(&regex.pattern, regex.flags).replace("(?=\\n?\\z)", "\\z");
    let tree = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(&pattern)
        .map_err(|_| "has a regular expression with look-around or references")?;
    let mut bytes = Vec::new();
    append(&tree, &mut bytes);
    if bytes.len() > 1 << 16 { Err("has a regular expression for very long texts") } else { Ok(bytes) }
}

fn append(tree: &Hir, bytes: &mut Vec<u8>) {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => bytes.extend(&*literal.0),
        HirKind::Class(Class::Bytes(class)) => bytes.extend(class.ranges().last().map(|range| range.start())),
        HirKind::Class(Class::Unicode(class)) => {
            bytes.extend(class.ranges().last().and_then(|range| u8::try_from(range.start()).ok()));
        }
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min.min(4096) {
                append(&repetition.sub, bytes);
            }
        }
        HirKind::Capture(capture) => append(&capture.sub, bytes),
        HirKind::Concat(parts) => parts.iter().for_each(|part| append(part, bytes)),
        HirKind::Alternation(branches) => {
            if let Some(first) = branches.first() {
                append(first, bytes);
            }
        }
    }
}
