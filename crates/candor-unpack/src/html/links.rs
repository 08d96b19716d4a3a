//! Where the links of a page lead, beside what they show: pairs for the checks against phishing.
//!
//! What counts as shown follows ClamAV's manual: the text of an anchor without its tags and white space, its
//! `title`, and images, frames and areas in it; for a form, which leads to its `action`, the links and images in it.

use candor_model::Link;

/// Pairs that are kept of one page. Only what could be an address counts.
const LINKS: usize = 4096;
/// Bytes of a text that are kept.
const TEXT: usize = 1024;

/// Collects them in the order of the page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) found: Vec<Link>,
    /// Where the anchor leads that is open, and its text so far.
    anchor: Value,
    text: Vec<u8>,
    /// Where the form that is open leads.
    form: Value,
    /// Of the tag that is being read.
    href: Value,
    title: Value,
    source: Value,
    action: Value,
}

/// Something that is known or not. Its memory stays for the next one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Value {
    bytes: Vec<u8>,
    is_known: bool,
}

impl Value {
    fn get(&self) -> Option<&[u8]> {
        self.is_known.then_some(&self.bytes)
    }

    fn set(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.is_known = true;
    }
}

impl Links {
    /// Whether text matters at the moment.
    pub(super) const fn listens(&self) -> bool {
        self.anchor.is_known
    }

    /// Where text of the page goes, entities resolved, if it matters and there is room.
    pub(super) const fn text(&mut self) -> Option<&mut Vec<u8>> {
        if self.listens() && self.text.len() < TEXT { Some(&mut self.text) } else { None }
    }

    /// Takes text of the page.
    pub(super) fn add_text(&mut self, bytes: &[u8]) {
        if let Some(text) = self.text() {
            let room = TEXT.saturating_sub(text.len());
            text.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// An attribute of the tag that is being read, names in lower case.
    pub(super) fn attribute(&mut self, tag: &[u8], name: &[u8], value: &[u8]) {
        let place = match (tag, name) {
            (b"a" | b"area", b"href") => &mut self.href,
            (b"a", b"title") => &mut self.title,
            (b"img" | b"iframe" | b"area" | b"input", b"src" | b"dynsrc") => &mut self.source,
            (b"form", b"action") => &mut self.action,
            _ => return,
        };
        if !place.is_known && !value.is_empty() {
            place.set(value.get(..TEXT).unwrap_or(value));
        }
    }

    /// The end of a tag.
    pub(super) fn tag(&mut self, tag: &[u8]) {
        match tag {
            b"a" => self.open(),
            b"/a" => self.close(),
            b"form" => std::mem::swap(&mut self.form, &mut self.action),
            b"/form" => self.form.is_known = false,
            _ => {
                let around = self.anchor.get().or(self.form.get());
                if let (Some(target), Some(shown)) = (around, self.source.get().or(self.href.get())) {
                    pair(&mut self.found, target, shown, false);
                }
            }
        }
        for value in [&mut self.href, &mut self.title, &mut self.source, &mut self.action] {
            value.is_known = false;
        }
    }

    /// The start of an anchor, which ends the one before.
    fn open(&mut self) {
        self.close();
        let Some(href) = self.href.get() else { return };
        for (target, shown) in [(self.form.get(), Some(href)), (Some(href), self.title.get())] {
            if let (Some(target), Some(shown)) = (target, shown) {
                pair(&mut self.found, target, shown, false);
            }
        }
        std::mem::swap(&mut self.anchor, &mut self.href);
    }

    /// The end of an anchor, or of the page.
    pub(super) fn close(&mut self) {
        if let Some(target) = self.anchor.get() {
            pair(&mut self.found, target, &self.text, true);
        }
        self.anchor.is_known = false;
        self.text.clear();
    }
}

/// Keeps where something leads and what it shows.
fn pair(found: &mut Vec<Link>, target: &[u8], shown: &[u8], is_text: bool) {
    // An address has a dot.
    if found.len() < LINKS && shown.contains(&b'.') && target != shown {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.push(Link { target: text(target), shown: text(shown), is_text });
    }
}
