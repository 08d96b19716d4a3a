//! Lists that Kaspersky's products for Windows export as XML: exclusions, trusted programs, rules for programs.
//!
//! Their layout is not published, so names of elements and attributes decide what a value is, and each is told with
//! the way to it. What has no such name is left out and counted.

use crate::inventory::{Event, Xml};

use super::{Kind, Setting, Settings};

/// Elements in one another.
const DEPTH: usize = 64;

/// Bytes of one text.
const LONGEST: usize = 4096;

pub(super) fn read(text: &str, settings: &mut Settings<'_>) {
    let mut way: Vec<&str> = Vec::new();
    let mut unknown = 0_u32;
    let mut give = |way: &[&str], name: &str, value: &str, settings: &mut Settings<'_>| {
        let value = value.trim();
        if value.is_empty() || value.len() > LONGEST {
            return;
        }
        match kind(way, name, value) {
            Some(kind) => settings.push(Setting {
                kind,
                value: value.to_owned(),
                place: [&way.join("/"), name].join("/").trim_start_matches('/').to_owned(),
                key: name.to_owned(),
                enabled: true,
                with: None,
            }),
            None => unknown = unknown.saturating_add(1),
        }
    };
    for event in Xml::new(text) {
        match event {
            Event::Start { name, attributes } => {
                if way.len() >= DEPTH {
                    return settings.trouble("too many elements are in one another");
                }
                way.push(name);
                let mut rest = attributes;
                while let Some((key, behind)) = rest.split_once('=') {
                    let key = key.trim();
                    let value =
                        Xml::attribute(rest, key.rsplit(':').next().unwrap_or(key)).unwrap_or_default();
                    give(&way, key, &value, settings);
                    let behind = behind.trim_start();
                    let Some(quote) = behind.chars().next().filter(|quote| matches!(quote, '"' | '\''))
                    else {
                        break;
                    };
                    let value = behind.get(1..).and_then(|behind| behind.split_once(quote));
                    rest = value.map(|(_, behind)| behind).unwrap_or_default();
                }
            }
            Event::End { name } => {
                if let Some(at) = way.iter().rposition(|open| *open == name) {
                    way.truncate(at);
                }
            }
            Event::Text(text) => {
                if let Some((name, way)) = way.split_last() {
                    give(way, name, &text, settings);
                }
            }
        }
    }
    if !way.is_empty() {
        settings.trouble("it ends in the middle of an element");
    }
    if unknown > 0 {
        settings.trouble(&format!("{unknown} values have names that tell nothing"));
    }
}

fn kind(way: &[&str], name: &str, value: &str) -> Option<Kind> {
    let all: String =
        way.iter().chain([&name]).map(|part| part.to_ascii_lowercase()).collect::<Vec<_>>().join("/");
    let own = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| own.contains(word));
    let is_about = |words: &[&str]| words.iter().any(|word| all.contains(word));
    let is_digest = matches!(value.len(), 32 | 40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest {
        return Some(Kind::ExcludeHash);
    }
    let is_place = value.contains(['\\', '/', '*', '?', '%']) || value.contains('.');
    if has(&["threat", "verdict", "detect"]) && !is_place {
        return Some(Kind::ExcludeThreat);
    }
    if is_about(&["trusted", "process", "application", "program"]) && is_place && !value.contains("://") {
        return Some(Kind::ExcludeProcess);
    }
    if has(&["threat", "verdict", "detect"]) {
        return Some(Kind::ExcludeThreat);
    }
    if !is_place || value.contains("://") {
        return None;
    }
    if has(&["path", "object", "mask", "file", "folder", "area"]) {
        let is_name = !value.contains(['\\', '/']);
        return Some(if is_name { Kind::ExcludeName } else { Kind::ExcludePath });
    }
    None
}
