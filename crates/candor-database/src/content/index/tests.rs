//! Every form of the kernel passes the same positions.

use proptest::prelude::*;

use super::kernel::{Filter, Pairs, pairs_passing, pairs_plain, passing, plain};
use super::layout::{PAIR_WORDS, pair_word, third_bit};
use super::stitched::{Filters, Masks, positions, run};
use super::{groups, nibbles};
use crate::content::anchor::Tier;
use crate::md5;

/// So many bytes that look random.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

proptest! {
    #[test]
    fn all_forms_agree(
        seed: u64,
        input in prop::collection::vec(any::<u8>(), 0..400),
        from in 0_usize..25,
        cut in 0_usize..100,
        power in prop::sample::select(&[10_u32, 12, 14][..]),
    ) {
        // A filter that is half full, so that many positions pass.
        let bytes = noise(seed, 4 << power);
        let filter = Filter::new(&bytes).unwrap();
        let to = input.len().saturating_sub(cut);
        for tier in [Tier::Medium, Tier::Long] {
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            passing(filter, tier, &input, 4 * from, to, &mut fast);
            plain(filter, tier, &input, 4 * from, to, &mut slow);
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn stitched_with_md5_all_is_the_same(
        seed: u64,
        input in prop::collection::vec(any::<u8>(), 0..1000),
        from in 0_usize..3,
        cut in 0_usize..200,
        long_power in prop::sample::select(&[10_u32, 12, 14][..]),
        medium_power in prop::sample::select(&[10_u32, 12, 14][..]),
        with_long: bool,
        with_medium: bool,
    ) {
        let (long, medium) = (noise(seed, 4 << long_power), noise(!seed, 4 << medium_power));
        let runs = [(u64::from_le_bytes(*b"ab\0\0\0\0\0\0"), 2), (u64::from_le_bytes(*b"xyz\0\0\0\0\0"), 3)];
        let tables: [u8; nibbles::NIBBLES] = nibbles::lay_out(&runs).try_into().unwrap();
        let filters = Filters {
            long: Filter::new(&long).filter(|_| with_long),
            medium: Filter::new(&medium).filter(|_| with_medium),
            nibbles: Some(&tables),
        };
        let from = (from * md5::BLOCK).min(input.len());
        let to = input.len().saturating_sub(cut).max(from);
        let mut state = md5::START;
        let mut masks = [Masks::default(); 20];
        let done = run(filters, &input, from, to, &mut state, &mut masks);
        // All but the very end, where the processor can.
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx512bw") {
            prop_assert!(to.saturating_sub(done) <= 3 * md5::BLOCK);
        }
        let mut expected = md5::START;
        md5::compress(&mut expected, md5::blocks(&input[from..done]).0);
        prop_assert_eq!(state, expected);
        let places = || (from..done).step_by(md5::BLOCK);
        let masks = &masks[..(done - from) / md5::BLOCK];
        for (filter, tier) in [(filters.long, Tier::Long), (filters.medium, Tier::Medium)] {
            let mut slow = Vec::new();
            if let Some(filter) = filter {
                plain(filter, tier, &input, from, done, &mut slow);
            }
            let bits = |mask: &Masks| if tier == Tier::Long { mask.long.into() } else { mask.medium().into() };
            let fast: Vec<usize> = masks
                .iter()
                .zip(places())
                .flat_map(|(mask, place)| positions(bits(mask), place, tier.stride()))
                .collect();
            prop_assert_eq!(fast, slow);
        }
        let slow: Vec<usize> = (from..done).filter(|at| nibbles::groups(&tables, &input[*at..]) != 0).collect();
        let fast: Vec<usize> =
            masks.iter().zip(places()).flat_map(|(mask, place)| positions(mask.nibbles, place, 1)).collect();
        prop_assert_eq!(fast, slow);
    }

    #[test]
    fn all_forms_of_the_pairs_agree_and_pass_every_run(
        seed: u64,
        input in prop::collection::vec(prop::sample::select(b"abcABC\x00\x20\xe0".to_vec()), 0..400),
        from in 0_usize..100,
        cut in 0_usize..100,
        runs in prop::collection::vec((prop::sample::select(b"abc\xe0".to_vec()), any::<u8>(), 2_usize..4), 1..20),
        before in 0..3,
    ) {
        let runs: Vec<(u64, usize)> = runs
            .into_iter()
            .map(|(first, second, width)| {
                let bytes = [first | 0x20, second | 0x20, if width == 3 { b'a' } else { 0 }, 0, 0, 0, 0, 0];
                (u64::from_le_bytes(bytes), width)
            })
            .collect();
        // Some of all triples pass, and the runs.
        let mut words = noise(seed, 4 * PAIR_WORDS);
        for (run, width) in &runs {
            let word = pair_word((run & 0xffff) as u32);
            let bits = if *width == 2 { u32::MAX } else { third_bit(u32::try_from(run >> 16).unwrap()) };
            for (byte, bits) in words[4 * word..].iter_mut().zip(bits.to_le_bytes()) {
                *byte |= bits;
            }
        }
        let before = match before {
            0 => Vec::new(),
            1 => nibbles::lay_out(&runs),
            _ => groups::lay_out(&runs),
        };
        let pairs = Pairs::new(&words, &before).unwrap();
        let to = input.len().saturating_sub(cut);
        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        pairs_passing(pairs, &input, from, to, &mut fast);
        pairs_plain(pairs, &input, from, to, &mut slow);
        prop_assert_eq!(&fast, &slow);
        for at in from..to {
            let there = runs.iter().any(|(run, width)| {
                let folded: Vec<u8> = input[at..].iter().take(*width).map(|byte| byte | 0x20).collect();
                folded == run.to_le_bytes()[..*width]
            });
            prop_assert!(!there || fast.contains(&at));
        }
    }
}
