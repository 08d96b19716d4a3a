//! Whose it is: an inventory is compared with the identifiers of all vendors at once.
//!
//! Each surface has an index that is compiled once (see `index`); what a trait costs does not depend on how many
//! identifiers there are. Hits become findings in `decide`. A finding is **found** when one hit is cryptographic
//! or strong, or when two independent weaker ones say the same; else it is a **lead**, which a person looks at.

mod decide;
mod glob;
mod index;
mod subject;
#[cfg(test)]
mod tests;
mod value;
mod wanted;

use serde::{Deserialize, Serialize};

pub use wanted::Wanted;

use crate::inventory::{Inventory, Item, ItemKind, Moment, Place, Surface};
use crate::policy::Policy;
use crate::vendor::{Class, Identifiers, Platform, Strength};
use index::Index;

pub(crate) use value::check as check_value;

/// Compares inventories with all identifiers of a policy.
#[derive(Debug)]
pub struct Matcher {
    /// The identifiers, with whose they are; indices point into this.
    known: Vec<Known>,
    index: Index,
}

/// One identifier, as results tell it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) vendor: String,
    pub(crate) kind: String,
    pub(crate) surface: Surface,
    pub(crate) value: String,
    pub(crate) class: Option<Class>,
    pub(crate) product: Option<String>,
    pub(crate) platform: Option<Platform>,
    pub(crate) residual: bool,
    pub(crate) strength: Strength,
    pub(crate) source: String,
    pub(crate) note: Option<String>,
}

/// Something of a vendor that is there, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The vendor's id.
    pub vendor: String,
    /// What sort of thing.
    pub class: Class,
    /// The product, when it is known.
    pub product: Option<String>,
    /// Versions that items of it have.
    pub versions: Vec<String>,
    /// Whether it is sure.
    pub standing: Standing,
    /// The strongest hit.
    pub strength: Strength,
    /// The systems that its identifiers are of.
    pub platforms: Vec<Platform>,
    /// The hits, strongest first; at most [`MOST_EVIDENCE`] of them.
    pub evidence: Vec<Evidence>,
    /// How many hits there are.
    pub hits: u64,
    /// What the evidence says of times, each with the item that says so.
    pub moments: Vec<Dated>,
}

/// Whether a finding is sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Something points at it.
    Lead,
    /// It is there.
    Found,
}

/// One hit: an identifier, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The sort of item.
    pub item: ItemKind,
    /// What the item calls itself.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Where the identifier shows.
    pub surface: Surface,
    /// What stands there.
    pub value: String,
    /// The identifier that it is.
    pub identifier: String,
    /// The kind of the identifier.
    pub kind: String,
    /// How much it proves.
    pub strength: Strength,
    /// Who says that it is the vendor's.
    pub source: String,
    /// What is to be known about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// SHA-256 of the file, when the inventory has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A time that evidence tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dated {
    /// What it is of.
    pub of: Moment,
    /// As it is written.
    pub at: String,
    /// Where.
    pub place: Place,
}

/// Hits of one finding that are kept with all they say.
pub const MOST_EVIDENCE: usize = 64;

impl Matcher {
    /// Compiles the identifiers of a policy.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let mut known = Vec::new();
        let mut index = Index::default();
        let mut add = |identifier: Known| {
            index.insert(known.len(), &identifier);
            known.push(identifier);
        };
        for vendor in policy.vendors.values() {
            for group in &vendor.identifiers {
                group.values.iter().for_each(|value| add(Known::new(&vendor.id, group, value.get_ref())));
            }
            for label in &vendor.white_labels {
                for name in &label.names {
                    add(Known {
                        vendor: vendor.id.clone(),
                        kind: String::from("white_label_products"),
                        surface: Surface::Product,
                        value: name.get_ref().clone(),
                        class: Some(Class::Engine),
                        product: Some(label.product.clone()),
                        platform: None,
                        residual: false,
                        // The name of the other product says that an engine may be inside, not that it is: by
                        // itself it is a lead.
                        strength: Strength::Metadata,
                        source: label.source.clone(),
                        note: Some(format!("{}; {}", label.engine, label.status)),
                    });
                }
            }
        }
        Self { known, index }
    }

    /// What is worth opening: names and paths at which a vendor's identifiers could show.
    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted::new(self)
    }

    /// Everything of an inventory that is of a vendor.
    #[must_use]
    pub fn find(&self, inventory: &Inventory) -> Vec<Finding> {
        let mut decision = decide::Decision::new(&self.known);
        let mut hits = Vec::new();
        for item in &inventory.items {
            hits.clear();
            self.hits(item, &mut hits);
            decision.add(item, &hits);
        }
        decision.findings()
    }

    /// The identifiers that an item carries: each with the trait that shows it.
    fn hits(&self, item: &Item, hits: &mut Vec<Hit>) {
        let mut found = Vec::new();
        for (number, shown) in item.traits.iter().enumerate() {
            if !admits(item.kind, shown.surface) {
                continue;
            }
            found.clear();
            self.index.look_up(shown.surface, &shown.value, &mut found);
            found.sort_unstable();
            found.dedup();
            hits.extend(found.iter().map(|known| Hit { known: *known, shown: number }));
        }
    }

    /// Ids of the vendors that a value on a surface is of.
    pub(crate) fn vendors_of(&self, surface: Surface, value: &str) -> Vec<&str> {
        let mut found = Vec::new();
        self.index.look_up(surface, value, &mut found);
        found.iter().filter_map(|number| self.known.get(*number)).map(|known| known.vendor.as_str()).collect()
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
}

/// An identifier at a trait of an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) known: usize,
    pub(crate) shown: usize,
}

impl Known {
    fn new(vendor: &str, group: &Identifiers, value: &str) -> Self {
        Self {
            vendor: vendor.to_owned(),
            kind: group.kind.clone(),
            surface: group.surface,
            value: value.to_owned(),
            class: group.class,
            product: group.product.clone(),
            platform: group.platform,
            residual: group.residual,
            strength: group.strength,
            source: group.source.clone(),
            note: group.note.clone(),
        }
    }
}

/// Whether a trait of an item is evidence that something is there.
///
/// A setting that names a path (an exclusion, a rule) speaks about a thing and is none; a host is evidence only
/// where a rule allows it, never where a component gives it as its home page.
fn admits(kind: ItemKind, surface: Surface) -> bool {
    match kind {
        ItemKind::Setting => matches!(surface, Surface::RegistryKey | Surface::LogEvent),
        ItemKind::Host => surface == Surface::Domain,
        ItemKind::Certificate => matches!(surface, Surface::RootSubject | Surface::Sha256),
        _ => !matches!(surface, Surface::Domain | Surface::RootSubject),
    }
}
