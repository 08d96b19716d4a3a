//! The key streams of both versions, and the constants that seed them.

/// What one version of the format uses.
#[derive(Debug)]
pub(super) struct Keys {
    /// Names are UTF-16, and the generator is the second one.
    pub(super) is_wide: bool,
    /// Of the mark in front of a file.
    pub(super) mark: u32,
    /// Of the length of a name, and of the name.
    pub(super) name: (u32, u32),
    /// Of the length of a path, and of the path.
    pub(super) path: (u32, u32),
    /// What sizes and the checksum are combined with.
    pub(super) size: u32,
    pub(super) checksum: u32,
    /// Of the bytes.
    pub(super) content: u32,
    /// The bit in front of a literal.
    pub(super) literal: u32,
}

impl Keys {
    /// The keys of a version, by its last digit; `hash` stands behind the header.
    pub(super) fn of(version: u8, hash: &[u8]) -> Option<Self> {
        match version {
            b'5' => {
                let sum = hash.iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
                Some(Self {
                    is_wide: false,
                    mark: 0x16fa,
                    name: (0x29bc, 0xa25e),
                    path: (0x29ac, 0xf25e),
                    size: 0x45aa,
                    checksum: 0xc3d2,
                    content: sum.wrapping_add(0x22af),
                    literal: 0,
                })
            }
            b'6' => Some(Self {
                is_wide: true,
                mark: 0x18ee,
                name: (0xadbc, 0xb33f),
                path: (0xf820, 0xf479),
                size: 0x87bc,
                checksum: 0xa685,
                content: 0x2477,
                literal: 1,
            }),
            _ => None,
        }
    }

    /// `bytes` under the key stream of `seed`: the same again undoes it.
    pub(super) fn decrypt(&self, bytes: &[u8], seed: u32) -> Vec<u8> {
        if self.is_wide {
            let mut stream = Fibonacci::new(seed);
            bytes.iter().map(|byte| byte ^ stream.byte()).collect()
        } else {
            let mut stream = Twister::new(seed);
            bytes.iter().map(|byte| byte ^ stream.byte()).collect()
        }
    }
}

/// MT19937, Matsumoto and Nishimura.
struct Twister {
    state: Vec<u32>,
    at: usize,
}

const WORDS: usize = 624;

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = Vec::with_capacity(WORDS);
        let mut last = seed;
        state.push(last);
        for index in 1..624_u32 {
            last = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(index);
            state.push(last);
        }
        Self { state, at: WORDS }
    }

    fn byte(&mut self) -> u8 {
        if self.at >= WORDS {
            self.turn();
        }
        let mut word = self.state.get(self.at).copied().unwrap_or(0);
        self.at = self.at.saturating_add(1);
        word ^= word >> 11;
        word ^= word.wrapping_shl(7) & 0x9d2c_5680;
        word ^= word.wrapping_shl(15) & 0xefc6_0000;
        word ^= word >> 18;
        u8::try_from((word >> 1) & 0xff).unwrap_or(0)
    }

    fn turn(&mut self) {
        let word = |state: &[u32], index: usize| state.get(index % WORDS).copied().unwrap_or(0);
        for index in 0..WORDS {
            let next = word(&self.state, index.saturating_add(1));
            let mixed = (word(&self.state, index) & 0x8000_0000) | (next & 0x7fff_ffff);
            let twisted = (mixed >> 1) ^ if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            let value = word(&self.state, index.saturating_add(397)) ^ twisted;
            if let Some(place) = self.state.get_mut(index) {
                *place = value;
            }
        }
        self.at = 0;
    }
}

/// A lagged Fibonacci generator of seventeen words.
struct Fibonacci {
    state: [u32; 17],
    first: usize,
    second: usize,
}

impl Fibonacci {
    fn new(seed: u32) -> Self {
        let mut seed = seed;
        let state = [(); 17].map(|()| {
            seed = 1_u32.wrapping_sub(seed.wrapping_mul(0x53a9_b4fb));
            seed
        });
        let mut stream = Self { state, first: 0, second: 10 };
        for _ in 0..9 {
            stream.next();
        }
        stream
    }

    fn next(&mut self) -> u32 {
        let word = |index: usize| self.state.get(index).copied().unwrap_or(0);
        let value = word(self.first).rotate_left(9).wrapping_add(word(self.second).rotate_left(13));
        if let Some(place) = self.state.get_mut(self.first) {
            *place = value;
        }
        let before = |index: usize| index.checked_sub(1).unwrap_or(16);
        self.first = before(self.first);
        self.second = before(self.second);
        value
    }

    /// Every second word counts, and of it the highest byte.
    fn byte(&mut self) -> u8 {
        self.next();
        u8::try_from(self.next() >> 24).unwrap_or(0)
    }
}
