//! Says what signatures mean, in the words of ClamAV's `sigtool --decode-sigs`.
//!
//! What a line is follows from what parts its fields, and how many there are: `;` for logical signatures, `:` for
//! those on bodies, on members of containers and on file types, `=` for the oldest.
//! The first line that is none of them ends it, as in ClamAV.

mod pattern;

use crate::console::Console;
use crate::jailed::{Input, Saying};

use super::{reason, work};

/// Lines that are longer are no signatures.
const LONGEST: usize = 16 << 20;

/// A line that is no signature.
#[derive(Debug)]
pub(super) struct Unsupported;

/// What is done with the body of a signature: where it belongs to, its digits.
pub(super) type Body<'a> = dyn FnMut(&Place<'_>, &[u8], &mut Saying) + 'a;

/// Where a body belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// It is all of a signature, at this offset.
    Whole(&'a [u8]),
    /// It is a part of a logical one, with these letters behind it.
    Part(&'a [u8]),
}

/// Decodes the lines of standard input.
pub(super) fn stdin(console: &mut Console) -> bool {
    let input = match Input::stdin() {
        Ok(input) => input,
        Err(error) => {
            console.error(&format!("decodesig: Can't read standard input: {}", reason(&error)));
            return false;
        }
    };
    work(&[input], console, |sources, say| {
        let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
        all(bytes, say, &mut |place, body, say| {
            let heading = match place {
                Place::Whole(..) => "DECODED SIGNATURE:",
                Place::Part(..) => " +-> DECODED SUBSIGNATURE:",
            };
            say.line(heading);
            written(body, say);
        });
    })
}

/// Says what each line means; what is to be said about bodies is for `body`.
pub(super) fn all(bytes: &[u8], say: &mut Saying, body: &mut Body<'_>) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if line.len() > LONGEST || one(line, say, body).is_err() {
            return say.failed();
        }
    }
}

fn one(line: &[u8], say: &mut Saying, body: &mut Body<'_>) -> Result<(), Unsupported> {
    let has = |byte| line.contains(&byte);
    match () {
        () if has(b';') => logical(line, say, body),
        () if has(b':') => fields(&line.split(|byte| *byte == b':').collect::<Vec<_>>(), say, body),
        () if has(b'=') => {
            let mut parts = line.splitn(2, |byte| *byte == b'=');
            labelled("VIRUS NAME: ", parts.next().unwrap_or_default(), say);
            body(&Place::Whole(b"*"), parts.next().unwrap_or_default(), say);
            Ok(())
        }
        () => {
            say.line("decodesig: Not supported signature format");
            Err(Unsupported)
        }
    }
}

fn fields(fields: &[&[u8]], say: &mut Saying, body: &mut Body<'_>) -> Result<(), Unsupported> {
    match *fields {
        [kind, offset, digits, name, needs, is, ref levels @ ..] if is_number(kind) && fields.len() <= 8 => {
            labelled("FILE TYPE NAME: ", name, say);
            labelled("FILE SIGNATURE TYPE: ", kind, say);
            labelled("FILE MAGIC OFFSET: ", offset, say);
            labelled("FILE MAGIC HEX: ", digits, say);
            say.line("FILE MAGIC DECODED:");
            written(digits, say);
            labelled("FILE TYPE REQUIRED: ", needs, say);
            labelled("FILE TYPE DETECTED: ", is, say);
            level("FTM FLEVEL: ", levels, say);
            Ok(())
        }
        [name, target, offset, digits, ref levels @ ..] if fields.len() <= 6 => {
            labelled("VIRUS NAME: ", name, say);
            level("FUNCTIONALITY LEVEL: ", levels, say);
            let invalid = |say: &mut Saying| {
                say.error("decodesig: Invalid target type");
                Err(Unsupported)
            };
            if !is_number(target) {
                return invalid(say);
            }
            say.out(b"TARGET TYPE: ");
            let number = std::str::from_utf8(target).ok().and_then(|target| target.parse().ok());
            let Some(target) = number.and_then(target_name) else {
                return invalid(say);
            };
            say.line(target);
            labelled("OFFSET: ", offset, say);
            body(&Place::Whole(offset), digits, say);
            Ok(())
        }
        [name, container, size, expression, compressed, real, encrypted, position, sum, _, ..]
            if fields.len() <= 12 =>
        {
            labelled("VIRUS NAME: ", name, say);
            labelled("CONTAINER TYPE: ", if container == b"*" { b"ANY" } else { container }, say);
            range("CONTAINER SIZE: ", size, say);
            labelled("FILENAME REGEX: ", expression, say);
            range("COMPRESSED FILESIZE: ", compressed, say);
            range("UNCOMPRESSED FILESIZE: ", real, say);
            say.out(b"ENCRYPTION: ");
            match encrypted {
                b"*" => say.line("IGNORED"),
                b"0" => say.line("NO"),
                _ if is_number(encrypted) => say.line("YES"),
                _ => {
                    say.error("decodesig: Invalid encryption flag");
                    return Err(Unsupported);
                }
            }
            range("FILE POSITION: ", position, say);
            if matches!(container, b"CL_TYPE_ZIP" | b"CL_TYPE_RAR") {
                let number = std::str::from_utf8(sum).ok().and_then(|sum| u32::from_str_radix(sum, 16).ok());
                match number {
                    Some(number) => say.line(format!("CRC SUM: {}", number.cast_signed())),
                    None => say.line("CRC SUM: ANY"),
                }
            }
            Ok(())
        }
        _ => {
            say.error("decodesig: Invalid or not supported signature format");
            say.line(format!("TOKENS COUNT: {}", fields.len()));
            Err(Unsupported)
        }
    }
}

fn logical(line: &[u8], say: &mut Saying, body: &mut Body<'_>) -> Result<(), Unsupported> {
    let fields = split_logical(line);
    let [name, description, expression, parts @ ..] = fields.as_slice() else {
        say.error("decodesig: Invalid or not supported signature format");
        return Err(Unsupported);
    };
    if parts.is_empty() {
        say.error("decodesig: Invalid or not supported signature format");
        return Err(Unsupported);
    }
    labelled("VIRUS NAME: ", name, say);
    labelled("TDB: ", description, say);
    labelled("LOGICAL EXPRESSION: ", expression, say);
    let named = highest(expression).map_or(0, |highest| highest.saturating_add(1));
    if usize::try_from(named) != Ok(parts.len()) {
        say.error(&format!(
            "decodesig: The number of subsignatures (=={}) doesn't match the IDs in the logical expression (=={named})",
            parts.len()
        ));
        return Err(Unsupported);
    }
    for (number, part) in parts.iter().enumerate() {
        let (offset, digits, letters) = sub_signature(part);
        say.line(format!(" * SUBSIG ID {number}"));
        labelled(" +-> OFFSET: ", offset.unwrap_or(b"ANY"), say);
        modifiers(letters, say);
        body(&Place::Part(letters.unwrap_or_default()), digits, say);
    }
    Ok(())
}

/// Fields of a logical signature. A semicolon in an expression between slashes parts nothing.
fn split_logical(line: &[u8]) -> Vec<&[u8]> {
    let mut fields: Vec<&[u8]> = Vec::new();
    let mut start = 0;
    let mut between_slashes = false;
    let mut escaped = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'/' if !escaped && fields.len() >= 3 => between_slashes = !between_slashes,
            b';' if !between_slashes => {
                fields.push(line.get(start..at).unwrap_or_default());
                start = at.saturating_add(1);
            }
            _ => (),
        }
        escaped = *byte == b'\\' && !escaped;
    }
    fields.push(line.get(start..).unwrap_or_default());
    fields
}

/// The highest number of a sub-signature in an expression: not those that something is compared with.
fn highest(expression: &[u8]) -> Option<u64> {
    let mut highest = None;
    let mut number: Option<u64> = None;
    let mut is_name = true;
    for byte in expression.iter().copied().chain([b' ']) {
        if byte.is_ascii_digit() {
            let digit = u64::from(byte.wrapping_sub(b'0'));
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            continue;
        }
        if let Some(number) = number.take().filter(|_| is_name) {
            highest = highest.max(Some(number));
        }
        is_name = !matches!(byte, b'=' | b'<' | b'>' | b',');
    }
    highest
}

/// Offset, digits and letters of a sub-signature.
type Parts<'a> = (Option<&'a [u8]>, &'a [u8], Option<&'a [u8]>);

fn sub_signature(part: &[u8]) -> Parts<'_> {
    let (head, expression) = match part.iter().position(|byte| *byte == b'/') {
        Some(slash) => part.split_at_checked(slash).unwrap_or((part, &[])),
        None => (part, &[][..]),
    };
    let from =
        |bytes: &[u8]| part.get(part.len().saturating_sub(bytes.len().saturating_add(expression.len()))..);
    let (first, rest) = match head.iter().position(|byte| *byte == b':') {
        None => return (None, part, None),
        Some(colon) => {
            (head.get(..colon).unwrap_or_default(), head.get(colon.saturating_add(1)..).unwrap_or_default())
        }
    };
    if !expression.is_empty() {
        return (Some(first), from(rest).unwrap_or_default(), None);
    }
    let mut fields = rest.splitn(2, |byte| *byte == b':');
    let second = fields.next().unwrap_or_default();
    match fields.next() {
        None => (Some(first), second, None),
        // digits::letters
        Some(letters) if second.is_empty() => (None, first, Some(letters)),
        Some(letters) => match letters.strip_prefix(b":") {
            Some(letters) => (Some(first), second, Some(letters)),
            None => (None, first, Some(letters)),
        },
    }
}

fn modifiers(letters: Option<&[u8]>, say: &mut Saying) {
    say.out(b" +-> SIGMOD:");
    let Some(letters) = letters else { return say.line(" NONE") };
    for letter in letters {
        match letter {
            b'i' => say.out(b" NOCASE"),
            b'f' => say.out(b" FULLWORD"),
            b'w' => say.out(b" WIDE"),
            b'a' => say.out(b" ASCII"),
            _ => return say.out(b" UNKNOWN"),
        }
    }
    say.line("");
}

/// Writes what a body stands for.
fn written(body: &[u8], say: &mut Saying) {
    if let Some(slash) = body.iter().position(|byte| *byte == b'/') {
        return match pattern::expression(body, slash) {
            Ok((trigger, expression, letters)) => {
                labelled("     +-> TRIGGER: ", trigger, say);
                labelled("     +-> REGEX: ", expression, say);
                labelled("     +-> CFLAGS: ", if letters.is_empty() { b"null" } else { letters }, say);
            }
            Err(fault) => say.error(&fault.to_string()),
        };
    }
    if body.starts_with(b"fuzzy_img#") {
        return;
    }
    let (text, fault) = pattern::decoded(body);
    say.out(&text);
    match fault {
        None => say.line(""),
        Some(fault) => say.error(&fault.to_string()),
    }
}

fn labelled(label: &str, value: &[u8], say: &mut Saying) {
    say.line([label.as_bytes(), value].concat());
}

fn level(label: &str, levels: &[&[u8]], say: &mut Saying) {
    match *levels {
        [] => (),
        [least] => labelled(label, &[b">=".as_slice(), least].concat(), say),
        [least, most, ..] => labelled(label, &[least, b"..".as_slice(), most].concat(), say),
    }
}

fn range(label: &str, value: &[u8], say: &mut Saying) {
    if value == b"*" {
        return labelled(label, b"ANY", say);
    }
    match value.iter().position(|byte| *byte == b'-') {
        None => labelled(label, value, say),
        Some(at) => {
            let (from, to) = (value.get(..at), value.get(at.saturating_add(1)..));
            let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
            labelled(label, &[b"WITHIN RANGE ".as_slice(), from, b" to ", to].concat(), say);
        }
    }
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

const fn target_name(number: u32) -> Option<&'static str> {
    Some(match number {
        0 => "ANY FILE",
        1 => "PE",
        2 => "OLE2",
        3 => "HTML",
        4 => "MAIL",
        5 => "GRAPHICS",
        6 => "ELF",
        7 => "NORMALIZED ASCII TEXT",
        8 => "DISASM DATA",
        9 => "MACHO",
        10 => "PDF",
        11 => "FLASH",
        12 => "JAVA CLASS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_compared_with_are_no_names() {
        for (expression, number) in
            [("0", Some(0)), ("(0&1)|(2>10,3)", Some(2)), ("((0&1)>2,1)|(2=7)", Some(2)), ("", None)]
        {
            assert_eq!(highest(expression.as_bytes()), number, "{expression}");
        }
    }

    #[test]
    fn parts_of_a_sub_signature() {
        let parts = |text: &'static str| {
            let (offset, digits, letters) = sub_signature(text.as_bytes());
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            (offset.map(text), text(digits), letters.map(text))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts("61"), (None, "61".to_owned(), None));
        assert_eq!(parts("EP+0:61"), (some("EP+0"), "61".to_owned(), None));
        assert_eq!(parts("61::ia"), (None, "61".to_owned(), some("ia")));
        assert_eq!(parts("EP+0:61::i"), (some("EP+0"), "61".to_owned(), some("i")));
        assert_eq!(parts("10:0/a:b/i"), (some("10"), "0/a:b/i".to_owned(), None));
        assert_eq!(parts("0/a::b/i"), (None, "0/a::b/i".to_owned(), None));
    }

    #[test]
    fn a_semicolon_between_slashes_parts_nothing() {
        let fields = split_logical(b"N;Target:0;1;61;0/a\\/;b/i");
        assert_eq!(fields.last(), Some(&&b"0/a\\/;b/i"[..]));
        assert_eq!(fields.len(), 5);
    }
}
