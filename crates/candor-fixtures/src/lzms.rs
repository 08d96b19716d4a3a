//! LZMS, as much of it as a decoder must know: literals, copies, copies of differences, those that come from where
//! a recent one came from, and operands of instructions that are made absolute. Written for clarity; slow.

/// Groups of 1, 2, 4, ... distances and lengths.
const DISTANCES: [usize; 21] =
    [9, 0, 9, 7, 10, 15, 15, 20, 20, 30, 33, 40, 42, 45, 60, 73, 80, 85, 95, 105, 6];
const LENGTHS: [usize; 17] = [27, 4, 6, 4, 5, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1];

/// One item of what is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A byte.
    Literal(u8),
    /// So many bytes from so far back.
    Copy(usize, usize),
    /// So many bytes, each as it differs from the one `1 << power` before: power, distance in such steps, length.
    Delta(usize, usize, usize),
}

/// Packs a chunk.
#[must_use]
pub fn lzms(content: &[u8]) -> Vec<u8> {
    let content = absolute(content);
    encode(&items(&content), content.len())
}

/// Splits what the filter made into items, as long ones as are near.
#[must_use]
pub fn items(content: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut seen = std::collections::HashMap::new();
    let mut recent = Vec::new();
    let mut at = 0;
    while at < content.len() {
        let same = |distance: usize| {
            if distance == 0 || distance > at {
                return 0;
            }
            (at..content.len()).take_while(|place| content[*place] == content[place - distance]).count()
        };
        let alike = |power: usize, steps: usize| {
            let (span, distance) = (1 << power, steps << power);
            if span + distance > at {
                return 0;
            }
            let expected = |place: usize| {
                content[place - distance]
                    .wrapping_add(content[place - span])
                    .wrapping_sub(content[place - distance - span])
            };
            (at..content.len()).take_while(|place| content[*place] == expected(*place)).count()
        };
        let key = content.get(at..at + 4);
        let far = key.and_then(|key| seen.get(key)).map_or(0, |place| at - place);
        let copy = recent.iter().copied().chain([1, far]).map(|distance| (same(distance), distance)).max();
        let delta = (0..4).flat_map(|power| (1..=3).map(move |steps| (power, steps)));
        let delta = delta.map(|(power, steps)| (alike(power, steps), power, steps)).max();
        let item = match (copy.unwrap_or_default(), delta.unwrap_or_default()) {
            ((length, _), (changed, power, steps)) if changed > length.max(7) => {
                Item::Delta(power, steps, changed)
            }
            ((length, distance), _) if length > 3 => Item::Copy(distance, length),
            _ => Item::Literal(content[at]),
        };
        let length = match item {
            Item::Literal(_) => 1,
            Item::Copy(distance, length) => {
                recent.insert(0, distance);
                recent.truncate(3);
                length
            }
            Item::Delta(_, _, length) => length,
        };
        for place in at..at + length {
            if let Some(key) = content.get(place..place + 4) {
                seen.insert(key, place);
            }
        }
        items.push(item);
        at += length;
    }
    items
}

/// Packs items, which make a chunk of `length` bytes.
#[must_use]
pub fn encode(items: &[Item], length: usize) -> Vec<u8> {
    let distances = begins(&DISTANCES);
    let reaching = distances.iter().filter(|begin| **begin < length.max(1)).count();
    let mut out = Output::new();
    let [mut literals, mut sources, mut steps_code] =
        [Adaptive::new(256, 1024), Adaptive::new(reaching, 1024), Adaptive::new(reaching, 1024)];
    let [mut lengths, mut powers] = [Adaptive::new(54, 512), Adaptive::new(8, 512)];
    let (mut is_copy, mut is_delta) = (Chances::new(16), Chances::new(32));
    let [mut is_recent, mut is_recent_delta] = [Chances::new(64), Chances::new(64)];
    let mut which: [Chances; 4] = std::array::from_fn(|_| Chances::new(64));
    let (which, which_delta) = which.split_at_mut(2);
    let mut recent = Recent { places: vec![1, 2, 3, 4], pending: None };
    let mut recent_deltas = Recent { places: vec![(0, 1), (0, 2), (0, 3), (0, 4)], pending: None };
    for item in items {
        let (mut copied, mut changed) = (None, None);
        out.decide(&mut is_copy, !matches!(item, Item::Literal(_)));
        match *item {
            Item::Literal(byte) => out.symbol(&mut literals, usize::from(byte)),
            Item::Copy(distance, length) => {
                out.decide(&mut is_delta, false);
                let index = recent.take(distance);
                out.decide(&mut is_recent, index.is_some());
                match index {
                    Some(index) => out.which(which, index),
                    None => out.number(&mut sources, &distances, distance),
                }
                out.number(&mut lengths, &begins(&LENGTHS), length);
                copied = Some(distance);
            }
            Item::Delta(power, steps, length) => {
                out.decide(&mut is_delta, true);
                let index = recent_deltas.take((power, steps));
                out.decide(&mut is_recent_delta, index.is_some());
                match index {
                    Some(index) => out.which(which_delta, index),
                    None => {
                        out.symbol(&mut powers, power);
                        out.number(&mut steps_code, &distances, steps);
                    }
                }
                out.number(&mut lengths, &begins(&LENGTHS), length);
                changed = Some((power, steps));
            }
        }
        recent.end(copied);
        recent_deltas.end(changed);
    }
    out.finish()
}

/// Where copies came from, latest first; that of the last item may not be named yet.
struct Recent<T> {
    places: Vec<T>,
    pending: Option<T>,
}

impl<T: PartialEq> Recent<T> {
    fn take(&mut self, place: T) -> Option<usize> {
        let index = self.places.iter().take(3).position(|known| *known == place)?;
        self.places.remove(index);
        Some(index)
    }

    fn end(&mut self, place: Option<T>) {
        if let Some(before) = std::mem::replace(&mut self.pending, place) {
            self.places.insert(0, before);
            self.places.truncate(4);
        }
    }
}

/// The first number of each group, and the one behind the last group but one.
fn begins(runs: &[usize]) -> Vec<usize> {
    let mut begin = 0;
    let mut begins = Vec::new();
    for (width, count) in runs.iter().enumerate() {
        for _ in 0..*count {
            begin += 1 << width;
            begins.push(begin);
        }
    }
    begins
}

struct Chances {
    state: usize,
    histories: Vec<u64>,
}

impl Chances {
    fn new(states: usize) -> Self {
        Self { state: 0, histories: vec![0x5555_5555; states] }
    }
}

struct Adaptive {
    frequencies: Vec<u32>,
    codes: Vec<(u32, usize)>,
    period: u32,
    left: u32,
}

impl Adaptive {
    fn new(symbols: usize, period: u32) -> Self {
        let frequencies = vec![1; symbols];
        Self { codes: codes(&frequencies), frequencies, period, left: period }
    }
}

/// Codes and their lengths: the two nodes that came least often are joined, again and again; of those that came as
/// often, symbols before what was joined. The longest codes go to the rarest symbols.
fn codes(frequencies: &[u32]) -> Vec<(u32, usize)> {
    let symbols = frequencies.iter().enumerate().map(|(symbol, frequency)| (*frequency, false, symbol));
    let mut rarest: Vec<(u32, bool, usize)> = symbols.collect();
    rarest.sort_unstable();
    let mut nodes: Vec<((u32, bool, usize), Vec<usize>)> =
        rarest.iter().map(|node| (*node, vec![0])).collect();
    let mut number = 0;
    while nodes.len() > 1 {
        nodes.sort_by_key(|(node, _)| *node);
        let depths = nodes[0].1.iter().chain(&nodes[1].1).map(|depth| depth + 1).collect();
        let sum = nodes[0].0.0 + nodes[1].0.0;
        nodes.drain(..2);
        nodes.push(((sum, true, number), depths));
        number += 1;
    }
    let mut depths = nodes.pop().map(|(_, depths)| depths).unwrap_or_default();
    depths.sort_unstable_by(|one, other| other.cmp(one));
    assert!(depths.first().is_none_or(|depth| *depth <= 15), "a code that is too long");
    let mut codes = vec![(0, 0); frequencies.len()];
    for (node, depth) in rarest.iter().zip(depths) {
        // A single symbol still takes a bit.
        codes[node.2].1 = depth.max(1);
    }
    let mut code = 0;
    for length in 1..=15 {
        for place in codes.iter_mut().filter(|(_, known)| *known == length) {
            place.0 = code;
            code += 1;
        }
        code <<= 1;
    }
    codes
}

/// Decisions forwards, bits backwards.
struct Output {
    words: Vec<u16>,
    low: u64,
    range: u32,
    /// The last word, which a carry may still change, and how many full ones follow it.
    cache: Option<u16>,
    full: usize,
    bits: Vec<bool>,
}

impl Output {
    const fn new() -> Self {
        Self { words: Vec::new(), low: 0, range: u32::MAX, cache: None, full: 0, bits: Vec::new() }
    }

    fn decide(&mut self, chances: &mut Chances, is_yes: bool) {
        let history = &mut chances.histories[chances.state];
        let zeros = history.count_zeros().clamp(1, 63);
        *history = *history << 1 | u64::from(is_yes);
        chances.state = (chances.state << 1 | usize::from(is_yes)) % chances.histories.len();
        if self.range <= 0xffff {
            self.range <<= 16;
            self.shift();
        }
        let bound = (self.range >> 6) * zeros;
        if is_yes {
            self.low += u64::from(bound);
            self.range -= bound;
        } else {
            self.range = bound;
        }
    }

    fn shift(&mut self) {
        let [carry, high, ..] = [self.low >> 32, self.low >> 16 & 0xffff];
        if carry == 0 && high == 0xffff {
            self.full += 1;
        } else {
            let word = |word: u16| if carry == 1 { word.wrapping_add(1) } else { word };
            if let Some(cache) = self.cache {
                self.words.push(word(cache));
            }
            self.words.extend(std::iter::repeat_n(word(0xffff), std::mem::take(&mut self.full)));
            self.cache = u16::try_from(high).ok();
        }
        self.low = (self.low & 0xffff) << 16;
    }

    /// Which of three recent places.
    fn which(&mut self, chances: &mut [Chances], index: usize) {
        for (number, chances) in chances.iter_mut().enumerate().take(index + 1) {
            self.decide(chances, index > number);
        }
    }

    fn symbol(&mut self, code: &mut Adaptive, symbol: usize) {
        let (bits, length) = code.codes[symbol];
        self.raw(bits, length);
        code.frequencies[symbol] += 1;
        code.left -= 1;
        if code.left == 0 {
            code.left = code.period;
            code.codes = codes(&code.frequencies);
            code.frequencies.iter_mut().for_each(|frequency| *frequency = *frequency / 2 + 1);
        }
    }

    fn number(&mut self, code: &mut Adaptive, begins: &[usize], value: usize) {
        let slot = begins.iter().filter(|begin| **begin <= value).count() - 1;
        self.symbol(code, slot);
        let width = begins.get(slot + 1).map_or(30, |next| (next - begins[slot]).ilog2());
        self.raw(u32::try_from(value - begins[slot]).unwrap_or(0), width as usize);
    }

    fn raw(&mut self, value: u32, width: usize) {
        self.bits.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn finish(mut self) -> Vec<u8> {
        for _ in 0..3 {
            self.shift();
        }
        let words = self.bits.chunks(16).map(|word| {
            (0..16).fold(0_u16, |value, bit| value << 1 | u16::from(word.get(bit) == Some(&true)))
        });
        let words: Vec<u16> = words.collect();
        self.words.iter().chain(words.iter().rev()).flat_map(|word| word.to_le_bytes()).collect()
    }
}

/// Makes operands absolute where it looks as if there were instructions.
fn absolute(content: &[u8]) -> Vec<u8> {
    let mut out = content.to_vec();
    let mut named = std::collections::HashMap::new();
    let mut code = None;
    let mut at = 1;
    while at + 16 < content.len() {
        let opcode = match content[at..at + 3] {
            [0x48, 0x8b, 0x05 | 0x0d] | [0xf0, 0x83, 0x05] => Some((3, 1023)),
            [0x48 | 0x4c, 0x8d, third] if third & 7 == 5 => Some((3, 1023)),
            [0xe8, ..] => Some((1, 511)),
            [0xff, 0x15, _] => Some((2, 1023)),
            _ => None,
        };
        let Some((width, near)) = opcode else {
            at += if content[at] == 0xe9 { 5 } else { 1 };
            continue;
        };
        let operand = at + width..at + width + 4;
        let relative = u32::from_le_bytes([
            content[operand.start],
            content[operand.start + 1],
            content[operand.start + 2],
            content[operand.start + 3],
        ]);
        let target = relative.wrapping_add(u32::try_from(at).unwrap_or(0));
        if code.is_some_and(|code| at <= code + near) {
            out[operand.clone()].copy_from_slice(&target.to_le_bytes());
        }
        let last = operand.end - 1;
        if named.insert(target & 0xffff, last).is_some_and(|before| last - before <= 65_535) {
            code = Some(last);
        }
        at = operand.end;
    }
    out
}
