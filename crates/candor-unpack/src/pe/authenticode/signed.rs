//! Signed data (PKCS #7, RFC 5652): what was signed, by whom, when, and whether that is so.

use super::certificate::{self, Certificate, Purpose, time};
use super::der::{
    CONTEXT_0, CONTEXT_1, Element, Elements, INTEGER, OBJECT, OCTET_STRING, SEQUENCE, SET, first,
};
use super::told::seconds;
use crate::hash::Hash;
use crate::work::{Allowance, units};

/// Certificates and signers that are looked at, and links of a chain.
const CERTIFICATES: usize = 32;
const SIGNERS: usize = 4;
const CHAIN: usize = 8;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const COUNTERSIGNATURE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 6];
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
/// Microsoft's: a time stamp of RFC 3161, and further signatures of the same file.
const TIME_STAMP: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 3, 3, 1];
const NESTED: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 4, 1];

/// Signed data.
#[derive(Clone, Debug)]
pub(super) struct SignedData<'a> {
    /// The kind of what was signed, and it itself.
    pub(super) content_type: &'a [u8],
    pub(super) content: Element<'a>,
    pub(super) certificates: Vec<Certificate<'a>>,
    pub(super) signers: Vec<Signer<'a>>,
}

/// One signature.
#[derive(Clone, Debug)]
pub(super) struct Signer<'a> {
    issuer: &'a [u8],
    pub(super) serial: &'a [u8],
    pub(super) hash: Option<Hash>,
    attributes: Option<Element<'a>>,
    signature: &'a [u8],
    unsigned: Elements<'a>,
}

/// Why a signature is not valid.
pub(super) type Invalid = &'static str;

/// Or is not said to be.
const TOO_MUCH: Invalid = "finding out would cost more than the file is worth";

impl<'a> SignedData<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut outer = first(bytes, SEQUENCE)?.inside();
        if outer.expect(OBJECT)?.content != SIGNED_DATA {
            return None;
        }
        let mut fields = outer.expect(CONTEXT_0)?.inside().expect(SEQUENCE)?.inside();
        fields.expect(INTEGER)?;
        fields.expect(SET)?;
        let mut content = fields.expect(SEQUENCE)?.inside();
        let content_type = content.expect(OBJECT)?.content;
        let content = content.expect(CONTEXT_0)?.inside().next()?;
        let certificates = fields.expect(CONTEXT_0);
        let certificates = certificates.map(|list| certificate::all(list.inside(), CERTIFICATES));
        let _revoked = fields.expect(CONTEXT_1);
        let signers = fields.expect(SET)?.inside().take(SIGNERS);
        let signers = signers.filter_map(|signer| Signer::read(&signer)).collect();
        Some(Self { content_type, content, certificates: certificates.unwrap_or_default(), signers })
    }

    /// Whether a signer signed what stands here.
    pub(super) fn verify(&self, signer: &Signer<'a>, work: &Allowance) -> Result<(), Invalid> {
        let certificate = self.certificate(signer).ok_or("the certificate of the signer is missing")?;
        signer.verify(self.content.content, certificate, work)
    }

    /// The certificate of a signer.
    pub(super) fn certificate(&self, signer: &Signer<'a>) -> Option<&Certificate<'a>> {
        signer.certificate_in(&self.certificates)
    }

    /// The certificates from that of a signer up, each signed by the next.
    pub(super) fn chain(&self, signer: &Signer<'a>, work: &Allowance) -> Vec<&Certificate<'a>> {
        signer.chain_in(&self.certificates, work)
    }

    /// When a signer signed, as somebody else attests: the time and who says so.
    pub(super) fn timestamp(
        &self,
        signer: &Signer<'a>,
        work: &Allowance,
    ) -> Option<Result<Timestamp<'a>, Invalid>> {
        signer.counter_signature(&self.certificates, work).or_else(|| signer.time_stamp(work))
    }
}

/// An attested time.
#[derive(Clone, Debug)]
pub(super) struct Timestamp<'a> {
    /// As `YYYYMMDDHHMMSS`.
    pub(super) moment: String,
    /// Who attests it.
    pub(super) by: String,
    signer: Signer<'a>,
    /// What was brought along for it.
    certificates: Vec<Certificate<'a>>,
}

impl<'a> Timestamp<'a> {
    /// Of a signature about a time that was verified, by a certificate that is for that and was valid.
    fn of(
        moment: String,
        signer: Signer<'a>,
        certificate: &Certificate<'a>,
        certificates: &[Certificate<'a>],
    ) -> Result<Self, Invalid> {
        if !certificate.is_for(Purpose::Time) {
            return Err("the certificate of the time stamp is not one for times");
        }
        if !certificate.is_valid_at(seconds(&moment)) {
            return Err("the certificate of the time stamp was not valid then");
        }
        let by = certificate::name(&certificate.subject);
        Ok(Self { moment, by, signer, certificates: certificates.to_vec() })
    }

    /// In seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        seconds(&self.moment)
    }

    /// The certificates from that of who attests it up.
    pub(super) fn chain(&self, work: &Allowance) -> Vec<&Certificate<'a>> {
        self.signer.chain_in(&self.certificates, work)
    }
}

impl<'a> Signer<'a> {
    fn read(element: &Element<'a>) -> Option<Self> {
        let mut fields = element.inside();
        fields.expect(INTEGER)?;
        let mut who = fields.expect(SEQUENCE)?.inside();
        let (issuer, serial) = (who.expect(SEQUENCE)?.content, who.expect(INTEGER)?.content);
        let hash = fields.expect(SEQUENCE)?.inside().expect(OBJECT)?;
        let attributes = fields.expect(CONTEXT_0);
        fields.expect(SEQUENCE)?;
        let signature = fields.expect(OCTET_STRING)?.content;
        let unsigned = fields.expect(CONTEXT_1).map_or(Elements { rest: &[] }, |list| list.inside());
        let hash = Hash::of_object(hash.content);
        Some(Self { issuer, serial, hash, attributes, signature, unsigned })
    }

    /// The signature itself.
    #[cfg(test)]
    pub(super) const fn signature(&self) -> &'a [u8] {
        self.signature
    }

    fn certificate_in<'c>(&self, certificates: &'c [Certificate<'a>]) -> Option<&'c Certificate<'a>> {
        certificates.iter().find(|one| one.serial == self.serial && one.issuer.content == self.issuer)
    }

    fn chain_in<'c>(
        &self,
        certificates: &'c [Certificate<'a>],
        work: &Allowance,
    ) -> Vec<&'c Certificate<'a>> {
        let mut chain: Vec<&Certificate<'a>> = self.certificate_in(certificates).into_iter().collect();
        while let Some(last) = chain.last().filter(|last| chain.len() < CHAIN && !last.is_root()) {
            // What bears the name is tried, but not all that does.
            let named = certificates.iter().filter(|one| one.subject.content == last.issuer.content);
            let Some(issuer) = named.take(4).find(|one| last.is_signed_by(one, work)) else { break };
            chain.push(issuer);
        }
        chain
    }

    /// Whether this is the signature of `content` by who has `certificate`.
    fn verify(&self, content: &[u8], certificate: &Certificate<'_>, work: &Allowance) -> Result<(), Invalid> {
        let hash = self.hash.ok_or("its digest is of an unknown kind")?;
        let key = certificate.key().ok_or("its key is of an unknown kind")?;
        let attributes = self.attributes.map_or(0, |attributes| attributes.whole.len());
        if !work.pay(units(content.len()).saturating_add(units(attributes))) {
            return Err(TOO_MUCH);
        }
        let verify = |digest: &[u8]| match key.verify(hash, digest, self.signature, work) {
            true => Ok(()),
            false if work.is_over() => Err(TOO_MUCH),
            false => Err("the signature is wrong"),
        };
        let digest = hash.of(&[content]);
        let Some(attributes) = self.attributes else {
            return verify(&digest);
        };
        let told = attribute(attributes.inside(), MESSAGE_DIGEST).filter(|told| told.tag == OCTET_STRING);
        if told.is_none_or(|told| told.content != digest) {
            return Err("what is signed is not what stands there");
        }
        // Signed is the set; that it stands here under another tag does not count.
        let rest = attributes.whole.get(1..).unwrap_or_default();
        verify(&hash.of(&[&[SET], rest]))
    }

    /// The time of a countersignature, as it was made before RFC 3161.
    fn counter_signature(
        &self,
        certificates: &[Certificate<'a>],
        work: &Allowance,
    ) -> Option<Result<Timestamp<'a>, Invalid>> {
        let signer = Self::read(&attribute(self.unsigned, COUNTERSIGNATURE)?)?;
        let moment = time(&attribute(signer.attributes?.inside(), SIGNING_TIME)?)?;
        let Some(certificate) = signer.certificate_in(certificates) else {
            return Some(Err("the certificate of the time stamp is missing"));
        };
        let verified = signer.verify(self.signature, certificate, work);
        Some(verified.and_then(|()| Timestamp::of(moment, signer.clone(), certificate, certificates)))
    }

    /// The time of a stamp of RFC 3161.
    fn time_stamp(&self, work: &Allowance) -> Option<Result<Timestamp<'a>, Invalid>> {
        let stamp = attribute(self.unsigned, TIME_STAMP)?;
        let data = SignedData::read(stamp.whole)?;
        let signer = data.signers.first()?;
        let info = first(data.content.content, SEQUENCE)?;
        let mut fields = info.inside();
        fields.expect(INTEGER)?;
        fields.expect(OBJECT)?;
        let mut imprint = fields.expect(SEQUENCE)?.inside();
        let hash = Hash::of_object(imprint.expect(SEQUENCE)?.inside().expect(OBJECT)?.content);
        let digest = imprint.expect(OCTET_STRING)?.content;
        fields.expect(INTEGER)?;
        let moment = time(&fields.next()?)?;
        if hash.is_none_or(|hash| hash.of(&[self.signature]) != digest) {
            return Some(Err("the time stamp is of another signature"));
        }
        let Some(certificate) = data.certificate(signer) else {
            return Some(Err("the certificate of the time stamp is missing"));
        };
        let verified = data.verify(signer, work);
        Some(verified.and_then(|()| Timestamp::of(moment, signer.clone(), certificate, &data.certificates)))
    }

    /// Further signatures of the same file.
    pub(super) fn nested(&self) -> impl Iterator<Item = SignedData<'a>> {
        let lists = self
            .unsigned
            .filter(|list| list.inside().expect(OBJECT).is_some_and(|object| object.content == NESTED));
        let values = lists.flat_map(|list| {
            let mut fields = list.inside();
            fields.next();
            fields.expect(SET).map_or(Elements { rest: &[] }, |set| set.inside())
        });
        values.take(SIGNERS).filter_map(|value| SignedData::read(value.whole))
    }
}

/// The first value of an attribute.
fn attribute<'a>(attributes: Elements<'a>, kind: &[u8]) -> Option<Element<'a>> {
    let mut found = attributes.filter_map(|attribute| {
        let mut fields = attribute.inside();
        let object = fields.expect(OBJECT)?;
        if object.content == kind { fields.expect(SET)?.inside().next() } else { None }
    });
    found.next()
}
