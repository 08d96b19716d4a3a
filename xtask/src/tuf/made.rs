//! Releases that `tough` made and signed, read by ours.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, bail, ensure};
use candor_fixtures::feed::{self, Built, Plan};
use candor_update::feed::release::{Contents, pack};
use candor_update::log::Hash;

use super::peer::{Peer, lay_out};
use super::verifier::Machine;

const CLOCK: &str = "2026-11-25T12:00:00Z";
const POLICY: &str = "version = 1\nfeed = \"example.com/feed\"\n[log]\nrequired = false\n";

/// Lets `tough` make release 3, and shows it to both.
pub(super) fn compare(peer: &Peer) -> anyhow::Result<String> {
    let before = feed::build(&Plan::default(), CLOCK, None, None);
    let place = tempfile::tempdir()?;
    let path = |name: &str| place.path().join(name);
    lay_out(&before, &path("before"))?;
    let contents = Contents {
        feed: "example.com/feed".to_owned(),
        archive: feed::ARCHIVE.to_owned(),
        release: 3,
        members: vec![("daily.ndb".to_owned(), b"Test.Made:0:*:badc0de0badc0de0\n".to_vec())],
        ..Contents::default()
    };
    let archive = pack(&contents)?;
    fs::create_dir(path("in"))?;
    let file = path("in").join(feed::ARCHIVE);
    fs::write(&file, &archive)?;
    let mut keys = String::new();
    for name in ["content-1", "content-2", "online"] {
        let digits: String = feed::key(name).to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        keys.push_str(&format!("{digits}\n"));
    }
    fs::write(path("keys"), keys)?;
    let root = path("before").join("1.root.json");
    peer.write(CLOCK, &[&root, &path("keys"), &path("out"), "3".as_ref(), &file])?;

    let machine = || -> anyhow::Result<Machine> {
        let mut machine = Machine::new(&before.files["1.root.json"], None, POLICY, CLOCK)?;
        match machine.look(&before, None) {
            Ok(Some(2)) => Ok(machine),
            other => bail!("release 2 is not let in: {other:?}"),
        }
    };
    let mut canonical = Built { carried: true, ..Built::default() };
    for entry in fs::read_dir(path("out").join("canonical"))? {
        let entry = entry?;
        canonical.files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
    }
    let made: Vec<String> = canonical.files.keys().cloned().collect();
    canonical.files.insert(format!("targets/{}.{}", Hash::of(&archive), feed::ARCHIVE), archive);
    match machine()?.look(&canonical, None) {
        Ok(Some(3)) => (),
        other => bail!("what tough made and signed is not let in: {other:?}"),
    }
    lay_out(&canonical, &path("canonical"))?;
    fs::create_dir(path("datastore"))?;
    fs::copy(&root, path("canonical").join("1.root.json"))?;
    let theirs = peer.read(CLOCK, &root, &path("datastore"), &path("canonical"))?;
    ensure!(theirs == Ok(3), "tough does not let in what it made: {theirs:?}");

    // Every bit that a mirror changes is seen, whoever signed.
    let mut changes = 0_u32;
    for name in &made {
        let good = canonical.files[name].clone();
        for at in 0..good.len() {
            let mut changed = canonical.clone();
            changed.files.get_mut(name).context("a file")?[at] ^= 1;
            ensure!(machine()?.look(&changed, None).is_err(), "byte {at} of {name} can be changed");
            changes += 1;
        }
    }

    // As the editor writes it by itself, it is spelt in another way: refused before anything is read into it.
    let mut plain = BTreeMap::new();
    for name in ["timestamp.json", "3.snapshot.json", "3.targets.json"] {
        plain.insert(name.to_owned(), fs::read(path("out").join("plain").join(name))?);
    }
    let plain = Built { files: plain, carried: true };
    let refused = machine()?.look(&plain, None);
    let said = refused.err().context("another spelling is let in")?;
    ensure!(said.contains("canonical"), "another spelling is refused for another reason: {said}");
    let theirs = peer.read(CLOCK, &root, &path("datastore"), &path("out").join("plain"))?;
    ensure!(theirs == Ok(3), "tough does not let in what its editor wrote: {theirs:?}");
    Ok(format!("made by tough: let in, and each of {changes} changes of a byte refused"))
}
