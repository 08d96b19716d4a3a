//! Descriptions: every name once, and constants with their values.

use super::*;

/// Every field of a description, with those of what is in it.
fn walk(kind: &Kind, path: &str, told: &mut Vec<String>) {
    match kind {
        Kind::Array(of) | Kind::Dictionary(of) => walk(of, path, told),
        Kind::Structure(fields) => {
            for (at, field) in fields.iter().enumerate() {
                let path = format!("{path}.{}", field.name);
                assert!(!fields[..at].iter().any(|other| other.name == field.name), "{path} is there twice");
                assert!(field.constant.is_none() || field.kind == Kind::Integer, "{path}");
                walk(&field.kind, &path, told);
                told.push(path);
            }
        }
        Kind::Function(forms) => {
            assert!(!forms.is_empty(), "{path}");
            for (at, form) in forms.iter().enumerate() {
                let same = forms[..at].iter().any(|other| other.arguments == form.arguments);
                assert!(!same, "{path} has two forms with the same arguments");
                assert!(!matches!(form.result, Kind::Function(_) | Kind::Regex), "{path}");
            }
        }
        Kind::Boolean | Kind::Float | Kind::Integer | Kind::Regex | Kind::Text => {}
    }
}

#[test]
fn every_name_has_one_meaning() {
    for module in Module::ALL {
        let mut told = Vec::new();
        walk(&Kind::Structure(module.description()), module.name(), &mut told);
        assert!(!told.is_empty(), "{}", module.name());
    }
}

#[test]
fn numbers_and_names_lead_back() {
    for module in Module::ALL {
        assert_eq!(Module::from_number(module.number()), Some(module));
        assert_eq!(Module::from_name(module.name()), Some(module));
    }
    assert_eq!(Module::from_number(9), None);
    assert_eq!(Module::from_name("cuckoo"), None);
}

#[test]
fn names_are_found_and_constants_have_their_values() {
    let constant = |module: Module, name: &str| module.field(name).and_then(|field| field.constant);
    assert_eq!(constant(Module::Pe, "MACHINE_AMD64"), Some(0x8664));
    assert_eq!(constant(Module::Pe, "IMPORT_ANY"), Some(-1));
    assert_eq!(constant(Module::Elf, "EM_X86_64"), Some(62));
    assert_eq!(constant(Module::MachO, "MH_MAGIC_64"), Some(0xfeed_facf));
    assert_eq!(constant(Module::Pe, "machine"), None);
    assert!(Module::Pe.field("Machine").is_none());
    assert_eq!(Module::Math.field("MEAN_BYTES").map(|field| field.kind), Some(Kind::Float));
}
