//! LZMA2: chunks of LZMA, and chunks as they are.

use std::io::{self, BufRead, ErrorKind, Read};

use super::coder::{Coder, Properties, Stop};
use super::{DECISION, Decode, Held, Output, STEP, pay_for, read, step, trouble};
use crate::pace::Pace;

/// What a chunk costs beside what is in it, in the units of [`Pace`].
const CHUNK: u64 = 128;

/// Most bits of the high ones of the byte before and the low ones of the place, together.
const CONTEXTS: u8 = 4;

#[derive(Clone, Copy, Debug)]
enum Chunk {
    /// There is none, or the last one is over.
    None,
    /// As it is: bytes left.
    Stored(usize),
    /// Bytes that come out and that go in yet.
    Packed { unpacked: usize, packed: usize },
}

/// A stream of LZMA2.
pub(crate) struct Lzma2<R> {
    source: R,
    coder: Option<Coder>,
    output: Output,
    held: Held,
    chunk: Chunk,
    /// Whether the window must be emptied first, as it is in front of the first chunk, and whether what was learned must be forgotten.
    needs_window: bool,
    needs_state: bool,
    pace: Pace,
}

impl<R: BufRead> Lzma2<R> {
    /// One that reaches back so far. What it decides is paid for on `pace`.
    pub(crate) fn new(source: R, dictionary: u32, pace: Pace) -> Self {
        Self {
            source,
            coder: None,
            output: Output::new(dictionary),
            held: Held::NOTHING,
            chunk: Chunk::None,
            needs_window: true,
            needs_state: true,
            pace,
        }
    }

    fn take<const LENGTH: usize>(&mut self) -> io::Result<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        self.source.read_exact(&mut bytes)?;
        self.pace.passed(LENGTH);
        Ok(bytes)
    }

    /// Begins the next chunk; `false` when there is none.
    fn begin(&mut self) -> io::Result<bool> {
        self.pace.pay(CHUNK)?;
        let [control] = self.take()?;
        match control {
            0 => return Ok(false),
            1 | 2 => {
                if control == 1 {
                    self.empty();
                } else if self.needs_window {
                    return Err(trouble(Stop::Damaged));
                }
                let length = u16::from_be_bytes(self.take()?);
                self.chunk = Chunk::Stored(usize::from(length).saturating_add(1));
            }
            0x80.. => {
                let [high, low, packed @ ..] = self.take::<4>()?;
                let high = usize::from(control & 0x1f) << 16 | usize::from(u16::from_be_bytes([high, low]));
                let packed = usize::from(u16::from_be_bytes(packed)).saturating_add(1);
                if control >= 0xe0 {
                    self.empty();
                } else if self.needs_window {
                    return Err(trouble(Stop::Damaged));
                }
                if control >= 0xc0 {
                    let [byte] = self.take()?;
                    let properties = Properties::of(byte)
                        .filter(|found| found.before.saturating_add(found.literal) <= CONTEXTS)
                        .ok_or_else(|| trouble(Stop::Damaged))?;
                    pay_for(properties, &self.pace)?;
                    match &mut self.coder {
                        Some(coder) => coder.reset(properties),
                        coder => *coder = Some(Coder::new(properties)),
                    }
                } else if self.needs_state && control < 0xa0 {
                    return Err(trouble(Stop::Damaged));
                }
                let coder = self.coder.as_mut().ok_or_else(|| trouble(Stop::Damaged))?;
                if (0xa0..0xc0).contains(&control) {
                    let properties = coder.properties();
                    pay_for(properties, &self.pace)?;
                    coder.reset(properties);
                }
                if control >= 0xe0 {
                    coder.forget_place();
                }
                self.needs_state = false;
                let start = self.take()?;
                let packed = packed.checked_sub(start.len());
                let is_begun =
                    packed.is_some() && self.coder.as_mut().is_some_and(|coder| coder.begin(start));
                if !is_begun {
                    return Err(trouble(Stop::Damaged));
                }
                let unpacked = high.saturating_add(1);
                self.chunk = Chunk::Packed { unpacked, packed: packed.unwrap_or(0) };
            }
            _ => return Err(trouble(Stop::Damaged)),
        }
        Ok(true)
    }

    fn empty(&mut self) {
        self.needs_window = false;
        self.output.window.forget();
        if let Some(coder) = &mut self.coder {
            coder.forget_place();
        }
    }

    /// Takes what is left of a chunk.
    fn pass(&mut self, mut left: usize) -> io::Result<()> {
        left = left.saturating_sub(self.held.length);
        self.held.length = 0;
        while left > 0 {
            let length = self.source.fill_buf()?.len().min(left);
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.source.consume(length);
            left = left.saturating_sub(length);
        }
        Ok(())
    }
}

impl<R: BufRead> Decode for Lzma2<R> {
    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn decode(&mut self) -> io::Result<bool> {
        match self.chunk {
            Chunk::None => return self.begin(),
            Chunk::Stored(left) => {
                let bytes = self.source.fill_buf()?;
                if bytes.is_empty() {
                    return Err(trouble(Stop::Short));
                }
                let most = bytes.len().min(left).min(STEP);
                let length = self.output.window.store(bytes.get(..most).unwrap_or_default());
                self.source.consume(length);
                if let Some(coder) = &mut self.coder {
                    coder.pass(length);
                }
                // They went in and came out.
                self.pace.passed(length.saturating_mul(2));
                self.chunk = match left.saturating_sub(length) {
                    0 => Chunk::None,
                    left => Chunk::Stored(left),
                };
            }
            Chunk::Packed { unpacked, packed } => {
                let Self { coder: Some(coder), output, held, source, .. } = self else {
                    return Err(trouble(Stop::Damaged));
                };
                let parts = (&mut *coder, &mut output.window, held);
                let (taken, made, stop) = step(parts, source, packed, unpacked.min(STEP))?;
                self.pace.passed(taken.saturating_add(made));
                let decisions = coder.take_decisions();
                let (unpacked, packed) = (unpacked.saturating_sub(made), packed.saturating_sub(taken));
                self.chunk = Chunk::Packed { unpacked, packed };
                self.pace.pay(decisions.saturating_mul(DECISION))?;
                match stop {
                    // What is left of the bytes, none as a rule, belongs to nothing.
                    Stop::Full if unpacked == 0 => {
                        self.pass(packed)?;
                        self.chunk = Chunk::None;
                    }
                    Stop::Full | Stop::Hungry => {}
                    // Such marks are not written here.
                    Stop::End => return Err(trouble(Stop::Damaged)),
                    stop => return Err(trouble(stop)),
                }
            }
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for Lzma2<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read(self, buffer)
    }
}
