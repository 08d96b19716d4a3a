//! The instructions of two bytes, behind `0F`.

use super::decode::{Operands, Place};
use super::flags::{extended, mask};
use super::{ACCUMULATOR, BASE, COUNTER, DATA, Machine, Trap};

impl Machine<'_> {
    pub(super) fn extended(&mut self, opcode: u8) -> Result<(), Trap> {
        match opcode {
            0x0d | 0x18..=0x1f => self.operands().map(drop),
            0x31 => {
                self.windows.ticks = self.windows.ticks.wrapping_add(0x40);
                self.set_register(ACCUMULATOR, self.windows.ticks);
                self.set_register(DATA, 0);
                Ok(())
            }
            0x40..=0x4f => {
                let Operands { register, place } = self.operands()?;
                let width = self.width();
                let value = self.get(place, width)?;
                if self.flags.holds(opcode) {
                    self.set_part(register, width, value);
                }
                Ok(())
            }
            // MMX moves and arithmetic: nothing of it reaches memory that matters to unpacking.
            0x77 => Ok(()),
            0x60..=0x7f | 0xd1..=0xfe => self.operands().map(drop),
            0x80..=0x8f => {
                let offset = self.immediate(self.width())?;
                self.jump_if(self.flags.holds(opcode), extended(offset, self.width()));
                Ok(())
            }
            0x90..=0x9f => {
                let operands = self.operands()?;
                self.set(operands.place, 8, u32::from(self.flags.holds(opcode)))
            }
            0xa0 | 0xa8 => self.push(if opcode == 0xa0 { 0x3b } else { 0 }, self.width()),
            0xa1 | 0xa9 => self.pop(self.width()).map(drop),
            0xa2 => {
                let values = match self.register(ACCUMULATOR) {
                    0 => [1, 0x756e_6547, 0x6c65_746e, 0x4965_6e69],
                    _ => [0x0000_0673, 0, 0, 0x0183_f9ff],
                };
                for (number, value) in [ACCUMULATOR, BASE, COUNTER, DATA].into_iter().zip(values) {
                    self.set_register(number, value);
                }
                Ok(())
            }
            0xa3 | 0xab | 0xb3 | 0xba | 0xbb => self.bit(opcode),
            0xa4 | 0xa5 | 0xac | 0xad => {
                let Operands { register, place } = self.operands()?;
                let width = self.width();
                let count = if opcode & 1 == 0 { self.immediate(8)? } else { self.part(COUNTER, 8) };
                let value = self.get(place, width)?;
                let fill = self.part(register, width);
                let value = self.flags.double_shift(opcode < 0xa8, value, fill, count, width);
                self.set(place, width, value)
            }
            0xaf => {
                let Operands { register, place } = self.operands()?;
                let width = self.width();
                let value = self.get(place, width)?;
                let product = self.signed_product(self.part(register, width), value, width);
                self.set_part(register, width, product);
                Ok(())
            }
            0xb0 | 0xb1 => {
                let Operands { register, place } = self.operands()?;
                let width = self.width_of(opcode);
                let value = self.get(place, width)?;
                self.flags.operate(7, self.part(ACCUMULATOR, width), value, width);
                if self.flags.zero {
                    self.set(place, width, self.part(register, width))
                } else {
                    self.set_part(ACCUMULATOR, width, value);
                    Ok(())
                }
            }
            0xb6 | 0xb7 | 0xbe | 0xbf => {
                let Operands { register, place } = self.operands()?;
                let from = if opcode & 1 == 0 { 8 } else { 16 };
                let value = self.get(place, from)?;
                let value = if opcode < 0xb8 { value & mask(from) } else { extended(value, from) };
                self.set_part(register, self.width(), value);
                Ok(())
            }
            0xbc | 0xbd => {
                let Operands { register, place } = self.operands()?;
                let width = self.width();
                let value = self.get(place, width)?;
                self.flags.zero = value == 0;
                if value != 0 {
                    let number = if opcode == 0xbc {
                        value.trailing_zeros()
                    } else {
                        31_u32.wrapping_sub(value.leading_zeros())
                    };
                    self.set_part(register, width, number);
                }
                Ok(())
            }
            0xc0 | 0xc1 => {
                let Operands { register, place } = self.operands()?;
                let width = self.width_of(opcode);
                let (value, own) = (self.get(place, width)?, self.part(register, width));
                let sum = self.flags.operate(0, value, own, width);
                self.set_part(register, width, value);
                self.set(place, width, sum)
            }
            0xc8..=0xcf => {
                let value = self.register(opcode & 7).swap_bytes();
                self.set_register(opcode & 7, value);
                Ok(())
            }
            _ => Err(Trap::Illegal),
        }
    }

    fn bit(&mut self, opcode: u8) -> Result<(), Trap> {
        let Operands { register, place } = self.operands()?;
        let width = self.width();
        let (operation, number) = if opcode == 0xba {
            (register & 3, self.immediate(8)?)
        } else {
            ((opcode >> 3) & 3, self.part(register, width))
        };
        let place = match place {
            // The number of a bit in memory may lead out of the operand.
            Place::Memory(address) if opcode != 0xba => {
                let offset = extended(number, width).cast_signed() >> 5;
                Place::Memory(address.wrapping_add(offset.wrapping_mul(4).cast_unsigned()))
            }
            place => place,
        };
        let bit = 1_u32.wrapping_shl(number & width.wrapping_sub(1));
        let value = self.get(place, width)?;
        self.flags.carry = value & bit != 0;
        match operation {
            0 => Ok(()),
            1 => self.set(place, width, value | bit),
            2 => self.set(place, width, value & !bit),
            _ => self.set(place, width, value ^ bit),
        }
    }
}
