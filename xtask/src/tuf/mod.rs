//! Compares the verifier of feeds with `tough`, a client of The Update Framework by others: every attack in
//! `testdata/feeds`, feeds that were changed at random and signed all the same, and releases that `tough` made.
//!
//! What ours lets in, `tough` must let in as well: it knows neither logs nor archives, so it may let in more. Where it does,
//! [`BEYOND`] says what of ours it does not look at, and nothing else may stand there.

mod cases;
mod changed;
mod made;
mod peer;
mod verifier;

use std::fs;

use anyhow::{Context as _, bail, ensure};

use cases::Row;
use peer::Peer;

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Feeds that are changed at random, and signed.
    #[arg(long, default_value_t = 200)]
    pub(crate) changed: u32,
    /// Where the random numbers begin.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write the table of who refuses what, instead of comparing it with the one that is there.
    #[arg(long)]
    pub(crate) write: bool,
}

/// Where the table stands.
const PAGE: &str = "docs/reference/feeds.md";

/// What `tough` lets in and ours does not, by what it does not look at. Each name is the start of names of cases.
const BEYOND: [(&str, &str); 23] = [
    (
        "advisory-delegations",
        "roles that the one delegates to are a part of the specification that no feed uses",
    ),
    ("announced-size", "lengths count when a file is fetched, and its own limit is larger"),
    ("bomb", "archives are not opened"),
    ("cosigner-", "other repositories are not asked"),
    ("endless-data", "its own limit is larger"),
    ("equivocation", "the same version with another content is not compared"),
    ("extraneous-", "files and members beside what a feed has are passed over"),
    ("future-witnesses", "there is no log"),
    ("log-", "there is no log"),
    ("member-", "archives are not opened"),
    ("over-the-network", "there is no policy"),
    ("path-climbs-out", "archives are not opened"),
    ("pinned", "there is no policy"),
    ("proof-of-another-release", "there is no log"),
    ("shared-key", "one key may have several roles"),
    ("split-view", "there is no log"),
    ("stale-witnesses", "there is no log"),
    ("stripped-", "there is no log"),
    ("target-climbs-out", "names are resolved when a target is fetched"),
    ("unknown-field", "unknown fields are passed over, as the specification has it"),
    ("weak-root", "thresholds are the publisher's alone"),
    ("witnesses-step-back", "there is no log"),
    ("wrong-", "names of feeds and archives are not known"),
];

/// Compares, and says what was compared.
///
/// # Errors
/// The verifiers disagree where they should not, the table is out of date, or a program is missing.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<String> {
    let peer = Peer::build()?;
    let rows = cases::compare(&peer)?;
    let attacks = rows.iter().filter(|row| row.ours.is_some()).count();
    let both = rows.iter().filter(|row| row.ours.is_some() && row.theirs.is_some()).count();
    judge(&rows)?;
    let page = page(&rows);
    let path = crate::root()?.join(PAGE);
    if arguments.write {
        fs::write(&path, &page)?;
    } else {
        let held = fs::read_to_string(&path).with_context(|| PAGE.to_owned())?;
        ensure!(held == page, "{PAGE} is out of date: cargo xtask tuf --write");
    }
    let changed = changed::compare(&peer, arguments.changed, arguments.seed)?;
    let made = made::compare(&peer)?;
    Ok(format!("{attacks} attacks, {both} of them refused by both; {changed}; {made}"))
}

/// Whether each disagreement is one that is known, and each known one is still there.
fn judge(rows: &[Row]) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for row in rows {
        match (&row.ours, &row.theirs, row.beyond()) {
            (None, Some(theirs), _) => wrong.push(format!("{}: let in, and tough: {theirs}", row.name)),
            (Some(ours), None, None) => {
                wrong.push(format!("{}: tough lets it in, and ours: {ours}", row.name))
            }
            _ => (),
        }
    }
    for (start, _) in BEYOND {
        let used = |row: &Row| row.ours.is_some() && row.theirs.is_none() && row.name.starts_with(start);
        if !rows.iter().any(used) {
            wrong.push(format!("{start}: tough refuses it too, or there is no such case"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("\n")) }
}

fn page(rows: &[Row]) -> String {
    let mut page = String::from(
        "<!-- Written by `cargo xtask tuf --write`; do not edit. -->\n\n\
         # Attacks on a feed: who refuses what\n\n\
         Each case is a folder of [`testdata/feeds`](../../testdata/feeds/README.md), shown to Candor and to `tough` 0.24, a client of\n\
         The Update Framework by others, at the same time by the clock and with the same memory of earlier releases. `tough` knows no\n\
         log, no witnesses, no policy of a customer and no archives; where only Candor refuses, the last column says which of these\n\
         it is. `cargo xtask tuf` compares them again.\n\n\
         | case | Candor | `tough` |\n|---|---|---|\n",
    );
    for row in rows {
        let ours = row.ours.as_deref().map_or_else(|| "let in".to_owned(), |why| format!("refused: {why}"));
        let theirs = match (&row.theirs, &row.ours, row.beyond()) {
            (Some(_), ..) => "refused".to_owned(),
            (None, Some(_), Some(why)) => format!("let in: {why}"),
            _ => "let in".to_owned(),
        };
        page.push_str(&format!("| `{}` | {} | {theirs} |\n", row.name, ours.replace('|', "\\|")));
    }
    page
}
