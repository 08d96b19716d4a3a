//! Subjects of certificates, compared by their attributes and not as text: order, case, spaces and the way of
//! quoting differ between programs, and some attributes change when a certificate is renewed.

/// The attributes of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subject(Vec<(String, String)>);

/// The most attributes that are looked at.
const MOST: usize = 64;

impl Subject {
    /// RFC 4514 (`CN=A, O="B, C"`), with `;` as a separator, or as OpenSSL prints it (`/CN=A/O=B`).
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        let slashed = text.starts_with('/');
        let mut attributes = Vec::new();
        for part in split(text, slashed).into_iter().take(MOST) {
            if let Some((attribute, value)) = part.split_once('=') {
                attributes.push((canonical(attribute), unquoted(value)));
            }
        }
        Self(attributes)
    }

    /// The attribute by which it is looked up: the one that says most.
    pub(super) fn key(&self) -> Option<(&str, &str)> {
        ["SERIALNUMBER", "CN", "O"].iter().find_map(|wanted| {
            self.0
                .iter()
                .find(|(attribute, value)| attribute == wanted && !value.is_empty())
                .map(|(attribute, value)| (attribute.as_str(), value.as_str()))
        })
    }

    /// Whether all attributes of `other` are here, with the same values.
    pub(super) fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|attribute| self.0.contains(attribute))
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(attribute, value)| (attribute.as_str(), value.as_str()))
    }
}

/// Parts between separators that are neither escaped nor quoted.
fn split(text: &str, slashed: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let (mut escaped, mut quoted) = (false, false);
    for character in text.chars() {
        match character {
            _ if escaped => {
                part.push(character);
                escaped = false;
            }
            '\\' => {
                part.push(character);
                escaped = true;
            }
            '"' => {
                part.push(character);
                quoted = !quoted;
            }
            '/' if slashed && !quoted => parts.push(std::mem::take(&mut part)),
            ',' | ';' | '+' if !slashed && !quoted => parts.push(std::mem::take(&mut part)),
            _ => part.push(character),
        }
    }
    parts.push(part);
    parts
}

/// Names that mean the same have one.
fn canonical(attribute: &str) -> String {
    let upper = attribute.trim().to_ascii_uppercase();
    let upper = upper.strip_prefix("OID.").unwrap_or(&upper);
    let known = match upper {
        "2.5.4.5" | "SN" => "SERIALNUMBER",
        "2.5.4.3" => "CN",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" | "S" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        other => other,
    };
    known.to_owned()
}

/// A value without quotes and escapes, with single spaces, in lower case.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let mut plain = Vec::with_capacity(value.len());
    let bytes = value.as_bytes();
    let mut at = 0_usize;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'\\' {
            plain.push(*byte);
            at = at.saturating_add(1);
            continue;
        }
        let digits = bytes
            .get(at.saturating_add(1)..at.saturating_add(3))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(escaped) = digits {
            plain.push(escaped);
            at = at.saturating_add(3);
        } else {
            plain.extend(bytes.get(at.saturating_add(1)));
            at = at.saturating_add(2);
        }
    }
    let plain = String::from_utf8_lossy(&plain);
    plain.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::Subject;

    #[test]
    fn order_case_and_quotes_do_not_matter() {
        let wanted = Subject::parse("SERIALNUMBER=1027739867473, C=RU");
        for text in [
            "CN=AO Kaspersky Lab, O=AO Kaspersky Lab, L=Moscow, S=Moscow, C=RU, SERIALNUMBER=1027739867473",
            "serialNumber=1027739867473,jurisdictionC=RU,C=ru,CN=Whatever",
            "/C=RU/2.5.4.5=1027739867473/CN=Renamed",
            "C=RU; OID.2.5.4.5=1027739867473",
        ] {
            assert!(Subject::parse(text).contains(&wanted), "{text}");
        }
        assert!(!Subject::parse("SERIALNUMBER=1027739867473, C=DE").contains(&wanted));
        assert!(!Subject::parse("SERIALNUMBER=10277398674730, C=RU").contains(&wanted));
    }

    #[test]
    fn a_comma_inside_a_name_is_part_of_it() {
        let escaped = Subject::parse(r"O=Kaspersky Lab\, Inc.");
        assert_eq!(escaped, Subject::parse(r#"O="Kaspersky Lab, Inc.""#));
        assert_eq!(escaped, Subject::parse(r"O=Kaspersky  Lab\2C Inc."));
        assert_ne!(escaped, Subject::parse("O=Kaspersky Lab"));
    }

    #[test]
    fn an_attribute_that_only_holds_the_text_is_another() {
        let subject = Subject::parse("CN=SERIALNUMBER\\=1027739867473\\, C\\=RU");
        assert!(!subject.contains(&Subject::parse("SERIALNUMBER=1027739867473, C=RU")));
    }
}
