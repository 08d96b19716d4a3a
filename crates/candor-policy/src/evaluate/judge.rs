//! The answer of one rule about one finding.
//!
//! In this order: does it name the vendor, is it about such systems, what does it say of the class, and which
//! of its phases is in force. Dates are compared as moments; a rule's day begins at midnight where it holds.

use jiff::Timestamp;

use super::{Change, Judgement, Outcome};
use crate::inventory::Moment;
use crate::matching::{Dated, Finding};
use crate::regime::{AsOf, Covered, Effect, Evidence, List, Phase, Profile, Regime};

/// The answer of a rule about a finding, to somebody, on a date.
#[must_use]
pub fn judge(regime: &Regime, finding: &Finding, profile: Option<&Profile>, as_of: &AsOf) -> Judgement {
    let now = as_of.instant(&regime.zone);
    let answer = |outcome: Outcome, reason: String| Judgement {
        regime: regime.id.clone(),
        title: regime.title.clone(),
        citation: citation(regime),
        outcome,
        reason,
        phase: None,
        from: None,
        until: None,
        exemption: None,
        next: None,
        updated: None,
    };
    if !regime.vendors.contains(&finding.vendor) {
        return match regime.list {
            List::Complete => answer(Outcome::NotCovered, String::from("it does not name this vendor")),
            List::Categories | List::Incomplete => answer(
                Outcome::Unknown,
                String::from("this data does not hold all that it names: look the supplier up in its list"),
            ),
        };
    }
    if !regime.platforms.is_empty() {
        let bound = format!("it binds {}", regime.binds);
        if finding.platforms.is_empty() {
            let reason = format!("{bound}; whether this is one is not known");
            return answer(Outcome::Unknown, reason);
        }
        if !finding.platforms.iter().any(|platform| regime.platforms.contains(platform)) {
            return answer(Outcome::NotCovered, bound);
        }
    }
    let Some(cover) = regime.cover(&finding.vendor, finding.class) else {
        return answer(Outcome::Unknown, format!("it says nothing of the class {}", finding.class.word()));
    };
    let why = |otherwise: &str| cover.reason.clone().unwrap_or_else(|| otherwise.to_owned());
    match cover.is {
        Covered::Covered => {}
        Covered::Exempt => {
            let exemption = regime.exemptions.iter().find(|held| Some(&held.id) == cover.exemption.as_ref());
            let text = exemption.map(|held| held.text.clone()).unwrap_or_default();
            let mut judgement = answer(Outcome::Exempt, why(&text));
            judgement.exemption.clone_from(&cover.exemption);
            return judgement;
        }
        Covered::NotCovered => return answer(Outcome::NotCovered, why("it is not about this class")),
        Covered::Residue => {
            return answer(Outcome::Residue, why("what is left of a product is not a product"));
        }
        Covered::Unclear => return answer(Outcome::Unknown, why("it does not say")),
    }
    in_force(regime, finding, profile, now, cover.reason.as_deref(), answer)
}

/// What the phases of a rule say of a finding that it covers.
fn in_force(
    regime: &Regime,
    finding: &Finding,
    profile: Option<&Profile>,
    now: Timestamp,
    reason: Option<&str>,
    answer: impl Fn(Outcome, String) -> Judgement,
) -> Judgement {
    let effect = |phase: &Phase| {
        profile.and_then(|profile| phase.outcome_for.get(&profile.id).copied()).or(phase.outcome)
    };
    // Beginning first: the newest of those that are in force is the last.
    let mut phases: Vec<(Timestamp, &Phase, Effect)> = regime
        .phases
        .iter()
        .filter(|phase| phase.vendors.is_empty() || phase.vendors.contains(&finding.vendor))
        .filter(|phase| !phase.categories)
        .filter_map(|phase| Some((phase.from.as_ref()?.begins, phase, effect(phase)?)))
        .collect();
    phases.sort_by_key(|(begins, ..)| *begins);
    let has_ended = |phase: &Phase| phase.until.as_ref().is_some_and(|until| until.begins <= now);
    let is_sure = |phase: &Phase| phase.from.as_ref().is_some_and(|from| from.surely <= now);
    let upcoming = phases.iter().find(|(begins, ..)| *begins > now);
    let next = upcoming.map(|(_, phase, _)| Change { at: written(phase), says: phase.says.clone() });
    let with_reason = |says: &str| match reason {
        Some(reason) => format!("{says}: {reason}"),
        None => says.to_owned(),
    };

    let begun: Vec<_> = phases.iter().filter(|(begins, ..)| *begins <= now).collect();
    // The gravest counts, and of those that are alike the newest.
    let strongest = begun
        .iter()
        .filter(|(_, phase, _)| is_sure(phase) && !has_ended(phase))
        .max_by_key(|(begins, _, effect)| (*effect, *begins));
    if let Some((_, phase, effect)) = strongest {
        let outcome = match effect {
            Effect::Prohibited => Outcome::Prohibited,
            Effect::SupplyProhibited => Outcome::SupplyProhibited,
            Effect::Advisory => Outcome::Advisory,
        };
        let mut judgement = answer(outcome, with_reason(&phase.says));
        judgement.phase = Some(phase.id.clone());
        judgement.from = phase.from.as_ref().map(|from| from.text.clone());
        judgement.until = phase.until.as_ref().map(|until| until.text.clone());
        judgement.next = next;
        if let Some(cut_off) = begun.iter().map(|(_, phase, _)| *phase).find(|phase| phase.cut_off) {
            updates(cut_off, finding, &mut judgement);
        }
        return judgement;
    }
    if let Some((_, phase, _)) = begun.iter().find(|(_, phase, _)| !is_sure(phase)) {
        let mut judgement =
            answer(Outcome::Unknown, format!("it begins in {}, and the day is not known", written(phase)));
        judgement.phase = Some(phase.id.clone());
        judgement.from = Some(written(phase));
        return judgement;
    }
    if let Some((_, phase, _)) = begun.last() {
        let until = phase.until.as_ref().map(|until| until.text.clone());
        let mut judgement =
            answer(Outcome::NotCovered, format!("it ended on {}", until.clone().unwrap_or_default()));
        judgement.phase = Some(phase.id.clone());
        judgement.until = until;
        judgement.next = next;
        return judgement;
    }
    let Some((_, phase, effect)) = upcoming else {
        return answer(Outcome::NotCovered, String::from("no date of it is known from which it would hold"));
    };
    if regime.known.as_ref().is_some_and(|known| known.begins > now) {
        let mut judgement = answer(Outcome::NotCovered, String::from("it was not there on that date"));
        judgement.next = next;
        return judgement;
    }
    let says = with_reason(&phase.says);
    let mut judgement = match effect {
        Effect::Prohibited | Effect::SupplyProhibited => {
            answer(Outcome::ProhibitedFrom, format!("from {}: {says}", written(phase)))
        }
        Effect::Advisory => answer(Outcome::NotCovered, format!("advice from {} on", written(phase))),
    };
    judgement.phase = Some(phase.id.clone());
    judgement.from = Some(written(phase));
    judgement.next = next;
    judgement
}

/// Whether the evidence tells that it was updated after a phase from which updates are prohibited.
fn updates(cut_off: &Phase, finding: &Finding, judgement: &mut Judgement) {
    let Some(from) = &cut_off.from else { return };
    // When it was installed, or when a file changed, says nothing about who published what.
    let tells = |of: Moment| matches!(of, Moment::Bases | Moment::Updated | Moment::Signed | Moment::Built);
    let told = |dated: &Dated| format!("{} {} ({})", word(dated.of), dated.at, dated.place.path);
    let mut newest: Option<(Timestamp, &Dated)> = None;
    let mut open = None;
    for dated in finding.moments.iter().filter(|dated| tells(dated.of)) {
        let Some(evidence) = Evidence::parse(&dated.at) else { continue };
        match evidence.is_from(from.begins) {
            Some(true) if newest.is_none_or(|(at, _)| evidence.earliest > at) => {
                newest = Some((evidence.earliest, dated));
            }
            None => open = Some(dated),
            Some(_) => {}
        }
    }
    if let Some((_, dated)) = newest {
        judgement.outcome = Outcome::UpdatedAfterCutOff;
        judgement.phase = Some(cut_off.id.clone());
        judgement.from = Some(from.text.clone());
        judgement.updated = Some(told(dated));
        judgement.reason =
            format!("{}; updates are prohibited from {}: {}", told(dated), from.text, judgement.reason);
    } else if let Some(dated) = open {
        judgement.updated = Some(told(dated));
        judgement.reason = format!(
            "{}; {} may be before or after {}, as it has no time zone",
            judgement.reason,
            told(dated),
            from.text
        );
    }
}

const fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Installed => "installed",
        Moment::Bases => "signatures of",
        Moment::Updated => "updated",
        Moment::Signed => "signed",
        Moment::Built => "built",
        Moment::Modified => "changed",
    }
}

fn written(phase: &Phase) -> String {
    phase.from.as_ref().map(|from| from.text.clone()).unwrap_or_default()
}

fn citation(regime: &Regime) -> String {
    let mut citation = regime.citation.clone();
    if !regime.aliases.is_empty() {
        citation.push_str("; also ");
        citation.push_str(&regime.aliases.join(", "));
    }
    citation
}
