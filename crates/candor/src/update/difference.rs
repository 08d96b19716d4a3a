//! What a release changed, signature by signature.
//!
//! Signatures are compared as they are written, so that one whose name stayed and whose pattern did not shows. They are hostile bytes;
//! this happens in a process that can read two generations, and nothing else.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use candor_sandbox::{Rooms, stage};
use candor_signature::Input;
use candor_signature::clamav::open_container;
use candor_update::generation::Record;
use serde::{Deserialize, Serialize};

use crate::escape::Escaped;

/// How long comparing may take.
const TIME: Duration = Duration::from_secs(600);

/// Signatures that are told one by one, of each kind. Beyond that they are counted.
const MOST_TOLD: usize = 100_000;

/// What differs between two generations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// Signatures that are new.
    pub(crate) added: Vec<Written>,
    /// Signatures that are gone.
    pub(crate) removed: Vec<Written>,
    /// Signatures that say something else under the same name.
    pub(crate) changed: Vec<Written>,
    /// How many there are of each of the three.
    pub(crate) counts: [u64; 3],
    /// Members that could not be taken apart.
    pub(crate) opaque: Vec<String>,
}

/// Where a signature is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Written {
    /// Its name.
    pub(crate) name: String,
    /// The file.
    pub(crate) file: String,
    /// The line, from 1.
    pub(crate) line: u64,
}

/// A generation: its directory and its record.
pub(crate) type Side<'a> = (&'a Path, &'a Record);

/// Compares two generations.
///
/// # Errors
/// They cannot be read.
pub(crate) fn difference(a: Side<'_>, b: Side<'_>, is_confined: bool) -> anyhow::Result<Difference> {
    if !is_confined {
        return Ok(compare(a, b));
    }
    let rooms = Rooms { reads: &[a.0, b.0], writes: &[] };
    let said = stage(&rooms, TIME, || serde_json::to_vec(&compare(a, b)).unwrap_or_default())?;
    serde_json::from_slice(&said).context("what the process says is no answer")
}

/// Members that are in one of them and not in the other, or differ.
fn differing(one: Side<'_>, other: Side<'_>) -> Vec<(String, PathBuf)> {
    let mut members = Vec::new();
    for content in &one.1.contents {
        let candidate = &content.candidate;
        let others = other.1.content(&candidate.source);
        for member in &candidate.members {
            let is_there = others.is_some_and(|others| {
                let same = |known: &&candor_update::Member| known.name == member.name;
                others.candidate.members.iter().find(same).is_some_and(|known| known.sha256 == member.sha256)
            });
            if !is_there {
                let path = one.0.join(&candidate.directory).join(&member.name);
                members.push((format!("{}/{}", candidate.source, member.name), path));
            }
        }
    }
    members
}

fn compare(a: Side<'_>, b: Side<'_>) -> Difference {
    let mut difference = Difference::default();
    let (old, new) = (differing(a, b), differing(b, a));
    let keys = RandomState::new();
    let mut lines_of = |members: &[(String, PathBuf)], take: &mut dyn FnMut(&str, u64, &[u8])| {
        for (name, path) in members {
            if !lines(name, path, take) && !difference.opaque.contains(name) {
                difference.opaque.push(name.clone());
            }
        }
    };
    // Where a file lies may change without a change of what it says.
    let mark = |file: &str, line: &[u8]| keys.hash_one((inner(file), line));
    let mut sets: [HashSet<u64>; 2] = [HashSet::new(), HashSet::new()];
    for (set, members) in sets.iter_mut().zip([&old, &new]) {
        lines_of(members, &mut |file, _, line| {
            set.insert(mark(file, line));
        });
    }
    let [old_marks, new_marks] = &sets;
    let (mut removed, mut added) = (BTreeMap::new(), BTreeMap::new());
    for (members, others, found) in [(&old, new_marks, &mut removed), (&new, old_marks, &mut added)] {
        lines_of(members, &mut |file, number, line| {
            if !others.contains(&mark(file, line)) {
                let written = Written { name: name(file, line), file: file.to_owned(), line: number };
                found.entry((written.name.clone(), inner(file).to_owned(), number)).or_insert(written);
            }
        });
    }
    let names: HashSet<(String, String)> =
        removed.keys().map(|(name, file, _)| (name.clone(), file.clone())).collect();
    let mut both = HashSet::new();
    for ((name, file, _), written) in added {
        let key = (name, file);
        if names.contains(&key) {
            difference.note(2, written);
            both.insert(key);
        } else {
            difference.note(0, written);
        }
    }
    for ((name, file, _), written) in removed {
        if !both.contains(&(name, file)) {
            difference.note(1, written);
        }
    }
    difference
}

impl Difference {
    fn note(&mut self, kind: usize, written: Written) {
        let list = match kind {
            0 => &mut self.added,
            1 => &mut self.removed,
            _ => &mut self.changed,
        };
        self.counts[kind] += 1;
        if list.len() < MOST_TOLD {
            list.push(written);
        }
    }
}

/// The file itself, wherever it lies: `daily.ndb` of `clamav/daily.cvd/daily.ndb`.
fn inner(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Gives the lines of a member, with the file that they are in and their numbers; says whether it could.
fn lines(name: &str, path: &Path, take: &mut dyn FnMut(&str, u64, &[u8])) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    let is_container = ["cvd", "cld", "cud"]
        .iter()
        .any(|known| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(known)));
    if !is_container {
        each_line(name, &bytes, take);
        return true;
    }
    let Ok(opened) = open_container(&Input { name: inner(name), bytes: &bytes }) else { return false };
    for member in opened.members {
        let file = format!("{name}/{}", member.name);
        each_line(&file, &member.bytes, take);
    }
    true
}

fn each_line(file: &str, bytes: &[u8], take: &mut dyn FnMut(&str, u64, &[u8])) {
    if [".yar", ".yara"].iter().any(|end| file.to_ascii_lowercase().ends_with(end)) {
        each_rule(file, bytes, take);
        return;
    }
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() && !line.starts_with(b"#") {
            take(file, number, line);
        }
    }
}

/// Rules are compared as a whole, from the line that one begins with to the next; what stands before the first, line
/// by line. Blanks and comments behind a rule are not of it.
fn each_rule(file: &str, bytes: &[u8], take: &mut dyn FnMut(&str, u64, &[u8])) {
    let mut rule: Option<(u64, Vec<&[u8]>)> = None;
    let mut give = |rule: Option<(u64, Vec<&[u8]>)>| {
        let Some((number, mut lines)) = rule else { return };
        while lines.last().is_some_and(|line| is_blank(line)) {
            lines.pop();
        }
        take(file, number, &lines.join(&b'\n'));
    };
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        match &mut rule {
            _ if rule_name(line).is_some() => give(rule.replace((number, vec![line]))),
            Some((_, lines)) => lines.push(line),
            None if is_blank(line) => (),
            None => give(Some((number, vec![line]))),
        }
    }
    give(rule);
}

/// Whether a line of rules says nothing.
fn is_blank(line: &[u8]) -> bool {
    line.is_empty() || line.starts_with(b"//")
}

/// The name of the rule that begins with this line: behind `rule`, before which `private` and `global` may stand.
fn rule_name(line: &[u8]) -> Option<&[u8]> {
    let mut rest = line;
    loop {
        let end = rest.iter().position(|byte| byte.is_ascii_whitespace())?;
        let (word, behind) = rest.split_at(end);
        rest = behind.trim_ascii_start();
        match word {
            b"private" | b"global" => (),
            b"rule" => break,
            _ => return None,
        }
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = rest.iter().position(|byte| !is_name(byte)).unwrap_or(rest.len());
    rest.get(..end).filter(|name| !name.is_empty())
}

/// The name of a signature, where its language says that it stands.
fn name(file: &str, line: &[u8]) -> String {
    let extension = file.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let (separator, place) = match extension.as_str() {
        "ldb" | "ldu" | "idb" => (b';', 0),
        "hdb" | "hdu" | "hsb" | "hsu" | "mdb" | "mdu" | "msb" | "msu" | "imp" | "fp" | "sfp" => (b':', 2),
        "db" => (b'=', 0),
        "yar" | "yara" => {
            if let Some(name) = rule_name(line) {
                return format!("YARA.{}", Escaped(name));
            }
            (b'\n', 0)
        }
        "info" | "cfg" => (b'\n', 0),
        _ => (b':', 0),
    };
    let field = line.split(|byte| *byte == separator).nth(place).unwrap_or(line);
    Escaped(field.get(..200).unwrap_or(field)).to_string()
}

#[cfg(test)]
mod tests {
    use candor_update::generation::{Allowed, Built, Content, Trial, digest};
    use candor_update::{Candidate, Member, MemberClass, Provenance};

    use super::*;

    fn side(place: &Path, number: u64, files: &[(&str, &str)]) -> (PathBuf, Record) {
        let root = place.join(number.to_string());
        let directory = PathBuf::from("members/local");
        std::fs::create_dir_all(root.join(&directory)).unwrap();
        let mut members = Vec::new();
        for (name, text) in files {
            std::fs::write(root.join(&directory).join(name), text).unwrap();
            let member = |sha256| Member {
                name: (*name).to_owned(),
                class: MemberClass::Signatures,
                length: text.len() as u64,
                sha256,
            };
            let sha256 = digest(&[member((*text).to_owned())]);
            members.push(member(sha256));
        }
        let candidate = Candidate {
            source: String::from("local"),
            version: number,
            directory,
            members,
            provenance: Provenance::Local,
            expectations: Vec::new(),
        };
        let record = Record {
            format: 1,
            generation: number,
            made: 0,
            previous: None,
            contents: vec![Content::new(candidate, 0)],
            image: Built::default(),
            trial: Trial::default(),
            allowed: Allowed::default(),
        };
        (root, record)
    }

    #[test]
    fn what_changed_is_told_signature_by_signature() {
        let place = tempfile::tempdir().unwrap();
        let old = [
            ("a.ndb", "One:0:*:6161\nTwo:0:*:6262\nThree:0:*:6363\n"),
            ("b.hdb", "00:5:Four\n"),
            ("same.ldb", "Same;Target:0;0;6161\n"),
        ];
        let new = [
            ("a.ndb", "# moved\nThree:0:*:6363\nOne:0:*:6464\n"),
            ("c.hdb", "00:5:Five\n"),
            ("same.ldb", "Same;Target:0;0;6161\n"),
        ];
        let (a, b) = (side(place.path(), 1, &old), side(place.path(), 2, &new));
        for is_confined in [true, false] {
            let found = difference((&a.0, &a.1), (&b.0, &b.1), is_confined).unwrap();
            let names = |written: &[Written]| -> Vec<String> {
                written
                    .iter()
                    .map(|written| format!("{} {}:{}", written.name, written.file, written.line))
                    .collect()
            };
            assert_eq!(names(&found.added), ["Five local/c.hdb:1"]);
            assert_eq!(names(&found.removed), ["Four local/b.hdb:1", "Two local/a.ndb:2"]);
            assert_eq!(names(&found.changed), ["One local/a.ndb:3"]);
            assert_eq!(found.counts, [1, 2, 1]);
        }
        let none = difference((&a.0, &a.1), (&a.0, &a.1), true).unwrap();
        assert_eq!(none, Difference::default());
    }

    #[test]
    fn what_changed_is_told_rule_by_rule() {
        let place = tempfile::tempdir().unwrap();
        let old = "import \"pe\"\n\n// first\nrule One : tag { condition: true }\nprivate rule Two\n{\n  strings: $a = \"a\"\n  condition: $a\n}\n\nrule Three { condition: Two }\n";
        let new = "import \"pe\"\r\nrule Three { condition: Two }\r\n\r\n// moved\r\nprivate rule Two\r\n{\r\n  strings: $a = \"b\"\r\n  condition: $a\r\n}\r\nglobal private rule Four{ condition: true }\r\n";
        let (a, b) = (side(place.path(), 1, &[("a.yar", old)]), side(place.path(), 2, &[("a.yar", new)]));
        let found = difference((&a.0, &a.1), (&b.0, &b.1), false).unwrap();
        let names = |written: &[Written]| -> Vec<String> {
            written.iter().map(|written| format!("{}:{}", written.name, written.line)).collect()
        };
        assert_eq!(names(&found.added), ["YARA.Four:10"]);
        assert_eq!(names(&found.removed), ["YARA.One:4"]);
        assert_eq!(names(&found.changed), ["YARA.Two:5"]);
    }

    #[test]
    fn a_container_that_cannot_be_opened_is_told() {
        let place = tempfile::tempdir().unwrap();
        let a = side(place.path(), 1, &[("daily.cvd", "no container")]);
        let b = side(place.path(), 2, &[("daily.cvd", "no container either")]);
        let found = difference((&a.0, &a.1), (&b.0, &b.1), false).unwrap();
        assert_eq!(found.opaque, ["local/daily.cvd"]);
    }
}
