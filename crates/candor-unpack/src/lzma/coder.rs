//! The decisions of LZMA: a coder of ranges, the chances that it learns, and the window that copies reach into.
//!
//! The specification stands in the public domain: <https://7-zip.org/a/lzma-specification.7z>.

use std::mem;

/// Decisions of a literal, of a copy of one byte, of a copy from where the last ones came from, and of another copy.
const LITERAL: u64 = 9;
const SHORT: u64 = 4;
const REPEATED: u64 = 12;
const COPY: u64 = 24;

/// Bytes that one symbol may take at most: 9 decisions and 26 bits of a distance, 10 of a length, and what was held back.
pub(super) const LONGEST: usize = 24;

/// A chance of one half, in as many parts as there are.
const HALF: u16 = 1 << 10;
const PARTS: u32 = 11;
const ALL: u16 = 1 << PARTS;
/// How fast chances follow what comes.
const SPEED: u32 = 5;

const STATES: usize = 12;
/// The first state that follows no literal.
const COPIED: u8 = 7;
const SHORTEST: usize = 2;
/// Chances of the literals of one context.
const LITERALS: usize = 0x300;

/// How contexts are made: of how many high bits of the byte before, and how many low bits of the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Properties {
    /// `lc`, at most 8.
    pub(crate) before: u8,
    /// `lp`, at most 4.
    pub(crate) literal: u8,
    /// `pb`, at most 4.
    pub(crate) place: u8,
}

impl Properties {
    /// What a byte says.
    pub(crate) const fn of(byte: u8) -> Option<Self> {
        Self::checked(byte % 9, byte / 9 % 5, byte / 45)
    }

    /// The three numbers, when they are such.
    pub(crate) const fn checked(before: u8, literal: u8, place: u8) -> Option<Self> {
        if before > 8 || literal > 4 || place > 4 {
            return None;
        }
        Some(Self { before, literal, place })
    }

    /// How many contexts there are of literals.
    fn contexts(self) -> usize {
        1 << self.before.saturating_add(self.literal)
    }
}

/// A length in three ranges.
#[derive(Clone, Debug)]
struct Lengths {
    is_longer: u16,
    is_longest: u16,
    low: [[u16; 8]; 16],
    middle: [[u16; 8]; 16],
    high: [u16; 256],
}

impl Lengths {
    const NEW: Self = Self {
        is_longer: HALF,
        is_longest: HALF,
        low: [[HALF; 8]; 16],
        middle: [[HALF; 8]; 16],
        high: [HALF; 256],
    };
}

/// What is learned, beside that of literals.
#[derive(Clone, Debug)]
struct Chances {
    is_copy: [[u16; 16]; STATES],
    is_repeated: [u16; STATES],
    is_not_last: [u16; STATES],
    is_not_second: [u16; STATES],
    is_not_third: [u16; STATES],
    is_long: [[u16; 16]; STATES],
    slots: [[u16; 64]; 4],
    near: [u16; 128],
    lowest: [u16; 16],
    lengths: Lengths,
    repeated: Lengths,
}

impl Chances {
    const NEW: Self = Self {
        is_copy: [[HALF; 16]; STATES],
        is_repeated: [HALF; STATES],
        is_not_last: [HALF; STATES],
        is_not_second: [HALF; STATES],
        is_not_third: [HALF; STATES],
        is_long: [[HALF; 16]; STATES],
        slots: [[HALF; 64]; 4],
        near: [HALF; 128],
        lowest: [HALF; 16],
        lengths: Lengths::NEW,
        repeated: Lengths::NEW,
    };
}

/// A coder of ranges over some bytes, with zeros behind them.
struct Range<'a> {
    input: &'a [u8],
    at: usize,
    range: u32,
    code: u32,
}

impl Range<'_> {
    #[inline(always)]
    fn refill(&mut self) {
        if self.range < 1 << 24 {
            let byte = self.input.get(self.at).copied().unwrap_or(0);
            self.at = self.at.wrapping_add(1);
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(byte);
        }
    }

    /// One decision, which changes its chance.
    #[inline(always)]
    fn decide(&mut self, chance: &mut u16) -> bool {
        self.refill();
        let now = u32::from(*chance);
        let bound = (self.range >> PARTS).wrapping_mul(now);
        let is_set = self.code >= bound;
        if is_set {
            self.range = self.range.wrapping_sub(bound);
            self.code = self.code.wrapping_sub(bound);
            *chance = chance.wrapping_sub(*chance >> SPEED);
        } else {
            self.range = bound;
            *chance = chance.wrapping_add(ALL.wrapping_sub(*chance) >> SPEED);
        }
        is_set
    }

    /// The same for what nobody foresees, without a branch that is taken or not: 0 or 1.
    #[inline(always)]
    fn weigh(&mut self, chance: &mut u16) -> usize {
        /// What a chance goes towards from below, so that it never is certain.
        const MOST: u16 = ALL - (1 << SPEED) + 1;
        self.refill();
        let bound = (self.range >> PARTS).wrapping_mul(u32::from(*chance));
        let (beyond, is_clear) = self.code.overflowing_sub(bound);
        // All bits, or none.
        let clear = u32::from(is_clear).wrapping_neg();
        let rest = self.range.wrapping_sub(bound);
        self.range = rest ^ ((rest ^ bound) & clear);
        self.code = beyond.wrapping_add(bound & clear);
        let towards = MOST & u16::from(is_clear).wrapping_neg();
        let step = chance.wrapping_sub(towards).cast_signed() >> SPEED;
        *chance = chance.wrapping_sub(step.cast_unsigned());
        usize::from(!is_clear)
    }

    /// A number of as many bits as the tree is deep, its highest first. There are a power of two of chances, of which the first
    /// is not used.
    #[inline(always)]
    fn tree<const CHANCES: usize>(&mut self, chances: &mut [u16; CHANCES]) -> usize {
        let mut node = 1;
        while node < CHANCES {
            let Some(chance) = chances.get_mut(node) else { break };
            node = node << 1 | self.weigh(chance);
        }
        node.wrapping_sub(CHANCES)
    }

    /// A number of so many bits, its lowest first.
    #[inline(always)]
    fn reversed(&mut self, chances: &mut [u16], bits: u32) -> u32 {
        let (mut node, mut number) = (1, 0);
        for bit in 0..bits {
            let Some(chance) = chances.get_mut(node) else { break };
            let is_set = self.weigh(chance);
            node = node << 1 | is_set;
            number |= u32::from(is_set != 0) << bit;
        }
        number
    }

    /// A number of so many bits that nothing is known of.
    #[inline(always)]
    fn bits(&mut self, bits: u32) -> u32 {
        let mut number = 0;
        for _ in 0..bits {
            self.refill();
            self.range >>= 1;
            let is_set = self.code >= self.range;
            self.code = self.code.wrapping_sub(if is_set { self.range } else { 0 });
            number = number << 1 | u32::from(is_set);
        }
        number
    }

    #[inline(always)]
    fn length(&mut self, lengths: &mut Lengths, place: usize) -> usize {
        if !self.decide(&mut lengths.is_longer) {
            return lengths.low.get_mut(place).map_or(0, |chances| self.tree(chances));
        }
        if !self.decide(&mut lengths.is_longest) {
            return lengths.middle.get_mut(place).map_or(0, |chances| self.tree(chances)).wrapping_add(8);
        }
        self.tree(&mut lengths.high).wrapping_add(16)
    }
}

/// Why decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// As much came out as was asked for.
    Full,
    /// What is left may be no whole symbol.
    Hungry,
    /// The mark that stands at the end.
    End,
    /// A copy from where nothing is, or bytes that nobody writes.
    Damaged,
    /// A copy from behind the window that is kept, though the stream has a larger one.
    Far,
    /// A symbol took more bytes than there are.
    Short,
}

/// A copy that was begun.
#[derive(Clone, Copy, Debug, Default)]
struct Copied {
    left: usize,
    distance: usize,
}

/// What has come out, as far back as copies may reach. It grows with what comes out.
#[derive(Debug)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// The most bytes that are kept.
    most: usize,
    /// How many the stream may reach into.
    asked: u32,
    at: usize,
    /// How many there are behind `at`, round the end.
    filled: usize,
    /// Where the bytes begin that were not given yet.
    given: usize,
}

/// Bytes of a window at first.
const FIRST: usize = 1 << 14;

/// Bytes that are copied at a time, as many of which may be written behind the last.
const BLOCK: usize = 16;

impl Window {
    /// For a stream that reaches back so far, of which at most `most` bytes are kept.
    pub(super) fn new(asked: u32, most: u32) -> Self {
        let asked = asked.max(4096);
        let most = usize::try_from(asked.min(most)).unwrap_or(usize::MAX);
        Self { bytes: vec![0; most.min(FIRST)], most, asked, at: 0, filled: 0, given: 0 }
    }

    /// Makes room, when all that came out was given: how many bytes there may come in one go.
    fn room(&mut self) -> usize {
        if self.at >= self.bytes.len() {
            // What is written behind the last byte is none of those that copies may reach.
            let most = self.most.saturating_add(BLOCK);
            if self.bytes.len() < most {
                let length = self.bytes.len().saturating_mul(2).min(most);
                self.bytes.resize(length, 0);
            } else {
                (self.at, self.given) = (0, 0);
            }
        }
        self.bytes.len().saturating_sub(self.at)
    }

    /// Nothing before this may be copied.
    pub(super) fn forget(&mut self) {
        self.filled = 0;
    }

    /// Takes what is not given yet, as far as there is room.
    pub(super) fn give(&mut self, buffer: &mut [u8]) -> usize {
        let ready = self.bytes.get(self.given..self.at).unwrap_or_default();
        let length = ready.len().min(buffer.len());
        if let (Some(slot), Some(ready)) = (buffer.get_mut(..length), ready.get(..length)) {
            slot.copy_from_slice(ready);
        }
        self.given = self.given.saturating_add(length);
        length
    }

    /// Takes bytes as they are; how many.
    pub(super) fn store(&mut self, bytes: &[u8]) -> usize {
        let length = self.room().min(bytes.len());
        let end = self.at.saturating_add(length);
        if let (Some(slot), Some(bytes)) = (self.bytes.get_mut(self.at..end), bytes.get(..length)) {
            slot.copy_from_slice(bytes);
        }
        self.at = end;
        self.filled = self.filled.saturating_add(length).min(self.most);
        length
    }

    /// The byte `distance` before the next one, if there is one; 0 if not.
    #[inline(always)]
    fn before(&self, distance: usize) -> u8 {
        if distance > self.filled {
            return 0;
        }
        let place = match self.at.checked_sub(distance) {
            Some(place) => place,
            None => self.at.wrapping_add(self.bytes.len()).wrapping_sub(distance),
        };
        self.bytes.get(place).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn put(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.at) {
            *slot = byte;
        }
        self.at = self.at.wrapping_add(1);
        self.filled = self.filled.wrapping_add(usize::from(self.filled < self.most));
    }

    /// Copies as much as there is room for in front of `end`, from a distance that there is.
    #[inline(always)]
    fn copy(&mut self, copied: &mut Copied, end: usize) {
        let Copied { left, distance } = *copied;
        let length = left.min(end.wrapping_sub(self.at));
        copied.left = left.wrapping_sub(length);
        self.filled = self.filled.saturating_add(length).min(self.most);
        let stop = self.at.wrapping_add(length);
        if distance >= BLOCK && distance <= self.at && stop.wrapping_add(BLOCK) <= self.bytes.len() {
            // Most copies are short; what is written behind the end is written again.
            let (mut from, mut to) = (self.at.wrapping_sub(distance), self.at);
            while to < stop {
                self.bytes.copy_within(from..from.wrapping_add(BLOCK), to);
                (from, to) = (from.wrapping_add(BLOCK), to.wrapping_add(BLOCK));
            }
            self.at = stop;
            return;
        }
        match self.at.checked_sub(distance) {
            Some(from) if distance >= length && stop <= self.bytes.len() => {
                self.bytes.copy_within(from..from.wrapping_add(length), self.at);
            }
            Some(from) => {
                // What is copied may be what the copy itself has written.
                if let Some(part) = self.bytes.get_mut(from..stop) {
                    let mut done = distance;
                    while done < part.len() {
                        let (known, rest) = part.split_at_mut(done);
                        let length = known.len().min(rest.len());
                        if let (Some(slot), Some(known)) = (rest.get_mut(..length), known.get(..length)) {
                            slot.copy_from_slice(known);
                        }
                        done = done.saturating_add(length);
                    }
                }
            }
            None => {
                let from = self.at.wrapping_add(self.bytes.len()).wrapping_sub(distance);
                for step in 0..length {
                    let mut place = from.wrapping_add(step);
                    if place >= self.bytes.len() {
                        place = place.wrapping_sub(self.bytes.len());
                    }
                    let byte = self.bytes.get(place).copied().unwrap_or(0);
                    if let Some(slot) = self.bytes.get_mut(self.at.wrapping_add(step)) {
                        *slot = byte;
                    }
                }
            }
        }
        self.at = stop;
    }
}

/// A decoder that is handed its bytes.
#[derive(Debug)]
pub(super) struct Coder {
    properties: Properties,
    chances: Box<Chances>,
    /// Those of literals, for each context.
    literals: Vec<[u16; LITERALS]>,
    state: u8,
    distances: [u32; 4],
    range: u32,
    code: u32,
    copied: Copied,
    /// How many bytes came out since the window was empty, round the end.
    place: usize,
    /// What was decided since somebody asked.
    decisions: u64,
}

impl Coder {
    /// One that knows nothing.
    pub(super) fn new(properties: Properties) -> Self {
        Self {
            properties,
            chances: Box::new(Chances::NEW),
            literals: vec![[HALF; LITERALS]; properties.contexts()],
            state: 0,
            distances: [0; 4],
            range: u32::MAX,
            code: 0,
            copied: Copied::default(),
            place: 0,
            decisions: 0,
        }
    }

    /// Forgets what was learned, of these contexts from now on.
    pub(super) fn reset(&mut self, properties: Properties) {
        self.properties = properties;
        *self.chances = Chances::NEW;
        self.literals.clear();
        self.literals.resize(properties.contexts(), [HALF; LITERALS]);
        self.state = 0;
        self.distances = [0; 4];
        self.copied = Copied::default();
    }

    /// How contexts are made.
    pub(super) const fn properties(&self) -> Properties {
        self.properties
    }

    /// How many chances there are, all of which were written when it was made.
    pub(super) fn chances(properties: Properties) -> u64 {
        const OTHERS: usize = size_of::<Chances>() / size_of::<u16>();
        let all = properties.contexts().saturating_mul(LITERALS).saturating_add(OTHERS);
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    /// The place of the next byte is the first one.
    pub(super) fn forget_place(&mut self) {
        self.place = 0;
    }

    /// So many bytes came out that were not decoded here.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.place = self.place.wrapping_add(bytes);
    }

    /// Begins with the five bytes that a coder of ranges begins with. `false` when they are no such.
    pub(super) fn begin(&mut self, start: [u8; 5]) -> bool {
        let [first, code @ ..] = start;
        self.range = u32::MAX;
        self.code = u32::from_be_bytes(code);
        self.copied = Copied::default();
        first == 0
    }

    /// How many decisions there were since this was asked last.
    pub(super) fn take_decisions(&mut self) -> u64 {
        mem::take(&mut self.decisions)
    }

    /// Decodes at most `most` bytes into the window, all of which were given before. How many bytes of `input` were taken, how many came out, and why it
    /// stopped; whether `input` is all there is.
    pub(super) fn decode(
        &mut self,
        window: &mut Window,
        input: &[u8],
        is_all: bool,
        most: usize,
    ) -> (usize, usize, Stop) {
        let mut range = Range { input, at: 0, range: self.range, code: self.code };
        let room = window.room();
        let start = window.at;
        let end = start.saturating_add(room.min(most));
        let stop = self.symbols(window, &mut range, is_all, end);
        (self.range, self.code) = (range.range, range.code);
        let written = window.at.wrapping_sub(start);
        (range.at.min(input.len()), written, stop)
    }

    fn symbols(&mut self, window: &mut Window, range: &mut Range<'_>, is_all: bool, end: usize) -> Stop {
        if self.copied.left > 0 {
            let before = window.at;
            window.copy(&mut self.copied, end);
            self.place = self.place.wrapping_add(window.at.wrapping_sub(before));
        }
        let mut decisions = 0_u64;
        let stop = loop {
            if window.at >= end {
                break Stop::Full;
            }
            // A symbol may not be whole.
            if !is_all && range.input.len().wrapping_sub(range.at) < LONGEST {
                break Stop::Hungry;
            }
            match self.symbol(window, range, is_all, end, &mut decisions) {
                Stop::Full => {}
                stop => break stop,
            }
        };
        self.decisions = self.decisions.saturating_add(decisions);
        stop
    }

    #[inline(always)]
    fn symbol(
        &mut self,
        window: &mut Window,
        range: &mut Range<'_>,
        is_all: bool,
        end: usize,
        decisions: &mut u64,
    ) -> Stop {
        let Self { properties, chances, literals, state, distances, copied, place, .. } = self;
        let chances = &mut **chances;
        let low = *place & (1_usize << properties.place).wrapping_sub(1) & 15;
        let at = usize::from(*state).min(STATES - 1);
        let is_short = |range: &Range<'_>| is_all && range.at > range.input.len();
        let [Some(is_copy), Some(is_long)] =
            [&mut chances.is_copy, &mut chances.is_long].map(|chances| chances.get_mut(at)?.get_mut(low))
        else {
            return Stop::Damaged;
        };
        if !range.decide(is_copy) {
            *decisions = decisions.wrapping_add(LITERAL);
            let before = window.before(1);
            let context = (*place & (1_usize << properties.literal).wrapping_sub(1)) << properties.before
                | usize::from(before) >> 8_u8.wrapping_sub(properties.before);
            let Some(chances) = literals.get_mut(context) else { return Stop::Damaged };
            let byte = if *state < COPIED {
                literal(range, chances)
            } else {
                let distance = usize::try_from(distances[0]).unwrap_or(usize::MAX).saturating_add(1);
                matched(range, chances, window.before(distance))
            };
            if is_short(range) {
                return Stop::Short;
            }
            *state = match *state {
                0..4 => 0,
                4..10 => state.wrapping_sub(3),
                _ => state.wrapping_sub(6),
            };
            window.put(byte);
            *place = place.wrapping_add(1);
            return Stop::Full;
        }
        let is_after_literal = *state < COPIED;
        let mut chance =
            |chances: &mut [u16; STATES]| chances.get_mut(at).is_some_and(|chance| range.decide(chance));
        let length = if chance(&mut chances.is_repeated) {
            *decisions = decisions.wrapping_add(SHORT);
            if !chance(&mut chances.is_not_last) {
                if !range.decide(is_long) {
                    *state = if is_after_literal { 9 } else { 11 };
                    1
                } else {
                    0
                }
            } else {
                if !chance(&mut chances.is_not_second) {
                    distances.swap(0, 1);
                } else if !chance(&mut chances.is_not_third) {
                    *distances = [distances[2], distances[0], distances[1], distances[3]];
                } else {
                    *distances = [distances[3], distances[0], distances[1], distances[2]];
                }
                0
            }
        } else {
            *decisions = decisions.wrapping_add(COPY);
            *state = if is_after_literal { 7 } else { 10 };
            let length = range.length(&mut chances.lengths, low).wrapping_add(SHORTEST);
            let slots = chances.slots.get_mut(length.wrapping_sub(SHORTEST).min(3));
            let slot = slots.map_or(0, |slots| range.tree(slots));
            let slot = u32::try_from(slot).unwrap_or(0);
            let distance = match slot {
                0..4 => slot,
                _ => {
                    let bits = (slot >> 1).wrapping_sub(1);
                    let high = (2 | slot & 1) << bits;
                    if slot < 14 {
                        let start = usize::try_from(high.wrapping_sub(slot)).unwrap_or(0);
                        let near = chances.near.get_mut(start..).unwrap_or_default();
                        high | range.reversed(near, bits)
                    } else {
                        let middle = range.bits(bits.wrapping_sub(4)) << 4;
                        high.wrapping_add(middle).wrapping_add(range.reversed(&mut chances.lowest, 4))
                    }
                }
            };
            if distance == u32::MAX {
                range.refill();
                return if is_short(range) { Stop::Short } else { Stop::End };
            }
            *distances = [distance, distances[0], distances[1], distances[2]];
            length
        };
        let length = match length {
            0 => {
                *decisions = decisions.wrapping_add(REPEATED - SHORT);
                *state = if is_after_literal { 8 } else { 11 };
                range.length(&mut chances.repeated, low).wrapping_add(SHORTEST)
            }
            length => length,
        };
        if is_short(range) {
            return Stop::Short;
        }
        let distance = usize::try_from(distances[0]).unwrap_or(usize::MAX).saturating_add(1);
        if distance > window.filled {
            let is_far = window.filled == window.most && distances[0] < window.asked;
            return if is_far { Stop::Far } else { Stop::Damaged };
        }
        *copied = Copied { left: length, distance };
        let before = window.at;
        window.copy(copied, end);
        *place = place.wrapping_add(window.at.wrapping_sub(before));
        Stop::Full
    }
}

/// A byte behind a byte that was no copy.
#[inline(always)]
fn literal(range: &mut Range<'_>, chances: &mut [u16; LITERALS]) -> u8 {
    let mut node = 1_usize;
    for _ in 0..8 {
        let Some(chance) = chances.get_mut(node & 0xff) else { break };
        node = node << 1 | range.weigh(chance);
    }
    u8::try_from(node & 0xff).unwrap_or(0)
}

/// A byte behind a copy, which is often another one than the one that would have been copied.
#[inline(always)]
fn matched(range: &mut Range<'_>, chances: &mut [u16; LITERALS], expected: u8) -> u8 {
    let (mut node, mut offset, mut expected) = (1_usize, 0x100_usize, usize::from(expected));
    for _ in 0..8 {
        expected <<= 1;
        let bit = expected & offset;
        let index = offset.wrapping_add(bit).wrapping_add(node & 0xff);
        let Some(chance) = chances.get_mut(index) else { break };
        let is_set = range.weigh(chance);
        node = node << 1 | is_set;
        // What is expected, or what is not.
        offset &= bit ^ is_set.wrapping_sub(1);
    }
    u8::try_from(node & 0xff).unwrap_or(0)
}
