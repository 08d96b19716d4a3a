//! Where readers put what they see. One source gives so many items and no more; texts are cut, and hold no
//! control characters: whatever is in a hostile file, an item fits into one packet.

use super::{Coverage, CoverageState, Item, ItemKind, Moment, Place, Surface, Trait};

/// Items of one source.
const MOST_ITEMS: u64 = 250_000;

/// Traits of one item.
pub(super) const MOST_TRAITS: usize = 24;

/// Bytes of one text.
pub(crate) const LONGEST_TEXT: usize = 1024;

/// A file that belongs to a source and stands beside it: a log that was not applied.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// What the source's name has to end with besides, or what a source that has many such files calls it.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// Takes what one reader sees in one source.
pub struct Items<'a> {
    reader: &'static str,
    path: &'a str,
    beside: &'a [Beside<'a>],
    most: u64,
    taken: u64,
    state: CoverageState,
    take: &'a mut dyn FnMut(Item),
}

impl std::fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Items({} of {}: {} taken, {:?})", self.reader, self.path, self.taken, self.state)
    }
}

impl<'a> Items<'a> {
    /// Items of the source at `path`, given to `take`.
    pub fn new(reader: &'static str, path: &'a str, take: &'a mut dyn FnMut(Item)) -> Self {
        Self { reader, path, beside: &[], most: MOST_ITEMS, taken: 0, state: CoverageState::Read, take }
    }

    /// With what stands beside the source.
    #[must_use]
    pub(super) const fn with_beside(mut self, beside: &'a [Beside<'a>]) -> Self {
        self.beside = beside;
        self
    }

    /// What stands beside the source.
    pub(super) const fn beside(&self) -> &'a [Beside<'a>] {
        self.beside
    }

    /// The path of the source.
    #[must_use]
    pub const fn path(&self) -> &'a str {
        self.path
    }

    /// Takes one item; fills in where it was seen.
    pub fn push(&mut self, mut item: Item) {
        if self.is_full() {
            let most = self.most;
            return self.partly(&format!("there are more than {most} items"));
        }
        self.taken = self.taken.saturating_add(1);
        item.place.reader = self.reader.to_owned();
        item.place.path = clean(self.path);
        (self.take)(item);
    }

    /// Takes an item that has a name or a trait.
    pub(super) fn extend_with(&mut self, item: Option<Item>) {
        if let Some(item) = item.filter(|item| !item.name.is_empty() || !item.traits.is_empty()) {
            self.push(item);
        }
    }

    /// Whether no more is taken. Readers stop then.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.taken >= self.most
    }

    /// Says that not all of the source was read. The first reason stands.
    pub fn partly(&mut self, why: &str) {
        if self.state == CoverageState::Read {
            self.state = CoverageState::Partly(clean(why));
        }
    }

    /// Says that nothing of the source was read, if nothing was.
    pub fn unread(&mut self, why: &str) {
        if self.taken == 0 && self.state == CoverageState::Read {
            self.state = CoverageState::NotRead(clean(why));
        } else {
            self.partly(why);
        }
    }

    /// What became of the source.
    #[must_use]
    pub fn finish(self) -> Coverage {
        Coverage {
            reader: self.reader.to_owned(),
            path: clean(self.path),
            state: self.state,
            items: self.taken,
        }
    }
}

impl Item {
    /// A thing of this sort with this name.
    #[must_use]
    pub fn new(kind: ItemKind, name: &str) -> Self {
        Self {
            kind,
            name: clean(name),
            version: None,
            place: Place::default(),
            traits: Vec::new(),
            moments: std::collections::BTreeMap::new(),
        }
    }

    /// With this version, unless it is empty.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        let version = clean(version.trim());
        if !version.is_empty() {
            self.version = Some(version);
        }
        self
    }

    /// Seen at this place of its source, unless that is empty.
    #[must_use]
    pub fn seen_in(mut self, inside: &str) -> Self {
        if !inside.is_empty() {
            self.place.inside = Some(clean(inside));
        }
        self
    }

    /// With one more trait, unless it is empty or known.
    #[must_use]
    pub fn with(mut self, surface: Surface, value: &str) -> Self {
        self.add(surface, value);
        self
    }

    /// Adds a trait, unless it is empty or known.
    pub fn add(&mut self, surface: Surface, value: &str) {
        let value = clean(value.trim());
        let is_known = self.traits.iter().any(|one| one.surface == surface && one.value == value);
        if !value.is_empty() && !is_known && self.traits.len() < MOST_TRAITS {
            self.traits.push(Trait { surface, value });
        }
    }

    /// With a path, and the name of the file at its end.
    #[must_use]
    pub fn at_path(self, path: &str) -> Self {
        let path = path.replace('\\', "/");
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        self.with(Surface::Path, &path).with(Surface::FileName, &name)
    }

    /// With a moment that the evidence tells, if it does.
    #[must_use]
    pub fn with_moment(mut self, of: Moment, moment: Option<String>) -> Self {
        if let Some(moment) = moment.filter(|moment| !moment.is_empty()) {
            self.moments.insert(of, clean(&moment));
        }
        self
    }
}

/// A state whose reason fits into a report: names out of hostile files stand in some.
pub(super) fn clean_state(state: CoverageState) -> CoverageState {
    match state {
        CoverageState::Partly(why) => CoverageState::Partly(clean(&why)),
        CoverageState::NotRead(why) => CoverageState::NotRead(clean(&why)),
        other => other,
    }
}

/// The text without control characters, cut where it is too long.
pub(crate) fn clean(text: &str) -> String {
    let text = text.get(..text.floor_char_boundary(LONGEST_TEXT)).unwrap_or(text);
    let mut text: String = text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect();
    // What stands for a control character is longer than it.
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_without_end_is_cut_and_told() {
        let mut seen = 0;
        let mut take = |_: Item| seen += 1;
        let mut items = Items { most: 3, ..Items::new("dpkg", "status", &mut take) };
        for _ in 0..5 {
            items.push(Item::new(ItemKind::Package, "a"));
        }
        assert!(items.is_full());
        let coverage = items.finish();
        assert_eq!(coverage.items, 3);
        assert_eq!(coverage.state, CoverageState::Partly("there are more than 3 items".to_owned()));
        assert_eq!(seen, 3);
    }

    #[test]
    fn every_item_fits_into_a_packet_whatever_is_in_it() {
        let worst = format!("{}{}", "\"".repeat(5000), "\u{1}");
        let mut item = Item::new(ItemKind::Package, &worst).with_version(&worst).seen_in(&worst);
        for number in 0..100 {
            item.add(Surface::Path, &format!("{number}{worst}"));
        }
        assert_eq!(item.traits.len(), MOST_TRAITS);
        let mut kept = None;
        let mut take = |item: Item| kept = Some(item);
        Items::new("dpkg", &worst, &mut take).push(item);
        assert!(serde_json::to_vec(&kept.unwrap()).unwrap().len() < (64 << 10) - 64);
        assert!(clean(&"\u{1}".repeat(5000)).len() <= LONGEST_TEXT);
        assert_eq!(clean("a\0b\u{1b}[31m"), "a\u{fffd}b\u{fffd}[31m");
    }

    #[test]
    fn what_stops_before_the_first_item_was_not_read() {
        let mut take = |_: Item| ();
        let mut items = Items::new("hive", "SOFTWARE", &mut take);
        items.unread("it is no hive");
        assert_eq!(items.finish().state, CoverageState::NotRead("it is no hive".to_owned()));
        let mut items = Items::new("hive", "SOFTWARE", &mut take);
        items.push(Item::new(ItemKind::Program, "x"));
        items.unread("it ends early");
        assert_eq!(items.finish().state, CoverageState::Partly("it ends early".to_owned()));
    }
}
