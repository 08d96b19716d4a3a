//! A vendor as data: its names, and by what its products are recognised on each surface.

mod class;

use serde::Deserialize;
use toml::Spanned;

pub use class::{Class, Platform, Strength};

use crate::inventory::Surface;
use crate::matching::check_value;
use crate::policy::{Place, PolicyError};
use crate::regime::check_date;

/// One vendor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Vendor {
    /// The name in policies and in results.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Where it sits, as two letters of ISO 3166.
    pub country: Option<String>,
    /// What it makes.
    pub summary: String,
    /// Adds to a vendor that is known already.
    #[serde(default)]
    pub extends: bool,
    /// Legal names and other spellings.
    #[serde(default, rename = "legal-name")]
    pub names: Vec<Name>,
    /// What its products are recognised by.
    #[serde(default)]
    pub identifiers: Vec<Identifiers>,
    /// What is known, and shows on no surface of an inventory.
    #[serde(default, rename = "fact")]
    pub facts: Vec<Fact>,
    /// Products of others that have its engine inside.
    #[serde(default, rename = "white-label")]
    pub white_labels: Vec<WhiteLabel>,
    /// What happened, as far as it matters.
    #[serde(default, rename = "event")]
    pub events: Vec<Event>,
}

/// A legal name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Name {
    /// As it is registered.
    pub text: String,
    /// Other spellings, scripts and short forms.
    #[serde(default)]
    pub also: Vec<String>,
    /// Who says so.
    pub source: String,
}

/// Identifiers of one kind, with what they have in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identifiers {
    /// The kind, as collections of identifiers name it.
    pub kind: String,
    /// Where they show.
    pub surface: Surface,
    /// What sort of thing they are of; none when they tell the vendor only.
    pub class: Option<Class>,
    /// The product, when they are of one.
    pub product: Option<String>,
    /// On which systems.
    pub platform: Option<Platform>,
    /// They stay behind when the product goes: by themselves they are residue.
    #[serde(default)]
    pub residual: bool,
    /// How much they prove.
    pub strength: Strength,
    /// Who says so.
    pub source: String,
    /// What is to be known about them.
    pub note: Option<String>,
    /// The first time that they were seen.
    pub first_seen: Option<String>,
    /// The last time that they were seen.
    pub last_seen: Option<String>,
    /// The identifiers themselves.
    pub values: Vec<Spanned<String>>,
}

/// Something that is known and cannot be compared with an inventory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fact {
    /// The kind, as collections of identifiers name it.
    pub kind: String,
    /// How much it would prove.
    pub strength: Strength,
    /// Who says so.
    pub source: String,
    /// Why nothing is compared with it.
    pub reason: String,
    /// What is to be known about it.
    pub note: Option<String>,
    /// The facts.
    pub values: Vec<String>,
}

/// A product of somebody else with an engine of the vendor, or without it any more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WhiteLabel {
    /// The product.
    pub product: String,
    /// Which engine it has.
    pub engine: String,
    /// What is known about it today.
    pub status: String,
    /// Who says so.
    pub source: String,
    /// Names under which it is installed; each is a lead to an engine.
    #[serde(default)]
    pub names: Vec<Spanned<String>>,
}

/// Something that happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Event {
    /// Its name.
    pub id: String,
    /// When.
    pub date: String,
    /// What.
    pub what: String,
    /// What follows from it.
    pub lesson: String,
    /// Who says so.
    pub source: String,
}

impl Vendor {
    pub(crate) fn parse(place: Place<'_>) -> Result<Self, PolicyError> {
        let vendor: Self = place.parse()?;
        check_id(place, &vendor.id)?;
        for group in &vendor.identifiers {
            if group.values.is_empty() {
                let line = place.line_where(|line| line.replace(' ', "") == "values=[]");
                return Err(place.error(line, format!("{} of {} has no values", group.kind, vendor.id)));
            }
            for seen in [&group.first_seen, &group.last_seen].into_iter().flatten() {
                check_date(place, seen)?;
            }
            for value in &group.values {
                check_value(group.surface, value.get_ref())
                    .map_err(|reason| place.error(place.line(value.span().start), reason))?;
            }
        }
        for name in vendor.white_labels.iter().flat_map(|label| &label.names) {
            check_value(Surface::Product, name.get_ref())
                .map_err(|reason| place.error(place.line(name.span().start), reason))?;
        }
        for event in &vendor.events {
            check_date(place, &event.date)?;
        }
        Ok(vendor)
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.names.extend(other.names);
        self.identifiers.extend(other.identifiers);
        self.facts.extend(other.facts);
        self.white_labels.extend(other.white_labels);
        self.events.extend(other.events);
    }
}

/// Ids stand in names of findings and of files, so they are plain.
pub(crate) fn check_id(place: Place<'_>, id: &str) -> Result<(), PolicyError> {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(is_plain) {
        let reason = format!("\"{id}\" is no id: lower-case letters, digits, \"-\" and \".\"");
        return Err(place.error(place.line_of(id), reason));
    }
    Ok(())
}
