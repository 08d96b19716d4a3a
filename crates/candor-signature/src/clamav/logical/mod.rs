//! Logical signatures: `ldb`, `ldu`.
//!
//! `Name;TargetDescription;Expression;Sub0;Sub1;…`

mod byte_compare;
mod content;
mod expression;
mod macro_reference;
mod regex;
pub(super) mod target;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use candor_database::ir::{Logical, Signature, SubSignature};
use candor_model::{PerceptualHash, Target};

use super::hex;
use super::text::{Fault, Text};
use super::{Line, Parsed};

/// The most sub-signatures that a signature may have.
const MOST_SUBSIGNATURES: usize = 64;

/// Reads one line.
pub(crate) fn parse(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b';');
    let name = fields.field(text, "the name")?;
    let description = fields.field(text, "the target description")?;
    let logic = fields.field(text, "the expression")?;
    let target = match target::parse(description, line.level)? {
        target::Outcome::Description(target) => target,
        target::Outcome::OtherLevel => return Ok(Parsed::OtherLevel),
        target::Outcome::Unused(at, reason) => return Ok(Parsed::Unused { at, reason }),
    };
    let expression = expression::parse(logic)?;
    let texts = fields.remainder().map(split_subsignatures).unwrap_or_default();
    let named = usize::try_from(expression.highest()).unwrap_or(usize::MAX).saturating_add(1);
    if named > MOST_SUBSIGNATURES || texts.len() > MOST_SUBSIGNATURES {
        return Err(logic.fault(format!("more than {MOST_SUBSIGNATURES} sub-signatures")));
    }
    if named != texts.len() {
        return Err(logic
            .fault(format!("the expression is over {named} sub-signatures, but there are {}", texts.len())));
    }
    let mut subsignatures = Vec::with_capacity(texts.len());
    for text in texts {
        match parse_subsignature(text, target.target, &subsignatures)? {
            Read::SubSignature(subsignature) => subsignatures.push(subsignature),
            Read::Unused { at, reason } => return Ok(Parsed::Unused { at, reason }),
        }
    }
    Ok(Parsed::Signature {
        name,
        signature: Signature::Logical(Logical { target, expression, subsignatures }),
    })
}

/// What became of the text of a sub-signature.
#[derive(Debug)]
enum Read {
    /// It is one.
    SubSignature(SubSignature),
    /// It is well-formed, but can never match; where in the line the reason stands, and the reason.
    Unused { at: usize, reason: Cow<'static, str> },
}

impl Read {
    fn unused(text: Text<'_>, reason: &'static str) -> Self {
        Self::Unused { at: text.at(), reason: Cow::Borrowed(reason) }
    }
}

/// Splits at `;`, but not inside of a regular expression.
fn split_subsignatures(text: Text<'_>) -> Vec<Text<'_>> {
    let mut texts = Vec::new();
    let (mut start, mut in_regex, mut escaped) = (0_usize, false, false);
    for (index, byte) in text.bytes().iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_regex => escaped = true,
            b'/' => in_regex = !in_regex,
            b';' if !in_regex => {
                texts.push(text.slice(start, index));
                start = index.saturating_add(1);
                if texts.len() > MOST_SUBSIGNATURES {
                    break;
                }
            }
            _ => {}
        }
    }
    texts.push(text.from(start));
    texts
}

/// Reads one sub-signature, of whichever kind its text looks like.
fn parse_subsignature(text: Text<'_>, target: Target, earlier: &[SubSignature]) -> Result<Read, Fault> {
    if let Some(hash) = text.strip_prefix(b"fuzzy_img#") {
        return parse_fuzzy_image(hash).map(Read::SubSignature);
    }
    if text.bytes().starts_with(b"$") {
        return macro_reference::parse(text, earlier);
    }
    if text.find(b'/').is_some() {
        return regex::parse(text, target, earlier.len())
            .map(|regex| Read::SubSignature(SubSignature::Regex(regex)));
    }
    if text.find(b'#').is_some() {
        return byte_compare::parse(text);
    }
    content::parse(text, target).map(Read::SubSignature)
}

/// `fuzzy_img#<16 digits>[#0]`
fn parse_fuzzy_image(text: Text<'_>) -> Result<SubSignature, Fault> {
    let (hash, distance) = match text.split_once(b'#') {
        Some((hash, distance)) => (hash, Some(distance)),
        None => (text, None),
    };
    let mut bytes = [0_u8; 8];
    hex::decode_into(hash.bytes(), &mut bytes)
        .ok_or_else(|| hash.fault("an image hash has 16 hexadecimal digits"))?;
    if let Some(distance) = distance {
        let number = distance.split_once(b'#').map_or(distance, |(number, _)| number);
        if number.number("the distance")? != 0 {
            return Err(number.fault("images can only be compared for equal hashes"));
        }
    }
    Ok(SubSignature::FuzzyImage(PerceptualHash(bytes)))
}
