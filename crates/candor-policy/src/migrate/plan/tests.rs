//! Plans for systems that hold something, and for those that hold nothing.

use super::{Phase, Plan, data::Removal, markdown, text};
use crate::inventory::{Coverage, CoverageState, Inventory, Item, ItemKind, Surface};
use crate::matching::Matcher;
use crate::policy::Policy;

fn item(kind: ItemKind, reader: &str, path: &str, name: &str, traits: &[(Surface, &str)]) -> Item {
    let mut item = Item::new(kind, name);
    for (surface, value) in traits {
        item.add(*surface, value);
    }
    item.place.reader = reader.to_owned();
    item.place.path = path.to_owned();
    item
}

fn package(name: &str) -> Item {
    item(
        ItemKind::Package,
        "dpkg",
        "var/lib/dpkg/status",
        name,
        &[(Surface::LinuxPackage, name), (Surface::Supplier, "AO Kaspersky Lab")],
    )
    .with_version("12.1.0")
}

fn plan(items: Vec<Item>) -> Plan {
    let policy = Policy::built_in().unwrap();
    let matcher = Matcher::new(&policy);
    let coverage = vec![Coverage {
        reader: String::from("hive"),
        path: String::from("Windows/System32/config/SYSTEM"),
        state: CoverageState::NotRead(String::from("it is no hive")),
        items: 0,
    }];
    let inventories = [(String::from("/mnt"), Inventory { items, coverage })];
    Plan::new(&policy, &matcher, String::from("2026-11-26T00:00:00Z"), String::from("0.1.0"), &inventories)
}

fn windows() -> Vec<Item> {
    let code = "{0B1C2D3E-0000-1111-2222-333344445555}";
    let place = format!("HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{code}");
    let program = |name: &str| {
        item(
            ItemKind::Program,
            "hive",
            "Windows/System32/config/SOFTWARE",
            name,
            &[(Surface::Product, name), (Surface::Supplier, "AO Kaspersky Lab"), (Surface::MsiCode, code)],
        )
        .seen_in(&place)
    };
    let driver = item(
        ItemKind::Driver,
        "hive",
        "Windows/System32/config/SYSTEM",
        "klif",
        &[(Surface::MinifilterAltitude, "320400"), (Surface::WindowsService, "klif")],
    );
    vec![
        program("Kaspersky Endpoint Security for Windows"),
        program("Kaspersky Security Center"),
        program("Kaspersky Security Center Network Agent"),
        driver,
    ]
}

#[test]
fn what_protects_goes_before_the_agent_and_the_agent_before_the_server() {
    let plan = plan(windows());
    let phases: Vec<Phase> = plan.subjects[0].steps.iter().map(|step| step.phase).collect();
    assert!(phases.is_sorted(), "{phases:?}");
    let at = |phase| phases.iter().position(|one| *one == phase);
    assert_eq!(at(Phase::Save), Some(0));
    assert!(at(Phase::Replace) < at(Phase::Protection), "{phases:?}");
    assert!(at(Phase::Protection).is_some() && at(Phase::Protection) < at(Phase::Management), "{phases:?}");
    assert_eq!(phases.last(), Some(&Phase::Verify));
    let numbers: Vec<u32> = plan.subjects[0].steps.iter().map(|step| step.number).collect();
    assert!((1..).zip(&numbers).all(|(expected, number)| expected == *number), "{numbers:?}");
}

#[test]
fn the_uninstaller_is_the_vendors_own() {
    let plan = plan(windows());
    let step = plan.subjects[0].steps.iter().find(|step| step.phase == Phase::Protection).unwrap();
    assert_eq!(step.title, "Kaspersky Endpoint Security for Windows");
    assert_eq!(step.commands[0].text, "msiexec /x {0B1C2D3E-0000-1111-2222-333344445555}");
    assert!(step.reboot && !step.lost.is_empty() && !step.commands[0].source.is_empty());
}

#[test]
fn packages_go_with_the_manager_that_brought_them() {
    let plan = plan(vec![package("kesl"), package("kesl-gui"), package("klnagent64")]);
    let steps = &plan.subjects[0].steps;
    let protection = steps.iter().find(|step| step.phase == Phase::Protection).unwrap();
    let commands: Vec<&str> = protection.commands.iter().map(|command| command.text.as_str()).collect();
    assert_eq!(commands, ["apt-get purge kesl", "apt-get purge kesl-gui"]);
    let agent = steps.iter().find(|step| step.phase == Phase::Agents).unwrap();
    assert_eq!(agent.commands[0].text, "apt-get purge klnagent64");
}

#[test]
fn drivers_are_never_removed_by_a_step() {
    let plan = plan(windows());
    let subject = &plan.subjects[0];
    assert!(subject.untouched.iter().any(|one| one.what == "klif"), "{:?}", subject.untouched);
    for step in &subject.steps {
        for command in &step.commands {
            let text = command.text.to_lowercase();
            assert!(
                !text.contains(".sys") && !text.contains("sc delete") && !text.contains("klif"),
                "{text}"
            );
        }
    }
}

#[test]
fn nothing_found_is_a_plan_without_steps() {
    let plan =
        plan(vec![item(ItemKind::Package, "dpkg", "status", "bash", &[(Surface::LinuxPackage, "bash")])]);
    assert!(plan.is_empty());
    assert!(text(&plan).contains("nothing was found that would have to be removed"));
    // What was not seen is told all the same.
    assert_eq!(plan.subjects[0].unseen, ["Windows/System32/config/SYSTEM: it is no hive"]);
}

#[test]
fn a_plan_says_that_nothing_is_removed_and_stays_as_it_is() {
    let plan = plan(vec![package("kesl"), package("klnagent64")]);
    let told = text(&plan);
    assert!(told.starts_with("* Nothing was removed"), "{told}");
    let without_version =
        |text: &str| text.lines().filter(|line| !line.starts_with("Made ")).collect::<Vec<_>>().join("\n");
    assert_eq!(without_version(&told).trim_end(), include_str!("../testdata/plan.txt").trim_end());
    let list = markdown(&plan);
    for line in [
        "1. [ ] **Settings and quarantine**",
        "   * run: `apt-get purge kesl` (",
        "### Not seen, so perhaps more",
    ] {
        assert!(list.contains(line), "{line}\n{list}");
    }
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
}

#[test]
fn data_that_would_leave_something_unsaid_is_refused() {
    let parse = |text: &str| {
        Policy::from_files(
            [],
            [("vendors/a.toml", "id = \"a\"\nname = \"A\"\nsummary = \"s\"\n"), ("removal/a.toml", text)],
        )
    };
    assert!(parse("vendor = \"a\"\n").is_ok());
    let recipe = "[[product.recipe]]\ncommand = \"x\"\nsource = \"y\"\n";
    for wrong in [
        "vendor = \"b\"\n".to_owned(),
        "vendor = \"a\"\n[[product]]\nname = \"P\"\nrole = \"tool\"\n".to_owned(),
        format!("vendor = \"a\"\n[[product]]\nname = \"P\"\nrole = \"protection\"\n{recipe}"),
        "vendor = \"a\"\n[[product]]\nname = \"P\"\nrole = \"tool\"\n[[product.recipe]]\ncommand = \"x\"\nsource = \"\"\n".to_owned(),
        "vendor = \"a\"\nunknown = 1\n".to_owned(),
    ] {
        assert!(parse(&wrong).is_err(), "{wrong}");
    }
    let policy = Policy::built_in().unwrap();
    let removal: &Removal = &policy.removals["kaspersky"];
    // Every product here is one that findings can have.
    let known: Vec<&str> =
        policy.vendors["kaspersky"].identifiers.iter().filter_map(|group| group.product.as_deref()).collect();
    for product in &removal.products {
        assert!(known.contains(&product.name.as_str()), "{}", product.name);
    }
}
