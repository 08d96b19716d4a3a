//! A regime as data: who ordered what about whom, whom it binds, and from when on it says what.

mod when;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use toml::Spanned;

pub use when::{AsOf, Evidence, InvalidDate, Moment, When};

use crate::policy::{Place, PolicyError};
use crate::vendor::{Class, Platform, check_id};

/// One regime: a law, an order, a warning.
#[derive(Clone, Debug)]
pub struct Regime {
    /// The name in policies and in results.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Its kind, in a word.
    pub kind: String,
    /// Where it holds.
    pub jurisdiction: String,
    /// The zone in which its dates begin.
    pub zone: TimeZone,
    /// Who ordered it.
    pub authority: String,
    /// By what.
    pub instrument: String,
    /// How it is cited.
    pub citation: String,
    /// Other numbers of the same.
    pub aliases: Vec<String>,
    /// The first day on which anybody could know of it.
    pub known: Option<When>,
    /// What it says, in a few words.
    pub summary: String,
    /// Whom it binds.
    pub binds: String,
    /// What it says of going on using.
    pub continued_use: Option<String>,
    /// Vendors, by their ids.
    pub vendors: Vec<String>,
    /// Whom it names.
    pub entities: Vec<String>,
    /// What it covers, as it says it.
    pub covered: Vec<String>,
    /// What it says of code inside other products.
    pub embedded: String,
    /// What is to be known about that.
    pub embedded_note: Option<String>,
    /// Only on these systems; on all when empty.
    pub platforms: Vec<Platform>,
    /// Whether all that it names is in this data.
    pub list: List,
    /// Whether it is a list of parties.
    pub party_list: bool,
    /// Where the whole list can be had.
    pub feed: Option<String>,
    /// What else belongs to it.
    pub annex: Option<String>,
    /// Regimes that it puts together.
    pub merges: Vec<String>,
    /// How sure the facts are.
    pub confidence: String,
    /// Who says so.
    pub sources: Vec<String>,
    /// The form of a report that it wants.
    pub form: Option<String>,
    /// Until when a report is due.
    pub report_deadlines: Vec<String>,
    /// What stands in the report.
    pub report_fields: Vec<String>,
    /// Its phases, as written.
    pub phases: Vec<Phase>,
    /// What it says of each class; the first that fits holds.
    pub covers: Vec<Cover>,
    /// What it leaves out.
    pub exemptions: Vec<Exemption>,
    /// Entries of a list, with their dates.
    pub entries: Vec<Entry>,
    /// The file that it is from.
    pub file: String,
}

/// Whether all that a regime names is in this data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum List {
    /// All names are here.
    #[default]
    Complete,
    /// Names are here, and categories beside them which no name tells.
    Categories,
    /// Names are missing: who is not named here may be named there.
    Incomplete,
}

/// From when on a regime has which effect.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its name.
    pub id: String,
    /// When it begins; nothing when no date is known.
    pub from: Option<When>,
    /// When it ends.
    pub until: Option<When>,
    /// How the regime itself says the time.
    pub local: Option<String>,
    /// What is to be known about the date.
    pub note: Option<String>,
    /// Its effects, in words of the data.
    pub effects: Vec<String>,
    /// What follows for a finding that is covered; nothing for a phase that only tells.
    pub outcome: Option<Effect>,
    /// What follows for a profile, where that differs.
    pub outcome_for: BTreeMap<String, Effect>,
    /// Updates later than its beginning are prohibited.
    pub cut_off: bool,
    /// Only for these vendors; for all of the regime when empty.
    pub vendors: Vec<String>,
    /// It is about categories, not about vendors.
    pub categories: bool,
    /// What it says, for people.
    pub says: String,
}

/// What a phase makes of a finding that is covered, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Advice.
    Advisory,
    /// Supply is prohibited, use is allowed.
    SupplyProhibited,
    /// Prohibited.
    Prohibited,
}

/// What a regime says of some classes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cover {
    /// Of which classes.
    pub classes: Vec<Class>,
    /// Only of these vendors; of all when empty.
    #[serde(default)]
    pub vendors: Vec<String>,
    /// What it says.
    pub is: Covered,
    /// Why, for people.
    pub reason: Option<String>,
    /// Which exemption, when it is exempt.
    pub exemption: Option<String>,
}

/// What a regime says of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Covered {
    /// It is covered.
    Covered,
    /// It would be covered and is exempt.
    Exempt,
    /// It is not covered.
    NotCovered,
    /// It is only what is left of something covered.
    Residue,
    /// It is not said.
    Unclear,
}

/// Something that a regime leaves out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exemption {
    /// Its name.
    pub id: String,
    /// What it leaves out.
    pub text: String,
}

/// One entry of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// Since when it is there.
    pub date: String,
    /// The vendor, when it names one that is known here.
    pub vendor: Option<String>,
    /// What it says.
    pub text: String,
}

/// Who asks: which regimes bind them.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// The name on the command line.
    pub id: String,
    /// Who that is.
    pub title: String,
    /// Where they are.
    pub time_zone: String,
    /// What is to be known.
    pub note: String,
    /// Regimes that bind them.
    pub regimes: Vec<String>,
    /// The file that it is from.
    #[serde(skip)]
    pub file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RegimeFile {
    id: String,
    title: String,
    kind: String,
    jurisdiction: String,
    time_zone: Spanned<String>,
    authority: String,
    instrument: String,
    citation: String,
    #[serde(default)]
    aliases: Vec<String>,
    published: Option<Spanned<String>>,
    announced: Option<Spanned<String>>,
    summary: String,
    binds: String,
    continued_use: Option<String>,
    vendors: Vec<String>,
    entities: Vec<String>,
    covered: Vec<String>,
    embedded: String,
    embedded_note: Option<String>,
    #[serde(default)]
    platforms: Vec<Platform>,
    #[serde(default)]
    list: List,
    #[serde(default)]
    party_list: bool,
    feed: Option<String>,
    annex: Option<String>,
    #[serde(default)]
    merges: Vec<String>,
    confidence: String,
    sources: Vec<String>,
    form: Option<String>,
    #[serde(default)]
    report_deadlines: Vec<String>,
    #[serde(default)]
    report_fields: Vec<String>,
    #[serde(rename = "phase")]
    phases: Vec<PhaseFile>,
    #[serde(default, rename = "cover")]
    covers: Vec<Spanned<Cover>>,
    #[serde(default, rename = "exemption")]
    exemptions: Vec<Exemption>,
    #[serde(default, rename = "entry")]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PhaseFile {
    id: Spanned<String>,
    from: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
    local: Option<String>,
    note: Option<String>,
    effects: Vec<String>,
    outcome: Option<Effect>,
    #[serde(default)]
    outcome_for: BTreeMap<String, Effect>,
    #[serde(default)]
    cut_off: bool,
    #[serde(default)]
    vendors: Vec<String>,
    #[serde(default)]
    categories: bool,
    says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ProfileFile {
    id: String,
    title: String,
    time_zone: Spanned<String>,
    #[serde(default)]
    note: String,
    regimes: Vec<String>,
}

impl Regime {
    pub(crate) fn parse(place: Place<'_>) -> Result<Self, PolicyError> {
        let file: RegimeFile = place.parse()?;
        check_id(place, &file.id)?;
        let zone = zone(place, &file.time_zone)?;
        let when = |text: &Option<Spanned<String>>| when(place, text.as_ref(), &zone);
        // Whichever came first: from then on it could be known.
        let known = match (when(&file.announced)?, when(&file.published)?) {
            (Some(one), Some(other)) => Some(if one.begins <= other.begins { one } else { other }),
            (one, other) => one.or(other),
        };
        let mut ids = BTreeSet::new();
        let mut phases = Vec::with_capacity(file.phases.len());
        for phase in file.phases {
            let line = place.line(phase.id.span().start);
            let id = phase.id.into_inner();
            if !ids.insert(id.clone()) {
                return Err(place.error(line, format!("the phase \"{id}\" is there twice")));
            }
            let (from, until) = (when(&phase.from)?, when(&phase.until)?);
            if let (Some(from), Some(until)) = (&from, &until)
                && until.begins <= from.begins
            {
                return Err(place.error(line, format!("the phase \"{id}\" ends before it begins")));
            }
            let outcome = phase.outcome;
            if (outcome.is_some() || phase.cut_off) && from.is_none() {
                return Err(place.error(line, format!("the phase \"{id}\" has an outcome and no date")));
            }
            phases.push(Phase {
                id,
                from,
                until,
                local: phase.local,
                note: phase.note,
                effects: phase.effects,
                outcome,
                outcome_for: phase.outcome_for,
                cut_off: phase.cut_off,
                vendors: phase.vendors,
                categories: phase.categories,
                says: phase.says,
            });
        }
        if phases.is_empty() {
            return Err(place.error(0, String::from("a regime has at least one phase")));
        }
        for entry in &file.entries {
            check_date(place, &entry.date)?;
        }
        let mut covers = Vec::with_capacity(file.covers.len());
        for cover in file.covers {
            let line = place.line(cover.span().start);
            let cover = cover.into_inner();
            let is_there = |id: &String| file.exemptions.iter().any(|exemption| exemption.id == *id);
            let is_right = match (&cover.exemption, cover.is) {
                (Some(id), Covered::Exempt) => is_there(id),
                (None, Covered::Exempt) | (Some(_), _) => false,
                (None, _) => true,
            };
            if !is_right {
                let reason = "what is exempt names an exemption of this regime, and nothing else does";
                return Err(place.error(line, String::from(reason)));
            }
            covers.push(cover);
        }
        Ok(Self {
            id: file.id,
            title: file.title,
            kind: file.kind,
            jurisdiction: file.jurisdiction,
            zone,
            authority: file.authority,
            instrument: file.instrument,
            citation: file.citation,
            aliases: file.aliases,
            known,
            summary: file.summary,
            binds: file.binds,
            continued_use: file.continued_use,
            vendors: file.vendors,
            entities: file.entities,
            covered: file.covered,
            embedded: file.embedded,
            embedded_note: file.embedded_note,
            platforms: file.platforms,
            list: file.list,
            party_list: file.party_list,
            feed: file.feed,
            annex: file.annex,
            merges: file.merges,
            confidence: file.confidence,
            sources: file.sources,
            form: file.form,
            report_deadlines: file.report_deadlines,
            report_fields: file.report_fields,
            phases,
            covers,
            exemptions: file.exemptions,
            entries: file.entries,
            file: place.file.to_owned(),
        })
    }

    /// What it says of a class of a vendor's things.
    #[must_use]
    pub fn cover(&self, vendor: &str, class: Class) -> Option<&Cover> {
        self.covers.iter().find(|cover| {
            cover.classes.contains(&class)
                && (cover.vendors.is_empty() || cover.vendors.iter().any(|named| named == vendor))
        })
    }
}

impl Profile {
    pub(crate) fn parse(place: Place<'_>) -> Result<Self, PolicyError> {
        let file: ProfileFile = place.parse()?;
        check_id(place, &file.id)?;
        zone(place, &file.time_zone)?;
        Ok(Self {
            id: file.id,
            title: file.title,
            time_zone: file.time_zone.into_inner(),
            note: file.note,
            regimes: file.regimes,
            file: place.file.to_owned(),
        })
    }
}

/// A day or a month that only tells something: it must be one all the same.
pub(crate) fn check_date(place: Place<'_>, text: &str) -> Result<(), PolicyError> {
    When::parse(text, &TimeZone::UTC)
        .map(drop)
        .map_err(|error| place.error(place.line_of(text), error.to_string()))
}

fn zone(place: Place<'_>, name: &Spanned<String>) -> Result<TimeZone, PolicyError> {
    TimeZone::get(name.get_ref()).map_err(|_| {
        let reason = format!("\"{}\" is no time zone", name.get_ref());
        place.error(place.line(name.span().start), reason)
    })
}

fn when(
    place: Place<'_>,
    text: Option<&Spanned<String>>,
    zone: &TimeZone,
) -> Result<Option<When>, PolicyError> {
    text.map(|text| {
        When::parse(text.get_ref(), zone)
            .map_err(|error| place.error(place.line(text.span().start), error.to_string()))
    })
    .transpose()
}
