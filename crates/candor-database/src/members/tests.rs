//! Signatures on members: every condition counts, and names are matched as ClamAV matches them.

use candor_model::{FileType, Member};
use proptest::prelude::*;

use super::layout::Conditions;
use super::*;
use crate::bytes::Reader;
use crate::image::{Image, ImageWriter, SectionKind, SignatureId};
use crate::ir::{ContainerMember, LegacyMember, Range, Refusal};

const ANYTHING: ContainerMember = ContainerMember {
    container: None,
    container_size: None,
    name: None,
    compressed_size: None,
    real_size: None,
    encrypted: None,
    position: None,
    crc32: None,
};

const ANY_LEGACY: LegacyMember = LegacyMember {
    container: FileType::Zip,
    encrypted: false,
    name: None,
    real_size: None,
    compressed_size: None,
    crc32: None,
    method: None,
    position: None,
    max_depth: None,
};

fn image(builder: MembersBuilder) -> Image {
    let mut writer = ImageWriter::new();
    builder.finish(&mut writer);
    Image::from_vec(writer.finish(100)).unwrap()
}

/// Which of `rules` a ZIP of 1000 bytes with this member satisfies.
fn found(rules: Vec<ContainerMember>, member: &Member) -> Vec<u32> {
    let mut builder = MembersBuilder::default();
    for (id, rule) in (0..).zip(rules) {
        builder.add(SignatureId(id), rule).unwrap();
    }
    search(&image(builder), member)
}

fn search(image: &Image, member: &Member) -> Vec<u32> {
    let mut hits = Vec::new();
    image.search_member(FileType::Zip, 1000, 1, member, &mut hits);
    hits.iter().map(|hit| hit.signature.0).collect()
}

fn member() -> Member {
    Member {
        name: "invoice.pdf.exe".to_owned(),
        position: 2,
        compressed_size: Some(40),
        real_size: Some(50),
        encrypted: true,
        crc32: Some(0xdead_beef),
        method: Some(8),
        file_type: None,
    }
}

const fn range(min: u64, max: u64) -> Option<Range> {
    Some(Range { min, max })
}

#[test]
fn every_condition_counts() {
    let name = |name: &str| Some(name.to_owned());
    let pairs = [
        (
            ContainerMember { container: Some(FileType::Zip), ..ANYTHING },
            ContainerMember { container: Some(FileType::Rar), ..ANYTHING },
        ),
        (
            ContainerMember { container_size: range(0, 1000), ..ANYTHING },
            ContainerMember { container_size: range(1001, u64::MAX), ..ANYTHING },
        ),
        (
            ContainerMember { name: name(r"\.pdf\.exe$"), ..ANYTHING },
            ContainerMember { name: name(r"^pdf"), ..ANYTHING },
        ),
        (
            ContainerMember { compressed_size: range(40, 40), ..ANYTHING },
            ContainerMember { compressed_size: range(41, 50), ..ANYTHING },
        ),
        (
            ContainerMember { real_size: range(50, 60), ..ANYTHING },
            ContainerMember { real_size: range(40, 49), ..ANYTHING },
        ),
        (
            ContainerMember { encrypted: Some(true), ..ANYTHING },
            ContainerMember { encrypted: Some(false), ..ANYTHING },
        ),
        (
            ContainerMember { position: range(1, 2), ..ANYTHING },
            ContainerMember { position: range(0, 1), ..ANYTHING },
        ),
        (
            ContainerMember { crc32: Some(0xdead_beef), ..ANYTHING },
            ContainerMember { crc32: Some(0xdead_beee), ..ANYTHING },
        ),
    ];
    for (place, (fits, misses)) in pairs.into_iter().enumerate() {
        assert_eq!(found(vec![ANYTHING, misses, fits], &member()), [0, 2], "condition {place}");
    }
}

#[test]
fn what_the_container_does_not_say_satisfies_nothing() {
    let silent = Member { compressed_size: None, real_size: None, crc32: None, method: None, ..member() };
    let rules = vec![
        ContainerMember { compressed_size: range(0, u64::MAX), ..ANYTHING },
        ContainerMember { real_size: range(0, u64::MAX), ..ANYTHING },
        ContainerMember { crc32: Some(0), ..ANYTHING },
        ANYTHING,
    ];
    assert_eq!(found(rules, &silent), [3]);
}

#[test]
fn the_older_form_compares_exactly() {
    let fits = LegacyMember { encrypted: true, ..ANY_LEGACY };
    let rules = [
        fits.clone(),
        ANY_LEGACY,
        LegacyMember { container: FileType::Rar, ..fits.clone() },
        LegacyMember { real_size: Some(50), compressed_size: Some(40), position: Some(2), ..fits.clone() },
        LegacyMember { real_size: Some(51), ..fits.clone() },
        LegacyMember { method: Some(8), crc32: Some(0xdead_beef), ..fits.clone() },
        LegacyMember { method: Some(0), ..fits.clone() },
        LegacyMember { max_depth: Some(0), ..fits },
    ];
    let mut builder = MembersBuilder::default();
    for (id, rule) in (0..).zip(rules) {
        builder.add_legacy(SignatureId(id), rule).unwrap();
    }
    assert_eq!(search(&image(builder), &member()), [0, 3, 5, 7]);
}

/// What ClamAV 1.4.6 makes of each expression for the member `x1y` of a ZIP archive.
#[test]
fn names_are_matched_as_clamav_matches_them() {
    const MATCHES: [&str; 26] = [
        "^x[0-9]y",
        "(?i)^X1Y$",
        "x()1y",
        "x1{1,255}y",
        "[]x]1y",
        "x[^]]y",
        r"\<x1y",
        r"x1y\>",
        "x1}?y",
        "x]?1y",
        "x(1)y",
        "x1y$|q",
        r"x\1y",
        r"(x)\1",
        "x[a-]*1y",
        "x[[.-.]1]y",
        "x[[=1=]]y",
        "x[1-]y",
        "x1{1,}y",
        "x1{0}1y",
        "x[[1]y",
        "x[1&&1]y",
        "x[[:digit:]]y",
        "x.y",
        "x[^a-z]y",
        "^[a-z][^[:alpha:]].$",
    ];
    const MISSES: [&str; 18] = [
        "^X1Y$",
        r"^x\dy$",
        r"^x[\d]y$",
        r"x\w",
        "x1{,2}y",
        "x1{",
        "x1y}",
        "x1y)",
        "x1y$^",
        r"\(?i",
        "x1{0}y",
        r"\x31",
        r"x\ny",
        "x[^1]y",
        "x..y",
        "x#1y",
        "x 1 y",
        r"1\<",
    ];
    const REFUSED: [&str; 26] = [
        "",
        "a|",
        "|a",
        "x(|a)1",
        "x1**y",
        "x1*?y",
        "x1+?y",
        "^*x",
        "*x1",
        "x(*1)",
        "x1{1,256}y",
        "x1{2,1}y",
        "x1{1y",
        "x1{1}{1}y",
        "x[z-a]1",
        "x[--1]y",
        "x[0-9-z]y",
        r"x1y\",
        "(x1",
        "x(?i)1",
        "(?i)(?i)X1",
        "(?s)x1",
        "x[1",
        "x[[:nonsense:]]",
        "x(a|)",
        "(((((((a{255}){255}){255}){255}){255}){255}){255})",
    ];
    let x1y = Member { name: "x1y".to_owned(), ..Member::default() };
    let with_name = |name: &str| ContainerMember { name: Some(name.to_owned()), ..ANYTHING };
    for expression in MATCHES {
        assert_eq!(found(vec![with_name(expression)], &x1y), [0], "{expression}");
    }
    for expression in MISSES {
        assert!(found(vec![with_name(expression)], &x1y).is_empty(), "{expression}");
    }
    for expression in REFUSED {
        let refused = MembersBuilder::default().add(SignatureId(0), with_name(expression));
        assert!(matches!(refused, Err(Refusal::Regex(_))), "{expression}");
    }
}

#[test]
fn names_beyond_ascii_match_letter_by_letter() {
    let named = |name: &str| Member { name: name.to_owned(), ..Member::default() };
    let rule = |name: &str| vec![ContainerMember { name: Some(name.to_owned()), ..ANYTHING }];
    assert_eq!(found(rule("^ü[äö]$"), &named("üö")), [0]);
    assert_eq!(found(rule("(?i)^Ü$"), &named("ü")), [0]);
    // Without any, a dot is a byte.
    assert_eq!(found(rule("^..$"), &named("ü")), [0]);
    assert_eq!(found(rule("^a.b$"), &named("a\nb")), [0]);
}

#[test]
fn a_refused_expression_leaves_nothing_behind() {
    let mut builder = MembersBuilder::default();
    let refused = ContainerMember { name: Some("(".to_owned()), ..ANYTHING };
    assert!(builder.add(SignatureId(0), refused).is_err());
    builder.add(SignatureId(0), ANYTHING).unwrap();
    assert_eq!(search(&image(builder), &member()), [0]);
}

fn any_range() -> impl Strategy<Value = Option<Range>> {
    proptest::option::of((any::<u64>(), any::<u64>()).prop_map(|(min, max)| Range { min, max }))
}

proptest! {
    #[test]
    fn conditions_come_back(
        container in proptest::option::of(0..FileType::ALL.len()),
        container_size in any_range(),
        name in proptest::option::of("[a-zé]{0,5}"),
        sizes in (any_range(), any_range()),
        encrypted: Option<bool>,
        position in any_range(),
        crc32: Option<u32>,
    ) {
        let rule = ContainerMember {
            container: container.map(|number| FileType::ALL[number]),
            container_size,
            name: name.map(|name| format!("x{name}")),
            compressed_size: sizes.0,
            real_size: sizes.1,
            encrypted,
            position,
            crc32,
        };
        let mut builder = MembersBuilder::default();
        builder.add(SignatureId(3), rule.clone()).unwrap();
        let image = image(builder);
        let (id, mut reader) = crate::records::records(image.section(SectionKind::Members)).next().unwrap();
        prop_assert_eq!(id, SignatureId(3));
        prop_assert_eq!(Conditions::read(&mut reader), Some(rule.into()));
        prop_assert!(reader.rest().is_empty());
    }

    #[test]
    fn translating_any_expression_is_harmless(posix in r"[a1()|*+?{},\[\]^$.\\:=<>&é-]{0,24}", name: String) {
        if let Ok(compiled) = expression::compile(&posix) {
            let _ = compiled.is_match(name.as_bytes());
        }
    }

    #[test]
    fn damaged_lists_are_harmless(section: Vec<u8>) {
        let member = member();
        let asked = Asked { container: FileType::Zip, container_size: 1, member: &member };
        let _ = Rules::read(&section).find(asked).count();
        let _ = Conditions::read(&mut Reader::new(&section));
    }
}
