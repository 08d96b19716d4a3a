//! Quarantine files of McAfee (`.bup`): compound files with a stream `Details` and streams `File_0`, `File_1` and so
//! on, each byte under 0x6a. The compound file is read by its own parser, which asks here what its streams are.
//!
//! Layout: <https://isc.sans.edu/diary/19869>

use candor_model::{ChildKind, Content, Flow, Member, Sink};

use super::{LONGEST_TEXT, Told, Veil};
use crate::name::decoded;

const KEY: &[u8] = &[0x6a];

/// The stream that describes the others.
pub(crate) const DETAILS: &str = "Details";

/// What the description says.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// Lines of it, without the veil.
    lines: Vec<(String, String, String)>,
}

/// Whether it is a stream that holds a file.
pub(crate) fn holds_file(name: &str) -> bool {
    name.strip_prefix("File_").is_some_and(|number| number.parse::<u32>().is_ok())
}

impl Details {
    /// Reads the content of [`DETAILS`]; none when it is no such description.
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        let text = Veil::Xor(KEY).lifted(content.get(..1 << 16).unwrap_or(content));
        let text = decoded(&text);
        let mut section = String::new();
        let mut lines = Vec::new();
        for line in text.lines().map(str::trim).take(1024) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name.to_owned();
            } else if let Some((key, value)) = line.split_once('=') {
                let value = value.get(..value.floor_char_boundary(LONGEST_TEXT)).unwrap_or(value);
                lines.push((section.clone(), key.trim().to_owned(), value.trim().to_owned()));
            }
        }
        let details = Self { lines };
        details.value("Details", "DetectionName").is_some().then_some(details)
    }

    fn value(&self, section: &str, key: &str) -> Option<&str> {
        let is_it = |line: &&(String, String, String)| {
            line.0.eq_ignore_ascii_case(section) && line.1.eq_ignore_ascii_case(key)
        };
        self.lines.iter().find(is_it).map(|line| line.2.as_str())
    }

    /// Tells it as details of the layer.
    pub(crate) fn tell(&self, sink: &mut dyn Sink) {
        let part = |key| self.value("Details", key)?.parse::<u32>().ok().filter(|value| *value < 10_000);
        let at = || {
            let (year, month, day) = (part("CreationYear")?, part("CreationMonth")?, part("CreationDay")?);
            let (hour, minute) = (part("CreationHour")?, part("CreationMinute")?);
            let second = part("CreationSecond")?;
            // Local time, of a zone that only the machine knows.
            Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
        };
        let told = Told {
            path: self.value("File_0", "OriginalName").map(str::to_owned),
            threat: self.value("Details", "DetectionName").map(str::to_owned),
            at: at(),
        };
        told.tell("McAfee", sink);
    }

    /// Gives the file in a stream.
    pub(crate) fn give(&self, stream: &str, position: u64, content: &[u8], sink: &mut dyn Sink) -> Flow {
        let name = self.value(stream, "OriginalName").unwrap_or(stream).to_owned();
        let real_size = u64::try_from(content.len()).ok();
        let member = Member { name, position, real_size, compressed_size: real_size, ..Member::default() };
        let mut unveiled = super::Unveiled::new(vec![content], Veil::Xor(KEY));
        sink.child(ChildKind::Extracted, &member, Content::Stream(&mut unveiled))
    }
}
