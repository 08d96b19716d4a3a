//! Instructions that move, compare and search runs of bytes.

use super::{ACCUMULATOR, COUNTER, DESTINATION, Machine, SOURCE, Trap};

/// Repetitions that are done in one step of the machine; the instruction is begun anew after them.
const AT_ONCE: u32 = 16;

impl Machine<'_> {
    /// `movs`, `cmps`, `stos`, `lods`, `scas`. `start` is where the instruction stands.
    pub(super) fn string(&mut self, opcode: u8, start: u32) -> Result<(), Trap> {
        let width = self.width_of(opcode);
        let Some(repeat) = self.prefixes.repeat else { return self.string_once(opcode, width) };
        let compares = matches!(opcode & !1, 0xa6 | 0xae);
        for _ in 0..AT_ONCE {
            let count = self.register(COUNTER);
            if count == 0 {
                return Ok(());
            }
            self.string_once(opcode, width)?;
            self.set_register(COUNTER, count.wrapping_sub(1));
            if compares && self.flags.zero != (repeat == 0xf3) {
                return Ok(());
            }
        }
        if self.register(COUNTER) != 0 {
            self.ip = start;
        }
        Ok(())
    }

    fn string_once(&mut self, opcode: u8, width: u32) -> Result<(), Trap> {
        let from = self.register(SOURCE).wrapping_add(self.segment());
        let to = self.register(DESTINATION);
        let (source, destination) = match opcode & !1 {
            0xa4 => {
                let value = self.memory.load(from, width)?;
                self.memory.store(to, width, value)?;
                (true, true)
            }
            0xa6 => {
                let (a, b) = (self.memory.load(from, width)?, self.memory.load(to, width)?);
                self.flags.operate(7, a, b, width);
                (true, true)
            }
            0xaa => {
                self.memory.store(to, width, self.part(ACCUMULATOR, width))?;
                (false, true)
            }
            0xac => {
                let value = self.memory.load(from, width)?;
                self.set_part(ACCUMULATOR, width, value);
                (true, false)
            }
            _ => {
                let value = self.memory.load(to, width)?;
                self.flags.operate(7, self.part(ACCUMULATOR, width), value, width);
                (false, true)
            }
        };
        let stride = if self.flags.direction { 0_u32.wrapping_sub(width / 8) } else { width / 8 };
        if source {
            self.set_register(SOURCE, self.register(SOURCE).wrapping_add(stride));
        }
        if destination {
            self.set_register(DESTINATION, to.wrapping_add(stride));
        }
        Ok(())
    }
}
