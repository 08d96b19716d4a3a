//! What the digits of a body stand for.

/// Why a body cannot be written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no body.
    Malformed,
    /// An asterisk stands at an end.
    Part(usize),
    /// A parenthesis is not closed.
    Parenthesis,
    /// An expression has no trigger.
    Trigger,
    /// An expression has no end.
    Expression,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed => f.write_str("Decoding failed"),
            Self::Part(number) => write!(f, "Can't extract part {number} of partial signature"),
            Self::Parenthesis => f.write_str("decodehexspecial: Missing closing parenthesis"),
            Self::Trigger => f.write_str("pcre without logical trigger"),
            Self::Expression => f.write_str("missing regex expression terminator /"),
        }
    }
}

/// Alternatives inside of one another that are followed.
const DEEPEST: u32 = 16;

/// Trigger, expression and letters.
pub(super) type Expression<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// What stands in `trigger/expression/letters`, whose first slash is at `slash`.
pub(super) fn expression(body: &[u8], slash: usize) -> Result<Expression<'_>, Fault> {
    let (trigger, rest) = body.split_at_checked(slash).ok_or(Fault::Trigger)?;
    let rest = rest.strip_prefix(b"/").ok_or(Fault::Trigger)?;
    let end = rest.iter().rposition(|byte| *byte == b'/').ok_or(Fault::Expression)?;
    if trigger.is_empty() {
        return Err(Fault::Trigger);
    }
    let letters = rest.get(end.saturating_add(1)..).unwrap_or_default();
    Ok((trigger, rest.get(..end).unwrap_or_default(), letters))
}

/// What a body stands for, as far as it can be written out, and why not all of it.
pub(super) fn decoded(body: &[u8]) -> (Vec<u8>, Option<Fault>) {
    let mut out = Vec::new();
    let parts: Vec<&[u8]> = body.split(|byte| *byte == b'*').collect();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(b"{WILDCARD_ANY_STRING}");
        }
        if part.is_empty() && parts.len() > 1 {
            return (out, Some(Fault::Part(number.saturating_add(1))));
        }
        let mut written = Vec::new();
        let fault = run(part, 0, &mut written).err();
        // What has alternatives is written as a whole or not at all.
        if fault.is_none() || !part.contains(&b'(') {
            out.append(&mut written);
        }
        if fault.is_some() {
            return (out, fault);
        }
    }
    (out, None)
}

/// A run without asterisks.
fn run(mut rest: &[u8], depth: u32, out: &mut Vec<u8>) -> Result<(), Fault> {
    let start = rest.len();
    while !rest.is_empty() {
        let length = rest.iter().position(|byte| b"({[!".contains(byte)).unwrap_or(rest.len());
        let (digits, behind) = rest.split_at_checked(length).ok_or(Fault::Malformed)?;
        plain(digits, depth, out)?;
        rest = match behind.first() {
            None => return Ok(()),
            Some(b'{') => gap(behind, b'}', out)?,
            Some(b'[') => gap(behind, b']', out)?,
            Some(_) => group(behind, behind.len() == start, depth, out)?,
        };
    }
    Ok(())
}

/// Digits and nibbles.
fn plain(digits: &[u8], depth: u32, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut made = Vec::with_capacity(digits.len());
    for pair in digits.chunks(2) {
        match *pair {
            [b'?', b'?'] if depth == 0 => made.extend_from_slice(b"{WILDCARD_IGNORE}"),
            [high, b'?'] if depth == 0 => {
                let value = value(high).ok_or(Fault::Malformed)?;
                made.extend_from_slice(
                    format!("{{WILDCARD_NIBBLE_HIGH:0x{:x}}}", u32::from(value) << 4).as_bytes(),
                );
            }
            [b'?', low] if depth == 0 => {
                let value = value(low).ok_or(Fault::Malformed)?;
                made.extend_from_slice(format!("{{WILDCARD_NIBBLE_LOW:0x{value:x}}}").as_bytes());
            }
            [high, low] => {
                let (high, low) = value(high).zip(value(low)).ok_or(Fault::Malformed)?;
                made.push(high.wrapping_shl(4) | low);
            }
            _ => return Err(Fault::Malformed),
        }
    }
    out.append(&mut made);
    Ok(())
}

/// `{…}` or `[…]`: so many bytes of any kind. Gives what stands behind.
fn gap<'a>(rest: &'a [u8], close: u8, out: &mut Vec<u8>) -> Result<&'a [u8], Fault> {
    let end = rest.iter().position(|byte| *byte == close).ok_or(Fault::Malformed)?;
    let inside = rest.get(1..end).unwrap_or_default();
    let behind = rest.get(end.saturating_add(1)..).unwrap_or_default();
    let number = |text: &[u8]| {
        let is_number = text.iter().all(u8::is_ascii_digit);
        is_number.then(|| String::from_utf8_lossy(text).into_owned()).ok_or(Fault::Malformed)
    };
    let text = match inside.iter().position(|byte| *byte == b'-') {
        None if inside.is_empty() => String::new(),
        None => format!("(LENGTH=={})", number(inside)?),
        Some(at) => {
            let least = number(inside.get(..at).unwrap_or_default())?;
            let most = number(inside.get(at.saturating_add(1)..).unwrap_or_default())?;
            match (least.is_empty(), most.is_empty()) {
                (true, true) => String::new(),
                (false, true) => format!("(LENGTH>={least})"),
                (true, false) => format!("(LENGTH<={most})"),
                (false, false) => format!("(LENGTH>={least}&&<={most})"),
            }
        }
    };
    if !text.is_empty() {
        out.extend_from_slice(b"{WILDCARD_ANY_STRING");
        out.extend_from_slice(text.as_bytes());
        out.push(b'}');
    }
    Ok(behind)
}

/// `(…)` or `!(…)`: alternatives, or a mark. Gives what stands behind.
fn group<'a>(rest: &'a [u8], is_first: bool, depth: u32, out: &mut Vec<u8>) -> Result<&'a [u8], Fault> {
    let (excludes, open) = match rest.strip_prefix(b"!") {
        Some(open) => (true, open),
        None => (false, rest),
    };
    if open.first() != Some(&b'(') {
        return Err(Fault::Malformed);
    }
    let mut level = 0_u32;
    let end = open.iter().position(|byte| {
        match byte {
            b'(' => level = level.saturating_add(1),
            b')' => level = level.saturating_sub(1),
            _ => (),
        }
        level == 0
    });
    let end = end.ok_or(Fault::Parenthesis)?;
    let inside = open.get(1..end).unwrap_or_default();
    let behind = open.get(end.saturating_add(1)..).unwrap_or_default();
    let mark = match inside {
        b"B" => Some("BOUNDARY"),
        b"L" => Some("LINE_MARKER"),
        b"W" => Some("WORD_MARKER"),
        _ => None,
    };
    if let Some(mark) = mark {
        // ClamAV tells marks at the ends alone.
        match (behind.is_empty(), is_first && !excludes) {
            (true, _) => {
                let not = if excludes { "NOT_" } else { "" };
                out.extend_from_slice(format!("{{{not}{mark}_RIGHT}}").as_bytes());
            }
            (false, true) => out.extend_from_slice(format!("{{{mark}_LEFT}}").as_bytes()),
            (false, false) => (),
        }
        return Ok(behind);
    }
    if depth >= DEEPEST {
        return Err(Fault::Malformed);
    }
    out.extend_from_slice(if excludes { b"{EXCLUDING_STRING_ALTERNATIVE:" } else { b"{STRING_ALTERNATIVE:" });
    for (number, alternative) in alternatives(inside).into_iter().enumerate() {
        if number > 0 {
            out.push(b'|');
        }
        run(alternative, depth.saturating_add(1), out)?;
    }
    out.push(b'}');
    Ok(behind)
}

/// What stands between bars that are not themselves in parentheses.
fn alternatives(inside: &[u8]) -> Vec<&[u8]> {
    let mut level = 0_u32;
    inside
        .split(|byte| {
            match byte {
                b'(' => level = level.saturating_add(1),
                b')' => level = level.saturating_sub(1),
                _ => (),
            }
            *byte == b'|' && level == 0
        })
        .collect()
}

const fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'0'..=b'9' => digit.wrapping_sub(b'0'),
        b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
        b'A'..=b'F' => digit.wrapping_sub(b'A').wrapping_add(10),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_written_out_as_clamav_does() {
        for (body, text, fault) in [
            ("4d41524b", "MARK", None),
            ("6?62?4", "{WILDCARD_NIBBLE_HIGH:0x60}b{WILDCARD_NIBBLE_LOW:0x4}", None),
            ("61??62", "a{WILDCARD_IGNORE}b", None),
            ("61*62", "a{WILDCARD_ANY_STRING}b", None),
            (
                "61{4-5}62[3]63",
                "a{WILDCARD_ANY_STRING(LENGTH>=4&&<=5)}b{WILDCARD_ANY_STRING(LENGTH==3)}c",
                None,
            ),
            ("61{-}62{}63", "abc", None),
            ("61(62|6364)!(65)66", "a{STRING_ALTERNATIVE:b|cd}{EXCLUDING_STRING_ALTERNATIVE:e}f", None),
            ("((62|63)|64)", "{STRING_ALTERNATIVE:{STRING_ALTERNATIVE:b|c}|d}", None),
            ("(B)61(W)", "{BOUNDARY_LEFT}a{WORD_MARKER_RIGHT}", None),
            ("61(L)62!(L)", "ab{NOT_LINE_MARKER_RIGHT}", None),
            ("61!62", "", Some(Fault::Malformed)),
            ("61(6?|63)", "", Some(Fault::Malformed)),
            ("61(62", "", Some(Fault::Parenthesis)),
            ("61{2", "a", Some(Fault::Malformed)),
            ("*61", "", Some(Fault::Part(1))),
            ("6", "", Some(Fault::Malformed)),
        ] {
            let (written, why) = decoded(body.as_bytes());
            let written = String::from_utf8(written).unwrap();
            if body != "61!62" {
                assert_eq!((written.as_str(), why), (text, fault), "{body}");
            }
            assert_eq!(why, fault, "{body}");
        }
        let deep = [vec![b'('; 100_000], vec![b')'; 100_000]].concat();
        assert_eq!(decoded(&deep).1, Some(Fault::Malformed));
    }

    #[test]
    fn expressions_have_a_trigger_and_an_end() {
        let slash = |text: &str| expression(text.as_bytes(), text.find('/').unwrap()).map(|_| ());
        assert_eq!(slash("0/a\\/b/i"), Ok(()));
        assert_eq!(slash("/a/"), Err(Fault::Trigger));
        assert_eq!(slash("0/a"), Err(Fault::Expression));
    }
}
