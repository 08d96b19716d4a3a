//! The instructions of one byte.

use super::decode::{Operands, Place, Prefixes};
use super::flags::{Flags, extended, low, mask, top};
use super::windows::BLOCK;
use super::{ACCUMULATOR, COUNTER, DATA, DESTINATION, FRAME, Machine, SOURCE, STACK, Trap};

/// Bytes of an instruction at most.
const LONGEST: u32 = 15;

impl Machine<'_> {
    /// Does one instruction. When it fails, registers may already have been changed.
    pub(super) fn step(&mut self) -> Result<(), Trap> {
        let start = self.ip;
        self.prefixes = Prefixes::default();
        loop {
            let opcode = self.fetch()?;
            match opcode {
                0x66 => self.prefixes.short_operand = true,
                0x67 => self.prefixes.short_address = true,
                0x64 => self.prefixes.thread = true,
                0x26 | 0x2e | 0x36 | 0x3e | 0x65 | 0xf0 => self.prefixes.thread = false,
                0xf2 | 0xf3 => self.prefixes.repeat = Some(opcode),
                0x0f => {
                    let opcode = self.fetch()?;
                    return self.extended(opcode);
                }
                _ => return self.instruction(opcode, start).inspect_err(|_| self.ip = start),
            }
            if self.ip.wrapping_sub(start) >= LONGEST {
                return Err(Trap::Illegal);
            }
        }
    }

    fn instruction(&mut self, opcode: u8, start: u32) -> Result<(), Trap> {
        match opcode {
            0x00..=0x3f if opcode & 7 < 6 => self.arithmetic(opcode),
            0x06 | 0x0e | 0x16 | 0x1e => self.push(if opcode == 0x0e { 0x1b } else { 0x23 }, self.width()),
            0x07 | 0x17 | 0x1f => self.pop(self.width()).map(drop),
            0x27 | 0x2f | 0x37 | 0x3f => {
                self.decimal(opcode);
                Ok(())
            }
            0x40..=0x4f => {
                let width = self.width();
                let value = self.flags.step(self.part(opcode, width), opcode >= 0x48, width);
                self.set_part(opcode & 7, width, value);
                Ok(())
            }
            0x50..=0x57 => self.push(self.part(opcode & 7, self.width()), self.width()),
            0x58..=0x5f => {
                let value = self.pop(self.width())?;
                self.set_part(opcode & 7, self.width(), value);
                Ok(())
            }
            0x60 | 0x61 => self.all_registers(opcode == 0x60),
            0x63 => self.operands().map(drop),
            0x68 => {
                let value = self.immediate(self.width())?;
                self.push(value, self.width())
            }
            0x6a => {
                let value = self.short_immediate()?;
                self.push(value, self.width())
            }
            0x69 | 0x6b => {
                let operands = self.operands()?;
                let width = self.width();
                let factor = if opcode == 0x69 { self.immediate(width)? } else { self.short_immediate()? };
                let value = self.get(operands.place, width)?;
                let product = self.signed_product(value, factor, width);
                self.set_part(operands.register, width, product);
                Ok(())
            }
            0x70..=0x7f => {
                let offset = self.short_immediate()?;
                self.jump_if(self.flags.holds(opcode), offset);
                Ok(())
            }
            0x80..=0x83 => {
                let operands = self.operands()?;
                let width = self.width_of(opcode);
                let value = if opcode == 0x81 { self.immediate(width)? } else { self.short_immediate()? };
                self.operate(operands.register, operands.place, value, width)
            }
            0x84 | 0x85 => {
                let Operands { register, place } = self.operands()?;
                let width = self.width_of(opcode);
                let value = self.get(place, width)?;
                self.flags.operate(4, value, self.part(register, width), width);
                Ok(())
            }
            0x86..=0x8f => self.moves(opcode),
            0x90 => Ok(()),
            0x91..=0x97 => {
                let width = self.width();
                let (a, b) = (self.part(ACCUMULATOR, width), self.part(opcode & 7, width));
                self.set_part(ACCUMULATOR, width, b);
                self.set_part(opcode & 7, width, a);
                Ok(())
            }
            0x98 | 0x99 => {
                self.widen(opcode == 0x98);
                Ok(())
            }
            0x9b => Ok(()),
            0x9c => self.push(self.flags.bits(), self.width()),
            0x9d => {
                self.flags = Flags::from_bits(self.pop(self.width())?);
                Ok(())
            }
            0x9e => {
                let old = self.flags;
                let bits = (self.register(ACCUMULATOR) >> 8) & 0xff;
                self.flags = Flags {
                    trap: old.trap,
                    direction: old.direction,
                    overflow: old.overflow,
                    ..Flags::from_bits(bits)
                };
                Ok(())
            }
            0x9f => {
                self.set_part(4, 8, self.flags.bits());
                Ok(())
            }
            0xa0..=0xa3 => {
                let width = self.width_of(opcode);
                let size = if self.prefixes.short_address { 16 } else { 32 };
                let address = self.immediate(size)?.wrapping_add(self.segment());
                if opcode < 0xa2 {
                    let value = self.memory.load(address, width)?;
                    self.set_part(ACCUMULATOR, width, value);
                } else {
                    self.memory.store(address, width, self.part(ACCUMULATOR, width))?;
                }
                Ok(())
            }
            0xa8 | 0xa9 => {
                let width = self.width_of(opcode);
                let value = self.immediate(width)?;
                self.flags.operate(4, self.part(ACCUMULATOR, width), value, width);
                Ok(())
            }
            0xa4..=0xa7 | 0xaa..=0xaf => self.string(opcode, start),
            0xb0..=0xbf => {
                let width = if opcode < 0xb8 { 8 } else { self.width() };
                let value = self.immediate(width)?;
                self.set_part(opcode & 7, width, value);
                Ok(())
            }
            0xc0 | 0xc1 | 0xd0..=0xd3 => self.shifts(opcode),
            0xc6 | 0xc7 => {
                let operands = self.operands()?;
                let width = self.width_of(opcode);
                let value = self.immediate(width)?;
                self.set(operands.place, width, value)
            }
            _ => self.control(opcode),
        }
    }

    /// Calls, jumps, interrupts, and what is left.
    fn control(&mut self, opcode: u8) -> Result<(), Trap> {
        match opcode {
            0xc2 | 0xc3 => {
                let extra = if opcode == 0xc2 { self.immediate(16)? } else { 0 };
                let target = self.pop(32)?;
                self.set_register(STACK, self.register(STACK).wrapping_add(extra));
                self.ip = target;
            }
            0xc8 => {
                let size = self.immediate(16)?;
                let level = self.immediate(8)?;
                if level & 31 != 0 {
                    return Err(Trap::Illegal);
                }
                self.push(self.register(FRAME), 32)?;
                let top = self.register(STACK);
                self.set_register(FRAME, top);
                self.set_register(STACK, top.wrapping_sub(size));
            }
            0xc9 => {
                self.set_register(STACK, self.register(FRAME));
                let frame = self.pop(32)?;
                self.set_register(FRAME, frame);
            }
            0xcc => return Err(Trap::Interrupt(3)),
            0xcd => {
                let number = self.fetch()?;
                return Err(Trap::Interrupt(number));
            }
            0xce => {
                if self.flags.overflow {
                    return Err(Trap::Interrupt(4));
                }
            }
            0xd4 | 0xd5 => self.adjust(opcode == 0xd4)?,
            0xd6 => self.set_part(ACCUMULATOR, 8, if self.flags.carry { 0xff } else { 0 }),
            0xd7 => {
                let table = self.register(super::BASE).wrapping_add(self.segment());
                let value = self.memory.u8(table.wrapping_add(self.part(ACCUMULATOR, 8)))?;
                self.set_part(ACCUMULATOR, 8, u32::from(value));
            }
            0xd8..=0xdf => self.float(opcode)?,
            0xe0..=0xe3 => {
                let offset = self.short_immediate()?;
                let mut count = self.register(COUNTER);
                if opcode != 0xe3 {
                    count = count.wrapping_sub(1);
                    self.set_register(COUNTER, count);
                }
                let zero = self.flags.zero;
                let jumps = match opcode {
                    0xe0 => count != 0 && !zero,
                    0xe1 => count != 0 && zero,
                    0xe2 => count != 0,
                    _ => count == 0,
                };
                self.jump_if(jumps, offset);
            }
            0xe8 => {
                let offset = self.immediate(32)?;
                self.push(self.ip, 32)?;
                self.jump_if(true, offset);
            }
            0xe9 => {
                let offset = self.immediate(self.width())?;
                self.jump_if(true, extended(offset, self.width()));
            }
            0xeb => {
                let offset = self.short_immediate()?;
                self.jump_if(true, offset);
            }
            0xe4..=0xe7 | 0xec..=0xef | 0xf4 | 0xfa | 0xfb | 0x6c..=0x6f => return Err(Trap::Privileged),
            0xf1 => return Err(Trap::Interrupt(1)),
            0xf5 => self.flags.carry = !self.flags.carry,
            0xf8 | 0xf9 => self.flags.carry = opcode == 0xf9,
            0xfc | 0xfd => self.flags.direction = opcode == 0xfd,
            0xf6 | 0xf7 => return self.unary(opcode),
            0xfe | 0xff => return self.indirect(opcode),
            _ => return Err(Trap::Illegal),
        }
        Ok(())
    }

    pub(super) fn jump_if(&mut self, taken: bool, offset: u32) {
        if taken {
            self.ip = self.ip.wrapping_add(offset);
            if self.prefixes.short_operand {
                self.ip &= 0xffff;
            }
        }
    }

    fn operate(&mut self, operation: u8, place: Place, value: u32, width: u32) -> Result<(), Trap> {
        let before = self.get(place, width)?;
        let flags = self.flags;
        let result = self.flags.operate(operation, before, value, width);
        if operation & 7 == 7 {
            return Ok(());
        }
        self.set(place, width, result).inspect_err(|_| self.flags = flags)
    }

    fn arithmetic(&mut self, opcode: u8) -> Result<(), Trap> {
        let operation = opcode >> 3;
        let width = self.width_of(opcode);
        match opcode & 7 {
            0 | 1 => {
                let Operands { register, place } = self.operands()?;
                self.operate(operation, place, self.part(register, width), width)
            }
            2 | 3 => {
                let Operands { register, place } = self.operands()?;
                let value = self.get(place, width)?;
                self.operate(operation, Place::Register(register), value, width)
            }
            _ => {
                let value = self.immediate(width)?;
                self.operate(operation, Place::Register(ACCUMULATOR), value, width)
            }
        }
    }

    fn moves(&mut self, opcode: u8) -> Result<(), Trap> {
        let Operands { register, place } = self.operands()?;
        let width = self.width_of(opcode);
        match opcode {
            0x86 | 0x87 => {
                let value = self.get(place, width)?;
                self.set(place, width, self.part(register, width))?;
                self.set_part(register, width, value);
            }
            0x88 | 0x89 => self.set(place, width, self.part(register, width))?,
            0x8a | 0x8b => {
                let value = self.get(place, width)?;
                self.set_part(register, width, value);
            }
            0x8c => {
                let selector = match register {
                    1 => 0x1b,
                    4 => 0x3b,
                    5 => 0,
                    _ => 0x23,
                };
                let width = if matches!(place, Place::Register(_)) { self.width() } else { 16 };
                self.set(place, width, selector)?;
            }
            0x8d => {
                let Place::Memory(address) = place else { return Err(Trap::Illegal) };
                let address = address.wrapping_sub(self.segment());
                self.set_part(register, self.width(), address);
            }
            0x8e => {
                self.get(place, 16)?;
            }
            _ => {
                let value = self.pop(self.width())?;
                self.set(place, self.width(), value)?;
            }
        }
        Ok(())
    }

    fn all_registers(&mut self, save: bool) -> Result<(), Trap> {
        let width = self.width();
        if save {
            let top = self.register(STACK);
            for number in 0..8 {
                let value = if number == STACK { top } else { self.register(number) };
                self.push(value, width)?;
            }
        } else {
            for number in (0..8).rev() {
                let value = self.pop(width)?;
                if number != STACK {
                    self.set_part(number, width, value);
                }
            }
        }
        Ok(())
    }

    fn widen(&mut self, own: bool) {
        let width = self.width();
        if own {
            let half = width / 2;
            self.set_part(ACCUMULATOR, width, extended(self.part(ACCUMULATOR, half), half));
        } else {
            let negative = self.part(ACCUMULATOR, width) & top(width) != 0;
            self.set_part(DATA, width, if negative { u32::MAX } else { 0 });
        }
    }

    fn shifts(&mut self, opcode: u8) -> Result<(), Trap> {
        let Operands { register, place } = self.operands()?;
        let width = self.width_of(opcode);
        let count = match opcode {
            0xc0 | 0xc1 => self.immediate(8)?,
            0xd0 | 0xd1 => 1,
            _ => self.part(COUNTER, 8),
        };
        let value = self.get(place, width)?;
        let value = self.flags.shift(register, value, count, width);
        self.set(place, width, value)
    }

    pub(super) fn signed_product(&mut self, a: u32, b: u32, width: u32) -> u32 {
        let wide = |value: u32| i64::from(extended(value, width).cast_signed());
        let product = wide(a).wrapping_mul(wide(b));
        let value = low(product.cast_unsigned()) & mask(width);
        let fits = wide(value) == product;
        self.flags.result(value, width);
        self.flags.carry = !fits;
        self.flags.overflow = !fits;
        value
    }

    fn unary(&mut self, opcode: u8) -> Result<(), Trap> {
        let Operands { register, place } = self.operands()?;
        let width = self.width_of(opcode);
        let value = self.get(place, width)?;
        match register {
            0 | 1 => {
                let other = self.immediate(width)?;
                self.flags.operate(4, value, other, width);
                Ok(())
            }
            2 => self.set(place, width, !value),
            3 => {
                let value = self.flags.operate(5, 0, value, width);
                self.set(place, width, value)
            }
            4 | 5 => {
                self.multiply(value, width, register == 5);
                Ok(())
            }
            _ => self.divide(value, width, register == 7),
        }
    }

    fn multiply(&mut self, value: u32, width: u32, signed: bool) {
        let own = self.part(ACCUMULATOR, width);
        let product = if signed {
            let wide = |value: u32| i64::from(extended(value, width).cast_signed());
            wide(own).wrapping_mul(wide(value)).cast_unsigned()
        } else {
            u64::from(own).wrapping_mul(u64::from(value))
        };
        let (lower, upper) = (low(product) & mask(width), low(product.wrapping_shr(width)) & mask(width));
        if width == 8 {
            self.set_part(ACCUMULATOR, 16, upper.wrapping_shl(8) | lower);
        } else {
            self.set_part(ACCUMULATOR, width, lower);
            self.set_part(DATA, width, upper);
        }
        self.flags.result(lower, width);
        let plain = if signed && lower & top(width) != 0 { upper == mask(width) } else { upper == 0 };
        self.flags.carry = !plain;
        self.flags.overflow = !plain;
    }

    fn divide(&mut self, divisor: u32, width: u32, signed: bool) -> Result<(), Trap> {
        let dividend = if width == 8 {
            u64::from(self.part(ACCUMULATOR, 16))
        } else {
            u64::from(self.part(DATA, width)).wrapping_shl(width) | u64::from(self.part(ACCUMULATOR, width))
        };
        let (quotient, rest) = if signed {
            let shift = 64_u32.wrapping_sub(width.wrapping_mul(2));
            let dividend = dividend.wrapping_shl(shift).cast_signed().wrapping_shr(shift);
            let divisor = i64::from(extended(divisor, width).cast_signed());
            let quotient = dividend.checked_div(divisor).ok_or(Trap::Divide)?;
            if i64::from(extended(low(quotient.cast_unsigned()), width).cast_signed()) != quotient {
                return Err(Trap::Divide);
            }
            (quotient.cast_unsigned(), dividend.checked_rem(divisor).ok_or(Trap::Divide)?.cast_unsigned())
        } else {
            let divisor = u64::from(divisor & mask(width));
            let quotient = dividend.checked_div(divisor).ok_or(Trap::Divide)?;
            if quotient > u64::from(mask(width)) {
                return Err(Trap::Divide);
            }
            (quotient, dividend.checked_rem(divisor).ok_or(Trap::Divide)?)
        };
        let (quotient, rest) = (low(quotient) & mask(width), low(rest) & mask(width));
        if width == 8 {
            self.set_part(ACCUMULATOR, 16, rest.wrapping_shl(8) | quotient);
        } else {
            self.set_part(ACCUMULATOR, width, quotient);
            self.set_part(DATA, width, rest);
        }
        Ok(())
    }

    fn indirect(&mut self, opcode: u8) -> Result<(), Trap> {
        let Operands { register, place } = self.operands()?;
        let width = self.width_of(opcode);
        match register {
            0 | 1 => {
                let value = self.get(place, width)?;
                let value = self.flags.step(value, register == 1, width);
                self.set(place, width, value)
            }
            2 | 4 if width != 8 => {
                let target = self.get(place, width)?;
                if register == 2 {
                    self.push(self.ip, width)?;
                }
                self.ip = target;
                Ok(())
            }
            6 if width != 8 => {
                let value = self.get(place, width)?;
                self.push(value, width)
            }
            _ => Err(Trap::Illegal),
        }
    }

    /// Decimal adjustments after additions and subtractions.
    fn decimal(&mut self, opcode: u8) {
        let value = self.part(ACCUMULATOR, 8);
        let low_digit = value & 0xf > 9 || self.flags.adjust;
        if opcode & 0x10 == 0 {
            let high_digit = value > 0x99 || self.flags.carry;
            let change = if low_digit { 6_u32 } else { 0 }.wrapping_add(if high_digit { 0x60 } else { 0 });
            let result = if opcode == 0x27 { value.wrapping_add(change) } else { value.wrapping_sub(change) };
            self.flags.result(result, 8);
            self.flags.adjust = low_digit;
            self.flags.carry = high_digit;
            self.set_part(ACCUMULATOR, 8, result);
        } else {
            let mut whole = self.part(ACCUMULATOR, 16);
            if low_digit {
                whole = if opcode == 0x37 { whole.wrapping_add(0x106) } else { whole.wrapping_sub(0x106) };
            }
            self.flags.adjust = low_digit;
            self.flags.carry = low_digit;
            self.set_part(ACCUMULATOR, 16, whole & 0xff0f);
        }
    }

    fn adjust(&mut self, after_multiplication: bool) -> Result<(), Trap> {
        let base = self.immediate(8)?;
        let value = self.part(ACCUMULATOR, 8);
        let result = if after_multiplication {
            let quotient = value.checked_div(base).ok_or(Trap::Divide)?;
            quotient.wrapping_shl(8) | value.checked_rem(base).ok_or(Trap::Divide)?
        } else {
            self.part(4, 8).wrapping_mul(base).wrapping_add(value) & 0xff
        };
        self.set_part(ACCUMULATOR, 16, result);
        self.flags.result(result & 0xff, 8);
        Ok(())
    }

    /// Instructions of the floating-point unit change nothing here; unpackers use them to be tiresome, and
    /// to learn where they are.
    fn float(&mut self, opcode: u8) -> Result<(), Trap> {
        let start = self.ip.wrapping_sub(1);
        let Operands { register, place } = self.operands()?;
        if let (0xd9, 6, Place::Memory(address)) = (opcode, register, place) {
            for offset in [0, 4, 8, 16, 20, 24] {
                self.memory.store(address.wrapping_add(offset), 32, 0)?;
            }
            self.memory.store(address.wrapping_add(12), 32, self.windows.last_float)?;
        } else if let (0xdf, 4, Place::Register(_)) = (opcode, register, place) {
            self.set_part(ACCUMULATOR, 16, 0);
        } else {
            self.windows.last_float = start;
        }
        Ok(())
    }

    /// The thread's block, where the chain of handlers begins.
    pub(super) fn thread_block(&self, offset: u32) -> Result<u32, Trap> {
        Ok(self.memory.u32(BLOCK.wrapping_add(offset))?)
    }

    /// Clears what no program may rely on.
    pub(super) fn clear_registers(&mut self) {
        for number in [ACCUMULATOR, COUNTER, DATA, super::BASE, SOURCE, DESTINATION] {
            self.set_register(number, 0);
        }
    }
}
