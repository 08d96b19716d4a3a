//! Headers of every level, and what can be packed by hand.

use candor_fixtures::archive::{lh5_run, lha};
use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

#[test]
fn files_behind_headers_of_every_level_are_given() {
    for level in 0..=2 {
        let bytes = lha(
            level,
            &[
                ("stored.txt", "-lh0-", b"content".to_vec(), 7),
                ("run", "-lh5-", lh5_run(b'A', 1000, 4), 1000),
                ("wide", "-lh7-", lh5_run(b'B', 1000, 5), 1000),
                ("widest", "-lhx-", lh5_run(b'C', 1000, 5), 1000),
                ("odd", "-lh9-", b"???".to_vec(), 3),
            ],
        );
        let found = Collected::of(FileType::LhaLzh, &bytes);
        assert_eq!(found.incomplete, [], "level {level}");
        let found = found.children;
        assert_eq!(
            (found[0].member.name.as_str(), found[0].bytes.as_slice()),
            ("stored.txt", &b"content"[..])
        );
        assert!(found[1].bytes == [b'A'; 1000], "level {level}: {:?}", found[1].absent);
        assert!(found[2].bytes == [b'B'; 1000]);
        assert!(found[3].bytes == [b'C'; 1000]);
        assert!(matches!(found[4].absent, Some(Reason::Unsupported(_))));
        survives_damage(FileType::LhaLzh, &bytes);
    }
}

#[test]
fn damage_to_every_method_is_survived() {
    for method in ["-lh1-", "-lh4-", "-lh6-", "-lzs-", "-lz5-"] {
        let noise: Vec<u8> = (0..200_u8).map(|byte| byte.wrapping_mul(37)).collect();
        survives_damage(FileType::LhaLzh, &lha(0, &[("a", method, noise, 5000)]));
    }
}

#[test]
fn extensions_end_where_their_header_does() {
    // Extensions of the first would be all that follows, and the third's name is none of its.
    let mut header = vec![28, 0];
    header.extend(b"-lhd-");
    header.resize(28, 0);
    (header[20], header[24]) = (2, 28);
    let chain = header.repeat(100);
    let found = Collected::of(FileType::LhaLzh, &chain);
    assert!(found.children.is_empty());
    assert_eq!(found.incomplete, [Reason::Malformed("LHA header at 0".to_owned())]);
}
