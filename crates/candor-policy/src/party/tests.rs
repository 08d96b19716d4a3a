//! Names that are taken for listed ones, and names that are not.

use super::{Listed, Match, Parties, Reason, THRESHOLD};
use crate::policy::Policy;

fn find(name: &str) -> Vec<Match> {
    Parties::of_policy(&Policy::built_in().unwrap()).find(name, THRESHOLD)
}

#[test]
fn spellings_of_a_listed_name() {
    for (name, vendor) in [
        ("AO Kaspersky Lab", "kaspersky"),
        ("KASPERSKY LAB, INC", "kaspersky"),
        ("Lab Kaspersky", "kaspersky"),
        ("Kapsersky Lab", "kaspersky"),
        ("АО «Лаборатория Касперского»", "kaspersky"),
        ("Касперский", "kaspersky"),
        ("卡巴斯基实验室", "kaspersky"),
        ("Kaspersky Deutschland GmbH", "kaspersky"),
        ("HuaWei Technologies Co Ltd", "huawei"),
        ("Hua Wei", "huawei"),
        ("华为技术有限公司", "huawei"),
        ("HangZhou HikVision Digital Technology", "hikvision"),
        ("Acronis International GmbH", "acronis"),
        ("ZTE (USA) Inc.", "zte"),
    ] {
        let found = find(name);
        assert!(found.iter().any(|found| found.listed.list == vendor), "{name}: {found:?}");
    }
}

#[test]
fn names_of_others() {
    for name in [
        "Kaspar Hauser Stiftung",
        "Digital Technology Company",
        "International Systems Lab",
        "High Vision Ltd",
        "Dohua Foods",
        "Semiconductor Equipment Corporation",
        "Limited",
        "",
        "…",
        "ZTF Logistics",
    ] {
        assert_eq!(find(name), Vec::new(), "{name}");
    }
}

#[test]
fn the_reason_is_told() {
    let reasons = |name: &str| find(name).remove(0).reasons;
    assert_eq!(reasons("AO Kaspersky Lab"), [Reason::Same]);
    assert_eq!(reasons("kaspersky lab llc"), [Reason::SameWithoutForm]);
    assert_eq!(reasons("Lab Kaspersky"), [Reason::OtherOrder]);
    assert_eq!(
        reasons("Касперский"),
        [Reason::Transliterated, Reason::Alike(vec![("kasperski".into(), "kaspersky".into())])]
    );
    assert!(reasons("Kaspersky Iberia").contains(&Reason::Contains));
    assert_eq!(
        find("kaspersky")[0].listed.note.as_deref().map(|note| note.starts_with("named by ")),
        Some(true)
    );
}

#[test]
fn a_list_of_hundred_thousand_names_gives_the_same() {
    let mut parties = Parties::of_policy(&Policy::built_in().unwrap());
    for number in 0..20_000 {
        let listed = Listed { name: format!("Company {number}"), list: String::from("test"), note: None };
        assert!(parties.add(&format!("Kasper {number} Lab Technologies {}", number % 97), listed));
    }
    assert!(!parties.add("...", Listed { name: String::new(), list: String::new(), note: None }));
    let found = parties.find("Kaspersky Labs", THRESHOLD);
    assert_eq!(found[0].listed.list, "kaspersky", "{found:?}");
}

#[test]
fn the_shortest_names_are_found_as_well() {
    for name in ["X", "A B", "3M", "\u{0}a\u{0}"] {
        let mut parties = Parties::default();
        let listed = Listed { name: name.to_owned(), list: String::from("list"), note: None };
        assert!(parties.add(name, listed), "{name:?}");
        assert_eq!(parties.find(name, THRESHOLD).len(), 1, "{name:?}");
    }
}

#[test]
fn a_name_of_the_same_letters_over_and_over_is_found() {
    let long = format!("{}ei", "Y".repeat(52));
    let mut parties = Parties::default();
    for name in ["YYY", &long] {
        parties.add(name, Listed { name: name.to_owned(), list: String::from("list"), note: None });
    }
    let found = parties.find(&long, THRESHOLD);
    assert!(found.iter().any(|one| one.listed.name == long), "{found:?}");
}
