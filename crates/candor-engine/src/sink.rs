//! What a parser talks to. The only place of the product that recurses: a child is scanned inside
//! [`Sink::child`], so that its bytes are needed no longer than that.

use std::io::{self, ErrorKind, Read as _};

use candor_model::{
    Anomaly, Budget, CertificateRule, ChildKind, Content, Detail, Facts, FileType, Flow, Member, Reason, Sink,
};

use crate::frame::Frame;
use crate::record::shorten;
use crate::scan::Scan;

/// Bytes that are read between two looks at the interrupt.
const CHUNK: u64 = 1 << 20;
/// Memory that is reserved on the word of a container, before anything was read.
const TRUSTED_SIZE: u64 = 16 << 20;
/// Bytes of buffers that are kept for the next layers; what is beyond is given back.
const KEPT: usize = 16 << 20;

/// With less memory than for parts of this size, archives are not taken apart while they are read.
const SMALLEST_PART: u64 = 4096;

/// Details of one layer that are kept.
const DETAILS: usize = 256;

/// How far a stream was read.
enum Read {
    /// To its end, or to where it is cut for this reason.
    To(Option<Reason>),
    /// Up to some place in an archive of this type, the rest of which is taken apart while it is read.
    PartOf(FileType),
}

/// As much as is held of an archive that is taken apart while it is read: what comes out of it needs room, too.
const fn part(budget: &Budget) -> u64 {
    budget.memory() / 2
}

/// Takes what the parser of one layer hands out.
pub(crate) struct LayerSink<'a, 's, 'f> {
    scan: &'a mut Scan<'s>,
    frame: &'a Frame<'f>,
    facts: Facts,
    details: Vec<Detail>,
    anomalies: Vec<Anomaly>,
}

impl<'a, 's, 'f> LayerSink<'a, 's, 'f> {
    /// A sink for the parser of `frame`.
    pub(crate) fn new(scan: &'a mut Scan<'s>, frame: &'a Frame<'f>) -> Self {
        Self { scan, frame, facts: Facts::default(), details: Vec::new(), anomalies: Vec::new() }
    }

    /// What was learned about the layer.
    pub(crate) fn into_facts(self) -> Facts {
        let mut facts = self.facts;
        facts.details.extend(self.details);
        facts.anomalies.extend(self.anomalies);
        facts
    }

    /// Opens a child that is a layer of its own.
    fn descend(&mut self, member: &Member, content: Content<'_>) {
        if member.position > 0 {
            self.search_member(member);
        }
        if self.scan.stopped(self.frame) {
            return;
        }
        if let Err(reason) = self.scan.budget.enter() {
            self.scan.missed(self.frame, reason);
            return;
        }
        match content {
            Content::Absent(reason) => self.scan.missed(self.frame, reason),
            Content::Bytes(bytes) => {
                let most = self.scan.options.limits.max_file_size;
                let (held, cut) = self.scan.afford(bytes, most);
                self.holding(bytes, |sink| sink.open(member, held, cut));
            }
            Content::Part(bytes, reason) => {
                let most = self.scan.options.limits.max_file_size;
                let (held, cut) = self.scan.afford(bytes, most);
                self.holding(bytes, |sink| sink.open(member, held, cut.or(Some(reason))));
            }
            Content::Stream(stream) => {
                let mut buffer = self.scan.buffers.pop().unwrap_or_default();
                match self.read(stream, member, &mut buffer, true) {
                    Read::To(cut) => self.holding(&buffer, |sink| sink.open(member, &buffer, cut)),
                    Read::PartOf(file_type) => self.open_parts(stream, member, file_type, &mut buffer),
                }
                self.keep(buffer);
            }
        }
        self.scan.budget.leave();
    }

    /// Opens an archive while it is read, part by part: each part is of whole members, and the next begins with
    /// the one behind it. In `buffer` is its beginning.
    fn open_parts(
        &mut self,
        stream: &mut dyn io::Read,
        member: &Member,
        file_type: FileType,
        buffer: &mut Vec<u8>,
    ) {
        let budget = &self.scan.budget;
        let (memory, part) = (budget.memory(), part(budget));
        let mut left = budget.flow(self.compressed(member));
        let over = budget.flow_limit(self.compressed(member));
        let member = Member { file_type: Some(file_type), ..member.clone() };
        loop {
            let mut wanted = part;
            let (outcome, cut) = loop {
                let held = buffer.len() as u64;
                let outcome = self.read_up_to(stream, wanted.min(held.saturating_add(left)), buffer);
                left = left.saturating_sub((buffer.len() as u64).saturating_sub(held));
                let cut = self.scan.formats.cut(file_type, buffer).unwrap_or_default();
                match cut.next {
                    // A member that is larger than a part may be, and smaller than memory.
                    Some(next)
                        if cut.whole == 0 && wanted < next.min(memory) && outcome == Ok(true) && left > 0 =>
                    {
                        wanted = next.min(memory);
                    }
                    _ => break (outcome, cut),
                }
            };
            let is_last = outcome != Ok(true) || left == 0;
            let (end, reason) = match outcome {
                Err(reason) => (buffer.len(), Some(reason)),
                Ok(true) if left == 0 => (buffer.len(), Some(over.clone())),
                Ok(true) if cut.whole > 0 => (cut.whole, None),
                Ok(true) if cut.next.is_some() => (buffer.len(), Some(Reason::Memory)),
                Ok(_) => (buffer.len(), None),
            };
            if end > 0 || reason.is_some() {
                let opened = buffer.get(..end).unwrap_or_default();
                self.holding(buffer, |sink| sink.open(&member, opened, reason));
            }
            if is_last || self.scan.exhausted || self.scan.stopped(self.frame) {
                return;
            }
            buffer.drain(..end);
            // What is left of a member that is larger than memory belongs to no part.
            let behind = cut.next.unwrap_or(0).saturating_sub(end as u64).min(left);
            if cut.whole == 0 && behind > 0 {
                left = left.saturating_sub(behind);
                if let Err(reason) = self.pass_over(stream, behind) {
                    self.scan.missed(self.frame, reason);
                    return;
                }
            }
        }
    }

    /// Reads so many bytes that nobody looks at; they cost as others do.
    fn pass_over(&mut self, stream: &mut dyn io::Read, mut length: u64) -> Result<(), Reason> {
        let mut passed = Vec::new();
        while length > 0 {
            passed.clear();
            let more = self.read_up_to(stream, length.min(CHUNK), &mut passed)?;
            length = if more { length.saturating_sub(CHUNK) } else { 0 };
        }
        Ok(())
    }

    /// Does something while `bytes` are held in memory. Those that stand in the layer itself cost nothing.
    fn holding(&mut self, bytes: &[u8], act: impl FnOnce(&mut Self)) {
        let own = self.frame.bytes.as_ptr_range();
        let cost = if own.contains(&bytes.as_ptr()) { 0 } else { bytes.len() as u64 };
        self.scan.budget.hold(cost);
        act(self);
        self.scan.budget.release(cost);
    }

    fn open(&mut self, member: &Member, bytes: &[u8], cut: Option<Reason>) {
        match cut {
            // Not one byte could be had: there is no layer to speak of.
            Some(reason) if bytes.is_empty() => self.scan.missed(self.frame, reason),
            cut => self.scan.layer(Some(self.frame), &member.name, member.file_type, bytes, cut),
        }
    }

    /// Takes a rewritten copy of the layer.
    fn normalised(&mut self, kind: candor_model::Normalisation, member: &Member, content: Content<'_>) {
        match content {
            Content::Absent(reason) => self.scan.missed(self.frame, reason),
            Content::Bytes(bytes) => {
                let (held, cut) = self.scan.afford(bytes, u64::MAX);
                self.holding(bytes, |sink| sink.search_copy(kind, held, cut));
            }
            Content::Part(bytes, reason) => {
                let (held, cut) = self.scan.afford(bytes, u64::MAX);
                self.holding(bytes, |sink| sink.search_copy(kind, held, cut.or(Some(reason))));
            }
            Content::Stream(stream) => {
                let mut buffer = self.scan.buffers.pop().unwrap_or_default();
                if let Read::To(cut) = self.read(stream, member, &mut buffer, false) {
                    self.holding(&buffer, |sink| sink.search_copy(kind, &buffer, cut));
                }
                self.keep(buffer);
            }
        }
    }

    fn search_copy(&mut self, kind: candor_model::Normalisation, bytes: &[u8], cut: Option<Reason>) {
        if let Some(reason) = cut {
            self.scan.missed(self.frame, reason);
        }
        if !bytes.is_empty() && !self.scan.halted {
            self.scan.copy(self.frame, kind, bytes);
        }
    }

    /// Searches for signatures on what the container says about the member.
    fn search_member(&mut self, member: &Member) {
        let mut hits = Vec::new();
        let depth = u32::try_from(self.scan.parents.len()).unwrap_or(u32::MAX);
        self.scan.image.search_member(self.frame.file_type, self.frame.length(), depth, member, &mut hits);
        for hit in hits {
            self.scan.found(self.frame, hit, None);
        }
    }

    /// What a member says of its compressed size is believed only as far as its container reaches.
    fn compressed(&self, member: &Member) -> u64 {
        let whole = self.frame.length();
        member.compressed_size.map_or(whole, |claimed| claimed.min(whole))
    }

    /// Reads as much as the budget allows into `buffer`, and says why that is not all. Of an archive that can be
    /// taken apart while it is read, if `may_part`, only as much as leaves memory for what comes out of it.
    fn read(
        &mut self,
        stream: &mut dyn io::Read,
        member: &Member,
        buffer: &mut Vec<u8>,
        may_part: bool,
    ) -> Read {
        let budget = &self.scan.budget;
        let compressed = self.compressed(member);
        let (limit, over) = (budget.growth(compressed), budget.growth_limit(compressed));
        let may_part = may_part && part(budget) >= SMALLEST_PART;
        let first = if may_part { limit.min(part(budget)) } else { limit };
        let expected = member.real_size.unwrap_or(0).min(limit).min(TRUSTED_SIZE);
        buffer.reserve(usize::try_from(expected).unwrap_or(0));
        let mut outcome = self.read_up_to(stream, first, buffer);
        if first < limit && outcome == Ok(true) {
            let file_type = member.file_type.unwrap_or_else(|| self.scan.identify(buffer));
            if self.scan.formats.cut(file_type, buffer).is_some() {
                return Read::PartOf(file_type);
            }
            outcome = self.read_up_to(stream, limit, buffer);
        }
        Read::To(match outcome {
            Ok(false) => None,
            Err(reason) => Some(reason),
            // The limit is used up; whether anything is missing shows only in the next byte.
            Ok(true) => match stream.take(1).read_to_end(&mut Vec::new()) {
                Ok(0) => None,
                Ok(_) => Some(over),
                Err(error) => Some(unreadable(&error)),
            },
        })
    }

    /// Reads until `buffer` holds `limit` bytes. Whether it does; if not, the stream ended before.
    fn read_up_to(
        &mut self,
        stream: &mut dyn io::Read,
        limit: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, Reason> {
        loop {
            let left = limit.saturating_sub(buffer.len() as u64);
            if left == 0 {
                return Ok(true);
            }
            let wanted = left.min(CHUNK);
            let before = buffer.len();
            let outcome = (&mut *stream).take(wanted).read_to_end(buffer);
            let got = buffer.len().saturating_sub(before) as u64;
            if let Err(reason) = self.scan.budget.spend(got) {
                buffer.truncate(before);
                return Err(reason);
            }
            match outcome {
                Err(error) => return Err(unreadable(&error)),
                Ok(_) if got < wanted => return Ok(false),
                Ok(_) => {}
            }
        }
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        let kept: usize = self.scan.buffers.iter().map(Vec::capacity).fold(0, usize::saturating_add);
        if buffer.capacity() <= KEPT.saturating_sub(kept) {
            self.scan.buffers.push(buffer);
        }
    }
}

impl Sink for LayerSink<'_, '_, '_> {
    fn child(&mut self, kind: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        if self.scan.stopped(self.frame) {
            return Flow::Stop;
        }
        match kind {
            ChildKind::Normalised(normalisation) => self.normalised(normalisation, member, content),
            ChildKind::Embedded { .. } | ChildKind::Extracted => {
                self.scan.path.push(label(kind, member));
                self.descend(member, content);
                self.scan.path.pop();
            }
        }
        if self.scan.exhausted || self.scan.stopped(self.frame) { Flow::Stop } else { Flow::Continue }
    }

    fn facts(&mut self, facts: Facts) {
        self.facts = facts;
    }

    fn detail(&mut self, key: &'static str, value: String) {
        if self.details.len() < DETAILS {
            self.details.push(Detail { key, value: shorten(&value) });
        }
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        if !self.anomalies.contains(&anomaly) {
            self.anomalies.push(anomaly);
        }
    }

    fn incomplete(&mut self, reason: Reason) {
        self.scan.missed(self.frame, reason);
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.scan.budget
    }

    fn passwords(&self) -> &[Vec<u8>] {
        self.scan.passwords()
    }

    fn certificate_rules(&self) -> &[CertificateRule] {
        self.scan.certificate_rules
    }

    fn wants_program_digests(&self) -> bool {
        self.scan.has_catalogues
    }

    fn program_digest(&mut self, digest: &[u8]) {
        self.scan.catalogued(self.frame, digest);
    }

    fn certified(&mut self, rule: usize) {
        self.scan.certified(self.frame, rule);
    }
}

/// What stands for a child in a path.
fn label(kind: ChildKind, member: &Member) -> String {
    match kind {
        _ if !member.name.is_empty() => shorten(&member.name),
        ChildKind::Embedded { offset } => format!("@{offset}"),
        _ if member.position > 0 => format!("#{}", member.position),
        _ => "content".to_owned(),
    }
}

/// Why a decoder gave up.
fn unreadable(error: &io::Error) -> Reason {
    match error.kind() {
        ErrorKind::Unsupported => Reason::Unsupported(error.to_string()),
        _ => Reason::Malformed(error.to_string()),
    }
}
