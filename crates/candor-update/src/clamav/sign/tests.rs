//! Signatures that `openssl` makes, where it is installed; what is no signature, everywhere.

use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

pub(in crate::clamav) struct Place(tempfile::TempDir);

impl Place {
    fn openssl(&self, arguments: &str) -> bool {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// An authority, and somebody whom it vouches for; `None` where there is no `openssl`.
    pub(in crate::clamav) fn new() -> Option<Self> {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.0.path().join("leaf.ext"), "basicConstraints=critical,CA:FALSE\n").unwrap();
        let root = |name: &str| {
            place.openssl(&format!(
                "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name} -addext \
                 basicConstraints=critical,CA:TRUE"
            ))
        };
        let leaf = |name: &str, by: &str, days: &str| {
            place.openssl(&format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"))
                && place.openssl(&format!(
                    "x509 -req -in {name}.csr -CA {by}.pem -CAkey {by}.key -CAcreateserial -days {days} -extfile leaf.ext \
                     -out {name}.pem"
                ))
        };
        let made = root("root")
            && root("other")
            && leaf("leaf", "root", "20")
            && leaf("old", "root", "-1")
            // Somebody who may not vouch for others does so.
            && leaf("below", "leaf", "20");
        std::fs::write(place.0.path().join("file"), b"the bytes of a database").unwrap();
        made.then_some(place)
    }

    pub(in crate::clamav) fn certificates(&self, name: &str) -> Vec<Certificate> {
        Certificate::read_all(&std::fs::read(self.0.path().join(format!("{name}.pem"))).unwrap())
    }

    /// A file of signatures of these bytes, by somebody whom `root` vouches for.
    pub(in crate::clamav) fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        std::fs::write(self.0.path().join("file"), bytes).unwrap();
        self.sign("leaf", "")
    }

    /// A file of signatures by this one.
    fn sign(&self, by: &str, more: &str) -> Vec<u8> {
        assert!(self.openssl(&format!(
            "cms -sign -binary -in file -signer {by}.pem -inkey {by}.key -outform DER -out {by}.der -md sha256{more}"
        )));
        let path = self.0.path().join(format!("{by}.der"));
        format!("#clamsign-1.0\n::pkcs7-pem:{}\n", digits(&path)).into_bytes()
    }
}

fn digits(path: &Path) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = std::fs::read(path).unwrap();
    bytes
        .chunks(3)
        .map(|piece| {
            let number =
                piece.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - piece.len()));
            let letter = |place: u32| char::from(LETTERS[(number >> (18 - 6 * place) & 63) as usize]);
            let all: String = (0..4).map(letter).collect();
            format!("{}{}", &all[..=piece.len()], "=".repeat(3 - piece.len()))
        })
        .collect()
}

pub(in crate::clamav) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

const BYTES: &[u8] = b"the bytes of a database";

#[test]
fn signatures_count_when_a_trusted_certificate_vouches_for_them() {
    let Some(place) = Place::new() else { return };
    let root = place.certificates("root");
    assert_eq!(root.len(), 1);
    for more in ["", " -noattr", " -certfile root.pem"] {
        let signed = place.sign("leaf", more);
        assert_eq!(verify(&signed, BYTES, &root, 233, now()), Ok(()), "{more}");
        assert_eq!(verify(&signed, b"other bytes", &root, 233, now()), Err(SignError::Invalid));
        assert_eq!(verify(&signed, BYTES, &place.certificates("other"), 233, now()), Err(SignError::Invalid));
        assert_eq!(verify(&signed, BYTES, &[], 233, now()), Err(SignError::Invalid));
        // In a hundred years nobody vouches for anything.
        assert_eq!(verify(&signed, BYTES, &root, 233, now() + 3_155_760_000), Err(SignError::Invalid));
    }
    // The certificate itself may be the one that is trusted.
    assert_eq!(verify(&place.sign("leaf", ""), BYTES, &place.certificates("leaf"), 233, now()), Ok(()));
}

#[test]
fn nobody_vouches_who_may_not() {
    let Some(place) = Place::new() else { return };
    let root = place.certificates("root");
    assert_eq!(verify(&place.sign("old", ""), BYTES, &root, 233, now()), Err(SignError::Invalid));
    let below = place.sign("below", " -certfile leaf.pem");
    assert_eq!(verify(&below, BYTES, &root, 233, now()), Err(SignError::Invalid));
    // What holds what it signs signs something else than the file.
    assert_eq!(verify(&place.sign("leaf", " -nodetach"), BYTES, &root, 233, now()), Err(SignError::Invalid));
}

#[test]
fn every_byte_of_a_signature_counts_or_changes_nothing() {
    let Some(place) = Place::new() else { return };
    let root = place.certificates("root");
    place.sign("leaf", "");
    let der = std::fs::read(place.0.path().join("leaf.der")).unwrap();
    assert_eq!(signed(&der, BYTES, &root, now()), Some(true));
    let mut accepted = 0;
    for place in 0..der.len() {
        let mut changed = der.clone();
        changed[place] ^= 1;
        accepted += usize::from(signed(&changed, BYTES, &root, now()) == Some(true));
    }
    // Versions, parameters and names of algorithms that are not looked at; nothing of what is signed.
    assert!(accepted < 60, "{accepted} of {}", der.len());
    for length in 0..der.len() {
        assert_ne!(signed(&der[..length], BYTES, &root, now()), Some(true), "{length}");
    }
}

#[test]
fn signatures_for_other_engines_do_not_count() {
    let Some(place) = Place::new() else { return };
    let root = place.certificates("root");
    let text = String::from_utf8(place.sign("leaf", "")).unwrap();
    for (range, result) in [
        ("200:300:", Ok(())),
        ("233:233:", Ok(())),
        ("234::", Err(SignError::None)),
        (":232:", Err(SignError::None)),
        ("x:y:", Err(SignError::None)),
    ] {
        let text = text.replacen("::", range, 1);
        assert_eq!(verify(text.as_bytes(), BYTES, &root, 233, now()), result, "{range}");
    }
}

#[test]
fn what_is_no_file_of_signatures_is_none() {
    for (text, error) in [
        ("", SignError::Head),
        ("#clamsign-2.0\n", SignError::Head),
        ("#clamsign-1.0\n", SignError::None),
        ("#clamsign-1.0\n1:2\n", SignError::None),
        ("#clamsign-1.0\n::pgp:xxxx\n", SignError::None),
        ("#clamsign-1.0\n::pkcs7-pem:\n", SignError::Invalid),
        ("#clamsign-1.0\n::pkcs7-pem:!!!!\n", SignError::Invalid),
        ("#clamsign-1.0\n::pkcs7-pem:MIIB\n", SignError::Invalid),
    ] {
        assert_eq!(verify(text.as_bytes(), BYTES, &[], 233, 0), Err(error), "{text}");
    }
    assert_eq!(verify(b"\xff", BYTES, &[], 233, 0), Err(SignError::Head));
    assert!(Certificate::read_all(b"").is_empty() && Certificate::read_all(&[0x30, 0x80]).is_empty());
}
