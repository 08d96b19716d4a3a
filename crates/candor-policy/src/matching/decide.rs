//! From hits to findings: which belong together, whether they are enough, and what is only left over.

use std::collections::{BTreeMap, BTreeSet};

use super::glob::is_glob;
use super::{Dated, Evidence, Finding, Hit, Known, MOST_EVIDENCE, Standing};
use crate::inventory::{Item, ItemKind, Surface};
use crate::vendor::{Class, Platform, Strength};

/// Collects hits, an item at a time.
pub(super) struct Decision<'a> {
    known: &'a [Known],
    /// By vendor, class (nothing: only the vendor is told) and product.
    heaps: BTreeMap<(String, Option<Class>, Option<String>), Heap>,
}

/// Hits that are of one thing.
#[derive(Clone, Debug, Default)]
struct Heap {
    evidence: Vec<Evidence>,
    hits: u64,
    /// How strong what is on each family of surfaces is.
    families: BTreeMap<Family, Strength>,
    platforms: BTreeSet<Platform>,
    versions: BTreeSet<String>,
    moments: BTreeSet<Dated>,
    /// Whether a hit says that more than a rest is there.
    is_more_than_a_rest: bool,
}

/// The hits of a product, or of what names none.
type OfProduct = (Option<String>, Heap);

/// Surfaces that imply each other: a name of a file and its path, a name of a package in two spellings. Two hits
/// are independent when they are of different families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    File,
    Package,
    Maker,
    Other(Surface),
}

/// Hits of a heap that are kept with all they say, before the strongest are chosen.
const KEPT: usize = 4 * MOST_EVIDENCE;

/// Versions and moments of a heap.
const MOST_TOLD: usize = 64;

const fn family(surface: Surface) -> Family {
    match surface {
        Surface::Path | Surface::FileName => Family::File,
        Surface::LinuxPackage | Surface::AndroidPackage | Surface::WingetPackage | Surface::PackageUrl => {
            Family::Package
        }
        // The vendor of a CPE is made of the name of the supplier by whoever writes lists.
        Surface::Supplier | Surface::CpeVendor => Family::Maker,
        other => Family::Other(other),
    }
}

impl<'a> Decision<'a> {
    pub(super) const fn new(known: &'a [Known]) -> Self {
        Self { known, heaps: BTreeMap::new() }
    }

    /// The hits of one item.
    pub(super) fn add(&mut self, item: &Item, hits: &[Hit]) {
        let mut by_vendor: BTreeMap<&str, Vec<(&Known, Hit)>> = BTreeMap::new();
        for hit in hits {
            if let Some(known) = self.known.get(hit.known) {
                by_vendor.entry(&known.vendor).or_default().push((known, *hit));
            }
        }
        for (vendor, hits) in by_vendor {
            let (class, product) = what(item, &hits);
            let heap = self.heaps.entry((vendor.to_owned(), class, product)).or_default();
            heap.add(item, &hits);
        }
    }

    pub(super) fn findings(mut self) -> Vec<Finding> {
        self.join_what_only_tells_the_vendor();
        let mut findings = Vec::new();
        let mut rests: BTreeMap<String, Heap> = BTreeMap::new();
        let mut by_class: BTreeMap<(String, Class), Vec<OfProduct>> = BTreeMap::new();
        for ((vendor, class, product), heap) in std::mem::take(&mut self.heaps) {
            by_class.entry((vendor, class.unwrap_or(Class::Security))).or_default().push((product, heap));
        }
        for ((vendor, class), mut heaps) in by_class {
            // What names no product supports those that do; with a single one it is a part of it.
            let unnamed =
                heaps.iter().position(|(product, _)| product.is_none()).map(|at| heaps.swap_remove(at).1);
            match (unnamed, heaps.as_mut_slice()) {
                (Some(unnamed), []) => heaps.push((None, unnamed)),
                (Some(unnamed), [(_, only)]) => only.join(unnamed),
                (Some(unnamed), several) => {
                    several.iter_mut().for_each(|(_, heap)| heap.supported_by(&unnamed));
                    heaps.push((None, unnamed));
                }
                (None, _) => {}
            }
            heaps.sort_by(|one, other| one.0.cmp(&other.0));
            for (product, heap) in heaps {
                if heap.is_more_than_a_rest && class != Class::Residue {
                    findings.extend(heap.finding(vendor.clone(), class, product));
                } else {
                    rests.entry(vendor.clone()).or_default().join(heap);
                }
            }
        }
        findings.extend(
            rests.into_iter().filter_map(|(vendor, heap)| heap.finding(vendor, Class::Residue, None)),
        );
        findings.sort_by(|one, other| {
            (&one.vendor, one.class, &one.product).cmp(&(&other.vendor, other.class, &other.product))
        });
        findings
    }

    /// A signature on a file says whose it is and not what: it belongs to the product that is there.
    fn join_what_only_tells_the_vendor(&mut self) {
        let unsorted: Vec<_> = self
            .heaps
            .keys()
            .filter(|(_, class, product)| class.is_none() && product.is_none())
            .cloned()
            .collect();
        for key in unsorted {
            let product = [Class::Antivirus, Class::Security, Class::Engine].iter().find_map(|class| {
                self.heaps.keys().find(|(vendor, held, _)| *vendor == key.0 && *held == Some(*class)).cloned()
            });
            if let Some(product) = product
                && let Some(heap) = self.heaps.remove(&key)
            {
                // It names no product, so it goes where the class is and the product is open.
                self.heaps.entry((product.0, product.1, None)).or_default().join(heap);
            }
        }
    }
}

/// What an item is, by all of its hits.
fn what(item: &Item, hits: &[(&Known, Hit)]) -> (Option<Class>, Option<String>) {
    // In the vendor's own folder an engine is a part of its own product.
    let is_at_home = hits.iter().any(|(known, _)| {
        known.surface == Surface::Path && known.class.is_none_or(|class| class == Class::Antivirus)
    });
    let told = |known: &Known| match known.class {
        Some(Class::Engine) if is_at_home => Some(Class::Antivirus),
        class => class,
    };
    let strongest = hits.iter().filter(|(known, _)| known.class.is_some()).max_by_key(|(known, _)| {
        (told(known) != Some(Class::Residue), known.strength, known.product.is_some())
    });
    let Some((known, _)) = strongest else {
        // What has a name of its own is a product of its own, whatever its sort.
        let is_named = matches!(
            item.kind,
            ItemKind::Package | ItemKind::Program | ItemKind::Component | ItemKind::Extension
        );
        let product = (is_named && !item.name.is_empty()).then(|| item.name.clone());
        return (product.is_some().then_some(Class::Security), product);
    };
    let class = told(known);
    let product = hits
        .iter()
        .filter(|(known, _)| told(known) == class && known.product.is_some())
        .max_by_key(|(known, _)| known.strength)
        .and_then(|(known, _)| known.product.clone());
    (class, product)
}

impl Heap {
    fn add(&mut self, item: &Item, hits: &[(&Known, Hit)]) {
        for (known, hit) in hits {
            let Some(shown) = item.traits.get(hit.shown) else { continue };
            self.hits = self.hits.saturating_add(1);
            let strength = self.families.entry(family(known.surface)).or_insert(known.strength);
            *strength = known.strength.max(*strength);
            self.platforms.extend(known.platform);
            self.is_more_than_a_rest |= !known.residual && known.strength != Strength::Weak;
            if self.has_room_for(known.strength) {
                self.evidence.push(Evidence {
                    item: item.kind,
                    name: item.name.clone(),
                    place: item.place.clone(),
                    surface: known.surface,
                    value: shown.value.clone(),
                    identifier: known.value.clone(),
                    kind: known.kind.clone(),
                    strength: known.strength,
                    source: known.source.clone(),
                    note: known.note.clone(),
                    sha256: item
                        .traits
                        .iter()
                        .find(|other| other.surface == Surface::Sha256)
                        .map(|other| other.value.clone()),
                });
            }
        }
        if let Some(version) = &item.version
            && self.versions.len() < MOST_TOLD
        {
            self.versions.insert(version.clone());
        }
        for (of, at) in &item.moments {
            if self.moments.len() < MOST_TOLD {
                self.moments.insert(Dated { of: *of, at: at.clone(), place: item.place.clone() });
            }
        }
    }

    /// Whether a hit of that strength is kept; a weaker one makes room for it.
    fn has_room_for(&mut self, strength: Strength) -> bool {
        if self.evidence.len() < KEPT {
            return true;
        }
        let weaker = self.evidence.iter().position(|held| held.strength < strength);
        weaker.is_some_and(|at| {
            self.evidence.swap_remove(at);
            true
        })
    }

    fn join(&mut self, other: Self) {
        self.supported_by(&other);
        self.hits = self.hits.saturating_add(other.hits);
        self.evidence.extend(other.evidence);
        self.platforms.extend(other.platforms);
        self.versions.extend(other.versions);
        self.moments.extend(other.moments);
        self.is_more_than_a_rest |= other.is_more_than_a_rest;
    }

    fn supported_by(&mut self, other: &Self) {
        for (family, strength) in &other.families {
            let held = self.families.entry(*family).or_insert(*strength);
            *held = (*held).max(*strength);
        }
    }

    /// The finding; none when all that is there only supports others.
    fn finding(mut self, vendor: String, class: Class, product: Option<String>) -> Option<Finding> {
        let strength = self.families.values().copied().max()?;
        if strength == Strength::Weak {
            return None;
        }
        let counting = self.families.values().filter(|strength| **strength > Strength::Weak).count();
        let is_found = strength >= Strength::Strong || counting >= 2;
        self.evidence.sort_by(|one, other| {
            other
                .strength
                .cmp(&one.strength)
                .then_with(|| (&one.place, &one.value).cmp(&(&other.place, &other.value)))
                .then_with(|| is_glob(&one.identifier).cmp(&is_glob(&other.identifier)))
        });
        // One value may be several identifiers, such as two legal forms of a name: the strongest is told, and of
        // those that are alike the one that says it exactly.
        let mut seen = BTreeSet::new();
        self.evidence.retain(|one| seen.insert((one.place.clone(), one.surface, one.value.clone())));
        self.evidence.truncate(MOST_EVIDENCE);
        Some(Finding {
            vendor,
            class,
            product,
            versions: self.versions.into_iter().collect(),
            standing: if is_found { Standing::Found } else { Standing::Lead },
            strength,
            platforms: self.platforms.into_iter().collect(),
            evidence: self.evidence,
            hits: self.hits,
            moments: self.moments.into_iter().collect(),
        })
    }
}
