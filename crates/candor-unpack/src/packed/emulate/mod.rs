//! A small processor of the 80386 kind, in which unpackers unpack themselves.
//!
//! Packed programs carry the code that undoes the packing. There are hundreds of packers, each with versions
//! and private changes; running that code is one method for all of them. What runs here can reach nothing:
//! it has registers, a few runs of bytes and a handful of functions of Windows that only concern memory.
//! It ends when it asks for anything else, when its steps are used up, or when it fails.
//!
//! Reference: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.

mod decode;
mod execute;
mod extended;
mod flags;
mod memory;
mod strings;
mod windows;

use candor_model::{Budget, Reason};

use super::PortableExecutable;
use flags::Flags;
use memory::{Fault, Memory, Purpose, Region};

/// Steps between two looks at the interrupt.
const SLICE: u32 = 1 << 16;

/// Why a step did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trap {
    /// It divided by zero, or the quotient did not fit.
    Divide,
    /// An instruction that is not known.
    Illegal,
    /// A software interrupt.
    Interrupt(u8),
    /// An instruction that programs may not use.
    Privileged,
    /// One instruction was done that was to be done alone.
    Step,
    /// There is nothing at an address.
    Missing(Fault),
}

impl From<Fault> for Trap {
    fn from(fault: Fault) -> Self {
        Self::Missing(fault)
    }
}

/// A process.
#[derive(Debug)]
pub(super) struct Machine<'f> {
    /// The file that it comes from; some look at it.
    file: &'f [u8],
    memory: Memory,
    registers: [u32; 8],
    ip: u32,
    flags: Flags,
    /// What the prefixes of the current instruction say.
    prefixes: decode::Prefixes,
    windows: windows::Windows,
    /// The page that the last instruction was in, and the last place where execution came into a page that
    /// the program had written.
    page: u32,
    arrived: Option<u32>,
    seen: std::collections::HashSet<u32>,
    /// Steps that it took.
    steps: u64,
}

/// What is left when it has ended.
#[derive(Debug)]
pub(super) struct Left {
    /// The program in memory.
    pub(super) image: Vec<u8>,
    /// What it asked memory for, as far as it wrote there.
    pub(super) others: Vec<Vec<u8>>,
    /// Where it came into code that it had written itself, the last time.
    pub(super) entry: Option<u32>,
}

impl<'f> Machine<'f> {
    /// The process of a program, at its start; `None` when it does not fit into `limit` bytes.
    pub(super) fn load(file: &PortableExecutable<'f>, limit: u64) -> Option<Self> {
        let base = file.image_base();
        let mut memory = Memory::new(limit);
        memory.map(base, file.image_size(), Purpose::Image)?;
        memory.place(base, file.headers());
        for section in &file.sections {
            let address = base.checked_add(u32::try_from(section.virtual_address).ok()?)?;
            let length = if section.virtual_size == 0 {
                section.raw_size
            } else {
                section.raw_size.min(section.virtual_size.next_multiple_of(0x1000))
            };
            memory.place(address, crate::reader::clipped(file.bytes, section.raw_offset, length));
        }
        let mut machine = Self {
            file: file.bytes,
            memory,
            registers: [0; 8],
            ip: base.wrapping_add(file.entry_point),
            flags: Flags::default(),
            prefixes: decode::Prefixes::default(),
            windows: windows::Windows::new(base),
            page: 0,
            arrived: None,
            seen: std::collections::HashSet::new(),
            steps: 0,
        };
        machine.prepare(file.is_library)?;
        if let Some((table, _)) = file.directory(1) {
            // What cannot be bound shows when it is called.
            let _ = machine.bind(table);
        }
        Some(machine)
    }

    /// Steps that it took, and at most a slice more.
    pub(super) const fn steps(&self) -> u64 {
        self.steps
    }

    /// Runs it for at most so many steps; says whether it ended.
    ///
    /// # Errors
    /// Somebody interrupted.
    pub(super) fn run(&mut self, steps: u64, budget: &Budget) -> Result<bool, Reason> {
        let mut left = steps;
        while left > 0 {
            budget.check()?;
            let slice = u64::from(SLICE).min(left);
            left = left.saturating_sub(slice);
            self.steps = self.steps.saturating_add(slice);
            for _ in 0..slice {
                if self.go().is_none() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// One instruction, and what the system makes of it when it fails.
    fn go(&mut self) -> Option<()> {
        if windows::is_function(self.ip) {
            return self.call_windows();
        }
        let page = self.ip & !0xfff;
        if page != self.page {
            self.page = page;
            if self.seen.len() < 4096 && self.memory.was_written(self.ip) && self.seen.insert(page) {
                self.arrived = Some(self.ip);
            }
        }
        let start = self.ip;
        let single = self.flags.trap;
        match self.step() {
            Ok(()) if single => self.raise(Trap::Step, self.ip),
            Ok(()) => Some(()),
            Err(trap) => self.raise(trap, start),
        }
    }

    /// What it leaves.
    pub(super) fn leave(&self) -> Option<Left> {
        let image = self.memory.regions().iter().find(|region| region.purpose == Purpose::Image)?;
        if !image.is_written() {
            return None;
        }
        let heap = |region: &&Region| region.purpose == Purpose::Heap && region.is_written();
        Some(Left {
            image: image.bytes.clone(),
            others: self.memory.regions().iter().filter(heap).map(|region| region.bytes.clone()).collect(),
            entry: self.arrived.and_then(|address| address.checked_sub(image.base)),
        })
    }

    fn register(&self, number: u8) -> u32 {
        let [a, c, d, b, sp, bp, si, di] = self.registers;
        match number & 7 {
            0 => a,
            1 => c,
            2 => d,
            3 => b,
            4 => sp,
            5 => bp,
            6 => si,
            _ => di,
        }
    }

    fn set_register(&mut self, number: u8, value: u32) {
        let [a, c, d, b, sp, bp, si, di] = &mut self.registers;
        *match number & 7 {
            0 => a,
            1 => c,
            2 => d,
            3 => b,
            4 => sp,
            5 => bp,
            6 => si,
            _ => di,
        } = value;
    }

    fn push(&mut self, value: u32, width: u32) -> Result<(), Trap> {
        let top = self.register(STACK).wrapping_sub(width / 8);
        self.memory.store(top, width, value)?;
        self.set_register(STACK, top);
        Ok(())
    }

    fn pop(&mut self, width: u32) -> Result<u32, Trap> {
        let top = self.register(STACK);
        let value = self.memory.load(top, width)?;
        self.set_register(STACK, top.wrapping_add(width / 8));
        Ok(value)
    }
}

const ACCUMULATOR: u8 = 0;
const COUNTER: u8 = 1;
const DATA: u8 = 2;
const BASE: u8 = 3;
const STACK: u8 = 4;
const FRAME: u8 = 5;
const SOURCE: u8 = 6;
const DESTINATION: u8 = 7;
