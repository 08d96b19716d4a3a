//! Signatures of programs (Authenticode): who signed the file, whether it is still what was signed, and what
//! the certificates in the file say of the signer.
//!
//! Layout: "Windows Authenticode Portable Executable Signature Format"; PKCS #7 in entries of
//! `length 4 | revision 2 | kind 2 | data`, each at a multiple of eight.
//!
//! The digest is over the whole file without its checksum, the entry that leads to the signatures, and the
//! signatures. The chain that is told ends with what the file brings along: whether somebody trusts that, rules say ([`trust`]).
//!
//! Hostile files have tables outside of the file, thousands of signatures in one another, and keys that take
//! long: sizes and counts are bounded before anything is computed.

mod algorithm;
pub(crate) mod catalogue;
mod certificate;
mod der;
mod signed;
#[cfg(test)]
mod tests;
pub(crate) mod told;
pub(crate) mod trust;

use std::collections::BTreeSet;

use candor_model::Sink;

use super::image::PortableExecutable;
use crate::hash::{Hash, hexadecimal};
use crate::reader::{Reader, clipped};
use crate::work::Allowance;
use der::{OBJECT, OCTET_STRING, SEQUENCE};
use signed::{Invalid, SignedData, Signer, Timestamp};

/// Entries of the table, signatures of one file, and how deep they are in one another.
const ENTRIES: usize = 8;
const SIGNATURES: usize = 8;
const DEPTH: u32 = 3;
/// Longest entry.
const LONGEST: u64 = 4 << 20;

/// What a program signs: `SPC_INDIRECT_DATA`.
const INDIRECT_DATA: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4];

/// Tells who signed a program.
pub(super) fn tell(file: &PortableExecutable<'_>, sink: &mut dyn Sink) {
    let mut digests = Vec::new();
    if sink.wants_program_digests() {
        for hash in [Hash::Sha1, Hash::Sha256] {
            if let Some(digest) = file_digest(file, hash) {
                sink.program_digest(&digest);
                digests.push((hash, digest));
            }
        }
    }
    let Some((offset, length)) = file.directory(4) else { return };
    if file.certificates().is_none() {
        sink.detail("signature", format!("none: {length} bytes at offset {offset} are not in the file"));
        return;
    }
    let work = Allowance::new(sink.budget().work());
    let mut telling = Telling::new(file, sink, digests, &work);
    let table = clipped(file.bytes, u64::from(offset), u64::from(length));
    let mut reader = Reader::little(table);
    for _ in 0..ENTRIES {
        let start = reader;
        let (Some(length), Some(_), Some(kind)) = (reader.u32(), reader.u16(), reader.u16()) else { break };
        let data = clipped(reader.rest(), 0, u64::from(length).saturating_sub(8).min(LONGEST));
        match (kind, SignedData::read(data)) {
            (2, Some(data)) => telling.signatures(&data, DEPTH),
            (2, None) => telling.sink.detail("signature", "unreadable".to_owned()),
            (kind, _) => telling.sink.detail("signature", format!("of unknown kind {kind}")),
        }
        let step = u64::from(length).max(8).checked_next_multiple_of(8);
        let Some(next) =
            step.and_then(|step| start.at(u64::try_from(start.position()).ok()?.checked_add(step)?))
        else {
            break;
        };
        reader = next;
    }
    telling.decide();
    work.settle(sink);
}

struct Telling<'a, 'sink> {
    file: &'a PortableExecutable<'a>,
    sink: &'sink mut dyn Sink,
    /// Those of the file that were computed.
    digests: Vec<(Hash, Vec<u8>)>,
    left: usize,
    work: &'a Allowance,
    /// Seconds since 1970.
    now: i64,
    /// The rules that count for some signature.
    counting: BTreeSet<usize>,
}

impl<'a, 'sink> Telling<'a, 'sink> {
    fn new(
        file: &'a PortableExecutable<'a>,
        sink: &'sink mut dyn Sink,
        digests: Vec<(Hash, Vec<u8>)>,
        work: &'a Allowance,
    ) -> Self {
        Self { file, sink, digests, left: SIGNATURES, work, now: trust::now(), counting: BTreeSet::new() }
    }

    /// Hands over the rules that count: those that are not trusted first, as who is trusted vouches for nothing that somebody
    /// else signed beside it.
    fn decide(&mut self) {
        let rules = self.sink.certificate_rules();
        let is_trusted = |place: &usize| rules.get(*place).is_some_and(|rule| rule.trusted);
        let (trusted, not): (Vec<usize>, Vec<usize>) =
            self.counting.iter().partition(|place| is_trusted(place));
        not.into_iter().chain(trusted).for_each(|rule| self.sink.certified(rule));
    }
    fn signatures(&mut self, data: &SignedData<'_>, depth: u32) {
        for signer in &data.signers {
            let Some(left) = self.left.checked_sub(1) else { return };
            self.left = left;
            self.signature(data, signer);
            if let Some(depth) = depth.checked_sub(1) {
                for nested in signer.nested() {
                    self.signatures(&nested, depth);
                }
            }
        }
        if data.signers.is_empty() {
            self.sink.detail("signature", "unreadable: no signer".to_owned());
        }
    }

    fn signature(&mut self, data: &SignedData<'_>, signer: &Signer<'_>) {
        let hash = signer.hash.map_or("an unknown digest", Hash::name);
        let verified = self.verify(data, signer);
        let verdict = match verified {
            Ok(()) => format!("valid, {hash}"),
            Err(reason) => format!("invalid: {reason}"),
        };
        self.sink.detail("signature", verdict);
        let chain = data.chain(signer, self.work);
        let stamp = data.timestamp(signer, self.work);
        let attested = stamp.as_ref().and_then(|stamp| stamp.as_ref().ok());
        let rules = self.sink.certificate_rules();
        let counting = trust::counting(rules, data, &chain, verified.is_ok(), attested, self.now, self.work);
        self.counting.extend(counting);
        let Some(certificate) = chain.first() else {
            self.sink.detail("signer-serial", hexadecimal(signer.serial));
            return;
        };
        self.sink.detail("signer", certificate::name(&certificate.subject));
        self.sink.detail("signer-issuer", certificate::name(&certificate.issuer));
        self.sink.detail("signer-serial", hexadecimal(certificate.serial));
        self.sink.detail("signer-thumbprint", hexadecimal(&certificate.thumbprint));
        let last = chain.last().unwrap_or(certificate);
        let end = if !last.is_root() {
            format!(
                "{} certificates, up to {}, which is not in the file",
                chain.len(),
                certificate::name(&last.issuer)
            )
        } else if last.is_signed_by(last, self.work) {
            format!("{} certificates, up to the root {}", chain.len(), certificate::name(&last.subject))
        } else {
            format!(
                "{} certificates, up to {}, whose signature is wrong",
                chain.len(),
                certificate::name(&last.subject)
            )
        };
        self.sink.detail("signer-chain", end);
        let (from, to) = &certificate.validity;
        let mut told = match &stamp {
            None => "none".to_owned(),
            Some(Err(reason)) => format!("invalid: {reason}"),
            Some(Ok(stamp)) => format!("{} by {}", stamp.moment, stamp.by),
        };
        let is_valid = certificate.is_valid_at(attested.map_or(self.now, Timestamp::seconds));
        if attested.is_none() || !is_valid {
            told.push_str(&format!("; the certificate is for {from} to {to}"));
        }
        if attested.is_none() && !is_valid {
            told.push_str(", which is not now");
        }
        self.sink.detail("signature-time", told);
    }

    /// Whether the file is what a signer signed.
    fn verify(&mut self, data: &SignedData<'_>, signer: &Signer<'_>) -> Result<(), Invalid> {
        let (hash, told) = indirect(data).ok_or("it is not one of a program")?;
        let known = self.digests.iter().find(|(kind, _)| *kind == hash);
        let digest = match known {
            Some((_, digest)) => digest.clone(),
            None => {
                let digest = file_digest(self.file, hash).ok_or("the headers are cut short")?;
                self.digests.push((hash, digest.clone()));
                digest
            }
        };
        if digest != told {
            return Err("the file is not what was signed");
        }
        data.verify(signer, self.work)
    }
}

/// The digest of a program that was signed.
fn indirect<'a>(data: &SignedData<'a>) -> Option<(Hash, &'a [u8])> {
    if data.content_type != INDIRECT_DATA || data.content.tag != SEQUENCE {
        return None;
    }
    let mut fields = data.content.inside();
    fields.expect(SEQUENCE)?;
    let mut info = fields.expect(SEQUENCE)?.inside();
    let hash = Hash::of_object(info.expect(SEQUENCE)?.inside().expect(OBJECT)?.content)?;
    Some((hash, info.expect(OCTET_STRING)?.content))
}

/// The digest of a program, without what signing it changes.
fn file_digest(file: &PortableExecutable<'_>, hash: Hash) -> Option<Vec<u8>> {
    let header = u64::from(Reader::little(file.bytes).at(0x3c)?.u32()?);
    let optional = header.checked_add(24)?;
    let checksum = optional.checked_add(64)?;
    let entry = optional.checked_add(if file.is_64_bit { 112 + 32 } else { 96 + 32 })?;
    // Without signatures the file ends where they would begin.
    let (start, length) = file.certificates().unwrap_or((file.bytes.len() as u64, 0));
    let part = |from: u64, to: u64| Some(clipped(file.bytes, from, to.checked_sub(from)?));
    let behind = start.checked_add(length)?;
    Some(hash.of(&[
        part(0, checksum)?,
        part(checksum.checked_add(4)?, entry)?,
        part(entry.checked_add(8)?, start)?,
        clipped(file.bytes, behind, u64::MAX),
    ]))
}
