//! Pieces that several forms are made of: escapes, identifiers, and the words for a finding.

use sha2::{Digest as _, Sha256};

use super::Report;
use crate::evaluate::Evaluated;
use crate::matching::Standing;
use crate::policy::hexadecimal;

/// `1 finding`, `2 findings`.
pub(super) fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Text in one line for people: what drives a terminal, breaks the line or turns the reading direction is shown as
/// an escape, since whoever wrote a file also chose its name.
pub(super) fn plain(text: &str) -> String {
    use std::fmt::Write as _;
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let misleads = character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if misleads {
            // A string takes everything.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Text in XML and HTML, in elements and in attributes. Characters that XML does not have are replaced.
pub(super) fn markup(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push('\u{fffd}'),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                safe.push('\u{fffd}')
            }
            _ => safe.push(character),
        }
    }
    safe
}

/// A path as a relative reference of a URI.
pub(super) fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(byte));
        } else {
            // A string takes everything.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// The same for the same finding in every report, so that two reports can be compared.
pub(super) fn fingerprint(subject: &str, evaluated: &Evaluated) -> String {
    let finding = &evaluated.finding;
    let mut digest = Sha256::new();
    for part in
        [subject, &finding.vendor, finding.class.word(), finding.product.as_deref().unwrap_or_default()]
    {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hexadecimal(&digest.finalize())
}

/// A UUID made of names, in the form of version 5, so that the same report has the same.
pub(super) fn uuid(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let digits = hexadecimal(&digest.finalize());
    let part = |from: usize, until: usize| digits.get(from..until).unwrap_or_default();
    format!("{}-{}-5{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

impl Report {
    /// What a finding is called: the product, or the vendor with the sort of thing.
    pub(super) fn called(&self, evaluated: &Evaluated) -> String {
        let finding = &evaluated.finding;
        let versions = match finding.versions.as_slice() {
            [] => String::new(),
            [version] => format!(" {version}"),
            several => format!(" ({})", several.join(", ")),
        };
        match &finding.product {
            Some(product) => format!("{product}{versions}"),
            None => format!("{}: {}{versions}", self.vendor(&finding.vendor), finding.class.word()),
        }
    }
}

/// The word for how sure a finding is.
pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Found => "found",
        Standing::Lead => "lead",
    }
}

#[cfg(test)]
mod tests {
    use super::{markup, plain, uri, uuid};

    #[test]
    fn names_that_somebody_chose_stay_names() {
        assert_eq!(
            markup("<script>alert('x')</script>&\"\u{0}"),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\u{fffd}"
        );
        assert_eq!(plain("a\nb\u{1b}[2J\u{202e}"), "a\\u{a}b\\u{1b}[2J\\u{202e}");
        assert_eq!(uri("Program Files (x86)\\ä:b"), "Program%20Files%20%28x86%29/%C3%A4%3Ab");
    }

    #[test]
    fn an_identifier_has_the_form_that_is_asked_for() {
        let uuid = uuid(&["a", "b"]);
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'5');
        assert_eq!(uuid.as_bytes()[19], b'8');
    }
}
