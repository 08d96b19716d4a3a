//! A key that a customer wrote down, and signatures by it beside a file: minisign's, or 64 bytes of Ed25519.
//!
//! ```text
//! untrusted comment: whatever
//! base64 of: "Ed" or "ED", the key's number (8 bytes), a signature (64) of the file or of its BLAKE2b-512
//! trusted comment: timestamp:1700000000   file:rules.ndb
//! base64 of: a signature of the signature above and the trusted comment
//! ```
//!
//! A key says who, not when: whoever carries files could bring an old one again. So the time that minisign writes into the
//! trusted comment is told, and what was signed before what was seen is refused by whoever remembers. 64 bytes say no time.

use blake2::{Blake2b512, Digest as _};
use ed25519_dalek::{Signature, VerifyingKey};

use crate::log::base64;

/// The most bytes of a file that holds a signature.
pub const MOST_SIGNATURE: u64 = 16 << 10;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The number that minisign gave it.
    number: Option<[u8; 8]>,
    public: VerifyingKey,
}

/// What a signature says besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// When it was made, in seconds since 1970, where whoever signed wrote it down.
    pub time: Option<u64>,
}

/// Why a signature does not vouch for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is none.
    #[error("the signature is neither one of minisign nor 64 bytes of Ed25519")]
    Malformed,
    /// It is by somebody else.
    #[error("the signature is by another key")]
    OtherKey,
    /// It is of something else.
    #[error("the signature does not fit")]
    Invalid,
}

impl Key {
    /// Reads a key: 32 bytes of Ed25519, or minisign's 42, in base64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.trim_end_matches('=');
        let padded =
            format!("{plain}{}", "=".repeat(plain.len().next_multiple_of(4).checked_sub(plain.len())?));
        let bytes = base64::decode(&padded)?;
        let (number, public) = match bytes.len() {
            32 => (None, bytes.as_slice()),
            42 => {
                let (head, public) = bytes.split_at_checked(10)?;
                let number = head.strip_prefix(b"Ed")?.try_into().ok()?;
                (Some(number), public)
            }
            _ => return None,
        };
        let public = VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
        (!public.is_weak()).then_some(Self { number, public })
    }

    /// Verifies the signature of a file.
    ///
    /// # Errors
    /// This key did not sign these bytes.
    pub fn verify(&self, bytes: &[u8], signature: &[u8]) -> Result<Signed, KeyError> {
        if let Ok(plain) = <&[u8; 64]>::try_from(signature) {
            self.signed(bytes, plain)?;
            return Ok(Signed::default());
        }
        let text = std::str::from_utf8(signature).map_err(|_| KeyError::Malformed)?;
        let mut lines = text.lines().map(|line| line.strip_suffix('\r').unwrap_or(line));
        let (Some(untrusted), Some(first), Some(comment), Some(second)) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(KeyError::Malformed);
        };
        let comment = comment.strip_prefix("trusted comment: ").ok_or(KeyError::Malformed)?;
        let first = base64::decode(first).filter(|bytes| bytes.len() == 74).ok_or(KeyError::Malformed)?;
        let second = base64::decode(second).ok_or(KeyError::Malformed)?;
        let (Some((kind, rest)), true) =
            (first.split_at_checked(2), untrusted.starts_with("untrusted comment:"))
        else {
            return Err(KeyError::Malformed);
        };
        let (number, of_file) = rest.split_at_checked(8).ok_or(KeyError::Malformed)?;
        if self.number.is_some_and(|known| known != number) {
            return Err(KeyError::OtherKey);
        }
        let of_file: &[u8; 64] = of_file.try_into().map_err(|_| KeyError::Malformed)?;
        let of_comment: &[u8; 64] = second.as_slice().try_into().map_err(|_| KeyError::Malformed)?;
        match kind {
            b"Ed" => self.signed(bytes, of_file)?,
            b"ED" => self.signed(&Blake2b512::digest(bytes), of_file)?,
            _ => return Err(KeyError::Malformed),
        }
        self.signed(&[of_file, comment.as_bytes()].concat(), of_comment)?;
        let time =
            comment.split(['\t', ' ']).find_map(|field| field.strip_prefix("timestamp:")?.parse().ok());
        Ok(Signed { time })
    }

    fn signed(&self, bytes: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        let signature = Signature::from_bytes(signature);
        self.public.verify_strict(bytes, &signature).map_err(|_| KeyError::Invalid)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&base64::encode(self.public.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    const NUMBER: &[u8; 8] = b"number 1";

    fn signing() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn key(number: &[u8; 8]) -> Key {
        let public = signing().verifying_key();
        let bytes = [b"Ed", &number[..], public.as_bytes()].concat();
        Key::parse(&base64::encode(&bytes)).unwrap()
    }

    fn minisign(bytes: &[u8], kind: &[u8; 2], comment: &str) -> String {
        let signed = if kind == b"ED" { Blake2b512::digest(bytes).to_vec() } else { bytes.to_vec() };
        let of_file = signing().sign(&signed).to_bytes();
        let of_comment = signing().sign(&[&of_file[..], comment.as_bytes()].concat()).to_bytes();
        let first = base64::encode(&[&kind[..], NUMBER, &of_file].concat());
        let second = base64::encode(&of_comment);
        format!("untrusted comment: x\n{first}\ntrusted comment: {comment}\n{second}\n")
    }

    #[test]
    fn a_key_of_minisign_and_its_signature_are_read() {
        // The example of minisign's own documentation, of the two kinds.
        let key = Key::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3").unwrap();
        let signature = "untrusted comment: signature from minisign secret key\n\
            RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
            trusted comment: timestamp:1555779966\tfile:test\n\
            QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==\n";
        let hashed = "untrusted comment: signature from minisign secret key\n\
            RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
            trusted comment: timestamp:1556193335\tfile:test\n\
            y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==\n";
        assert_eq!(key.verify(b"test", hashed.as_bytes()), Ok(Signed { time: Some(1_556_193_335) }));
        assert_eq!(key.verify(b"test", signature.as_bytes()), Ok(Signed { time: Some(1_555_779_966) }));
        assert_eq!(key.verify(b"tesT", signature.as_bytes()), Err(KeyError::Invalid));
    }

    #[test]
    fn what_is_signed_is_the_file_and_the_time() {
        let comment = "timestamp:1700000000\tfile:a.ndb\thashed";
        for kind in [b"Ed", b"ED"] {
            let good = minisign(b"bytes", kind, comment);
            assert_eq!(
                key(NUMBER).verify(b"bytes", good.as_bytes()),
                Ok(Signed { time: Some(1_700_000_000) })
            );
            assert_eq!(key(b"number 2").verify(b"bytes", good.as_bytes()), Err(KeyError::OtherKey));
            let later = good.replace("17000", "18000");
            assert_eq!(key(NUMBER).verify(b"bytes", later.as_bytes()), Err(KeyError::Invalid));
            // Any byte of what is decoded.
            for at in 0..good.len() {
                let mut bad = good.clone().into_bytes();
                bad[at] ^= 1;
                let is_comment = at < good.find('\n').unwrap();
                assert!(is_comment || key(NUMBER).verify(b"bytes", &bad).is_err(), "{at}");
            }
        }
    }

    #[test]
    fn sixty_four_bytes_are_a_signature_without_a_time() {
        let signature = signing().sign(b"bytes").to_bytes();
        let public = base64::encode(signing().verifying_key().as_bytes());
        for text in [public.as_str(), public.trim_end_matches('=')] {
            let key = Key::parse(text).unwrap();
            assert_eq!(key.verify(b"bytes", &signature), Ok(Signed { time: None }));
            assert_eq!(key.verify(b"other", &signature), Err(KeyError::Invalid));
            assert_eq!(key.to_string(), public);
        }
        assert_eq!(key(NUMBER).verify(b"bytes", b"short"), Err(KeyError::Malformed));
    }

    #[test]
    fn what_is_no_key_is_none() {
        let weak = base64::encode(&[0; 32]);
        for text in ["", "AAAA", "not base64 at all, not at all, not at all..", weak.as_str()] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}
