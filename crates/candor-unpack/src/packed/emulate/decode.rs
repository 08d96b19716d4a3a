//! Instructions: prefixes, operands, addresses.

use super::flags::{extended, mask};
use super::windows::BLOCK;
use super::{BASE, DESTINATION, FRAME, Machine, SOURCE, STACK, Trap};

/// What the prefixes of an instruction say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prefixes {
    /// Operands of 16 bits.
    pub(super) short_operand: bool,
    /// Addresses of 16 bits.
    pub(super) short_address: bool,
    /// The segment of the thread's block.
    pub(super) thread: bool,
    /// `F3` or `F2`.
    pub(super) repeat: Option<u8>,
}

/// Where an operand is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Register(u8),
    Memory(u32),
}

/// The two operands of an instruction, or one and a part of the opcode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operands {
    pub(super) register: u8,
    pub(super) place: Place,
}

impl Machine<'_> {
    pub(super) fn fetch(&mut self) -> Result<u8, Trap> {
        let byte = self.memory.u8(self.ip)?;
        self.ip = self.ip.wrapping_add(1);
        Ok(byte)
    }

    /// A number behind the opcode.
    pub(super) fn immediate(&mut self, width: u32) -> Result<u32, Trap> {
        let value = self.memory.load(self.ip, width)?;
        self.ip = self.ip.wrapping_add(width / 8);
        Ok(value)
    }

    /// A number of 8 bits, its sign kept.
    pub(super) fn short_immediate(&mut self) -> Result<u32, Trap> {
        Ok(extended(self.immediate(8)?, 8))
    }

    /// 16 or 32.
    pub(super) const fn width(&self) -> u32 {
        if self.prefixes.short_operand { 16 } else { 32 }
    }

    /// 8 for an even opcode, else 16 or 32.
    pub(super) const fn width_of(&self, opcode: u8) -> u32 {
        if opcode & 1 == 0 { 8 } else { self.width() }
    }

    pub(super) const fn segment(&self) -> u32 {
        if self.prefixes.thread { BLOCK } else { 0 }
    }

    pub(super) fn operands(&mut self) -> Result<Operands, Trap> {
        let byte = self.fetch()?;
        let (mode, register, place) = (byte >> 6, (byte >> 3) & 7, byte & 7);
        if mode == 3 {
            return Ok(Operands { register, place: Place::Register(place) });
        }
        let address = if self.prefixes.short_address {
            self.short_address(mode, place)?
        } else {
            self.address(mode, place)?
        };
        Ok(Operands { register, place: Place::Memory(address.wrapping_add(self.segment())) })
    }

    fn address(&mut self, mode: u8, place: u8) -> Result<u32, Trap> {
        let start = match place {
            4 => {
                let byte = self.fetch()?;
                let (scale, index, base) = (byte >> 6, (byte >> 3) & 7, byte & 7);
                let start =
                    if base == FRAME && mode == 0 { self.immediate(32)? } else { self.register(base) };
                let index = if index == STACK { 0 } else { self.register(index) };
                start.wrapping_add(index.wrapping_shl(u32::from(scale)))
            }
            5 if mode == 0 => self.immediate(32)?,
            _ => self.register(place),
        };
        let offset = match mode {
            0 => 0,
            1 => self.short_immediate()?,
            _ => self.immediate(32)?,
        };
        Ok(start.wrapping_add(offset))
    }

    fn short_address(&mut self, mode: u8, place: u8) -> Result<u32, Trap> {
        let start = match place {
            0 => self.register(BASE).wrapping_add(self.register(SOURCE)),
            1 => self.register(BASE).wrapping_add(self.register(DESTINATION)),
            2 => self.register(FRAME).wrapping_add(self.register(SOURCE)),
            3 => self.register(FRAME).wrapping_add(self.register(DESTINATION)),
            4 => self.register(SOURCE),
            5 => self.register(DESTINATION),
            6 if mode == 0 => self.immediate(16)?,
            6 => self.register(FRAME),
            _ => self.register(BASE),
        };
        let offset = match mode {
            0 => 0,
            1 => self.short_immediate()?,
            _ => self.immediate(16)?,
        };
        Ok(start.wrapping_add(offset) & 0xffff)
    }

    pub(super) fn get(&self, place: Place, width: u32) -> Result<u32, Trap> {
        match place {
            Place::Memory(address) => Ok(self.memory.load(address, width)?),
            Place::Register(number) => Ok(self.part(number, width)),
        }
    }

    pub(super) fn set(&mut self, place: Place, width: u32, value: u32) -> Result<(), Trap> {
        match place {
            Place::Memory(address) => self.memory.store(address, width, value)?,
            Place::Register(number) => self.set_part(number, width, value),
        }
        Ok(())
    }

    /// A register, or the part of it that a number stands for at this width.
    pub(super) fn part(&self, number: u8, width: u32) -> u32 {
        if width == 8 && number & 4 != 0 {
            (self.register(number & 3) >> 8) & 0xff
        } else {
            self.register(number) & mask(width)
        }
    }

    pub(super) fn set_part(&mut self, number: u8, width: u32, value: u32) {
        let value = value & mask(width);
        if width == 8 && number & 4 != 0 {
            let whole = self.register(number & 3);
            self.set_register(number & 3, (whole & !0xff00) | value.wrapping_shl(8));
        } else {
            let whole = self.register(number);
            self.set_register(number, (whole & !mask(width)) | value);
        }
    }
}
