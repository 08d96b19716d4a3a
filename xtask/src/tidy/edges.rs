//! Which crate may use which. What a hostile file can reach follows from this table, so it is closed:
//! a crate that is not in it is a complaint.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Complaints;

/// Crates of the product, and those of them that each may use. Tests and build scripts are free.
const ALLOWED: [(&str, &[&str]); 15] = [
    ("candor-model", &[]),
    ("candor-identify", &["candor-model"]),
    ("candor-unpack", &["candor-identify", "candor-model"]),
    ("candor-database", &["candor-model"]),
    ("candor-signature", &["candor-database", "candor-model"]),
    ("candor-engine", &["candor-identify", "candor-unpack", "candor-database", "candor-model"]),
    ("candor-protocol", &["candor-model"]),
    ("candor-sandbox", &["candor-engine", "candor-database", "candor-model"]),
    ("candor-update", &["candor-signature", "candor-database", "candor-model"]),
    ("candor-policy", &["candor-identify", "candor-unpack", "candor-model"]),
    ("candor-fetch", &["candor-update", "candor-sandbox", "candor-model"]),
    ("candor-token", &[]),
    (
        "candor",
        &[
            "candor-update",
            "candor-policy",
            "candor-sandbox",
            "candor-engine",
            "candor-signature",
            "candor-database",
            "candor-unpack",
            "candor-identify",
            "candor-model",
        ],
    ),
    (
        "candord",
        &[
            "candor",
            "candor-update",
            "candor-policy",
            "candor-sandbox",
            "candor-protocol",
            "candor-engine",
            "candor-signature",
            "candor-database",
            "candor-model",
        ],
    ),
    (
        "candor-clamav",
        &[
            "candord",
            "candor",
            "candor-update",
            "candor-policy",
            "candor-sandbox",
            "candor-protocol",
            "candor-engine",
            "candor-signature",
            "candor-database",
            "candor-unpack",
            "candor-identify",
            "candor-model",
        ],
    ),
];

/// They may speak to the user and to the system as they need to.
const PROGRAMS: [&str; 5] = ["candor", "candord", "candor-clamav", "candor-fetch", "candor-token"];

/// For development only: they may use anything, and nothing of the product may use them.
const DEVELOPMENT: [&str; 2] = ["candor-fixtures", "xtask"];

/// The library whose task is to deal with the operating system.
const SYSTEM: &str = "candor-sandbox";

/// The program that opens connections, and crates that others of the product must not have, however they came to them.
const FETCHER: &str = "candor-fetch";
const CLIENTS: [&str; 15] = [
    "attohttpc",
    "curl",
    "hickory-proto",
    "hickory-resolver",
    "hyper",
    "isahc",
    "minreq",
    "native-tls",
    "openssl",
    "quinn",
    "reqwest",
    "simple-dns",
    "surf",
    "trust-dns-resolver",
    "ureq",
];

/// Crates that would let a library do what only a program may.
const PROGRAMS_ONLY: [&str; 3] = ["anyhow", "clap", "rustix"];

/// What opens connections is a program of its own: none of the others has the means.
fn clients(root: &Path, complaints: &mut Complaints) -> anyhow::Result<()> {
    let mut command = MetadataCommand::new();
    // What is for other systems was never downloaded on a fresh machine.
    let options = ["--offline", "--filter-platform", &crate::host()?].map(String::from);
    command.manifest_path(root.join("Cargo.toml")).other_options(options.to_vec());
    let metadata = command.exec().context("cargo metadata")?;
    let resolve = metadata.resolve.as_ref().context("cargo metadata tells no dependencies")?;
    for program in PROGRAMS.into_iter().filter(|program| *program != FETCHER) {
        let start = metadata.packages.iter().find(|package| package.name.as_str() == program);
        let mut left: Vec<_> = start.map(|package| package.id.clone()).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = left.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            let Some(node) = resolve.nodes.iter().find(|node| node.id == id) else { continue };
            let is_part = |kinds: &[cargo_metadata::DepKindInfo]| {
                kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
            };
            left.extend(
                node.deps.iter().filter(|used| is_part(&used.dep_kinds)).map(|used| used.pkg.clone()),
            );
        }
        let names = metadata.packages.iter().filter(|package| seen.contains(&package.id));
        for name in names.map(|package| package.name.as_str()).filter(|name| CLIENTS.contains(name)) {
            complaints.push(format!("{program}: has {name}, which opens connections; only {FETCHER} may"));
        }
    }
    Ok(())
}

pub(super) fn check(root: &Path) -> anyhow::Result<Complaints> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root.join("Cargo.toml")).no_deps();
    let metadata = command.exec().context("cargo metadata")?;
    let members: BTreeSet<String> =
        metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let mut complaints = Complaints::new();
    clients(root, &mut complaints)?;
    for package in &metadata.packages {
        let name = package.name.as_str();
        let manifest = std::fs::read_to_string(&package.manifest_path)?;
        if !manifest.contains("[lints]\nworkspace = true\n") {
            complaints.push(format!("{name}: its Cargo.toml does not take the lints of the workspace"));
        }
        if DEVELOPMENT.contains(&name) {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            complaints.push(format!("{name}: is not in the table of allowed dependencies"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|used| used.kind == DependencyKind::Normal) {
            let used = dependency.name.as_str();
            if members.contains(used) && !allowed.contains(&used) {
                complaints.push(format!("{name}: may not use {used}"));
            }
            let may = PROGRAMS.contains(&name) || (name == SYSTEM && used == "rustix");
            if PROGRAMS_ONLY.contains(&used) && !may {
                complaints.push(format!("{name}: {used} is for programs, not for libraries"));
            }
        }
    }
    Ok(complaints)
}
