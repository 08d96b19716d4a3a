//! A system that stands in one source: the layers of an image of a container, a volume of a disk. Its files come
//! one after the other, in any order, and go through the readers that their paths have.
//!
//! What belongs to a file and stands beside it (the log of a hive, the write-ahead log of a database) may come
//! later, so such files wait for the end, as far as there is room.

use std::collections::{BTreeMap, BTreeSet};

use super::items::{Beside, clean_state};
use super::{Coverage, CoverageState, Interest, Item, ItemKind, Items, Reader, plan};

/// Bytes of files that wait, and of what waits beside them.
const WAITING: usize = 512 << 20;
/// Bytes of one file that stands beside another.
const BESIDE: u64 = 128 << 20;
/// Bytes of paths of folders that are remembered.
const FOLDERS: usize = 64 << 20;
/// Items and words about sources that come of all of it: there are only so many that anybody takes.
const MOST: u32 = 280_000;
/// Bytes of the largest file that is unpacked for its reader.
const LARGEST: u64 = 384 << 20;

/// What comes of a system.
pub(super) enum Found {
    Item(Item),
    Coverage(Coverage),
}

/// Files of a system.
pub(super) struct Inside<'a, 'give> {
    /// What the source is called.
    name: &'a str,
    interest: &'a dyn Interest,
    give: &'give mut dyn FnMut(Found),
    /// In front of every path that is told: the volume, when there are several.
    part: String,
    /// What a path may be below besides the root: volumes of their own are mounted there.
    mounted: &'static [&'static str],
    left: u32,
    waiting: Vec<(String, Reader, Vec<u8>)>,
    beside: BTreeMap<String, Vec<u8>>,
    room: usize,
    folders: BTreeSet<String>,
    folders_left: usize,
    items: u64,
}

/// What is wanted of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Where it is in its system.
    pub(super) path: String,
    /// Its first bytes up to this many.
    pub(super) most: u64,
}

impl<'a, 'give> Inside<'a, 'give> {
    pub(super) fn new(name: &'a str, interest: &'a dyn Interest, give: &'give mut dyn FnMut(Found)) -> Self {
        Self {
            name,
            interest,
            give,
            part: String::new(),
            mounted: &[""],
            left: MOST,
            waiting: Vec::new(),
            beside: BTreeMap::new(),
            room: WAITING,
            folders: BTreeSet::new(),
            folders_left: FOLDERS,
            items: 0,
        }
    }

    /// Begins with a part of the source, whose paths may be below each of `mounted`.
    pub(super) fn begin(&mut self, part: &str, mounted: &'static [&'static str]) {
        self.part = if part.is_empty() { String::new() } else { format!("{part}/") };
        self.mounted = mounted;
        self.folders.clear();
        self.folders_left = FOLDERS;
        self.items = 0;
    }

    /// Items of the part so far.
    pub(super) const fn items(&self) -> u64 {
        self.items
    }

    /// Whether no more is taken.
    pub(super) const fn is_full(&self) -> bool {
        self.left == 0
    }

    /// What is wanted of the file at a path, which is told by its name alone where that matters.
    pub(super) fn wish(&mut self, path: &str) -> Option<Wish> {
        self.folders_of(path);
        // The root is where a volume is most likely, and a file is at one place only.
        for place in self.mounted {
            let placed = format!("{place}{path}");
            if self.interest.is_wanted(&placed, false) {
                self.named(ItemKind::File, &placed);
                return Some(Wish { path: placed, most: LARGEST });
            }
            if let Some(reader) = plan::reader_of(&placed) {
                return Some(Wish { path: placed, most: reader.most().min(LARGEST) });
            }
            if plan::is_beside(&placed) {
                return Some(Wish { path: placed, most: BESIDE });
            }
        }
        None
    }

    /// Takes what was wished for, and why it is not all of it.
    pub(super) fn file(&mut self, path: &str, content: &[u8], partial: Option<&str>) {
        let lower = path.to_ascii_lowercase();
        if plan::is_beside(path) {
            // Half a log is applied as far as it is whole; that is for whoever reads it.
            if let Some(room) = self.room.checked_sub(content.len()) {
                self.room = room;
                self.beside.insert(lower, content.to_vec());
            }
            return;
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some(reader) = plan::reader_of(path).or_else(|| plan::reader_for(name, content)) else { return };
        let may_wait = partial.is_none() && !plan::beside(reader).is_empty();
        match self.room.checked_sub(content.len()).filter(|_| may_wait) {
            Some(room) => {
                self.room = room;
                self.waiting.push((path.to_owned(), reader, content.to_vec()));
            }
            None => self.read(path, reader, content, &[], partial),
        }
    }

    /// Says that a file that is wanted cannot be read.
    pub(super) fn unread(&mut self, path: &str, why: &str) {
        if plan::is_beside(path) {
            return;
        }
        let reader = plan::reader_of(path).map_or(super::record::ANY, Reader::name);
        self.coverage(reader, path, CoverageState::NotRead(why.to_owned()), 0);
    }

    /// Reads what waited. Nothing comes after it of this part.
    pub(super) fn finish(&mut self) {
        let beside = std::mem::take(&mut self.beside);
        for (path, reader, content) in std::mem::take(&mut self.waiting) {
            let found: Vec<Beside<'_>> = plan::beside(reader)
                .iter()
                .filter_map(|ending| {
                    let bytes = beside.get(&format!("{path}{ending}").to_ascii_lowercase())?;
                    Some(Beside { name: ending, bytes })
                })
                .collect();
            self.read(&path, reader, &content, &found, None);
        }
        self.room = WAITING;
    }

    /// Says how far a part, or all of it, was read.
    pub(super) fn coverage(&mut self, reader: &str, path: &str, state: CoverageState, items: u64) {
        let path = Item::new(ItemKind::File, &format!("{}!{}{path}", self.name, self.part)).name;
        let state = clean_state(state);
        self.say(Found::Coverage(Coverage { reader: reader.to_owned(), path, state, items }));
    }

    fn read(
        &mut self,
        path: &str,
        reader: Reader,
        content: &[u8],
        beside: &[Beside<'_>],
        partial: Option<&str>,
    ) {
        let mut found = Vec::new();
        let coverage = reader.read_beside(path, content, beside, &mut |item| found.push(item));
        for item in found {
            let inside = match &item.place.inside {
                Some(inside) => format!("{}{path}: {inside}", self.part),
                None => format!("{}{path}", self.part),
            };
            self.item(reader.name(), item.seen_in(&inside));
        }
        let state = match (coverage.state, partial) {
            (CoverageState::Read, Some(why)) => CoverageState::Partly(why.to_owned()),
            (state, _) => state,
        };
        self.coverage(reader.name(), path, state, coverage.items);
    }

    /// Tells the folders that a path is in, each once, where their names matter.
    fn folders_of(&mut self, path: &str) {
        let mut folder = path;
        while let Some((above, _)) = folder.rsplit_once('/') {
            folder = above;
            if self.folders.contains(folder) {
                return;
            }
            let Some(left) = self.folders_left.checked_sub(folder.len().saturating_add(64)) else { return };
            self.folders_left = left;
            self.folders.insert(folder.to_owned());
            let placed = self.mounted.iter().map(|place| format!("{place}{folder}"));
            let wanted = placed.into_iter().find(|placed| self.interest.is_wanted(placed, true));
            if let Some(wanted) = wanted {
                self.named(ItemKind::Directory, &wanted);
            }
        }
    }

    fn named(&mut self, kind: ItemKind, path: &str) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let inside = format!("{}{path}", self.part);
        self.item("walk", Item::new(kind, name).at_path(path).seen_in(&inside));
    }

    fn item(&mut self, reader: &'static str, item: Item) {
        self.items = self.items.saturating_add(1);
        let mut placed = None;
        Items::new(reader, self.name, &mut |item| placed = Some(item)).push(item);
        if let Some(item) = placed {
            self.say(Found::Item(item));
        }
    }

    fn say(&mut self, found: Found) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            (self.give)(found);
        }
    }
}
