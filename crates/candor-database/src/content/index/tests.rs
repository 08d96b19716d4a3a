//! Every form of the kernel passes the same positions.

use proptest::prelude::*;

use super::kernel::{Filter, Width, passing, plain};

proptest! {
    #[test]
    fn all_forms_agree(
        seed: u64,
        input in prop::collection::vec(any::<u8>(), 0..400),
        from in 0_usize..100,
        cut in 0_usize..100,
        power in 1_u32..14,
    ) {
        // A filter that is half full, so that many positions pass.
        let mut state = seed | 1;
        let words = 1_usize << power;
        let bytes: Vec<u8> = (0..words * 4).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        }).collect();
        let filter = Filter::new(&bytes).unwrap();
        let to = input.len().saturating_sub(cut);
        for width in [Width::Two, Width::Four, Width::Eight] {
            if width == Width::Two && !filter.holds_pairs() {
                continue;
            }
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            passing(filter, width, &input, from, to, &mut fast);
            plain(filter, width, &input, from, to, &mut slow);
            prop_assert_eq!(fast, slow);
        }
    }
}
