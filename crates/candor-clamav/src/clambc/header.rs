//! The header of a bytecode, `cbc`: lines of text.
//!
//! 1. `ClamBC`, then numbers and texts: format, time of the compilation, who did it, excluded target, kind, lowest and
//!    highest level, resources, compiler, types, functions.
//! 2. The logical signature that it is triggered by.
//! 3. From then on, each begun by a letter: `T` types, `E` functions of the engine that it calls, `G`, `A`, `B` its body.
//!
//! A number is a digit that says how many digits follow, then these, the lowest first. A digit is a byte from `` ` ``
//! to `p`, of which four bits count. A text is `|`, its length, and two digits for each byte.

/// Functions that are told at most.
const MOST: u64 = 256;

/// What a bytecode says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) format: u64,
    pub(super) seconds: u64,
    pub(super) maker: Vec<u8>,
    pub(super) excluded: u64,
    pub(super) kind: u64,
    pub(super) levels: (u64, u64),
    pub(super) compiler: Vec<u8>,
    pub(super) types: u64,
    pub(super) functions: u64,
    /// The logical signature; empty when there is none.
    pub(super) trigger: &'a [u8],
    /// Functions of the engine.
    pub(super) interfaces: Vec<Vec<u8>>,
}

impl<'a> Header<'a> {
    /// Reads it. `None` when there is none.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let mut digits = Digits(lines.next()?.strip_prefix(b"ClamBC")?);
        let (format, seconds, maker) = (digits.number()?, digits.number()?, digits.text()?);
        let (excluded, kind) = (digits.number()?, digits.number()?);
        let levels = (digits.number()?, digits.number()?);
        let _resources = digits.number()?;
        let compiler = digits.text()?;
        let (types, functions) = (digits.number()?, digits.number()?);
        let trigger = lines.next()?;
        let interfaces = lines.find_map(|line| line.strip_prefix(b"E")).map(interfaces).unwrap_or_default();
        Some(Self {
            format,
            seconds,
            maker,
            excluded,
            kind,
            levels,
            compiler,
            types,
            functions,
            trigger,
            interfaces,
        })
    }
}

/// Names of functions in the order of their numbers, as far as they can be read.
fn interfaces(line: &[u8]) -> Vec<Vec<u8>> {
    let mut digits = Digits(line);
    let _highest = digits.number();
    let count = digits.number().unwrap_or(0).min(MOST);
    let mut one = || {
        let number = digits.number()?;
        let _kind = digits.number()?;
        Some((number, digits.text()?))
    };
    let mut named: Vec<(u64, Vec<u8>)> = (0..count).map_while(|_| one()).collect();
    named.sort_by_key(|(number, _)| *number);
    named.into_iter().map(|(_, name)| name).collect()
}

/// What is left of a line.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn digit(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        first.checked_sub(b'`').filter(|digit| *digit <= 16).map(u64::from)
    }

    fn number(&mut self) -> Option<u64> {
        let count = self.digit()?;
        (0..count).try_fold(0_u64, |number, place| {
            let shift = u32::try_from(place.checked_mul(4)?).ok()?;
            Some(number | (self.digit()? & 0xf).checked_shl(shift)?)
        })
    }

    /// A text, without the zero that ends it.
    fn text(&mut self) -> Option<Vec<u8>> {
        self.0 = self.0.strip_prefix(b"|")?;
        let length = self.number()?;
        let mut text = Vec::new();
        for _ in 0..length {
            let (low, high) = (self.digit()? & 0xf, self.digit()? & 0xf);
            text.push(u8::try_from(low | (high << 4)).ok()?);
        }
        if text.last() == Some(&0) {
            text.pop();
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ClamBCaghkn`efife|adafbfcf```c``abdc``|aechcbf``bibaap";

    #[test]
    fn numbers_and_texts_are_read() {
        let mut digits = Digits(b"aghkn`efife|ccaf");
        assert_eq!(digits.number(), Some(7));
        assert_eq!(digits.number(), Some(1_452_691_691));
        // It says that it is longer than it is.
        assert_eq!(digits.text(), None);
        assert_eq!(Digits(b"|abafbf").text(), Some(b"ab".to_vec()));
        assert_eq!(Digits(b"aq").number(), None);
        assert_eq!(Digits(b"").number(), None);
    }

    #[test]
    fn what_is_cut_short_is_no_header() {
        for end in 0..LINE.len() {
            assert_eq!(Header::parse(&LINE.as_bytes()[..end]), None);
        }
        let long = [b"ClamBCagag|pppppppppppppppppp".to_vec(), vec![b'a'; 64]].concat();
        assert_eq!(Header::parse(&long), None);
    }

    #[test]
    fn functions_are_named() {
        let named = interfaces(b"aeacabbbe|aebgefaf``".as_slice());
        assert!(named.len() <= 1, "{named:?}");
        let named = interfaces(b"aeabadbce|abafbf".as_slice());
        assert_eq!(named, [b"ab".to_vec()]);
    }
}
