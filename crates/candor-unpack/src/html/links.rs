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
    /// The anchor that is open: where it leads, and its text so far.
    anchor: Option<(Vec<u8>, Vec<u8>)>,
    /// Where the form that is open leads.
    form: Option<Vec<u8>>,
    /// Of the tag that is being read.
    href: Option<Vec<u8>>,
    title: Option<Vec<u8>>,
    source: Option<Vec<u8>>,
    action: Option<Vec<u8>>,
}

impl Links {
    /// Whether text matters at the moment.
    pub(super) const fn listens(&self) -> bool {
        self.anchor.is_some()
    }

    /// Text of the page, entities resolved.
    pub(super) fn text(&mut self, bytes: &[u8]) {
        if let Some((_, text)) = &mut self.anchor
            && text.len() < TEXT
        {
            text.extend_from_slice(bytes);
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
        if place.is_none() && !value.is_empty() {
            *place = Some(value.get(..TEXT).unwrap_or(value).to_vec());
        }
    }

    /// The end of a tag.
    pub(super) fn tag(&mut self, tag: &[u8]) {
        let (href, title) = (self.href.take(), self.title.take());
        let (source, action) = (self.source.take(), self.action.take());
        match tag {
            b"a" => {
                self.close();
                let Some(href) = href else { return };
                if let Some(form) = &self.form {
                    let form = form.clone();
                    self.pair(&form, &href);
                }
                if let Some(title) = title {
                    self.pair(&href, &title);
                }
                self.anchor = Some((href, Vec::new()));
            }
            b"/a" => self.close(),
            b"form" => self.form = action,
            b"/form" => self.form = None,
            _ => {
                let Some(shown) = source.or(href) else { return };
                let around = self.anchor.as_ref().map(|(target, _)| target).or(self.form.as_ref());
                if let Some(target) = around.cloned() {
                    self.pair(&target, &shown);
                }
            }
        }
    }

    /// The end of an anchor, or of the page.
    pub(super) fn close(&mut self) {
        if let Some((target, text)) = self.anchor.take() {
            self.pair(&target, &text);
        }
    }

    fn pair(&mut self, target: &[u8], shown: &[u8]) {
        // An address has a dot.
        if self.found.len() < LINKS && shown.contains(&b'.') && target != shown {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.found.push(Link { target: text(target), shown: text(shown) });
        }
    }
}
