//! Who vouches for a container besides RSA over an MD5 sum: certificates, by a `.sign` beside it.
//!
//! An update decides by the same rule about what it fetches (`candor_update::clamav::vouch`). Here the files are on the disk: the broker
//! finds what belongs together by names, and whoever compiles, in its jail, reads and verifies. What is no
//! database goes there as a source whose name begins with a control character, which no name of a file can.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use candor_signature::Input;
use candor_update::clamav::{
    Believed, Certificate, HEADER, Head, MOST_SIGNATURES, NotVouched, OldSignature, Voucher, vouch,
};

use super::sources::{Role, Stamp};
use crate::escape::Escaped;

/// Where certificates are when nothing is said.
const USUAL: &str = "/etc/clamav/certs";
/// Files of certificates that are read.
const MOST_CERTIFICATES: usize = 1000;
/// Bytes of one of them.
const LONGEST_CERTIFICATE: u64 = 1 << 20;

/// Begins the name of a source that is no database.
const MARK: char = '\u{1}';
const CERTIFICATE: &str = "\u{1}certificate";
const REFUSE: &str = "\u{1}refuse";

/// Whose signatures of containers are believed besides ClamAV's own keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signers {
    /// The folder with certificates; where none is named, the usual one if it is there.
    pub certificates: Option<PathBuf>,
    /// Whether RSA over an MD5 sum alone is not enough.
    pub refuse_md5: bool,
    /// Whether of a folder only signed containers are used.
    pub official_only: bool,
}

impl Signers {
    /// The certificates there are.
    ///
    /// # Errors
    /// A folder is named and has none.
    pub(super) fn certificates(&self) -> anyhow::Result<Vec<Stamp>> {
        let folder = self.certificates.as_deref().unwrap_or_else(|| Path::new(USUAL));
        let name = Escaped::os(folder.as_os_str());
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(_) if self.certificates.is_none() => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("certificates in {name}")),
        };
        let mut stamps = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_one = |kind: &std::ffi::OsStr| {
                ["crt", "pem", "cer"].iter().any(|known| kind.eq_ignore_ascii_case(known))
            };
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if path.extension().is_some_and(is_one)
                && metadata.is_file()
                && metadata.len() <= LONGEST_CERTIFICATE
                && stamps.len() < MOST_CERTIFICATES
            {
                stamps.push(Stamp::new(path, &metadata, Role::Certificate));
            }
        }
        anyhow::ensure!(
            self.certificates.is_none() || !stamps.is_empty(),
            "certificates in {name}: there is none (.crt, .pem, .cer)"
        );
        Ok(stamps)
    }
}

/// Files of signatures beside these containers: `daily-27000.cvd.sign`.
pub(super) fn beside(stamps: &[Stamp]) -> Vec<Stamp> {
    let mut found: Vec<Stamp> = Vec::new();
    for path in stamps.iter().map(Stamp::path).filter(|path| is_published(&path.to_string_lossy())) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let Ok(entries) = fs::read_dir(folder.unwrap_or_else(|| Path::new("."))) else { continue };
        for entry in entries.flatten() {
            let beside = path.with_file_name(entry.file_name());
            let Some(version) = version_beside(path, &beside) else { continue };
            match fs::metadata(&beside) {
                Ok(metadata) if metadata.is_file() && metadata.len() <= MOST_SIGNATURES => {
                    let role = Role::Signature { of: path.to_path_buf(), version };
                    found.push(Stamp::new(beside, &metadata, role));
                }
                _ => (),
            }
        }
    }
    found
}

/// The version that `beside` says, by its name, that it signs of a container.
fn version_beside(container: &Path, beside: &Path) -> Option<u64> {
    let (stem, kind) = container.file_name()?.to_str()?.rsplit_once('.')?;
    let rest = beside.file_name()?.to_str()?.strip_suffix(".sign")?;
    let version = rest.strip_suffix(kind)?.strip_suffix('.')?.strip_prefix(stem)?.strip_prefix('-')?;
    let is_number = version.bytes().all(|byte| byte.is_ascii_digit());
    version.parse().ok().filter(|_| is_number)
}

/// Whether a container of this name has RSA over an MD5 sum in its header.
fn is_published(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("cvd"))
}

/// What a source is called on its way to whoever compiles; `of` is the name of the database that is signed.
pub(super) fn name_of(role: &Role, of: &str) -> String {
    match role {
        Role::Database => of.to_owned(),
        Role::Certificate => CERTIFICATE.to_owned(),
        Role::Signature { version, .. } => format!("{MARK}{version} {of}"),
        Role::Refuse => REFUSE.to_owned(),
    }
}

/// What a source is called that says of the container of this name that somebody vouched for it when it was verified.
pub(super) fn mark_of(name: &str) -> String {
    format!("{MARK}vouched {name}")
}

/// A container that nobody vouches for who is believed: its name, and why.
pub(super) struct Refused {
    pub(super) name: String,
    pub(super) why: String,
}

/// What comes of sources.
#[derive(Default)]
pub(super) struct Settled<'a> {
    /// The databases that may be used.
    pub(super) databases: Vec<Input<'a>>,
    /// The places of those for which a `.sign` vouches.
    pub(super) vouched: Vec<usize>,
    /// Those that may not be used.
    pub(super) refused: Vec<Refused>,
}

/// Sorts sources.
pub(super) fn settle<'a>(sources: &[Input<'a>]) -> Settled<'a> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    settle_at(sources, now)
}

fn settle_at<'a>(sources: &[Input<'a>], now: u64) -> Settled<'a> {
    let (others, databases): (Vec<Input<'a>>, Vec<Input<'a>>) =
        sources.iter().copied().partition(|source| source.name.starts_with(MARK));
    let certificates: Vec<Certificate> = others
        .iter()
        .filter(|source| source.name == CERTIFICATE)
        .flat_map(|source| Certificate::read_all(source.bytes))
        .collect();
    let refuses = others.iter().any(|source| source.name == REFUSE);
    let signature = |of: &str, version: u64| {
        let name = format!("{MARK}{version} {of}");
        others.iter().find(|source| source.name == name)
    };
    let old_signature = if refuses { OldSignature::Refuse } else { OldSignature::Warn };
    let believed = Believed { certificates: &certificates, old_signature, now };
    let mut settled = Settled::default();
    for database in databases {
        let name = database.name;
        // What has no header is told of by whoever reads it.
        let head = database.bytes.get(..HEADER).and_then(|bytes| Head::read(bytes).ok());
        let decided = match head.filter(|_| is_published(name)) {
            None => Ok(Voucher::Itself),
            Some(_) if others.iter().any(|source| source.name == mark_of(name)) => Ok(Voucher::Beside),
            Some(head) => {
                let beside = signature(name, head.version).map(|source| source.bytes);
                vouch(database.bytes, beside, believed).map_err(|error| match error {
                    NotVouched::Beside(error) => {
                        format!("the .sign of version {} beside it: {error}", head.version)
                    }
                    error => error.to_string(),
                })
            }
        };
        let why = match decided {
            Ok(Voucher::Beside) => {
                settled.vouched.push(settled.databases.len());
                None
            }
            Ok(Voucher::Itself) => None,
            Err(why) => Some(why),
        };
        match why {
            None => settled.databases.push(database),
            Some(why) => settled.refused.push(Refused { name: name.to_owned(), why }),
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use candor_fixtures::certificate::Signer;
    use candor_fixtures::release::Release;

    use super::*;

    /// A `.sign` of these bytes by the holder of the certificate `by`, and that certificate.
    fn signed(folder: &Path, by: &'static str, bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let signer = Signer::new(folder, by)?;
        Some((signer.sign(bytes), signer.certificate()))
    }

    /// What is said of the first database among these.
    fn said(sources: &[(&str, &[u8])]) -> String {
        let inputs: Vec<Input<'_>> = sources.iter().map(|(name, bytes)| Input { name, bytes }).collect();
        let Settled { databases, vouched, refused } = settle(&inputs);
        assert!(databases.iter().all(|database| !database.name.starts_with(MARK)));
        match refused.as_slice() {
            [] => format!("{} taken, {} vouched for", databases.len(), vouched.len()),
            [one] => format!("{}: {}", one.name, one.why),
            _ => panic!("{}", refused.len()),
        }
    }

    #[test]
    fn a_signature_beside_a_container_is_enough_and_needed_where_md5_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let daily = Release::new("daily", 101, &[("daily.ndb", "Test.A:0:*:66696e646d65\n")]).container();
        let patched =
            Release::new("daily", 101, &[("daily.ndb", "Test.A:0:*:66696e646d65\n")]).patched_container();
        let Some((good, by)) = signed(folder.path(), "one", &daily) else { return };
        let Some((bad, other)) = signed(folder.path(), "other", b"something else") else { return };
        let (database, refuse) = (("daily.cvd", daily.as_slice()), (REFUSE, &b""[..]));
        let certificate = (CERTIFICATE, by.as_slice());
        let beside = ("\u{1}101 daily.cvd", good.as_slice());
        assert_eq!(said(&[database]), "1 taken, 0 vouched for");
        assert_eq!(said(&[database, certificate, beside]), "1 taken, 1 vouched for");
        assert_eq!(said(&[database, certificate, beside, refuse]), "1 taken, 1 vouched for");
        let alone = format!("daily.cvd: {}", NotVouched::Alone);
        assert_eq!(said(&[database, refuse]), alone);
        // One of another version says nothing of this one.
        assert_eq!(said(&[database, certificate, ("\u{1}100 daily.cvd", &good), refuse]), alone);
        assert_eq!(said(&[database, certificate, ("\u{1}101 main.cvd", &good), refuse]), alone);
        // One that is there and does not fit is worse than none, whether MD5 is accepted or not.
        let invalid = "daily.cvd: the .sign of version 101 beside it: the signature is not valid, or by nobody who is trusted";
        for more in [None, Some(refuse)] {
            let said = |others: &[(&str, &[u8])]| said(&[others, more.as_slice()].concat());
            assert_eq!(said(&[database, (CERTIFICATE, &other), beside]), invalid);
            assert_eq!(said(&[database, certificate, ("\u{1}101 daily.cvd", &bad)]), invalid);
        }
        // Whoever verified it says so, of this one.
        let mark = mark_of("daily.cvd");
        assert_eq!(said(&[database, refuse, (&mark, b"")]), "1 taken, 1 vouched for");
        let mark = mark_of("main.cvd");
        assert_eq!(said(&[database, refuse, (&mark, b"")]), alone);
        // Nothing but a published container has such a header.
        assert_eq!(said(&[("daily.cld", &patched), ("own.ndb", b"x"), refuse]), "2 taken, 0 vouched for");
    }

    #[test]
    fn certificates_are_of_this_time() {
        let folder = tempfile::tempdir().unwrap();
        let daily = Release::new("daily", 101, &[]).container();
        let Some((good, by)) = signed(folder.path(), "one", &daily) else { return };
        let inputs = [
            Input { name: "daily.cvd", bytes: &daily },
            Input { name: "\u{1}101 daily.cvd", bytes: &good },
            Input { name: CERTIFICATE, bytes: &by },
        ];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(settle_at(&inputs, now).databases.len(), 1);
        assert_eq!(settle_at(&inputs, now + 31 * 86_400).databases.len(), 0);
    }

    #[test]
    fn what_belongs_to_a_container_is_told_by_its_name() {
        let version = |beside: &str| version_beside(Path::new("/x/daily.cvd"), Path::new(beside));
        assert_eq!(version("/x/daily-27000.cvd.sign"), Some(27_000));
        for other in [
            "/x/daily.cvd.sign",
            "/x/daily-.cvd.sign",
            "/x/daily-+1.cvd.sign",
            "/x/main-27000.cvd.sign",
            "/x/daily-27000.cld.sign",
            "/x/daily-27000.cvd",
            "/x/daily-99999999999999999999999.cvd.sign",
        ] {
            assert_eq!(version(other), None, "{other}");
        }
    }

    #[test]
    fn a_folder_of_certificates_that_is_named_must_have_some() {
        let folder = tempfile::tempdir().unwrap();
        let signers = |path: &Path| Signers { certificates: Some(path.to_path_buf()), ..Signers::default() };
        assert!(signers(&folder.path().join("none")).certificates().is_err());
        assert!(signers(folder.path()).certificates().is_err());
        fs::write(folder.path().join("a.crt"), "").unwrap();
        fs::write(folder.path().join("README"), "").unwrap();
        assert_eq!(signers(folder.path()).certificates().unwrap().len(), 1);
    }
}
