//! A search answers what the signatures mean.

use candor_model::{Facts, FileType, Limits, Reason, Target};
use md5::{Digest as _, Md5};
use proptest::prelude::*;

use crate::ir::{
    Alternatives, Body, Comparison, Element, Expression, Gap, Header, Levels, Logical, Offset, OffsetBase,
    Part, Pattern, Receiver, Regex, RegexFlags, Signature, Source, SubSignature, TargetDescription,
};
use crate::{Builder, Image, Scratch, Screening, Subject, screen_together};

fn image(signatures: Vec<Signature>) -> Image {
    let mut builder = Builder::new();
    let source = builder
        .source(Source {
            name: "test.ldb".to_owned(),
            language: "ldb",
            official: false,
            potentially_unwanted: false,
        })
        .unwrap();
    for (index, signature) in signatures.into_iter().enumerate() {
        let line = u32::try_from(index).unwrap() + 1;
        builder.add(Header { name: &format!("Test.{index}"), source, line }, signature).unwrap();
    }
    Image::from_vec(builder.finish().unwrap()).unwrap()
}

/// A file of no known type.
fn subject<'a>(bytes: &'a [u8], facts: &'a Facts) -> Subject<'a> {
    Subject {
        bytes,
        file_type: FileType::BinaryData,
        target: Target::Other,
        file_size: bytes.len() as u64,
        facts,
        parents: &[],
        rules: None,
    }
}

fn hits(image: &Image, bytes: &[u8]) -> Vec<u32> {
    let facts = Facts::default();
    let subject = subject(bytes, &facts);
    let mut hits = Vec::new();
    let trouble = image.search(&subject, &Limits::default(), &mut Scratch::new(), &mut hits);
    assert_eq!(trouble, []);
    let (digest, screen) = image.screening(subject.target, bytes).finish();
    assert_eq!(digest, <[u8; 16]>::from(Md5::digest(bytes)));
    let mut screened = Vec::new();
    let (limits, mut work) = (Limits::default(), u64::MAX);
    let trouble = image.search_screened(
        &subject,
        Some(&screen),
        &limits,
        &mut work,
        &mut Scratch::new(),
        &mut screened,
    );
    assert_eq!(trouble, []);
    assert_eq!(screened, hits, "after a screening");
    hits.iter().map(|hit| hit.signature.0).collect()
}

fn part(gap: Gap, elements: Vec<Element>) -> Part {
    Part { gap, elements, macro_group: None }
}

fn pattern(offset: Offset, ignore_case: bool, parts: Vec<Part>) -> Pattern {
    Pattern { offset, ignore_case, parts }
}

fn body(pattern: Pattern) -> Signature {
    Signature::Body(Body { target: Target::Any, pattern, macro_group: None, raw: false })
}

fn text(text: &str) -> Pattern {
    pattern(Offset::ANY, false, vec![part(Gap::NONE, vec![Element::Bytes(text.as_bytes().to_vec())])])
}

fn logical(expression: Expression, texts: &[&str]) -> Signature {
    Signature::Logical(Logical {
        target: TargetDescription {
            target: Target::Any,
            levels: Levels::ANY,
            file_size: None,
            entry_point: None,
            sections: None,
            icon_group1: None,
            icon_group2: None,
            container: None,
            intermediates: Vec::new(),
            handler: None,
        },
        expression,
        subsignatures: texts
            .iter()
            .map(|sub| SubSignature::Content { patterns: vec![text(sub)], macro_group: None })
            .collect(),
    })
}

#[test]
fn signatures_that_mean_the_same_share_a_description_and_are_all_found() {
    let once = image(vec![body(text("sought-after")), body(text("something else"))]);
    let twice =
        image(vec![body(text("sought-after")), body(text("sought-after")), body(text("something else"))]);
    let descriptions = |image: &Image| {
        let sections = image.info().sections;
        sections.iter().find(|section| section.name == "patterns: descriptions").unwrap().length
    };
    assert_eq!(descriptions(&once), descriptions(&twice));
    assert_eq!(hits(&twice, b"what is sought-after is here"), [0, 1]);
    assert_eq!(hits(&twice, b"something else, and sought-after"), [0, 1, 2]);
    assert_eq!(hits(&twice, b"nothing"), [0_u32; 0]);
}

#[test]
fn literals_of_every_length_are_found_at_every_place() {
    let texts = ["ab", "abc", "abcd", "abcdefg", "abcdefgh", "abcdefghijklmnopqrstuvwxyz0123456789"];
    let image = image(texts.iter().map(|sub| body(text(sub))).collect());
    for (number, sub) in (0..).zip(texts) {
        for before in [0, 1, 7, 15, 16, 17, 16383, 16384, 40000] {
            for after in [0, 1, 16, 33] {
                let mut bytes = vec![b'.'; before];
                bytes.extend_from_slice(sub.as_bytes());
                bytes.resize(bytes.len() + after, b'.');
                let found = hits(&image, &bytes);
                assert!(found.contains(&number), "{sub} behind {before} before {after}: {found:?}");
            }
        }
    }
    assert_eq!(hits(&image, b"ac abd"), [0]);
}

#[test]
fn a_signature_may_be_pinned_to_more_places_than_are_looked_at_for_others() {
    let pinned = |place: u64| {
        let offset = Offset { base: OffsetBase::Start(place), shift: 0 };
        let bytes = format!("pinned {place}").into_bytes();
        pattern(offset, false, vec![part(Gap::NONE, vec![Element::Bytes(bytes)])])
    };
    let alone = (0..20).map(|number| body(pinned(number * 50)));
    // One signature whose sub-signatures, any of which is enough, have many places of their own.
    let places: Vec<u64> = (0..60).map(|number| 1_000 + number * 50).collect();
    let Signature::Logical(mut many) = logical(Expression::Sub(0), &[]) else { unreachable!() };
    many.expression = (1..60).fold(Expression::Sub(0), |left, right| {
        Expression::Or(Box::new(left), Box::new(Expression::Sub(right)))
    });
    many.subsignatures = places
        .iter()
        .map(|place| SubSignature::Content { patterns: vec![pinned(*place)], macro_group: None })
        .collect();
    let image = image(alone.chain([Signature::Logical(many)]).collect());
    for (place, signature) in
        (0..20).map(|number| (u64::from(number) * 50, number)).chain(places.iter().map(|place| (*place, 20)))
    {
        let mut bytes = vec![b'.'; 5_000];
        let text = format!("pinned {place}");
        let at = usize::try_from(place).unwrap();
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        assert_eq!(hits(&image, &bytes), [signature], "at {place}");
    }
}

#[test]
fn case_gaps_alternatives_and_offsets() {
    let choice = |negated, branches: &[&str]| {
        let branches = branches.iter().map(|text| vec![Element::Bytes(text.as_bytes().to_vec())]).collect();
        Element::Alternatives(Alternatives { negated, branches })
    };
    let bytes = |text: &str| Element::Bytes(text.as_bytes().to_vec());
    let at = |base, shift| Offset { base, shift };
    let image = image(vec![
        body(pattern(Offset::ANY, true, vec![part(Gap::NONE, vec![bytes("Hello.World")])])),
        body(pattern(
            Offset::ANY,
            false,
            vec![
                part(Gap::NONE, vec![bytes("first")]),
                part(Gap { min: 2, max: Some(4) }, vec![bytes("second")]),
                part(Gap::ANY, vec![bytes("third")]),
            ],
        )),
        body(pattern(
            Offset::ANY,
            false,
            vec![part(Gap::NONE, vec![bytes("x"), choice(false, &["aa", "b", "cccc"]), bytes("yz")])],
        )),
        body(pattern(
            Offset::ANY,
            false,
            vec![part(Gap::NONE, vec![bytes("no"), choice(true, &["12", "34"])])],
        )),
        body(pattern(at(OffsetBase::Start(4), 2), false, vec![part(Gap::NONE, vec![bytes("start")])])),
        body(pattern(at(OffsetBase::End(3), 0), false, vec![part(Gap::NONE, vec![bytes("end")])])),
    ]);
    assert_eq!(hits(&image, b"..hELLO.wORLD"), [0]);
    assert_eq!(hits(&image, b"first12second ... third"), [1]);
    assert_eq!(hits(&image, b"first1234second ... third"), [1]);
    assert_eq!(hits(&image, b"first1second ... third"), []);
    assert_eq!(hits(&image, b"first12345second ... third"), []);
    assert_eq!(hits(&image, b"first first12second third second"), [1]);
    assert_eq!(hits(&image, b"xaayz"), [2]);
    assert_eq!(hits(&image, b"xbyz"), [2]);
    assert_eq!(hits(&image, b"xccccyz"), [2]);
    assert_eq!(hits(&image, b"xcyz"), []);
    assert_eq!(hits(&image, b"no13"), [3]);
    assert_eq!(hits(&image, b"no12 no34 no1"), []);
    assert_eq!(hits(&image, b"....start"), [4]);
    assert_eq!(hits(&image, b"......start"), [4]);
    assert_eq!(hits(&image, b".......start"), []);
    assert_eq!(hits(&image, b"...start"), []);
    assert_eq!(hits(&image, b"end...end"), [5]);
    assert_eq!(hits(&image, b"end..."), []);
}

#[test]
fn conditions() {
    let sub = |number| Box::new(Expression::Sub(number));
    let count = |of, comparison, hits, distinct| Expression::Count { of, comparison, hits, distinct };
    let image = image(vec![
        logical(Expression::And(sub(0), sub(1)), &["alphabet", "beta"]),
        logical(Expression::Or(sub(0), sub(1)), &["gamma", "delta"]),
        logical(count(sub(0), Comparison::Greater, 2, 0), &["epsi"]),
        logical(
            Expression::And(sub(0), Box::new(count(sub(1), Comparison::Equal, 0, 0))),
            &["present", "absent"],
        ),
        logical(
            count(Box::new(Expression::Or(sub(0), sub(1))), Comparison::Greater, 1, 2),
            &["zetazeta", "etaeta"],
        ),
    ]);
    assert_eq!(hits(&image, b"beta alphabet"), [0]);
    assert_eq!(hits(&image, b"alphabet"), []);
    assert_eq!(hits(&image, b"delta"), [1]);
    assert_eq!(hits(&image, b"epsi epsi"), []);
    assert_eq!(hits(&image, b"epsi epsi epsi"), [2]);
    assert_eq!(hits(&image, b"present"), [3]);
    assert_eq!(hits(&image, b"present absent"), []);
    assert_eq!(hits(&image, b"zetazeta zetazeta"), []);
    assert_eq!(hits(&image, b"etaeta... zetazeta"), [4]);
}

#[test]
fn a_pattern_of_five_bytes_or_more_is_found_wherever_it_stands() {
    // Of what has so few bytes some are looked for at every second position, the rest at every fourth.
    for text_of in ["qz7x!", "qz7x!w", "qz7x!wk", "qz7x!wkv", "qz7x!wkv2", "qz7x!wkv2j", "qz7x!wkv2jy"] {
        let image = image(vec![body(text(text_of))]);
        for before in 0..70 {
            for behind in [0, 1, 2, 3, 7, 64, 130] {
                let mut bytes = vec![b'.'; before];
                bytes.extend_from_slice(text_of.as_bytes());
                bytes.resize(bytes.len() + behind, b'.');
                assert_eq!(hits(&image, &bytes), [0], "{text_of} behind {before}, {behind} behind it");
                let last = before + text_of.len() - 1;
                bytes[last] = b'_';
                assert_eq!(hits(&image, &bytes), [], "{text_of} behind {before} but for its last byte");
            }
        }
    }
}

#[test]
fn a_choice_ends_what_is_known_of_a_run() {
    let bytes = |bytes: &[u8]| Element::Bytes(bytes.to_vec());
    let any = || Element::Masked { value: 0, mask: 0 };
    for known in 5..9 {
        let parts = vec![any(), bytes(&b"qz7x!wkv2"[..known]), any(), any(), bytes(b"\x9d"), any()];
        let image = image(vec![body(pattern(Offset::ANY, false, vec![part(Gap::NONE, parts)]))]);
        for before in 0..12 {
            for end in [20, 21, 90] {
                let mut layer = vec![b'.'; before];
                layer.extend_from_slice(b"?");
                layer.extend_from_slice(&b"qz7x!wkv2"[..known]);
                layer.extend_from_slice(b"??\x9d?");
                layer.resize(layer.len().max(end), b'.');
                assert_eq!(hits(&image, &layer), [0], "{known} behind {before}");
            }
        }
    }
}

#[test]
fn what_nothing_was_met_of_is_not_looked_for() {
    // Steps are for a layer of a mebibyte once, or hardly more: of every sub-signature but one nothing is there.
    let names = ["kappa-one", "lambda-two", "my-three", "ny-four", "omikron-five", "sigma-six"];
    let or = |left, right| Expression::Or(Box::new(left), Box::new(right));
    let all = (1..6).fold(Expression::Sub(0), |left, right| or(left, Expression::Sub(right)));
    let three =
        Expression::Count { of: Box::new(all), comparison: Comparison::Greater, hits: 5, distinct: 3 };
    let both =
        |left, right| Expression::And(Box::new(Expression::Sub(left)), Box::new(Expression::Sub(right)));
    let image = image(vec![logical(three, &names), logical(or(both(0, 1), both(2, 3)), &names)]);
    let layer = |words: &[&str]| {
        let mut bytes = vec![b'.'; 1 << 20];
        for (word, place) in words.iter().zip(1..) {
            bytes[place * 1000..place * 1000 + word.len()].copy_from_slice(word.as_bytes());
        }
        bytes
    };
    assert_eq!(hits(&image, &layer(&["kappa-one"])), []);
    assert_eq!(hits(&image, &layer(&["kappa-one", "my-three", "sigma-six"])), []);
    assert_eq!(hits(&image, &layer(&["kappa-one", "lambda-two"])), [1]);
    assert_eq!(hits(&image, &layer(&["ny-four", "my-three"])), [1]);
    let twice = ["kappa-one", "lambda-two", "my-three", "kappa-one", "lambda-two", "my-three"];
    assert_eq!(hits(&image, &layer(&twice)), [0, 1]);
    assert_eq!(hits(&image, &layer(&twice[..5])), [1]);

    let bytes = layer(&["kappa-one", "my-three", "sigma-six"]);
    let facts = Facts::default();
    let subject = subject(&bytes, &facts);
    // The three that are there are counted; five passes would take more.
    let limits = Limits { search_steps: 3 * ((1 << 20) / 16 + 1_000), ..Limits::default() };
    let trouble = image.search(&subject, &limits, &mut Scratch::new(), &mut Vec::new());
    assert_eq!(trouble, []);
}

#[test]
fn looking_up_what_signatures_begin_with_is_paid_for() {
    let image = image(vec![body(text("somewhere or elsewhere")), body(text("nowhere at all"))]);
    let facts = Facts::default();
    let search = |bytes: &[u8], is_screened: bool, mut work: u64| {
        let screened = is_screened.then(|| image.screening(Target::Other, bytes).finish().1);
        let (mut hits, given) = (Vec::new(), work);
        let trouble = image.search_screened(
            &subject(bytes, &facts),
            screened.as_ref(),
            &Limits::default(),
            &mut work,
            &mut Scratch::new(),
            &mut hits,
        );
        (hits.len(), trouble, given - work)
    };
    let almost = "somewhere or elsewhen ".repeat(20_000);
    let bytes = format!("nowhere at all {almost}somewhere or elsewhere");
    for is_screened in [false, true] {
        let (hits, trouble, spent) = search(bytes.as_bytes(), is_screened, u64::MAX);
        assert_eq!((hits, trouble), (2, vec![]));
        assert!(spent >= 20_000 * 8, "{spent}");
        assert_eq!(search(bytes.as_bytes(), is_screened, spent).1, []);
        // What comes first is found, what comes last is not, and that is said.
        assert_eq!(search(bytes.as_bytes(), is_screened, spent / 2), (1, vec![Reason::Work], spent / 2));
    }
    // A text costs next to nothing.
    let text = "what is written here begins like no signature at all, ".repeat(10_000);
    assert!(search(text.as_bytes(), false, u64::MAX).2 < 100_000);
    // In few places it is known from the screening.
    let few = format!("{}nowhere at all", "somewhere or elsewhen ".repeat(2) + &text);
    assert_eq!(search(few.as_bytes(), true, 0), (0, vec![Reason::Work], 0));
}

#[test]
fn what_several_signatures_look_for_is_looked_for_once() {
    // Two zeros are too common to be found by, and are not there.
    let both = Expression::And(Box::new(Expression::Sub(0)), Box::new(Expression::Sub(1)));
    let names = ["kappa-one", "lambda-two", "my-three", "ny-four"];
    let image = image(names.map(|name| logical(both.clone(), &[name, "\0\0"])).to_vec());
    let mut bytes = vec![b'.'; 1 << 20];
    for (name, place) in names.iter().zip(1..) {
        bytes[place * 1000..place * 1000 + name.len()].copy_from_slice(name.as_bytes());
    }
    let facts = Facts::default();
    let once = Limits { search_steps: (1 << 20) / 16 + 1_000, ..Limits::default() };
    let mut scratch = Scratch::new();
    for end in [None, Some(b"\0\0"), None] {
        let mut bytes = bytes.clone();
        bytes.extend_from_slice(end.map_or(b"..", |end| end));
        let mut hits = Vec::new();
        assert_eq!(image.search(&subject(&bytes, &facts), &once, &mut scratch, &mut hits), []);
        let found: Vec<u32> = hits.iter().map(|hit| hit.signature.0).collect();
        assert_eq!(found, if end.is_some() { vec![0, 1, 2, 3] } else { vec![] });
    }
}

#[test]
fn an_expression_is_asked_only_where_its_strings_are() {
    let with = |expression: &str| {
        let Signature::Logical(mut logical) = logical(Expression::Sub(1), &["function"]) else { panic!() };
        logical.subsignatures.push(SubSignature::Regex(Regex {
            offset: Offset::ANY,
            trigger: Expression::Sub(0),
            pattern: expression.to_owned(),
            flags: RegexFlags::default(),
        }));
        Signature::Logical(logical)
    };
    let none = Limits { search_steps: 0, ..Limits::default() };
    for (expression, without, matching) in [
        (r"unescape\([0-9]{4}", "function(1234) escape(1234", "function unescape(1234)"),
        (r"\b(?:zwitter_|kxqj_)[0-9]+", "function kxqj 123", "function: kxqj_123"),
        (r"x\x00?[Zz]\x00?q\x00?7\x00?[kK]", "function xz7k", "function x\0zq\x007K"),
        (r"(?:dGVz(?:dAjk|dBjk)|kZX[RS]lc)", "function dGVk", "function ZX dGVzdBjk"),
        (r"(?:xzkwq(?=s)|vjqpb)(.)\1", "function xzkw vjqp", "function xzkwqss"),
    ] {
        let image = image(vec![with(expression)]);
        let facts = Facts::default();
        let search = |text: &str, limits: &Limits| {
            let mut hits = Vec::new();
            let trouble =
                image.search(&subject(text.as_bytes(), &facts), limits, &mut Scratch::new(), &mut hits);
            (hits.len(), trouble.is_empty())
        };
        assert_eq!(search(without, &none), (0, true), "{expression}: nothing is looked at");
        assert_eq!(search(matching, &none), (0, false), "{expression}: something is");
        assert_eq!(search(matching, &Limits::default()), (1, true), "{expression}");
    }
}

fn letters() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"abAB".to_vec()), 1..12)
}

proptest! {
    #[test]
    fn a_pattern_cut_out_of_the_bytes_is_found(
        bytes in prop::collection::vec(prop::sample::select(b"abAB\x00".to_vec()), 20..300),
        start in 0_usize..200,
        length in 2_usize..40,
        wild in prop::collection::vec(0_usize..40, 0..4),
        ignore_case: bool,
    ) {
        let start = start.min(bytes.len() - 2);
        let end = (start + length).min(bytes.len());
        let mut elements: Vec<Element> =
            bytes[start..end].iter().map(|byte| Element::Bytes(vec![*byte])).collect();
        for place in wild {
            if let Some(element) = elements.get_mut(place) {
                *element = Element::Masked { value: 0, mask: 0 };
            }
        }
        let image = image(vec![body(pattern(Offset::ANY, ignore_case, vec![part(Gap::NONE, elements)]))]);
        prop_assert_eq!(hits(&image, &bytes), [0]);
    }

    #[test]
    fn a_literal_is_found_where_it_is_and_nowhere_else(needle in letters(), bytes in letters()) {
        let image = image(vec![body(text(std::str::from_utf8(&needle).unwrap()))]);
        let there = bytes.windows(needle.len()).any(|window| window == needle);
        prop_assert_eq!(hits(&image, &bytes), if there { vec![0] } else { vec![] });
    }
}

#[test]
fn a_screen_is_for_its_own_layer_only() {
    let image = image(vec![body(text("somewhere")), body(text("elsewhere"))]);
    let facts = Facts::default();
    let (one, other) = (b"this is somewhere".to_vec(), b"this is elsewhere".to_vec());
    let (_, screen) = image.screening(Target::Other, &other).finish();
    let subject = |bytes, target| Subject {
        bytes,
        file_type: FileType::BinaryData,
        target,
        file_size: 17,
        facts: &facts,
        parents: &[],
        rules: None,
    };
    for subject in [subject(&one, Target::Other), subject(&other, Target::Any)] {
        let mut hits = Vec::new();
        let (mut scratch, mut work) = (Scratch::new(), u64::MAX);
        image.search_screened(
            &subject,
            Some(&screen),
            &Limits::default(),
            &mut work,
            &mut scratch,
            &mut hits,
        );
        assert_eq!(hits.len(), 1);
    }
}

#[test]
fn layers_that_are_screened_together_are_screened_as_each_alone() {
    let image =
        image(vec![body(text("needle in it")), body(text("wxyz")), body(text("!qZ7x")), body(text("ab?"))]);
    let noise = |length: usize, step: u32| -> Vec<u8> {
        (0..u32::try_from(length).unwrap())
            .map(|at| at.wrapping_mul(0x9e37_79b1).wrapping_mul(step).to_le_bytes()[3])
            .collect()
    };
    // Less than a block, blocks and what is left of one, and one in which runs are everywhere. Where four or three go
    // together one ends, and another takes its place.
    let lengths = [100, 400_003, 16 << 10, 70_000, (32 << 10) + 64, (32 << 10) + 63, 0, 250_000, 90_000];
    let mut layers: Vec<Vec<u8>> =
        (1..).zip(lengths).map(|(step, length)| noise(length, 2 * step + 1)).collect();
    layers.push(b"!qZ7x!qZ7x".repeat(100_000));
    for layer in &mut layers {
        for (word, place) in [("needle in it", 3), ("wxyz", 2), ("!qZ7x", 7), ("ab?", 4)] {
            let at = layer.len() / 8 * place;
            if let Some(room) = layer.get_mut(at..at + word.len()) {
                room.copy_from_slice(word.as_bytes());
            }
        }
    }
    for count in 0..=layers.len() {
        let mut together: Vec<Screening<'_>> =
            layers[..count].iter().map(|layer| image.screening(Target::Other, layer)).collect();
        let mut rounds = 0;
        screen_together(&mut together, &mut || {
            rounds += 1;
            count != 4 || rounds < 3
        });
        #[cfg(target_arch = "x86_64")]
        if count > 3 && std::arch::is_x86_feature_detected!("avx512bw") {
            assert!(rounds > 1, "{count} did not go together");
        }
        for (screening, layer) in together.into_iter().zip(&layers) {
            let (digest, screen) = screening.finish();
            assert_eq!(digest, <[u8; 16]>::from(Md5::digest(layer)), "{count}, {}", layer.len());
            let (_, alone) = image.screening(Target::Other, layer).finish();
            let (screen, alone) = (format!("{:?}", screen.sorted()), format!("{:?}", alone.sorted()));
            assert_eq!(screen, alone, "{count}, {}", layer.len());
        }
    }
}

#[test]
fn what_is_everywhere_is_found_after_a_screening() {
    // More places than a screen keeps.
    let image = image(vec![body(text("!qZ7x")), body(text("not there"))]);
    let bytes = b"!qZ7x!qZ7x".repeat(300_000);
    assert_eq!(hits(&image, &bytes), [0]);
}

#[test]
fn literals_counted_together_are_counted_as_each_by_itself() {
    // Overlapping, one inside another, and one that is not there.
    let texts = ["abab", "ababab", "bcbcx", "nowhere"];
    let or = |left, right| Expression::Or(Box::new(left), Box::new(right));
    let choice =
        || or(Expression::Sub(0), or(Expression::Sub(1), or(Expression::Sub(2), Expression::Sub(3))));
    let count = |comparison, hits, distinct| {
        logical(Expression::Count { of: Box::new(choice()), comparison, hits, distinct }, &texts)
    };
    let image = image(vec![
        count(Comparison::Equal, 11, 3),
        count(Comparison::Greater, 10, 0),
        count(Comparison::Greater, 11, 0),
        count(Comparison::Greater, 1, 4),
    ]);
    // Small layers are searched for each by itself, large ones for all together.
    for filling in [0, 100_000] {
        let mut bytes = vec![b'-'; filling];
        // Four and three hits of the first two in the middle, two and one at the end; one of the third.
        bytes.extend_from_slice(b"ababababab--");
        bytes.resize(2 * filling + 20, b'-');
        bytes.extend_from_slice(b"bcbcx");
        assert_eq!(hits(&image, &bytes).len(), 0, "{filling}");
        bytes.extend_from_slice(b"--ababab");
        assert_eq!(hits(&image, &bytes), [0, 1], "{filling}");
    }
}

#[test]
fn counts_of_one_string_are_decided_by_the_hits_that_they_need() {
    let mut signatures = Vec::new();
    for wanted in [0, 1, 7, 8, 9, 20] {
        for comparison in [Comparison::Equal, Comparison::Greater, Comparison::Less] {
            let of = Box::new(Expression::Sub(0));
            signatures
                .push(logical(Expression::Count { of, comparison, hits: wanted, distinct: 0 }, &["epsilon"]));
        }
    }
    let image = image(signatures);
    for there in 0_u32..25 {
        let bytes = format!("- {}", "epsilon ".repeat(there as usize));
        let expected: Vec<u32> = (0..)
            .zip(
                [0, 1, 7, 8, 9, 20]
                    .into_iter()
                    .flat_map(|wanted| [there == wanted, there > wanted, there < wanted]),
            )
            .filter_map(|(number, holds)| holds.then_some(number))
            .collect();
        assert_eq!(hits(&image, bytes.as_bytes()), expected, "{there}");
    }
}

#[test]
fn choices_and_neighbours_around_an_anchor_are_where_they_must_be() {
    // Nothing of it is longer than two bytes, and what stands beside is a choice.
    let bytes = |bytes: &[u8]| Element::Bytes(bytes.to_vec());
    let branches = ["f", "k"].map(|text| vec![bytes(text.as_bytes())]).to_vec();
    let letter = Element::Alternatives(Alternatives { negated: false, branches });
    let within = |max| Gap { min: 0, max: Some(max) };
    let image = image(vec![body(pattern(
        Offset::ANY,
        false,
        vec![
            part(Gap::NONE, vec![bytes(b"\xe8"), Element::Masked { value: 0, mask: 0 }, bytes(b"\0\0\0")]),
            part(within(6), vec![bytes(b"\x86\x02"), letter]),
            part(within(4), vec![bytes(b"\x88\x02")]),
            part(within(9), vec![bytes(b"\xff\xe3")]),
        ],
    ))]);
    let layer = |gaps: [usize; 3], letter: u8| {
        let mut layer = b"\x86\x02f..\xe8?\0\0\0".to_vec();
        let parts = [vec![0x86, 0x02, letter], vec![0x88, 0x02], vec![0xff, 0xe3]];
        for (gap, part) in gaps.into_iter().zip(parts) {
            layer.resize(layer.len() + gap, b'-');
            layer.extend(part);
        }
        layer
    };
    for (gaps, letter, is_there) in [
        ([0, 0, 0], b'f', true),
        ([6, 4, 9], b'k', true),
        ([6, 4, 9], b'x', false),
        ([7, 4, 9], b'f', false),
        ([6, 5, 9], b'f', false),
        ([6, 4, 10], b'f', false),
    ] {
        assert_eq!(hits(&image, &layer(gaps, letter)).len(), usize::from(is_there), "{gaps:?} {letter}");
    }
}
