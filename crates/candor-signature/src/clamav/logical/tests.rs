//! Logical signatures: descriptions, precedence, and every kind of sub-signature.

use candor_database::ir::{
    ByteCompare, Comparison, Expression, Gap, Levels, Logical, Number, NumberForm, Offset, OffsetBase, Range,
    Regex, RegexFlags, Signature, SubSignature,
};
use candor_model::{FileType, PerceptualHash, Target};

use crate::clamav::tests::{check_fates, fate, render, signature};

fn logical(line: &str) -> Logical {
    let Signature::Logical(logical) = signature("ldb", line) else { panic!("{line}") };
    logical
}

/// The second of two sub-signatures.
fn second(text: &str) -> SubSignature {
    logical(&format!("A;Engine:81-255,Target:0;0&1;aabb;{text}")).subsignatures.remove(1)
}

/// What becomes of a signature whose second sub-signature is `text`; columns count from its start.
fn second_fate(text: &str) -> String {
    let front = "A;Engine:81-255,Target:0;0&1;aabb;";
    let fate = fate("ldb", &format!("{front}{text}"));
    match fate.split_once(": ") {
        Some((column, reason)) => {
            let (word, column) = column.rsplit_once(' ').unwrap_or(("", column));
            let column = column.parse::<usize>().unwrap().saturating_sub(front.len());
            format!("{word}{column}: {reason}")
        }
        None => fate,
    }
}

/// The expression, with parentheses around every operator.
fn show(expression: &Expression) -> String {
    match expression {
        Expression::And(left, right) => format!("({}&{})", show(left), show(right)),
        Expression::Or(left, right) => format!("({}|{})", show(left), show(right)),
        Expression::Count { of, comparison, hits, distinct } => {
            let sign = match comparison {
                Comparison::Equal => '=',
                Comparison::Greater => '>',
                Comparison::Less => '<',
            };
            let distinct = if *distinct == 0 { String::new() } else { format!(",{distinct}") };
            format!("{}{sign}{hits}{distinct}", show(of))
        }
        Expression::Sub(sub) => sub.to_string(),
    }
}

#[test]
fn precedence() {
    for (text, subs, expected) in [
        ("0", 1, "0"),
        ("0&1", 2, "(0&1)"),
        // To the right at the top, to the left between parentheses.
        ("0&1|2", 3, "(0&(1|2))"),
        ("(0&1|2)", 3, "((0&1)|2)"),
        ("0|1&2|3", 4, "(0|(1&(2|3)))"),
        ("(0|1&2|3)", 4, "(((0|1)&2)|3)"),
        ("((0&1|2))|3", 4, "(((0&1)|2)|3)"),
        ("0&(1|2&3)|4", 5, "(0&(((1|2)&3)|4))"),
        ("0=1", 1, "0=1"),
        ("0>1,2", 1, "0>1,2"),
        ("(0|1)<3,1&2=0", 3, "((0|1)<3,1&2=0)"),
        (" 0 & 1 ", 2, "(0&1)"),
        ("00", 1, "0"),
        // As published signatures have it.
        ("0,1-4&1,1-4", 2, "(0&1)"),
        ("0=2,&1", 2, "(0=2&1)"),
        ("(0==2)", 1, "0=2"),
        ("0>=1", 1, "0=1"),
        ("0=1=2", 1, "0=2"),
    ] {
        let texts = vec!["aabb"; subs].join(";");
        let logical = logical(&format!("A;Target:0;{text};{texts}"));
        assert_eq!(show(&logical.expression), expected, "{text}");
    }
}

#[test]
fn expressions_refused() {
    let deep = format!("A;Target:0;{}0{};aabb", "(".repeat(65), ")".repeat(65));
    let long = format!("A;Target:0;0{};aabb", "&0".repeat(1024));
    check_fates(
        "ldb",
        &[
            ("A;Target:0;;aabb", "12: the number of a sub-signature is missing"),
            ("A;Target:0;0&;aabb", "14: the number of a sub-signature is missing"),
            ("A;Target:0;&0;aabb", "12: the number of a sub-signature is missing"),
            ("A;Target:0;();aabb", "13: the number of a sub-signature is missing"),
            ("A;Target:0;0&&0;aabb", "14: the number of a sub-signature is missing"),
            ("A;Target:0;!0;aabb", "12: the number of a sub-signature is missing"),
            ("A;Target:0;(0;aabb", "14: ')' is missing"),
            ("A;Target:0;0);aabb", "13: ')' without '('"),
            ("A;Target:0;(0)(0);aabb", "15: '&' or '|' is missing"),
            ("A;Target:0;0=;aabb", "14: the number is not a number: ''"),
            ("A;Target:0;0=x;aabb", "14: the number is not a number: ''"),
            ("A;Target:0;0>99999999999;aabb", "14: the number is too large: '99999999999'"),
            ("A;Target:0;0&1;aabb", "12: the expression is over 2 sub-signatures, but there are 1"),
            ("A;Target:0;0;aabb;ccdd", "12: the expression is over 1 sub-signatures, but there are 2"),
            ("A;Target:0;64;aabb", "12: more than 64 sub-signatures"),
            ("A;Target:0;4294967295;aabb", "12: more than 64 sub-signatures"),
            ("A;Target:0;0", "12: the expression is over 1 sub-signatures, but there are 0"),
            ("A;Target:0", "11: the expression is missing"),
            (&deep, "77: parentheses are nested too deep"),
            (&long, "2060: the expression is too long"),
        ],
    );
    assert_eq!(logical("A;Target:0;1;aabb;ccdd").subsignatures.len(), 2);
    let most: Vec<String> = (0..64).map(|number| number.to_string()).collect();
    let line = format!("A;Target:0;{};{}", most.join("&"), vec!["aabb"; 64].join(";"));
    assert_eq!(logical(&line).subsignatures.len(), 64);
}

#[test]
fn descriptions() {
    let target = logical(
        "A;Engine:51-255,Target:1,FileSize:1-2,EntryPoint:3-4,NumberOfSections:5-6,IconGroup1:X,IconGroup2:Y,\
         Container:CL_TYPE_ZIP,Intermediates:CL_TYPE_RAR>CL_TYPE_ZIP,HandlerType:CL_TYPE_PDF;0;aabb",
    )
    .target;
    assert_eq!(target.target, Target::Pe);
    assert_eq!(target.levels, Levels { min: 51, max: 255 });
    assert_eq!(target.file_size, Some(Range { min: 1, max: 2 }));
    assert_eq!(target.entry_point, Some(Range { min: 3, max: 4 }));
    assert_eq!(target.sections, Some(Range { min: 5, max: 6 }));
    assert_eq!((target.icon_group1.as_deref(), target.icon_group2.as_deref()), (Some("X"), Some("Y")));
    assert_eq!(target.container, Some(FileType::Zip));
    assert_eq!(target.intermediates, [FileType::Rar, FileType::Zip]);
    assert_eq!(target.handler, Some(FileType::Pdf));
}

#[test]
fn descriptions_accepted_and_refused() {
    const NEWER: &str = "this needs 'Engine:' with at least 51 in front";
    let zips = |count: usize| vec!["CL_TYPE_ZIP"; count].join(">");
    for (description, expected) in [
        ("Target:0", "accepted".to_owned()),
        ("Engine:51-255,Target:0", "accepted".to_owned()),
        ("Engine:51-255,FileSize:1-2,Target:0", "accepted".to_owned()),
        ("Target:0,Engine:51-255", "12: Engine must be the first attribute".to_owned()),
        ("Engine:51-255", "3: 'Target:' is missing".to_owned()),
        ("Engine:51-255,Target:0,Foo:1", "unused 26: unknown attribute 'Foo'".to_owned()),
        ("20191220Engine:51-255,Target:0", "unused 3: unknown attribute '20191220Engine'".to_owned()),
        ("engine:51-255,Target:0", "unused 3: unknown attribute 'engine'".to_owned()),
        ("Target:15", "unused 10: no files have target 15".to_owned()),
        ("Target:x", "10: the target is not a number: 'x'".to_owned()),
        ("Engine:300-400,Target:0", "level".to_owned()),
        ("Engine:1-100,Target:0", "level".to_owned()),
        ("Engine:255-51,Target:0", "level".to_owned()),
        ("Engine:51-,Target:0", "level".to_owned()),
        ("Engine:51,Target:0", "10: a range is written from-to".to_owned()),
        ("Engine:x-255,Target:0", "10: the lowest level is not a number: 'x'".to_owned()),
        ("Engine:51-255,Target:0,FileSize:5", "35: a range is written from-to".to_owned()),
        ("Engine:51-255,Target:0,FileSize:5-1", "accepted".to_owned()),
        ("Engine:51-255,Target:0,FileSize:5-5-5", "37: the highest value is not a number: '5-5'".to_owned()),
        ("Target:0,FileSize:1-2", format!("12: {NEWER}")),
        ("Engine:1-255,Target:0,FileSize:1-2", format!("25: {NEWER}")),
        (
            "Engine:51-255,Target:0,EntryPoint:1-2",
            "26: only executables have this (targets 1, 6 and 9)".to_owned(),
        ),
        ("Engine:51-255,Target:9,NumberOfSections:1-2", "accepted".to_owned()),
        ("Engine:51-255,Target:6,IconGroup1:x", "26: only PE files have icons (target 1)".to_owned()),
        ("Engine:51-255,Target:1,IconGroup2:x", "accepted".to_owned()),
        (
            "Engine:51-255,Target:0,Container:CL_TYPE_FOO",
            "unused 36: unknown file type 'CL_TYPE_FOO'".to_owned(),
        ),
        ("Engine:51-255,Target:0,HandlerType:FOO", "unused 38: unknown file type 'FOO'".to_owned()),
        (
            "Engine:51-255,Target:0,Intermediates:CL_TYPE_ZIP>CL_TYPE_FOO",
            "unused 52: unknown file type 'CL_TYPE_FOO'".to_owned(),
        ),
        (&format!("Engine:51-255,Target:0,Intermediates:{}", zips(16)), "accepted".to_owned()),
        (
            &format!("Engine:51-255,Target:0,Intermediates:{}", zips(17)),
            "40: more than 16 intermediates".to_owned(),
        ),
        ("Engine:51-255,Target", "17: not an attribute: 'Target'".to_owned()),
        ("", "3: not an attribute: ''".to_owned()),
        ("Engine:51-255,Target:0,", "26: not an attribute: ''".to_owned()),
    ] {
        assert_eq!(fate("ldb", &format!("A;{description};0;aabb")), expected, "{description}");
    }
}

#[test]
fn content() {
    for (text, expected) in [
        ("aabb", vec!["aabb"]),
        ("aabb::", vec!["aabb"]),
        ("aabb::a", vec!["aabb"]),
        ("aabb::w", vec!["aa00bb00"]),
        ("aabb::aw", vec!["aa00bb00", "aabb"]),
        ("aabb::f", vec!["<W>aabb<W>"]),
        ("aabb::wf", vec!["<WW>aa00bb00<WW>"]),
        ("aabb::waf", vec!["<WW>aa00bb00<WW>", "<W>aabb<W>"]),
        ("aa::w", vec!["aa00"]),
        ("aabb??a?cc::w", vec!["aa00bb00??00a?00cc00"]),
        // What `{n}` stands for is not widened.
        ("aabb{2}cc::w", vec!["aa00bb00????cc00"]),
        ("aabb{2-4}ccdd*eeff::w", vec!["aa00bb00 {2-4} cc00dd00 * ee00ff00"]),
        ("aabb(cc|ddee|f?)00::w", vec!["aa00bb00(cc00|dd00ee00|f?00)0000"]),
        ("aabb!(cc)dd::w", vec!["aa00bb00!(cc00)dd00"]),
        ("(W)aabb(B)::w", vec!["<WW>aa00bb00<B>"]),
        ("aabb(L)cc::w", vec!["aa00bb00(0a)cc00"]),
        ("aabb*ccdd::f", vec!["<W>aabb * ccdd<W>"]),
        // Brackets are braces in a wide pattern: what stands beside them has two bytes at least.
        ("aabb[2-4]ccdd::w", vec!["aa00bb00 {2-4} cc00dd00"]),
        ("aa[2]bbcc[1-40]dd::w", vec!["aa00????bb00cc00 {1-40} dd00"]),
        ("aa[0-1]bbccdd::aw", vec!["aa00 {0-1} bb00cc00dd00", "aa {0-1} bbccdd"]),
        ("aabb::i*ccdd::i", vec!["aabb"]),
        ("aabb::w::i", vec!["aabb"]),
        ("aabb::z::w", vec!["aabb"]),
    ] {
        let SubSignature::Content { patterns, macro_group: None } = second(text) else { panic!("{text}") };
        let shown: Vec<String> = patterns.iter().map(render).collect();
        assert_eq!(shown, expected, "{text}");
        let ignores = text.split_once("::").is_some_and(|(_, letters)| letters == "i");
        assert!(patterns.iter().all(|pattern| pattern.ignore_case == ignores), "{text}");
    }
    let SubSignature::Content { patterns, .. } = second("EOF-10,4:aabb::aw") else { panic!() };
    assert!(patterns.iter().all(|pattern| pattern.offset == Offset { base: OffsetBase::End(10), shift: 4 }));
    assert_eq!(second_fate("aabb::x"), "7: no such modifier: 'x'");
    assert_eq!(second_fate("aabb:i"), "1: not an offset: 'aabb'");
    assert_eq!(second_fate("EP+0:aabb"), "1: 'EP+0' needs an executable target (1, 6 or 9), not 0");
    assert_eq!(second_fate("aa::aw"), "1: no two fixed bytes in a row in this part of the pattern");
    assert_eq!(second_fate("10:aabb::w:i"), "11: no such modifier: ':'");
    assert_eq!(second_fate("a?::w"), "1: no two fixed bytes in a row in this part of the pattern");
    assert_eq!(second_fate(""), "1: the pattern is empty");
}

#[test]
fn macros() {
    let SubSignature::Content { patterns, macro_group: None } = second("${6-7}12$") else { panic!() };
    let [part] = patterns[0].parts.as_slice() else { panic!() };
    assert_eq!((part.gap, part.macro_group), (Gap { min: 6, max: Some(7) }, Some(12)));
    assert!(part.elements.is_empty());
    const FORM: &str = "1: a macro is written ${min-max}group$";
    for (text, expected) in [
        ("${1-2}32$", "7: there are only 32 macro groups"),
        ("${1-2}12", FORM),
        ("${1}12$", FORM),
        ("$12$:aabb", FORM),
        ("${-2}12$", "3: the distance is not a number: ''"),
        ("${1-}12$", "5: the distance is not a number: ''"),
    ] {
        assert_eq!(second_fate(text), expected, "{text}");
    }
    assert_eq!(
        fate("ldb", "A;Target:0;0;${1-2}12$"),
        "unused 14: a macro without a pattern right before it never matches"
    );
}

#[test]
fn regular_expressions() {
    let SubSignature::Regex(Regex { offset, trigger, pattern, flags }) = second("5,3:(0>2)/a\\/b;c:d/grei")
    else {
        panic!()
    };
    assert_eq!(offset, Offset { base: OffsetBase::Start(5), shift: 3 });
    assert_eq!(show(&trigger), "0>2");
    assert_eq!(pattern, "a\\/b;c:d");
    let expected =
        RegexFlags { global: true, rolling: true, encompass: true, caseless: true, ..RegexFlags::default() };
    assert_eq!(flags, expected);
    let SubSignature::Regex(regex) = second("0/a/b/smxAEU") else { panic!() };
    assert_eq!((regex.pattern.as_str(), regex.offset), ("a/b", Offset::ANY));
    let expected = RegexFlags {
        dot_all: true,
        multi_line: true,
        extended: true,
        anchored: true,
        dollar_end_only: true,
        ungreedy: true,
        ..RegexFlags::default()
    };
    assert_eq!(regex.flags, expected);
    for (text, expected) in [
        ("0/abc/", "accepted"),
        ("0/abc/q", "7: no such flag: 'q'"),
        ("0/abc", "6: the closing '/' is missing"),
        ("/abc/", "1: a regular expression needs a trigger"),
        ("0//", "3: the regular expression is empty"),
        ("1/abc/", "1: a trigger may only name earlier sub-signatures"),
        ("0&2/abc/", "1: a trigger may only name earlier sub-signatures"),
        ("EP+0:0/abc/", "1: 'EP+0' needs an executable target (1, 6 or 9), not 0"),
    ] {
        assert_eq!(second_fate(text), expected, "{text}");
    }
    // A semicolon inside of an expression does not end it, one behind it does.
    let both = logical("A;Engine:81-255,Target:0;0&1&2;aabb;0/a;\\/;b/;ccdd");
    assert_eq!(both.subsignatures.len(), 3);
}

#[test]
fn regular_expressions_are_about_bytes() {
    let mut line = b"A;Engine:81-255,Target:0;0&1;aabb;0/a\xe9/".to_vec();
    line.push(b'\n');
    let outcome = crate::clamav::tests::load_files(&[("t.ldb", &line)]);
    let Signature::Logical(logical) = &outcome.collector.taken[0].signature else { panic!() };
    let SubSignature::Regex(regex) = &logical.subsignatures[1] else { panic!() };
    assert_eq!(regex.pattern, "a\\xe9");
}

#[test]
fn byte_comparisons() {
    let number = |comparison, value| Number { comparison, value };
    let base = ByteCompare {
        sub: 0,
        distance: 5,
        form: NumberForm::Hexadecimal,
        big_endian: true,
        exact: false,
        length: 2,
        comparisons: vec![number(Comparison::Equal, 20)],
    };
    for (text, expected) in [
        ("0(>>5#hb2#=20)", base.clone()),
        ("0(<<5#hb2#=20)", ByteCompare { distance: -5, ..base.clone() }),
        ("0(>>-5#hb2#=20)", ByteCompare { distance: -5, ..base.clone() }),
        ("0(<<-5#hb2#=20)", base.clone()),
        ("0(>>0x10#hb2#=20)", ByteCompare { distance: 16, ..base.clone() }),
        ("0(>>010#hb2#=20)", ByteCompare { distance: 8, ..base.clone() }),
        ("1(>>5#hl2#=20)", ByteCompare { sub: 1, big_endian: false, ..base.clone() }),
        ("0(>>5#de2#=20)", ByteCompare { form: NumberForm::Decimal, exact: true, ..base.clone() }),
        ("0(>>5#abe2#=20)", ByteCompare { form: NumberForm::Auto, exact: true, ..base.clone() }),
        (
            "0(>>5#il8#=20)",
            ByteCompare { form: NumberForm::Raw, big_endian: false, length: 8, ..base.clone() },
        ),
        (
            "0(>>5#hb2#>0x20,<024)",
            ByteCompare {
                comparisons: vec![number(Comparison::Greater, 32), number(Comparison::Less, 20)],
                ..base.clone()
            },
        ),
        ("0(>>5#hb2#=-1)", ByteCompare { comparisons: vec![number(Comparison::Equal, -1)], ..base }),
    ] {
        assert_eq!(second(text), SubSignature::ByteCompare(expected), "{text}");
    }
    for (text, expected) in [
        ("0(5#hb2#=20)", "3: a distance starts with '>>' or '<<'"),
        ("0(>>x#hb2#=20)", "5: the distance is not a number: 'x'"),
        ("0(>>5#il3#>20)", "9: a raw number has 1, 2, 4 or 8 bytes"),
        ("0(>>5#hb200#=20)", "9: the number of bytes is out of range"),
        ("0(>>5#hb0#=20)", "9: the number of bytes is out of range"),
        ("0(>>5#hb#=20)", "9: the number of bytes is not a number: ''"),
        ("0(>>5#dl2#=20)", "7: decimal digits have no little-endian form"),
        ("0(>>5#ih2#=20)", "8: options that exclude one another"),
        ("0(>>5#hbl2#=20)", "9: options that exclude one another"),
        ("0(>>5#qb2#=20)", "7: no such option"),
        ("0(>>5#hb2#20)", "11: a comparison starts with '=', '>' or '<'"),
        ("0(>>5#hb2#=2f)", "12: the value is not a number: '2f'"),
        ("0(>>5#hb2#>=20)", "12: the value is not a number: '=20'"),
        ("0(>>5#hb2#=1,=2,=3)", "11: at most two comparisons"),
        ("0(>>5#hb2#=20", "14: the closing ')' is missing"),
        ("0(>>5#hb2)", "10: the comparison is missing"),
        ("0(>>5#hb2#=1#2)", "14: more fields than there should be"),
        ("0(>>5#b2#=20)", "unused7: without one of h, d, a and i it never matches"),
        ("0(>>5#h2#=20)", "unused7: without a byte order (l or b) it never matches"),
    ] {
        assert_eq!(second_fate(text), expected, "{text}");
    }
}

#[test]
fn image_hashes() {
    let hash = PerceptualHash([0xaf, 0x2a, 0xd0, 0x1e, 0xd4, 0x29, 0x93, 0xc7]);
    for text in ["fuzzy_img#af2ad01ed42993c7", "fuzzy_img#AF2AD01ED42993C7#0"] {
        assert_eq!(second(text), SubSignature::FuzzyImage(hash));
    }
    assert_eq!(
        second_fate("fuzzy_img#af2ad01ed42993c7#1"),
        "28: images can only be compared for equal hashes"
    );
    assert_eq!(second_fate("fuzzy_img#af2ad01ed42993"), "11: an image hash has 16 hexadecimal digits");
    assert_eq!(second_fate("fuzzy_img#zz2ad01ed42993c7"), "11: an image hash has 16 hexadecimal digits");
    assert_eq!(second_fate("fuzzy_img#af2ad01ed42993c7#"), "28: the distance is not a number: ''");
}
