//! Any text can be loaded as rules of YARA; what cannot be used is said, and stops no other rule.

use candor_database::{Builder, Image};
use candor_signature::clamav::{Options, load};
use candor_signature::{Input, Severity};

/// A rule that stands behind whatever is made up.
const LAST: &str = "\nrule last_of_all { condition: filesize == 77 }\n";

/// Rules with a little of everything.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [
        "rule a : t { meta: x = \"y\" z = -1 strings: $a = \"abc\\x00\" wide ascii nocase fullword \
         $b = \"key\" xor(1-5) private $c = \"text\" base64 base64wide condition: 2 of them or $a at 0 }",
        "rule h { strings: $h = { 4D 5A ?? 0? [2-4] ( 90 | 91 [1] ?2 ) ~00 [4-] FF } condition: #h > 1 and @h[1] < !h }",
        "rule r { strings: $r = /^a(b|c)[^\\d_]{2,3}?\\w+$/is wide condition: for any of ($r*) : ($ in (0..filesize)) }",
        "import \"pe\" import \"math\" rule m { condition: pe.is_dll() and pe.sections[0].name == \".text\" and \
         math.entropy(0, filesize) > 7.0 and for any s in pe.sections : (s.raw_data_size > 1KB) }",
        "private global rule g { condition: uint16be(0) == 0x4d5a } rule u { condition: any of (g*) and not \
         defined uint8(9) or filename matches /x/ }",
        "rule l { strings: $ = \"a1\" $ = \"b2\" condition: for 1 i in (1, 2, 3) : (i % 2 == 1 and -i < ~1 << 2) and 50% of them }",
        "include \"own.yar\" rule broken { condition: } rule good { condition: entrypoint == 0 }",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

/// Loads rules, builds an image of them, and opens it.
pub(crate) fn parse(bytes: &[u8]) {
    let mut builder = Builder::new();
    let mut errors = 0_u64;
    let inputs = [Input { name: "fuzz.yar", bytes }];
    let summaries = load(&inputs, Options::default(), &mut builder, &mut |diagnostic| {
        assert!(!diagnostic.message.is_empty());
        errors += u64::from(diagnostic.severity == Severity::Error);
    });
    let accepted: u64 = summaries.iter().map(|summary| summary.accepted).sum();
    assert_eq!(accepted, builder.len(), "what is counted as accepted is in the image");
    assert_eq!(summaries.iter().map(|summary| summary.refused).sum::<u64>(), errors, "each refusal is told");
    let image = Image::from_vec(builder.finish().expect("a small image fits")).expect("what was built opens");
    image.check().expect("what was built is not damaged");
    assert_eq!(image.signatures().count() as u64, accepted);
    follow(bytes);
}

/// A rule is read whatever stands before it, unless that is a comment without an end, another rule of its name, a word
/// that changes it, or something that concerns the whole file.
fn follow(bytes: &[u8]) {
    const EXCEPTIONS: [&str; 4] = ["/*", "global", "private", "last_of_all"];
    let has = |part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
    if EXCEPTIONS.into_iter().any(has) || bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return;
    }
    let text = [bytes, LAST.as_bytes()].concat();
    let mut builder = Builder::new();
    let inputs = [Input { name: "fuzz.yar", bytes: &text }];
    let summaries = load(&inputs, Options::default(), &mut builder, &mut |_| {});
    assert!(summaries.iter().map(|summary| summary.accepted).sum::<u64>() > 0, "the last rule is read");
}
