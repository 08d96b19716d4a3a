//! What modules say of programs that are built for it, whole and damaged; and that no table makes a value large.

use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::signed_program;

use super::*;

/// What a path leads to: names and numbers with dots between.
fn at<'v>(value: &'v ModuleValue, path: &str) -> Option<&'v ModuleValue> {
    path.split('.').try_fold(value, |value, step| match value {
        ModuleValue::Array(values) => values.get(step.parse::<usize>().ok()?),
        ModuleValue::Dictionary(values) => {
            values.iter().find_map(|(key, value)| (key == step.as_bytes()).then_some(value))
        }
        ModuleValue::Structure(_) => value.field(step),
        _ => None,
    })
}

#[track_caller]
fn numbers(value: &ModuleValue, expected: &[(&str, i64)]) {
    for (path, number) in expected {
        assert_eq!(at(value, path), Some(&ModuleValue::Integer(*number)), "{path}");
    }
}

#[track_caller]
fn texts(value: &ModuleValue, expected: &[(&str, &str)]) {
    for (path, text) in expected {
        assert_eq!(at(value, path), Some(&ModuleValue::Text(text.as_bytes().to_vec())), "{path}");
    }
}

fn section(name: &str, length: usize) -> SectionRecipe {
    SectionRecipe { name: name.to_owned(), bytes: vec![0x90; length] }
}

fn program(kind: Kind) -> Vec<u8> {
    let mut recipe = Executable::new(kind, vec![section(".text", 0x30), section(".data", 0x10)]);
    recipe.entry = (1, 4);
    recipe.version = vec![("CompanyName".to_owned(), "Candor tests".to_owned())];
    recipe.imports = vec![
        ("KERNEL32.dll".to_owned(), vec!["ExitProcess".to_owned(), "Sleep".to_owned()]),
        ("user32.dll".to_owned(), vec!["MessageBoxA".to_owned()]),
    ];
    recipe.build().0
}

/// Every name that a value has must be in the description, but for answers of functions; kinds must be those of the
/// description.
fn fits(kind: &candor_model::Kind, value: &ModuleValue, path: &str) {
    use candor_model::Kind;
    match (kind, value) {
        (Kind::Array(of), ModuleValue::Array(values)) => {
            values.iter().for_each(|value| fits(of, value, path))
        }
        (Kind::Dictionary(of), ModuleValue::Dictionary(values)) => {
            values.iter().for_each(|(_, value)| fits(of, value, path));
        }
        (Kind::Structure(fields), ModuleValue::Structure(values)) => {
            for (at, (name, value)) in values.iter().enumerate() {
                let path = format!("{path}.{name}");
                let field = fields.iter().find(|field| field.name == *name);
                let field = field.unwrap_or_else(|| panic!("{path} is not described"));
                assert!(!values[..at].iter().any(|(other, _)| other == name), "{path} is there twice");
                match field.kind {
                    Kind::Function(forms) => fits(&forms[0].result, value, &path),
                    ref kind => fits(kind, value, &path),
                }
            }
        }
        (Kind::Boolean, ModuleValue::Boolean(_))
        | (Kind::Float, ModuleValue::Float(_))
        | (Kind::Integer, ModuleValue::Integer(_))
        | (Kind::Text, ModuleValue::Text(_)) => {}
        (kind, value) => panic!("{path} should be {kind:?} and is {value:?}"),
    }
}

#[test]
fn values_fit_their_descriptions() {
    let signed = signed_program::program(&[("FileVersion", "1")], &[("C", "NL"), ("O", "Candor tests")]);
    let files = Kind::ALL.map(program).into_iter().chain([signed, b"MZ".to_vec(), Vec::new()]);
    for file in files {
        for module in Module::ALL {
            let described = candor_model::Kind::Structure(module.description());
            fits(&described, &value(module, &file), module.name());
        }
    }
}

#[test]
fn windows_programs_are_told() {
    for (kind, is_wide) in [(Kind::Pe32, 0), (Kind::Pe32Plus, 1)] {
        let value = value(Module::Pe, &program(kind));
        numbers(
            &value,
            &[
                ("is_pe", 1),
                ("machine", if is_wide == 1 { 0x8664 } else { 0x14c }),
                ("is_64bit", is_wide),
                ("is_32bit", 1 - is_wide),
                ("is_dll", 0),
                ("number_of_sections", 4),
                ("entry_point_raw", 0x2004),
                ("entry_point", 0x604),
                ("image_base", if is_wide == 1 { 0x1_4000_0000 } else { 0x40_0000 }),
                ("sections.1.virtual_address", 0x2000),
                ("sections.1.raw_data_offset", 0x600),
                ("data_directories.1.virtual_address", 0x3000),
                ("number_of_imports", 2),
                ("number_of_imported_functions", 3),
                ("import_details.0.number_of_functions", 2),
                ("number_of_exports", 0),
                ("number_of_resources", 1),
                ("resources.0.type", 16),
                ("overlay.offset", 0),
                ("overlay.size", 0),
                ("number_of_signatures", 0),
            ],
        );
        texts(
            &value,
            &[
                ("sections.0.name", ".text"),
                ("import_details.0.library_name", "KERNEL32.dll"),
                ("import_details.0.functions.1.name", "Sleep"),
                // MD5 of "kernel32.exitprocess,kernel32.sleep,user32.messageboxa".
                ("imphash", "d086132d941d82dd4acd1b0ad015b0f6"),
                ("version_info.CompanyName", "Candor tests"),
                ("version_info_list.0.key", "CompanyName"),
            ],
        );
        assert_eq!(at(&value, "base_of_data").is_some(), is_wide == 0);
        assert_eq!(at(&value, "pdb_path"), None);
    }
}

#[test]
fn what_is_no_windows_program_says_so_alone() {
    for bytes in [&b""[..], b"MZ", b"\x7fELF", &[0; 4096]] {
        assert_eq!(
            value(Module::Pe, bytes),
            ModuleValue::Structure(vec![("is_pe", ModuleValue::Integer(0))])
        );
        assert_eq!(value(Module::Dotnet, bytes), ModuleValue::Structure(Vec::new()));
    }
    let dotnet = value(Module::Dotnet, &program(Kind::Pe32));
    assert_eq!(dotnet, ModuleValue::Structure(vec![("is_dotnet", ModuleValue::Integer(0))]));
}

#[test]
fn signers_are_told_in_the_words_of_openssl() {
    let file = signed_program::program(&[], &[("C", "NL"), ("O", "Candor tests"), ("CN", "Signer")]);
    let value = value(Module::Pe, &file);
    numbers(
        &value,
        &[
            ("number_of_signatures", 1),
            ("signatures.0.version", 3),
            ("signatures.0.not_before", 1_704_067_200),
            ("signatures.0.not_after", 2_461_449_600),
        ],
    );
    texts(
        &value,
        &[
            ("signatures.0.subject", "/C=NL/O=Candor tests/CN=Signer"),
            ("signatures.0.issuer", "/C=NL/O=Candor tests/CN=Signer"),
            ("signatures.0.serial", "07"),
            ("signatures.0.algorithm", "sha256WithRSAEncryption"),
            ("signatures.0.algorithm_oid", "1.2.840.113549.1.1.11"),
        ],
    );
}

#[test]
fn elf_files_are_told() {
    for (kind, machine) in [(Kind::Elf32, 3), (Kind::Elf64, 62)] {
        let value = value(Module::Elf, &program(kind));
        let start = if kind == Kind::Elf64 { 64 + 56 } else { 52 + 32 };
        let first = i64::from(start);
        numbers(
            &value,
            &[
                ("type", 2),
                ("machine", machine),
                ("number_of_sections", 4),
                ("number_of_segments", 1),
                ("sections.1.offset", first),
                ("sections.1.size", 0x30),
                ("segments.0.type", 1),
                ("entry_point", first + 0x30 + 4),
            ],
        );
        texts(&value, &[("sections.1.name", ".text"), ("sections.2.name", ".data")]);
        assert_eq!(at(&value, "symtab_entries"), None);
    }
    assert_eq!(value(Module::Elf, b"\x7fELF"), ModuleValue::Structure(Vec::new()));
}

#[test]
fn mach_o_files_and_their_slices_are_told() {
    let thin = program(Kind::MachO64);
    let told = value(Module::MachO, &thin);
    numbers(&told, &[("cputype", 0x0100_0007), ("filetype", 2), ("number_of_segments", 1), ("ncmds", 2)]);
    texts(&told, &[("segments.0.segname", "__TEXT"), ("segments.0.sections.1.sectname", ".data")]);
    let mut fat = Vec::new();
    for number in [0xcafe_babe_u32, 1, 0x0100_0007, 3, 0x40, thin.len() as u32, 4] {
        fat.extend(number.to_be_bytes());
    }
    fat.resize(0x40, 0);
    fat.extend(&thin);
    let universal = value(Module::MachO, &fat);
    numbers(&universal, &[("nfat_arch", 1), ("fat_arch.0.offset", 0x40), ("file.0.filetype", 2)]);
    assert_eq!(at(&universal, "file.0"), Some(&told));
}

#[test]
fn damage_is_survived_and_does_not_make_values_large() {
    fn size(value: &ModuleValue) -> usize {
        match value {
            ModuleValue::Array(values) => values.iter().map(size).sum(),
            ModuleValue::Dictionary(values) => {
                values.iter().map(|(key, value)| key.len() + size(value)).sum()
            }
            ModuleValue::Structure(values) => values.iter().map(|(_, value)| size(value)).sum(),
            ModuleValue::Text(text) => text.len() + 32,
            _ => 32,
        }
    }
    for kind in Kind::ALL {
        let whole = program(kind);
        let modules = [Module::Pe, Module::Elf, Module::MachO, Module::Dotnet];
        for end in (0..whole.len()).step_by(7) {
            for module in modules {
                value(module, &whole[..end]);
            }
        }
        for place in 0..whole.len().min(0x500) {
            for with in [0xff, 0x80] {
                let mut changed = whole.clone();
                changed[place] ^= with;
                for module in modules {
                    assert!(size(&value(module, &changed)) < 64 << 20, "{kind:?} {place}");
                }
            }
        }
    }
}

/// A hundred libraries share one list of five thousand functions, which share one name.
#[test]
fn functions_of_all_libraries_together_are_limited() {
    let mut file = program(Kind::Pe32);
    let (headers, sections) = (0x80 + 24, 0x80 + 24 + 224);
    // The last section takes what is added.
    let row = sections + 3 * 40;
    let number = |file: &[u8], at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let (address, offset) = (number(&file, row + 12), number(&file, row + 20));
    let table = file.len() as u32 - offset + address;
    let (names, thunks) = (table + 101 * 20, table + 101 * 20 + 16);
    for _ in 0..100 {
        for value in [thunks, 0, 0, names + 8, thunks] {
            file.extend(value.to_le_bytes());
        }
    }
    file.extend([0; 20]);
    file.extend(b"\0\0name\0\0a.dll\0\0\0");
    for _ in 0..5000 {
        file.extend(names.to_le_bytes());
    }
    file.extend([0; 4]);
    let length = file.len() as u32 - offset;
    // In memory and in the file.
    file[row + 8..row + 12].copy_from_slice(&length.to_le_bytes());
    file[row + 16..row + 20].copy_from_slice(&length.to_le_bytes());
    file[headers + 96 + 8..headers + 96 + 12].copy_from_slice(&table.to_le_bytes());
    let value = value(Module::Pe, &file);
    texts(
        &value,
        &[("import_details.0.library_name", "a.dll"), ("import_details.0.functions.4999.name", "name")],
    );
    numbers(&value, &[("number_of_imported_functions", 65_536)]);
}
