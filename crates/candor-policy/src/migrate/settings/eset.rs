//! Exported settings of ESET: elements `ITEM` in one another, each with a `NAME`, and in them `NODE`s with a `NAME`
//! and a `VALUE`. Numbers of plug-ins differ by version, so names decide.

use crate::inventory::{Event, Xml};

use super::{Kind, Setting, Settings};

/// Elements in one another.
const DEPTH: usize = 64;

pub(super) fn read(text: &str, settings: &mut Settings<'_>) {
    let mut way: Vec<(String, String)> = Vec::new();
    for event in Xml::new(text) {
        match event {
            Event::Start { name, attributes } => {
                let own = Xml::attribute(attributes, "NAME").unwrap_or_default();
                if name.eq_ignore_ascii_case("NODE") {
                    let value = Xml::attribute(attributes, "VALUE").unwrap_or_default();
                    node(&way, &own, &value, settings);
                }
                if way.len() >= DEPTH {
                    return settings.trouble("too many elements are in one another");
                }
                way.push((name.to_owned(), own));
            }
            Event::End { name } => {
                if let Some(at) = way.iter().rposition(|(open, _)| open == name) {
                    way.truncate(at);
                }
            }
            Event::Text(_) => (),
        }
    }
    if !way.is_empty() {
        settings.trouble("it ends in the middle of an element");
    }
}

fn node(way: &[(String, String)], name: &str, value: &str, settings: &mut Settings<'_>) {
    let items: Vec<&str> =
        way.iter().map(|(_, name)| name.as_str()).filter(|name| !name.is_empty()).collect();
    let place = items.iter().copied().chain([name]).collect::<Vec<_>>().join("/");
    let is_below = |part: &str| items.iter().any(|item| item.to_ascii_lowercase().contains(part));
    let lower = name.to_ascii_lowercase();
    let kind = if is_below("excludedprocesses") || is_below("processexclu") {
        Kind::ExcludeProcess
    } else if is_below("scannerexcludes") || is_below("performanceexclu") || is_below("detectionexclu") {
        match lower.as_str() {
            "fullpath" | "path" => Kind::ExcludePath,
            "hash" | "sha1" => Kind::ExcludeHash,
            "infiltration" | "threat" | "threatname" | "detectionname" => Kind::ExcludeThreat,
            // The rest (a description, a flag) belongs to one of these.
            _ => return,
        }
    } else if is_below("excludedextensions") || is_below("extensionexclu") {
        Kind::ExcludeExtension
    } else if lower.contains("proxy")
        && (lower.contains("server") || lower.contains("address") || lower.contains("host"))
    {
        Kind::Proxy
    } else if is_below("update") && (lower.contains("server") || lower.contains("source")) {
        Kind::UpdateSource
    } else {
        return;
    };
    // An empty value, or one that is only a number where a name is expected, sets nothing.
    if kind == Kind::ExcludeProcess && value.parse::<u64>().is_ok() {
        return;
    }
    settings.push(Setting {
        kind,
        value: value.to_owned(),
        place,
        key: name.to_owned(),
        enabled: true,
        with: None,
    });
}
