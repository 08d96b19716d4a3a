//! What comes with an update, whatever bytes it is made of: what is read is what would be written, and nothing is
//! believed that nobody signed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use candor_update::feed::json::Value;
use candor_update::feed::release::{Contents, Header, Manifest, pack, unpack};
use candor_update::feed::{Output, State, time};
use candor_update::log::tiles::{self, Files, Tree};
use candor_update::log::witness::Request;
use candor_update::log::{Checkpoint, Hash, LogPolicy, Note, Proof, VerifierKey, merkle};
use candor_update::policy::Policy;

const OF: Header<'static> = Header { feed: "f", archive: "a", release: 1 };

/// Bytes that an archive's members may have together, for so many bytes of archive.
const RATIO: usize = 64;

/// The canonical form has one spelling, and metadata that is not signed is never a root.
pub(crate) fn metadata(bytes: &[u8]) {
    if let Ok(value) = Value::parse(bytes) {
        assert_eq!(value.write(), bytes);
    }
    // A root that was not signed by its own keys is none; nobody here can sign.
    if let Ok(state) = State::begin(bytes, &[]) {
        assert_eq!(State::parse(&state.write()).expect("what was written is read"), state);
    }
    if let Ok(state) = State::parse(bytes) {
        assert_eq!(state.write(), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(seconds) = time::parse(text)
    {
        assert_eq!(time::write(seconds), text);
    }
}

/// A note is written as it was read.
pub(crate) fn note(bytes: &[u8]) {
    let Ok(note) = Note::parse(bytes) else { return };
    assert_eq!(note.to_string().as_bytes(), bytes);
    if let Ok(checkpoint) = Checkpoint::parse(note.text()) {
        assert_eq!(checkpoint.to_string(), note.text());
    }
    let quorum = LogPolicy::parse(b"quorum none").expect("a policy");
    assert!(quorum.check(&note).is_err(), "a log that nobody named is not accepted");
}

/// Proofs and requests are written as they were read, but for extra data.
pub(crate) fn proof(bytes: &[u8]) {
    if let Ok(proof) = Proof::parse(bytes) {
        assert!(proof.path.len() <= merkle::LONGEST_PROOF);
        let written = proof.to_string();
        assert_eq!(Proof::parse(written.as_bytes()).as_ref(), Ok(&proof));
    }
    if let Ok(request) = Request::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
    }
}

/// A proof made from whatever tiles holds for their root, or cannot be made.
pub(crate) fn tiles(bytes: &[u8]) {
    struct Same<'a>(&'a [u8]);
    impl Files for Same<'_> {
        fn read(&mut self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
            let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
            if path.contains("entries") {
                return Ok(Some(self.0.iter().take(wanted).copied().collect()));
            }
            Ok((!self.0.is_empty()).then(|| self.0.iter().cycle().take(wanted).copied().collect()))
        }
    }
    let Some((head, rest)) = bytes.split_first_chunk::<24>() else { return };
    let number =
        |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight")) & (u64::MAX >> 1);
    let (size, index, old) = (number(0), number(8), number(16));
    let mut files = Same(rest);
    let mut tree = Tree::new(&mut files, "", size);
    if let Some(entries) = tiles::entries(rest) {
        assert!(entries.len() <= 256);
    }
    let _ = tree.entry(index);
    let Ok(root) = tree.root() else { return };
    if index < size
        && let Ok(proof) = merkle::prove_inclusion(&mut tree, index, size)
    {
        assert!(proof.len() <= merkle::LONGEST_PROOF);
        let other = Hash([0x5a; 32]);
        assert!(!merkle::includes(size, root, index, other, &proof), "another leaf is in the tree");
    }
    if old <= size
        && let Ok(proof) = merkle::prove_consistency(&mut tree, old, size)
    {
        // RFC 9162, 2.1.4: one more than an inclusion takes, in a tree of over 2^62 leaves.
        assert!(proof.len() <= merkle::LONGEST_PROOF + 1);
        assert!(old == 0 || !merkle::extends((old, Hash([0x5a; 32])), (size, root), &proof));
    }
}

/// An archive gives members that its manifest describes, within its bound, or nothing that may be used.
pub(crate) fn archive(bytes: &[u8]) {
    #[derive(Default)]
    struct Memory(BTreeMap<String, Vec<u8>>);
    impl Output for Memory {
        fn directory(&self) -> &Path {
            Path::new("/")
        }
        fn create(&mut self, name: &str) -> io::Result<Box<dyn Write + '_>> {
            assert!(!name.contains('/') && !name.starts_with('.'), "{name} leads elsewhere");
            Ok(Box::new(self.0.entry(name.to_owned()).or_default()))
        }
    }
    let mut memory = Memory::default();
    let unpacked = unpack(bytes, OF, &|_| true, &mut memory);
    let written: usize = memory.0.values().map(Vec::len).sum();
    assert!(written <= bytes.len().saturating_mul(RATIO), "{written} bytes of {}", bytes.len());
    if let Ok(unpacked) = unpacked {
        assert_eq!(unpacked.members.len(), memory.0.len());
        for member in &unpacked.members {
            let content = &memory.0[&member.name];
            assert_eq!(Hash::of(content).to_string(), member.sha256);
            assert!(content.iter().all(|byte| *byte >= 0x20 || b"\t\r\n".contains(byte)));
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Manifest::parse(text);
    }
}

/// A policy is read whole or not at all.
pub(crate) fn policy(bytes: &[u8]) {
    if let Err(error) = LogPolicy::parse(bytes) {
        assert!(error.line >= 1 && error.line <= bytes.split(|byte| *byte == b'\n').count());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Policy::parse(text) {
        Err(error) => assert!(error.line >= 1 && error.line <= text.split('\n').count()),
        Ok(policy) => {
            assert!(policy.demands.root > 0 && policy.demands.content > 0 && !policy.classes.is_empty());
        }
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
}

/// Files of a good feed, and of some that are not.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    let plan = candor_fixtures::feed::Plan::default();
    let built = candor_fixtures::feed::build(&plan, "2026-11-25T12:00:00Z", None, None);
    let files = |end: &'static str| built.files.iter().filter(move |(name, _)| name.ends_with(end));
    let contents = |end| files(end).map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>();
    match target {
        "update_metadata" => {
            let mut seeds = contents(".json");
            seeds.extend(State::begin(&built.files["1.root.json"], &[]).map(|state| state.write()));
            seeds.push(b"2026-11-25T12:00:00Z".to_vec());
            seeds
        }
        "update_note" => contents("log/checkpoint"),
        "update_proof" => contents(".tlog-proof"),
        "update_tiles" => {
            let numbers = [70_000_u64, 300, 255].map(u64::to_le_bytes).concat();
            contents("000").iter().map(|tile| [numbers.as_slice(), tile].concat()).collect()
        }
        "update_archive" => {
            let member = ("a.ndb".to_owned(), b"Test:0:*:0badc0de\n".to_vec());
            let own = Contents {
                feed: OF.feed.to_owned(),
                archive: OF.archive.to_owned(),
                release: OF.release,
                members: vec![member],
                ..Contents::default()
            };
            let mut seeds = contents(".tar.zst");
            seeds.extend(pack(&own));
            seeds
        }
        _ => {
            let text =
                candor_fixtures::feed::policy("pin = 1\nclasses = [\"hashes\"]", "example.com/log", true);
            let log: Vec<&str> = text.lines().filter(|line| !line.contains(['=', '\'', '['])).collect();
            vec![log.join("\n").into_bytes(), text.into_bytes()]
        }
    }
}

#[cfg(test)]
mod tests {
    /// Inputs to start from, and each with bytes changed, cut off and put in at places that look random.
    #[test]
    fn what_is_near_the_seeds_holds_as_well() {
        let mut state = 1_u64;
        let mut number = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits") % below.max(1)
        };
        let targets = [
            "archive", "key", "metadata", "note", "policy", "proof", "settings", "sources", "store", "tiles",
        ];
        for target in targets.map(|name| format!("update_{name}")) {
            let seeds = crate::seeds(&target);
            assert!(!seeds.is_empty(), "{target}");
            for seed in &seeds {
                crate::run(&target, seed);
                for _ in 0..100 {
                    let mut bytes = seed.clone();
                    for _ in 0..=number(3) {
                        let place = number(bytes.len());
                        match number(4) {
                            0 => bytes.truncate(place),
                            1 => bytes.insert(place.min(bytes.len()), b"0\n{}[]\",:="[number(10)]),
                            _ => {
                                if let Some(byte) = bytes.get_mut(place) {
                                    *byte ^= 1 << number(8);
                                }
                            }
                        }
                    }
                    crate::run(&target, &bytes);
                }
            }
        }
    }
}
