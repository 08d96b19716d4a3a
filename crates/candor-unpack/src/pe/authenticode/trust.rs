//! Which decisions about certificates count for a signature.
//!
//! Being trusted keeps a program from being searched, so a path to a trusted certificate is held to what Windows holds it to (RFC 5280,
//! section 6): whoever vouches for somebody else may do so, all are for this purpose, and all were valid at the
//! time, which is that of a stamp by somebody who is trusted for times, or now.

use std::time::{SystemTime, UNIX_EPOCH};

use candor_model::CertificateRule;

use super::certificate::{Certificate, Purpose};
use super::signed::{SignedData, Timestamp};
use crate::work::Allowance;

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Which of `rules` count for a signature whose signer has this `chain`, and that was made at `stamp`, if somebody attests
/// that. One that is not trusted does wherever its certificate is, be the signature valid or not, and stands before those
/// that are trusted, which must vouch for the signer of a valid one.
pub(super) fn counting(
    rules: &[CertificateRule],
    data: &SignedData<'_>,
    chain: &[&Certificate<'_>],
    is_valid: bool,
    stamp: Option<&Timestamp<'_>>,
    now: i64,
    work: &Allowance,
) -> Vec<usize> {
    let is_met = |rule: &CertificateRule| {
        !rule.trusted && data.certificates.iter().any(|certificate| certificate.is(rule, work))
    };
    let mut places: Vec<usize> =
        (0..).zip(rules).filter(|(_, rule)| is_met(rule)).map(|(at, _)| at).collect();
    if !is_valid {
        return places;
    }
    let vouching: Vec<_> = (0..)
        .zip(rules)
        .filter_map(|(at, rule)| Some((at, path(rule, chain, Purpose::Code, work)?)))
        .collect();
    if vouching.is_empty() {
        return places;
    }
    let attested = stamp.filter(|stamp| {
        let chain = stamp.chain(work);
        rules.iter().any(|rule| {
            path(rule, &chain, Purpose::Time, work).is_some_and(|path| are_valid(path, stamp.seconds()))
        })
    });
    let moment = attested.map_or(now, Timestamp::seconds);
    places.extend(vouching.into_iter().filter(|(_, path)| are_valid(path, moment)).map(|(at, _)| at));
    places
}

/// The certificates that a trusted one vouches for, from the signer up: the signer alone where it is itself trusted.
fn path<'c, 'a>(
    rule: &CertificateRule,
    chain: &'c [&'c Certificate<'a>],
    purpose: Purpose,
    work: &Allowance,
) -> Option<&'c [&'c Certificate<'a>]> {
    let signs = match purpose {
        Purpose::Code => rule.signs_code,
        Purpose::Time => rule.signs_times,
    };
    if !rule.trusted || !signs {
        return None;
    }
    let is_trusted = |(place, certificate): (usize, &&Certificate<'_>)| {
        (place == 0 || rule.signs_certificates) && certificate.is(rule, work)
    };
    let length = match chain.iter().enumerate().position(is_trusted) {
        Some(0) => return chain.get(..1),
        Some(place) => place,
        None => {
            let last = chain.last()?;
            (!last.is_root() && last.is_signed_by_rule(rule, work)).then_some(chain.len())?
        }
    };
    let path = chain.get(..length)?;
    let may = |(below, certificate): (usize, &&Certificate<'_>)| {
        certificate.is_for(purpose) && below.checked_sub(1).is_none_or(|below| certificate.may_issue(below))
    };
    path.iter().enumerate().all(may).then_some(path)
}

fn are_valid(path: &[&Certificate<'_>], moment: i64) -> bool {
    path.iter().all(|certificate| certificate.is_valid_at(moment))
}
