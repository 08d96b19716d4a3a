//! Catalogues (`.cat`): digests of many programs, signed once.
//!
//! Layout: "Certificate Trust List" in [MS-CAESO]; the digests are those that signatures in programs are about.
//!
//! ```text
//! use | name | number? | from | until? | kind of the names | subjects: (name | attributes)*
//! attribute: SPC_INDIRECT_DATA | its digest, as in a program
//! ```

use candor_model::CertificateRule;

use super::der::{OBJECT, OCTET_STRING, SEQUENCE, SET};
use super::signed::SignedData;
use super::{INDIRECT_DATA, trust};
use crate::work::Allowance;

/// What a catalogue signs.
const TRUST_LIST: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 1];
/// Programs of one catalogue.
const SUBJECTS: usize = 100_000;

/// The digests of the programs that a catalogue vouches for, when its signature is valid and `rules` trust who
/// signed it, `now` seconds after the beginning of 1970.
pub(crate) fn digests(bytes: &[u8], rules: &[CertificateRule], now: i64) -> Vec<Vec<u8>> {
    let Some(data) = SignedData::read(bytes).filter(|data| data.content_type == TRUST_LIST) else {
        return Vec::new();
    };
    // Who keeps a catalogue beside the signatures is no stranger.
    let work = Allowance::new(u64::MAX);
    let vouches = data.signers.iter().any(|signer| {
        let valid = data.verify(signer, &work).is_ok();
        let stamp = data.timestamp(signer, &work).and_then(Result::ok);
        // Of a signature that is not valid, nobody vouches for the signer.
        let chain = if valid { data.chain(signer, &work) } else { Vec::new() };
        let counting = trust::counting(rules, &data, &chain, valid, stamp.as_ref(), now, &work);
        let mut counting = counting.into_iter().filter_map(|place| rules.get(place)).peekable();
        counting.peek().is_some() && counting.all(|rule| rule.trusted)
    });
    let mut found = Vec::new();
    if !vouches || data.content.tag != SEQUENCE {
        return found;
    }
    // The subjects are the last sequence before the extensions, and the one whose first part is a sequence that
    // begins with a name.
    for list in data.content.inside().filter(|field| field.tag == SEQUENCE) {
        for subject in list.inside().take(SUBJECTS) {
            let mut fields = subject.inside();
            if subject.tag != SEQUENCE || fields.expect(OCTET_STRING).is_none() {
                break;
            }
            let Some(attributes) = fields.expect(SET) else { continue };
            found.extend(attributes.inside().filter_map(|attribute| {
                let mut fields = attribute.inside();
                if fields.expect(OBJECT)?.content != INDIRECT_DATA {
                    return None;
                }
                let mut indirect = fields.expect(SET)?.inside().expect(SEQUENCE)?.inside();
                indirect.expect(SEQUENCE)?;
                let mut info = indirect.expect(SEQUENCE)?.inside();
                info.expect(SEQUENCE)?;
                let digest = info.expect(OCTET_STRING)?.content;
                (20..=64).contains(&digest.len()).then(|| digest.to_vec())
            }));
        }
    }
    found
}
