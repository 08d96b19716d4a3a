//! Icons of programs, compared with icon signatures (`.idb`).
//!
//! A logical signature may ask for an icon of a group (`IconGroup1:`, `IconGroup2:`). Whether a program has
//! one is found out once, and only when such a signature has come that far.

mod compare;
mod features;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;

use candor_model::{Facts, Icon};

use crate::image::Image;
use crate::ir::TargetDescription;
use features::Features;

/// What an icon signature says of an icon that looks just like this one: the last field of a line of an
/// `.idb` file. `None` for other sizes than 16, 24 and 32 pixels.
#[must_use]
pub fn icon_hash(icon: &Icon) -> Option<[u8; 62]> {
    Features::of(icon).map(|features| features.bytes())
}

/// Which groups the icons of a layer belong to.
pub(crate) struct IconGroups<'i> {
    image: &'i Image,
    found: OnceCell<Vec<(String, String)>>,
}

impl<'i> IconGroups<'i> {
    /// Nothing compared as yet.
    pub(crate) const fn new(image: &'i Image) -> Self {
        Self { image, found: OnceCell::new() }
    }

    /// Whether the layer has the icon that a signature asks for. One icon must be in both groups.
    pub(crate) fn hold(&self, target: &TargetDescription, facts: &Facts) -> bool {
        if target.icon_group1.is_none() && target.icon_group2.is_none() {
            return true;
        }
        let is_named =
            |wanted: &Option<String>, group: &String| wanted.as_ref().is_none_or(|wanted| wanted == group);
        self.found.get_or_init(|| find(self.image, &facts.icons)).iter().any(|(first, second)| {
            is_named(&target.icon_group1, first) && is_named(&target.icon_group2, second)
        })
    }
}

/// The groups of every icon signature that some of `icons` is like.
fn find(image: &Image, icons: &[Icon]) -> Vec<(String, String)> {
    let icons: Vec<Features> = icons.iter().filter_map(Features::of).collect();
    if icons.is_empty() {
        return Vec::new();
    }
    image
        .icons()
        .filter(|(_, signature)| {
            let signature = Features::parse(&signature.hash);
            icons.iter().any(|icon| compare::is_like(icon, &signature))
        })
        .map(|(_, signature)| (signature.group1, signature.group2))
        .collect()
}
