//! Quarantines of other products: files that were set aside by a scanner that goes, so that they can be looked at
//! by the one that comes. Each layout is a file here; all of them give the file that was set aside as a child
//! under the name that it had, and what else the product wrote down as details of the layer.
//!
//! Layouts are facts of public notes: <https://github.com/ernw/quarantine-formats> (Defender, Kaspersky Security for
//! Windows Server, Symantec, Avira, G Data, Malwarebytes), <https://forensics.wiki/kaspersky_quarantine_file>.
//!
//! No product hides anything here from who knows the key, and the key is the same in every installation. What is
//! hostile is the content, and whatever a program wrote into a folder that looks like a quarantine: lengths and
//! places are those of a stranger.
//!
//! Details that all of them share: `quarantine` (the product), `original-path`, `threat`, `quarantined-at`.

mod avira;
mod defender;
mod gdata;
mod kaspersky;
mod malwarebytes;
pub(crate) mod mcafee;
mod moment;
mod named;
mod symantec;
#[cfg(test)]
mod tests;
mod veil;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

pub(crate) use avira::unpack as avira;
pub(crate) use defender::unpack as defender;
pub(crate) use gdata::unpack as gdata;
pub(crate) use kaspersky::unpack as kaspersky;
pub(crate) use malwarebytes::unpack as malwarebytes;
pub(crate) use named::unpack as named;
pub(crate) use symantec::unpack as symantec;

use veil::{Unveiled, Veil};

/// Bytes of one text that a product wrote down.
const LONGEST_TEXT: usize = 4096;

/// What a product says of a file that it set aside.
#[derive(Debug, Default)]
struct Told {
    path: Option<String>,
    threat: Option<String>,
    at: Option<String>,
}

impl Told {
    /// Tells it as details of the layer.
    fn tell(&self, product: &str, sink: &mut dyn Sink) {
        sink.detail("quarantine", product.to_owned());
        let texts = [("original-path", &self.path), ("threat", &self.threat), ("quarantined-at", &self.at)];
        for (key, text) in texts {
            if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
                sink.detail(key, text.clone());
            }
        }
    }
}

/// Gives the file that was set aside: `parts` without their veil.
fn give(name: Option<&str>, parts: Vec<&[u8]>, veil: Veil, sink: &mut dyn Sink) -> Flow {
    let length = parts.iter().map(|part| u64::try_from(part.len()).unwrap_or(0)).fold(0, u64::saturating_add);
    let member = Member {
        name: name.unwrap_or_default().to_owned(),
        position: 1,
        compressed_size: Some(length),
        real_size: Some(length),
        ..Member::default()
    };
    let mut unveiled = Unveiled::new(parts, veil);
    sink.child(ChildKind::Extracted, &member, Content::Stream(&mut unveiled))
}

fn malformed(what: &str, sink: &mut dyn Sink) {
    sink.incomplete(Reason::Malformed(format!("{what} of a quarantine")));
}

/// UTF-16, least significant byte first, up to the first NUL.
fn wide(bytes: &[u8]) -> String {
    let bytes = bytes.get(..LONGEST_TEXT).unwrap_or(bytes);
    let units: Vec<u16> = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|unit| u16::from_le_bytes(*unit))
        .take_while(|unit| *unit != 0)
        .collect();
    String::from_utf16_lossy(&units)
}

/// Text up to the first NUL.
fn narrow(bytes: &[u8]) -> String {
    let text = crate::reader::until_nul(bytes.get(..LONGEST_TEXT).unwrap_or(bytes));
    crate::name::decoded(text)
}
