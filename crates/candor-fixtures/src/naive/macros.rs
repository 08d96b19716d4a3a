//! What signatures refer to that others bring: macro groups, patterns with a number that is referred to by
//! `${min-max}N$`, and icons.
//!
//! The members are whatever signatures have `$N$` as their offset, wherever they stand in the
//! database, so somebody has to collect them before anything that refers to them can be searched.

use std::collections::BTreeMap;

use candor_database::ir::{Body, IconSignature, Logical, Pattern, Signature, SubSignature};
use candor_model::Target;

use super::applies;
use candor_database::Subject;

/// The members of every macro group of a set of signatures, and its icons.
#[derive(Clone, Debug, Default)]
pub struct MacroGroups<'a> {
    members: BTreeMap<u8, Vec<(Target, &'a Pattern)>>,
    icons: Vec<&'a IconSignature>,
}

impl<'a> MacroGroups<'a> {
    /// Collects them among `signatures`.
    pub fn new(signatures: impl IntoIterator<Item = &'a Signature>) -> Self {
        let mut groups = Self::default();
        for signature in signatures {
            match signature {
                Signature::Body(Body { target, pattern, macro_group: Some(group), .. }) => {
                    groups.insert(*group, *target, pattern);
                }
                Signature::Icon(icon) => groups.icons.push(icon),
                Signature::Logical(logical) => groups.insert_logical(logical),
                _ => {}
            }
        }
        groups
    }

    fn insert_logical(&mut self, logical: &'a Logical) {
        for sub in &logical.subsignatures {
            if let SubSignature::Content { patterns, macro_group: Some(group) } = sub {
                for pattern in patterns {
                    self.insert(*group, logical.target.target, pattern);
                }
            }
        }
    }

    fn insert(&mut self, group: u8, target: Target, pattern: &'a Pattern) {
        self.members.entry(group).or_default().push((target, pattern));
    }

    /// The icons.
    pub(super) fn icons(&self) -> &[&'a IconSignature] {
        &self.icons
    }

    /// The members of `group` that are for `subject`.
    pub(super) fn members(&self, group: u8, subject: &Subject<'_>) -> Vec<&'a Pattern> {
        let members = self.members.get(&group).map_or(&[][..], Vec::as_slice);
        members.iter().filter(|(target, _)| applies(*target, subject)).map(|(_, pattern)| *pattern).collect()
    }
}
