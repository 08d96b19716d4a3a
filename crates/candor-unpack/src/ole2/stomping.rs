//! Whether the compiled code of a module does what its source says: Office runs the compiled code where the
//! version fits, so attackers replace the source next to it.
//!
//! What is known of the compiled form without decoding it: texts stand in it as `b9 00`, a length and the
//! characters; and its lines have a table behind `fe ca` with 12 bytes each. A compiled text that the source
//! does not have, or more compiled lines than the source has at all, are told.

use memchr::memmem;

use crate::reader::Reader;

/// Shortest and longest text that is compared; texts of one module.
const SHORTEST: usize = 6;
const LONGEST: usize = 1024;
const TEXTS: usize = 256;

/// What is wrong with a module: `compiled` is what stands before its source. `may_look` pays for a look at so many bytes.
pub(super) fn contradiction(
    compiled: &[u8],
    source: Option<&[u8]>,
    may_look: &mut dyn FnMut(usize) -> bool,
) -> Option<String> {
    let lines = lines(compiled);
    let Some(source) = source else {
        return (lines > 0).then(|| format!("{lines} compiled lines without a source"));
    };
    let source_lines = memchr::memchr_iter(b'\n', source).count().saturating_add(1);
    if lines > source_lines {
        return Some(format!("{lines} compiled lines, {source_lines} in the source"));
    }
    let is_statement = |line: &&[u8]| {
        let line = line.trim_ascii();
        !line.is_empty() && !line.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"Attribute "))
    };
    if lines > 1 && !source.split(|&byte| byte == b'\n').any(|line| is_statement(&line)) {
        return Some(format!("{lines} compiled lines, none in the source"));
    }
    // A quote in a text is written twice in the source.
    let plain = unquoted(source);
    let missing = texts(compiled)
        .take_while(|_| may_look(plain.len()))
        .find(|text| memmem::find(&plain, text).is_none())?;
    Some(format!("the compiled code has a text that the source has not: {}", crate::name::decoded(missing)))
}

/// How many lines the compiled code says that it has.
fn lines(compiled: &[u8]) -> usize {
    let table = |at: usize| {
        let mut reader = Reader::little(compiled.get(at..)?);
        reader.skip(4)?;
        let count = reader.u16()?;
        reader.skip(u64::from(count).checked_mul(12)?)?;
        Some(usize::from(count))
    };
    memmem::rfind(compiled, b"\xfe\xca").and_then(table).unwrap_or(0)
}

/// The texts in compiled code.
fn texts(compiled: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = |at: usize| {
        let mut reader = Reader::little(compiled.get(at..)?);
        reader.skip(2)?;
        let text = reader.take_counted()?;
        let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
        ((SHORTEST..=LONGEST).contains(&text.len()) && text.iter().all(is_printable)).then_some(text)
    };
    memmem::find_iter(compiled, b"\xb9\0").filter_map(text).take(TEXTS)
}

fn unquoted(source: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len());
    let mut is_second = false;
    for &byte in source {
        is_second = byte == b'"' && !is_second && out.last() == Some(&b'"');
        if !is_second {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {

    fn contradiction(compiled: &[u8], source: Option<&[u8]>) -> Option<String> {
        super::contradiction(compiled, source, &mut |_| true)
    }

    fn compiled(lines: u16, text: &str) -> Vec<u8> {
        let table =
            [&b"\xfe\xca\x01\0"[..], &lines.to_le_bytes(), &vec![0; 12 * usize::from(lines)]].concat();
        let literal = [&b"\xb9\0"[..], &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat();
        [table, literal].concat()
    }

    const SOURCE: &[u8] =
        b"Attribute VB_Name = \"A\"\r\nSub AutoOpen()\r\nShell \"say \"\"hello\"\" now\"\r\nEnd Sub\r\n";

    #[test]
    fn code_that_its_source_says_is_fine() {
        assert_eq!(contradiction(&compiled(3, "say \"hello\" now"), Some(SOURCE)), None);
        assert_eq!(contradiction(b"", Some(SOURCE)), None);
        assert_eq!(contradiction(&compiled(0, ""), Some(b"Attribute VB_Name = \"A\"\r\n")), None);
        assert_eq!(contradiction(b"", None), None);
    }

    #[test]
    fn code_that_its_source_does_not_say_is_told() {
        let told = |compiled: &[u8], source| contradiction(compiled, source).unwrap();
        assert!(told(&compiled(3, "calc.exe"), Some(SOURCE)).ends_with(": calc.exe"));
        assert_eq!(told(&compiled(9, ""), Some(SOURCE)), "9 compiled lines, 5 in the source");
        assert_eq!(
            told(&compiled(2, ""), Some(b"Attribute VB_Name = \"A\"\r\n\r\n")),
            "2 compiled lines, none in the source"
        );
        assert_eq!(told(&compiled(2, ""), None), "2 compiled lines without a source");
    }

    #[test]
    fn lengths_that_lead_outside_are_no_evidence() {
        assert_eq!(contradiction(b"\xfe\xca\0\0\xff\xff", Some(SOURCE)), None);
        assert_eq!(contradiction(b"\xb9\0\xff\xffxxxxxxxxxx", Some(SOURCE)), None);
    }
}
