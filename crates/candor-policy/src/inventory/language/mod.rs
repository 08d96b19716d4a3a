//! Packages of programming languages: lock files, and what is installed.
//!
//! A name that contains a vendor's is no product of that vendor: what is told is the coordinates, as a package
//! URL, and nothing else that could be matched by chance.

mod java;
mod javascript;
mod python;
mod rust;

pub(super) use java::{archive, gradle, pom, properties};
pub(super) use javascript::{package_json, package_lock, pnpm_lock, yarn_lock};
pub(super) use python::{metadata, requirements};
pub(super) use rust::{cargo, toml_lock};

use super::{Item, ItemKind, Surface};

/// A component by its coordinates. `kind` is the type of a package URL.
pub(super) fn component(kind: &str, namespace: &str, name: &str, version: &str) -> Item {
    let slash = if namespace.is_empty() { "" } else { "/" };
    let whole = format!("{namespace}{slash}{name}");
    // Only what would end the name has to be written otherwise.
    let path: String = whole
        .chars()
        .map(|character| match character {
            '@' => "%40".to_owned(),
            '?' => "%3F".to_owned(),
            '#' => "%23".to_owned(),
            '%' => "%25".to_owned(),
            ' ' => "%20".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let at = if version.is_empty() { String::new() } else { format!("@{version}") };
    Item::new(ItemKind::Component, &whole)
        .with_version(version)
        .with(Surface::PackageUrl, &format!("pkg:{kind}/{path}{at}"))
}
