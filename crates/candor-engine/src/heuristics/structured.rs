//! Numbers of credit cards and of social security in text.
//!
//! Both are only told when there are several: one number of the right form is in any long file. Numbers of
//! cards have a check digit (ISO/IEC 7812-1, annex B), and begin with the number of an issuer that exists.

use candor_model::Anomaly;

/// How many numbers there must be, and which forms count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structured {
    /// Numbers of credit cards from which on they are told.
    pub cards: u32,
    /// Numbers of social security from which on they are told; `None` to leave them alone.
    pub security_numbers: Option<u32>,
    /// Whether numbers of social security count that have hyphens, `123-45-6789`.
    pub hyphens: bool,
    /// Whether numbers of social security count that have none, `123456789`.
    pub plain: bool,
}

impl Default for Structured {
    fn default() -> Self {
        Self { cards: 3, security_numbers: Some(3), hyphens: true, plain: false }
    }
}

/// Digits of the longest number of a card.
const LONGEST: usize = 19;

impl Structured {
    /// What of it is in `bytes`.
    pub(crate) fn search(&self, bytes: &[u8]) -> Vec<Anomaly> {
        let (mut cards, mut numbers) = (0_u32, 0_u32);
        let mut rest = bytes;
        let mut before = b' ';
        while let Some((&first, tail)) = rest.split_first() {
            let begins = first.is_ascii_digit() && !is_part(before);
            before = first;
            if !begins {
                rest = tail;
                continue;
            }
            if let Some(length) = card(rest) {
                cards = cards.saturating_add(1);
                rest = rest.get(length..).unwrap_or_default();
                before = b'0';
                continue;
            }
            let hyphens = self.hyphens && security_number(rest, true);
            if hyphens || (self.plain && security_number(rest, false)) {
                numbers = numbers.saturating_add(1);
            }
            rest = tail;
        }
        let mut found = Vec::new();
        if self.cards > 0 && cards >= self.cards {
            found.push(Anomaly::StructuredData("CreditCardNumber"));
        }
        if self.security_numbers.is_some_and(|least| least > 0 && numbers >= least) {
            found.push(Anomaly::StructuredData("SSN"));
        }
        found
    }
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// How long the number of a card is that `bytes` begin with, its spaces or hyphens included. Another number may stand
/// behind a space, so every place where the digits pause is a possible end.
fn card(bytes: &[u8]) -> Option<usize> {
    let mut digits = Vec::with_capacity(LONGEST);
    let mut separated = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits.len() == LONGEST {
                    return None;
                }
                digits.push(byte & 0xf);
                separated = false;
                let length = at.saturating_add(1);
                let is_end = !bytes.get(length).is_some_and(|byte| is_part(*byte));
                if is_end && is_issued(&digits) && checks(&digits) {
                    return Some(length);
                }
            }
            b' ' | b'-' if !separated && !digits.is_empty() => separated = true,
            _ => return None,
        }
    }
    None
}

/// Whether an issuer gives out numbers of this beginning and length.
fn is_issued(digits: &[u8]) -> bool {
    let prefix = |count: usize| {
        digits
            .get(..count)
            .unwrap_or_default()
            .iter()
            .fold(0_u32, |number, digit| number.saturating_mul(10).saturating_add(u32::from(*digit)))
    };
    match digits.len() {
        13 => prefix(1) == 4,
        14 => matches!(prefix(2), 36 | 38) || (300..=305).contains(&prefix(3)),
        15 => matches!(prefix(2), 34 | 37) || matches!(prefix(4), 1800 | 2131 | 2014 | 2149),
        16 => {
            prefix(1) == 4
                || (51..=55).contains(&prefix(2))
                || (2221..=2720).contains(&prefix(4))
                || prefix(4) == 6011
                || prefix(2) == 65
                || prefix(2) == 35
        }
        19 => prefix(1) == 4,
        _ => false,
    }
}

/// Whether the check digit is right; a number of one digit alone is nobody's.
fn checks(digits: &[u8]) -> bool {
    let mut sum = 0_u32;
    for (place, digit) in digits.iter().rev().enumerate() {
        let doubled = if place & 1 == 1 { digit.saturating_mul(2) } else { *digit };
        sum = sum.saturating_add(u32::from(if doubled > 9 { doubled.saturating_sub(9) } else { doubled }));
    }
    sum.is_multiple_of(10) && digits.iter().any(|digit| Some(digit) != digits.first())
}

/// Whether `bytes` begin with a number of social security.
fn security_number(bytes: &[u8], hyphens: bool) -> bool {
    let length = if hyphens { 11 } else { 9 };
    let Some(number) = bytes.get(..length) else { return false };
    if bytes.get(length).is_some_and(|byte| is_part(*byte) || *byte == b'-') {
        return false;
    }
    let mut digits = Vec::with_capacity(9);
    for (place, byte) in number.iter().enumerate() {
        match (hyphens && matches!(place, 3 | 6), byte) {
            (true, b'-') => (),
            (false, b'0'..=b'9') => digits.push(byte & 0xf),
            _ => return false,
        }
    }
    let (Some(area), Some(group), Some(serial)) = (digits.get(..3), digits.get(3..5), digits.get(5..)) else {
        return false;
    };
    let zero = |part: &[u8]| part.iter().all(|digit| *digit == 0);
    !zero(area) && !zero(group) && !zero(serial) && area != [6, 6, 6] && area.first() != Some(&9)
}
