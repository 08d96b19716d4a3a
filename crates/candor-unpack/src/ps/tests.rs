//! Programs as tools write them, with something in them that is known.

use candor_fixtures::postscript::{PACKINGS, base_85, digits, eexec, filtered, for_dos};
use candor_fixtures::stream;
use candor_model::{ChildKind, FileType, Limits, Reason};

use crate::collected::{Child, Collected, survives_damage};

const HIDDEN: &[u8] = b"something that is hidden \xfe\xfd\x80 in a program";

fn children(program: &[u8]) -> Vec<(String, Vec<u8>)> {
    let found = Collected::of(FileType::Ps, program);
    assert_eq!(found.incomplete, []);
    found.children.into_iter().map(|child| (child.member.name, child.bytes)).collect()
}

#[track_caller]
fn check(program: &[u8], expected: &[(&str, &[u8])]) {
    let expected: Vec<_> =
        expected.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
    assert_eq!(children(program), expected);
}

#[test]
fn every_way_of_packing_is_undone() {
    for (name, label, pack) in PACKINGS {
        let found = Collected::of(FileType::Ps, &pack(HIDDEN));
        let child = found.children.iter().find(|child| child.member.name == *label);
        let child = child.unwrap_or_else(|| panic!("{name}: {:?}", found.children));
        assert!(child.bytes.windows(HIDDEN.len()).any(|window| window == HIDDEN), "{name}");
        assert_eq!((&child.absent, &found.incomplete[..]), (&None, &[][..]), "{name}");
    }
}

#[test]
fn packed_programs_are_given_as_programs() {
    for (name, label, pack) in PACKINGS {
        let program =
            filtered(&["RunLength"], b"only text, of which the first line of runs has no other byte");
        let found = Collected::of(FileType::Ps, &pack(&program));
        let child = found.children.iter().find(|child| child.member.name == *label);
        assert!(child.is_some_and(|child| child.bytes.starts_with(&program)), "{name}");
    }
}

#[test]
fn data_may_spell_the_word_that_others_begin_with() {
    // A stored block of deflate has its bytes as they are.
    let text = b"currentfile and more, and currentfile once more";
    let length = text.len() as u16;
    let mut stored = vec![0x78, 0x01, 1];
    stored.extend(length.to_le_bytes());
    stored.extend((!length).to_le_bytes());
    stored.extend_from_slice(text);
    let sum = crate::adler::adler(text).to_be_bytes();
    let program =
        [b"%!PS-Adobe-3.0\ncurrentfile /FlateDecode filter cvx exec\n", &stored[..], &sum, b"\n"].concat();
    check(&program, &[("data 1", text)]);
}

#[test]
fn chains_are_undone_in_their_order() {
    let chain = ["ASCIIHex", "LZW", "Flate", "RunLength", "ASCII85"];
    check(&filtered(&chain, HIDDEN), &[("data 1", HIDDEN)]);
}

#[test]
fn an_image_as_poppler_writes_it_is_read() {
    let data = base_85(&stream::zlib(&[HIDDEN, HIDDEN].concat()));
    let program = [
        b"%!PS-Adobe-3.0\n/skipEOD {\n  { currentfile pdfImBuf readline\n  not { pop exit } if } loop\n} def\n\
          <<\n  /ImageType 1\n  /Decode [0 1]\n  /DataSource currentfile\n    /ASCII85Decode filter\n    \
          << >> /FlateDecode filter\n>>\npdfIm\n",
        &data[..],
        b"\n%-EOD-\nQ\n",
    ]
    .concat();
    check(&program, &[("data 1", &[HIDDEN, HIDDEN].concat())]);
}

#[test]
fn an_image_as_cairo_writes_it_is_read() {
    let hidden: Vec<u8> =
        (0..999_u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let data = String::from_utf8(base_85(&stream::zlib(&hidden))).unwrap().replace('\n', "\n ");
    let program = [
        b"%!PS-Adobe-3.0\n/cairo_ascii85_file currentfile /ASCII85Decode filter def\n/DeviceGray setcolorspace\n\
          <<\n  /ImageType 1\n  /DataSource cairo_ascii85_file /FlateDecode filter\n  /ImageMatrix [ 64 0 0 -64 0 64 ]\n\
          >>\ncairo_image\n ",
        data.as_bytes(),
        b"\nQ Q\n",
    ]
    .concat();
    check(&program, &[("data 1", &hidden)]);
}

#[test]
fn parameters_of_filters_are_used() {
    // Rows of four bytes, each a difference to the one above it.
    let rows = stream::zlib(&[2, 1, 2, 3, 4, 2, 1, 1, 1, 1, 2, 0, 0, 0, 1]);
    let program = [
        b"%!PS-Adobe-3.0\ncurrentfile <</Predictor 12 /Columns 4>> /FlateDecode filter exec\n",
        &rows[..],
        b"\nshowpage\n",
    ]
    .concat();
    check(&program, &[("data 1", &[1, 2, 3, 4, 2, 3, 4, 5, 2, 3, 4, 6])]);
}

#[test]
fn data_may_begin_on_the_line_that_reads_it() {
    let data = String::from_utf8(base_85(&stream::zlib(HIDDEN))).unwrap();
    let program =
        format!("%!PS-Adobe-3.0\ncurrentfile /ASCII85Decode filter /FlateDecode filter cvx exec {data}\n");
    check(program.as_bytes(), &[("data 1", HIDDEN)]);
}

#[test]
fn data_end_where_the_program_says() {
    let program = format!(
        "%!PS-Adobe-3.0\ncurrentfile 0 (%%EndOfData) /SubFileDecode filter /ASCIIHexDecode filter exec\n{}\n\
         %%EndOfData\nface\n>",
        digits(HIDDEN)
    );
    check(program.as_bytes(), &[("data 1", HIDDEN)]);
}

#[test]
fn what_a_procedure_reads_is_found_by_its_end() {
    let data = String::from_utf8(base_85(&stream::zlib(HIDDEN))).unwrap();
    for filters in ["/ASCII85Decode filter /FlateDecode filter", "dup"] {
        let program = format!(
            "%!PS-Adobe-3.0\n/show {{ currentfile {filters} cvx exec }} bind def\nshow\n{data}\nshowpage\n"
        );
        check(program.as_bytes(), &[("data 1", HIDDEN)]);
    }
}

#[test]
fn strings_in_base_85_are_given() {
    let data = String::from_utf8(base_85(HIDDEN)).unwrap();
    let program = format!("%!PS-Adobe-3.0\n/a <~{data} cvx exec\n");
    check(program.as_bytes(), &[("data 1", HIDDEN)]);
}

#[test]
fn several_pieces_are_given_in_their_order() {
    let program =
        [filtered(&["Flate"], b"the first of them"), filtered(&["ASCII85"], HIDDEN), eexec(true, HIDDEN)];
    let font = [HIDDEN, b" mark currentfile closefile"].concat();
    check(&program.concat(), &[("data 1", b"the first of them"), ("data 2", HIDDEN), ("eexec 3", &font)]);
}

#[test]
fn binary_sections_are_given_without_what_reads_them() {
    let program = [
        b"%!PS-Adobe-3.0\r\n%%BeginData: 53 Binary Bytes\r\nbeginimage\r\n",
        HIDDEN,
        b"%%EndData\r\n%%BeginBinary: 43\r\n",
        HIDDEN,
        b"\r\n%%EndBinary\r\n%%BeginData: 2 ASCII Lines\r\nan ordinary line\r\n%%EndData\r\n",
    ]
    .concat();
    let names: Vec<_> = children(&program).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["data 1", "binary 2"]);
    for (_, bytes) in children(&program) {
        assert!(bytes.starts_with(HIDDEN) && bytes.len() < HIDDEN.len() + 4, "{:?}", bytes.len());
    }
}

#[test]
fn ordinary_programs_give_nothing() {
    let program = b"%!PS-Adobe-3.0\n%%BeginProlog\n/a { currentfile 80 string readline pop } def\n\
        currentfile closefile <0102> [1 0 0 1] (~>) pop <</A 1>> begin ~> a\n%%EndProlog\nshowpage\n";
    check(program, &[]);
}

#[test]
fn parts_for_dos_are_given_as_they_are() {
    let parts: [&[u8]; 3] = [b"%!PS-Adobe-3.0\nshowpage\n", b"\xd7\xcd\xc6\x9a metafile", b"II*\0 picture"];
    let file = for_dos(&parts);
    let found = Collected::of(FileType::Ps, &file);
    let given: Vec<_> =
        found.children.iter().map(|child| (child.member.name.as_str(), &child.bytes[..])).collect();
    assert_eq!(given, [("PostScript", parts[0]), ("metafile", parts[1]), ("TIFF", parts[2])]);
    assert_eq!(found.children[1].kind, ChildKind::Embedded { offset: 32 + parts[0].len() as u64 });
    let whole = file.len();
    let found = Collected::of(FileType::Ps, &file[..whole - 4]);
    let last = found.children.last().unwrap();
    assert_eq!(last.bytes, &parts[2][..parts[2].len() - 4]);
    assert!(matches!(&last.absent, Some(Reason::Malformed(_))));
    let found = Collected::of(FileType::Ps, &file[..whole - parts[2].len()]);
    assert!(matches!(found.children.last(), Some(Child { absent: Some(Reason::Malformed(_)), .. })));
}

#[test]
fn a_part_that_is_the_whole_file_does_not_lead_back() {
    let mut file = for_dos(&[b"%!PS-Adobe-3.0\n", b"", b""]);
    file[4..12].fill(0);
    file[8] = 40;
    let found = Collected::of(FileType::Ps, &file);
    assert!(found.children.is_empty());
}

#[test]
fn text_that_begins_as_a_program_is_one() {
    let program = filtered(&["ASCII85", "Flate"], HIDDEN);
    let program = [b"%!PS\n", &program[b"%!PS-Adobe-3.0\n".len()..]].concat();
    let is_given = |bytes: &[u8]| {
        let found = Collected::of(FileType::TextAscii, bytes);
        found.children.iter().any(|child| child.bytes == HIDDEN)
    };
    assert!(is_given(&program));
    assert!(is_given(&[b"\x04", &program[..]].concat()));
    assert!(!is_given(&program[2..]));
}

#[test]
fn damaged_data_keep_what_was_read() {
    let hidden: Vec<u8> =
        (0..5000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let program = filtered(&["Flate"], &hidden);
    let found = Collected::of(FileType::Ps, &program[..program.len() / 2]);
    let child = &found.children[0];
    assert!(!child.bytes.is_empty() && hidden.starts_with(&child.bytes));
    assert!(matches!(&child.absent, Some(Reason::Malformed(_))));
}

#[test]
fn filters_that_share_their_data_are_told() {
    let data = String::from_utf8(base_85(&vec![7; 40_000])).unwrap();
    let line = "currentfile /ASCII85Decode filter exec\n";
    let program = format!("%!PS-Adobe-3.0\n{}{data}", line.repeat(400));
    // Only the last of them is followed by its data.
    check(program.as_bytes(), &[("data 1", &vec![7; 40_000])]);
    let data: String = format!("{line}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n").repeat(2000);
    let found = Collected::of(FileType::Ps, format!("%!PS-Adobe-3.0\n{data}").as_bytes());
    assert_eq!(found.incomplete, [Reason::Unsupported("data that many filters share".to_owned())]);
}

#[test]
fn chains_that_multiply_end_at_the_limits() {
    let limits = Limits { max_scan_size: 1 << 20, ..Limits::default() };
    let bomb = filtered(&["Flate", "Flate", "Flate"], &vec![0; 64 << 20]);
    let found = Collected::with_limits(FileType::Ps, &bomb, limits);
    assert!(found.budget.bytes() <= limits.max_scan_size);
    let long = ["ASCIIHex"; 17];
    let found = Collected::of(FileType::Ps, &filtered(&long, b"a"));
    assert_eq!(found.incomplete, [Reason::Unsupported("a chain of 17 filters".to_owned())]);
}

#[test]
fn damage_stays_within_the_budget() {
    for (_, _, pack) in PACKINGS {
        survives_damage(FileType::Ps, &pack(HIDDEN));
    }
}

#[test]
fn a_program_that_nothing_is_left_for_is_not_read() {
    let program = filtered(&["ASCII85"], HIDDEN);
    assert_eq!(children(&program).len(), 1);
    let found = Collected::without_work(FileType::Ps, &program);
    assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::Work]));
    // Parts of a file for DOS only stand where its header says.
    let parts = Collected::without_work(FileType::Ps, &for_dos(&[&program, b"", b"preview"]));
    assert_eq!((parts.children.len(), parts.incomplete), (2, vec![]));
}

#[test]
fn fonts_that_share_their_bytes_are_told() {
    let fonts = |count: usize| {
        let program = format!("%!PS-Adobe-3.0\n{}", "currentfile eexec ".repeat(count));
        let found = Collected::of(FileType::Ps, &[program.as_bytes(), &vec![0xaa; 200_000]].concat());
        found.incomplete
    };
    assert_eq!(fonts(4), []);
    assert_eq!(fonts(6), [Reason::Unsupported("data that many filters share".to_owned())]);
}
