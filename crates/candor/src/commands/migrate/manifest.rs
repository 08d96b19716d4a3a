//! The manifest of an archive that a quarantine went to: an entry for each file, each with the digest of the one before,
//! and a signature over the last digest when there was a key.
//!
//! What is sealed is the text of an entry as it stands there, so a manifest is only taken when it is written exactly as it
//! is made.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::units::hexadecimal;

/// The version of the manifest.
const SCHEMA: &str = "candor-quarantine-archive/1";

/// The password that everybody knows.
pub(super) const PASSWORD: &str = "infected";

/// The name of the manifest in its archive.
pub(super) const NAME: &str = "manifest.json";

/// What is known of one file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its name in the archive.
    pub(super) file: String,
    /// The product that set it aside; none for a file that was only moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) product: Option<String>,
    /// Where it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) original_path: Option<String>,
    /// What was found in it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) threat: Option<String>,
    /// When, as the product wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) quarantined_at: Option<String>,
    /// Where it was kept.
    pub(super) kept_in: String,
    /// SHA-256 of it.
    pub(super) sha256: String,
    /// How long it is.
    pub(super) size: u64,
    /// The answer now.
    pub(super) verdict: String,
    /// What was found in it now.
    pub(super) findings: Vec<String>,
    /// What could not be looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) incomplete: Vec<String>,
}

/// An entry in its place.
#[derive(Debug, Serialize, Deserialize)]
struct Chained {
    #[serde(flatten)]
    entry: Entry,
    /// The digest of the entry before.
    previous: String,
    digest: String,
}

/// What the digest of an entry is of.
#[derive(Serialize)]
struct Sealed<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    previous: &'a str,
}

/// What is signed.
#[derive(Serialize)]
struct Head<'a> {
    schema: &'a str,
    generated: &'a str,
    version: &'a str,
    entries: usize,
    last: &'a str,
}

/// The manifest, as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    schema: String,
    generated: String,
    version: String,
    password: String,
    entries: Vec<Chained>,
    last: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

impl Manifest {
    /// A manifest without entries.
    pub(super) fn new() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            generated: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            password: PASSWORD.to_owned(),
            entries: Vec::new(),
            last: "0".repeat(64),
            key: None,
            signature: None,
        }
    }

    /// Adds an entry to the chain.
    pub(super) fn add(&mut self, entry: Entry) -> anyhow::Result<()> {
        let previous = std::mem::take(&mut self.last);
        self.last = digest(&entry, &previous)?;
        self.entries.push(Chained { entry, previous, digest: self.last.clone() });
        Ok(())
    }

    /// The digest of the last entry: what to keep elsewhere.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    /// Ends the manifest, and signs it when there is a key.
    pub(super) fn finish(mut self, generated: &str, key: Option<&SigningKey>) -> anyhow::Result<Vec<u8>> {
        generated.clone_into(&mut self.generated);
        if let Some(key) = key {
            self.signature = Some(hexadecimal(key.sign(&self.head()?).to_bytes()));
            self.key = Some(hexadecimal(key.verifying_key().as_bytes()));
        }
        Ok(serde_json::to_vec_pretty(&self)?)
    }

    fn head(&self) -> anyhow::Result<Vec<u8>> {
        let Self { schema, generated, version, entries, last, .. } = self;
        Ok(serde_json::to_vec(&Head { schema, generated, version, entries: entries.len(), last })?)
    }
}

fn digest(entry: &Entry, previous: &str) -> anyhow::Result<String> {
    Ok(hexadecimal(Sha256::digest(serde_json::to_vec(&Sealed { entry, previous })?)))
}

/// A file that stands in an archive: what it really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// SHA-256 of it.
    pub(super) sha256: String,
    /// How long it is.
    pub(super) size: u64,
}

/// What must hold besides the chain itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expected<'a> {
    /// The key that must have signed it.
    pub(super) key: Option<&'a VerifyingKey>,
    /// The last digest, as somebody kept it elsewhere.
    pub(super) last: Option<&'a str>,
}

/// Makes sure that a manifest and the files beside it are what was put there: the links from the first on, each with its file,
/// then the end, the signature, and files that no entry names. Returns the manifest.
///
/// # Errors
/// What does not hold, and why: the first thing of the chain that does not.
pub(super) fn verify(
    text: &[u8],
    members: &BTreeMap<String, Member>,
    expected: &Expected<'_>,
) -> Result<Manifest, String> {
    let manifest: Manifest =
        serde_json::from_slice(text).map_err(|error| format!("{NAME} does not hold: it is none: {error}"))?;
    if manifest.schema != SCHEMA {
        return Err(format!("{NAME} does not hold: it is of the form \"{}\", not {SCHEMA}", manifest.schema));
    }
    let mut previous = "0".repeat(64);
    for (number, chained) in manifest.entries.iter().enumerate() {
        let Chained { entry, previous: before, digest: sealed } = chained;
        let broken = |why: String| {
            let shown = if entry.file.len() <= 80 { entry.file.as_str() } else { "…" };
            format!("entry {number} ({shown}) does not hold: {why}")
        };
        if *before != previous {
            let after = if number == 0 {
                "it is not the first".to_owned()
            } else {
                format!("it does not follow entry {}", number - 1)
            };
            return Err(broken(after));
        }
        if digest(entry, before).ok().as_ref() != Some(sealed) {
            return Err(broken("it does not say what it was sealed with".to_owned()));
        }
        if entry.file != format!("files/{}", entry.sha256) {
            return Err(broken("its file is not named by its digest".to_owned()));
        }
        let Some(member) = members.get(&entry.file) else {
            return Err(broken("its file is not in the archive".to_owned()));
        };
        if member.sha256 != entry.sha256 || member.size != entry.size {
            return Err(broken(format!(
                "its file has {} bytes and the SHA-256 {}, not {} bytes",
                member.size, member.sha256, entry.size
            )));
        }
        previous.clone_from(sealed);
    }
    if manifest.last != previous {
        return Err(format!("{NAME} does not hold: its last digest is not of its last entry"));
    }
    if serde_json::to_vec_pretty(&manifest).ok().as_deref() != Some(text) {
        return Err(format!("{NAME} does not hold: it is not written as it was made"));
    }
    let named: BTreeSet<&str> = manifest.entries.iter().map(|chained| chained.entry.file.as_str()).collect();
    if let Some(stranger) = members.keys().find(|name| !named.contains(name.as_str())) {
        return Err(format!("{stranger} stands in the archive, and no entry names it"));
    }
    if let Some(key) = expected.key {
        let signature =
            manifest.signature.as_deref().ok_or(format!("{NAME} does not hold: it is not signed"))?;
        let head = manifest.head().map_err(|error| error.to_string())?;
        let holds = bytes(signature)
            .is_some_and(|bytes| key.verify_strict(&head, &Signature::from_bytes(&bytes)).is_ok());
        if !holds {
            return Err(format!("{NAME} does not hold: its signature is not of that key"));
        }
    }
    if let Some(last) = expected.last
        && !last.eq_ignore_ascii_case(&manifest.last)
    {
        return Err(format!(
            "{NAME} does not hold: its last digest is {}, not the one that was kept",
            manifest.last
        ));
    }
    Ok(manifest)
}

impl Manifest {
    /// How many entries there are.
    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// When it was made.
    pub(super) fn generated(&self) -> &str {
        &self.generated
    }
}

/// A signature of hexadecimal digits.
fn bytes(digits: &str) -> Option<[u8; 64]> {
    let mut bytes = [0; 64];
    if digits.len() != 128 || !digits.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn sha256(content: &str) -> String {
        hexadecimal(Sha256::digest(content))
    }

    fn entry(content: &str) -> Entry {
        Entry {
            file: format!("files/{}", sha256(content)),
            product: Some("Defender".to_owned()),
            original_path: Some(format!(r"C:\{content}.exe")),
            threat: None,
            quarantined_at: Some("2024-01-02T03:04:05Z".to_owned()),
            kept_in: "old/x".to_owned(),
            sha256: sha256(content),
            size: content.len() as u64,
            verdict: "clean".to_owned(),
            findings: Vec::new(),
            incomplete: vec!["encrypted".to_owned()],
        }
    }

    fn made(contents: &[&str], key: Option<&SigningKey>) -> String {
        let mut manifest = Manifest::new();
        contents.iter().for_each(|content| manifest.add(entry(content)).unwrap());
        String::from_utf8(manifest.finish("2026-01-02T03:04:05Z", key).unwrap()).unwrap()
    }

    fn members(contents: &[&str]) -> BTreeMap<String, Member> {
        let member = |content: &str| Member { sha256: sha256(content), size: content.len() as u64 };
        contents.iter().map(|content| (format!("files/{}", sha256(content)), member(content))).collect()
    }

    const ALL: [&str; 3] = ["one", "two", "three"];

    #[test]
    fn what_was_made_holds() {
        let key = key(7);
        let text = made(&ALL, Some(&key));
        let members = members(&ALL);
        let last = verify(text.as_bytes(), &members, &Expected::default()).unwrap().last;
        let expected = Expected { key: Some(&key.verifying_key()), last: Some(&last) };
        let held = verify(text.as_bytes(), &members, &expected).unwrap();
        assert_eq!((held.entries(), held.generated()), (3, "2026-01-02T03:04:05Z"));
        // Nothing was in the quarantine.
        assert_eq!(
            verify(made(&[], None).as_bytes(), &BTreeMap::new(), &Expected::default()).unwrap().entries(),
            0
        );
        // Two entries of one content have one file.
        verify(made(&["one", "one"], None).as_bytes(), &self::members(&["one"]), &Expected::default())
            .unwrap();
    }

    /// Breaks a manifest of three entries in one place after the other; each is told as the first link that does not hold.
    #[test]
    fn each_link_that_is_broken_is_told() {
        let key = key(7);
        let text = made(&ALL, Some(&key));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let entries = value["entries"].as_array().unwrap();
        let with = |change: &dyn Fn(&mut serde_json::Value)| {
            // Through the types, so that the order of fields stays.
            let mut value = value.clone();
            change(&mut value);
            let manifest: Manifest = serde_json::from_value(value).unwrap();
            String::from_utf8(serde_json::to_vec_pretty(&manifest).unwrap()).unwrap()
        };
        let cases: Vec<(&str, String, &str)> = vec![
            ("a path", text.replacen(r"C:\\two.exe", r"C:\\2.exe", 1), "entry 1"),
            ("a time", with(&|all| all["entries"][0]["quarantined_at"] = "2025".into()), "entry 0"),
            ("a verdict", with(&|all| all["entries"][2]["verdict"] = "infected".into()), "entry 2"),
            ("a finding", with(&|all| all["entries"][2]["findings"] = vec!["x"].into()), "entry 2"),
            (
                "a digest",
                with(&|all| all["entries"][1]["digest"] = "1".repeat(64).into()),
                "does not say what it was sealed with",
            ),
            (
                "a link",
                with(&|all| all["entries"][1]["previous"] = "1".repeat(64).into()),
                "it does not follow entry 0",
            ),
            (
                "the first left out",
                with(&|all| drop(all["entries"].as_array_mut().unwrap().remove(0))),
                "entry 0 (files/",
            ),
            (
                "one left out",
                with(&|all| drop(all["entries"].as_array_mut().unwrap().remove(1))),
                "it does not follow entry 0",
            ),
            (
                "two changed places",
                with(&|all| all["entries"].as_array_mut().unwrap().swap(1, 2)),
                "it does not follow entry 0",
            ),
            (
                "one put in again",
                with(&|all| all["entries"].as_array_mut().unwrap().push(entries[2].clone())),
                "it does not follow entry 2",
            ),
            (
                "the end cut off",
                with(&|all| drop(all["entries"].as_array_mut().unwrap().pop())),
                "its last digest is not of its last entry",
            ),
            (
                "the last digest",
                with(&|all| all["last"] = "1".repeat(64).into()),
                "its last digest is not of its last entry",
            ),
            (
                "when",
                with(&|all| all["generated"] = "2025-01-01T00:00:00Z".into()),
                "its signature is not of that key",
            ),
            ("the version", with(&|all| all["version"] = "9".into()), "its signature is not of that key"),
            (
                "the signature",
                with(&|all| all["signature"] = "0".repeat(128).into()),
                "its signature is not of that key",
            ),
            ("no signature", with(&|all| all["signature"] = serde_json::Value::Null), "it is not signed"),
            ("the form", text.replacen("archive/1", "archive/2", 1), "not candor-quarantine-archive/1"),
            (
                "a field more",
                text.replacen("\"file\":", "\"note\": \"x\", \"file\":", 1),
                "not written as it was made",
            ),
            ("another field", text.replacen("\"schema\":", "\"more\": 1, \"schema\":", 1), "it is none"),
            ("blanks", text.replacen("{\n", "{ \n", 1), "not written as it was made"),
            ("half of it", text[..text.len() / 2].to_owned(), "it is none"),
        ];
        let public = key.verifying_key();
        let expected = Expected { key: Some(&public), last: None };
        for (what, changed, told) in cases {
            assert_ne!(changed, text, "{what}");
            let said = verify(changed.as_bytes(), &members(&ALL), &expected).unwrap_err();
            assert!(said.contains(told), "{what}: {said}");
        }
    }

    #[test]
    fn a_file_that_is_missing_changed_or_more_is_told() {
        let text = made(&ALL, None);
        let said = |members: &BTreeMap<String, Member>, expected: &Expected<'_>| {
            verify(text.as_bytes(), members, expected).unwrap_err()
        };
        let none = Expected::default();
        let missing = said(&members(&["one", "three"]), &none);
        assert!(
            missing.starts_with("entry 1") && missing.contains("its file is not in the archive"),
            "{missing}"
        );
        let mut changed = members(&ALL);
        let name = format!("files/{}", sha256("two"));
        changed.insert(name, Member { sha256: sha256("2wo"), size: 3 });
        let told = said(&changed, &none);
        assert!(told.starts_with("entry 1") && told.contains(&sha256("2wo")), "{told}");
        let told = said(&members(&["one", "two", "three", "four"]), &none);
        assert!(told.contains(&sha256("four")) && told.contains("no entry names it"), "{told}");
        let told = said(&members(&ALL), &Expected { key: None, last: Some(&"1".repeat(64)) });
        assert!(told.contains("not the one that was kept"), "{told}");
        let other = key(8).verifying_key();
        let signed = made(&ALL, Some(&key(7)));
        let told = verify(signed.as_bytes(), &members(&ALL), &Expected { key: Some(&other), last: None })
            .unwrap_err();
        assert!(told.contains("its signature is not of that key"), "{told}");
    }

    #[test]
    fn a_chain_that_was_made_anew_does_not_hold_without_its_key() {
        // Somebody without the key can make everything else fit.
        let forged = made(&["one", "two"], None);
        verify(forged.as_bytes(), &members(&["one", "two"]), &Expected::default()).unwrap();
        let public = key(7).verifying_key();
        let expected = Expected { key: Some(&public), last: None };
        assert!(verify(forged.as_bytes(), &members(&["one", "two"]), &expected).is_err());
    }
}
