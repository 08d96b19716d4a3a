//! Files built field by field. What is expected of odd alignments, overlaps and cut tables was settled by
//! asking `sigtool --mdb`, `sigtool --imp` and offset signatures about files of the same shape.

use candor_fixtures::executable::{Executable as Recipe, Kind, SectionRecipe};
use candor_model::{Executable, Facts, FileType, Icon, Reason};
use proptest::prelude::*;

use super::facts;
use crate::collected::Collected;

/// Virtual address, virtual size, raw offset, raw size.
type Row = (u32, u32, u32, u32);

struct Builder {
    sections: Vec<Row>,
    file_alignment: u32,
    section_alignment: u32,
    entry: u32,
    header_size: u32,
    is_64_bit: bool,
    directories: Vec<(usize, u32, u32)>,
    contents: Vec<(usize, Vec<u8>)>,
    length: usize,
}

impl Builder {
    fn new(sections: &[Row]) -> Self {
        Self {
            sections: sections.to_vec(),
            file_alignment: 0x200,
            section_alignment: 0x1000,
            entry: 0x1010,
            header_size: 0x400,
            is_64_bit: false,
            directories: Vec::new(),
            contents: Vec::new(),
            length: 0x4000,
        }
    }

    fn build(&self) -> Vec<u8> {
        let mut file = vec![0; 0x80];
        file[..2].copy_from_slice(b"MZ");
        file[0x3c] = 0x80;
        let optional_size: u16 = if self.is_64_bit { 240 } else { 224 };
        file.extend_from_slice(b"PE\0\0\x4c\x01");
        file.extend_from_slice(&(self.sections.len() as u16).to_le_bytes());
        file.extend_from_slice(&[0; 12]);
        file.extend_from_slice(&optional_size.to_le_bytes());
        file.extend_from_slice(&[0, 0]);
        let optional = file.len();
        file.resize(optional + usize::from(optional_size), 0);
        let mut put = |at: usize, value: u32| {
            file[optional + at..optional + at + 4].copy_from_slice(&value.to_le_bytes());
        };
        put(0, if self.is_64_bit { 0x20b } else { 0x10b });
        put(16, self.entry);
        put(32, self.section_alignment);
        put(36, self.file_alignment);
        put(60, self.header_size);
        let table = if self.is_64_bit { 108 } else { 92 };
        put(table, 16);
        for &(index, address, size) in &self.directories {
            put(table + 4 + index * 8, address);
            put(table + 8 + index * 8, size);
        }
        for (number, &(address, size, raw_offset, raw_size)) in self.sections.iter().enumerate() {
            file.extend_from_slice(format!(".sec{number:04}").get(..8).unwrap().as_bytes());
            for value in [size, address, raw_size, raw_offset, 0, 0, 0, 0x6000_0020] {
                file.extend_from_slice(&value.to_le_bytes());
            }
        }
        file.resize(self.length, 0);
        for (at, content) in &self.contents {
            file[*at..at + content.len()].copy_from_slice(content);
        }
        file
    }

    fn executable(&self) -> Executable {
        facts(&self.build()).unwrap().executable.unwrap()
    }

    fn raw(&self) -> Vec<(u64, u64)> {
        self.executable().sections.iter().map(|section| (section.raw_offset, section.raw_size)).collect()
    }
}

const PLAIN: Row = (0x1000, 0x1000, 0x400, 0x400);

#[test]
fn raw_offsets_are_rounded_down_and_sizes_up() {
    assert_eq!(
        Builder::new(&[PLAIN, (0x2000, 0x1000, 0x800, 0x600)]).raw(),
        [(0x400, 0x400), (0x800, 0x600)]
    );
    assert_eq!(
        Builder::new(&[(0x1000, 0x1000, 0x410, 0x401), (0x2000, 0x1000, 0x9f0, 0x7f)]).raw(),
        [(0x400, 0x600), (0x800, 0x200)]
    );
    let small = Builder { file_alignment: 0x10, ..Builder::new(&[(0x1000, 0x1000, 0x410, 0x411)]) };
    assert_eq!(small.raw(), [(0x410, 0x420)]);
    let none = Builder { file_alignment: 0, ..Builder::new(&[(0x1000, 0x1000, 0x411, 0x411)]) };
    assert_eq!(none.raw(), [(0x411, 0x411)]);
}

#[test]
fn an_alignment_that_the_file_breaks_itself_gives_way_to_sectors() {
    let broken =
        Builder { file_alignment: 0x1000, ..Builder::new(&[PLAIN, (0x2000, 0x1000, 0x1800, 0x600)]) };
    assert_eq!(broken.raw(), [(0x400, 0x400), (0x1800, 0x600)]);
    let kept = Builder { file_alignment: 0x1000, ..Builder::new(&[(0x1000, 0x1000, 0x1100, 0x400)]) };
    assert_eq!(kept.raw(), [(0x1000, 0x1000)]);
    assert_eq!(kept.executable().entry_point, Some(0x1010));
}

#[test]
fn sections_end_where_the_file_ends() {
    assert_eq!(Builder::new(&[(0x1000, 0x1000, 0x3e00, 0x1000)]).raw(), [(0x3e00, 0x200)]);
    assert_eq!(Builder::new(&[(0x1000, 0x1000, 0x5000, 0x1000)]).raw(), [(0x5000, 0)]);
    assert_eq!(Builder::new(&[(0x1000, 0x1000, 0x400, 0xffff_ff00)]).raw(), [(0x400, 0x3c00)]);
    assert_eq!(Builder::new(&[(0x1000, 0x1000, 0xffff_ff00, 0xffff_ff00)]).raw(), [(0xffff_fe00, 0)]);
}

#[test]
fn sections_keep_the_order_of_the_table() {
    let file =
        Builder::new(&[(0x1000, 0x1000, 0x800, 0x400), (0x2000, 0x1000, 0x400, 0x400), (0x3000, 9, 0, 0)]);
    assert_eq!(file.raw(), [(0x800, 0x400), (0x400, 0x400), (0, 0)]);
    let sections = file.executable().sections;
    assert_eq!(sections[1].name, b".sec0001");
    assert_eq!((sections[2].virtual_address, sections[2].virtual_size), (0x3000, 9));
}

#[test]
fn a_cut_section_table_keeps_its_beginning() {
    let mut file = Builder::new(&[PLAIN, PLAIN, PLAIN]).build();
    file.truncate(0x1a0);
    assert_eq!(facts(&file).unwrap().executable.unwrap().sections.len(), 1);
}

#[track_caller]
fn check_entry(builder: Builder, expected: Option<u64>) {
    assert_eq!(builder.executable().entry_point, expected);
}

#[test]
fn the_entry_point_is_mapped_as_a_loader_does() {
    let at = |entry, sections: &[Row]| Builder { entry, ..Builder::new(sections) };
    check_entry(at(0x1010, &[PLAIN]), Some(0x410));
    check_entry(at(0x110, &[PLAIN]), Some(0x110));
    check_entry(at(0, &[PLAIN]), Some(0));
    // Headers reach to the next multiple of the section alignment.
    check_entry(at(0x500, &[PLAIN]), Some(0x500));
    check_entry(at(0x1500, &[PLAIN]), None);
    check_entry(at(0x9000, &[PLAIN]), None);
    check_entry(at(0x1380, &[(0x1000, 0x10, 0x400, 0x301)]), Some(0x780));
    check_entry(at(0x1000, &[(0x1010, 0x1000, 0x400, 0x400)]), Some(0x400));
    check_entry(at(0x1300, &[(0x1000, 0x1000, 0x3e00, 0x1000)]), None);
}

#[test]
fn the_last_of_overlapping_sections_has_the_entry_point() {
    check_entry(Builder::new(&[PLAIN, (0x1000, 0x1000, 0x800, 0x400)]), Some(0x810));
    let wide = (0x1000, 0x2000, 0x400, 0x1400);
    let narrow = (0x2000, 0x1000, 0x2000, 0x400);
    check_entry(Builder { entry: 0x2010, ..Builder::new(&[wide, narrow]) }, Some(0x2010));
    check_entry(Builder { entry: 0x2010, ..Builder::new(&[narrow, wide]) }, Some(0x1410));
}

#[test]
fn both_widths_are_read() {
    let wide = Builder { is_64_bit: true, ..Builder::new(&[PLAIN]) };
    assert!(wide.executable().is_64_bit);
    assert_eq!(wide.raw(), [(0x400, 0x400)]);
    check_entry(wide, Some(0x410));
    assert!(!Builder::new(&[PLAIN]).executable().is_64_bit);
}

#[test]
fn dos_programs_have_no_facts() {
    assert_eq!(facts(b"MZ and nothing else"), None);
    let mut file = Builder::new(&[PLAIN]).build();
    file[0x80] = b'N';
    assert_eq!(facts(&file), None);
}

/// What is imported from a library.
enum Import {
    Name(&'static str),
    Number(u16),
}

/// A file whose one section starts with an import table.
fn importing(libraries: &[(&str, &[Import])], is_64_bit: bool) -> Builder {
    let mut section = vec![0; (libraries.len() + 1) * 20];
    let address = |section: &Vec<u8>| (section.len() + 0x1000) as u32;
    for (row, (library, functions)) in libraries.iter().enumerate() {
        let name = address(&section);
        section.extend_from_slice(library.as_bytes());
        section.push(0);
        let thunks: Vec<u64> = functions
            .iter()
            .map(|function| match function {
                Import::Number(number) => u64::from(*number) | 1 << if is_64_bit { 63 } else { 31 },
                Import::Name(name) => {
                    let at = u64::from(address(&section));
                    section.extend_from_slice(&[0, 0]);
                    section.extend_from_slice(name.as_bytes());
                    section.push(0);
                    at
                }
            })
            .chain([0])
            .collect();
        let table = address(&section);
        for thunk in thunks {
            section.extend_from_slice(&thunk.to_le_bytes()[..if is_64_bit { 8 } else { 4 }]);
        }
        section[row * 20 + 12..row * 20 + 16].copy_from_slice(&name.to_le_bytes());
        section[row * 20 + 16..row * 20 + 20].copy_from_slice(&table.to_le_bytes());
    }
    Builder {
        is_64_bit,
        directories: vec![(1, 0x1000, 40)],
        contents: vec![(0x400, section)],
        ..Builder::new(&[(0x1000, 0x3000, 0x400, 0x3000)])
    }
}

#[track_caller]
fn check_imports(libraries: &[(&str, &[Import])], list: &str) {
    use md5::Digest as _;
    for is_64_bit in [false, true] {
        let found = importing(libraries, is_64_bit).executable().imports.unwrap();
        assert_eq!(found.length, list.len() as u64);
        assert_eq!(found.digest.as_bytes(), md5::Md5::digest(list).as_slice(), "{list}");
    }
}

#[test]
fn imports_are_listed_in_lower_case_and_without_extension() {
    use Import::{Name, Number};
    check_imports(
        &[
            ("KERNEL32.dll", &[Name("LoadLibraryA"), Name("GetProcAddress")]),
            ("USER32.DLL", &[Name("MessageBoxA")]),
        ],
        "kernel32.loadlibrarya,kernel32.getprocaddress,user32.messageboxa",
    );
    check_imports(
        &[("a.ocx", &[Name("F")]), ("b.sys", &[Name("G")]), ("c.drv", &[Name("H")]), ("d", &[Name("I")])],
        "a.f,b.g,c.drv.h,d.i",
    );
    check_imports(&[("x.dll.dll", &[Name("F")])], "x.f");
    check_imports(&[("api.core.dll", &[Name("F")])], "api.core.dll.f");
    check_imports(&[("a.dll", &[Number(5), Number(65535)])], "a.ord5,a.ord65535");
    check_imports(
        &[
            ("WS2_32.dll", &[Number(1), Number(999)]),
            ("wsock32.dll", &[Number(2)]),
            ("oleaut32.dll", &[Number(2)]),
        ],
        "ws2_32.accept,ws2_32.ord999,wsock32.bind,oleaut32.sysallocstring",
    );
    check_imports(&[("a.dll", &[]), ("b.dll", &[Name("?x@@YAXXZ")])], "b.?x@@yaxxz");
}

#[test]
fn a_file_without_imports_has_no_digest() {
    assert_eq!(Builder::new(&[PLAIN]).executable().imports, None);
    assert_eq!(importing(&[], false).executable().imports, None);
    let mut cut = importing(&[("a.dll", &[Import::Name("F")])], false);
    cut.contents[0].1[12..16].copy_from_slice(&0x9000_0000_u32.to_le_bytes());
    assert_eq!(cut.executable().imports, None);
}

/// What is told under a key of the file that a builder makes.
fn details(builder: &Builder, key: &str) -> Vec<String> {
    let found = Collected::of(FileType::MsExe, &builder.build());
    assert_eq!(found.incomplete, []);
    found.details.into_iter().filter(|(told, _)| *told == key).map(|(_, value)| value).collect()
}

#[test]
fn libraries_are_told_with_what_is_taken_from_them() {
    use Import::{Name, Number};
    for is_64_bit in [false, true] {
        let few = importing(&[("KERNEL32.dll", &[Name("A"), Number(2)]), ("b.dll", &[Name("B")])], is_64_bit);
        assert_eq!(details(&few, "imports"), ["KERNEL32.dll: 2 functions", "b.dll: 1 function"]);
        let library: (&str, &[Import]) = ("c.dll", &[Number(1)]);
        let many = importing(&[library; 50], is_64_bit);
        let told = details(&many, "imports");
        assert_eq!((told.len(), told[48].as_str()), (49, "2 more libraries"));
    }
    assert!(details(&Builder::new(&[PLAIN]), "imports").is_empty());
}

/// A library that offers functions of these names, and others without.
fn exporting(library: &str, names: &[String], others: u32) -> Builder {
    let mut section = vec![0; 40];
    let put = |section: &mut Vec<u8>, at: usize, value: u32| {
        section[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    let mut addresses = Vec::new();
    for name in [library].into_iter().chain(names.iter().map(String::as_str)) {
        addresses.push(section.len() as u32 + 0x1000);
        section.extend(name.as_bytes());
        section.push(0);
    }
    let list = section.len() as u32 + 0x1000;
    put(&mut section, 12, addresses[0]);
    put(&mut section, 20, names.len() as u32 + others);
    put(&mut section, 24, names.len() as u32);
    put(&mut section, 32, list);
    section.extend(addresses[1..].iter().flat_map(|address| address.to_le_bytes()));
    Builder {
        directories: vec![(0, 0x1000, 40)],
        contents: vec![(0x400, section)],
        ..Builder::new(&[(0x1000, 0x3000, 0x400, 0x3000)])
    }
}

#[test]
fn what_a_library_offers_is_told() {
    let names: Vec<String> = (0..20).map(|number| format!("Fn{number:02}")).collect();
    let few = exporting("hold.dll", &names[..2], 3);
    assert_eq!(details(&few, "library"), ["hold.dll"]);
    assert_eq!(details(&few, "exports"), ["5, 2 of them by name: Fn00, Fn01"]);
    let told = details(&exporting("", &names, 0), "exports");
    assert!(
        told[0].starts_with("20, 20 of them by name: Fn00, ") && told[0].ends_with("Fn15, …"),
        "{told:?}"
    );
    assert!(details(&exporting("", &names, 0), "library").is_empty());
    let mut cut = exporting("hold.dll", &names, 0);
    cut.contents[0].1[32..36].copy_from_slice(&0x9000_0000_u32.to_le_bytes());
    assert_eq!(details(&cut, "exports"), ["20, 20 of them by name, …"]);
}

/// A resource tree with the given resources, at address 0x1000.
fn with_resources(resources: &[(u32, Vec<u8>)]) -> Builder {
    let mut tree = Vec::new();
    let directory = |tree: &mut Vec<u8>, count: usize| {
        tree.extend_from_slice(&[0; 14]);
        tree.extend_from_slice(&(count as u16).to_le_bytes());
        let at = tree.len();
        tree.resize(at + count * 8, 0);
        at
    };
    let put = |tree: &mut Vec<u8>, at: usize, value: u32| {
        tree[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    let root = directory(&mut tree, resources.len());
    for (index, (kind, data)) in resources.iter().enumerate() {
        put(&mut tree, root + index * 8, *kind);
        let here = tree.len() as u32;
        put(&mut tree, root + index * 8 + 4, here | 1 << 31);
        let names = directory(&mut tree, 1);
        let here = tree.len() as u32;
        put(&mut tree, names + 4, here | 1 << 31);
        let languages = directory(&mut tree, 1);
        let here = tree.len() as u32;
        put(&mut tree, languages + 4, here);
        tree.extend_from_slice(&(here + 16 + 0x1000).to_le_bytes());
        tree.extend_from_slice(&(data.len() as u32).to_le_bytes());
        tree.extend_from_slice(&[0; 8]);
        tree.extend_from_slice(data);
        tree.resize(tree.len().next_multiple_of(4), 0);
    }
    let raw = (tree.len() as u32).next_multiple_of(0x200);
    Builder {
        directories: vec![(2, 0x1000, tree.len() as u32)],
        length: 0x400 + raw as usize,
        contents: vec![(0x400, tree)],
        ..Builder::new(&[(0x1000, raw, 0x400, raw)])
    }
}

fn block(key: &str, value: &[u8], inside: &[Vec<u8>]) -> Vec<u8> {
    let mut block = vec![0; 6];
    block.extend(key.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    block.resize(block.len().next_multiple_of(4), 0);
    block.extend_from_slice(value);
    for part in inside {
        block.resize(block.len().next_multiple_of(4), 0);
        block.extend_from_slice(part);
    }
    let length = block.len() as u16;
    block[..2].copy_from_slice(&length.to_le_bytes());
    block[2..4].copy_from_slice(
        &(if inside.is_empty() { value.len() / 2 } else { value.len() } as u16).to_le_bytes(),
    );
    block
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn version(strings: &[(&str, &str)]) -> Vec<u8> {
    let strings: Vec<_> = strings.iter().map(|(key, value)| block(key, &wide(value), &[])).collect();
    let table = block("040904b0", &[], &strings);
    block(
        "VS_VERSION_INFO",
        &[0; 52],
        &[block("StringFileInfo", &[], &[table]), block("VarFileInfo", &[], &[])],
    )
}

#[test]
fn version_strings_say_where_their_keys_stand() {
    let builder = with_resources(&[(16, version(&[("CompanyName", "Nobody"), ("FileVersion", "1.2")]))]);
    let file = builder.build();
    let strings = builder.executable().version_strings;
    let shown: Vec<_> = strings.iter().map(|string| (string.key.as_str(), string.value.as_str())).collect();
    assert_eq!(shown, [("CompanyName", "Nobody"), ("FileVersion", "1.2")]);
    for string in strings {
        assert!(file[string.offset as usize..].starts_with(&wide(&string.key)));
    }
}

fn icon(size: u32, depth: u16, palette: &[u32], pixels: &[u8], mask: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    for value in [40, size, size * 2, 1 | u32::from(depth) << 16, 0, 0, 0, 0, palette.len() as u32, 0] {
        data.extend_from_slice(&value.to_le_bytes());
    }
    data.extend(palette.iter().flat_map(|colour| colour.to_le_bytes()));
    data.extend_from_slice(pixels);
    data.extend_from_slice(mask);
    data
}

fn icons(resources: &[(u32, Vec<u8>)]) -> Vec<Icon> {
    let Facts { icons, .. } = facts(&with_resources(resources).build()).unwrap();
    icons
}

#[test]
fn icons_of_every_depth_are_decoded() {
    // The bottom left pixel is red, the rest black and clear.
    let mut mask = vec![0xff; 16 * 4];
    mask[0] = 0x7f;
    let rows = |bytes: &[u8], row: usize| {
        let mut pixels = vec![0; row * 16];
        pixels[..bytes.len()].copy_from_slice(bytes);
        pixels
    };
    let cases = [
        icon(16, 1, &[0, 0xff_0000], &rows(&[0x80], 4), &mask),
        icon(16, 4, &[0, 0xff_0000], &rows(&[0x10], 8), &mask),
        icon(16, 8, &[0, 0xff_0000], &rows(&[0x01], 16), &mask),
        icon(16, 16, &[], &rows(&[0x00, 0x7c], 32), &mask),
        icon(16, 24, &[], &rows(&[0, 0, 0xff], 48), &mask),
        icon(16, 32, &[], &rows(&[0, 0, 0xff, 0xff], 64), &mask),
        icon(16, 32, &[], &rows(&[0, 0, 0xff, 0], 64), &mask),
    ];
    for case in cases {
        let found = icons(&[(3, case)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].size, 16);
        let mut expected = vec![0; 256];
        expected[15 * 16] = 0xffff_0000;
        assert_eq!(found[0].pixels, expected);
    }
}

#[test]
fn other_icons_are_left_out() {
    let odd = icon(48, 32, &[], &vec![0; 48 * 48 * 4], &[]);
    let cut = icon(32, 32, &[], &[0; 100], &[]);
    let whole = icon(32, 32, &[], &vec![1; 32 * 32 * 4], &[]);
    let found = icons(&[(3, odd), (3, cut), (3, whole)]);
    assert_eq!(found.iter().map(|icon| icon.size).collect::<Vec<_>>(), [32]);
}

#[test]
fn a_resource_tree_that_leads_into_itself_ends() {
    // Every entry of every directory leads back to the root.
    let mut tree = vec![0; 14];
    tree.extend_from_slice(&0x300_u16.to_le_bytes());
    for _ in 0..0x300 {
        tree.extend_from_slice(&16_u32.to_le_bytes());
        tree.extend_from_slice(&(1_u32 << 31).to_le_bytes());
    }
    let builder = Builder {
        directories: vec![(2, 0x1000, 0)],
        contents: vec![(0x400, tree)],
        ..Builder::new(&[(0x1000, 0x3000, 0x400, 0x3000)])
    };
    assert!(builder.executable().version_strings.is_empty());
}

proptest! {
    #[test]
    fn damage_never_makes_sections_leave_the_file(
        changes in prop::collection::vec((0..0x600_usize, any::<u8>()), 0..40),
        length in 0..0x2000_usize,
    ) {
        let mut file = with_resources(&[(16, version(&[("A", "B")])), (3, icon(16, 1, &[0, 1], &[0; 64], &[0; 64]))]).build();
        for (at, value) in changes {
            if let Some(byte) = file.get_mut(at) {
                *byte = value;
            }
        }
        file.truncate(length);
        if let Some(executable) = facts(&file).and_then(|facts| facts.executable) {
            for section in executable.sections {
                prop_assert!(section.raw_size == 0 || section.raw_offset + section.raw_size <= file.len() as u64);
            }
            prop_assert!(executable.entry_point.is_none_or(|entry| entry < file.len() as u64));
        }
    }
}

#[test]
fn what_stands_behind_the_sections_is_given_without_signatures() {
    let section = SectionRecipe { name: String::from(".text"), bytes: b"code".to_vec() };
    let plain = Recipe::new(Kind::Pe32Plus, vec![section]).build().0;
    let content = b"configuration behind the program".to_vec();
    let collected = Collected::of(FileType::MsExe, &[plain.clone(), content.clone()].concat());
    let overlay = collected.children.iter().find(|child| child.member.name == "overlay").unwrap();
    assert!(overlay.bytes.ends_with(&content), "{overlay:?}");
    assert!(collected.details.iter().any(|(key, _)| *key == "overlay"));
    // An archive is found by its magic, and is not given twice.
    let zip = [&plain[..], b"PK\x03\x04\x14\0\0\0\0\0", &[b'a'; 40]].concat();
    let collected = Collected::of(FileType::MsExe, &zip);
    assert!(collected.children.iter().all(|child| child.member.name != "overlay"));
}

#[test]
fn resources_that_are_files_are_given_and_all_are_told() {
    let resources = [(10, b"a file that somebody put in".to_vec()), (9, vec![7; 40]), (10, vec![0; 64])];
    let collected = Collected::of(FileType::MsExe, &with_resources(&resources).build());
    let given: Vec<_> = collected.children.iter().map(|child| child.member.name.as_str()).collect();
    assert_eq!(given, ["resource data/0/0"]);
    assert_eq!(collected.children[0].bytes, resources[0].1);
    assert_eq!(collected.details.iter().filter(|(key, _)| *key == "resource").count(), 3);
}

#[test]
fn that_there_are_more_resources_than_are_looked_at_is_said() {
    let resources = |kind: u32, count: usize| {
        let data = b"a file that somebody put in".to_vec();
        let found = Collected::of(FileType::MsExe, &with_resources(&vec![(kind, data); count]).build());
        (found.children.len(), found.incomplete)
    };
    assert_eq!(resources(10, 4096), (4096, vec![]));
    assert_eq!(resources(10, 4097), (4096, vec![Reason::Children]));
    // Each has three entries, and there may be 16,384.
    assert_eq!(resources(9, 5461), (0, vec![]));
    assert_eq!(resources(9, 5462), (0, vec![Reason::Work]));
}

#[test]
fn texts_of_dot_net_are_found_behind_any_number_of_streams() {
    let mut root = b"BSJB\0\0\0\0\0\0\0\0\x04\0\0\0v4\0\0\0\0".to_vec();
    root.extend(41_u16.to_le_bytes());
    root.extend(b"\0\0\0\0\0\0\0\0#a\0\0".repeat(40));
    let place = root.len() as u32 + 12;
    root.extend([place.to_le_bytes(), 8_u32.to_le_bytes(), *b"#US\0"].concat());
    root.extend(b"\0\x06a\0b\0c\0");
    let header = [&[0; 8][..], &0x1010_u32.to_le_bytes(), &(root.len() as u32).to_le_bytes()].concat();
    let program = Builder {
        directories: vec![(14, 0x1000, 72)],
        contents: vec![(0x400, [header, root].concat())],
        ..Builder::new(&[(0x1000, 0x1000, 0x400, 0x1000)])
    };
    let found = Collected::of(FileType::MsExe, &program.build());
    let texts = found.children.iter().find(|child| child.member.name == "user strings");
    assert_eq!(texts.map(|child| &child.bytes[..]), Some(&b"abc\n"[..]));
}

#[test]
fn files_that_an_assembly_carries_are_given_by_their_names() {
    let file = b"what the assembly carries";
    // Two resources of a row each, the second in another file.
    let mut tables = vec![0, 0, 0, 0, 2, 0, 0, 1];
    tables.extend((1_u64 << 0x28).to_le_bytes());
    tables.extend([0; 8]);
    tables.extend(2_u32.to_le_bytes());
    tables.extend([[4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], [4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 4, 0]].concat());
    let names = b"\0a.bin\0\0";
    let mut root = b"BSJB\0\0\0\0\0\0\0\0\x04\0\0\0v4\0\0\0\0".to_vec();
    root.extend(2_u16.to_le_bytes());
    let start = root.len() as u32 + 12 + 20;
    root.extend([start, tables.len() as u32].map(u32::to_le_bytes).concat());
    root.extend(b"#~\0\0");
    root.extend([start + tables.len() as u32, names.len() as u32].map(u32::to_le_bytes).concat());
    root.extend(b"#Strings\0\0\0\0");
    root.extend(&tables);
    root.extend(names);
    let resources = [&[0; 4][..], &(file.len() as u32).to_le_bytes(), file].concat();
    let fields = [0, 0, 0x1020, root.len() as u32, 0, 0, 0x1020 + root.len() as u32, resources.len() as u32];
    let header = fields.map(u32::to_le_bytes).concat();
    let build = |header: &[u8]| {
        let program = Builder {
            directories: vec![(14, 0x1000, 72)],
            contents: vec![(0x400, [header, &root, &resources].concat())],
            ..Builder::new(&[(0x1000, 0x1000, 0x400, 0x1000)])
        };
        Collected::of(FileType::MsExe, &program.build())
    };
    let given = |found: &Collected| -> Vec<_> {
        let children = found.children.iter().filter(|child| child.member.name.starts_with("resource"));
        children.map(|child| (child.member.name.clone(), child.bytes.clone())).collect()
    };
    assert_eq!(given(&build(&header)), [("resource a.bin".to_owned(), file.to_vec())]);
    // Resources outside of the file.
    for at in [24..28, 27..28] {
        let mut header = header.clone();
        header[at].fill(0xff);
        assert!(given(&build(&header)).is_empty());
    }
}
