//! Feeds whose metadata was changed at random and is signed as if it were right: whatever ours makes of it, `tough`
//! must not be stricter where both look.

use std::fs;

use anyhow::{Context as _, ensure};
use candor_fixtures::feed::{self, Built, Plan};

use super::peer::{Peer, lay_out};
use super::verifier::Machine;
use crate::random::Random;

const CLOCK: &str = "2026-11-25T12:00:00Z";

/// Pieces of JSON that are put in, beside bytes.
const PIECES: [&str; 12] =
    ["\"", "{}", "[]", ",", ":", "0", "99999999999999999999", "1.5", "-1", "null", " ", "\"x\":1,"];

/// Changes so many feeds, and says what came of them.
pub(super) fn compare(peer: &Peer, count: u32, seed: u64) -> anyhow::Result<String> {
    let mut random = Random::new(seed);
    let plan = Plan::default();
    let good = feed::build(&plan, CLOCK, None, None);
    let policy = feed::policy("", &plan.log.name, false);
    let (mut both_in, mut both_out, mut only_theirs) = (0_u32, 0_u32, 0_u32);
    for number in 0..count {
        let mut changed = plan.clone();
        let role = *random.pick(&["timestamp.json", "2.snapshot.json", "2.targets.json", "1.root.json"]);
        let was = signed(&good, role)?;
        let edit = vec![[was.clone(), change(&was, &mut random)]];
        if edit.iter().any(|[from, to]| from == to) {
            continue;
        }
        match role {
            "timestamp.json" => changed.timestamp.edit = edit,
            "2.snapshot.json" => changed.snapshot.edit = edit,
            "2.targets.json" => changed.targets.edit = edit,
            _ => changed.roots.first_mut().context("a root")?.edit = edit,
        }
        let built = feed::build(&changed, CLOCK, None, None);
        let root = &built.files["1.root.json"];
        let ours = match Machine::new(root, None, &policy, CLOCK) {
            Ok(mut machine) => machine.look(&built, None).err(),
            Err(error) => Some(error.to_string()),
        };
        let place = tempfile::tempdir()?;
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path("datastore"))?;
        fs::write(path("root.json"), root)?;
        lay_out(&built, &path("feed"))?;
        let theirs = peer.read(CLOCK, &path("root.json"), &path("datastore"), &path("feed"))?.err();
        match (&ours, &theirs) {
            (None, None) => both_in += 1,
            (Some(_), Some(_)) => both_out += 1,
            (Some(_), None) => only_theirs += 1,
            (None, Some(theirs)) => {
                let text = String::from_utf8_lossy(&built.files[role]).into_owned();
                anyhow::bail!("{number}, {role}: ours lets it in, and tough says {theirs}: {text}");
            }
        }
    }
    ensure!(both_out > 0, "nothing was changed that matters");
    Ok(format!(
        "changed at random: {both_in} let in by both, {both_out} refused by both, {only_theirs} refused by ours alone"
    ))
}

/// What is signed of a file.
fn signed(feed: &Built, file: &str) -> anyhow::Result<String> {
    let text = String::from_utf8(feed.files.get(file).with_context(|| file.to_owned())?.clone())?;
    let (_, signed) = text.split_once("],\"signed\":").context("signatures come first")?;
    Ok(signed.strip_suffix('}').context("an object")?.to_owned())
}

/// One to three changes that leave it ASCII.
fn change(text: &str, random: &mut Random) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.range(1, 3) {
        let place = random.range(0, bytes.len() - 1);
        match random.range(0, 4) {
            // A digit for a digit: what stays well-formed is where two readers differ.
            0 | 1 => {
                let digits: Vec<usize> =
                    (0..bytes.len()).filter(|at| bytes[*at].is_ascii_hexdigit()).collect();
                bytes[*random.pick(&digits)] = *random.pick(b"0123456789abcdef");
            }
            2 => drop(bytes.remove(place)),
            3 => drop(bytes.splice(place..place, random.pick(&PIECES).bytes())),
            _ => {
                let end = (place + random.range(1, 40)).min(bytes.len());
                let copy = bytes[place..end].to_vec();
                drop(bytes.splice(end..end, copy));
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}
