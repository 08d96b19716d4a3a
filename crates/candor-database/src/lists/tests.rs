//! Lists come back as they were given, and file-type rules decide as in ClamAV.

use proptest::prelude::*;

use super::*;
use crate::ir::{
    Alternatives, Boundary, BoundaryKind, Element, Gap, Levels, Offset, OffsetBase, Part, Pattern, Range,
    TargetDescription,
};

fn image(fill: impl FnOnce(&mut ListsBuilder)) -> Image {
    let mut builder = ListsBuilder::default();
    fill(&mut builder);
    let mut writer = ImageWriter::new();
    builder.finish(&mut writer);
    Image::from_vec(writer.finish(100)).unwrap()
}

fn at(offset: u64, bytes: &[u8], required: FileType, detected: FileType) -> FileMagic {
    FileMagic { kind: MagicKind::At { offset, bytes: bytes.to_vec(), partition: false }, required, detected }
}

fn magic(rules: &[FileMagic], current: FileType) -> Option<FileType> {
    let image =
        image(|builder| (0..).zip(rules).for_each(|(id, rule)| builder.add_magic(SignatureId(id), rule)));
    let known = image.magic(b"ABCDEF", false, current);
    assert_eq!(TypeRules::new(&image).magic(b"ABCDEF", false, current), known);
    known
}

#[test]
fn the_last_rule_that_fits_decides() {
    let short = at(0, b"AB", FileType::Any, FileType::Gif);
    let long = at(0, b"ABCD", FileType::Any, FileType::Png);
    let later = at(4, b"EF", FileType::Any, FileType::Elf);
    let wrong = at(5, b"FG", FileType::Any, FileType::Zip);
    let beyond = at(u64::MAX, b"A", FileType::Any, FileType::Zip);
    let nothing = at(0, b"", FileType::Any, FileType::Zip);
    let decided = |rules: &[&FileMagic]| {
        magic(&rules.iter().map(|rule| (*rule).clone()).collect::<Vec<_>>(), FileType::Any)
    };
    assert_eq!(decided(&[&short, &long]), Some(FileType::Png));
    assert_eq!(decided(&[&long, &short]), Some(FileType::Gif));
    assert_eq!(decided(&[&short, &later, &wrong, &beyond, &nothing]), Some(FileType::Elf));
    assert_eq!(decided(&[&wrong, &beyond, &nothing]), None);
}

#[test]
fn a_required_type_counts_when_something_is_known() {
    let rules = [at(0, b"AB", FileType::Zip, FileType::OoxmlWord)];
    assert_eq!(magic(&rules, FileType::Any), Some(FileType::OoxmlWord));
    assert_eq!(magic(&rules, FileType::Zip), Some(FileType::OoxmlWord));
    assert_eq!(magic(&rules, FileType::Gif), None);
}

#[test]
fn rules_for_partitions_are_for_partitions() {
    let kind = MagicKind::At { offset: 1, bytes: b"BC".to_vec(), partition: true };
    let rule = FileMagic { kind, required: FileType::PartAny, detected: FileType::PartHfsPlus };
    let image = image(|builder| builder.add_magic(SignatureId(0), &rule));
    assert_eq!(image.magic(b"ABC", true, FileType::PartAny), Some(FileType::PartHfsPlus));
    assert_eq!(image.magic(b"ABC", false, FileType::PartAny), None);
    let rules = TypeRules::new(&image);
    assert_eq!(rules.magic(b"ABC", true, FileType::PartAny), Some(FileType::PartHfsPlus));
    assert_eq!(rules.magic(b"ABC", false, FileType::PartAny), None);
}

#[test]
fn everything_comes_back_in_order() {
    let element = |bytes: &[u8]| vec![Element::Bytes(bytes.to_vec())];
    let alternatives = Alternatives { negated: false, branches: vec![element(b"cc"), element(b"dd")] };
    let elements = vec![
        Element::Boundary(Boundary { kind: BoundaryKind::Line, negated: true }),
        Element::Bytes(b"abcd".to_vec()),
        Element::Masked { value: 0x40, mask: 0xf0 },
        Element::Alternatives(alternatives),
    ];
    let pattern = Pattern {
        offset: Offset { base: OffsetBase::End(9), shift: 4 },
        ignore_case: true,
        parts: vec![
            Part { gap: Gap::NONE, elements: elements.clone(), macro_group: None },
            Part { gap: Gap { min: 2, max: Some(5) }, elements, macro_group: None },
        ],
    };
    let rule = FileMagic {
        kind: MagicKind::Pattern { pattern, target: Target::Any },
        required: FileType::Any,
        detected: FileType::ZipSfx,
    };
    let icon = IconSignature { group1: "ONE".to_owned(), group2: String::new(), hash: [7; 62] };
    let target = TargetDescription {
        target: Target::Any,
        levels: Levels::ANY,
        file_size: Some(Range { min: 1, max: 2 }),
        entry_point: None,
        sections: None,
        icon_group1: None,
        icon_group2: Some("TWO".to_owned()),
        container: Some(FileType::Zip),
        intermediates: vec![FileType::Mail, FileType::Zip],
        handler: None,
    };
    let password = Password { target, password: b"inf\xffcted".to_vec() };
    let url = UrlList { kind: 'M', fields: vec!["example.org".to_owned(), String::new()] };
    let text = TextList { line: "PE:0x1:1:233".to_owned() };
    let image = image(|builder| {
        builder.add_magic(SignatureId(1), &rule);
        builder.add_icon(SignatureId(2), &icon);
        builder.add_password(SignatureId(3), &password);
        builder.add_url(SignatureId(4), &url);
        builder.add_text(SignatureId(5), &text);
        builder.add_text(SignatureId(6), &TextList { line: String::new() });
    });
    assert_eq!(image.magic_patterns().collect::<Vec<_>>(), [(SignatureId(1), rule)]);
    assert_eq!(image.icons().collect::<Vec<_>>(), [(SignatureId(2), icon)]);
    assert_eq!(image.passwords().collect::<Vec<_>>(), [(SignatureId(3), password)]);
    assert_eq!(image.url_lists().collect::<Vec<_>>(), [(SignatureId(4), url)]);
    let empty = TextList { line: String::new() };
    assert_eq!(image.text_lists().collect::<Vec<_>>(), [(SignatureId(5), text), (SignatureId(6), empty)]);
}

#[test]
fn an_image_without_lists_has_none() {
    let image = image(|_| ());
    assert_eq!(image.magic(b"ABC", false, FileType::Any), None);
    assert_eq!(image.magic_patterns().count(), 0);
    assert_eq!(image.icons().count(), 0);
    assert_eq!(image.passwords().count(), 0);
    assert_eq!(image.url_lists().count(), 0);
    assert_eq!(image.text_lists().count(), 0);
}

proptest! {
    #[test]
    fn damaged_lists_are_harmless(section: Vec<u8>, bytes: Vec<u8>) {
        let mut writer = ImageWriter::new();
        for kind in [
            SectionKind::MagicAt,
            SectionKind::MagicPatterns,
            SectionKind::Icons,
            SectionKind::Passwords,
            SectionKind::Urls,
            SectionKind::Texts,
        ] {
            writer.section(kind, LINE, &section);
        }
        let image = Image::from_vec(writer.finish(1)).unwrap();
        let _ = image.magic(&bytes, false, FileType::Any);
        let _ = image.magic_patterns().count();
        let _ = TypeRules::new(&image).detect(&bytes, FileType::BinaryData);
        let _ = image.icons().count();
        let _ = image.passwords().count();
        let _ = image.url_lists().count();
        let _ = image.text_lists().count();
    }
}

fn like(text: &[u8], required: FileType, detected: FileType) -> FileMagic {
    let part = Part { gap: Gap::NONE, elements: vec![Element::Bytes(text.to_vec())], macro_group: None };
    let pattern = Pattern { offset: Offset::ANY, ignore_case: false, parts: vec![part] };
    FileMagic { kind: MagicKind::Pattern { pattern, target: Target::Any }, required, detected }
}

fn detected(rules: &[FileMagic], current: FileType) -> Option<FileType> {
    let image =
        image(|builder| (0..).zip(rules).for_each(|(id, rule)| builder.add_magic(SignatureId(id), rule)));
    TypeRules::new(&image).detect(b"..SIGN..other..", current)
}

#[test]
fn a_pattern_decides_wherever_it_stands() {
    let pdf = like(b"SIGN", FileType::Any, FileType::Pdf);
    assert_eq!(detected(&[pdf], FileType::BinaryData), Some(FileType::Pdf));
    assert_eq!(detected(&[like(b"SIGNS", FileType::Any, FileType::Pdf)], FileType::BinaryData), None);
    assert_eq!(detected(&[], FileType::BinaryData), None);
}

#[test]
fn of_several_patterns_the_largest_type_decides() {
    let rules = [like(b"SIGN", FileType::Any, FileType::Pdf), like(b"other", FileType::Any, FileType::Swf)];
    assert_eq!(detected(&rules, FileType::BinaryData), Some(FileType::Swf));
    let rules = [like(b"SIGN", FileType::Any, FileType::Swf), like(b"other", FileType::Any, FileType::Pdf)];
    assert_eq!(detected(&rules, FileType::BinaryData), Some(FileType::Swf));
    let rules = [like(b"SIGN", FileType::Any, FileType::Mail), like(b"other", FileType::Any, FileType::Java)];
    assert_eq!(detected(&rules, FileType::BinaryData), Some(FileType::Mail));
    let rules =
        [like(b"SIGN", FileType::Any, FileType::Swf), like(b"other", FileType::Any, FileType::ZipSfx)];
    assert_eq!(detected(&rules, FileType::BinaryData), None, "an archive inside of something");
}

#[test]
fn a_pattern_that_requires_another_type_does_not_count() {
    let rule = [like(b"SIGN", FileType::TextAscii, FileType::Pdf)];
    assert_eq!(detected(&rule, FileType::TextAscii), Some(FileType::Pdf));
    assert_eq!(detected(&rule, FileType::BinaryData), None);
}

#[test]
fn patterns_for_the_end_and_for_what_is_inside_decide_nothing() {
    let mut at_the_end = like(b"other..", FileType::Any, FileType::Pdf);
    if let MagicKind::Pattern { pattern, .. } = &mut at_the_end.kind {
        pattern.offset.base = OffsetBase::End(7);
    }
    for rule in [
        at_the_end,
        like(b"SIGN", FileType::Any, FileType::ZipSfx),
        like(b"SIGN", FileType::Any, FileType::Mbr),
        like(b"SIGN", FileType::Any, FileType::Ignored),
    ] {
        assert_eq!(detected(std::slice::from_ref(&rule), FileType::BinaryData), None, "{rule:?}");
    }
}
