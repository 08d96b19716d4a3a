//! Looks digests up.

use std::ops::Range;

use super::layout::{Columns, Shape, packed_at};
use super::{filter, sizes};
use crate::bytes::record_at;
use crate::image::SignatureId;

/// The most signatures that one look-up reports. So many that a database with more of them for one
/// digest is nonsense, so few that a damaged image cannot make us collect without end.
const MOST_HITS: usize = 4096;

/// Groups that are not longer are searched by halves from the start.
const SHORT: usize = 64;

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
        self.shape.any_size > 0 || self.of_size(size).is_some()
    }

    /// The signatures with this digest whose size is `size` or any, in the order of their numbers.
    #[inline]
    pub(crate) fn find(&self, digest: &[u8], size: u64) -> Vec<SignatureId> {
        let mut found = Vec::new();
        if digest.len() != self.digest {
            return found;
        }
        if self.shape.any_size > 0 && filter::passes(self.columns.filter, digest) {
            self.append(0..usize::try_from(self.shape.any_size).unwrap_or(0), digest, &mut found);
        }
        if let Some(group) = self.of_size(size) {
            self.append(group, digest, &mut found);
        }
        found.sort_unstable();
        found
    }

    /// The entries for this size.
    fn of_size(&self, size: u64) -> Option<Range<usize>> {
        let group = sizes::find(self.columns.size_blocks, self.columns.sizes, size)?;
        (group.end <= usize::try_from(self.shape.entries).ok()?).then_some(group)
    }

    /// Appends the signatures of the entries of `group` with this digest.
    fn append(&self, group: Range<usize>, digest: &[u8], found: &mut Vec<SignatureId>) {
        let end = group.end;
        let first = self.first_not_below(group, digest);
        let room = MOST_HITS.saturating_sub(found.len());
        found.extend(
            (first..end)
                .take(room)
                .take_while(|entry| self.digest(*entry) == Some(digest))
                .filter_map(|entry| packed_at(self.columns.signatures, entry, self.shape.signature_bits))
                .map(SignatureId),
        );
    }

    fn digest(&self, entry: usize) -> Option<&'a [u8]> {
        record_at(self.columns.digests, entry, self.digest)
    }

    /// The first entry of `group` whose digest is `digest` or greater.
    ///
    /// Digests are as good as random, so a long group is entered where the digest must be if they are
    /// spread evenly; whether it is, two comparisons tell.
    fn first_not_below(&self, group: Range<usize>, digest: &[u8]) -> usize {
        let Range { mut start, mut end } = group;
        let below = |entry: usize| self.digest(entry) < Some(digest);
        let length = end.saturating_sub(start);
        if length > SHORT {
            let guess = start.saturating_add(share(digest, length));
            // Twice the standard deviation of where it is.
            let reach = length.isqrt();
            let (left, right) = (guess.saturating_sub(reach), guess.saturating_add(reach));
            if left > start && left < end {
                if below(left) {
                    start = left;
                } else {
                    end = left;
                }
            }
            if right > start && right < end {
                if below(right) {
                    start = right;
                } else {
                    end = right;
                }
            }
        }
        start.saturating_add(lower_bound(end.saturating_sub(start), |index| {
            below(index.saturating_add(start))
        }))
    }
}

/// What of `length` things stands before `digest` when they are spread evenly.
fn share(digest: &[u8], length: usize) -> usize {
    let first = digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    let product = u128::from(first).saturating_mul(length as u128);
    usize::try_from(product >> 64).unwrap_or(0)
}

/// How many of the first `count` things are `below`, when those that are come first.
pub(super) fn lower_bound(count: usize, below: impl Fn(usize) -> bool) -> usize {
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
