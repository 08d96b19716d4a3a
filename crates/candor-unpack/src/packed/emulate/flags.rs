//! The flags of the processor, and the arithmetic that sets them.

/// The flags that programs can see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) carry: bool,
    pub(super) parity: bool,
    pub(super) adjust: bool,
    pub(super) zero: bool,
    pub(super) sign: bool,
    pub(super) trap: bool,
    pub(super) direction: bool,
    pub(super) overflow: bool,
}

/// All bits of a number of `width` bits.
pub(super) const fn mask(width: u32) -> u32 {
    match width {
        8 => 0xff,
        16 => 0xffff,
        _ => u32::MAX,
    }
}

/// The highest bit of a number of `width` bits.
pub(super) const fn top(width: u32) -> u32 {
    match width {
        8 => 0x80,
        16 => 0x8000,
        _ => 0x8000_0000,
    }
}

/// The lower half.
pub(super) fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap_or(0)
}

/// A number of `width` bits with its sign kept.
pub(super) const fn extended(value: u32, width: u32) -> u32 {
    let value = value & mask(width);
    if value & top(width) == 0 { value } else { value | !mask(width) }
}

impl Flags {
    /// As they stand in memory.
    pub(super) fn bits(self) -> u32 {
        let bit = |flag: bool, place: u32| u32::from(flag).wrapping_shl(place);
        0x202
            | bit(self.carry, 0)
            | bit(self.parity, 2)
            | bit(self.adjust, 4)
            | bit(self.zero, 6)
            | bit(self.sign, 7)
            | bit(self.trap, 8)
            | bit(self.direction, 10)
            | bit(self.overflow, 11)
    }

    pub(super) const fn from_bits(bits: u32) -> Self {
        Self {
            carry: bits & 1 != 0,
            parity: bits & 4 != 0,
            adjust: bits & 0x10 != 0,
            zero: bits & 0x40 != 0,
            sign: bits & 0x80 != 0,
            trap: bits & 0x100 != 0,
            direction: bits & 0x400 != 0,
            overflow: bits & 0x800 != 0,
        }
    }

    /// Whether the condition with this number holds.
    pub(super) const fn holds(self, condition: u8) -> bool {
        let holds = match (condition >> 1) & 7 {
            0 => self.overflow,
            1 => self.carry,
            2 => self.zero,
            3 => self.carry || self.zero,
            4 => self.sign,
            5 => self.parity,
            6 => self.sign != self.overflow,
            _ => self.zero || self.sign != self.overflow,
        };
        holds != (condition & 1 == 1)
    }

    /// Zero, sign and parity of a result.
    pub(super) const fn result(&mut self, value: u32, width: u32) -> u32 {
        let value = value & mask(width);
        self.zero = value == 0;
        self.sign = value & top(width) != 0;
        self.parity = (value & 0xff).count_ones() & 1 == 0;
        value
    }

    const fn logic(&mut self, value: u32, width: u32) -> u32 {
        self.carry = false;
        self.overflow = false;
        self.adjust = false;
        self.result(value, width)
    }

    fn add(&mut self, a: u32, b: u32, carry: bool, width: u32) -> u32 {
        let (a, b) = (a & mask(width), b & mask(width));
        let sum = u64::from(a).wrapping_add(u64::from(b)).wrapping_add(u64::from(carry));
        let value = low(sum) & mask(width);
        self.carry = sum > u64::from(mask(width));
        self.overflow = (a ^ value) & (b ^ value) & top(width) != 0;
        self.adjust = (a ^ b ^ value) & 0x10 != 0;
        self.result(value, width)
    }

    fn subtract(&mut self, a: u32, b: u32, borrow: bool, width: u32) -> u32 {
        let (a, b) = (a & mask(width), b & mask(width));
        let value = a.wrapping_sub(b).wrapping_sub(u32::from(borrow)) & mask(width);
        self.carry = u64::from(a) < u64::from(b).wrapping_add(u64::from(borrow));
        self.overflow = (a ^ b) & (a ^ value) & top(width) != 0;
        self.adjust = (a ^ b ^ value) & 0x10 != 0;
        self.result(value, width)
    }

    /// The eight operations that the first rows of the opcode map share, by number.
    pub(super) fn operate(&mut self, operation: u8, a: u32, b: u32, width: u32) -> u32 {
        match operation & 7 {
            0 => self.add(a, b, false, width),
            1 => self.logic(a | b, width),
            2 => self.add(a, b, self.carry, width),
            3 => self.subtract(a, b, self.carry, width),
            4 => self.logic(a & b, width),
            6 => self.logic(a ^ b, width),
            _ => self.subtract(a, b, false, width),
        }
    }

    /// One more or less; the carry stays.
    pub(super) fn step(&mut self, value: u32, down: bool, width: u32) -> u32 {
        let carry = self.carry;
        let value = self.operate(if down { 5 } else { 0 }, value, 1, width);
        self.carry = carry;
        value
    }

    /// The eight shifts and rotations, by number.
    pub(super) fn shift(&mut self, operation: u8, value: u32, count: u32, width: u32) -> u32 {
        let count = count & 31;
        if count == 0 {
            return value;
        }
        let mut value = value & mask(width);
        for _ in 0..count {
            let high = value & top(width) != 0;
            let lowest = value & 1 != 0;
            let up = value.wrapping_shl(1) & mask(width);
            let down = value >> 1;
            let carry = self.carry;
            let with = |bits: u32, flag: bool, bit: u32| if flag { bits | bit } else { bits };
            (value, self.carry) = match operation & 7 {
                0 => (with(up, high, 1), high),
                1 => (with(down, lowest, top(width)), lowest),
                2 => (with(up, carry, 1), high),
                3 => (with(down, carry, top(width)), lowest),
                5 => (down, lowest),
                7 => (with(down, high, top(width)), lowest),
                _ => (up, high),
            };
        }
        let high = value & top(width) != 0;
        let next = value & (top(width) >> 1) != 0;
        self.overflow = match operation & 7 {
            0 | 2 | 4 | 6 => high != self.carry,
            7 => false,
            _ => high != next,
        };
        if operation & 4 != 0 { self.result(value, width) } else { value }
    }

    /// Shifts `value` and fills with bits of `fill`.
    pub(super) fn double_shift(&mut self, left: bool, value: u32, fill: u32, count: u32, width: u32) -> u32 {
        let count = count & 31;
        if count == 0 || count > width {
            return value;
        }
        let (value, fill) = (u64::from(value & mask(width)), u64::from(fill & mask(width)));
        let rest = width.wrapping_sub(count);
        let (shifted, carry) = if left {
            let wide = value.wrapping_shl(width) | fill;
            (low(wide.wrapping_shl(count) >> width), value.wrapping_shr(rest) & 1)
        } else {
            let wide = fill.wrapping_shl(width) | value;
            (low(wide.wrapping_shr(count)), value.wrapping_shr(count.wrapping_sub(1)) & 1)
        };
        self.carry = carry != 0;
        let result = self.result(shifted, width);
        self.overflow = (u64::from(result) ^ value) & u64::from(top(width)) != 0;
        result
    }
}
