//! The examples of the specifications, every size of small trees, and what each check is there for.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::merkle::{self, Subtrees};
use super::tiles::{self, Files, FilesMut, Tree};
use super::witness::{Record, Request, WitnessError};
use super::*;

fn signer(name: &str, kind: KeyKind, seed: u8) -> SignerKey {
    SignerKey::new(name, kind, SigningKey::from_bytes(&[seed; 32])).unwrap()
}

fn log_key() -> SignerKey {
    signer("example.com/log", KeyKind::Note, 1)
}

#[derive(Clone, Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn read(&mut self, path: &str, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
        let bytes = self.0.get(path).cloned();
        if bytes.as_ref().is_some_and(|bytes| bytes.len() as u64 > limit) {
            return Err(std::io::Error::other("longer than asked for"));
        }
        Ok(bytes)
    }
}

impl FilesMut for Memory {
    fn write(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.0.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
}

/// RFC 6962, 2.1, as it is written there.
fn definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => merkle::empty(),
        [leaf] => *leaf,
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            merkle::node(definition(&leaves[..middle]), definition(&leaves[middle..]))
        }
    }
}

struct Leaves(Vec<Hash>);

impl Subtrees for Leaves {
    type Error = ();

    fn subtree(&mut self, level: u32, index: u64) -> Result<Hash, ()> {
        let start = usize::try_from(index << level).unwrap();
        Ok(definition(&self.0[start..start + (1 << level)]))
    }
}

fn leaves(count: u8) -> Vec<Hash> {
    (0..count).map(|number| merkle::leaf(&[number])).collect()
}

#[test]
fn base64_has_one_spelling() {
    for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
        assert_eq!(base64::encode(bytes.as_bytes()), text);
        assert_eq!(base64::decode(text).as_deref(), Some(bytes.as_bytes()));
    }
    for text in
        ["Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm 9", "Zm-_", "\u{2014}a"]
    {
        assert_eq!(base64::decode(text), None, "{text}");
    }
}

#[test]
fn the_example_of_the_specification_is_a_note() {
    let text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u{e8} subito sera.\n\n\
        \u{2014} quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let note = Note::parse(text.as_bytes()).unwrap();
    assert!(note.text().ends_with("\n\ned \u{e8} subito sera.\n"));
    assert_eq!(note.signatures()[0].id, 0x367b_a04b);
    assert_eq!(note.to_string(), text);
    // Nobody that is known has signed it.
    assert_eq!(note.verify(&[log_key().verifier()]), Ok(vec![]));
}

#[test]
fn keys_are_spelt_as_go_spells_them() {
    // From the documentation of golang.org/x/mod/sumdb/note: the key of a public server.
    let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let key = VerifierKey::parse(text).unwrap();
    assert_eq!((key.name(), key.id(), key.to_string().as_str()), ("sum.golang.org", 0x033d_e0ae, text));
    let wrong = text.replace("033de0ae", "033de0af");
    assert!(matches!(VerifierKey::parse(&wrong), Err(KeyError::Id { .. })));
    assert!(matches!(VerifierKey::parse("a b+00000000+AQ=="), Err(KeyError::Bytes(_))));
    assert!(matches!(VerifierKey::new("a b", KeyKind::Note, &[1; 32]), Err(KeyError::Name(_))));
    // The neutral element signs anything.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert!(matches!(VerifierKey::new("a", KeyKind::Note, &neutral), Err(KeyError::Weak(_))));
}

#[test]
fn a_note_is_refused_for_what_is_wrong_with_it() {
    let check = |bytes: &[u8], error: &NoteError| assert_eq!(Note::parse(bytes).as_ref(), Err(error));
    check(b"text\n", &NoteError::Unsigned);
    check(b"text\n\n", &NoteError::Unsigned);
    check(b"te\rxt\n\n\xe2\x80\x94 a AAAAAAA=\n", &NoteError::Text);
    check(b"\xff\n\n", &NoteError::Text);
    check("text\n\n\u{2014} a AAAAAAA=".as_bytes(), &NoteError::Unsigned);
    check("text\n\n\u{2014} a AAAAAA==\n".as_bytes(), &NoteError::Line(1));
    check("text\n\n\u{2014} a+b AAAAAAA=\n".as_bytes(), &NoteError::Line(1));
    check("text\n\n- a AAAAAAA=\n".as_bytes(), &NoteError::Line(1));
    check(&vec![b'a'; LONGEST_NOTE + 1], &NoteError::Long(LONGEST_NOTE + 1));
    let many = format!("text\n\n{}", "\u{2014} a AAAAAAA=\n".repeat(65));
    check(many.as_bytes(), &NoteError::Many(65));
}

#[test]
fn a_wrong_signature_of_a_known_key_condemns_the_note() {
    let (log, witness) = (log_key(), signer("w", KeyKind::Cosignature, 2));
    let mut note = Note::new("example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n").unwrap();
    note.sign(&log);
    note.add(note.cosignature(&witness, 7));
    let keys = [log.verifier(), witness.verifier()];
    let signed = note.verify(&keys).unwrap();
    assert_eq!(signed, [Signed { key: 0, time: None }, Signed { key: 1, time: Some(7) }]);
    // The time is signed as well.
    let mut moved = note.clone();
    let mut line = note.signatures()[1].clone();
    line.bytes[7] = 8;
    moved.add(line);
    assert_eq!(moved.verify(&keys), Err(NoteError::Signature("w".to_owned())));
    assert_eq!(moved.verify(&keys[..1]).unwrap().len(), 1, "a key that is not known cannot be wrong");
    let mut twice = note.to_string();
    twice.push_str(&format!("{}\n", note.signatures()[1]));
    assert_eq!(Note::parse(twice.as_bytes()).unwrap().verify(&keys), Err(NoteError::Twice("w".to_owned())));
}

#[test]
fn the_example_of_a_checkpoint_is_read_and_its_deviations_are_not() {
    let good = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::parse(good).unwrap();
    assert_eq!((checkpoint.size, checkpoint.to_string().as_str()), (20_852_163, good));
    let bad = |from: &str, to: &str| Checkpoint::parse(&good.replace(from, to)).unwrap_err();
    assert!(matches!(bad("20852163", "020852163"), CheckpointError::Size(_)));
    assert!(matches!(bad("20852163", "+20852163"), CheckpointError::Size(_)));
    assert!(matches!(bad("20852163", "9223372036854775808"), CheckpointError::Size(_)));
    assert!(matches!(bad("CsU", "CsU="), CheckpointError::Root(_)));
    assert!(matches!(bad("q2I=\n", "q2I=\nmore\n"), CheckpointError::Extended(_)));
    assert!(matches!(bad("example.com/behind-the-sofa\n", ""), CheckpointError::Lines));
    assert!(matches!(bad("q2I=\n", "q2I="), CheckpointError::Lines));
}

#[test]
fn every_proof_of_small_trees_holds_and_no_other_does() {
    for size in 1..=33_u8 {
        let all = leaves(size);
        let root = definition(&all);
        let mut subtrees = Leaves(all.clone());
        assert_eq!(merkle::root(&mut subtrees, 0, size.into()), Ok(root));
        for index in 0..size {
            let proof = merkle::prove_inclusion(&mut subtrees, index.into(), size.into()).unwrap();
            let leaf = all[usize::from(index)];
            let holds = |size: u64, index: u64, leaf, proof: &[Hash]| {
                merkle::includes(size, root, index, leaf, proof)
            };
            assert!(holds(size.into(), index.into(), leaf, &proof));
            assert!(!holds(size.into(), index.into(), merkle::leaf(b"other"), &proof));
            for other in (0..size).filter(|other| *other != index) {
                assert!(!holds(size.into(), other.into(), leaf, &proof), "{size} {index} {other}");
            }
            assert!(!holds(size.into(), size.into(), leaf, &proof));
            let longer: Vec<Hash> = proof.iter().copied().chain([root]).collect();
            assert!(!holds(size.into(), index.into(), leaf, &longer));
            if let Some((_, shorter)) = proof.split_last() {
                assert!(!holds(size.into(), index.into(), leaf, shorter));
            }
        }
        for old in 0..=size {
            let old_root = definition(&all[..usize::from(old)]);
            let proof = merkle::prove_consistency(&mut subtrees, old.into(), size.into()).unwrap();
            let (old, size) = (u64::from(old), u64::from(size));
            assert!(merkle::extends((old, old_root), (size, root), &proof), "{old} {size}");
            let forked = merkle::leaf(b"another history");
            assert!(!merkle::extends((old, forked), (size, root), &proof));
            assert!(old == 0 || !merkle::extends((old, old_root), (size, forked), &proof));
            if old < size && old > 0 {
                assert!(!merkle::extends((size, root), (old, old_root), &proof));
                let longer: Vec<Hash> = proof.iter().copied().chain([root]).collect();
                assert!(!merkle::extends((old, old_root), (size, root), &longer));
                assert!(!merkle::extends((old, old_root), (size, root), &proof[..proof.len() - 1]));
            }
        }
    }
}

#[test]
fn paths_of_tiles_are_those_of_the_specification() {
    assert_eq!(tiles::path(Some(0), 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(tiles::path(Some(2), 0, 17), "tile/2/000.p/17");
    assert_eq!(tiles::path(None, 999, 256), "tile/entries/999");
    assert_eq!(tiles::path(None, 1000, 1), "tile/entries/x001/000.p/1");
}

#[test]
fn a_log_is_the_same_however_it_was_filled() {
    let entries: Vec<Vec<u8>> = (0..70_000_u32).map(|number| number.to_be_bytes().to_vec()).collect();
    let mut at_once = Memory::default();
    assert_eq!(tiles::append(&mut at_once, "log/", 0, &entries).unwrap(), 70_000);
    // The sizes that the specification gives as its example.
    for path in ["tile/0/x000/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
        let path = path.replace("x000/", "");
        assert!(at_once.0.contains_key(&format!("log/{path}")), "{path}");
    }
    let mut piecemeal = Memory::default();
    let mut size = 0;
    for part in [1, 254, 1, 1, 255, 256, 257, 65_000, 3975] {
        let start = usize::try_from(size).unwrap();
        size = tiles::append(&mut piecemeal, "log/", size, &entries[start..start + part]).unwrap();
    }
    let leaves: Vec<Hash> = entries.iter().map(|entry| merkle::leaf(entry)).collect();
    let root = definition(&leaves);
    for files in [&mut at_once, &mut piecemeal] {
        let mut tree = Tree::new(files, "log/", 70_000);
        assert_eq!(tree.root().unwrap(), root);
        for index in [0, 255, 256, 65_535, 65_536, 69_999] {
            assert_eq!(tree.entry(index).unwrap(), entries[usize::try_from(index).unwrap()]);
            let proof = merkle::prove_inclusion(&mut tree, index, 70_000).unwrap();
            assert!(merkle::includes(70_000, root, index, leaves[usize::try_from(index).unwrap()], &proof));
        }
        assert!(tree.entry(70_000).is_err());
    }
    // Every size that a checkpoint was made for can still be read.
    assert_eq!(Tree::new(&mut piecemeal, "log/", 257).root().unwrap(), definition(&leaves[..257]));
    // A partial tile may be gone once the full one is there.
    piecemeal.0.remove("log/tile/0/001.p/1").unwrap();
    assert_eq!(Tree::new(&mut piecemeal, "log/", 257).root().unwrap(), definition(&leaves[..257]));
}

#[test]
fn a_tile_of_the_wrong_length_is_not_read() {
    let mut files = Memory::default();
    tiles::append(&mut files, "", 0, &[b"a".to_vec(), b"b".to_vec()]).unwrap();
    files.0.get_mut("tile/0/000.p/2").unwrap().pop();
    assert!(matches!(Tree::new(&mut files, "", 2).root(), Err(tiles::TileError::Length { .. })));
    files.0.remove("tile/0/000.p/2");
    assert!(matches!(Tree::new(&mut files, "", 2).root(), Err(tiles::TileError::Missing(_))));
    files.0.insert("tile/entries/000.p/2".to_owned(), vec![0, 1, b'a', 0, 2, b'b']);
    assert!(matches!(tiles::append(&mut files, "", 2, &[]), Err(tiles::TileError::Bundle(_))));
    assert!(matches!(
        tiles::append(&mut Memory::default(), "", 0, &[vec![0; 70_000]]),
        Err(tiles::TileError::Entry(70_000))
    ));
}

/// A log of two entries with three witnesses, two of which must have signed.
struct World {
    files: Memory,
    log: SignerKey,
    witnesses: [SignerKey; 3],
    policy: LogPolicy,
}

impl World {
    fn new() -> Self {
        let log = log_key();
        let witnesses = [2, 3, 4].map(|seed| signer(&format!("w{seed}"), KeyKind::Cosignature, seed));
        let mut text = format!("# a comment\nlog {} https://example.com/log\n\n", log.verifier());
        for witness in &witnesses {
            text.push_str(&format!("\twitness {} {}\n", witness.verifier().name(), witness.verifier()));
        }
        text.push_str("group all 2 w2 w3 w4\nquorum all\n");
        let mut files = Memory::default();
        tiles::append(&mut files, "", 0, &[b"first".to_vec()]).unwrap();
        tiles::append(&mut files, "", 1, &[b"second".to_vec()]).unwrap();
        Self { files, log, witnesses, policy: LogPolicy::parse(text.as_bytes()).unwrap() }
    }

    fn checkpoint(&mut self, size: u64, cosigned: &[(usize, u64)]) -> Note {
        let root = Tree::new(&mut self.files, "", size).root().unwrap();
        let checkpoint = Checkpoint { origin: self.log.verifier().name().to_owned(), size, root };
        let mut note = Note::new(&checkpoint.to_string()).unwrap();
        note.sign(&self.log);
        for (witness, time) in cosigned {
            note.add(note.cosignature(&self.witnesses[*witness], *time));
        }
        note
    }

    fn proof(&mut self, index: u64, cosigned: &[(usize, u64)]) -> Proof {
        let path = merkle::prove_inclusion(&mut Tree::new(&mut self.files, "", 2), index, 2).unwrap();
        Proof { index, path, checkpoint: self.checkpoint(2, cosigned) }
    }
}

#[test]
fn a_proof_needs_the_log_the_quorum_and_the_entry() {
    let mut world = World::new();
    let proof = world.proof(1, &[(0, 30), (2, 10)]);
    assert_eq!(Proof::parse(proof.to_string().as_bytes()).as_ref(), Ok(&proof));
    let witnessed = proof.verify(&world.policy, b"second").unwrap();
    assert_eq!(witnessed.witnesses, [("w4".to_owned(), 10), ("w2".to_owned(), 30)]);
    assert!(matches!(
        proof.verify(&world.policy, b"first"),
        Err(ProofError::NotIncluded { index: 1, size: 2 })
    ));
    let lonely = world.proof(1, &[(0, 30)]);
    assert_eq!(
        lonely.verify(&world.policy, b"second").unwrap_err().to_string(),
        "the checkpoint of `example.com/log` is not witnessed enough: the policy's quorum is not reached by w2"
    );
    let mut unsigned = Note::new(proof.checkpoint.text()).unwrap();
    unsigned.add(unsigned.cosignature(&world.witnesses[0], 30));
    unsigned.add(unsigned.cosignature(&world.witnesses[1], 30));
    let error = world.policy.check(&unsigned).unwrap_err();
    assert_eq!(error, NotWitnessed::Log("example.com/log".to_owned()));
}

#[test]
fn a_proof_with_extra_data_is_read_and_damaged_ones_are_not() {
    let text = World::new().proof(0, &[]).to_string();
    let with_extra = text.replace("@v1\n", "@v1\nextra Zm9v\n");
    assert_eq!(Proof::parse(with_extra.as_bytes()).unwrap().index, 0);
    let line = |from: &str, to: &str| match Proof::parse(text.replace(from, to).as_bytes()) {
        Err(ProofError::Line(line)) => line,
        other => panic!("{other:?}"),
    };
    assert_eq!(line("@v1", "@v2"), 1);
    assert_eq!(line("@v1\n", "@v1\nextra Zm9\n"), 2);
    assert_eq!(line("index 0", "index 00"), 2);
    assert_eq!(line("index 0\n", "index 0\nZm9v\n"), 3);
    let hashes = format!("index 0\n{}", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".repeat(64));
    let many = text.replace("index 0\n", &hashes);
    assert!(matches!(Proof::parse(many.as_bytes()), Err(ProofError::Hashes(_))));
}

#[test]
fn one_lying_witness_moves_no_time() {
    let mut world = World::new();
    let honest = world.checkpoint(2, &[(0, 100), (1, 200), (2, 300)]);
    let witnessed = world.policy.check(&honest).unwrap();
    assert_eq!((witnessed.seen, witnessed.fresh), (200, 200));
    let early = world.checkpoint(2, &[(0, 0), (1, 200), (2, 300)]);
    assert_eq!(world.policy.check(&early).unwrap().seen, 200, "it cannot make a release older");
    let late = world.checkpoint(2, &[(0, 100), (1, 200), (2, 1_000_000)]);
    assert_eq!(world.policy.check(&late).unwrap().fresh, 200, "it cannot make a checkpoint fresher");
}

#[test]
fn a_policy_is_read_whole_or_refused_with_its_line() {
    let log = log_key().verifier();
    let witness = signer("w", KeyKind::Cosignature, 2).verifier();
    let check = |text: String, line: usize, reason: &str| {
        let error = LogPolicy::parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.line, error.reason.to_string().as_str()), (line, reason), "{text}");
    };
    check(format!("log {log}\n"), 2, "there is no quorum line");
    check("quorum none\nquorum none".to_owned(), 2, "there is a quorum already");
    check("quorum w".to_owned(), 1, "`w` is not defined on a line before");
    check("lag x".to_owned(), 1, "`lag` is none of log, witness, group and quorum");
    check("log".to_owned(), 1, "expected `log VKEY [URL]`");
    check("group g any".to_owned(), 1, "expected `group NAME all|any|NUMBER MEMBER...`");
    check("quorum none\r\n".to_owned(), 1, "it has control characters in it");
    check(
        format!("log {witness}"),
        1,
        "the key of `w` signs something else: a log's key has type 1, a witness's type 4",
    );
    check(format!("log {log}\nlog {log}"), 2, "the key of `example.com/log` is listed already");
    check(format!("witness none {witness}"), 1, "`none` is defined already");
    let defined = format!("witness w {witness}\n");
    check(format!("{defined}witness v {witness}"), 2, "the key of `w` is listed already");
    check(
        format!("{defined}group g 2 w"),
        2,
        "the threshold `2` is not a number from 1 to that of the members",
    );
    check(
        format!("{defined}group g 0 w"),
        2,
        "the threshold `0` is not a number from 1 to that of the members",
    );
    check(format!("{defined}group g any w w"), 2, "`w` is a member of a group already");
    check(format!("{defined}group g any w\ngroup h any w"), 3, "`w` is a member of a group already");
    check(format!("{defined}group g any g"), 2, "`g` is not defined on a line before");
    assert!(LogPolicy::parse(b"quorum none").is_ok_and(|policy| !policy.has_quorum()));
}

#[test]
fn a_witness_signs_what_continues_what_it_knows_and_nothing_else() {
    let mut world = World::new();
    let log = world.log.verifier();
    let key = world.witnesses[0].clone();
    let mut record = Record::default();
    let first = Request { old: 0, proof: vec![], checkpoint: world.checkpoint(1, &[]) };
    assert_eq!(Request::parse(first.to_string().as_bytes()).unwrap(), first);
    let line = record
        .examine(&log, &first)
        .unwrap()
        .commit(&key, 5, |new| {
            record = new.clone();
            Ok(())
        })
        .unwrap();
    let mut note = first.checkpoint;
    note.add(SignatureLine::parse(line.trim_end()).unwrap());
    assert_eq!(note.verify(&[key.verifier()]).unwrap(), [Signed { key: 0, time: Some(5) }]);
    assert_eq!(record.size, 1);

    let proof = merkle::prove_consistency(&mut Tree::new(&mut world.files, "", 2), 1, 2).unwrap();
    let next = Request { old: 1, proof, checkpoint: world.checkpoint(2, &[]) };
    assert!(record.examine(&log, &next).is_ok());
    let stale = Request { old: 0, proof: vec![], ..next.clone() };
    assert!(matches!(record.examine(&log, &stale), Err(WitnessError::Stale { known: 1, got: 0 })));
    let unproved = Request { proof: vec![], ..next.clone() };
    assert!(matches!(record.examine(&log, &unproved), Err(WitnessError::Forked { .. })));
    let knows_more = Record { size: 3, ..record.clone() };
    assert!(matches!(knows_more.examine(&log, &next), Err(WitnessError::Older { known: 3, got: 2 })));
    let damaged = Record { size: 1, root: "?".to_owned() };
    assert!(matches!(damaged.examine(&log, &next), Err(WitnessError::Record)));

    let mut fork = Memory::default();
    tiles::append(&mut fork, "", 0, &[b"another".to_vec(), b"history".to_vec()]).unwrap();
    let proof = merkle::prove_consistency(&mut Tree::new(&mut fork, "", 2), 1, 2).unwrap();
    world.files = fork;
    let forked = Request { old: 1, proof, checkpoint: world.checkpoint(2, &[]) };
    assert!(matches!(record.examine(&log, &forked), Err(WitnessError::Forked { .. })));
    let unsigned = Request { checkpoint: Note::new(next.checkpoint.text()).unwrap(), ..next };
    assert!(matches!(record.examine(&log, &unsigned), Err(WitnessError::Unsigned(_))));
}

#[test]
fn a_witness_that_cannot_write_does_not_sign() {
    let mut world = World::new();
    let request = Request { old: 0, proof: vec![], checkpoint: world.checkpoint(1, &[]) };
    let pending = Record::default().examine(&world.log.verifier(), &request).unwrap();
    let outcome = pending.commit(&world.witnesses[0], 5, |_| Err(std::io::Error::other("full")));
    assert!(matches!(outcome, Err(WitnessError::Write(_))));
}

proptest! {
    #[test]
    fn base64_round_trips(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(base64::decode(&base64::encode(&bytes)), Some(bytes));
    }

    #[test]
    fn what_decodes_is_spelt_as_it_would_be_encoded(text in "[A-Za-z0-9+/=]{0,12}") {
        if let Some(bytes) = base64::decode(&text) {
            prop_assert_eq!(base64::encode(&bytes), text);
        }
    }
}
