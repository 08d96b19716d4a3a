//! What holds for every language: order, comments, limits, ignore lists, counting; and the acceptance
//! of the languages that are one table each.

use candor_database::ir::{
    Alternatives, Boundary, BoundaryKind, Element, Gap, Header, Pattern, Receiver, Refusal, Signature,
    Source, SourceId,
};
use md5::{Digest as _, Md5};
use proptest::prelude::*;

use super::language;
use super::{Options, load};
use crate::{Diagnostic, Input, Severity, SourceSummary};

/// A signature as it was handed over.
#[derive(Debug, PartialEq)]
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) source: SourceId,
    pub(super) line: u32,
    pub(super) signature: Signature,
}

/// Keeps everything that is handed over.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub(super) sources: Vec<Source>,
    pub(super) taken: Vec<Taken>,
}

impl Receiver for Collector {
    fn source(&mut self, source: Source) -> Result<SourceId, Refusal> {
        self.sources.push(source);
        Ok(SourceId(u16::try_from(self.sources.len() - 1).unwrap()))
    }

    fn add(&mut self, header: Header<'_>, signature: Signature) -> Result<(), Refusal> {
        self.taken.push(Taken {
            name: header.name.into(),
            source: header.source,
            line: header.line,
            signature,
        });
        Ok(())
    }
}

/// Everything that came of a load.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) collector: Collector,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) summaries: Vec<SourceSummary>,
}

pub(super) fn load_files(files: &[(&str, &[u8])]) -> Outcome {
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let mut collector = Collector::default();
    let mut diagnostics = Vec::new();
    let summaries =
        load(&inputs, Options::default(), &mut collector, &mut |diagnostic| diagnostics.push(diagnostic));
    Outcome { collector, diagnostics, summaries }
}

/// Loads one line of a language and gives the signature.
pub(super) fn signature(extension: &str, line: &str) -> Signature {
    let name = format!("t.{extension}");
    let mut outcome = load_files(&[(&name, line.as_bytes())]);
    assert_eq!(outcome.diagnostics, [], "{line}");
    assert_eq!(outcome.collector.taken.len(), 1, "{line}");
    outcome.collector.taken.remove(0).signature
}

/// What becomes of one line: `accepted`, `level`, or the column and reason.
pub(super) fn fate(extension: &str, line: &str) -> String {
    let outcome = load_files(&[(&format!("t.{extension}"), line.as_bytes())]);
    let summary = &outcome.summaries[0];
    match outcome.diagnostics.as_slice() {
        [] if summary.accepted == 1 => "accepted".into(),
        [] if summary.other_level == 1 => "level".into(),
        [one] if one.severity == Severity::Error && summary.refused == 1 => {
            format!("{}: {}", one.column, one.message)
        }
        [one] if summary.unused == 1 => format!("unused {}: {}", one.column, one.message),
        other => panic!("{line}: {other:?} {summary:?}"),
    }
}

/// Checks lines of one language, each with its [`fate`].
#[track_caller]
pub(super) fn check_fates(extension: &str, table: &[(&str, &str)]) {
    for (line, expected) in table {
        assert_eq!(fate(extension, line), *expected, "{extension}: {line}");
    }
}

/// A pattern in a compact notation of its own.
pub(super) fn render(pattern: &Pattern) -> String {
    let mut text = String::new();
    for (index, part) in pattern.parts.iter().enumerate() {
        if index > 0 {
            text += &match part.gap {
                Gap { min: 0, max: None } => " * ".to_owned(),
                Gap { min, max: None } => format!(" {{{min}-}} "),
                Gap { min, max: Some(max) } => format!(" {{{min}-{max}}} "),
            };
        } else {
            assert_eq!(part.gap, Gap::NONE);
        }
        text += &render_elements(&part.elements);
        assert_eq!(part.macro_group, None);
    }
    text
}

fn render_elements(elements: &[Element]) -> String {
    elements
        .iter()
        .map(|element| match element {
            Element::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Element::Masked { mask: 0, .. } => "??".to_owned(),
            Element::Masked { value, mask: 0xf0 } => format!("{:x}?", value >> 4),
            Element::Masked { value, .. } => format!("?{value:x}"),
            Element::Alternatives(Alternatives { negated, branches }) => {
                let branches: Vec<String> = branches.iter().map(|branch| render_elements(branch)).collect();
                format!("{}({})", if *negated { "!" } else { "" }, branches.join("|"))
            }
            Element::Boundary(Boundary { kind, negated }) => {
                let kind = match kind {
                    BoundaryKind::Delimiter => "B",
                    BoundaryKind::Line => "L",
                    BoundaryKind::Word => "W",
                    BoundaryKind::WideWord => "WW",
                };
                format!("<{}{kind}>", if *negated { "!" } else { "" })
            }
        })
        .collect()
}

const MD5: &str = "44d88612fea8a8f36de82e1278abb02f";
const SHA256: &str = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f";

#[test]
fn comments_blank_lines_and_line_ends_are_tolerated() {
    let text = b"# comment\r\n\r\nA:0:*:aabbcc\r\n\n#\nB:0:*:aabbcd\nC:0:*:aabbce";
    let outcome = load_files(&[("t.ndb", text)]);
    assert_eq!(outcome.diagnostics, []);
    let lines: Vec<(&str, u32)> =
        outcome.collector.taken.iter().map(|taken| (taken.name.as_str(), taken.line)).collect();
    assert_eq!(lines, [("A", 3), ("B", 6), ("C", 7)]);
}

#[test]
fn a_bad_line_gives_one_diagnostic_and_stops_nothing() {
    let outcome = load_files(&[("dir/t.ndb", b"A:0:*:aabbcc\nB:0:*:aabbcg\nC:0:*:aabbce\n")]);
    assert_eq!(outcome.collector.taken.len(), 2);
    assert_eq!(outcome.summaries[0].refused, 1);
    let [diagnostic] = outcome.diagnostics.as_slice() else { panic!("{:?}", outcome.diagnostics) };
    assert_eq!(diagnostic.to_string(), "dir/t.ndb:2:12: not a hexadecimal digit");
}

#[test]
fn a_refusal_by_the_receiver_is_a_diagnostic() {
    struct Refuser;
    impl Receiver for Refuser {
        fn source(&mut self, _: Source) -> Result<SourceId, Refusal> {
            Ok(SourceId(0))
        }
        fn add(&mut self, _: Header<'_>, _: Signature) -> Result<(), Refusal> {
            Err(Refusal::Regex("unclosed group".into()))
        }
    }
    let mut told = Vec::new();
    let input = Input { name: "t.ndb", bytes: b"A:0:*:aabbcc" };
    let summaries = load(&[input], Options::default(), &mut Refuser, &mut |diagnostic| told.push(diagnostic));
    assert_eq!(summaries[0].refused, 1);
    assert_eq!(told[0].to_string(), "t.ndb:1:1: regular expression: unclosed group");
}

#[test]
fn lines_that_are_too_long_are_refused() {
    let longest = format!("A:0:*:{}", "aa".repeat((8191 - 6) / 2));
    assert_eq!(fate("ndb", &longest), "accepted");
    assert_eq!(fate("ndb", &format!("{longest}aa")), "8192: the line is longer than 8191 bytes");
    let logical = format!("A;Target:0;0;{}", "aa".repeat((32767 - 13) / 2));
    assert_eq!(fate("ldb", &logical), "accepted");
    assert_eq!(fate("ldb", &format!("{logical}aa")), "32768: the line is longer than 32767 bytes");
}

#[test]
fn names_lose_their_old_suffix_and_may_be_any_bytes() {
    let outcome = load_files(&[("t.ndb", b"A (Clam):0:*:aabbcc\nB\xff:0:*:aabbcc\n")]);
    assert_eq!(outcome.collector.taken[0].name, "A");
    assert_eq!(outcome.collector.taken[1].name, "B\u{fffd}");
    check_fates(
        "ndb",
        &[(":0:*:aabbcc", "1: the name is empty"), (" (Clam):0:*:aabbcc", "1: the name is empty")],
    );
}

#[test]
fn every_extension_is_told_by_name() {
    for (name, expected, unwanted) in [
        ("a.db", "db", false),
        ("A.NDB", "ndb", false),
        ("x/daily.ndu", "ndb", true),
        ("a.sdb", "sdb", false),
        ("a.ldb", "ldb", false),
        ("a.ldu", "ldb", true),
        ("a.hdb", "hdb", false),
        ("a.hdu", "hdb", true),
        ("a.hsb", "hsb", false),
        ("a.hsu", "hsb", true),
        ("a.fp", "fp", false),
        ("a.sfp", "sfp", false),
        ("a.mdb", "mdb", false),
        ("a.mdu", "mdb", true),
        ("a.msb", "msb", false),
        ("a.msu", "msb", true),
        ("a.imp", "imp", false),
        ("a.cdb", "cdb", false),
        ("a.zmd", "zmd", false),
        ("a.rmd", "rmd", false),
        ("a.ftm", "ftm", false),
        ("a.ign", "ign", false),
        ("a.ign2", "ign", false),
        ("a.cfg", "cfg", false),
        ("a.info", "info", false),
        ("a.pwdb", "pwdb", false),
        ("a.idb", "idb", false),
        ("a.wdb", "wdb", false),
        ("a.pdb", "pdb", false),
        ("a.gdb", "gdb", false),
        ("a.crb", "crb", false),
        ("a.cat", "cat", false),
        ("a.cbc", "cbc", false),
        ("a.yar", "yara", false),
        ("a.yara", "yara", false),
        ("a.ioc", "ioc", false),
        ("a.cvd", "cvd", false),
        ("a.cld", "cld", false),
        ("a.cud", "cud", false),
        ("a.ndb.bak", "ndb", false),
        ("a.db.ldb", "ldb", false),
    ] {
        let kind = language::of_name(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((kind.name, kind.potentially_unwanted), (expected, unwanted), "{name}");
    }
    for name in ["", "ndb", "a.txt", "a.ndb/readme"] {
        assert_eq!(language::of_name(name), None, "{name}");
    }
    let outcome = load_files(&[("readme.txt", b"hello")]);
    assert_eq!(outcome.diagnostics[0].to_string(), "readme.txt: not a signature file by its name");
}

#[test]
fn unused_languages_are_counted_and_told() {
    for (name, bytes, count) in [("a.cbc", b"ClamBC\nx\n".as_slice(), 1), ("a.ioc", b"<ioc/>".as_slice(), 1)]
    {
        let outcome = load_files(&[(name, bytes)]);
        assert_eq!(outcome.summaries[0].unused, count, "{name}");
        assert_eq!(outcome.diagnostics.len(), 1);
        assert_eq!(outcome.diagnostics[0].severity, Severity::Note);
        assert!(outcome.diagnostics[0].message.ends_with("files are not used yet"));
    }
}

#[test]
fn rules_are_counted_and_named_as_clamav_names_them() {
    let rules = b"import \"cuckoo\"\nrule One { condition: filesize == 1 }\nrule Two { condition: }\n\
                  rule Three { condition: cuckoo.x }\nprivate rule Four { condition: false }\n\
                  rule Five { condition: One }\nrule Six { condition: One }\n rule Seven { condition: false }";
    let digest = Md5::digest(b"rule Six { condition: One }");
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let ignored = format!("YARA.Five\nSix:{digest}\nSeven:00000000000000000000000000000000\n");
    let outcome = load_files(&[("t.yara", rules), ("own.ign2", ignored.as_bytes())]);
    let names: Vec<(&str, u32)> =
        outcome.collector.taken.iter().map(|taken| (taken.name.as_str(), taken.line)).collect();
    assert_eq!(names, [("YARA.One", 2), ("YARA.Seven", 8)]);
    assert_eq!(outcome.collector.sources[0].language, "yara");
    assert!(matches!(outcome.collector.taken[0].signature, Signature::Rule(_)));
    let summary = outcome.summaries.iter().find(|summary| summary.source == "t.yara").unwrap();
    let counts = (summary.accepted, summary.ignored, summary.unused, summary.refused);
    assert_eq!(counts, (2, 2, 1, 1));
    let told: Vec<String> = outcome.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "t.yara:1:1: there is no module `cuckoo` here: rules that use it are left out",
            "t.yara:3:23: a value is expected, not `}`",
            "t.yara:4:25: there is no module `cuckoo` here",
        ]
    );
}

#[test]
fn rules_of_several_files_are_read_with_what_they_include() {
    let outcome = load_files(&[
        ("a/one.yar", b"include \"../b/two.yar\" rule One { condition: Two and filesize < 9 }"),
        ("b/two.yar", b"rule Two { condition: filesize > 1 }"),
    ]);
    assert_eq!(outcome.diagnostics, []);
    let names: Vec<(&str, SourceId)> =
        outcome.collector.taken.iter().map(|taken| (taken.name.as_str(), taken.source)).collect();
    assert_eq!(names, [("YARA.One", SourceId(0)), ("YARA.Two", SourceId(1))]);
}

#[test]
fn ignore_lists_are_read_first_wherever_they_stand() {
    let body = "A:0:*:aabbcc\nB:0:*:aabbcc\nC:0:*:aabbcc\nD:0:*:aabbcc\nE (Clam):0:*:aabbcc\na:0:*:aabbcc\n";
    // The MD5 sums of the lines of B and, wrongly, of something else for C.
    let list = "A\nB:@B\nC:00000000000000000000000000000000\nother.ndb:7:D\nE\n# x\n\nF\n";
    let digest: [u8; 16] = Md5::digest(b"B:0:*:aabbcc").into();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = list.replace("@B", &digest);
    let outcome = load_files(&[("t.ndb", body.as_bytes()), ("z.ign2", list.as_bytes())]);
    assert_eq!(outcome.diagnostics, []);
    let names: Vec<&str> = outcome.collector.taken.iter().map(|taken| taken.name.as_str()).collect();
    assert_eq!(names, ["C", "a"]);
    assert_eq!(outcome.summaries[0].source, "z.ign2");
    assert_eq!((outcome.summaries[0].accepted, outcome.summaries[1].ignored), (6, 4));
}

#[test]
fn a_later_name_alone_beats_a_sum_and_every_language_can_be_ignored() {
    let icon = format!("I:G:H:18{}", "00".repeat(61));
    let files: [(&str, String); 9] = [
        ("t.hdb", format!("{MD5}:68:I")),
        ("t.mdb", format!("68:{MD5}:I")),
        ("t.ldb", "I;Target:0;0;aabb".into()),
        ("t.db", "I=aabbcc".into()),
        ("t.cdb", "I:CL_TYPE_ZIP:*:x:*:*:*:*:*:*".into()),
        ("t.zmd", "I:1:*:1:2:*:8:2:2".into()),
        ("t.idb", icon),
        ("t.pwdb", "I;Target:0;0;x".into()),
        ("t.ftm", "0:0:1f8b:I:CL_TYPE_ANY:CL_TYPE_GZ".into()),
    ];
    for (name, line) in files {
        let list = format!("I:{MD5}\nI\n");
        let outcome = load_files(&[(name, line.as_bytes()), ("z.ign", list.as_bytes())]);
        assert_eq!(outcome.collector.taken, [], "{name}");
        assert_eq!(outcome.summaries[1].ignored, 1, "{name}");
    }
    check_fates(
        "ign2",
        &[
            ("A:xyz", "3: an MD5 sum has 32 hexadecimal digits"),
            (":", "2: an MD5 sum has 32 hexadecimal digits"),
            ("a:b:c:d", "1: more fields than there should be"),
        ],
    );
}

#[test]
fn sources_say_where_signatures_come_from() {
    let outcome = load_files(&[("a.ndu", b"A:0:*:aabbcc"), ("b.hsb", format!("{SHA256}:68:B").as_bytes())]);
    let [first, second] = outcome.collector.sources.as_slice() else { panic!() };
    assert_eq!((first.name.as_str(), first.language, first.potentially_unwanted), ("a.ndu", "ndb", true));
    assert_eq!((second.name.as_str(), second.language, second.official), ("b.hsb", "hsb", false));
    assert_eq!(outcome.collector.taken[1].source, SourceId(1));
}

#[test]
fn hashes() {
    use candor_database::ir::{Hash, HashSubject};
    let Signature::Hash(hash) = signature("hdb", &format!("{}:68:E", MD5.to_uppercase())) else { panic!() };
    assert_eq!(hash.subject, HashSubject::File);
    assert_eq!((hash.digest.to_string().as_str(), hash.size), (MD5, Some(68)));
    for (extension, subject) in [
        ("hsb", HashSubject::File),
        ("hdu", HashSubject::File),
        ("hsu", HashSubject::File),
        ("fp", HashSubject::Trusted),
        ("sfp", HashSubject::Trusted),
        ("imp", HashSubject::Imports),
    ] {
        let Signature::Hash(hash) = signature(extension, &format!("{SHA256}:*:E:73")) else { panic!() };
        assert_eq!((hash.subject, hash.size), (subject, None), "{extension}");
    }
    for extension in ["mdb", "msb", "mdu", "msu"] {
        let Signature::Hash(Hash { subject, size, .. }) = signature(extension, &format!("512:{MD5}:E"))
        else {
            panic!()
        };
        assert_eq!((subject, size), (HashSubject::Section, Some(512)));
    }
}

#[test]
fn hashes_accepted_and_refused() {
    const ANY: &str = "a hash for any size must name a lowest functionality level of at least 73";
    const RANGE: &str = "the size must be from 1 to 4294967294";
    let any = |column: usize| format!("{column}: {ANY}");
    let range = |column: usize| format!("{column}: {RANGE}");
    let table: Vec<(String, String)> = [
        ("@:68:E", "accepted".to_owned()),
        ("@:*:E:73", "accepted".to_owned()),
        ("@:*:E:73:255", "accepted".to_owned()),
        ("@:*:E", any(1)),
        ("@:*:E:72", any(1)),
        ("@:*:E:300", "level".to_owned()),
        ("@:68:E:51:100", "level".to_owned()),
        ("@:68:E:", "accepted".to_owned()),
        ("@:68:E:51:", "level".to_owned()),
        ("@:0:E", range(34)),
        ("@:4294967294:E", "accepted".to_owned()),
        ("@:4294967295:E", range(34)),
        ("@:-5:E", "34: the size is not a number: '-5'".to_owned()),
        ("@::E", "34: the size is not a number: ''".to_owned()),
        ("@: 68:E", "accepted".to_owned()),
        ("@:068:E", "accepted".to_owned()),
        ("@:68x:E", "34: the size is not a number: '68x'".to_owned()),
        ("@:68", "36: the name is missing".to_owned()),
        ("@", "33: the size is missing".to_owned()),
        ("@:68:", "37: the name is empty".to_owned()),
        ("@:68:E:1:2:3", "level".to_owned()),
        ("@0:68:E", format!("1: a hash has 32, 40 or 64 hexadecimal digits, not 33: '{MD5}0'")),
        (":68:E", "1: a hash has 32, 40 or 64 hexadecimal digits, not 0: ''".to_owned()),
    ]
    .into_iter()
    .map(|(line, fate)| (line.replace('@', MD5), fate))
    .collect();
    for (line, expected) in &table {
        let expected =
            if line.ends_with(":1:2:3") { "43: more fields than there should be" } else { expected };
        assert_eq!(fate("hdb", line), *expected, "{line}");
    }
    let odd = format!("{}g:68:E", &MD5[..31]);
    assert_eq!(fate("hdb", &odd), "32: not a hexadecimal digit");
    assert_eq!(fate("imp", &format!("{MD5}:*:E")), "accepted");
    assert_eq!(fate("mdb", &format!("*:{MD5}:E")), any(1));
    assert_eq!(fate("mdb", &format!("{MD5}:512:E")), format!("1: the size is not a number: '{MD5}'"));
}

#[test]
fn of_two_daily_databases_the_newer_counts() {
    // Neither holds anything that verifies; which of them is opened at all shows in what is told.
    let header = |version: u32| format!("ClamAV-VDB:now:{version}:1:1:X:X:me:1{}", " ".repeat(512));
    for (published, updated, left_out) in
        [(2, 1, "d/daily.cld"), (1, 2, "d/daily.cvd"), (2, 2, "d/daily.cvd")]
    {
        let (published, updated) = (header(published), header(updated));
        let outcome =
            load_files(&[("d/daily.cvd", published.as_bytes()), ("d/daily.cld", updated.as_bytes())]);
        let skipped: Vec<&str> = outcome
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.message.starts_with("left out"))
            .map(|diagnostic| diagnostic.source.as_str())
            .collect();
        assert_eq!(skipped, [left_out]);
    }
}

/// Lines of what matters to the parsers, so that random text gets past the first field.
fn line() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "[0-9a-f]{2,8}",
        "[?*(){}|!\\[\\]<>=&,:;$#/.+ -]{1,2}",
        "[BLWSEPVIOFiwfagr]{1,3}",
        "[0-9]{1,6}",
        Just("Engine:51-255,Target:1".to_owned()),
        Just("FileSize:1-2".to_owned()),
        Just("CL_TYPE_ZIP".to_owned()),
        Just("fuzzy_img#".to_owned()),
        Just(MD5.to_owned()),
        Just("::".to_owned()),
        Just("(aa|bb)".to_owned()),
    ];
    (
        prop_oneof![
            Just(String::new()),
            Just("A:1:*:".to_owned()),
            Just("A;Engine:51-255,Target:1;0&1;".to_owned()),
            Just("A;Target:0;".to_owned()),
            Just("A=".to_owned()),
            Just("1:*:".to_owned()),
            Just("A:CL_TYPE_ZIP:*:x:".to_owned())
        ],
        prop::collection::vec(token, 0..12),
    )
        .prop_map(|(start, tokens)| start + &tokens.concat())
}

const EXTENSIONS: [&str; 39] = [
    "yar", "yara", "db", "cvd", "cld", "cud", "crb", "hdb", "hsb", "hdu", "hsu", "fp", "sfp", "mdb", "msb",
    "imp", "mdu", "msu", "ndb", "ndu", "ldb", "ldu", "cbc", "sdb", "zmd", "rmd", "cfg", "info", "wdb", "pdb",
    "gdb", "ftm", "ign", "ign2", "idb", "cdb", "cat", "ioc", "pwdb",
];

proptest! {
    #[test]
    fn every_line_is_accounted_for(extension in prop::sample::select(&EXTENSIONS[..]), lines in prop::collection::vec(line(), 1..8)) {
        let text = lines.join("\n");
        let outcome = load_files(&[(&format!("t.{extension}"), text.as_bytes())]);
        let errors = outcome.diagnostics.iter().filter(|told| told.severity == Severity::Error).count() as u64;
        let notes = outcome.diagnostics.iter().filter(|told| told.severity == Severity::Note).count() as u64;
        let summary = &outcome.summaries[0];
        prop_assert_eq!(summary.refused, errors);
        if !["yar", "yara", "cvd", "cld", "cud", "cbc", "cat", "ioc", "crb"].contains(&extension) {
            let content = lines.iter().filter(|line| !line.is_empty() && !line.starts_with('#')).count() as u64;
            let counted = summary.accepted + summary.other_level + summary.ignored + summary.unused + summary.refused;
            prop_assert_eq!(counted, content);
            prop_assert_eq!(summary.unused, notes);
            if !extension.starts_with("ign") {
                prop_assert_eq!(outcome.collector.taken.len() as u64, summary.accepted);
            }
        }
        for told in &outcome.diagnostics {
            let longest = lines.iter().map(String::len).max().unwrap_or(0);
            prop_assert!(told.column as usize <= longest + 1, "{}", told);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(extension in prop::sample::select(&EXTENSIONS[..]), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        load_files(&[(&format!("t.{extension}"), &bytes)]);
    }
}
