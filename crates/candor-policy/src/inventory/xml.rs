//! XML, as far as lists of components, property lists and settings use it: elements, attributes, text.
//!
//! No document type is read, so there is nothing that grows: only the five entities of XML itself and numbers
//! are known. What is not well-formed is passed over; nothing here fails.

use std::borrow::Cow;

/// Bytes of one text that are kept.
const LONGEST: usize = 1 << 20;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event<'t> {
    /// An element begins; its name is without a prefix.
    Start {
        /// Its name.
        name: &'t str,
        /// Its attributes as they stand there.
        attributes: &'t str,
    },
    /// An element ends.
    End {
        /// Its name.
        name: &'t str,
    },
    /// Text between elements.
    Text(Cow<'t, str>),
}

/// Reads from front to back.
#[derive(Clone, Debug)]
pub(crate) struct Xml<'t> {
    rest: &'t str,
    /// An element that began and ended in one.
    ends: Option<&'t str>,
}

impl<'t> Xml<'t> {
    pub(crate) const fn new(text: &'t str) -> Self {
        Self { rest: text, ends: None }
    }

    /// The text up to the end of the element that began last; elements in it are passed over.
    pub(crate) fn text_until(&mut self, name: &str) -> String {
        let mut text = String::new();
        let mut depth = 0_u32;
        for event in self.by_ref() {
            match event {
                Event::Text(part) if depth == 0 && text.len() < LONGEST => text.push_str(&part),
                Event::Text(_) => (),
                Event::Start { .. } => depth = depth.saturating_add(1),
                Event::End { name: ended } if depth == 0 && ended == name => break,
                Event::End { .. } => depth = depth.saturating_sub(1),
            }
        }
        text
    }

    /// Passes over what is in the element that began last.
    pub(crate) fn skip_element(&mut self, name: &str) {
        self.text_until(name);
    }

    /// The attribute of this name.
    pub(crate) fn attribute(attributes: &str, name: &str) -> Option<String> {
        let mut rest = attributes;
        while let Some((key, behind)) = rest.split_once('=') {
            let behind = behind.trim_start();
            let quote = behind.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let (value, behind) = behind.get(1..)?.split_once(quote)?;
            let key = key.trim();
            if key.rsplit(':').next() == Some(name) {
                return Some(unescape(value).into_owned());
            }
            rest = behind;
        }
        None
    }
}

impl<'t> Iterator for Xml<'t> {
    type Item = Event<'t>;

    fn next(&mut self) -> Option<Event<'t>> {
        if let Some(name) = self.ends.take() {
            return Some(Event::End { name });
        }
        loop {
            let Some(tag) = self.rest.strip_prefix('<') else {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at_checked(end)?;
                self.rest = rest;
                if text.is_empty() {
                    return None;
                }
                return Some(Event::Text(unescape(text)));
            };
            if let Some(comment) = tag.strip_prefix("!--") {
                self.rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            } else if let Some(raw) = tag.strip_prefix("![CDATA[") {
                let (text, rest) = raw.split_once("]]>").unwrap_or((raw, ""));
                self.rest = rest;
                return Some(Event::Text(text.into()));
            } else if tag.starts_with(['!', '?']) {
                self.rest = tag.split_once('>').map_or("", |(_, rest)| rest);
            } else {
                return self.element(tag);
            }
        }
    }
}

impl<'t> Xml<'t> {
    fn element(&mut self, tag: &'t str) -> Option<Event<'t>> {
        // A `>` may stand in the value of an attribute.
        let mut quote = None;
        let end = tag.find(|character| match (quote, character) {
            (None, '>') => true,
            (None, '"' | '\'') => {
                quote = Some(character);
                false
            }
            (Some(open), _) if open == character => {
                quote = None;
                false
            }
            _ => false,
        })?;
        let (inside, rest) = tag.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        if let Some(name) = inside.strip_prefix('/') {
            return Some(Event::End { name: local(name.trim()) });
        }
        let (inside, is_empty) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (name, attributes) =
            inside.split_once(|character: char| character.is_whitespace()).unwrap_or((inside, ""));
        let name = local(name);
        self.ends = is_empty.then_some(name);
        Some(Event::Start { name, attributes })
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let name = behind.get(..behind.floor_char_boundary(12)).and_then(|near| near.split_once(';'));
        let known = name.and_then(|(name, _)| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)
            }
        });
        match (known, name) {
            (Some(character), Some((name, _))) => {
                out.push(character);
                rest =
                    behind.get(name.len()..).and_then(|behind| behind.strip_prefix(';')).unwrap_or_default();
            }
            _ => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_text_come_in_their_order() {
        let text = "<?xml version='1.0'?><!-- <no/> --><a:b c='1>2' d:e=\"&lt;&#x41;&#66;&no;\"><f/>x &amp; y<![CDATA[<z>]]></a:b>";
        let events: Vec<Event<'_>> = Xml::new(text).collect();
        assert_eq!(events.len(), 6, "{events:?}");
        let Event::Start { name: "b", attributes } = events[0] else { panic!("{events:?}") };
        assert_eq!(Xml::attribute(attributes, "c").as_deref(), Some("1>2"));
        assert_eq!(Xml::attribute(attributes, "e").as_deref(), Some("<AB&no;"));
        assert_eq!(Xml::attribute(attributes, "x"), None);
        assert_eq!(events[1..3], [Event::Start { name: "f", attributes: "" }, Event::End { name: "f" }]);
        assert_eq!(
            events[3..],
            [Event::Text("x & y".into()), Event::Text("<z>".into()), Event::End { name: "b" }]
        );
    }

    #[test]
    fn what_is_not_well_formed_comes_to_an_end() {
        for text in ["<", "<a", "<a b='", "</", "<![CDATA[", "<!--", "&", "<a><b></a>", "a<é&#xffffffff;"] {
            assert!(Xml::new(text).count() < 9, "{text}");
        }
        let mut xml = Xml::new("<a>1<b>2</b>3</a>4");
        xml.next();
        assert_eq!(xml.text_until("a"), "13");
        assert_eq!(xml.next(), Some(Event::Text("4".into())));
    }
}
