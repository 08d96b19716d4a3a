//! What a parser talks to. The only place of the product that recurses: a child is scanned inside
//! [`Sink::child`], so that its bytes are needed no longer than that.

use std::io::{self, ErrorKind, Read as _};

use candor_model::{
    Anomaly, Budget, CertificateRule, ChildKind, Content, Detail, Facts, FileType, Flow, Member,
    Normalisation, Reason, Sink,
};

use crate::frame::Frame;
use crate::record::shorten;
use crate::scan::Scan;
use crate::waiting::{EACH, Held, Queue, Waiting};

/// Bytes that are read between two looks at the interrupt.
const CHUNK: u64 = 1 << 20;
/// Memory that is reserved on the word of a container, before anything was read.
const TRUSTED_SIZE: u64 = 16 << 20;
/// Bytes of buffers that are kept for the next layers; what is beyond is given back.
const KEPT: usize = 2 << 20;

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

/// What there is of a child.
enum Source<'c> {
    /// All that its parser gives.
    Given(Content<'c>),
    /// A stream whose beginning was read, and how far it may be.
    Begun { stream: &'c mut dyn io::Read, beginning: Vec<u8>, most: u64 },
    /// What was read, and why that is not all.
    Read(Vec<u8>, Option<Reason>),
}

/// Takes what the parser of one layer hands out.
pub(crate) struct LayerSink<'a, 's, 'f> {
    scan: &'a mut Scan<'s>,
    frame: &'a Frame<'f>,
    queue: Queue<'f>,
    facts: Facts,
    details: Vec<Detail>,
    anomalies: Vec<Anomaly>,
    /// Enough was found behind the parser's back: told at once, it would have stopped.
    ended: bool,
}

impl<'a, 's, 'f> LayerSink<'a, 's, 'f> {
    /// A sink for the parser of `frame`.
    pub(crate) fn new(scan: &'a mut Scan<'s>, frame: &'a Frame<'f>) -> Self {
        Self {
            scan,
            frame,
            queue: Queue::default(),
            facts: Facts::default(),
            details: Vec::new(),
            anomalies: Vec::new(),
            ended: false,
        }
    }

    /// What was learned about the layer, when all of its children were looked at.
    pub(crate) fn into_facts(mut self) -> Facts {
        self.flush();
        let mut facts = self.facts;
        facts.details.extend(self.details);
        facts.anomalies.extend(self.anomalies);
        facts
    }

    /// Takes a child that is a layer of its own. A small one waits for others.
    fn take(&mut self, label: String, member: &Member, mut content: Content<'_>) {
        if let Content::Bytes(bytes) = content
            && let Some(bytes) = self.in_layer(bytes)
            && self.queue.has_room_in_layer(bytes.len(), &self.scan.budget)
        {
            return self.wait(label, member, Held::InLayer(bytes), None);
        }
        if let Content::Stream(stream) = &mut content
            && self.queue.has_room(member.real_size, &self.scan.budget)
        {
            let mut beginning = self.scan.buffers.pop().unwrap_or_default();
            let most = self.scan.budget.growth(self.compressed(member));
            let expected = member.real_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
            beginning.reserve(expected.min(EACH));
            return match self.read_up_to(&mut **stream, most.min(EACH as u64), &mut beginning) {
                Ok(false) => self.wait(label, member, Held::Read(beginning), None),
                Err(reason) => self.wait(label, member, Held::Read(beginning), Some(reason)),
                // It is larger than it was said to be.
                Ok(true) => {
                    self.alone(label, member, Source::Begun { stream: &mut **stream, beginning, most })
                }
            };
        }
        self.alone(label, member, Source::Given(content));
    }

    /// These bytes where they stand in the layer, if they do.
    fn in_layer(&self, bytes: &[u8]) -> Option<&'f [u8]> {
        let own = self.frame.bytes;
        let start = bytes.as_ptr().addr().checked_sub(own.as_ptr().addr())?;
        own.get(start..start.checked_add(bytes.len())?)
    }

    fn wait(&mut self, label: String, member: &Member, bytes: Held<'f>, cut: Option<Reason>) {
        if let Held::Read(buffer) = &bytes {
            self.scan.budget.hold(buffer.len() as u64);
        }
        let child = Waiting { label, member: member.clone(), bytes, file_type: member.file_type, cut };
        if self.queue.push(child) {
            self.flush();
        }
    }

    /// Whether nothing more of the layer is looked at.
    fn is_over(&mut self) -> bool {
        self.scan.exhausted || self.scan.stopped(self.frame)
    }

    /// Whether a child is the layer itself once more: all of its bytes as a type that they were looked at as. So is what a
    /// parser gives that can read nothing of what a magic says.
    fn is_itself(&self, member: &Member, bytes: &[u8]) -> bool {
        let is_all =
            |frame: &&Frame<'_>| frame.bytes.as_ptr() == bytes.as_ptr() && frame.bytes.len() == bytes.len();
        if !is_all(&self.frame) {
            return false;
        }
        let file_type = member.file_type.unwrap_or_else(|| self.scan.identify(bytes));
        let around = std::iter::successors(Some(self.frame), |frame| frame.parent);
        around.take_while(is_all).any(|frame| frame.file_type == file_type)
    }

    /// Looks at what waits while the parser is not asking whether to go on; `is_late` when something else was only just
    /// looked at, too.
    fn catch_up(&mut self, is_late: bool) {
        let is_late = is_late || !self.queue.is_empty();
        self.flush();
        self.ended |= is_late && self.is_over();
    }

    /// Looks at a child at once, behind those that wait.
    fn alone(&mut self, label: String, member: &Member, source: Source<'_>) {
        self.flush();
        if !self.is_over() {
            self.scan.path.push(label);
            self.descend(member, source);
            self.scan.path.pop();
        }
    }

    /// Looks at the children that wait.
    fn flush(&mut self) {
        if self.queue.is_empty() {
            return;
        }
        let mut waiting = self.queue.take();
        let mut screened = self.scan.screen(&mut waiting).into_iter();
        for child in waiting {
            let Waiting { label, member, bytes, file_type, cut } = child;
            let source = match bytes {
                Held::InLayer(bytes) => Source::Given(Content::Bytes(bytes)),
                Held::Read(buffer) => {
                    self.scan.budget.release(buffer.len() as u64);
                    Source::Read(buffer, cut)
                }
            };
            let screened = screened.next().flatten();
            if self.is_over() {
                continue;
            }
            self.scan.path.push(label);
            self.scan.screened = screened;
            self.descend(&Member { file_type, ..member }, source);
            self.scan.screened = None;
            self.scan.path.pop();
        }
    }

    /// Opens a child that is a layer of its own.
    fn descend(&mut self, member: &Member, source: Source<'_>) {
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
        match source {
            Source::Given(Content::Absent(reason)) => self.scan.missed(self.frame, self.cause(reason)),
            Source::Given(Content::Bytes(bytes)) => {
                let most = self.scan.options.limits.max_file_size;
                let (held, cut) = self.scan.afford(bytes, most);
                self.holding(bytes, |sink| sink.open(member, held, cut));
            }
            Source::Given(Content::Part(bytes, reason)) => {
                let most = self.scan.options.limits.max_file_size;
                let (held, cut) = self.scan.afford(bytes, most);
                self.holding(bytes, |sink| sink.open(member, held, cut.or(Some(reason))));
            }
            Source::Given(Content::Stream(stream)) => {
                let buffer = self.scan.buffers.pop().unwrap_or_default();
                self.open_stream(stream, member, buffer, u64::MAX);
            }
            Source::Begun { stream, beginning, most } => self.open_stream(stream, member, beginning, most),
            Source::Read(buffer, cut) => {
                self.holding(&buffer, |sink| sink.open(member, &buffer, cut));
                self.keep(buffer);
            }
        }
        self.scan.budget.leave();
    }

    /// Opens what comes out of a stream whose beginning is in `buffer`, at most so many bytes.
    fn open_stream(&mut self, stream: &mut dyn io::Read, member: &Member, mut buffer: Vec<u8>, most: u64) {
        match self.read(stream, member, &mut buffer, most, true) {
            Read::To(cut) => self.holding(&buffer, |sink| sink.open(member, &buffer, cut)),
            Read::PartOf(file_type) => self.open_parts(stream, member, file_type, &mut buffer),
        }
        self.keep(buffer);
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
            if is_last || self.is_over() {
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

    /// Why something of a layer could really not be had: of one of which a limit left the beginning, its parser says that it is
    /// cut short, and of sound members that they are.
    fn cause(&self, reason: Reason) -> Reason {
        match (&self.frame.limit, reason) {
            (Some(limit), Reason::Malformed(_)) => limit.clone(),
            (_, reason) => reason,
        }
    }

    fn open(&mut self, member: &Member, bytes: &[u8], cut: Option<Reason>) {
        let cut = cut.map(|reason| self.cause(reason));
        match cut {
            // Not one byte could be had: there is no layer to speak of.
            Some(reason) if bytes.is_empty() => self.scan.missed(self.frame, reason),
            cut => self.scan.layer(Some(self.frame), &member.name, member.file_type, bytes, cut),
        }
    }

    /// Takes a rewritten copy of the layer.
    fn normalised(&mut self, kind: Normalisation, member: &Member, content: Content<'_>) {
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
                if let Read::To(cut) = self.read(stream, member, &mut buffer, u64::MAX, false) {
                    self.holding(&buffer, |sink| sink.search_copy(kind, &buffer, cut));
                }
                self.keep(buffer);
            }
        }
    }

    fn search_copy(&mut self, kind: Normalisation, bytes: &[u8], cut: Option<Reason>) {
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

    /// Reads as much as the budget allows into `buffer`, in which the beginning may be, up to `most`, and says why that
    /// is not all. Of an archive that can be taken apart while it is read, if `may_part`, only as much as leaves memory
    /// for what comes out of it.
    fn read(
        &mut self,
        stream: &mut dyn io::Read,
        member: &Member,
        buffer: &mut Vec<u8>,
        most: u64,
        may_part: bool,
    ) -> Read {
        let budget = &self.scan.budget;
        let compressed = self.compressed(member);
        let over = budget.growth_limit(compressed);
        let limit = budget.growth(compressed).saturating_add(buffer.len() as u64).min(most);
        let may_part = may_part && part(budget) >= SMALLEST_PART;
        let first = if may_part { limit.min(part(budget)) } else { limit };
        let expected = member.real_size.unwrap_or(0).min(limit).min(TRUSTED_SIZE);
        if expected > KEPT as u64 {
            // What others left is too small for it, and would only be there besides.
            self.scan.buffers.clear();
        }
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
        self.scan.settle_digests(self.frame);
        if self.scan.stopped(self.frame) {
            return Flow::Stop;
        }
        match kind {
            ChildKind::Normalised(normalisation) => {
                self.flush();
                if !self.is_over() {
                    self.normalised(normalisation, member, content);
                }
            }
            ChildKind::Embedded { offset: 0 } if matches!(&content, Content::Bytes(bytes) if self.is_itself(member, bytes)) =>
                {}
            ChildKind::Embedded { .. } | ChildKind::Extracted => {
                self.take(label(kind, member), member, content);
            }
        }
        if self.is_over() { Flow::Stop } else { Flow::Continue }
    }

    fn copies(&mut self, copies: &[(Normalisation, &[u8])]) -> Flow {
        self.flush();
        if self.is_over() {
            return Flow::Stop;
        }
        let mut screened = self.scan.screen_copies(self.frame, copies).into_iter();
        for (normalisation, bytes) in copies {
            self.scan.settle_digests(self.frame);
            self.scan.screened = screened.next().flatten();
            let kind = ChildKind::Normalised(*normalisation);
            let flow = self.child(kind, &Member::default(), Content::Bytes(bytes));
            self.scan.screened = None;
            if flow == Flow::Stop {
                return flow;
            }
        }
        Flow::Continue
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
        let is_settled = self.scan.settle_digests(self.frame);
        self.catch_up(is_settled);
        // That it was cut was told before.
        let is_told = self.frame.limit.is_some() && matches!(reason, Reason::Malformed(_));
        if !self.ended && !is_told {
            self.scan.missed(self.frame, reason);
        }
    }

    fn budget(&mut self) -> &mut Budget {
        // What they spend comes first.
        self.catch_up(false);
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
        self.flush();
        self.scan.catalogued(self.frame, digest);
    }

    fn certified(&mut self, rule: usize) {
        self.flush();
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
        ErrorKind::QuotaExceeded => Reason::Work,
        _ => Reason::Malformed(error.to_string()),
    }
}
