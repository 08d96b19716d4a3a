//! What modules of YARA say of any bytes is what they are described to say, costs no more than it may, and functions answer
//! what they must of whatever it is.

use std::sync::OnceLock;

use candor_database::{Builder, Image};
use candor_engine::{Options, Scanner};
use candor_fixtures::executable::{Executable, Kind as Program, SectionRecipe};
use candor_fixtures::signed_program;
use candor_model::{Incomplete, Interrupt, Kind, Limits, Module, ModuleValue, Reason};
use candor_signature::Input;

/// Values that a module may have for a small file, and bytes of all its texts.
const MOST_VALUES: usize = 4 << 20;
const MOST_TEXT: usize = 64 << 20;

/// Rules that no bytes match, and one that all of them do.
const RULES: &str = r#"
    import "pe" import "elf" import "macho" import "dotnet" import "hash" import "math" import "string"
    rule never_entropy { condition: math.entropy(0, filesize) > 8.001 or math.entropy(0, filesize) < 0.0 }
    rule never_mean { condition: math.mean(0, filesize) > 255.0 or math.deviation(0, filesize, 0.0) < 0.0 }
    rule never_count { condition: math.count(0, 0, filesize) > filesize or math.mode(0, filesize) > 255 }
    rule never_percentage { condition: math.percentage(0, 0, filesize) > 1.0 }
    rule never_digest { condition: hash.md5(0, filesize) != hash.md5(0, filesize + 9)
        or hash.crc32(0, filesize) < 0 or hash.checksum32(0, filesize) > 255 * filesize
        or string.length(hash.sha256(0, filesize)) != 64 }
    rule never_negative { condition: for any s in pe.sections : (s.raw_data_size < 0 or s.virtual_size < 0)
        or pe.number_of_sections < 0 or elf.number_of_sections < 0 }
    rule never_both { condition: pe.is_32bit() == 1 and pe.is_64bit() == 1 }
    rule never_imported { condition: pe.imports(/./, /./) < 0 or pe.imports("a.dll", "b") > 1
        or pe.imports(/never.such.a.library.at.all/, /./) > 0 }
    rule never_exported { condition: pe.exports_index("x") < 0 or pe.section_index(".text") < 0 or pe.rva_to_offset(0x1000) < 0 }
    rule never_dotnet { condition: dotnet.number_of_streams < 0 or for any g in dotnet.guids : (string.length(g) != 36) }
    rule never_fat { condition: macho.nfat_arch < 0 or macho.file_index_for_arch(7) < 0 }
    rule always { condition: filesize >= 0 and not (filesize < 0) }
"#;

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let mut builder = Builder::new();
        let inputs = [Input { name: "modules.yar", bytes: RULES.as_bytes() }];
        let options = candor_signature::clamav::Options::default();
        candor_signature::clamav::load(&inputs, options, &mut builder, &mut |said| panic!("{said}"));
        Image::from_vec(builder.finish().expect("a few rules fit")).expect("what was built opens")
    })
}

/// Programs of every kind: signed ones, with imports and versions, and for .NET.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Program::ALL.iter().map(|kind| program(*kind)).collect();
    all.push(signed_program::program(&[("FileVersion", "1")], &[("C", "NL"), ("O", "Fuzzing")]));
    all.push(dotnet());
    all.push(
        [&b"\xca\xfe\xba\xbe\0\0\0\x01\0\0\0\x07\0\0\0\x03\0\0\0\x20\0\0\x10\0\0\0\0\0"[..], &all[0]]
            .concat(),
    );
    all.push(b"no program".to_vec());
    all
}

fn program(kind: Program) -> Vec<u8> {
    let section =
        |name: &str| SectionRecipe { name: name.to_owned(), bytes: b"some bytes of a section".to_vec() };
    let mut recipe = Executable::new(kind, vec![section(".text"), section(".data")]);
    if matches!(kind, Program::Pe32 | Program::Pe32Plus) {
        recipe.version = vec![("CompanyName".to_owned(), "Fuzzing".to_owned())];
        recipe.imports = vec![("ws2_32.dll".to_owned(), vec!["send".to_owned()])];
    }
    recipe.build().0
}

/// A program for .NET with one row in each of some tables: ECMA-335 II.24.
fn dotnet() -> Vec<u8> {
    let long = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let short = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    // Where the section begins in memory.
    let start = 0x1000_u32;
    let rows = [
        short(&[0, 1, 1, 0, 0]),
        // Version, flags, key, name and culture of the assembly.
        [long(&[0x8004]), short(&[1, 2, 3, 4]), long(&[0]), short(&[1, 1, 0])].concat(),
        [short(&[4, 0, 0, 0]), long(&[0]), short(&[1, 1, 0, 0])].concat(),
    ];
    let there: u64 = 1 | 1 << 0x20 | 1 << 0x23;
    let tables = [
        &[0, 0, 0, 0, 2, 0, 0, 1][..],
        &there.to_le_bytes(),
        &[0; 8],
        &long(&[1, 1, 1]),
        &rows.concat(),
        &[0; 4],
    ]
    .concat();
    let heaps: [(&[u8], Vec<u8>); 5] = [
        (b"#~\0\0", tables),
        (b"#Strings\0\0\0\0", b"\0mscorlib\0GuidAttribute\0".to_vec()),
        (b"#US\0", b"\0\x05a\0b\0\0\0".to_vec()),
        (b"#GUID\0\0\0", (0..16).collect()),
        (b"#Blob\0\0\0", b"\0\x04abc\0\0\0".to_vec()),
    ];
    let names: usize = heaps.iter().map(|(name, _)| 8 + name.len()).sum();
    let front = [&b"BSJB\x01\0\x01\0\0\0\0\0\x0c\0\0\0v4.0.30319\0\0\0\0"[..], &short(&[5])].concat();
    let mut place = front.len() + names;
    let (mut directory, mut content) = (Vec::new(), Vec::new());
    for (name, heap) in &heaps {
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        directory.extend(long(&[number(place), number(heap.len())]));
        directory.extend_from_slice(name);
        content.extend_from_slice(heap);
        place += heap.len();
    }
    let metadata = [front, directory, content].concat();
    let length = u32::try_from(metadata.len()).unwrap_or(u32::MAX);
    let mut header = [long(&[72, 0x0005_0002, start + 72, length, 1]), vec![0; 52]].concat();
    header.extend(metadata);
    let recipe =
        Executable::new(Program::Pe32, vec![SectionRecipe { name: ".text".to_owned(), bytes: header }]);
    let mut file = recipe.build().0;
    // Directory 14 of the optional header, which stands at 0x98.
    let entry = 0x98 + 96 + 14 * 8;
    file[entry..entry + 8].copy_from_slice(&long(&[start, 72]));
    file
}

/// Asks every module about some bytes.
pub(crate) fn tell(bytes: &[u8]) {
    for module in Module::ALL {
        let value = candor_unpack::module(module, bytes);
        let mut size = (0, 0);
        fits(&Kind::Structure(module.description()), &value, module.name(), &mut size);
        assert!(size.0 <= MOST_VALUES && size.1 <= MOST_TEXT, "{}: {size:?}", module.name());
        assert!(value == candor_unpack::module(module, bytes) || has_nan(&value), "{}", module.name());
    }
    // The file alone, not what is in it.
    let limits = Limits { max_depth: 1, ..Limits::default() };
    let mut scanner = Scanner::new(image(), Options { limits, all_matches: true, ..Options::default() });
    let report = scanner.scan(bytes, "fuzz.bin", &Interrupt::new());
    let is_undecided = |reason: &Incomplete| reason.reason == Reason::SearchSteps;
    assert!(!report.incomplete.iter().any(is_undecided), "a few rules are decided");
    let mut found: Vec<&str> = report.findings.iter().map(|finding| finding.signature.as_str()).collect();
    found.sort_unstable();
    found.dedup();
    // In what is empty nothing is ever found.
    assert!(bytes.is_empty() || found == ["YARA.always"], "{found:?}");
}

fn has_nan(value: &ModuleValue) -> bool {
    match value {
        ModuleValue::Float(number) => number.is_nan(),
        ModuleValue::Array(values) => values.iter().any(has_nan),
        ModuleValue::Structure(values) => values.iter().any(|(_, value)| has_nan(value)),
        _ => false,
    }
}

/// Every name that a value has must be in the description, but for answers of functions; kinds must be those of the description.
fn fits(kind: &Kind, value: &ModuleValue, path: &str, size: &mut (usize, usize)) {
    size.0 += 1;
    match (kind, value) {
        (Kind::Array(of), ModuleValue::Array(values)) => {
            values.iter().for_each(|value| fits(of, value, path, size));
        }
        (Kind::Dictionary(of), ModuleValue::Dictionary(values)) => {
            for (key, value) in values {
                size.1 += key.len();
                fits(of, value, path, size);
            }
        }
        (Kind::Structure(fields), ModuleValue::Structure(values)) => {
            for (name, value) in values {
                let field = fields.iter().find(|field| field.name == *name);
                let field = field.unwrap_or_else(|| panic!("{path}.{name} is not described"));
                match field.kind {
                    Kind::Function(forms) => fits(&forms[0].result, value, name, size),
                    ref kind => fits(kind, value, name, size),
                }
            }
        }
        (Kind::Text, ModuleValue::Text(text)) => size.1 += text.len(),
        (Kind::Boolean, ModuleValue::Boolean(_))
        | (Kind::Float, ModuleValue::Float(_))
        | (Kind::Integer, ModuleValue::Integer(_))
        | (_, ModuleValue::Undefined) => {}
        (kind, value) => panic!("{path} should be {kind:?} and is {value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use candor_model::{Module, ModuleValue};

    #[test]
    fn the_program_for_dotnet_is_one() {
        let value = candor_unpack::module(Module::Dotnet, &super::dotnet());
        let number = |name: &str| value.field(name).cloned();
        assert_eq!(number("is_dotnet"), Some(ModuleValue::Integer(1)));
        assert_eq!(number("number_of_streams"), Some(ModuleValue::Integer(5)));
        assert_eq!(number("number_of_guids"), Some(ModuleValue::Integer(1)));
        assert_eq!(number("module_name"), Some(ModuleValue::Text(b"mscorlib".to_vec())));
        assert_eq!(number("number_of_assembly_refs"), Some(ModuleValue::Integer(1)));
    }
}
