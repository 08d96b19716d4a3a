//! Exports of Kaspersky's products for Linux (`kesl-control --export-settings`, `--get-settings`): sections of keys in
//! INI, or the same names in JSON. Both become sections here and are read by one set of rules.
//!
//! The rules of the file: <https://support.kaspersky.com/KES4Linux/11.3.0/en-US/201432.htm>; the keys of a task:
//! <https://support.kaspersky.com/KES4Linux/11.3.0/en-US/234812.htm>

use serde_json::Value;

use super::{Kind, Setting, Settings};

/// Sections, and keys of one.
const SECTIONS: usize = 20_000;
const KEYS: usize = 2_000;

/// A section: what belongs together.
#[derive(Debug, Default)]
struct Section {
    name: String,
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    name: String,
    value: String,
    place: String,
}

impl Section {
    fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name.eq_ignore_ascii_case(name))
    }

    fn is(&self, name: &str) -> Option<bool> {
        self.key(name).map(|key| is_yes(&key.value))
    }

    /// Keys that stand several times: `AreaMask.item_0000` and so on.
    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Key> {
        self.keys.iter().filter(move |key| base(&key.name).eq_ignore_ascii_case(name))
    }

    /// What the section is a list of: `ExcludedFromScanScope` of `ExcludedFromScanScope.item_0000`.
    fn list(&self) -> &str {
        base(&self.name)
    }
}

/// A name without `.item_0000` and what stands in front of it.
fn base(name: &str) -> &str {
    let name = name.split(".item_").next().unwrap_or(name);
    name.rsplit(['.', '/', ' ']).next().unwrap_or(name)
}

fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "1")
}

pub(super) fn ini(text: &str, settings: &mut Settings<'_>) {
    let mut section = Section::default();
    let mut sections = 0_usize;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections = sections.saturating_add(1);
            if sections > SECTIONS {
                return settings.trouble(&format!("there are more than {SECTIONS} sections"));
            }
            let before = std::mem::replace(&mut section, Section { name: name.to_owned(), keys: Vec::new() });
            give(&before, settings);
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            settings.trouble(&format!("line {number} is neither a section nor a key"));
            continue;
        };
        if section.keys.len() >= KEYS {
            settings.trouble(&format!("a section has more than {KEYS} keys"));
            continue;
        }
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        section.keys.push(Key {
            name: name.trim().to_owned(),
            value: value.to_owned(),
            place: format!("line {number}"),
        });
    }
    give(&section, settings);
}

pub(super) fn json(bytes: &[u8], settings: &mut Settings<'_>) {
    let text = crate::inventory::lossy(bytes);
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => walk(&value, "", "", settings),
        Err(error) => settings.trouble(&format!("it is no JSON: {error}")),
    }
}

/// Every object is a section under the name of the key that leads to it.
fn walk(value: &Value, name: &str, place: &str, settings: &mut Settings<'_>) {
    match value {
        Value::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                walk(value, name, &format!("{place}/{number}"), settings);
            }
        }
        Value::Object(object) => {
            let mut section = Section { name: name.to_owned(), keys: Vec::new() };
            for (key, value) in object {
                let place = format!("{place}/{key}");
                let scalars: Vec<(&Value, String)> = match value {
                    Value::Array(values)
                        if values.iter().all(|value| !value.is_object() && !value.is_array()) =>
                    {
                        values
                            .iter()
                            .enumerate()
                            .map(|(at, value)| (value, format!("{place}/{at}")))
                            .collect()
                    }
                    Value::Array(_) | Value::Object(_) => {
                        // `item_0000` is a place in a list, not a name.
                        let name = if key.starts_with("item_") { name } else { key };
                        walk(value, name, &place, settings);
                        continue;
                    }
                    scalar => vec![(scalar, place)],
                };
                for (value, place) in scalars {
                    let value = match value {
                        Value::String(text) => text.clone(),
                        Value::Null => continue,
                        other => other.to_string(),
                    };
                    if section.keys.len() >= KEYS {
                        settings.trouble(&format!("a section has more than {KEYS} keys"));
                        break;
                    }
                    section.keys.push(Key { name: key.clone(), value, place });
                }
            }
            give(&section, settings);
        }
        _ => (),
    }
}

/// What a section sets.
fn give(section: &Section, settings: &mut Settings<'_>) {
    match section.list() {
        "ScanScope" => scope(section, Kind::ScanScope, settings),
        "ExcludedFromScanScope" => scope(section, Kind::ExcludePath, settings),
        "ExcludedForProgram" => {
            let enabled = section.is("UseExcludedForProgram").unwrap_or(true);
            if let Some(key) = section.key("ProgramPath") {
                push(section, key, Kind::ExcludeProcess, enabled, description(section), settings);
            }
        }
        "CustomSources" => {
            let enabled = section.is("Enabled").unwrap_or(true);
            if let Some(key) = section.key("URL") {
                push(section, key, Kind::UpdateSource, enabled, None, settings);
            }
        }
        _ => plain(section, settings),
    }
}

fn description(section: &Section) -> Option<String> {
    section.key("AreaDesc").map(|key| key.value.clone())
}

/// A path that is looked at or not, with masks of names below it.
fn scope(section: &Section, kind: Kind, settings: &mut Settings<'_>) {
    let Some(path) = section.key("Path") else { return };
    let enabled = section.is("UseScanArea").unwrap_or(true);
    let masks: Vec<&Key> = section.all("AreaMask").collect();
    let is_all = |key: &&Key| matches!(key.value.as_str(), "*" | "*.*" | "");
    if masks.is_empty() || masks.iter().any(is_all) {
        return push(section, path, kind, enabled, None, settings);
    }
    for mask in masks {
        push(section, path, kind, enabled, Some(mask.value.clone()), settings);
    }
}

/// Keys that mean the same in every section.
fn plain(section: &Section, settings: &mut Settings<'_>) {
    let uses_masks = section.is("UseExcludeMasks").unwrap_or(false);
    let uses_threats = section.is("UseExcludeThreats").unwrap_or(false);
    for key in &section.keys {
        let name = base(&key.name);
        let (kind, enabled) = match name {
            "ExcludeMasks" => (Kind::ExcludeName, uses_masks),
            "ExcludeThreats" => (Kind::ExcludeThreat, uses_threats),
            "ExcludedMountPoint" => (Kind::ExcludePath, true),
            "MemScanExcludedProgramPath" => (Kind::ExcludeProcess, true),
            "SizeLimit" => {
                // Mebibytes; 0 is any size.
                let bytes = key.value.parse::<u64>().ok().and_then(|size| size.checked_mul(1 << 20));
                match bytes {
                    Some(bytes) => {
                        let key = Key {
                            value: bytes.to_string(),
                            name: key.name.clone(),
                            place: key.place.clone(),
                        };
                        push(section, &key, Kind::MaxSize, true, None, settings);
                    }
                    None => settings.trouble(&format!("{}: the size is no number", key.place)),
                }
                continue;
            }
            "TimeLimit" => (Kind::MaxTime, true),
            "ScanArchived" | "ScanSfxArchived" | "ScanMailBases" | "ScanPlainMail" => {
                (Kind::ScanContent, is_yes(&key.value))
            }
            "RuleType" => (Kind::Schedule, true),
            "ScanByAccessType" | "InterceptorProtectionMode" => (Kind::OnAccess, true),
            "FirstAction" | "SecondAction" | "BackupFolder" | "DaysToLive" | "BackupSizeLimit" => {
                (Kind::Quarantine, true)
            }
            "SourceType" => (Kind::UpdateSource, true),
            "ProxyServer" => (Kind::Proxy, section.is("UseProxy").unwrap_or(true)),
            "UseKSN" => (Kind::Telemetry, !key.value.eq_ignore_ascii_case("no") && key.value != "false"),
            "UseSyslog" | "Notifications" => (Kind::Notification, is_yes(&key.value)),
            _ => continue,
        };
        let with =
            (kind == Kind::Schedule).then(|| section.key("StartTime").map(|at| at.value.clone())).flatten();
        push(section, key, kind, enabled, with, settings);
    }
}

fn push(
    section: &Section,
    key: &Key,
    kind: Kind,
    enabled: bool,
    with: Option<String>,
    settings: &mut Settings<'_>,
) {
    let name =
        if section.name.is_empty() { key.name.clone() } else { format!("[{}] {}", section.name, key.name) };
    settings.push(Setting {
        kind,
        value: key.value.clone(),
        place: key.place.clone(),
        key: name,
        enabled,
        with,
    });
}
