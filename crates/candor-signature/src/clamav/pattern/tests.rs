//! Every form of the hexadecimal language, what it becomes, and what is refused.

use candor_database::ir::{Body, Offset, OffsetBase, Signature};
use candor_model::Target;

use crate::clamav::tests::{check_fates, fate, render, signature};

/// What a pattern for PE files becomes.
fn pattern(hex: &str) -> String {
    let Signature::Body(body) = signature("ndb", &format!("A:1:*:{hex}")) else { panic!() };
    render(&body.pattern)
}

/// Why a pattern is refused; the column counts from the start of the pattern.
fn refusal(hex: &str) -> String {
    let line = format!("A:1:*:{hex}");
    let fate = fate("ndb", &line);
    let (column, reason) = fate.split_once(": ").unwrap_or_else(|| panic!("{line}: {fate}"));
    format!("{}: {reason}", column.parse::<usize>().unwrap() - 6)
}

#[test]
fn bytes_and_wildcards() {
    for (hex, expected) in [
        ("aabb", "aabb"),
        ("AaBb", "aabb"),
        ("aabb??cc", "aabb??cc"),
        ("??aabb", "??aabb"),
        ("aabb??", "aabb??"),
        ("a?bbcc", "a?bbcc"),
        ("?abbcc", "?abbcc"),
        ("aabbc?dd", "aabbc?dd"),
        ("aabb{1}cc", "aabb??cc"),
        ("{2}aabb{3}", "????aabb??????"),
    ] {
        assert_eq!(pattern(hex), expected, "{hex}");
    }
    assert_eq!(pattern("aabb{127}cc"), format!("aabb{}cc", "??".repeat(127)));
}

#[test]
fn gaps() {
    for (hex, expected) in [
        ("aabb*ccdd", "aabb * ccdd"),
        ("aabb{128}ccdd", "aabb {128-128} ccdd"),
        ("aabb{3-3}ccdd", "aabb {3-3} ccdd"),
        ("aabb{3-5}ccdd", "aabb {3-5} ccdd"),
        ("aabb{-5}ccdd", "aabb {0-5} ccdd"),
        ("aabb{5-}ccdd", "aabb {5-} ccdd"),
        // No distance is any distance.
        ("aabb{0}ccdd", "aabb * ccdd"),
        ("aabb{0-0}ccdd", "aabb * ccdd"),
        ("aabb{-0}ccdd", "aabb * ccdd"),
        ("aabb{-}ccdd", "aabb * ccdd"),
        ("aabb{}ccdd", "aabb * ccdd"),
        ("aabb{4}*ccdd", "aabb???????? * ccdd"),
        ("aabb*{4}ccdd", "aabb * ????????ccdd"),
        // Single bytes set apart.
        ("aabbcc[2-4]dd", "aabbcc {2-4} dd"),
        ("dd[2-4]aabbcc", "dd {2-4} aabbcc"),
        ("dd[1-2]aabbcc[0-32]ee", "dd {1-2} aabbcc {0-32} ee"),
        ("aabb[2]dd", "aabb {2-2} dd"),
        ("aabb[2-]dd", "aabb {2-2} dd"),
        ("aabbcc*dd[1-2]aabb", "aabbcc * dd {1-2} aabb"),
    ] {
        assert_eq!(pattern(hex), expected, "{hex}");
    }
}

#[test]
fn choices() {
    for (hex, expected) in [
        ("aabb(cc|dd)ee", "aabb(cc|dd)ee"),
        ("(aa|bb)ccdd", "(aa|bb)ccdd"),
        ("aabb(ccdd|ee)ff", "aabb(ccdd|ee)ff"),
        ("aabb(cc|dd|)ee", "aabb(cc|dd)ee"),
        ("aabb(cc||dd)ee", "aabb(cc|dd)ee"),
        ("aabb(c?|??dd)ee", "aabb(c?|??dd)ee"),
        ("aabb(cc{2}dd|ee)ff", "aabb(cc????dd|ee)ff"),
        ("aabb(cc(dd|ee)ff|00)11", "aabb(cc(dd|ee)ff|00)11"),
        ("aabb!(cc|dd)ee", "aabb!(cc|dd)ee"),
        ("aabb!(cc)ee", "aabb!(cc)ee"),
        ("aabb!(ccdd|eeff)00", "aabb!(ccdd|eeff)00"),
    ] {
        assert_eq!(pattern(hex), expected, "{hex}");
    }
    let nested = |depth: usize| format!("aabb{}cc|dd{}ee", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(pattern(&nested(16)), nested(16));
    assert_eq!(refusal(&nested(17)), "21: choices are nested more than 16 deep");
}

#[test]
fn boundaries() {
    for (hex, expected) in [
        ("(B)aabb(L)", "<B>aabb<L>"),
        ("(W)aabb!(W)", "<W>aabb<!W>"),
        ("!(L)aabb", "<!L>aabb"),
        ("aabb(B)*(W)ccdd", "aabb<B> * <W>ccdd"),
        ("aabb(L)ccdd", "aabb(0a)ccdd"),
        ("aabb!(L)ccdd", "aabb!(0a)ccdd"),
        ("aabb(B)ccdd", "aabb(0a|0d|20|22|27|2d|2e|2f|3c|3d|3e|40|5f)ccdd"),
        ("aabb!(B)ccdd", "aabb!(0a|0d|20|22|27|2d|2e|2f|3c|3d|3e|40|5f)ccdd"),
    ] {
        assert_eq!(pattern(hex), expected, "{hex}");
    }
    assert!(pattern("aabb(W)ccdd").starts_with("aabb!(30|31|"));
    assert!(pattern("aabb!(W)ccdd").starts_with("aabb(30|31|"));
}

#[test]
fn refused() {
    const RUN: &str = "no two fixed bytes in a row in this part of the pattern";
    const APART: &str = "brackets may only set single bytes apart from one longer part";
    for (hex, column, reason) in [
        ("", 1, "the pattern is empty"),
        ("aa", 1, RUN),
        ("a?b?c?", 1, RUN),
        ("????", 1, RUN),
        ("aa{1}bb", 1, RUN),
        ("(aa|bb)", 1, RUN),
        ("aabb*cc", 6, RUN),
        ("aabb{200}cc", 10, RUN),
        ("aa(B)bb", 1, RUN),
        ("aabbc", 6, "half a byte"),
        ("aabbcg", 6, "not a hexadecimal digit"),
        ("aa bb", 3, "not a hexadecimal digit"),
        ("*aabb", 1, "nothing to look for before this"),
        ("aabb*", 6, "nothing to look for before this"),
        ("aabb**ccdd", 6, "nothing to look for before this"),
        ("aabb{4-5}{5-6}ccdd", 10, "nothing to look for before this"),
        ("(B)", 4, "nothing to look for before this"),
        ("aabb{x}ccdd", 6, "the distance is not a number: 'x'"),
        ("aabb{4ccdd", 5, "'}' is missing"),
        ("aabb[4ccdd", 5, "']' is missing"),
        ("aabb[1-33]dd", 6, "a distance in brackets is at most 32"),
        ("aabb[4-2]dd", 6, "the distance ends before it starts"),
        ("aabb[-2]dd", 6, "the distance is not a number: ''"),
        ("aabb[2-4]ccdd", 10, APART),
        ("aa[1-2]bb[1-2]ccdd", 15, APART),
        ("aabbcc[1-2]dddd[1-2]ee", 21, APART),
        ("aabb()cc", 6, "an empty branch"),
        ("aabb(|cc)dd", 6, "an empty branch"),
        ("aabb(cc|dd", 5, "')' is missing"),
        ("aabbcc|dd)", 7, "not a hexadecimal digit"),
        ("aabb(c|d)ee", 7, "not a hexadecimal digit"),
        ("aabb(cc*dd|ee)", 8, "a gap inside of a choice"),
        ("aabb(cc{2-3}dd|ee)", 9, "the distance is not a number: '2-3'"),
        ("aabb(cc{200}dd|ee)", 9, "a gap inside of a choice"),
        ("aabb(cc!(dd)|ee)", 8, "a negation inside of a choice"),
        ("aabb!(ccdd|ee)ff", 6, "only bytes can be excluded, and all branches must have one length"),
        ("aabb!(c?|dd)ff", 6, "only bytes can be excluded, and all branches must have one length"),
        ("aabb(X)cc", 6, "not a hexadecimal digit"),
        ("aabb$12$", 5, "not a hexadecimal digit"),
    ] {
        assert_eq!(refusal(hex), format!("{column}: {reason}"), "{hex}");
    }
}

#[test]
fn body_lines() {
    check_fates(
        "ndb",
        &[
            ("A:0:*:aabbcc:51", "accepted"),
            ("A:0:*:aabbcc:51:255", "accepted"),
            ("A:0:*:aabbcc:300", "level"),
            ("A:0:*:aabbcc:1:100", "level"),
            ("A:0:*:aabbcc:x", "14: the lowest functionality level is not a number: 'x'"),
            ("A:0:*:aabbcc:51:255:9", "21: more fields than there should be"),
            ("A:0:*", "6: the pattern is missing"),
            ("A", "2: the target is missing"),
            ("A:*:*:aabbcc", "accepted"),
            ("A::*:aabbcc", "accepted"),
            ("A:8:*:aabbcc", "accepted"),
            ("A:14:*:aabbcc", "accepted"),
            ("A:15:*:aabbcc", "unused 3: no files have target 15"),
            ("A:x:*:aabbcc", "3: the target is not a number: 'x'"),
            ("A:-1:*:aabbcc", "3: the target is not a number: '-1'"),
            ("A:0:*:aabb", "7: a pattern for any file needs 3 bytes"),
            ("A:0:*:aabb??", "accepted"),
            ("A:6:*:aabb", "accepted"),
            ("A:0:*:aabbcc::i", "15: the highest functionality level is not a number: 'i'"),
        ],
    );
    check_fates(
        "db",
        &[
            ("A=aabbcc", "accepted"),
            ("A=aabb*ccdd", "accepted"),
            ("A=aabb", "3: a pattern for any file needs 3 bytes"),
            ("Aaabbcc", "1: '=' is missing"),
            ("=aabbcc", "1: the name is empty"),
            ("A=", "3: the pattern is empty"),
        ],
    );
    let Signature::Body(Body { target, macro_group, raw, .. }) = signature("sdb", "A:2:*:aabb") else {
        panic!()
    };
    assert_eq!((target, macro_group, raw), (Target::Ole2, None, true));
}

#[test]
fn offsets() {
    for (target, text, base, shift) in [
        (0, "*", OffsetBase::Any, 0),
        (0, "", OffsetBase::Any, 0),
        (0, "0", OffsetBase::Start(0), 0),
        (0, "5,3", OffsetBase::Start(5), 3),
        (0, "5,", OffsetBase::Start(5), 0),
        (0, "99999999999", OffsetBase::Start(99_999_999_999), 0),
        (0, "EOF-5", OffsetBase::End(5), 0),
        (3, "EOF-5,2", OffsetBase::End(5), 2),
        (1, "EP+0", OffsetBase::EntryPoint(0), 0),
        (6, "EP-5", OffsetBase::EntryPoint(-5), 0),
        (9, "EP+5,10", OffsetBase::EntryPoint(5), 10),
        (1, "S0+5", OffsetBase::Section { index: 0, distance: 5 }, 0),
        (1, "S12+5,3", OffsetBase::Section { index: 12, distance: 5 }, 3),
        (1, "SL+5", OffsetBase::LastSection(5), 0),
        (1, "SE0", OffsetBase::WithinSection(0), 0),
        (1, "SE", OffsetBase::WithinSection(0), 0),
        (1, "VI", OffsetBase::VersionInfo, 0),
        (6, "VI", OffsetBase::VersionInfo, 0),
    ] {
        let line = format!("A:{target}:{text}:aabbcc");
        let Signature::Body(body) = signature("ndb", &line) else { panic!() };
        assert_eq!(body.pattern.offset, Offset { base, shift }, "{line}");
    }
    let Signature::Body(body) = signature("ndb", "A:0:$12$:aabbcc") else { panic!() };
    assert_eq!((body.macro_group, body.pattern.offset), (Some(12), Offset::ANY));
    check_fates(
        "ndb",
        &[
            ("A:0:EP+0:aabbcc", "5: 'EP+0' needs an executable target (1, 6 or 9), not 0"),
            ("A:2:SE0:aabbcc", "5: 'SE0' needs an executable target (1, 6 or 9), not 2"),
            ("A:0:VI:aabbcc", "5: 'VI' needs an executable target (1, 6 or 9), not 0"),
            ("A:1:EP:aabbcc", "5: not an offset: 'EP'"),
            ("A:1:EP+-5:aabbcc", "8: the distance is not a number: '-5'"),
            ("A:1:S0:aabbcc", "6: '+' and a distance are missing"),
            ("A:1:S1-5:aabbcc", "6: '+' and a distance are missing"),
            ("A:1:SL-5:aabbcc", "6: '+' and a distance are missing"),
            ("A:1:SE1x:aabbcc", "7: the section is not a number: '1x'"),
            ("A:0:EOF+5:aabbcc", "5: not an offset: 'EOF+5'"),
            ("A:0:eof-5:aabbcc", "5: not an offset: 'eof-5'"),
            ("A:0:-5:aabbcc", "5: not an offset: '-5'"),
            ("A:0:0x10:aabbcc", "5: the offset is not a number: '0x10'"),
            ("A:0:*,5:aabbcc", "5: not an offset: '*'"),
            ("A:0:5,x:aabbcc", "7: the shift is not a number: 'x'"),
            ("A:0:$32$:aabbcc", "6: there are only 32 macro groups"),
            ("A:0:$x$:aabbcc", "6: the macro group is not a number: 'x'"),
        ],
    );
}
