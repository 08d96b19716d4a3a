//! Cabinets of every compression, and files that are not where they should be.

use candor_fixtures::archive::{CAB, Cab, cab, cab_of};
use candor_model::{FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

fn text() -> Vec<u8> {
    (0..20_000_u32).flat_map(|number| format!("{number} ").into_bytes()).collect()
}

#[test]
fn files_of_every_compression_are_given() {
    for method in CAB {
        let found = Collected::of(
            FileType::MsCab,
            &cab(method, &[("a.txt", b"first"), ("b.txt", &text()), ("c", b"last")]),
        );
        assert_eq!(found.incomplete, [], "{method:?}");
        assert_eq!(found.children[0].bytes, b"first");
        assert!(found.children[1].bytes == text(), "{method:?}");
        assert_eq!(
            (found.children[2].member.name.as_str(), found.children[2].bytes.as_slice()),
            ("c", &b"last"[..])
        );
    }
}

#[test]
fn files_behind_a_limit_tell_which_one_it_is() {
    let bytes = cab(Cab::MsZip, &[("a", b"first"), ("b", &text()), ("c", b"last")]);
    for (limits, reason) in [
        (Limits { max_memory: 10_000, ..Limits::default() }, Reason::Memory),
        (Limits { max_scan_size: 10_000, ..Limits::default() }, Reason::ScanSize),
        (Limits { max_file_size: 10_000, ..Limits::default() }, Reason::FileSize),
    ] {
        let found = Collected::with_limits(FileType::MsCab, &bytes, limits);
        let told: Vec<_> =
            found.children.iter().map(|child| (child.bytes.len(), child.absent.as_ref())).collect();
        assert_eq!(told, [(5, None), (9_995, Some(&reason)), (0, Some(&reason))]);
        assert_eq!(found.incomplete, []);
    }
}

#[test]
fn quantum_of_every_window_is_read() {
    // Copies of every length and from everywhere, and enough of everything that models are put in order again and again.
    let noise: Vec<u8> = (0..70_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut content = [&noise[..], &text()[..20_000], &noise, &[0; 40_000], &noise[5..1000]].concat();
    for (index, length) in (0..700_usize).enumerate() {
        let start = index * 131 % 60_000;
        content.extend_from_slice(&noise[start..start + length % 300]);
        content.push(length as u8);
    }
    for window in 10..=21 {
        let bytes = cab(Cab::Quantum(window), &[("a", &content), ("b", b"last")]);
        let found = Collected::of(FileType::MsCab, &bytes);
        assert_eq!(found.incomplete, [], "{window}");
        assert!(found.children[0].bytes == content, "{window}");
        assert_eq!(found.children[1].bytes, b"last");
    }
    for window in [0, 9, 22, 31] {
        let mut bytes = cab(Cab::Quantum(10), &[("a", b"x")]);
        bytes[43] = window;
        let found = Collected::of(FileType::MsCab, &bytes);
        assert_eq!(found.incomplete, [Reason::Unsupported("a Quantum window of this size".to_owned())]);
    }
}

#[test]
fn every_folder_begins_anew() {
    let text = text();
    let folders: Vec<_> =
        CAB.iter().chain(&CAB).map(|method| (*method, [("a", &text[..]), ("b", b"last")])).collect();
    let folders: Vec<_> = folders.iter().map(|(method, files)| (*method, &files[..])).collect();
    let found = Collected::of(FileType::MsCab, &cab_of(&folders));
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children.len(), 16);
    for pair in found.children.chunks(2) {
        assert!(pair[0].bytes == text && pair[1].bytes == b"last");
    }
}

#[test]
fn a_damaged_block_of_quantum_keeps_what_came_before() {
    let text = text();
    let mut bytes = cab(Cab::Quantum(18), &[("a", &text)]);
    // The second block is said to be shorter than it is.
    let first = 44 + 18;
    let length = usize::from(u16::from_le_bytes([bytes[first + 4], bytes[first + 5]]));
    let second = first + 8 + length;
    bytes.truncate(second + 8 + 200);
    let found = Collected::of(FileType::MsCab, &bytes);
    assert_eq!(found.incomplete, [Reason::Malformed("a block of a cabinet".to_owned())]);
    let read = &found.children[0].bytes;
    assert!(read.len() > 32_768 + 200 && text.starts_with(&read[..32_768 + 200]), "{}", read.len());
}

#[test]
fn unknown_compressions_are_said() {
    let mut bytes = cab(Cab::Stored, &[("a", b"x")]);
    bytes[42] = 4;
    let found = Collected::of(FileType::MsCab, &bytes);
    assert_eq!(found.incomplete, [Reason::Unsupported("an unknown compression of cabinets".to_owned())]);
}

#[test]
fn a_file_behind_the_end_of_its_folder_is_said() {
    let mut bytes = cab(Cab::MsZip, &[("a", b"content"), ("b", b"x")]);
    bytes[44 + 18 + 4..44 + 18 + 8].copy_from_slice(&0x7fff_0000_u32.to_le_bytes());
    let found = Collected::of(FileType::MsCab, &bytes);
    assert_eq!(found.children[0].bytes, b"content");
    assert!(found.children[1].absent.is_some() && !found.incomplete.is_empty());
}

#[test]
fn damage_is_survived() {
    for method in CAB {
        survives_damage(FileType::MsCab, &cab(method, &[("a.txt", b"first"), ("b.txt", &text()[..2000])]));
    }
}

#[test]
fn what_no_file_lays_claim_to_is_paid_for() {
    // Files without content at the end of what their folder decodes to.
    let folder: &[(&str, &[u8])] = &[("a", &[7; 30_000])];
    let files = vec![(Cab::Stored, folder); 50];
    let mut bytes = cab_of(&files);
    let first_file = 36 + 8 * files.len();
    for file in 0..files.len() {
        let row = first_file + 18 * file;
        bytes[row..row + 4].copy_from_slice(&[0; 4]);
        bytes[row + 4..row + 8].copy_from_slice(&30_000_u32.to_le_bytes());
    }
    let found = Collected::of(FileType::MsCab, &bytes);
    assert_eq!((found.children.len(), found.incomplete.len()), (50, 0));
    assert!(Collected::work_of(FileType::MsCab, &bytes) >= 50 * 30_000);
    assert_eq!(Collected::without_work(FileType::MsCab, &bytes).incomplete, [Reason::Work]);
}

#[test]
fn blocks_of_nothing_are_paid_for() {
    for method in CAB {
        let bytes = cab(method, &[("a.txt", &text())]);
        let price = Collected::work_of(FileType::MsCab, &bytes);
        assert!((1..100_000).contains(&price), "{method:?} {price}");
        assert_eq!(Collected::without_work(FileType::MsCab, &bytes).incomplete, [Reason::Work]);
    }
}

#[test]
fn blocks_that_hold_nothing_do_not_go_on_for_long() {
    let found = Collected::of(FileType::MsCab, &candor_fixtures::nothing::cabinet(20));
    let child = &found.children[0];
    assert!(child.bytes.len() < 200, "{}", child.bytes.len());
    assert!(!found.incomplete.is_empty());
}
