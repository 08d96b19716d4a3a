//! Icons of programs, from the file to the finding.

use std::fmt::Write as _;

use candor_database::icon_hash;
use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_model::{Icon, Verdict};

use crate::{scan, signatures};

/// A square on a ground.
fn icon(ground: u32, square: u32) -> Icon {
    let pixel = |at: u32| if at % 32 / 16 == 0 && at / 32 < 9 { square } else { ground };
    Icon { size: 32, pixels: (0..32 * 32).map(pixel).collect() }
}

fn program(icons: Vec<Icon>) -> Vec<u8> {
    let section = SectionRecipe { name: ".text".into(), bytes: b"the mark".to_vec() };
    let mut recipe = Executable::new(Kind::Pe32, vec![section]);
    recipe.icons = icons;
    recipe.version = vec![("CompanyName".into(), "Example".into())];
    recipe.build().0
}

#[test]
fn a_program_with_a_known_icon_is_found() {
    let (known, other) = (icon(0xff10_40c0, 0xffe0_2020), icon(0xfff0_f0f0, 0xff00_8000));
    let digits = icon_hash(&known).unwrap().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let image = signatures(&[
        ("a.idb", &format!("Icon.Known:BANK:FAMILY:{digits}\n")),
        // `the mark`
        ("a.ldb", "Test.Icon;Engine:51-255,Target:1,IconGroup1:BANK;0;746865206d61726b\n"),
    ]);
    let verdict = |icons: Vec<Icon>| scan(&image, &program(icons)).verdict;
    assert_eq!(verdict(vec![other.clone(), known]), Verdict::Infected);
    assert_eq!(verdict(vec![other]), Verdict::Clean);
    assert_eq!(verdict(Vec::new()), Verdict::Clean);
}
