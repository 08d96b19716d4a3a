//! Decisions of LZMS: a range coder over words from the start, and the chances that it takes them by.

/// A decision is as likely as it was among this many before.
const HISTORY: u32 = 64;
/// Words behind the end that a decoder may look at: it is ahead of what it says.
const AHEAD: u32 = 2;

/// A range coder.
pub(super) struct Decisions<'a> {
    words: &'a [[u8; 2]],
    range: u32,
    code: u32,
    /// Words that were asked for and are not there.
    missing: u32,
}

impl<'a> Decisions<'a> {
    pub(super) fn new(words: &'a [[u8; 2]]) -> Self {
        let mut decisions = Self { words, range: u32::MAX, code: 0, missing: 0 };
        decisions.fill();
        decisions.fill();
        decisions
    }

    fn fill(&mut self) {
        let word = match self.words.split_first() {
            Some((word, rest)) => {
                self.words = rest;
                u16::from_le_bytes(*word)
            }
            None => {
                self.missing = self.missing.saturating_add(1);
                0
            }
        };
        self.code = self.code << 16 | u32::from(word);
    }

    /// Whether not more was read than there is.
    pub(super) const fn are_plausible(&self) -> bool {
        self.missing <= AHEAD
    }

    /// The next decision, of which `zeros` in 64 were no.
    fn next(&mut self, zeros: u32) -> bool {
        if self.range <= 0xffff {
            self.range <<= 16;
            self.fill();
        }
        let bound = (self.range / HISTORY).wrapping_mul(zeros);
        if let Some(code) = self.code.checked_sub(bound) {
            self.code = code;
            self.range = self.range.saturating_sub(bound);
            return true;
        }
        self.range = bound;
        false
    }
}

/// One kind of decision: the chances by what the last ones of the kind were.
pub(super) struct Chances<const STATES: usize> {
    /// The last decisions, latest lowest; never beyond the states.
    state: usize,
    /// The last 64 decisions in each state.
    histories: [u64; STATES],
}

impl<const STATES: usize> Chances<STATES> {
    pub(super) const fn new() -> Self {
        // One in four was a yes.
        Self { state: 0, histories: [0x5555_5555; STATES] }
    }

    /// The next decision of this kind.
    pub(super) fn next(&mut self, decisions: &mut Decisions<'_>) -> bool {
        let Some(history) = self.histories.get_mut(self.state) else { return false };
        // Nothing is certain.
        let zeros = history.count_zeros().clamp(1, HISTORY - 1);
        let is_yes = decisions.next(zeros);
        *history = *history << 1 | u64::from(is_yes);
        self.state = (self.state << 1 | usize::from(is_yes)) & (STATES.saturating_sub(1));
        is_yes
    }
}
