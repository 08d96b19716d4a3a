//! Random patterns, and bytes that match them or nearly do.

use std::fmt::Write as _;

use crate::random::Random;

/// A pattern as a list of items; gaps separate parts.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    items: Vec<Item>,
    /// `i`, `w`, `a`, `f` behind `::`, empty for none.
    pub(super) modifiers: String,
}

#[derive(Clone, Debug)]
enum Item {
    Any,
    /// `B`, `L` or `W`, and whether it is negated.
    Boundary(char, bool),
    Bytes(Vec<u8>),
    Choice {
        branches: Vec<Vec<u8>>,
        negated: bool,
    },
    /// Written with brackets, else with braces; no upper end for none.
    Gap {
        min: usize,
        max: Option<usize>,
        brackets: bool,
    },
    Nibble {
        value: u8,
        high: bool,
    },
}

/// What is done to bytes so that they just fail to match, or match in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twist {
    None,
    /// One byte is another.
    Byte,
    /// Letters change their case.
    Case,
    /// A gap is one byte too short or too long.
    Gap,
    /// The last byte is missing.
    Short,
}

impl Twist {
    pub(super) fn random(random: &mut Random) -> Self {
        *random.pick(&[
            Self::None,
            Self::None,
            Self::None,
            Self::Byte,
            Self::Case,
            Self::Gap,
            Self::Gap,
            Self::Short,
        ])
    }
}

impl Pattern {
    pub(super) fn random(random: &mut Random, modifiers: &str) -> Self {
        let alphabet = *random.pick(&[Alphabet::Text, Alphabet::Text, Alphabet::Binary, Alphabet::Few]);
        let parts = *random.pick(&[1, 1, 1, 1, 2, 2, 3]);
        let plain = !modifiers.is_empty();
        let mut items = Vec::new();
        for part in 0..parts {
            if part > 0 {
                items.push(gap(random));
            }
            let boundary = !plain && !modifiers.contains('f') && random.chance(12);
            if boundary && random.chance(60) {
                items.push(Item::Boundary(*random.pick(&['B', 'L', 'W']), random.chance(25)));
            }
            part_items(random, alphabet, plain, &mut items);
            if boundary && random.chance(60) {
                items.push(Item::Boundary(*random.pick(&['B', 'L', 'W']), random.chance(25)));
            }
        }
        // In a wide pattern, brackets are braces.
        if modifiers.contains('w') && !modifiers.contains('a') {
            for item in &mut items {
                if let Item::Gap { max: Some(_), brackets, .. } = item {
                    *brackets = random.chance(30);
                }
            }
        }
        if parts == 1
            && matches!(modifiers, "" | "i")
            && random.chance(5)
            && !matches!(items.first(), Some(Item::Boundary(..)))
        {
            let min = random.range(0, 4);
            let gap = Item::Gap { min, max: Some(min + random.range(0, 5)), brackets: true };
            let byte = Item::Bytes(vec![alphabet.byte(random)]);
            if random.chance(50) {
                items.splice(0..0, [byte, gap]);
            } else if matches!(items.last(), Some(Item::Bytes(_))) {
                items.extend([gap, byte]);
            }
        }
        Self { items, modifiers: modifiers.to_owned() }
    }

    /// Only fixed bytes.
    pub(super) fn literal(random: &mut Random) -> Self {
        let length = random.range(3, 8);
        let bytes = (0..length).map(|_| Alphabet::Text.byte(random)).collect();
        Self { items: vec![Item::Bytes(bytes)], modifiers: String::new() }
    }

    /// The pattern as signatures write it, modifiers included.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for item in &self.items {
            match item {
                Item::Any => text.push_str("??"),
                Item::Boundary(kind, negated) => {
                    text.push_str(if *negated { "!(" } else { "(" });
                    text.push(*kind);
                    text.push(')');
                }
                Item::Bytes(bytes) => text.push_str(&hex(bytes)),
                Item::Choice { branches, negated } => {
                    let branches: Vec<String> = branches.iter().map(|branch| hex(branch)).collect();
                    text.push_str(if *negated { "!(" } else { "(" });
                    text.push_str(&branches.join("|"));
                    text.push(')');
                }
                Item::Gap { min, max, brackets: true } => {
                    let _ = write!(text, "[{min}-{}]", max.unwrap_or(32));
                }
                Item::Gap { min: 0, max: None, .. } => text.push('*'),
                Item::Gap { min, max: None, .. } => {
                    let _ = write!(text, "{{{min}-}}");
                }
                Item::Gap { min, max: Some(max), .. } if min == max => {
                    let _ = write!(text, "{{{min}}}");
                }
                Item::Gap { min: 0, max: Some(max), .. } => {
                    let _ = write!(text, "{{-{max}}}");
                }
                Item::Gap { min, max: Some(max), .. } => {
                    let _ = write!(text, "{{{min}-{max}}}");
                }
                Item::Nibble { value, high: true } => {
                    let _ = write!(text, "{:x}?", value >> 4);
                }
                Item::Nibble { value, high: false } => {
                    let _ = write!(text, "?{:x}", value & 15);
                }
            }
        }
        if !self.modifiers.is_empty() {
            text.push_str("::");
            text.push_str(&self.modifiers);
        }
        text
    }

    /// Bytes that match, but for what `twist` does to them.
    pub(super) fn bytes(&self, random: &mut Random, twist: Twist) -> Vec<u8> {
        let wide = self.modifiers.contains('w') && !(self.modifiers.contains('a') && random.chance(50));
        let gaps = self.items.iter().filter(|item| matches!(item, Item::Gap { .. })).count();
        let mut twisted_gap = if twist == Twist::Gap && gaps > 0 { random.range(1, gaps) } else { 0 };
        let mut bytes = Vec::new();
        for item in &self.items {
            let mut one = Vec::new();
            match item {
                Item::Any => one.push(random.byte()),
                Item::Boundary(..) => {}
                Item::Bytes(wanted) => one.extend(wanted),
                Item::Choice { branches, negated: false } => one.extend(random.pick(branches)),
                Item::Choice { branches, negated: true } => {
                    let length = branches.first().map_or(0, Vec::len);
                    let any = if random.chance(80) {
                        (0..length).map(|_| random.byte()).collect()
                    } else {
                        branches[0].clone()
                    };
                    one.extend(any);
                }
                Item::Nibble { value, high: true } => one.push(value & 0xf0 | random.byte() & 0x0f),
                Item::Nibble { value, high: false } => one.push(value & 0x0f | random.byte() & 0xf0),
                Item::Gap { min, max, .. } => {
                    let max = max.unwrap_or(min + 20);
                    twisted_gap = twisted_gap.wrapping_sub(1);
                    let length = if twisted_gap == 0 {
                        if random.chance(50) { max + 1 } else { min.saturating_sub(1) }
                    } else {
                        *random.pick(&[*min, max, random.clone().range(*min, max)])
                    };
                    bytes.extend((0..length).map(|_| *random.pick(b"\0-x \n")));
                    continue;
                }
            }
            for byte in one {
                bytes.push(byte);
                if wide {
                    bytes.push(0);
                }
            }
        }
        match twist {
            Twist::Byte if !bytes.is_empty() => {
                let place = random.range(0, bytes.len() - 1);
                bytes[place] = bytes[place].wrapping_add(*random.pick(&[1, 0x10, 0x20, 0x80]));
            }
            Twist::Case => {
                for byte in &mut bytes {
                    if byte.is_ascii_alphabetic() && random.chance(50) {
                        *byte ^= 0x20;
                    }
                }
            }
            Twist::Short => {
                bytes.pop();
            }
            _ => {}
        }
        bytes
    }
}

#[derive(Clone, Copy)]
enum Alphabet {
    Binary,
    Few,
    Text,
}

impl Alphabet {
    fn byte(self, random: &mut Random) -> u8 {
        match self {
            Self::Binary => random.byte(),
            Self::Few => *random.pick(b"aab"),
            Self::Text => *random.pick(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
        }
    }

    fn run(self, random: &mut Random, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte(random)).collect()
    }
}

fn part_items(random: &mut Random, alphabet: Alphabet, plain: bool, items: &mut Vec<Item>) {
    let length = random.range(3, 7);
    let few = matches!(alphabet, Alphabet::Few);
    // A rare prefix keeps short patterns over few letters apart from one another.
    let mut first = if few { vec![random.byte(), random.byte()] } else { Vec::new() };
    first.extend(alphabet.run(random, length));
    items.push(Item::Bytes(first));
    for _ in 0..*random.pick(&[0, 0, 0, 1, 1, 2]) {
        match random.range(0, 5) {
            0 => items.push(Item::Any),
            1 => items.push(Item::Nibble { value: alphabet.byte(random), high: random.chance(50) }),
            2 => {
                let width = random.range(1, 3);
                let branches = (0..random.range(2, 4)).map(|_| alphabet.run(random, width)).collect();
                items.push(Item::Choice { branches, negated: false });
            }
            3 if !plain => {
                let width = *random.pick(&[1, 1, 2]);
                let branches = (0..random.range(2, 3)).map(|_| alphabet.run(random, width)).collect();
                items.push(Item::Choice { branches, negated: true });
            }
            4 if random.chance(40) => {
                let branches = (1..=random.range(2, 3)).map(|width| alphabet.run(random, width)).collect();
                items.push(Item::Choice { branches, negated: false });
            }
            _ => {
                let count = random.range(1, 4);
                items.push(Item::Gap { min: count, max: Some(count), brackets: false });
            }
        }
        let length = random.range(2, 4);
        items.push(Item::Bytes(alphabet.run(random, length)));
    }
}

fn gap(random: &mut Random) -> Item {
    let min = *random.pick(&[0, 1, 2, 5, 130]);
    let max = match random.range(0, 3) {
        0 => None,
        // Up to 127 bytes it would be so many wildcards, and no gap between parts.
        1 if min > 127 => Some(min),
        _ => Some(min + random.range(1, 6)),
    };
    Item::Gap { min, max, brackets: false }
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
