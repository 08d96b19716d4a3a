//! What Microsoft Defender leaves out, from a hive `SOFTWARE`: by the machine's own settings and by policy.

use super::{Kind, Setting, Settings};
use crate::inventory::{Beside, Hive, Key, recover};

const VIEWS: [&str; 2] = [r"Microsoft\Windows Defender", r"Policies\Microsoft\Windows Defender"];

pub(super) fn read(bytes: &[u8], beside: &[Beside<'_>], settings: &mut Settings<'_>) {
    let logs: Vec<&[u8]> = beside.iter().map(|log| log.bytes).collect();
    let recovered = recover(bytes, &logs);
    let Some(hive) = Hive::open(&recovered.bytes) else { return settings.trouble("it is no hive") };
    let Some(root) = hive.root() else { return settings.trouble("its root is damaged") };
    if let Some(trouble) = recovered.trouble {
        settings.trouble(trouble);
    }
    for view in VIEWS {
        let place = format!("HKLM\\SOFTWARE\\{view}");
        let Some(defender) = root.at(view) else { continue };
        for kind in defender.child("Exclusions").map(|key| key.keys()).unwrap_or_default() {
            excluded(&kind, &format!("{place}\\Exclusions"), settings);
        }
        scans(&defender, &place, settings);
    }
    if let Some(trouble) = hive.trouble() {
        settings.trouble(&trouble);
    }
}

fn excluded(key: &Key<'_, '_>, place: &str, settings: &mut Settings<'_>) {
    let name = key.name();
    let kind = match name.to_ascii_lowercase().as_str() {
        "paths" | "temporarypaths" => Kind::ExcludePath,
        "extensions" => Kind::ExcludeExtension,
        "processes" => Kind::ExcludeProcess,
        _ => Kind::Other,
    };
    for value in key.values() {
        settings.add(kind, &format!("Exclusions\\{name}"), &value.name(), format!("{place}\\{name}"));
    }
}

/// What is switched off, and when it scans by itself.
fn scans(defender: &Key<'_, '_>, place: &str, settings: &mut Settings<'_>) {
    for (child, value, kind) in [
        ("Real-Time Protection", "DisableRealtimeMonitoring", Kind::OnAccess),
        ("Scan", "DisableArchiveScanning", Kind::ScanContent),
        ("Scan", "DisableEmailScanning", Kind::ScanContent),
        ("Scan", "ScheduleDay", Kind::Schedule),
        ("Scan", "ScheduleTime", Kind::Schedule),
        ("Spynet", "SpyNetReporting", Kind::Telemetry),
        ("Spynet", "SubmitSamplesConsent", Kind::Telemetry),
    ] {
        let Some(number) = defender.child(child).and_then(|key| key.number(value)) else { continue };
        settings.push(Setting {
            kind,
            value: number.to_string(),
            place: format!("{place}\\{child}"),
            key: value.to_owned(),
            enabled: number != 0,
            with: None,
        });
    }
    let updates = defender.child("Signature Updates");
    for value in ["DefinitionUpdateFileSharesSources", "FallbackOrder"] {
        let text = updates.as_ref().map(|key| key.text(value)).unwrap_or_default();
        settings.add(Kind::UpdateSource, value, &text, format!("{place}\\Signature Updates"));
    }
    for value in ["ProxyServer", "ProxyPacUrl"] {
        settings.add(Kind::Proxy, value, &defender.text(value), place.to_owned());
    }
}
