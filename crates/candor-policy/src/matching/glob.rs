//! Shapes of one part of a value: `*` for any run, `?` for one character, `#` for a run of digits.

/// A part with at least one of `*`, `?`, `#`, lower-case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(Box<[u8]>);

impl Glob {
    /// A shape, unless the text is plain.
    pub(super) fn new(text: &str) -> Option<Self> {
        is_glob(text).then(|| Self(text.as_bytes().into()))
    }

    /// What every match begins with, at most `most` bytes of it.
    pub(super) fn beginning(&self, most: usize) -> &[u8] {
        let end = self.0.iter().position(|byte| is_special(*byte)).unwrap_or(self.0.len()).min(most);
        self.0.get(..end).unwrap_or_default()
    }

    /// The extension that every match has: what follows the last dot, when it is plain.
    pub(super) fn extension(&self) -> Option<&[u8]> {
        let dot = self.0.iter().rposition(|byte| *byte == b'.')?;
        let extension = self.0.get(dot.checked_add(1)?..)?;
        (!extension.is_empty() && !extension.iter().any(|byte| is_special(*byte))).then_some(extension)
    }

    /// Whether it is the shape of all of `text`.
    ///
    /// The newest star is the only one that is taken up again, so the work is at most the product of the lengths,
    /// and both are short.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (shape, text) = (&self.0, text.as_bytes());
        let (mut at, mut seen) = (0_usize, 0_usize);
        let mut again: Option<(usize, usize)> = None;
        loop {
            let step = match (shape.get(at), text.get(seen)) {
                (None, None) => return true,
                (Some(b'*'), _) => {
                    again = Some((at, seen));
                    at = at.saturating_add(1);
                    continue;
                }
                (Some(b'?'), Some(_)) => true,
                (Some(b'#'), Some(digit)) if digit.is_ascii_digit() => {
                    // A run of digits is taken whole: what follows a version is never a digit.
                    while text.get(seen).is_some_and(u8::is_ascii_digit) {
                        seen = seen.saturating_add(1);
                    }
                    at = at.saturating_add(1);
                    continue;
                }
                (Some(wanted), Some(is)) => wanted == is,
                _ => false,
            };
            if step {
                at = at.saturating_add(1);
                seen = seen.saturating_add(1);
                continue;
            }
            match again {
                Some((star, from)) if from < text.len() => {
                    at = star.saturating_add(1);
                    seen = from.saturating_add(1);
                    again = Some((star, seen));
                }
                _ => return false,
            }
        }
    }
}

/// Whether a part of an identifier is a shape.
pub(super) fn is_glob(text: &str) -> bool {
    text.bytes().any(is_special)
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'#')
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn shapes() {
        for (shape, yes, no) in [
            ("*.kdc", vec!["a.kdc", ".kdc", "a.b.kdc"], vec!["a.kdcx", "kdc"]),
            ("avp#.#", vec!["avp21.3", "avp7.12"], vec!["avp.3", "avp21", "avp21.3x", "xavp21.3"]),
            ("kuu*_*.tar.gz", vec!["kuu4.0_x64.tar.gz"], vec!["kuu.tar.gz", "kuu4_x.tar"]),
            ("a?c", vec!["abc"], vec!["ac", "abbc"]),
            ("*a*b*", vec!["ab", "xaxbx"], vec!["ba", ""]),
            ("klif.kes-#-#.sys", vec!["klif.kes-21-9.sys"], vec!["klif.kes-21.sys"]),
        ] {
            let glob = Glob::new(shape).unwrap();
            yes.iter().for_each(|text| assert!(glob.matches(text), "{shape} {text}"));
            no.iter().for_each(|text| assert!(!glob.matches(text), "{shape} {text}"));
        }
        assert_eq!(Glob::new("plain.exe"), None);
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let glob = Glob::new(&"a*".repeat(200)).unwrap();
        assert!(!glob.matches(&format!("{}b", "a".repeat(150))));
    }
}
