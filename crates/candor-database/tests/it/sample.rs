//! One signature or more of every kind, in readable form, and everything that can be asked about them.

use candor_database::ir::{
    Alternatives, Body, ContainerMember, Element, Expression, FileMagic, Gap, Hash, HashSubject, Header,
    IconSignature, LegacyMember, Levels, Logical, MagicKind, Offset, Part, Password, Pattern, Receiver,
    Signature, Source, SourceId, SubSignature, TargetDescription, TextList, UrlList,
};
use candor_database::{Builder, Hit, Image, Scratch, SignatureId, SignatureRecord, Subject};
use candor_model::{Digest, DigestSet, Facts, FileType, Limits, Member, Target};

use crate::sample_rules;

/// What the body and the logical signature are about.
pub(crate) const TEXT: &[u8] = b"a file with FIRST-MARKER-0123 and SECOND-MARKER-4567 in it";

/// The signatures: subject and digest, size, name.
const HASHES: [(HashSubject, &str, Option<u64>, &str); 6] = [
    (HashSubject::File, "44d88612fea8a8f36de82e1278abb02f", Some(68), "Eicar-Md5"),
    (HashSubject::File, "44d88612fea8a8f36de82e1278abb02f", None, "Eicar-Md5-Any"),
    (HashSubject::File, "3395856ce81f2b7382dee72602f798b642f14140", Some(68), "Eicar-Sha1"),
    (
        HashSubject::Trusted,
        "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f",
        Some(1 << 40),
        "Trusted-1",
    ),
    (HashSubject::Section, "00112233445566778899aabbccddeeff", Some(512), "Win.Section-1-0"),
    (HashSubject::Imports, "ffeeddccbbaa99887766554433221100", Some(99), "Win.Imports-1-0"),
];

fn digest(hexadecimal: &str) -> Digest {
    let byte = |place: usize| u8::from_str_radix(&hexadecimal[place..place + 2], 16).unwrap();
    Digest::new(&(0..hexadecimal.len()).step_by(2).map(byte).collect::<Vec<_>>()).unwrap()
}

fn pattern(bytes: &[u8]) -> Pattern {
    let elements = vec![Element::Bytes(bytes.to_vec())];
    Pattern {
        offset: Offset::ANY,
        ignore_case: false,
        parts: vec![Part { gap: Gap::NONE, elements, macro_group: None }],
    }
}

/// Strings with any byte for each `?`, up to so many bytes apart.
fn apart(most: u64, strings: &[&str]) -> Pattern {
    let element = |byte: u8| match byte {
        b'?' => Element::Masked { value: 0, mask: 0 },
        byte => Element::Bytes(vec![byte]),
    };
    let part = |(number, string): (usize, &&str)| {
        let mut elements: Vec<Element> = Vec::new();
        for next in string.bytes().map(element) {
            match (elements.last_mut(), next) {
                (Some(Element::Bytes(last)), Element::Bytes(more)) => last.extend(more),
                (_, next) => elements.push(next),
            }
        }
        let gap = if number == 0 { Gap::NONE } else { Gap { min: 0, max: Some(most) } };
        Part { gap, elements, macro_group: None }
    };
    let parts = strings.iter().enumerate().map(part).collect();
    Pattern { offset: Offset::ANY, ignore_case: false, parts }
}

/// Patterns of every tier of anchors: with runs of eight bytes, four, three and two, in groups and with choices.
fn patterns() -> Vec<(String, Signature)> {
    let mut all: Vec<Pattern> = [
        &["with"][..],
        &["wi?h"],
        &["nd?SE"],
        &["?56?"],
        &["?57? in"],
        &["a fi", "in it"],
        &["FIRST-MA", "SECOND-M"],
        &["FIRST-MA", "THIRD-MA"],
        &["FIRST-MA", "SECOND-N"],
        &["it", "with"],
    ]
    .into_iter()
    .map(|strings| apart(60, strings))
    .collect();
    let branch = |text: &str| vec![Element::Bytes(text.as_bytes().to_vec())];
    for branches in [["MARKER", "MISSED"], ["MISSED", "MASTER"]] {
        let mut pattern = apart(0, &["FIRST-"]);
        let choice = Alternatives { negated: false, branches: branches.map(branch).to_vec() };
        pattern.parts[0].elements.extend([Element::Alternatives(choice), Element::Bytes(b"-0123".to_vec())]);
        all.push(pattern);
    }
    let body = |(number, pattern)| {
        let body = Body { target: Target::Any, pattern, macro_group: None, raw: false };
        (format!("Pattern-{number}"), Signature::Body(body))
    };
    all.into_iter().enumerate().map(body).collect()
}

fn target(target: Target) -> TargetDescription {
    TargetDescription {
        target,
        levels: Levels::ANY,
        file_size: None,
        entry_point: None,
        sections: None,
        icon_group1: None,
        icon_group2: None,
        container: None,
        intermediates: Vec::new(),
        handler: None,
    }
}

fn content(bytes: &[u8]) -> SubSignature {
    SubSignature::Content { patterns: vec![pattern(bytes)], macro_group: None }
}

/// Every signature, in the order it is added, with its name.
pub(crate) fn signatures() -> Vec<(String, Signature)> {
    let hash = |(subject, hexadecimal, size, name): (_, &str, _, &str)| {
        (name.to_owned(), Signature::Hash(Hash { subject, digest: digest(hexadecimal), size }))
    };
    let mut all: Vec<(String, Signature)> = HASHES.into_iter().map(hash).collect();
    let first = content(b"FIRST-MARKER");
    let both = Expression::And(Box::new(Expression::Sub(0)), Box::new(Expression::Sub(1)));
    let member = ContainerMember {
        container: Some(FileType::Zip),
        container_size: None,
        name: Some(r"(?i)\.exe$".to_owned()),
        compressed_size: None,
        real_size: None,
        encrypted: Some(false),
        position: None,
        crc32: None,
    };
    let legacy = LegacyMember {
        container: FileType::Zip,
        encrypted: false,
        name: None,
        real_size: Some(50),
        compressed_size: None,
        crc32: None,
        method: Some(8),
        position: None,
        max_depth: None,
    };
    let magic_at = MagicKind::At { offset: 2, bytes: b"file".to_vec(), partition: false };
    let magic_pattern = MagicKind::Pattern { pattern: pattern(b"Rar!"), target: Target::Any };
    let magic = |kind, detected| FileMagic { kind, required: FileType::Any, detected };
    let rest = [
        (
            "Body-1",
            Signature::Body(Body {
                target: Target::Any,
                pattern: pattern(b"SECOND-MARKER"),
                macro_group: None,
                raw: false,
            }),
        ),
        (
            "Logical-1",
            Signature::Logical(Logical {
                target: target(Target::Any),
                expression: both,
                subsignatures: vec![first, content(b"SECOND-MARKER")],
            }),
        ),
        ("Member-1", Signature::ContainerMember(member)),
        ("Member-2", Signature::LegacyMember(legacy)),
        ("Type-1", Signature::Magic(magic(magic_at, FileType::Gif))),
        ("Type-2", Signature::Magic(magic(magic_pattern, FileType::RarSfx))),
        ("Icon-1", Signature::Icon(IconSignature { group1: "A".into(), group2: "B".into(), hash: [3; 62] })),
        (
            "Password-1",
            Signature::Password(Password { target: target(Target::Any), password: b"infected".to_vec() }),
        ),
        ("", Signature::Url(UrlList { kind: 'H', fields: vec!["example.org".into()] })),
        ("", Signature::Text(TextList { line: "PE:0x1".into() })),
    ];
    all.extend(rest.map(|(name, signature)| (name.to_owned(), signature)));
    all.extend(patterns());
    all.extend(sample_rules::rules());
    // Enough machine-made names for several blocks.
    all.extend((0_u8..190).map(|n| {
        let digest = digest(&format!("{n:02x}").repeat(16));
        let size = Some(512 * u64::from(n));
        (
            format!("Win.Made.Section-{n}-0"),
            Signature::Hash(Hash { subject: HashSubject::Section, digest, size }),
        )
    }));
    all
}

/// The sources: every third signature comes from the second.
pub(crate) fn sources() -> [Source; 2] {
    [("daily.cvd/daily.hdb", "hdb", true), ("own.ndu", "ndu", false)].map(|(name, language, official)| {
        Source { name: name.to_owned(), language, official, potentially_unwanted: !official }
    })
}

/// Where the signature with this number is written.
pub(crate) fn header(number: usize, name: &str) -> Header<'_> {
    let source = SourceId(u16::from(number.is_multiple_of(3)));
    Header { name, source, line: u32::try_from(number + 1).unwrap() }
}

/// The image of all of them.
pub(crate) fn image() -> Vec<u8> {
    let mut builder = Builder::new();
    for source in sources() {
        builder.source(source).unwrap();
    }
    for (number, (name, signature)) in signatures().into_iter().enumerate() {
        builder.add(header(number, &name), signature).unwrap();
    }
    builder.finish().unwrap()
}

/// Everything that an image answers to the questions that the sample is about.
#[derive(Debug, PartialEq)]
pub(crate) struct Answers {
    pub(crate) records: Vec<SignatureRecord>,
    pub(crate) found: Vec<Option<SignatureRecord>>,
    pub(crate) wanted: Vec<DigestSet>,
    pub(crate) digests: Vec<Hit>,
    pub(crate) content: Vec<Hit>,
    /// The same as `content`, with rules.
    pub(crate) rules: Vec<Hit>,
    pub(crate) members: Vec<Hit>,
    pub(crate) magic: Vec<Option<FileType>>,
    pub(crate) patterns: Vec<(SignatureId, FileMagic)>,
    pub(crate) icons: Vec<(SignatureId, IconSignature)>,
    pub(crate) passwords: Vec<(SignatureId, Password)>,
    pub(crate) urls: Vec<(SignatureId, UrlList)>,
    pub(crate) texts: Vec<(SignatureId, TextList)>,
}

/// Asks `image` everything.
pub(crate) fn ask(image: &Image) -> Answers {
    let (mut digests, mut content, mut members) = (Vec::new(), Vec::new(), Vec::new());
    let mut rules = Vec::new();
    let mut wanted = Vec::new();
    let sizes = [0, 68, 99, 512, 1024, 1 << 40];
    for (_, signature) in signatures() {
        let Signature::Hash(hash) = signature else { continue };
        for size in sizes {
            image.search_digest(hash.subject, &hash.digest, size, &mut digests);
        }
    }
    for subject in HashSubject::ALL {
        wanted.extend(sizes.map(|size| image.digests_wanted(subject, size)));
    }
    let facts = Facts::default();
    let subject = Subject {
        bytes: TEXT,
        file_type: FileType::TextAscii,
        target: Target::Any,
        file_size: TEXT.len() as u64,
        facts: &facts,
        parents: &[],
        rules: None,
    };
    let _ = image.search(&subject, &Limits::default(), &mut Scratch::default(), &mut content);
    let told = Subject { rules: Some(sample_rules::inspection()), ..subject };
    let _ = image.search(&told, &Limits::default(), &mut Scratch::default(), &mut rules);
    for name in ["setup.EXE", "readme.txt"] {
        let member = Member {
            name: name.to_owned(),
            real_size: Some(50),
            method: Some(8),
            position: 1,
            ..Member::default()
        };
        image.search_member(FileType::Zip, 1000, 1, &member, &mut members);
    }
    Answers {
        records: image.signatures().take(1000).collect(),
        found: (0..300).map(|id| image.signature(SignatureId(id))).collect(),
        wanted,
        digests,
        content,
        rules,
        members,
        magic: [false, true].map(|partition| image.magic(TEXT, partition, FileType::Any)).to_vec(),
        patterns: image.magic_patterns().collect(),
        icons: image.icons().collect(),
        passwords: image.passwords().collect(),
        urls: image.url_lists().collect(),
        texts: image.text_lists().collect(),
    }
}
