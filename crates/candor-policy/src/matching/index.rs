//! The index of all identifiers: a tree of parts for each surface, and a table for subjects of certificates.
//!
//! Looking a value up follows its parts. At each node there is one look-up for the plain part, and a handful for
//! shapes: these are sorted by how they begin (up to three bytes) or end (their extension), so that a part meets
//! only those that could fit.

use std::collections::HashMap;

use super::Known;
use super::glob::{Glob, is_glob};
use super::subject::Subject;
use super::value::{parts, pattern};
use crate::inventory::Surface;
use crate::vendor::Platform;

/// All identifiers of a policy.
#[derive(Debug, Default)]
pub(crate) struct Index {
    trees: HashMap<Surface, Tree>,
    subjects: HashMap<(Surface, String, String), Vec<(Subject, usize)>>,
}

/// A tree of parts.
#[derive(Debug, Default)]
struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    plain: HashMap<String, usize>,
    shaped: Shapes,
    /// Identifiers that end here.
    ends: Vec<End>,
    /// Identifiers that are of everything from here on.
    rests: Vec<End>,
}

#[derive(Debug, Default)]
struct Shapes {
    by_beginning: HashMap<Vec<u8>, Vec<(Glob, usize)>>,
    by_extension: HashMap<Vec<u8>, Vec<(Glob, usize)>>,
    others: Vec<(Glob, usize)>,
}

#[derive(Clone, Debug)]
struct End {
    known: usize,
    /// The parts as written, where case matters.
    exactly: Option<Vec<String>>,
}

/// Bytes of a beginning that shapes are sorted by.
const BEGINNING: usize = 3;

/// Folders that hold the folders of users.
const HOMES: [&str; 2] = ["home", "users"];

impl Index {
    pub(super) fn insert(&mut self, number: usize, known: &Known) {
        if matches!(known.surface, Surface::AuthenticodeSubject | Surface::RootSubject) {
            let subject = Subject::parse(&known.value);
            if let Some((attribute, value)) = subject.key() {
                let key = (known.surface, attribute.to_owned(), value.to_owned());
                self.subjects.entry(key).or_default().push((subject, number));
            }
            return;
        }
        let pattern = pattern(known.surface, &known.value);
        let tree = self.trees.entry(known.surface).or_default();
        let end = End { known: number, exactly: matters(known).then(|| pattern.written.clone()) };
        tree.insert(&pattern.parts, pattern.rest, end.clone());
        // Package managers also give the last 16 digits of a key.
        if known.surface == Surface::PackageKey
            && let Some(short) =
                pattern.parts.first().and_then(|digits| digits.get(digits.len().checked_sub(16)?..))
        {
            tree.insert(&[short.to_owned()], false, end);
        }
    }

    /// Adds the identifiers that a value is.
    pub(super) fn look_up(&self, surface: Surface, value: &str, found: &mut Vec<usize>) {
        if matches!(surface, Surface::AuthenticodeSubject | Surface::RootSubject) {
            let subject = Subject::parse(value);
            for (attribute, text) in subject.attributes() {
                let key = (surface, attribute.to_owned(), text.to_owned());
                let candidates = self.subjects.get(&key).map(Vec::as_slice).unwrap_or_default();
                found.extend(
                    candidates
                        .iter()
                        .filter(|(wanted, _)| subject.contains(wanted))
                        .map(|(_, number)| *number),
                );
            }
            return;
        }
        let Some(tree) = self.trees.get(&surface) else { return };
        let parts = parts(surface, value);
        if parts.lower.is_empty() {
            return;
        }
        tree.look_up(0, &parts.lower, &parts.written, 0, found);
        if surface == Surface::Path
            && let Some(below) = below_home(&parts.lower)
        {
            // Identifiers below anybody's home begin with `~`.
            let home = |parts: &[String]| -> Vec<String> {
                std::iter::once(String::from("~")).chain(parts.iter().skip(below).cloned()).collect()
            };
            tree.look_up(0, &home(&parts.lower), &home(&parts.written), 0, found);
        }
    }

    /// Whether something below a folder could be known: the parts lead into the tree of paths.
    pub(super) fn leads_to(&self, path: &str) -> bool {
        let Some(tree) = self.trees.get(&Surface::Path) else { return false };
        let parts = parts(Surface::Path, path).lower;
        let home = below_home(&parts).map(|below| {
            std::iter::once(String::from("~")).chain(parts.iter().skip(below).cloned()).collect::<Vec<_>>()
        });
        tree.is_inside(0, &parts) || home.is_some_and(|parts| tree.is_inside(0, &parts))
    }
}

/// How many parts stand before what is below a home.
fn below_home(parts: &[String]) -> Option<usize> {
    match parts.first().map(String::as_str) {
        Some("root") => Some(1),
        Some(first) if HOMES.contains(&first) && parts.len() > 1 => Some(2),
        _ => None,
    }
}

/// Whether case matters: where systems tell names apart by it.
fn matters(known: &Known) -> bool {
    match known.surface {
        Surface::AppleTeam
        | Surface::AndroidPackage
        | Surface::LinuxPackage
        | Surface::LogEvent
        | Surface::SystemdUnit => true,
        Surface::Path | Surface::FileName => known.platform == Some(Platform::Linux),
        _ => false,
    }
}

impl Tree {
    fn insert(&mut self, parts: &[String], rest: bool, end: End) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut at = 0;
        for part in parts {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = node.child(part, next);
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            if rest { node.rests.push(end) } else { node.ends.push(end) }
        }
    }

    fn look_up(&self, at: usize, parts: &[String], written: &[String], depth: usize, found: &mut Vec<usize>) {
        let Some(node) = self.nodes.get(at) else { return };
        let is_right = |end: &&End| end.exactly.as_ref().is_none_or(|exactly| fits(exactly, written));
        found.extend(node.rests.iter().filter(is_right).map(|end| end.known));
        let Some(part) = parts.get(depth) else {
            found.extend(node.ends.iter().filter(is_right).map(|end| end.known));
            return;
        };
        let next = depth.saturating_add(1);
        if let Some(child) = node.plain.get(part.as_str()) {
            self.look_up(*child, parts, written, next, found);
        }
        node.shaped.each(part, &mut |child| self.look_up(child, parts, written, next, found));
    }

    fn is_inside(&self, at: usize, parts: &[String]) -> bool {
        let Some(node) = self.nodes.get(at) else { return false };
        let Some((part, rest)) = parts.split_first() else { return true };
        if !node.rests.is_empty() {
            return true;
        }
        if node.plain.get(part.as_str()).is_some_and(|child| self.is_inside(*child, rest)) {
            return true;
        }
        let mut is_inside = false;
        node.shaped.each(part, &mut |child| is_inside |= self.is_inside(child, rest));
        is_inside
    }
}

/// Whether the parts of an identifier are those of a value, case and all.
fn fits(exactly: &[String], written: &[String]) -> bool {
    exactly.iter().zip(written).all(|(wanted, is)| match Glob::new(wanted) {
        Some(glob) => glob.matches(is),
        None => wanted == is || wanted == "~",
    })
}

impl Node {
    /// The node of a part; `next` when there is none yet.
    fn child(&mut self, part: &str, next: usize) -> usize {
        if !is_glob(part) {
            return *self.plain.entry(part.to_owned()).or_insert(next);
        }
        let Some(glob) = Glob::new(part) else { return next };
        let beginning = glob.beginning(BEGINNING);
        let list = if !beginning.is_empty() {
            self.shaped.by_beginning.entry(beginning.to_vec()).or_default()
        } else if let Some(extension) = glob.extension() {
            self.shaped.by_extension.entry(extension.to_vec()).or_default()
        } else {
            &mut self.shaped.others
        };
        if let Some((_, child)) = list.iter().find(|(held, _)| *held == glob) {
            return *child;
        }
        list.push((glob, next));
        next
    }
}

impl Shapes {
    /// Calls `take` with the node of each shape that the part has.
    fn each(&self, part: &str, take: &mut dyn FnMut(usize)) {
        let bytes = part.as_bytes();
        let mut list = |shapes: Option<&Vec<(Glob, usize)>>| {
            for (glob, child) in shapes.map(Vec::as_slice).unwrap_or_default() {
                if glob.matches(part) {
                    take(*child);
                }
            }
        };
        for length in 1..=BEGINNING {
            list(bytes.get(..length).and_then(|beginning| self.by_beginning.get(beginning)));
        }
        let extension =
            bytes.iter().rposition(|byte| *byte == b'.').and_then(|dot| bytes.get(dot.saturating_add(1)..));
        list(extension.and_then(|extension| self.by_extension.get(extension)));
        list(Some(&self.others));
    }
}
