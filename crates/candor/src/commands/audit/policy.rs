//! `candor audit policy`: what things are compared with and judged by.

use candor_policy::policy::Policy;
use serde_json::json;

use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};

/// What `candor audit policy` may be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to show.
    #[arg(value_enum, value_name = "WHAT", default_value_t)]
    what: What,

    /// Print one JSON object a line.
    #[arg(long, help_heading = "Display")]
    json: bool,
}

/// What there is to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Rules, with the dates of their phases.
    #[default]
    Regimes,
    /// Vendors, with how many identifiers of each are known.
    Vendors,
    /// Profiles, with the rules that bind them.
    Profiles,
}

pub(super) fn run(args: &Args, policy: &Policy, printer: &mut Printer) -> anyhow::Result<Exit> {
    match args.what {
        What::Regimes => regimes(policy, args.json, printer),
        What::Vendors => vendors(policy, args.json, printer),
        What::Profiles => profiles(policy, args.json, printer),
    }
    if !args.json {
        let version = &policy.version;
        printer.line(&printer.paint(
            Tone::Faint,
            &format!(
                "policy {}, {} files of the user, SHA-256 {}",
                version.built_in, version.own_files, version.sha256
            ),
        ));
    }
    Ok(Exit::Clean)
}

fn line(text: &str, printer: &mut Printer) {
    printer.line(&Escaped(text.as_bytes()).to_string());
}

fn regimes(policy: &Policy, json: bool, printer: &mut Printer) {
    for regime in policy.regimes.values() {
        if json {
            let phases: Vec<_> = regime
                .phases
                .iter()
                .map(|phase| {
                    json!({
                        "id": phase.id,
                        "from": phase.from.as_ref().map(|from| from.text.clone()),
                        "until": phase.until.as_ref().map(|until| until.text.clone()),
                        "effects": phase.effects,
                        "says": phase.says,
                    })
                })
                .collect();
            let record = json!({
                "id": regime.id, "title": regime.title, "jurisdiction": regime.jurisdiction,
                "authority": regime.authority, "citation": regime.citation, "aliases": regime.aliases,
                "summary": regime.summary, "binds": regime.binds, "vendors": regime.vendors,
                "confidence": regime.confidence, "sources": regime.sources, "phases": phases,
            });
            printer.line(&record.to_string());
            continue;
        }
        line(&format!("{}: {}", regime.id, regime.title), printer);
        line(&format!("  {}; {}", regime.authority, regime.citation), printer);
        line(&format!("  {}", regime.summary), printer);
        line(&format!("  binds {}", regime.binds), printer);
        for phase in &regime.phases {
            let from = phase.from.as_ref().map_or("no date", |from| from.text.as_str());
            line(&format!("  from {from}: {}", phase.says), printer);
        }
        printer.line("");
    }
}

fn vendors(policy: &Policy, json: bool, printer: &mut Printer) {
    for vendor in policy.vendors.values() {
        let identifiers: usize = vendor.identifiers.iter().map(|group| group.values.len()).sum();
        if json {
            let names: Vec<&str> = vendor.names.iter().map(|name| name.text.as_str()).collect();
            let record = json!({
                "id": vendor.id, "name": vendor.name, "country": vendor.country, "summary": vendor.summary,
                "names": names, "identifiers": identifiers,
            });
            printer.line(&record.to_string());
            continue;
        }
        line(
            &format!("{}: {}, {identifiers} identifiers. {}", vendor.id, vendor.name, vendor.summary),
            printer,
        );
        for label in &vendor.white_labels {
            line(&format!("  inside {}: {}; {}", label.product, label.engine, label.status), printer);
        }
        for event in &vendor.events {
            line(&format!("  {}: {}", event.date, event.what), printer);
        }
    }
}

fn profiles(policy: &Policy, json: bool, printer: &mut Printer) {
    for profile in policy.profiles.values() {
        if json {
            printer.line(&json!(profile).to_string());
            continue;
        }
        line(&format!("{}: {}. {}", profile.id, profile.title, profile.note), printer);
        line(&format!("  {}", profile.regimes.join(", ")), printer);
    }
}
