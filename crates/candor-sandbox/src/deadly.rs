//! Files that have ended two workers each: a daemon that is asked for one again answers without losing two more. As many
//! are remembered as anybody may need; who makes more of them makes the oldest ones cost two workers again.

use std::collections::{HashSet, VecDeque};

use crate::broker::Identity;

/// Files that are remembered.
const MOST: usize = 16 << 10;

/// The files.
#[derive(Debug, Default)]
pub(crate) struct Deadly {
    known: HashSet<Identity>,
    /// Oldest first.
    order: VecDeque<Identity>,
}

impl Deadly {
    /// Whether it is one of them.
    pub(crate) fn has(&self, file: Identity) -> bool {
        self.known.contains(&file)
    }

    /// Remembers it.
    pub(crate) fn remember(&mut self, file: Identity) {
        if self.known.insert(file) {
            self.order.push_back(file);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_no_more_are_kept_than_that() {
        let mut deadly = Deadly::default();
        let most = u64::try_from(MOST).unwrap();
        let file = |number: u64| (1, number, 0, 0);
        for number in 0..most + 3 {
            deadly.remember(file(number));
            deadly.remember(file(number));
        }
        assert!(!deadly.has(file(2)) && deadly.has(file(3)) && deadly.has(file(most + 2)));
        assert_eq!((deadly.known.len(), deadly.order.len()), (MOST, MOST));
    }
}
