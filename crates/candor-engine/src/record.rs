//! What has been found and missed so far, and the verdict over it.
//!
//! Everything here is bounded: a hostile file could otherwise make the report larger than itself.

use candor_model::{FileType, Finding, Incomplete, LayerId, LayerSummary, Reason, Report, Strength, Verdict};

/// Findings of one scan that are kept: so many strong ones, and so many others.
const MOST_FINDINGS: usize = 10_000;
/// Things not looked at of one scan that are kept.
const MOST_INCOMPLETE: usize = 1_000;
/// Bytes of one name that are kept.
const LONGEST_NAME: usize = 1_024;

/// What has been found and missed so far.
#[derive(Debug, Default)]
pub(crate) struct Record {
    strong: Vec<Finding>,
    others: Vec<Finding>,
    incomplete: Vec<Incomplete>,
    layers: Vec<LayerSummary>,
    next_layer: u32,
    trusted: Option<String>,
}

impl Record {
    /// Numbers a layer and notes it, if there is room in a list of `most`.
    pub(crate) fn layer(
        &mut self,
        parent: Option<LayerId>,
        name: &str,
        file_type: FileType,
        length: u64,
        most: u32,
    ) -> LayerId {
        let id = LayerId(self.next_layer);
        self.next_layer = self.next_layer.saturating_add(1);
        if self.layers.len() as u64 <= u64::from(most) {
            let name = shorten(name);
            self.layers.push(LayerSummary { id, parent, name, file_type, length, md5: None });
        }
        id
    }

    /// Notes the MD5 sum of a layer.
    pub(crate) fn sum(&mut self, id: LayerId, md5: [u8; 16]) {
        // They are noted in the order of their numbers, from the first on.
        let noted = usize::try_from(id.0).ok().and_then(|place| self.layers.get_mut(place));
        if let Some(layer) = noted.filter(|layer| layer.id == id) {
            layer.md5 = Some(md5);
        }
    }

    /// Adds a finding.
    pub(crate) fn found(&mut self, finding: Finding) {
        let list = if finding.strength == Strength::Strong { &mut self.strong } else { &mut self.others };
        if list.len() < MOST_FINDINGS {
            list.push(finding);
        }
    }

    /// Notes that a trust signature kept a finding back.
    pub(crate) fn trusted_by(&mut self, name: String) {
        self.trusted.get_or_insert(name);
    }

    /// Notes that something was not looked at.
    pub(crate) fn incomplete(&mut self, layer: LayerId, path: &[String], reason: Reason) {
        let known = |held: &Incomplete| held.layer == layer && held.reason == reason && held.path == path;
        if self.incomplete.len() < MOST_INCOMPLETE && !self.incomplete.iter().any(known) {
            self.incomplete.push(Incomplete { layer, path: path.to_vec(), reason });
        }
    }

    /// Everything, with the verdict over it.
    pub(crate) fn into_report(mut self, file_type: FileType, bytes: u64) -> Report {
        let mut findings = self.strong;
        self.others.sort_by_key(|finding| std::cmp::Reverse(finding.strength));
        findings.extend(self.others);
        let verdict = match findings.first().map(|finding| finding.strength) {
            Some(Strength::Strong) => Verdict::Infected,
            Some(Strength::PotentiallyUnwanted) => Verdict::Suspicious,
            _ if !self.incomplete.is_empty() => Verdict::Incomplete,
            _ => Verdict::Clean,
        };
        Report {
            verdict,
            file_type,
            findings,
            incomplete: self.incomplete,
            trusted: self.trusted,
            layers: self.layers,
            bytes,
        }
    }
}

/// As much of a name as is kept.
pub(crate) fn shorten(name: &str) -> String {
    let mut end = name.len().min(LONGEST_NAME);
    while !name.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    name.get(..end).unwrap_or_default().to_owned()
}
