//! `clamd.conf`: a key and its value on each line. The daemon here reads the same file, so keys go over as they are;
//! those that leave something out are looked at like exclusions of any other product.

use super::{Kind, Setting, Settings};

/// Keys by which the file is known.
const KNOWN: [&str; 14] = [
    "LocalSocket",
    "TCPSocket",
    "TCPAddr",
    "DatabaseDirectory",
    "LogFile",
    "ExcludePath",
    "MaxFileSize",
    "MaxScanSize",
    "MaxThreads",
    "StreamMaxLength",
    "PidFile",
    "ScanArchive",
    "User",
    "OnAccessIncludePath",
];

/// Whether a line sets a key of this file.
pub(super) fn is_key(line: &str) -> bool {
    line.split_once(char::is_whitespace)
        .is_some_and(|(key, _)| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(key)))
}

pub(super) fn read(text: &str, settings: &mut Settings<'_>) {
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim().trim_matches('"');
        let lower = key.to_ascii_lowercase();
        let kind = match lower.as_str() {
            _ if lower.starts_with("onaccess") || lower == "scanonaccess" => Kind::OnAccess,
            _ => Kind::ClamdKey,
        };
        let value = if value.is_empty() { "yes" } else { value };
        settings.push(Setting {
            kind,
            value: value.to_owned(),
            place: format!("line {number}"),
            key: key.to_owned(),
            enabled: true,
            with: None,
        });
    }
}
