//! Rules and vendors, from the policy that the program carries.

use std::fmt::Write as _;

use candor_policy::policy::Policy;

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// Words of the name of a surface: `LinuxPackage` is `linux package`.
fn spaced(name: &str) -> String {
    name.chars().enumerate().fold(String::new(), |mut text, (at, letter)| {
        if letter.is_ascii_uppercase() && at > 0 {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
        text
    })
}

/// The page of rules.
pub(super) fn regimes(policy: &Policy) -> String {
    let mut page = String::from(
        "# Rules\n\nWhat `candor audit` judges by, made from `policy/regimes/`. Facts for people who check, not legal advice. A date without a time\n\
         begins at midnight in the time zone of the rule.\n\n| rule | jurisdiction | binds | dates |\n|---|---|---|---|\n",
    );
    for regime in policy.regimes.values() {
        let dates: Vec<&str> = regime
            .phases
            .iter()
            .filter_map(|phase| phase.from.as_ref())
            .map(|from| from.text.as_str())
            .collect();
        // A string takes everything.
        let _ = writeln!(
            page,
            "| [{}](#{}) | {} | {} | {} |",
            cell(&regime.title),
            regime.id.replace('.', ""),
            cell(&regime.jurisdiction),
            cell(&regime.binds),
            dates.join(", ")
        );
    }
    for regime in policy.regimes.values() {
        let _ = write!(page, "\n## {}\n\n**{}.** {}\n\n", regime.id, regime.title, regime.summary);
        let _ = writeln!(page, "* Authority: {}; {}", regime.authority, regime.instrument);
        let _ = writeln!(page, "* Citation: {}", regime.citation);
        if !regime.aliases.is_empty() {
            let _ = writeln!(page, "* Also: {}", regime.aliases.join(", "));
        }
        let _ = writeln!(page, "* Binds {}", regime.binds);
        let _ = writeln!(page, "* Names: {}", regime.entities.join("; "));
        let _ = writeln!(page, "* Covers: {}", regime.covered.join("; "));
        let _ = writeln!(page, "* Code inside other products: {}", regime.embedded.replace('-', " "));
        if let Some(used) = &regime.continued_use {
            let _ = writeln!(page, "* Going on using: {used}");
        }
        if !regime.merges.is_empty() {
            let _ = writeln!(page, "* Puts together: {}", regime.merges.join(", "));
        }
        for exemption in &regime.exemptions {
            let _ = writeln!(page, "* Leaves out: {}", exemption.text);
        }
        if !regime.report_deadlines.is_empty() {
            let _ = writeln!(page, "* Reports are due: {}", regime.report_deadlines.join("; "));
        }
        if let Some(feed) = &regime.feed {
            let _ = writeln!(page, "* The whole list: {feed}");
        }
        let _ = writeln!(page, "* Sure: {}", regime.confidence);
        page.push_str("\n| from | says | effects |\n|---|---|---|\n");
        for phase in &regime.phases {
            let from = phase.from.as_ref().map_or("no date", |from| from.text.as_str());
            let local = phase
                .local
                .as_ref()
                .or(phase.note.as_ref())
                .map(|local| format!(" ({local})"))
                .unwrap_or_default();
            let _ = writeln!(
                page,
                "| {from}{} | {} | {} |",
                cell(&local),
                cell(&phase.says),
                phase.effects.join(", ")
            );
        }
        if !regime.entries.is_empty() {
            page.push_str("\n| since | entry |\n|---|---|\n");
            for entry in &regime.entries {
                let _ = writeln!(page, "| {} | {} |", entry.date, cell(&entry.text));
            }
        }
        page.push_str("\nSources:\n\n");
        for source in &regime.sources {
            let _ = writeln!(page, "* {source}");
        }
    }
    page
}

/// The page of vendors.
pub(super) fn vendors(policy: &Policy) -> String {
    let mut page = String::from(
        "# Vendors\n\nWhat `candor audit` compares with, made from `policy/vendors/`. That a vendor is here does not say that anything of it is prohibited:\n\
         [rules](regimes.md) say that. *Residual* identifiers stay behind when a product goes, and are residue by themselves.\n",
    );
    for vendor in policy.vendors.values() {
        let _ = write!(page, "\n## {}\n\n{}\n\n", vendor.name, vendor.summary);
        let names: Vec<&str> = vendor.names.iter().map(|name| name.text.as_str()).collect();
        let _ = writeln!(page, "Names: {}\n", names.join("; "));
        if !vendor.identifiers.is_empty() {
            page.push_str(
                "| kind | surface | class | strength | number | source |\n|---|---|---|---|---|---|\n",
            );
        }
        for group in &vendor.identifiers {
            let class = group.class.map_or("–", candor_policy::vendor::Class::word);
            let surface = spaced(&format!("{:?}", group.surface));
            let residual = if group.residual { ", residual" } else { "" };
            let _ = writeln!(
                page,
                "| {} | {surface} | {class} | {}{residual} | {} | {} |",
                group.kind,
                group.strength.word(),
                group.values.len(),
                cell(&group.source)
            );
        }
        for fact in &vendor.facts {
            let _ = writeln!(
                page,
                "\nNot compared: {} ({}), because {}.",
                fact.kind,
                fact.values.join("; "),
                fact.reason
            );
        }
        if !vendor.white_labels.is_empty() {
            page.push_str("\n| product of others | engine | status |\n|---|---|---|\n");
        }
        for label in &vendor.white_labels {
            let _ = writeln!(
                page,
                "| {} | {} | {} |",
                cell(&label.product),
                cell(&label.engine),
                cell(&label.status)
            );
        }
        for event in &vendor.events {
            let _ =
                write!(page, "\n**{}.** {} {} ({})\n", event.date, event.what, event.lesson, event.source);
        }
    }
    page
}
