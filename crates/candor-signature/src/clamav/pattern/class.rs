//! `(B)`, `(L)`, `(W)`: conditions on a neighbour at the ends of a part, classes of bytes inside.

use candor_database::ir::{Alternatives, Boundary, BoundaryKind, Element};

use super::takes_bytes;

/// What the letter between parentheses stands for.
pub(super) const fn of_letter(letter: u8) -> Option<BoundaryKind> {
    match letter {
        b'B' => Some(BoundaryKind::Delimiter),
        b'L' => Some(BoundaryKind::Line),
        b'W' => Some(BoundaryKind::Word),
        _ => None,
    }
}

/// Decides which boundaries of a part stay conditions on its neighbours; those inside of it become
/// choices of one byte.
pub(super) fn settle(elements: &mut [Element], wide: bool) {
    let Some(first) = elements.iter().position(takes_bytes) else { return };
    let Some(last) = elements.iter().rposition(takes_bytes) else { return };
    for (index, element) in elements.iter_mut().enumerate() {
        if let Element::Boundary(boundary) = element {
            if first < index && index < last {
                *element = Element::Alternatives(bytes_of(*boundary));
            } else if wide && boundary.kind == BoundaryKind::Word {
                boundary.kind = BoundaryKind::WideWord;
            }
        }
    }
}

/// The class as a choice of single bytes.
fn bytes_of(boundary: Boundary) -> Alternatives {
    let (members, negated): (Vec<u8>, bool) = match boundary.kind {
        // What ClamAV takes inside of a part: what either side of a part takes.
        BoundaryKind::Delimiter => (b"\n\r \"'-./<=>@_".to_vec(), false),
        BoundaryKind::Line => (vec![b'\n'], false),
        // Written as none of the letters and digits, which are fewer.
        BoundaryKind::Word | BoundaryKind::WideWord => {
            ((b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z').collect(), true)
        }
    };
    Alternatives {
        negated: negated != boundary.negated,
        branches: members.into_iter().map(|byte| vec![Element::Bytes(vec![byte])]).collect(),
    }
}
