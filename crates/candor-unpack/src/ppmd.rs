//! How much memory a model of PPMd needs.
//!
//! A header asks for up to 256 MiB, or for gigabytes, and the library fills all of it with zeros before the first
//! byte is decoded: a member of 35 bytes would cost a third of a second. What a model holds grows with what was
//! decoded, and one that was never full gives the same whatever its size. So a member starts with a small one, whatever
//! length it claims, and when that might be full, it is decoded from its start again with one that is larger.

use std::io::{self, Read};

use ppmd_rust::Error;

use crate::codec::Decoder;

/// Bytes that a model takes for each byte decoded and each order. A byte enters at most as many contexts as the order
/// says. In each it makes a context (one unit of 12 bytes), or a row of a table. Tables move to larger places as they
/// grow, up to 128 units for 256 rows: all places of one table have some 2,150 units, so 101 bytes a row. A table loses
/// rows, and has to grow again, not before some thirty bytes were decoded in it: 51 bytes for each of them.
const EACH: u64 = 12 + 101 + 51;
/// What a model holds at the start: 256 rows and a context; the rest is for what is rounded off.
const START: u64 = 16 << 10;
/// How many bytes the first model is good for, and by how much each is larger than the one before: what is decoded
/// again is a seventh of the whole.
const FIRST: u64 = 256;
const GROWTH: u64 = 8;

/// Largest model whose memory the C library keeps when it is let go of; more comes from the system, page by page, which takes
/// four times as long.
const KEPT: u32 = 31 << 20;

/// What a byte costs that is decoded, in the units of [`candor_model::Budget::pay_work`].
pub(crate) const DECODING: u64 = 2;

/// What it costs to fill the models for so many bytes with zeros, in the same units: a member
/// of a hundred bytes that unpack to a hundred thousand may take a quarter of a second.
pub(crate) fn work(order: u32, asked: u32, length: u64) -> u64 {
    let (mut good_for, mut sum) = (FIRST.min(length), 0_u64);
    loop {
        let memory = model(order, asked, good_for);
        sum = sum.saturating_add(at_once(memory));
        if memory == asked || good_for >= length {
            return sum;
        }
        good_for = next(good_for, length);
    }
}

/// The same for one model of so much memory.
pub(crate) fn at_once(memory: u32) -> u64 {
    u64::from(if memory <= KEPT { memory / 32 } else { memory / 8 })
}

/// How many bytes the model is good for that comes after one that is good for `good_for`.
fn next(good_for: u64, length: u64) -> u64 {
    good_for.saturating_mul(GROWTH).min(length)
}

/// Makes a decoder with a model of so much memory.
type Make<'a> = Box<dyn Fn(u32) -> Result<Decoder<'a>, Error> + 'a>;

/// A decoder whose model grows with what was decoded.
pub(crate) struct Growing<'a> {
    make: Make<'a>,
    decoder: Decoder<'a>,
    order: u32,
    asked: u32,
    length: u64,
    /// How many bytes the model is good for.
    good_for: u64,
    read: u64,
}

impl<'a> Growing<'a> {
    /// No more than `length` bytes, with a model for which `asked` bytes are asked.
    pub(crate) fn new(order: u32, asked: u32, length: u64, make: Make<'a>) -> Result<Self, Error> {
        let good_for = FIRST.min(length);
        let decoder = make(model(order, asked, good_for))?;
        Ok(Self { make, decoder, order, asked, length, good_for, read: 0 })
    }

    fn grow(&mut self) -> io::Result<()> {
        self.good_for = next(self.good_for, self.length);
        let memory = model(self.order, self.asked, self.good_for);
        if memory == self.asked {
            self.good_for = self.length;
        }
        // The small one goes before the large one comes.
        self.decoder = Box::new(io::empty());
        self.decoder = (self.make)(memory).map_err(io::Error::other)?;
        io::copy(&mut (&mut self.decoder).take(self.read), &mut io::sink())?;
        Ok(())
    }
}

impl Read for Growing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.good_for && self.good_for < self.length && !buffer.is_empty() {
            self.grow()?;
        }
        let room = self.good_for.saturating_sub(self.read);
        let count = (&mut self.decoder).take(room).read(buffer)?;
        self.read = self.read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// The memory for a model of which `asked` bytes are asked for, when no more than `length` bytes will be decoded.
fn model(order: u32, asked: u32, length: u64) -> u32 {
    // An eighth of the memory is for the bytes themselves.
    let units = length.saturating_mul(u64::from(order)).saturating_mul(EACH).saturating_add(START);
    let needed = units.saturating_add(units / 7).saturating_add(length.saturating_mul(8));
    // Where places start depends on the last two bits of what is asked for.
    let alike = (needed & !3) | u64::from(asked & 3);
    u32::try_from(alike).map_or(asked, |alike| alike.min(asked))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::{Read as _, Write as _};

    use ppmd_rust::{Ppmd7Decoder, Ppmd7Encoder, Ppmd8Decoder, Ppmd8Encoder, RestoreMethod};

    use super::{EACH, Growing, START, model};

    const ASKED: u32 = 8 << 20;

    /// Numbers below `kinds`, in no order, some of them in runs of what came before.
    fn noise(length: usize, kinds: u32, copies: u32) -> Vec<u8> {
        let mut state = 0x2545_f491_u32 ^ kinds;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        };
        let mut bytes: Vec<u8> = Vec::new();
        while bytes.len() < length {
            if copies > 0 && next() % copies == 0 && bytes.len() > 40 {
                let start = next() as usize % (bytes.len() - 20);
                bytes.extend_from_within(start..start + 20);
            }
            bytes.push((next() % kinds) as u8);
        }
        bytes.truncate(length);
        bytes
    }

    /// What fills models fastest: new contexts all the time, tables of all sizes, tables that shrink.
    fn contents() -> Vec<Vec<u8>> {
        let mut contents = Vec::new();
        for length in [1, 500, 2_000, 12_000] {
            for (kinds, copies) in [(1, 0), (2, 0), (4, 9), (16, 3), (256, 0), (256, 4)] {
                contents.push(noise(length, kinds, copies));
            }
            // Every pair of bytes, then one byte for so long that the others are forgotten.
            let pairs = (0..=255_u8).flat_map(|first| (0..=255).flat_map(move |second| [first, second]));
            let forgotten = pairs.zip((0..3_u8).cycle()).flat_map(|(byte, turn)| [byte, turn, turn, 7, 7]);
            contents.push(forgotten.take(length).collect());
        }
        contents
    }

    fn decoded8(packed: &[u8], order: u32, memory: u32) -> Vec<u8> {
        let mut content = Vec::new();
        let decoder = Ppmd8Decoder::new(packed, order, memory, RestoreMethod::CutOff).unwrap();
        drop(decoder.take(1 << 20).read_to_end(&mut content));
        content
    }

    #[test]
    fn a_small_model_gives_what_a_large_one_gives() {
        let mut is_tight = false;
        for content in contents() {
            for order in [2, 16] {
                let method = RestoreMethod::CutOff;
                let mut encoder = Ppmd8Encoder::new(Vec::new(), order, ASKED, method).unwrap();
                encoder.write_all(&content).unwrap();
                let packed = encoder.finish(true).unwrap();
                let memory = model(order, ASKED, content.len() as u64);
                assert!(decoded8(&packed, order, memory) == content, "{} bytes, {order}", content.len());
                is_tight |= decoded8(&packed, order, 64 << 10) != content;
            }
            for order in [6, 64] {
                let mut encoder = Ppmd7Encoder::new(Vec::new(), order, ASKED).unwrap();
                encoder.write_all(&content).unwrap();
                let packed = encoder.finish(false).unwrap();
                let memory = model(order, ASKED, content.len() as u64);
                let mut decoder = Ppmd7Decoder::new(&packed[..], order, memory).unwrap();
                let mut decoded = vec![0; content.len()];
                decoder.read_exact(&mut decoded).unwrap();
                assert!(decoded == content, "{} bytes, {order}", content.len());
            }
        }
        assert!(is_tight, "these contents fit into anything");
    }

    /// What comes out of `packed` with a length that is a lie, and the memory of each model that was made for it.
    fn grown(packed: &[u8], asked: u32) -> (Vec<u8>, Vec<u32>) {
        let (mut content, memory) = (Vec::new(), RefCell::new(Vec::new()));
        let make = |room: u32| -> Result<crate::codec::Decoder<'_>, ppmd_rust::Error> {
            memory.borrow_mut().push(room);
            Ok(Box::new(Ppmd8Decoder::new(packed, 6, room, RestoreMethod::Restart)?))
        };
        let mut decoder = Growing::new(6, asked, u64::MAX, Box::new(make)).unwrap();
        drop(decoder.read_to_end(&mut content));
        drop(decoder);
        (content, memory.into_inner())
    }

    #[test]
    fn a_model_grows_with_what_is_decoded() {
        for content in contents() {
            let method = RestoreMethod::Restart;
            let mut encoder = Ppmd8Encoder::new(Vec::new(), 6, ASKED, method).unwrap();
            encoder.write_all(&content).unwrap();
            let packed = encoder.finish(true).unwrap();
            let (decoded, memory) = grown(&packed, ASKED);
            assert!(decoded == content, "{} of {} bytes", decoded.len(), content.len());
            let models = [1, 257, 2_049].iter().filter(|from| content.len() >= **from).count();
            assert_eq!(memory.len(), models, "{} bytes: {memory:?}", content.len());
            assert!(memory.is_sorted() && memory[0] < 1 << 20, "{memory:?}");
        }
        // What asks for all there is, and gives next to nothing.
        let (decoded, memory) = grown(&noise(35, 256, 0), 256 << 20);
        assert!(memory.iter().all(|memory| *memory < 16 << 20), "{} bytes: {memory:?}", decoded.len());
    }

    #[test]
    fn a_model_is_as_large_as_what_it_may_hold() {
        assert!(model(6, 256 << 20, 35) < 128 << 10);
        assert_eq!(model(6, 1 << 20, 1 << 20), 1 << 20);
        assert_eq!(model(6, u32::MAX, u64::MAX), u32::MAX);
        assert_eq!(model(2, (2 << 20) | 3, 0) % 4, 3);
        assert!(u64::from(model(16, 256 << 20, 1000)) >= 1000 * 16 * EACH + START);
    }
}
