//! The cases of `testdata/feeds`, shown to both.

use std::fs;

use anyhow::Context as _;
use candor_fixtures::feed::{self, Case};

use super::BEYOND;
use super::peer::{Peer, lay_out};
use super::verifier::Machine;

/// What came of a case: why it is refused, if it is.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) ours: Option<String>,
    pub(super) theirs: Option<String>,
}

impl Row {
    /// What of this attack the other does not look at.
    pub(super) fn beyond(&self) -> Option<&'static str> {
        BEYOND.iter().find(|(start, _)| self.name.starts_with(start)).map(|(_, why)| *why)
    }
}

/// Shows every case to both.
pub(super) fn compare(peer: &Peer) -> anyhow::Result<Vec<Row>> {
    let mut names = Vec::new();
    let folder = crate::root()?.join("testdata/feeds");
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let mut rows = Vec::new();
    for name in names {
        let text = fs::read_to_string(folder.join(&name).join("case.toml"))?;
        let case: Case = toml::from_str(&text).with_context(|| name.clone())?;
        rows.push(one(peer, name.clone(), &case).with_context(|| name)?);
    }
    Ok(rows)
}

fn one(peer: &Peer, name: String, case: &Case) -> anyhow::Result<Row> {
    let plan = case.before.clone().unwrap_or_default();
    let before = feed::build(&plan, &case.clock, None, None);
    let other = case.other.as_ref().map(|other| feed::build(other, &case.clock, None, None));
    let mut now = feed::build(&case.now, &case.clock, Some(&before), other.as_ref());
    now.carried = !case.network;
    let cosigner = case.cosigner.as_ref().map(|plan| feed::build(plan, &case.clock, None, None));
    let first = if case.before.is_some() { &before } else { &now };
    let root = first.files.get("1.root.json").context("a first root")?;

    let policy = feed::policy(&case.policy, &plan.log.name, cosigner.is_some());
    let early = feed::policy("", &plan.log.name, false);
    let mut machine = Machine::new(root, cosigner.as_ref(), &early, &case.clock)?;
    let place = tempfile::tempdir()?;
    let path = |name: &str| place.path().join(name);
    fs::create_dir(path("datastore"))?;
    fs::write(path("root.json"), root)?;
    let theirs = |folder: &str| {
        peer.read(&case.clock, &path("root.json"), &path("datastore"), &path(folder)).map(Result::err)
    };
    if case.before.is_some() {
        lay_out(&before, &path("before"))?;
        let ours = machine.look(&before, None);
        anyhow::ensure!(ours.is_ok(), "the feed is refused before it is attacked: {ours:?}");
        let theirs = theirs("before")?;
        anyhow::ensure!(theirs.is_none(), "tough refuses the feed before it is attacked: {theirs:?}");
    }
    machine.policy = candor_update::policy::Policy::parse(&policy)?;
    lay_out(&now, &path("now"))?;
    let ours = machine.look(&now, cosigner.as_ref()).err();
    Ok(Row { name, ours, theirs: theirs("now")? })
}
