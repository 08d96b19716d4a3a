//! Archives of every version, solid, encrypted and damaged.

use candor_fixtures::archive::{RAR, rar};
use candor_fixtures::nothing;
use candor_model::{Budget, FileType, Limits, Reason};

use super::work::{OLD, ROUNDS, WEIGHT, Work};
use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..20_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

#[test]
fn members_of_every_version_are_given() {
    for version in RAR {
        for (store, solid) in [(true, false), (false, false), (false, true)] {
            let bytes = rar(version, store, solid, None, &[("a", b"first"), ("b", &text()), ("c", b"last")]);
            let found = Collected::of(FileType::Rar, &bytes);
            assert_eq!(found.incomplete, [], "{version:?} {store} {solid} {}", bytes.len());
            assert_eq!(found.children[0].bytes, b"first", "{version:?}");
            assert!(found.children[1].bytes == text(), "{version:?} {store} {solid}");
            assert_eq!(found.children[2].member.name, "c");
            assert_eq!(found.children[2].bytes, b"last");
        }
    }
}

#[test]
fn encrypted_members_are_opened_with_common_passwords() {
    for version in RAR {
        let bytes = rar(version, false, false, Some("infected"), &[("a", b"content")]);
        assert_eq!(Collected::of(FileType::Rar, &bytes).children[0].bytes, b"content", "{version:?}");
    }
    let bytes = rar(RAR[4], false, false, Some("kjh34kjh"), &[("a", b"content")]);
    let found = Collected::of(FileType::Rar, &bytes);
    let is_said = found.incomplete.contains(&Reason::Encrypted)
        || found.children.iter().any(|child| child.absent == Some(Reason::Encrypted));
    assert!(is_said, "{:?} {:?}", found.incomplete, found.children);
}

#[test]
fn members_are_opened_by_whichever_password_is_theirs() {
    let long = &text()[..2000];
    let files: [(&str, &[u8]); 3] = [("a", long), ("b", b"content"), ("c", long)];
    for version in RAR {
        for solid in [false, true] {
            let bytes = rar(version, false, solid, Some("malware"), &files);
            let found = Collected::of(FileType::Rar, &bytes);
            let contents = found.children.iter().map(|child| child.bytes.as_slice());
            assert!(contents.eq(files.map(|(_, content)| content)), "{version:?} {solid}");
            assert_eq!(found.incomplete, [], "{version:?} {solid}");
        }
    }
    // What members need is not spent on looking for it.
    let bytes = rar(RAR[2], false, false, Some("infected"), &files);
    let found = Collected::with_work(FileType::Rar, &bytes, 32 * bytes.len() as u64);
    assert!(found.children.len() == files.len() && found.children.iter().all(|child| child.absent.is_none()));
}

#[test]
fn rounds_for_passwords_are_counted_before_they_are_gone_through() {
    let names: Vec<String> = (0..8).map(|number| format!("member {number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"content"[..])).collect();
    let mut bytes = rar(RAR[4], true, false, Some("infected"), &files);
    let rounds = |bytes: &[u8]| {
        let work = Work::of(bytes);
        (work.headers, work.member, work.is_old)
    };
    assert_eq!(rounds(&bytes), (0, 1 << 15, false));
    // One key goes into looking for the password.
    let found = Collected::with_keys(FileType::Rar, &bytes, (4 * WEIGHT) << 15);
    for (index, child) in found.children.iter().enumerate() {
        let is_opened = child.bytes == b"content";
        assert_eq!(is_opened, index < 3, "{index}");
        assert!(is_opened || child.absent == Some(Reason::Encrypted), "{index}");
    }
    assert_eq!(found.children.len(), files.len());
    // The power of two stands behind version and flags of the record of the encryption.
    let record = bytes.windows(4).position(|part| matches!(part, [1, 0, 0..=3, 15])).unwrap();
    bytes[record + 3] = 24;
    assert_eq!(rounds(&bytes), (0, 1 << 24, false));
    // More than any file gets, whatever is left of the budget.
    const { assert!(1 << 24 > ROUNDS) };
    let found = Collected::of(FileType::Rar, &bytes);
    let is_left = |budget: &Budget| budget.clone().pay_key(ROUNDS * WEIGHT);
    assert!(
        found.children.iter().all(|child| child.absent == Some(Reason::Encrypted)) && is_left(&found.budget)
    );
    let old = rar(RAR[2], true, false, Some("infected"), &files[..1]);
    assert_eq!(rounds(&old), (OLD, OLD, true));
}

#[test]
fn a_bomb_is_cut() {
    let bytes = rar(RAR[4], false, false, None, &[("zeros", &vec![0; 8 << 20]), ("b", b"after")]);
    let limits = Limits { max_scan_size: 1 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::Rar, &bytes, limits);
    assert!(found.budget.bytes() <= 1 << 20);
    assert!(found.children[0].bytes.len() <= 1 << 20);
}

#[test]
fn damage_is_survived() {
    for version in [RAR[0], RAR[2], RAR[4]] {
        survives_damage(FileType::Rar, &rar(version, false, false, None, &[("a", &text()[..500])]));
    }
}

#[test]
fn members_in_front_of_a_cut_are_given() {
    for version in RAR {
        for store in [true, false] {
            let content = text();
            let bytes = rar(version, store, false, None, &[("a", b"first"), ("b", &content), ("c", b"last")]);
            let cut = bytes.len() * 3 / 4;
            let found = Collected::of(FileType::Rar, &bytes[..cut]);
            assert!(matches!(found.incomplete[..], [Reason::Malformed(_), ..]), "{version:?}");
            assert_eq!(found.children.len(), 2, "{version:?} {store} {:?}", found.incomplete);
            assert_eq!(found.children[0].bytes, b"first");
            assert_eq!(found.children[0].absent, None);
            // What came out of the one that is cut is looked at, too.
            let part = &found.children[1];
            assert!(
                matches!(part.absent, Some(Reason::Malformed(_))),
                "{version:?} {store} {:?}",
                part.absent
            );
            let same = content.iter().zip(&part.bytes).take_while(|(left, right)| left == right).count();
            assert!(same > content.len() / 2, "{version:?} {store} {same}");
        }
    }
}

#[test]
fn members_with_damaged_headers_are_given() {
    for version in RAR {
        let mut bytes = rar(version, false, false, None, &[("first", b"one"), ("second", b"two")]);
        let name = bytes.windows(6).position(|part| part == b"second").unwrap();
        bytes[name] = b'S';
        let found = Collected::of(FileType::Rar, &bytes);
        assert!(matches!(found.incomplete[..], [Reason::Malformed(_), ..]), "{version:?}");
        assert_eq!(found.children[1].member.name, "Second", "{version:?}");
        assert_eq!([&found.children[0].bytes[..], &found.children[1].bytes], [b"one", b"two"]);
    }
}

#[test]
fn blocks_that_hold_nothing_are_paid_for() {
    for is_new in [true, false] {
        let bytes = nothing::rar(is_new, 100_000);
        let most = 32 << 20;
        let found = Collected::with_work(FileType::Rar, &bytes, most);
        assert!(matches!(found.children[0].absent, Some(Reason::Malformed(_))), "{is_new}");
        let cost = most - found.budget.work();
        assert!((20..300).contains(&(cost / 100_000)), "{is_new} {cost}");
        let found = Collected::with_work(FileType::Rar, &bytes, 1 << 20);
        assert_eq!(found.children[0].absent, Some(Reason::Work), "{is_new}");
    }
    // Where something comes out, it costs nothing beside its bytes.
    for version in RAR {
        let bytes = rar(version, false, false, None, &[("a", &text())]);
        let found = Collected::with_work(FileType::Rar, &bytes, 32 * bytes.len() as u64);
        assert_eq!((found.incomplete, found.budget.work()), (vec![], 32 * bytes.len() as u64), "{version:?}");
    }
}
