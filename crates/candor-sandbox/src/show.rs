//! A file taken apart in pieces, as they come out of the engine: in the jail and outside the same.

use std::collections::HashSet;

use candor_engine::Observer;
use candor_model::{Executable, ExecutableFormat, Facts, FileType, Finding, LayerId, LayerSummary};

/// Sections, imports and the like of one layer that are told one by one.
const LISTED: usize = 64;

/// Something to say about a file that is taken apart.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// A layer begins.
    Layer(&'a LayerSummary),
    /// What was learned about one.
    Facts(LayerId, &'a [(String, String)]),
    /// Bytes of one; more may follow.
    Content(LayerId, &'a [u8]),
}

/// Watches a scan and says what layers there are.
pub struct Showing<'a> {
    contents: bool,
    shown: HashSet<LayerId>,
    say: &'a mut dyn FnMut(Piece<'_>),
}

impl std::fmt::Debug for Showing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Showing").field("contents", &self.contents).finish_non_exhaustive()
    }
}

impl<'a> Showing<'a> {
    /// Tells `say`; with the bytes of all layers but the file itself when `contents` are wanted.
    pub fn new(contents: bool, say: &'a mut dyn FnMut(Piece<'_>)) -> Self {
        Self { contents, shown: HashSet::new(), say }
    }
}

impl Observer for Showing<'_> {
    fn opened(&mut self, layer: &LayerSummary) {
        (self.say)(Piece::Layer(layer));
    }

    fn facts(&mut self, id: LayerId, facts: &Facts) {
        let lines = lines(facts);
        if !lines.is_empty() {
            (self.say)(Piece::Facts(id, &lines));
        }
    }

    fn layer(&mut self, id: LayerId, _: FileType, bytes: &[u8], findings: &[Finding]) {
        // A rewritten copy is no layer, and what is looked at again has been shown.
        let copy = findings.iter().any(|finding| finding.normalised.is_some());
        if self.contents && id != LayerId(0) && !copy && self.shown.insert(id) {
            (self.say)(Piece::Content(id, bytes));
        }
    }
}

/// Facts in words.
fn lines(facts: &Facts) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut say = |key: &str, value: String| lines.push((key.to_owned(), value));
    if let Some(executable) = &facts.executable {
        describe(executable, &mut say);
    }
    if !facts.icons.is_empty() {
        let sizes: Vec<String> = facts.icons.iter().take(LISTED).map(|icon| icon.size.to_string()).collect();
        say("icons", sizes.join(", "));
    }
    if let Some(hash) = facts.image_hash {
        say("perceptual hash", hash.0.iter().map(|byte| format!("{byte:02x}")).collect());
    }
    for detail in &facts.details {
        say(detail.key, detail.value.clone());
    }
    for anomaly in &facts.anomalies {
        say("anomaly", format!("{anomaly:?}"));
    }
    lines
}

fn describe(executable: &Executable, say: &mut impl FnMut(&str, String)) {
    let format = match executable.format {
        ExecutableFormat::Pe => "PE",
        ExecutableFormat::Elf => "ELF",
        ExecutableFormat::MachO => "Mach-O",
    };
    say("format", format!("{format}, {} bits", if executable.is_64_bit { 64 } else { 32 }));
    if let Some(entry) = executable.entry_point {
        say("entry point", format!("at offset {entry}"));
    }
    for section in executable.sections.iter().take(LISTED) {
        say(
            "section",
            format!(
                "{}: {} bytes at offset {}, {} bytes at address {:#x}",
                String::from_utf8_lossy(&section.name),
                section.raw_size,
                section.raw_offset,
                section.virtual_size,
                section.virtual_address
            ),
        );
    }
    if let Some(imports) = executable.imports {
        say("import digest", format!("{} of {} bytes", imports.digest, imports.length));
    }
    for string in executable.version_strings.iter().take(LISTED) {
        say("version", format!("{}: {}", string.key, string.value));
    }
}
