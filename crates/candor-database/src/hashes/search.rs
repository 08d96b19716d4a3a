//! Looks digests up.

use super::filter;
use super::layout::{Columns, Shape, packed_at};
use crate::bytes::{record_at, u32_at, u64_at};
use crate::image::SignatureId;

/// The most signatures that one look-up reports. So many that a database with more of them for one
/// digest is nonsense, so few that a damaged image cannot make us collect without end.
const MOST_HITS: usize = 4096;

/// The table for one subject and algorithm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    shape: Shape,
    columns: Columns<'a>,
    digest: usize,
}

impl<'a> Table<'a> {
    /// The table in this section, whose digests are `digest` bytes long. `None` when there is none or
    /// it is damaged.
    #[inline]
    pub(crate) fn read(section: &'a [u8], digest: usize) -> Option<Self> {
        let (shape, columns) = Shape::read(section, digest)?;
        Some(Self { shape, columns, digest })
    }

    /// Whether some entry is for this size, or for any.
    pub(crate) fn wants(&self, size: u64) -> bool {
        let place = match u32::try_from(size) {
            _ if self.shape.any_size => return true,
            Ok(small) => {
                let list = self.columns.small_sizes;
                let place = lower_bound(list.len() / 4, |index| u32_at(list, index) < Some(small));
                u32_at(list, place) == Some(small)
            }
            Err(_) => false,
        };
        // The few sizes just below 4 GiB that serve as marks while a table is made count as large.
        place || {
            let list = self.columns.large_sizes;
            let place = lower_bound(list.len() / 8, |index| u64_at(list, index) < Some(size));
            u64_at(list, place) == Some(size)
        }
    }

    /// The signatures with this digest whose size is `size` or any, in the order of their numbers.
    #[inline]
    pub(crate) fn find(&self, digest: &[u8], size: u64) -> impl Iterator<Item = SignatureId> {
        let (start, end, rest) = self.candidates(digest).unwrap_or((0, 0, &[]));
        let width = rest.len();
        let from_start = |index: usize| index.saturating_add(start);
        let below = |index: usize| record_at(self.columns.rests, from_start(index), width) < Some(rest);
        let first = from_start(lower_bound(end.saturating_sub(start), below));
        (first..end)
            .take(MOST_HITS)
            .take_while(move |entry| record_at(self.columns.rests, *entry, width) == Some(rest))
            .filter(move |entry| self.size_fits(*entry, size))
            .filter_map(|entry| {
                packed_at(self.columns.signatures, entry, self.shape.signature_bits).map(SignatureId)
            })
    }

    /// The entries that begin as `digest` does, and what is left to compare; `None` when the filter says
    /// that it is not there.
    fn candidates<'d>(&self, digest: &'d [u8]) -> Option<(usize, usize, &'d [u8])> {
        if digest.len() != self.digest || !filter::passes(self.columns.filter, digest) {
            return None;
        }
        let beginning = self.shape.beginning(digest)?;
        let start = usize::try_from(u32_at(self.columns.directory, beginning)?).ok()?;
        let end = usize::try_from(u32_at(self.columns.directory, beginning.checked_add(1)?)?).ok()?;
        let entries = usize::try_from(self.shape.entries).ok()?;
        (start <= end && end <= entries).then_some((start, end, digest.get(self.shape.told()..)?))
    }

    fn size_fits(&self, entry: usize, size: u64) -> bool {
        let Some(number) = packed_at(self.columns.sizes, entry, self.shape.size_bits) else { return false };
        let Some(place) = number.checked_sub(1).and_then(|place| usize::try_from(place).ok()) else {
            return true;
        };
        let small = self.columns.small_sizes.len() / 4;
        let found = match place.checked_sub(small) {
            None => u32_at(self.columns.small_sizes, place).map(u64::from),
            Some(place) => u64_at(self.columns.large_sizes, place),
        };
        found == Some(size)
    }
}

/// How many of the first `count` things are `below`, when those that are come first.
fn lower_bound(count: usize, below: impl Fn(usize) -> bool) -> usize {
    let (mut start, mut end) = (0, count);
    while start < end {
        let middle = start.midpoint(end);
        if below(middle) {
            start = middle.saturating_add(1);
        } else {
            end = middle;
        }
    }
    start
}
