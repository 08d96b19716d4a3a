//! The facts that a recipe claims are about the bytes that it builds.

use super::{Executable, Kind, SectionRecipe};

fn recipe(kind: Kind) -> Executable {
    let section =
        |name: &str, byte: u8, count: usize| SectionRecipe { name: name.into(), bytes: vec![byte; count] };
    let mut recipe = Executable::new(kind, vec![section("one", 0x11, 100), section("two", 0x22, 700)]);
    recipe.entry = (1, 5);
    recipe
}

#[test]
fn sections_are_where_the_facts_say() {
    for kind in Kind::ALL {
        let (bytes, facts) = recipe(kind).build();
        let executable = facts.executable.unwrap();
        for (name, byte, count) in [(b"one", 0x11, 100), (b"two", 0x22, 700)] {
            let section = executable.sections.iter().find(|section| section.name == name).unwrap();
            let start = usize::try_from(section.raw_offset).unwrap();
            assert_eq!(bytes[start..start + count], vec![byte; count], "{kind:?}");
            assert_ne!(bytes[start - 1], byte, "{kind:?}");
        }
        let two = executable.sections.iter().find(|section| section.name == b"two").unwrap();
        assert_eq!(executable.entry_point, Some(two.raw_offset + 5), "{kind:?}");
    }
}

#[test]
fn version_strings_are_where_the_facts_say() {
    let mut recipe = recipe(Kind::Pe32);
    recipe.version = vec![("CompanyName".into(), "Example".into()), ("Comments".into(), "x".into())];
    let (bytes, facts) = recipe.build();
    let strings = facts.executable.unwrap().version_strings;
    assert_eq!(strings.len(), 2);
    for string in strings {
        let start = usize::try_from(string.offset).unwrap();
        let key: Vec<u8> = string.key.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(bytes[start..start + key.len()], key);
    }
}
