//! How much memory a model of PPMd needs.
//!
//! A header asks for up to 256 MiB, or for gigabytes, and the library fills all of it with zeros before the first
//! byte is decoded: a member of 35 bytes would cost a third of a second. What a model holds grows with what was
//! decoded, and one that was never full gives the same whatever its size, so a short member gets a small one.

/// Bytes that a model takes for each byte decoded and each order. A byte enters at most as many contexts as the order
/// says. In each it makes a context (one unit of 12 bytes), or a row of a table. Tables move to larger places as they
/// grow, up to 128 units for 256 rows: all places of one table have some 2,150 units, so 101 bytes a row. A table loses
/// rows, and has to grow again, not before some thirty bytes were decoded in it: 51 bytes for each of them.
const EACH: u64 = 12 + 101 + 51;
/// What a model holds at the start: 256 rows and a context; the rest is for what is rounded off.
const START: u64 = 16 << 10;

/// The memory for a model of which `asked` bytes are asked for, when no more than `length` bytes will be decoded.
pub(crate) fn model(order: u32, asked: u32, length: u64) -> u32 {
    // An eighth of the memory is for the bytes themselves.
    let units = length.saturating_mul(u64::from(order)).saturating_mul(EACH).saturating_add(START);
    let needed = units.saturating_add(units / 7).saturating_add(length.saturating_mul(8));
    // Where places start depends on the last two bits of what is asked for.
    let alike = (needed & !3) | u64::from(asked & 3);
    u32::try_from(alike).map_or(asked, |alike| alike.min(asked))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use ppmd_rust::{Ppmd7Decoder, Ppmd7Encoder, Ppmd8Decoder, Ppmd8Encoder, RestoreMethod};

    use super::{EACH, START, model};

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

    #[test]
    fn a_model_is_as_large_as_what_it_may_hold() {
        assert!(model(6, 256 << 20, 35) < 128 << 10);
        assert_eq!(model(6, 1 << 20, 1 << 20), 1 << 20);
        assert_eq!(model(6, u32::MAX, u64::MAX), u32::MAX);
        assert_eq!(model(2, (2 << 20) | 3, 0) % 4, 3);
        assert!(u64::from(model(16, 256 << 20, 1000)) >= 1000 * 16 * EACH + START);
    }
}
