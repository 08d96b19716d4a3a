//! Signatures by certificates, in a file beside the one that is signed: `--sign`, and `--verify` of them.
//!
//! Whoever publishes databases of his own signs them with a key of his own, and those who use them keep his certificate in
//! `CVDCertsDirectory`. What is written is one line of signed data of CMS (RFC 5652): RSA with SHA-256, over the attributes that
//! `openssl cms` writes, too. What it is read by is [`candor_update::clamav::verify`].

mod der;

use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use candor::clamav::clock::{Moment, seconds};
use candor_update::clamav::{Certificate, MOST_SIGNATURES, verify as is_vouched_for};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use sha2::{Digest as _, Sha256};

use super::reason;
use crate::console::{Console, shown};
use crate::options::Given;
use der::{FIRST, IDENTIFIER, INTEGER, NULL, OCTETS, SEQUENCE, SET, UTC_TIME, first, value};

/// What a file of signatures begins with.
const HEAD: &str = "#clamsign-1.0";

/// The level that this claims to have, as everything here does.
const LEVEL: u64 = 233;

/// Where certificates are when nothing is said.
const USUAL: &str = "/etc/clamav/certs";

/// The most bytes of a file that is signed.
const MOST: u64 = 4 << 30;

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

/// Who signs.
pub(super) struct Signer {
    key: RsaKeyPair,
    /// Certificates: first that of the key, then those that vouch for it.
    certificates: Vec<Vec<u8>>,
    /// Whether signatures that are there stay.
    appends: bool,
}

impl Signer {
    /// As the command line says; `None` when it names no key.
    pub(super) fn new(given: &Given) -> Result<Option<Self>, String> {
        let Some(key) = given.text("key") else { return Ok(None) };
        let key = key_of(Path::new(key))?;
        let mut certificates = Vec::new();
        for path in given.all("cert") {
            let path = Path::new(path);
            let text = read(path, MOST_SIGNATURES)?;
            let found = der::pem(&String::from_utf8_lossy(&text), "CERTIFICATE");
            if found.is_empty() {
                return Err(format!("sign: {} has no certificate", path.display()));
            }
            certificates.extend(found);
        }
        if certificates.is_empty() {
            return Err(String::from("sign: --cert is required: the certificate of the key"));
        }
        let own = certificates.iter().position(|certificate| belongs(certificate, &key));
        let own = own.ok_or_else(|| String::from("sign: none of the certificates is that of the key"))?;
        certificates.swap(0, own);
        Ok(Some(Self { key, certificates, appends: given.is_on("append") }))
    }

    /// Signs a file that is there; says where the signature is.
    pub(super) fn sign(&self, path: &Path) -> Result<PathBuf, String> {
        let bytes = read(path, MOST)?;
        let signed = self.signed_data(&bytes, seconds())?;
        let beside = beside(path, &bytes);
        let mut text = match fs::read_to_string(&beside) {
            Ok(text) if self.appends && text.starts_with(HEAD) => text,
            Ok(_) if self.appends => {
                return Err(format!("sign: {} is no file of signatures", beside.display()));
            }
            _ => format!("{HEAD}\n"),
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("::pkcs7-pem:{}\n", der::base64(&signed)));
        super::write(&beside, text.as_bytes())
            .map_err(|error| format!("sign: {}: {}", beside.display(), reason(&error)))?;
        Ok(beside)
    }

    fn signed_data(&self, bytes: &[u8], now: u64) -> Result<Vec<u8>, String> {
        let [certificate, ..] = self.certificates.as_slice() else {
            return Err(String::from("sign: there is no certificate"));
        };
        let (serial, issuer) = names(certificate).ok_or("sign: the certificate cannot be read")?;
        let identifier = |name: &[u8]| value(IDENTIFIER, &[name]);
        let null = value(NULL, &[]);
        let sha256 = value(SEQUENCE, &[&identifier(SHA256), &null]);
        let attribute =
            |name: &[u8], content: &[u8]| value(SEQUENCE, &[&identifier(name), &value(SET, &[content])]);
        let mut attributes = [
            attribute(CONTENT_TYPE, &identifier(DATA)),
            attribute(SIGNING_TIME, &value(UTC_TIME, &[utc(now).as_bytes()])),
            attribute(MESSAGE_DIGEST, &value(OCTETS, &[&Sha256::digest(bytes)])),
        ];
        // A set has its values in the order of their bytes.
        attributes.sort();
        let content = attributes.concat();
        let mut signature = vec![0; self.key.public().modulus_len()];
        // They are signed as the set that they are, not under the tag that they have in the message.
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &value(SET, &[&content]), &mut signature)
            .map_err(|_| String::from("sign: the key cannot sign"))?;
        let one = value(INTEGER, &[&[1]]);
        let signer = value(
            SEQUENCE,
            &[
                &one,
                &value(SEQUENCE, &[issuer, serial]),
                &sha256,
                &value(FIRST, &[&content]),
                &value(SEQUENCE, &[&identifier(RSA), &null]),
                &value(OCTETS, &[&signature]),
            ],
        );
        let certificates: Vec<&[u8]> = self.certificates.iter().map(Vec::as_slice).collect();
        let data = value(
            SEQUENCE,
            &[
                &one,
                &value(SET, &[&sha256]),
                &value(SEQUENCE, &[&identifier(DATA)]),
                &value(FIRST, &certificates),
                &value(SET, &[&signer]),
            ],
        );
        Ok(value(SEQUENCE, &[&identifier(SIGNED_DATA), &value(FIRST, &[&data])]))
    }
}

/// `--sign`.
pub(super) fn run(path: &Path, given: &Given, console: &mut Console) -> bool {
    let signed = Signer::new(given)
        .and_then(|signer| signer.ok_or_else(|| String::from("sign: --key is required for --sign")))
        .and_then(|signer| signer.sign(path));
    match signed {
        Ok(beside) => {
            console.show(&[b"Created ", shown(beside.as_os_str().as_bytes()).as_slice()].concat());
            true
        }
        Err(why) => {
            console.error(&why);
            false
        }
    }
}

/// `--verify`: whether somebody who is trusted signed a file.
pub(super) fn verify(path: &Path, given: &Given, console: &mut Console) -> bool {
    match verified(path, given) {
        Ok(beside) => {
            let line = format!("{}: verified by {}", path.display(), beside.display());
            console.show(&shown(line.as_bytes()));
            true
        }
        Err(why) => {
            console.error(&format!("verify: {why}"));
            false
        }
    }
}

fn verified(path: &Path, given: &Given) -> Result<PathBuf, String> {
    let bytes = read(path, MOST)?;
    let beside = beside(path, &bytes);
    let signatures = read(&beside, MOST_SIGNATURES)?;
    let folder = Path::new(given.text("cvdcertsdir").unwrap_or_else(|| USUAL.as_ref()));
    let trusted = trusted(folder)?;
    is_vouched_for(&signatures, &bytes, &trusted, LEVEL, seconds())
        .map_err(|error| format!("{}: {error}", beside.display()))?;
    Ok(beside)
}

/// The certificates in a folder.
fn trusted(folder: &Path) -> Result<Vec<Certificate>, String> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("{}: {}", folder.display(), reason(&error)))?;
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let mut trusted = Vec::new();
    for path in paths {
        trusted.extend(Certificate::read_all(&read(&path, MOST_SIGNATURES)?));
    }
    if trusted.is_empty() {
        return Err(format!("{} has no certificate with a key of RSA", folder.display()));
    }
    Ok(trusted)
}

/// Where the signature of a file is: with the version, of a container.
fn beside(path: &Path, bytes: &[u8]) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let version = candor_signature::clamav::Header::parse(bytes).ok().map(|header| header.version);
    let name = match (version, name.rsplit_once('.')) {
        (Some(version), Some((stem, kind))) => format!("{stem}-{version}.{kind}.sign"),
        _ => format!("{name}.sign"),
    };
    path.with_file_name(name)
}

fn key_of(path: &Path) -> Result<RsaKeyPair, String> {
    let text = read(path, MOST_SIGNATURES)?;
    let text = String::from_utf8_lossy(&text);
    let found = der::pem(&text, "PRIVATE KEY").first().map(|der| RsaKeyPair::from_pkcs8(der));
    let found =
        found.or_else(|| der::pem(&text, "RSA PRIVATE KEY").first().map(|der| RsaKeyPair::from_der(der)));
    match found {
        Some(Ok(key)) => Ok(key),
        Some(Err(error)) => Err(format!("sign: {}: {error}", path.display())),
        None => {
            Err(format!("sign: {} has no private key of RSA in PEM that is not encrypted", path.display()))
        }
    }
}

/// Whether a certificate is for this key: it has its public half.
fn belongs(certificate: &[u8], key: &RsaKeyPair) -> bool {
    let public: &[u8] = key.public().as_ref();
    certificate.windows(public.len()).any(|window| window == public)
}

/// The number of a certificate, and who issued it, as they stand there.
fn names(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (SEQUENCE, outer, ..) = first(certificate)? else { return None };
    let (SEQUENCE, mut fields, ..) = first(outer)? else { return None };
    if let (FIRST, _, _, rest) = first(fields)? {
        fields = rest;
    }
    let (INTEGER, _, serial, rest) = first(fields)? else { return None };
    let (SEQUENCE, _, _, rest) = first(rest)? else { return None };
    let (SEQUENCE, _, issuer, _) = first(rest)? else { return None };
    Some((serial, issuer))
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let wrong = |error: std::io::Error| format!("{}: {}", path.display(), reason(&error));
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(wrong)?;
    if !file.metadata().map_err(wrong)?.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(wrong)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return Err(format!("{} is too long", path.display()));
    }
    Ok(bytes)
}

/// A time as certificates of this century write it: `YYMMDDhhmmssZ`.
fn utc(seconds: u64) -> String {
    let stamp = Moment::of(seconds).stamp();
    let digits: String = stamp.chars().filter(char::is_ascii_digit).skip(2).collect();
    format!("{digits}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_certificates_have_them() {
        assert_eq!(utc(0), "700101000000Z");
        assert_eq!(utc(951_782_400), "000229000000Z");
        assert_eq!(utc(1_701_959_893), "231207143813Z");
        assert_eq!(utc(1_735_689_599), "241231235959Z");
    }

    #[test]
    fn the_signature_of_a_container_has_its_version_in_its_name() {
        let header =
            b"ClamAV-VDB:07 Dec 2023 09-38 -0500:27116:2:90:0123456789abcdef0123456789abcdef:x:me:1701959893";
        let mut bytes = header.to_vec();
        bytes.resize(512, b' ');
        assert_eq!(beside(Path::new("/x/own.cud"), &bytes), Path::new("/x/own-27116.cud.sign"));
        assert_eq!(beside(Path::new("/x/a.txt"), b"text"), Path::new("/x/a.txt.sign"));
    }
}
