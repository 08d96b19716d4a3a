//! What `candor audit` costs, and how well it knows names: an SBOM of ten thousand components against every rule, a
//! thousand suppliers against a hundred thousand listed names, and the labelled names of
//! `testdata/policy/parties.tsv`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use candor_policy::inventory::{Coverage, CoverageState, Inventory, Reader};
use candor_policy::matching::Matcher;
use candor_policy::party::{Listed, Parties, THRESHOLD};
use candor_policy::policy::Policy;
use candor_policy::regime::AsOf;
use candor_policy::report::{Format, Question, Report};
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Components of the SBOM.
    #[arg(long, default_value_t = 10_000)]
    components: usize,

    /// Listed names.
    #[arg(long, default_value_t = 100_000)]
    listed: usize,

    /// Names of suppliers.
    #[arg(long, default_value_t = 1_000)]
    names: usize,

    /// Show every name that was judged wrongly.
    #[arg(long)]
    wrong: bool,
}

/// Runs of each measurement; the best is told.
const RUNS: usize = 5;

/// # Errors
/// A file is missing, or something was not found that must be.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let policy = Policy::built_in()?;
    components(&policy, arguments.components)?;
    suppliers(&policy, arguments.listed, arguments.names)?;
    labelled(&policy, arguments.wrong)
}

fn best(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let begun = Instant::now();
        work()?;
        best = best.min(begun.elapsed());
    }
    Ok(best)
}

/// An SBOM with a component of a prohibited vendor in each thousand.
fn components(policy: &Policy, number: usize) -> anyhow::Result<()> {
    let components: Vec<String> = (0..number)
        .map(|at| {
            let (name, group, supplier) = if at % 1000 == 7 {
                ("hexa-ui", "%40kaspersky/", "AO Kaspersky Lab")
            } else {
                ("library", "", "Somebody")
            };
            format!(
                r#"{{"type":"library","bom-ref":"c{at}","name":"{name}-{at}","version":"1.{at}","supplier":{{"name":"{supplier}"}},
                "purl":"pkg:npm/{group}{name}@1.{at}","cpe":"cpe:2.3:a:vendor{at}:{name}:1.{at}:*:*:*:*:*:*:*"}}"#
            )
        })
        .collect();
    let text = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{}]}}"#,
        components.join(",")
    );
    let mut sizes = (0, 0);
    let elapsed = best(|| {
        let matcher = Matcher::new(policy);
        let mut inventory = Inventory::default();
        let coverage: Coverage =
            Reader::CycloneDxJson.read("bom.json", text.as_bytes(), &mut |item| inventory.items.push(item));
        if coverage.state != CoverageState::Read {
            bail!("the SBOM was not read: {coverage:?}");
        }
        inventory.coverage.push(coverage);
        let question = Question {
            profile: None,
            as_of: AsOf::parse("2026-01-01")?,
            generated: String::from("2026-01-01T00:00:00Z"),
            version: String::from("measured"),
        };
        let items = inventory.items.len();
        let report = Report::new(policy, &matcher, &question, vec![(String::from("bom.json"), inventory)]);
        if report.summary.found == 0 {
            bail!("what is in the SBOM was not found");
        }
        sizes = (items, report.render(Format::Json).len());
        Ok(())
    })?;
    println!(
        "SBOM of {} components, {} bytes, against {} rules: {:.0} ms (compiling identifiers, reading, matching, judging, report of {} bytes)",
        sizes.0,
        text.len(),
        policy.regimes.len(),
        elapsed.as_secs_f64() * 1000.0,
        sizes.1
    );
    Ok(())
}

/// Syllables that names of companies are put together from.
const SYLLABLES: [&str; 32] = [
    "ka", "ri", "to", "mel", "san", "vor", "lin", "tek", "mar", "dex", "hua", "zhen", "bo", "gra", "nov",
    "ser", "pol", "tri", "um", "ost", "wei", "fan", "jin", "sky", "kas", "per", "aero", "chem", "dat", "el",
    "fer", "gen",
];

const KINDS: [&str; 8] =
    ["Technology", "Trading", "Industries", "Systems", "Electronics", "Group", "International", "Logistics"];

const FORMS: [&str; 6] = ["Ltd", "LLC", "GmbH", "Co., Ltd.", "JSC", "Inc."];

/// Made-up names, the same each time.
fn made_up(number: usize, seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below
    };
    (0..number)
        .map(|_| {
            let mut word: String = (0..2 + next(3)).map(|_| SYLLABLES[next(SYLLABLES.len())]).collect();
            if let Some(first) = word.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            format!("{word} {} {}", KINDS[next(KINDS.len())], FORMS[next(FORMS.len())])
        })
        .collect()
}

fn suppliers(policy: &Policy, listed: usize, names: usize) -> anyhow::Result<()> {
    let list = made_up(listed, 1);
    let mut suppliers = made_up(names, 2);
    let mut hidden = Vec::new();
    // A tenth is of the list, with an error each.
    for (at, name) in suppliers.iter_mut().enumerate().filter(|(at, _)| at % 10 == 0) {
        let right = &list[at * 7 % list.len()];
        let mut wrong = right.clone();
        let second = wrong.remove(1);
        wrong.insert(2, second);
        hidden.push((wrong.clone(), right.clone()));
        *name = wrong;
    }
    let mut built = Duration::ZERO;
    let (mut matches, mut recalled) = (0, 0);
    let elapsed = best(|| {
        let begun = Instant::now();
        let mut parties = Parties::of_policy(policy);
        for name in &list {
            parties.add(name, Listed { name: name.clone(), list: String::from("list"), note: None });
        }
        built = begun.elapsed();
        matches = suppliers.iter().filter(|name| !parties.find(name, THRESHOLD).is_empty()).count();
        recalled = hidden
            .iter()
            .filter(|(wrong, right)| {
                parties.find(wrong, THRESHOLD).iter().any(|found| found.listed.name == *right)
            })
            .count();
        Ok(())
    })?;
    println!(
        "{names} names against {listed} listed ones: {:.0} ms, {:.0} ms of it for the index; {matches} match; {recalled} of {} with an error are found",
        elapsed.as_secs_f64() * 1000.0,
        built.as_secs_f64() * 1000.0,
        hidden.len()
    );
    Ok(())
}

fn labelled(policy: &Policy, wrong: bool) -> anyhow::Result<()> {
    let path = crate::root()?.join("testdata/policy/parties.tsv");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let parties = Parties::of_policy(policy);
    let (mut right, mut missed, mut false_ones, mut rightly_none) = (0_u32, 0_u32, 0_u32, 0_u32);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, vendor) = line.split_once('\t').with_context(|| format!("{line}: no label"))?;
        let best = parties.find(name, THRESHOLD);
        let found = best.first().map(|found| found.listed.list.as_str());
        match (vendor, found) {
            ("-", None) => rightly_none += 1,
            (label, Some(found)) if label == found => right += 1,
            ("-", Some(_)) => false_ones += 1,
            (_, None) => missed += 1,
            (_, Some(_)) => {
                missed += 1;
                false_ones += 1;
            }
        }
        let is_wrong = found.unwrap_or("-") != vendor;
        if wrong && is_wrong {
            println!("  {name}: {} instead of {vendor}; {best:?}", found.unwrap_or("-"));
        }
    }
    let share = |part: u32, whole: u32| 100.0 * f64::from(part) / f64::from(whole.max(1));
    println!(
        "{} labelled names at {THRESHOLD}: recall {:.1} % ({right} of {}), precision {:.1} % ({false_ones} wrong), {rightly_none} rightly none",
        right + missed + rightly_none + false_ones,
        share(right, right + missed),
        right + missed,
        share(right, right + false_ones)
    );
    Ok(())
}
