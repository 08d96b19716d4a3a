//! What operators and publishers write down: lists of sources, settings, digests, and keys with the signatures by them. It is read
//! whole or not at all, an error names a line that is there, and a signature vouches for nothing but what was signed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use candor_update::pipeline::{local, settings};
use candor_update::publish;
use candor_update::source::{self, Key, KeyError, Remembered, Signed, SourceKind};

/// A list is understood as a whole, and what it says leads nowhere else.
pub(crate) fn sources(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match source::read(text, "sources.toml") {
        Err(error) => {
            assert!(error.line >= 1 && error.line <= text.split('\n').count(), "{error}");
            assert!(!error.reason.is_empty());
        }
        Ok(list) => {
            let names: BTreeSet<&str> = list.sources.iter().map(|source| source.name.as_str()).collect();
            assert_eq!(names.len(), list.sources.len());
            assert!(names.iter().all(|name| !name.contains(['/', '.']) && !name.is_empty()));
            for source in &list.sources {
                assert!(source.hosts().iter().all(|host| !host.contains(['@', '/', ' '])));
                match &source.kind {
                    SourceKind::Directory(directory) => assert!(directory.path.is_absolute()),
                    SourceKind::Feed(feed) => assert!(feed.policy.is_absolute() && feed.root.is_absolute()),
                    SourceKind::Clamav(clamav) => {
                        assert!(!clamav.mirrors.is_empty() && !clamav.databases.is_empty());
                        assert!(clamav.databases.iter().all(|name| !name.contains(['/', '.'])));
                    }
                    SourceKind::Url { file, .. } => assert!(!file.contains('/') && !file.starts_with('.')),
                }
            }
            // A remark at the end changes nothing.
            assert_eq!(source::read(&format!("{text}\n# a remark"), "sources.toml"), Ok(list));
        }
    }
    // A name that begins with `./` once more is not written as it was read.
    if let Ok(pins) = local::pins(text)
        && pins.keys().all(|name| !name.starts_with("./"))
    {
        let written: String = pins.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
        assert_eq!(local::pins(&written), Ok(pins));
    }
}

/// Settings make sense, or are refused; what a source remembers is read as it was written.
pub(crate) fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(read) = settings::Settings::parse(text, Path::new("update.toml")) {
        let thresholds = read.thresholds();
        assert!(thresholds.crashes > 0 && thresholds.timeouts > 0 && thresholds.new_findings > 0);
        assert!(read.bounds().percent >= 100);
        assert!(read.golden.iter().chain(&read.policy).all(|path| path.is_absolute()));
    }
    if let Ok(read) = publish::Settings::parse(text) {
        assert!(read.root_threshold > 0 && read.content_threshold > 0);
        assert!(read.root_threshold <= read.root.len() as u64);
        assert!(read.content_threshold <= read.content.len() as u64);
        let roots: BTreeSet<[u8; 32]> = read.root.iter().map(|key| key.0).collect();
        assert_eq!(roots.len(), read.root.len(), "a key that counts twice");
    }
    if let Ok(read) = Remembered::read(Some(text)) {
        assert_eq!(Remembered::read(Some(&read.write())).expect("what was written is read"), read);
    }
}

/// The key of minisign's own documentation, and its signatures of `test` in the two forms that there are, with their times.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const OLD: &str = "untrusted comment: signature from minisign secret key\n\
    RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\n\
    trusted comment: timestamp:1555779966\tfile:test\n\
    QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==\n";
const HASHED: &str = "untrusted comment: signature from minisign secret key\n\
    RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
    trusted comment: timestamp:1556193335\tfile:test\n\
    y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==\n";

/// A key is read as it was written; a signature is of one file, by one key, at the time that its signer wrote down.
pub(crate) fn key(bytes: &[u8]) {
    static KNOWN: LazyLock<Key> = LazyLock::new(|| Key::parse(KEY).expect("a key"));
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let signature = bytes.get(end + 1..).unwrap_or_default();
    if let Some(key) = std::str::from_utf8(&bytes[..end]).ok().and_then(Key::parse) {
        let again = Key::parse(&key.to_string()).expect("what was written is read");
        assert_eq!(again.to_string(), key.to_string());
        if key.verify(b"test", signature).is_ok() {
            assert_eq!(key.to_string(), KNOWN.to_string(), "somebody else signed it");
        }
    }
    for signature in [signature, bytes] {
        match KNOWN.verify(b"test", signature) {
            Ok(Signed { time: Some(time) }) => assert!([1_555_779_966, 1_556_193_335].contains(&time)),
            Ok(Signed { time: None }) => assert_eq!(signature.len(), 64),
            Err(error) => {
                assert!(signature != OLD.as_bytes() && signature != HASHED.as_bytes(), "{error}");
                assert!(matches!(error, KeyError::Malformed | KeyError::OtherKey | KeyError::Invalid));
            }
        }
        assert!(KNOWN.verify(b"tesT", signature).is_err());
    }
}

/// What each of these reads when all is well.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    let texts = match target {
        "update_key" => vec![format!("{KEY}\n{OLD}"), format!("{KEY}\n{HASHED}"), OLD.to_owned()],
        "update_sources" => vec![
            include_str!("../../docs/reference/sources.md")
                .split("```toml\n")
                .nth(1)
                .and_then(|rest| rest.split("```").next())
                .expect("the example of the reference")
                .to_owned(),
            format!("# of ours\n{}  a.ndb\n{} *./b.hdb\n", "0a".repeat(32), "0B".repeat(32)),
            "[[source]]\nname = 'own'\nkind = 'directory'\npath = '/srv/x'\nkey = '".to_owned() + KEY + "'\n",
        ],
        _ => {
            let key = |name: &str| {
                let public = candor_fixtures::feed::key(name).verifying_key().to_bytes();
                format!("'{}'", publish::Public(public))
            };
            let keys = |names: &[&str]| names.iter().map(|name| key(name)).collect::<Vec<_>>().join(", ");
            vec![
                "golden = ['/usr/bin']\neicar = false\n[trial]\npercent = 200\nmax-time = 5\n\
                 [watch]\ncrashes = 1\nwindow = 60\non-new-findings = 'hold'\n"
                    .to_owned(),
                "profile = 'us-private'\npolicy = '/etc/candor/policy'\nown-canaries = false\n".to_owned(),
                format!(
                    "feed = 'example.com/feed'\nroot = [{}]\nroot-threshold = 2\ncontent = [{}]\n\
                     content-threshold = 1\nonline = {}\nroot-days = 365\ncontent-days = 90\nonline-days = 3\n\
                     log = ''\n",
                    keys(&["a", "b", "c"]),
                    keys(&["d", "e"]),
                    key("f")
                ),
                Remembered { modified: Some(1), signed: Some(2), ..Remembered::default() }.write(),
            ]
        }
    };
    texts.into_iter().map(String::into_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_what_they_should_be() {
        let text = |target, number: usize| String::from_utf8(seeds(target)[number].clone()).unwrap();
        let list = source::read(&text("update_sources", 0), "x").unwrap();
        assert!(list.sources.len() >= 4);
        assert_eq!(local::pins(&text("update_sources", 1)).unwrap().len(), 2);
        assert_eq!(source::read(&text("update_sources", 2), "x").unwrap().sources.len(), 1);
        for number in [0, 1] {
            settings::Settings::parse(&text("update_settings", number), Path::new("x")).unwrap();
        }
        publish::Settings::parse(&text("update_settings", 2)).unwrap();
        assert!(Remembered::read(Some(&text("update_settings", 3))).is_ok());
        let known = Key::parse(KEY).unwrap();
        for signature in [OLD, HASHED] {
            assert!(known.verify(b"test", signature.as_bytes()).is_ok());
        }
    }
}
