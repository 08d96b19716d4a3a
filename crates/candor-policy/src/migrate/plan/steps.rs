//! The steps for what one subject holds.

use std::collections::BTreeSet;

use super::data::{Product, Recipe, Removal, When};
use super::{Command, Lead, Lost, Phase, Step, Subject, Untouched};
use crate::inventory::{CoverageState, Inventory, Item, ItemKind, Place, Surface};
use crate::matching::{Evidence, Finding};
use crate::policy::Policy;
use crate::vendor::{Class, Platform};

/// Places of one finding that are told.
const PLACES: usize = 8;

/// What to say of a driver.
const DRIVER: &str = "it goes with the uninstaller that brought it; Windows may not start when its file is gone and its \
                      entries are not (Microsoft KB 976267)";

pub(super) fn subject(
    policy: &Policy,
    name: &str,
    found: &[Finding],
    leads: &[Finding],
    inventory: &Inventory,
) -> Subject {
    let mut steps: Vec<Step> = found.iter().filter_map(|finding| step(policy, finding)).collect();
    merge(&mut steps);
    if !steps.is_empty() {
        frame(policy, found, &mut steps);
    }
    steps.sort_by(|one, other| (one.phase, &one.title).cmp(&(other.phase, &other.title)));
    for (number, step) in (1_u32..).zip(&mut steps) {
        step.number = number;
    }
    Subject {
        name: name.to_owned(),
        steps,
        untouched: untouched(found, inventory),
        leads: leads.iter().map(|lead| told(policy, lead)).collect(),
        unseen: unseen(inventory),
    }
}

fn step(policy: &Policy, finding: &Finding) -> Option<Step> {
    let removal = policy.removals.get(&finding.vendor);
    let known = removal.and_then(|removal| removal.product(finding.product.as_deref()?, &finding.platforms));
    let vendor =
        policy.vendors.get(&finding.vendor).map_or(finding.vendor.as_str(), |vendor| vendor.name.as_str());
    let what = finding.product.clone().unwrap_or_else(|| format!("a product of {vendor}"));
    let mut step = Step {
        number: 0,
        phase: Phase::Tools,
        title: what.clone(),
        vendor: Some(finding.vendor.clone()),
        versions: finding.versions.clone(),
        seen: places(finding),
        commands: Vec::new(),
        before: Vec::new(),
        lost: Vec::new(),
        after: Vec::new(),
        reboot: false,
    };
    let plain = |text: &str| Command { text: text.to_owned(), source: String::from("this plan") };
    match finding.class {
        Class::Antivirus | Class::Security | Class::Application | Class::Successor => match known {
            Some(product) => removed(product, finding, &mut step),
            None => unknown(finding, &mut step),
        },
        Class::Engine => {
            step.phase = Phase::Parts;
            step.title = format!("{what}: an engine inside of another product");
            step.commands.push(plain(
                "ask the maker of the product for a version without this engine, or for its word that it is switched off; \
                 files of the engine are not deleted from under the product",
            ));
            step.lost.push(Lost {
                what: String::from("what the other product detects by this engine"),
                instead: String::from(
                    "candor scan, or candord behind the same interface (ICAP, milter, clamd's protocol)",
                ),
            });
        }
        Class::UpdatePackage => {
            step.phase = Phase::Parts;
            step.title = format!("{what}: installers and packages of updates");
            step.commands.push(plain(
                "note the digests for the report, then delete the packages from shares, mirrors and repositories of software",
            ));
        }
        Class::UpdateHost => {
            step.phase = Phase::Parts;
            step.title = format!("{what}: hosts of {vendor} that a rule allows");
            step.commands.push(plain(
                "take the hosts out of the rule when the last product that uses them is gone; `candor audit block` writes \
                 rules that keep them away",
            ));
        }
        Class::Library => {
            step.phase = Phase::Parts;
            step.title = format!("{what}: a library that something is built with");
            step.commands
                .push(plain("replace the library where the program is built, and deliver the program anew"));
        }
        Class::Residue => {
            step.phase = Phase::Residue;
            step.title = format!("{what}: what was left behind");
            let recipes = removal.map(|removal| removal.residues.as_slice()).unwrap_or_default();
            step.commands.extend(chosen(recipes, finding));
            if step.commands.is_empty() {
                step.commands
                    .push(plain("the vendor's own tool for removal, or by hand: never files of drivers"));
            }
        }
        // A service, training and equipment are not removed from a machine.
        Class::ThreatIntelligence | Class::Training | Class::Equipment => return None,
    }
    Some(step)
}

fn removed(product: &Product, finding: &Finding, step: &mut Step) {
    step.phase = product.role.phase();
    step.commands.extend(chosen(&product.recipes, finding));
    step.before.extend(product.before.iter().cloned());
    step.lost.extend(product.lost.iter().cloned());
    step.after.extend(product.after.iter().cloned());
    step.reboot = product.reboot;
}

/// A product of which no file says how it goes: the way that its system has.
fn unknown(finding: &Finding, step: &mut Step) {
    if finding.class == Class::Antivirus {
        step.phase = Phase::Protection;
        step.reboot = true;
        step.lost.push(Lost {
            what: String::from("protection against malware on this machine"),
            instead: String::from("candor scan by a timer; nothing that looks at files when they are opened"),
        });
    }
    let recipe = |when, command: &str, source: &str| Recipe {
        when,
        command: command.to_owned(),
        source: source.to_owned(),
    };
    let ways = [
        recipe(When::Dpkg, "apt-get purge {package}", "apt-get(8)"),
        recipe(When::Rpm, "rpm -e {package}", "rpm(8)"),
        recipe(When::Code, "msiexec /x {code}", "Microsoft, command-line options of the Windows Installer"),
        recipe(
            When::Windows,
            "the uninstaller that its own entry under Uninstall in the registry names",
            "Microsoft, Uninstall registry key",
        ),
        recipe(
            When::Always,
            "the vendor's own uninstaller; which one that is, no source says here",
            "this plan",
        ),
    ];
    step.commands.extend(chosen(&ways, finding));
}

/// Recipes whose conditions hold. One that always holds is told only when no other does.
fn chosen(recipes: &[Recipe], finding: &Finding) -> Vec<Command> {
    let packages = |reader: &str| -> BTreeSet<&str> {
        let is_it = |one: &&Evidence| one.surface == Surface::LinuxPackage && one.place.reader == reader;
        finding.evidence.iter().filter(is_it).map(|one| one.value.as_str()).collect()
    };
    let codes: BTreeSet<String> = finding
        .evidence
        .iter()
        .filter_map(|one| {
            let text = one.place.inside.as_deref().unwrap_or_default();
            let text = if one.surface == Surface::MsiCode { one.value.as_str() } else { text };
            let code = text.rsplit('\\').next().unwrap_or_default();
            let is_code = code.len() == 38 && code.starts_with('{') && code.ends_with('}');
            is_code.then(|| code.to_owned())
        })
        .collect();
    let is_on = |platform| finding.platforms.contains(&platform);
    let mut commands = Vec::new();
    for recipe in recipes {
        match recipe.when {
            When::Dpkg | When::Rpm => {
                let reader = if recipe.when == When::Dpkg { "dpkg" } else { "rpm" };
                commands
                    .extend(packages(reader).into_iter().map(|package| recipe.command(Some(package), None)));
            }
            When::Code => commands.extend(codes.iter().map(|code| recipe.command(None, Some(code)))),
            When::Linux if is_on(Platform::Linux) && commands.is_empty() => {
                commands.push(recipe.command(None, None))
            }
            When::Macos if is_on(Platform::Macos) && commands.is_empty() => {
                commands.push(recipe.command(None, None))
            }
            When::Windows if is_on(Platform::Windows) && commands.is_empty() => {
                commands.push(recipe.command(None, None));
            }
            When::Always if commands.is_empty() => commands.push(recipe.command(None, None)),
            _ => (),
        }
    }
    commands
}

/// Findings of one product become one step.
fn merge(steps: &mut Vec<Step>) {
    let mut merged: Vec<Step> = Vec::new();
    for step in steps.drain(..) {
        let same =
            |one: &&mut Step| one.phase == step.phase && one.title == step.title && one.vendor == step.vendor;
        match merged.iter_mut().find(same) {
            Some(one) => {
                one.seen.extend(step.seen);
                one.seen.sort();
                one.seen.dedup();
                one.seen.truncate(PLACES);
                one.versions.extend(step.versions);
                one.versions.sort();
                one.versions.dedup();
                one.commands.extend(step.commands);
                one.commands.sort();
                one.commands.dedup();
                one.reboot |= step.reboot;
            }
            None => merged.push(step),
        }
    }
    *steps = merged;
}

/// What comes before and after all others.
fn frame(policy: &Policy, found: &[Finding], steps: &mut Vec<Step>) {
    let empty = |phase, title: &str| Step {
        number: 0,
        phase,
        title: title.to_owned(),
        vendor: None,
        versions: Vec::new(),
        seen: Vec::new(),
        commands: Vec::new(),
        before: Vec::new(),
        lost: Vec::new(),
        after: Vec::new(),
        reboot: false,
    };
    let own = |text: &str| Command { text: text.to_owned(), source: String::from("candor help migrate") };
    let vendors: BTreeSet<&str> = found.iter().map(|finding| finding.vendor.as_str()).collect();
    let removals: Vec<&Removal> = vendors.iter().filter_map(|vendor| policy.removals.get(*vendor)).collect();
    let protects = steps.iter().any(|step| step.phase == Phase::Protection);
    if protects {
        let mut save = empty(Phase::Save, "Settings and quarantine");
        for removal in &removals {
            let of_vendor: Vec<&Finding> = found.iter().filter(|one| one.vendor == removal.vendor).collect();
            let exports = of_vendor.iter().flat_map(|finding| chosen(&removal.exports, finding));
            save.commands.extend(exports);
            save.before.extend(removal.before.iter().cloned());
        }
        save.commands.sort();
        save.commands.dedup();
        save.commands.push(own("candor migrate import EXPORT"));
        save.commands.push(own("candor migrate quarantine FOLDER --export quarantine.zip"));
        save.after.push(String::from(
            "An uninstaller may delete the quarantine: have the archive, and read it once, before you go on.",
        ));
        steps.push(save);
        let mut replace = empty(Phase::Replace, "Candor");
        replace.commands.push(own("candor doctor"));
        replace.commands.push(own("candor update"));
        replace.commands.push(own("candor scan /"));
        replace.after.push(String::from(
            "Until files are looked at when they are opened here, decide what does that on each machine: on Windows, \
             Microsoft Defender switches itself on when the last other product is gone.",
        ));
        steps.push(replace);
    }
    let mut verify = empty(Phase::Verify, "Nothing is left");
    verify.commands.push(own("candor audit / --fail-on lead"));
    verify.before.push(String::from(
        "Start the machine again first: what is removed at the next start is still there until then.",
    ));
    verify.after.push(String::from(
        "Residue alone is no product. Repeat the step that clears it away; what then stays is noted in the report.",
    ));
    if steps.iter().any(|step| step.reboot) {
        verify.reboot = true;
    }
    steps.push(verify);
}

fn untouched(found: &[Finding], inventory: &Inventory) -> Vec<Untouched> {
    let mut out: Vec<Untouched> = Vec::new();
    let mut add = |what: &str, place: String| {
        if !out.iter().any(|known| known.what == what && known.place == place) && out.len() < 200 {
            out.push(Untouched { what: what.to_owned(), place, why: DRIVER.to_owned() });
        }
    };
    let evidence = found.iter().flat_map(|finding| &finding.evidence);
    let is_driver = |one: &&Evidence| {
        one.item == ItemKind::Driver
            || one.surface == Surface::MinifilterAltitude
            || one.name.to_lowercase().ends_with(".sys")
    };
    for one in evidence.filter(is_driver) {
        add(&one.name, shown(&one.place));
    }
    // Of a driver that was found by one trait, all of its entries.
    let names: BTreeSet<String> = out.iter().map(|one| one.what.to_lowercase()).collect();
    let is_same = |item: &&Item| item.kind == ItemKind::Driver && names.contains(&item.name.to_lowercase());
    for item in inventory.items.iter().filter(is_same) {
        let known = Untouched { what: item.name.clone(), place: shown(&item.place), why: DRIVER.to_owned() };
        if !out.contains(&known) && out.len() < 200 {
            out.push(known);
        }
    }
    out
}

fn told(policy: &Policy, lead: &Finding) -> Lead {
    let vendor = policy.vendors.get(&lead.vendor).map_or(lead.vendor.as_str(), |vendor| vendor.name.as_str());
    let what =
        lead.product.clone().unwrap_or_else(|| format!("something of {vendor} ({})", lead.class.word()));
    Lead { vendor: lead.vendor.clone(), what, places: places(lead) }
}

fn unseen(inventory: &Inventory) -> Vec<String> {
    let reason = |state: &CoverageState| match state {
        CoverageState::Partly(why) | CoverageState::NotRead(why) => Some(why.clone()),
        CoverageState::Read | CoverageState::Absent => None,
    };
    let lines =
        inventory.coverage.iter().filter_map(|one| Some(format!("{}: {}", one.path, reason(&one.state)?)));
    lines.take(200).collect()
}

fn places(finding: &Finding) -> Vec<String> {
    let mut places: Vec<String> = finding.evidence.iter().map(|one| shown(&one.place)).collect();
    places.dedup();
    places.truncate(PLACES);
    places
}

fn shown(place: &Place) -> String {
    match &place.inside {
        Some(inside) => format!("{} ({inside})", place.path),
        None => place.path.clone(),
    }
}
