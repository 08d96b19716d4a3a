//! Keeps what comes out of one layer: its facts, copies and children.

use std::io::Read as _;

use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Normalisation, Reason, Sink,
};

/// What came out.
#[derive(Debug)]
pub(super) struct Collected {
    /// What is known about the layer.
    pub(super) facts: Facts,
    /// Rewritten copies.
    pub(super) copies: Vec<(Normalisation, Vec<u8>)>,
    /// What was unpacked: names, types where the parser knows them, bytes.
    pub(super) children: Vec<(String, Option<FileType>, Vec<u8>)>,
    /// What there is to say for people.
    pub(super) details: Vec<(&'static str, String)>,
    budget: Budget,
}

impl Collected {
    /// What is in `bytes`, read as a file of this type.
    pub(super) fn of(file_type: FileType, bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // All of a text is wanted, however long it is.
        let limits = Limits { max_normalise: length, ..Limits::default() };
        let mut collected = Self {
            facts: Facts::default(),
            copies: Vec::new(),
            children: Vec::new(),
            details: Vec::new(),
            budget: Budget::new(limits, Interrupt::new(), length),
        };
        candor_unpack::unpack(file_type, bytes, &mut collected);
        collected
    }

    /// The copy of this kind.
    pub(super) fn copy(&self, kind: Normalisation) -> Option<&[u8]> {
        self.copies.iter().find(|(made, _)| *made == kind).map(|(_, bytes)| bytes.as_slice())
    }
}

impl Sink for Collected {
    fn child(&mut self, kind: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        let room = self.budget.growth(member.compressed_size.unwrap_or(0));
        let mut bytes = Vec::new();
        match content {
            Content::Absent(_) => return Flow::Continue,
            Content::Bytes(given) | Content::Part(given, _) => {
                let most = usize::try_from(room).unwrap_or(usize::MAX);
                bytes.extend_from_slice(given.get(..most).unwrap_or(given));
            }
            // What was read until the damage counts.
            Content::Stream(stream) => drop(stream.take(room).read_to_end(&mut bytes)),
        }
        if self.budget.spend(u64::try_from(bytes.len()).unwrap_or(u64::MAX)).is_err() {
            return Flow::Stop;
        }
        match kind {
            ChildKind::Normalised(copy) => self.copies.push((copy, bytes)),
            _ => self.children.push((member.name.clone(), member.file_type, bytes)),
        }
        Flow::Continue
    }

    fn facts(&mut self, facts: Facts) {
        self.facts = facts;
    }

    fn detail(&mut self, key: &'static str, value: String) {
        self.details.push((key, value));
    }

    fn incomplete(&mut self, _: Reason) {}

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}
