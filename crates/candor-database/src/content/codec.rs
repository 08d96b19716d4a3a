//! Signatures as bytes: how the image keeps what is only read once a signature is touched.
//!
//! A plain tag-and-varint encoding of [`crate::ir`]. Decoding allocates what it returns, a few
//! hundred bytes; that is cheaper than keeping every signature in a form that can be walked in place,
//! because only touched signatures are ever decoded. Every read is checked, nesting and counts are
//! bounded, so that damaged bytes decode to `None` and never to a panic or a large allocation.

use candor_model::{FileType, PerceptualHash, Target};

use crate::content::anchor::Group;
use crate::ir::{
    Alternatives, Body, Boundary, BoundaryKind, ByteCompare, Comparison, Element, Expression, Gap, Levels,
    Logical, Number, NumberForm, Offset, OffsetBase, Part, Pattern, Range, Regex, RegexFlags, SubSignature,
    TargetDescription,
};

/// Nesting of alternatives and of expressions that decoding follows.
const MAX_DEPTH: u32 = 128;

/// Writes values one after another.
#[derive(Debug, Default)]
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(in crate::content) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn number(&mut self, mut value: u64) {
        loop {
            let low = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                self.0.push(low);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    pub(in crate::content) fn signed(&mut self, value: i64) {
        // Zigzag: small magnitudes of either sign stay short.
        self.number(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    pub(in crate::content) fn count(&mut self, value: usize) {
        self.number(value as u64);
    }

    fn optional(&mut self, value: Option<u64>) {
        match value {
            None => self.byte(0),
            Some(value) => {
                self.byte(1);
                self.number(value);
            }
        }
    }

    pub(in crate::content) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.0.extend_from_slice(value);
    }

    pub(crate) fn body(&mut self, body: &Body) {
        self.byte(body.target.number());
        self.optional(body.macro_group.map(u64::from));
        self.byte(u8::from(body.raw));
        self.pattern(&body.pattern);
    }

    pub(crate) fn pattern(&mut self, pattern: &Pattern) {
        self.offset(pattern.offset);
        self.byte(u8::from(pattern.ignore_case));
        self.count(pattern.parts.len());
        for part in &pattern.parts {
            self.number(part.gap.min);
            self.optional(part.gap.max);
            self.optional(part.macro_group.map(u64::from));
            self.elements(&part.elements);
        }
    }

    pub(crate) fn offset(&mut self, offset: Offset) {
        match offset.base {
            OffsetBase::Any => self.byte(0),
            OffsetBase::Start(distance) => {
                self.byte(1);
                self.number(distance);
            }
            OffsetBase::End(distance) => {
                self.byte(2);
                self.number(distance);
            }
            OffsetBase::EntryPoint(distance) => {
                self.byte(3);
                self.signed(distance);
            }
            OffsetBase::Section { index, distance } => {
                self.byte(4);
                self.number(u64::from(index));
                self.number(distance);
            }
            OffsetBase::LastSection(distance) => {
                self.byte(5);
                self.number(distance);
            }
            OffsetBase::WithinSection(index) => {
                self.byte(6);
                self.number(u64::from(index));
            }
            OffsetBase::VersionInfo => self.byte(7),
        }
        self.number(offset.shift);
    }

    fn elements(&mut self, elements: &[Element]) {
        self.count(elements.len());
        for element in elements {
            match element {
                Element::Bytes(bytes) => {
                    self.byte(0);
                    self.bytes(bytes);
                }
                Element::Masked { value, mask } => {
                    self.byte(1);
                    self.byte(*value);
                    self.byte(*mask);
                }
                Element::Alternatives(Alternatives { negated, branches }) => {
                    self.byte(if *negated { 3 } else { 2 });
                    self.count(branches.len());
                    for branch in branches {
                        self.elements(branch);
                    }
                }
                Element::Boundary(Boundary { kind, negated }) => {
                    self.byte(4);
                    let kind = match kind {
                        BoundaryKind::Delimiter => 0,
                        BoundaryKind::Line => 1,
                        BoundaryKind::Word => 2,
                        BoundaryKind::WideWord => 3,
                    };
                    self.byte(kind << 1 | u8::from(*negated));
                }
            }
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Sub(sub) => {
                self.byte(0);
                self.number(u64::from(*sub));
            }
            Expression::And(left, right) => {
                self.byte(1);
                self.expression(left);
                self.expression(right);
            }
            Expression::Or(left, right) => {
                self.byte(2);
                self.expression(left);
                self.expression(right);
            }
            Expression::Count { of, comparison, hits, distinct } => {
                self.byte(3);
                self.comparison(*comparison);
                self.number(u64::from(*hits));
                self.number(u64::from(*distinct));
                self.expression(of);
            }
        }
    }

    fn comparison(&mut self, comparison: Comparison) {
        self.byte(match comparison {
            Comparison::Equal => 0,
            Comparison::Greater => 1,
            Comparison::Less => 2,
        });
    }

    fn range(&mut self, range: Option<Range>) {
        match range {
            None => self.byte(0),
            Some(Range { min, max }) => {
                self.byte(1);
                self.number(min);
                self.number(max);
            }
        }
    }

    pub(crate) fn target(&mut self, target: &TargetDescription) {
        self.byte(target.target.number());
        self.range(target.file_size);
        self.range(target.entry_point);
        self.range(target.sections);
        for group in [&target.icon_group1, &target.icon_group2] {
            match group {
                None => self.byte(0),
                Some(name) => {
                    self.byte(1);
                    self.bytes(name.as_bytes());
                }
            }
        }
        self.optional(target.container.map(|kind| u64::from(kind.number())));
        self.count(target.intermediates.len());
        for kind in &target.intermediates {
            self.byte(kind.number());
        }
        self.optional(target.handler.map(|kind| u64::from(kind.number())));
    }

    pub(crate) fn logical(&mut self, logical: &Logical) {
        self.target(&logical.target);
        self.expression(&logical.expression);
        self.count(logical.subsignatures.len());
        for sub in &logical.subsignatures {
            self.subsignature(sub);
        }
    }

    fn subsignature(&mut self, sub: &SubSignature) {
        match sub {
            SubSignature::Content { patterns, macro_group } => {
                self.byte(0);
                self.optional(macro_group.map(u64::from));
                self.count(patterns.len());
                for pattern in patterns {
                    self.pattern(pattern);
                }
            }
            SubSignature::Regex(regex) => {
                self.byte(1);
                self.offset(regex.offset);
                self.expression(&regex.trigger);
                self.bytes(regex.pattern.as_bytes());
                self.number(flags_to_bits(regex.flags));
            }
            SubSignature::ByteCompare(compare) => {
                self.byte(2);
                self.number(u64::from(compare.sub));
                self.signed(compare.distance);
                self.byte(match compare.form {
                    NumberForm::Auto => 0,
                    NumberForm::Decimal => 1,
                    NumberForm::Hexadecimal => 2,
                    NumberForm::Raw => 3,
                });
                self.byte(u8::from(compare.big_endian) | u8::from(compare.exact) << 1);
                self.number(u64::from(compare.length));
                self.count(compare.comparisons.len());
                for number in &compare.comparisons {
                    self.comparison(number.comparison);
                    self.signed(number.value);
                }
            }
            SubSignature::FuzzyImage(PerceptualHash(hash)) => {
                self.byte(3);
                self.bytes(hash);
            }
        }
    }
}

pub(crate) const fn flags_to_bits(flags: RegexFlags) -> u64 {
    flags.global as u64
        | (flags.rolling as u64) << 1
        | (flags.encompass as u64) << 2
        | (flags.caseless as u64) << 3
        | (flags.dot_all as u64) << 4
        | (flags.multi_line as u64) << 5
        | (flags.extended as u64) << 6
        | (flags.anchored as u64) << 7
        | (flags.dollar_end_only as u64) << 8
        | (flags.ungreedy as u64) << 9
}

const fn flags_from_bits(bits: u64) -> RegexFlags {
    const fn bit(bits: u64, index: u32) -> bool {
        bits & (1 << index) != 0
    }
    RegexFlags {
        global: bit(bits, 0),
        rolling: bit(bits, 1),
        encompass: bit(bits, 2),
        caseless: bit(bits, 3),
        dot_all: bit(bits, 4),
        multi_line: bit(bits, 5),
        extended: bit(bits, 6),
        anchored: bit(bits, 7),
        dollar_end_only: bit(bits, 8),
        ungreedy: bit(bits, 9),
    }
}

/// Reads values one after another.
#[derive(Debug)]
pub(crate) struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    /// A reader of `bytes`.
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(in crate::content) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(in crate::content) fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg())
    }

    pub(in crate::content) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// A count of things that take at least a byte each.
    pub(in crate::content) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    pub(in crate::content) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    #[expect(clippy::option_option, reason = "the outer layer is whether the bytes are sound")]
    fn optional(&mut self) -> Option<Option<u64>> {
        if self.flag()? { Some(Some(self.number()?)) } else { Some(None) }
    }

    #[expect(clippy::option_option, reason = "the outer layer is whether the bytes are sound")]
    fn optional_byte(&mut self) -> Option<Option<u8>> {
        match self.optional()? {
            None => Some(None),
            Some(value) => Some(Some(u8::try_from(value).ok()?)),
        }
    }

    pub(in crate::content) fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.count()?;
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(in crate::content) fn string(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    fn file_type(&mut self) -> Option<FileType> {
        FileType::from_number(self.byte()?)
    }

    /// The parts around an anchor: their distances, then the pattern.
    pub(crate) fn group(&mut self) -> Option<Group> {
        let least = usize::try_from(self.number()?).ok()?;
        let most = usize::try_from(self.number()?).ok()?;
        let part = usize::try_from(self.number()?).ok()?;
        let before = usize::try_from(self.number()?).ok()?;
        Some(Group { pattern: self.pattern()?, least, most, part, before })
    }

    pub(crate) fn body(&mut self) -> Option<Body> {
        let target = Target::from_number(u32::from(self.byte()?))?;
        let macro_group = self.optional_byte()?;
        let raw = self.flag()?;
        Some(Body { target, pattern: self.pattern()?, macro_group, raw })
    }

    pub(crate) fn pattern(&mut self) -> Option<Pattern> {
        let offset = self.offset()?;
        let ignore_case = self.flag()?;
        let count = self.count()?;
        let mut parts = Vec::with_capacity(count);
        for _ in 0..count {
            let gap = Gap { min: self.number()?, max: self.optional()? };
            let macro_group = self.optional_byte()?;
            let elements = self.elements(0)?;
            parts.push(Part { gap, elements, macro_group });
        }
        Some(Pattern { offset, ignore_case, parts })
    }

    pub(crate) fn offset(&mut self) -> Option<Offset> {
        let base = match self.byte()? {
            0 => OffsetBase::Any,
            1 => OffsetBase::Start(self.number()?),
            2 => OffsetBase::End(self.number()?),
            3 => OffsetBase::EntryPoint(self.signed()?),
            4 => OffsetBase::Section { index: self.small()?, distance: self.number()? },
            5 => OffsetBase::LastSection(self.number()?),
            6 => OffsetBase::WithinSection(self.small()?),
            7 => OffsetBase::VersionInfo,
            _ => return None,
        };
        Some(Offset { base, shift: self.number()? })
    }

    fn elements(&mut self, depth: u32) -> Option<Vec<Element>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let count = self.count()?;
        let mut elements = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            elements.push(match self.byte()? {
                0 => Element::Bytes(self.bytes()?.to_vec()),
                1 => Element::Masked { value: self.byte()?, mask: self.byte()? },
                tag @ (2 | 3) => {
                    let count = self.count()?;
                    let mut branches = Vec::with_capacity(count.min(64));
                    for _ in 0..count {
                        branches.push(self.elements(depth.saturating_add(1))?);
                    }
                    Element::Alternatives(Alternatives { negated: tag == 3, branches })
                }
                4 => {
                    let bits = self.byte()?;
                    let kind = match bits >> 1 {
                        0 => BoundaryKind::Delimiter,
                        1 => BoundaryKind::Line,
                        2 => BoundaryKind::Word,
                        3 => BoundaryKind::WideWord,
                        _ => return None,
                    };
                    Element::Boundary(Boundary { kind, negated: bits & 1 != 0 })
                }
                _ => return None,
            });
        }
        Some(elements)
    }

    fn expression(&mut self, depth: u32) -> Option<Expression> {
        if depth > MAX_DEPTH {
            return None;
        }
        let deeper = depth.saturating_add(1);
        Some(match self.byte()? {
            0 => Expression::Sub(self.small()?),
            1 => Expression::And(Box::new(self.expression(deeper)?), Box::new(self.expression(deeper)?)),
            2 => Expression::Or(Box::new(self.expression(deeper)?), Box::new(self.expression(deeper)?)),
            3 => {
                let comparison = self.comparison()?;
                let hits = self.small()?;
                let distinct = self.small()?;
                Expression::Count { of: Box::new(self.expression(deeper)?), comparison, hits, distinct }
            }
            _ => return None,
        })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        Some(match self.byte()? {
            0 => Comparison::Equal,
            1 => Comparison::Greater,
            2 => Comparison::Less,
            _ => return None,
        })
    }

    #[expect(clippy::option_option, reason = "the outer layer is whether the bytes are sound")]
    fn range(&mut self) -> Option<Option<Range>> {
        if !self.flag()? {
            return Some(None);
        }
        Some(Some(Range { min: self.number()?, max: self.number()? }))
    }

    #[expect(clippy::option_option, reason = "the outer layer is whether the bytes are sound")]
    fn optional_string(&mut self) -> Option<Option<String>> {
        if self.flag()? { Some(Some(self.string()?)) } else { Some(None) }
    }

    #[expect(clippy::option_option, reason = "the outer layer is whether the bytes are sound")]
    fn optional_file_type(&mut self) -> Option<Option<FileType>> {
        match self.optional_byte()? {
            None => Some(None),
            Some(number) => Some(Some(FileType::from_number(number)?)),
        }
    }

    pub(crate) fn target(&mut self) -> Option<TargetDescription> {
        let target = Target::from_number(u32::from(self.byte()?))?;
        let file_size = self.range()?;
        let entry_point = self.range()?;
        let sections = self.range()?;
        let icon_group1 = self.optional_string()?;
        let icon_group2 = self.optional_string()?;
        let container = self.optional_file_type()?;
        let count = self.count()?;
        let intermediates = (0..count).map(|_| self.file_type()).collect::<Option<Vec<_>>>()?;
        let handler = self.optional_file_type()?;
        Some(TargetDescription {
            target,
            // Levels are decided when signatures are loaded; an image holds only what applies.
            levels: Levels::ANY,
            file_size,
            entry_point,
            sections,
            icon_group1,
            icon_group2,
            container,
            intermediates,
            handler,
        })
    }

    /// The condition and the sub-signatures, behind [`target`](Self::target).
    pub(crate) fn condition(&mut self) -> Option<(Expression, Vec<SubSignature>)> {
        let expression = self.expression(0)?;
        let count = self.count()?;
        let mut subsignatures = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            subsignatures.push(self.subsignature()?);
        }
        Some((expression, subsignatures))
    }

    fn subsignature(&mut self) -> Option<SubSignature> {
        Some(match self.byte()? {
            0 => {
                let macro_group = self.optional_byte()?;
                let count = self.count()?;
                let patterns = (0..count).map(|_| self.pattern()).collect::<Option<Vec<_>>>()?;
                SubSignature::Content { patterns, macro_group }
            }
            1 => SubSignature::Regex(Regex {
                offset: self.offset()?,
                trigger: self.expression(0)?,
                pattern: self.string()?,
                flags: flags_from_bits(self.number()?),
            }),
            2 => {
                let sub = self.small()?;
                let distance = self.signed()?;
                let form = match self.byte()? {
                    0 => NumberForm::Auto,
                    1 => NumberForm::Decimal,
                    2 => NumberForm::Hexadecimal,
                    3 => NumberForm::Raw,
                    _ => return None,
                };
                let bits = self.byte()?;
                let length = self.small()?;
                let count = self.count()?;
                let comparisons = (0..count)
                    .map(|_| Some(Number { comparison: self.comparison()?, value: self.signed()? }))
                    .collect::<Option<Vec<_>>>()?;
                let (big_endian, exact) = (bits & 1 != 0, bits & 2 != 0);
                SubSignature::ByteCompare(ByteCompare {
                    sub,
                    distance,
                    form,
                    big_endian,
                    exact,
                    length,
                    comparisons,
                })
            }
            3 => SubSignature::FuzzyImage(PerceptualHash(self.bytes()?.try_into().ok()?)),
            _ => return None,
        })
    }
}
