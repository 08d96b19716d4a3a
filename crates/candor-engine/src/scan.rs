//! The loop over one layer: its digests, its children and facts, its body.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use candor_database::ir::HashSubject;
use candor_database::{Hit, Image, Inspection, Scratch, SignatureId, Subject, TypeRules};
use candor_identify::PREFIX;
use candor_model::{
    Budget, CertificateRule, Digest, DigestKind, DigestSet, ExecutableFormat, Facts, FileType, Finding,
    Interrupt, LayerId, LayerSummary, Match, Normalisation, Origin, Reason, Report, Strength, Target,
};

use crate::ahead::copy_target;
use crate::formats::Formats;
use crate::frame::{Frame, digests};
use crate::heuristics::Phishing;
use crate::inspect::LayerInspector;
use crate::record::{Record, shorten};
use crate::sink::LayerSink;
use crate::{Memory, Observer, Options, Screened, Setup};

/// Sections of one executable may overlap; they are hashed up to this multiple of its length.
const SECTION_GROWTH: u64 = 8;

/// Passwords that are taken from the texts of one file.
const MENTIONED: usize = 64;

/// One scan of one file.
pub(crate) struct Scan<'s> {
    pub(crate) image: &'s Image,
    pub(crate) options: &'s Options,
    pub(crate) budget: Budget,
    /// Buffers that no layer uses at the moment.
    pub(crate) buffers: &'s mut Vec<Vec<u8>>,
    pub(crate) record: Record,
    /// Types of the layers that are open, outermost first.
    pub(crate) parents: Vec<FileType>,
    /// Names of the layers that are open, without the file itself.
    pub(crate) path: Vec<String>,
    /// Nothing more is looked at: enough was found, or somebody interrupted.
    pub(crate) halted: bool,
    /// No more children are opened: they or their bytes are used up.
    pub(crate) exhausted: bool,
    pub(crate) formats: &'s dyn Formats,
    scratch: &'s mut Scratch,
    observer: Option<&'s mut dyn Observer>,
    /// What is known of the file before it is scanned.
    pub(crate) screened: Option<Screened>,
    raw_html: bool,
    type_rules: &'s TypeRules,
    phishing: &'s OnceCell<Phishing>,
    pub(crate) certificate_rules: &'s [CertificateRule],
    /// The signatures that those are.
    rule_signatures: &'s [SignatureId],
    pub(crate) has_catalogues: bool,
    catalogued: &'s OnceCell<HashMap<Vec<u8>, SignatureId>>,
    /// What heuristics have told of which layer.
    suspected: HashSet<(LayerId, String)>,
    known_passwords: &'s [Vec<u8>],
    /// Those that mails mentioned, and the known ones; empty when none was mentioned.
    passwords: Vec<Vec<u8>>,
}

/// Things that heuristics tell of one file.
const SUSPICIONS: usize = 1_000;

impl<'s> Scan<'s> {
    /// A scan of a file of `length` bytes that has not begun.
    pub(crate) fn new(
        setup: &'s Setup<'_>,
        memory: &'s mut Memory,
        interrupt: &Interrupt,
        observer: Option<&'s mut dyn Observer>,
        length: u64,
    ) -> Self {
        Self {
            image: setup.image,
            options: &setup.options,
            budget: Budget::new(setup.options.limits, interrupt.clone(), length),
            buffers: &mut memory.buffers,
            record: Record::default(),
            parents: Vec::new(),
            path: Vec::new(),
            halted: false,
            exhausted: false,
            formats: setup.formats,
            scratch: &mut memory.scratch,
            observer,
            screened: None,
            raw_html: setup.raw_html,
            type_rules: &setup.type_rules,
            phishing: &setup.phishing,
            certificate_rules: &setup.certificate_rules,
            rule_signatures: &setup.rule_signatures,
            has_catalogues: setup.has_catalogues,
            catalogued: &setup.catalogued,
            suspected: HashSet::new(),
            known_passwords: &setup.passwords,
            passwords: Vec::new(),
        }
    }

    /// Scans the file itself, and says what came of it.
    pub(crate) fn run(mut self, bytes: &[u8], name: &str) -> Report {
        let limits = self.options.limits;
        let file_type = self.identify(bytes);
        let (bytes, cut) = self.afford(bytes, limits.max_file_size);
        match self.budget.enter() {
            Ok(()) => {
                self.layer(None, name, Some(file_type), bytes, cut);
                self.budget.leave();
            }
            Err(reason) => {
                let id = self.record.layer(None, name, file_type, bytes.len() as u64, limits.max_children);
                self.record.incomplete(id, &[], reason);
            }
        }
        self.record.into_report(file_type, self.budget.bytes())
    }

    /// What `bytes` are. File-type rules of the image decide only where ours know nothing better than
    /// text or data: ours are stricter. Those on bytes at a place go before those on patterns, and both see
    /// no more than a kilobyte, as in ClamAV. That something be ignored is no rule to follow, nor is one by
    /// which a layer would be what it was just taken out of: a catalogue of translations with the header of
    /// a mail in it would be a mail in a mail without end.
    pub(crate) fn identify(&self, bytes: &[u8]) -> FileType {
        let own = self.formats.identify(bytes);
        if own != FileType::BinaryData && !own.is_text() {
            return own;
        }
        let prefix = bytes.get(..PREFIX).unwrap_or(bytes);
        let is_partition = matches!(self.parents.last(), Some(FileType::Apm | FileType::Gpt | FileType::Mbr));
        let of_partition =
            if is_partition { self.type_rules.magic(bytes, true, FileType::PartAny) } else { None };
        of_partition
            .or_else(|| self.type_rules.magic(prefix, false, FileType::Any))
            .or_else(|| self.type_rules.detect(prefix, own))
            .filter(|found| *found != FileType::Ignored && self.parents.last() != Some(found))
            .unwrap_or(own)
    }

    /// As much of `bytes` as `most` and the budget allow, paid for, and why that is not all.
    pub(crate) fn afford<'b>(&mut self, bytes: &'b [u8], most: u64) -> (&'b [u8], Option<Reason>) {
        let length = bytes.len() as u64;
        let left = self.budget.remaining();
        let allowed = length.min(most).min(left);
        let cut = match () {
            () if allowed == length => None,
            () if allowed == left => Some(self.budget.exhaustion()),
            () => Some(Reason::FileSize),
        };
        match self.budget.spend(allowed) {
            Ok(()) => {
                let end = usize::try_from(allowed).unwrap_or(bytes.len());
                (bytes.get(..end).unwrap_or(bytes), cut)
            }
            Err(reason) => (&[], Some(reason)),
        }
    }

    /// Looks at one layer whose bytes are paid for. `cut` says why `bytes` are not all of it.
    pub(crate) fn layer(
        &mut self,
        parent: Option<&Frame<'_>>,
        name: &str,
        known: Option<FileType>,
        bytes: &[u8],
        cut: Option<Reason>,
    ) {
        let file_type = known.unwrap_or_else(|| self.identify(bytes));
        let most = self.options.limits.max_children;
        let id = self.record.layer(parent.map(|frame| frame.id), name, file_type, bytes.len() as u64, most);
        let whole = !matches!(
            cut,
            Some(
                Reason::ScanSize
                    | Reason::Growth
                    | Reason::Memory
                    | Reason::FileSize
                    | Reason::Ratio
                    | Reason::Timeout
                    | Reason::Cancelled
            )
        );
        let mut frame = Frame::new(parent, id, file_type, bytes, whole);
        frame.rules = Some(name);
        frame.limit = cut.clone().filter(|_| !whole);
        if let Some(observer) = &mut self.observer {
            observer.opened(&LayerSummary {
                id,
                parent: parent.map(|frame| frame.id),
                name: shorten(name),
                file_type,
                length: bytes.len() as u64,
                md5: None,
            });
        }
        if let Some(reason) = cut {
            self.missed(&frame, reason);
        }
        if bytes.is_empty() || self.halted {
            self.sum(&frame);
            self.observe(&frame);
            return;
        }
        // The MD5 of a page goes with those of its copies.
        frame.owes_digests.set(matches!(file_type, FileType::Html | FileType::HtmlUtf16));
        if let Some(screened) = self.screened.take().filter(|screened| whole && screened.is_of(bytes)) {
            frame.accept(screened);
            frame.owes_digests.set(false);
        }
        let has_copies = frame.owes_digests.get();
        if !has_copies {
            self.search_digests(&frame, self.body_target(file_type));
            self.sum(&frame);
        }
        self.listen(file_type, bytes);
        self.look_into(&frame);
        if has_copies {
            self.settle_digests(&frame);
            self.sum(&frame);
        }
        if let Some(handler) = frame.handler.take() {
            self.look_again(&frame, handler);
        }
        self.report_asked(&frame);
        self.observe(&frame);
    }

    /// Passwords to try, likeliest first.
    pub(crate) fn passwords(&self) -> &[Vec<u8>] {
        if self.passwords.is_empty() { self.known_passwords } else { &self.passwords }
    }

    /// Notes the passwords that a mail or a text in one mentions: they are for what comes with it.
    fn listen(&mut self, file_type: FileType, bytes: &[u8]) {
        let is_mail = file_type == FileType::Mail;
        let is_in_mail = || self.parents.contains(&FileType::Mail);
        let is_readable = file_type.is_text() || matches!(file_type, FileType::Html | FileType::HtmlUtf16);
        if !(is_mail || (is_readable && is_in_mail())) {
            return;
        }
        // The likeliest of them is put in front of all others last.
        for mentioned in self.formats.mentioned_passwords(bytes).into_iter().rev() {
            if self.passwords.is_empty() {
                self.passwords = self.known_passwords.to_vec();
            }
            if self.passwords.len() < self.known_passwords.len().saturating_add(MENTIONED)
                && !self.passwords.contains(&mentioned)
            {
                self.passwords.insert(0, mentioned);
            }
        }
    }

    /// Searches one rewritten copy of a layer. It is no layer of its own: it has no depth, is not
    /// identified, and nothing is unpacked from it.
    pub(crate) fn copy(&mut self, of: &Frame<'_>, normalisation: Normalisation, bytes: &[u8]) {
        let mut frame = Frame::new(Some(of), of.id, of.file_type, bytes, true);
        frame.normalised = Some(normalisation);
        if let Some(screened) = self.screened.take().filter(|screened| screened.is_of(bytes)) {
            frame.accept(screened);
        }
        let (target, is_hashed) = copy_target(normalisation);
        if is_hashed {
            self.search_digests(&frame, Some(target));
        }
        let file_size = if normalisation == Normalisation::Text { of.length() } else { frame.length() };
        // The layer itself is among the parents while its children are taken; a copy stands beside it.
        let own = self.parents.pop();
        self.search_body(&frame, target, file_size, &Facts::default());
        if normalisation == Normalisation::Script {
            self.search_body(&frame, Target::Text, file_size, &Facts::default());
        }
        self.parents.extend(own);
        of.handler.set(of.handler.get().or(frame.handler.get()));
        of.asked.borrow_mut().append(&mut frame.asked.borrow_mut());
        if !frame.found.borrow().is_empty() {
            self.observe(&frame);
        }
    }

    /// Reports a signature that matched, unless something speaks against it. `region` is what
    /// a digest is of: the image knows only its length.
    pub(crate) fn found(&mut self, frame: &Frame<'_>, hit: Hit, region: Option<Match>) {
        if self.halted {
            return;
        }
        let Some(signature) = self.image.signature(hit.signature) else { return };
        if signature.potentially_unwanted && !self.options.potentially_unwanted.counts(&signature.name) {
            return;
        }
        if !frame.is_new(hit.signature) {
            return;
        }
        let handler = hit.handler;
        let matches = region.map_or(hit.matches, |region| vec![region]);
        let finding = Finding {
            strength: Strength::of_name(&signature.name),
            signature: signature.name,
            origin: signature.origin,
            official: signature.official,
            language: signature.language,
            layer: frame.id,
            file_type: frame.file_type,
            path: self.path.clone(),
            normalised: frame.normalised,
            matches,
        };
        if handler.is_some() {
            // The layer is looked at as another type first.
            frame.handler.set(frame.handler.get().or(handler));
            return frame.asked.borrow_mut().push(finding);
        }
        self.report(frame, finding);
    }

    /// Reports signatures that asked for another look at a layer: they are findings all the same, behind what was
    /// found then.
    fn report_asked(&mut self, frame: &Frame<'_>) {
        for finding in frame.asked.take() {
            if !self.halted {
                self.report(frame, finding);
            }
        }
    }

    fn report(&mut self, frame: &Frame<'_>, finding: Finding) {
        if self.observer.is_some() {
            frame.found.borrow_mut().push(finding.clone());
        }
        match frame.trusted_by(self.image, &self.budget) {
            Ok(None) => {
                self.halted |= finding.strength == Strength::Strong && !self.options.all_matches;
                self.record.found(finding);
            }
            Ok(Some(name)) => self.record.trusted_by(name.to_owned()),
            Err(reason) => self.missed(frame, reason),
        }
    }

    /// A program bears a certificate that makes it malware, or is vouched for by one that is trusted.
    pub(crate) fn certified(&mut self, frame: &Frame<'_>, place: usize) {
        let (Some(rule), Some(&signature)) =
            (self.certificate_rules.get(place), self.rule_signatures.get(place))
        else {
            return;
        };
        if !rule.trusted {
            self.found(frame, Hit { signature, matches: Vec::new(), handler: None }, None);
        } else {
            self.vouched_for(frame, signature);
        }
    }

    /// A program has this digest, which may stand in a catalogue.
    pub(crate) fn catalogued(&mut self, frame: &Frame<'_>, digest: &[u8]) {
        let catalogued = self.catalogued.get_or_init(|| {
            let mut known = HashMap::new();
            for (signature, catalogue) in self.image.catalogues() {
                let digests = self.formats.catalogue(catalogue, self.certificate_rules);
                known.extend(digests.into_iter().map(|digest| (digest, signature)));
            }
            known
        });
        if let Some(&signature) = catalogued.get(digest) {
            self.vouched_for(frame, signature);
        }
    }

    /// A layer is trusted by what a signature says about who signed it, unless something was found in it.
    fn vouched_for(&mut self, frame: &Frame<'_>, signature: SignatureId) {
        if frame.found_none()
            && let Some(record) = self.image.signature(signature)
        {
            self.record.trusted_by(record.name.clone());
            frame.vouch(record.name);
        }
    }

    /// Reports what a heuristic says of a layer, unless the layer is trusted.
    fn suspect(&mut self, frame: &Frame<'_>, name: String) {
        let known = !self.suspected.insert((frame.id, name.clone()));
        if self.halted || known || self.suspected.len() > SUSPICIONS {
            return;
        }
        let finding = Finding {
            strength: Strength::of_name(&name),
            signature: name,
            origin: Origin { source: String::from("heuristics"), line: 0 },
            official: false,
            language: "candor",
            layer: frame.id,
            file_type: frame.file_type,
            path: self.path.clone(),
            normalised: frame.normalised,
            matches: Vec::new(),
        };
        match frame.trusted_by(self.image, &self.budget) {
            Ok(None) => self.record.found(finding),
            Ok(Some(trust)) => self.record.trusted_by(trust.to_owned()),
            // Whoever interrupted notices it at the next step.
            Err(_) => (),
        }
    }

    /// Looks for what is unusual about a layer.
    fn look_for_anomalies(&mut self, frame: &Frame<'_>, facts: &Facts) {
        let heuristics = &self.options.heuristics;
        let mut anomalies = facts.anomalies.clone();
        if let Some(structured) = &heuristics.structured
            && heuristics.enabled
            && (frame.file_type.is_text() || frame.file_type == FileType::Html)
        {
            anomalies.extend(structured.search(frame.bytes));
        }
        let mut names: Vec<String> =
            anomalies.into_iter().filter_map(|anomaly| heuristics.of_anomaly(anomaly)).collect();
        if !facts.links.is_empty() && heuristics.wants_links() && self.parents.contains(&FileType::Mail) {
            let lists = self.phishing.get_or_init(|| Phishing::new(self.image));
            let (told, finished) = lists.check(&facts.links, heuristics);
            if !finished {
                self.missed(frame, Reason::SearchSteps);
            }
            names.extend(told.into_iter().map(|what| format!("Heuristics.Phishing.Email.{what}")));
        }
        for name in names {
            self.suspect(frame, name);
        }
    }

    /// Notes that something of a layer was not looked at.
    pub(crate) fn missed(&mut self, frame: &Frame<'_>, reason: Reason) {
        if let Some(name) = self.options.heuristics.of_reason(&reason, frame.file_type) {
            self.suspect(frame, name);
        }
        match reason {
            Reason::Cancelled | Reason::Timeout => self.halted = true,
            Reason::Children | Reason::Growth | Reason::ScanSize => self.exhausted = true,
            _ => {}
        }
        self.record.incomplete(frame.id, &self.path, reason);
    }

    /// Takes children and facts of a layer, then searches what the facts lead to and its body.
    fn look_into(&mut self, frame: &Frame<'_>) {
        let target = self.body_target(frame.file_type);
        if let Some(target) = target.filter(|_| frame.file_type.is_text()) {
            // Before its copy, so that what is in both is reported where it stands in the file.
            self.search_body(frame, target, frame.length(), &Facts::default());
            self.unpack(frame);
            return;
        }
        let facts = self.unpack(frame);
        if self.stopped(frame) {
            return;
        }
        self.search_executable(frame, &facts);
        match target {
            Some(target) => self.search_body(frame, target, frame.length(), &facts),
            // Rules look at what others see only rewritten.
            None if self.image.has_rules() => {
                self.search(frame, Target::Any, frame.length(), &facts, true);
            }
            None => {}
        }
    }

    /// Looks at a layer once more, as the type that a signature named. It then counts as a layer
    /// inside itself, as in ClamAV.
    fn look_again(&mut self, frame: &Frame<'_>, handler: FileType) {
        if self.stopped(frame) || handler == frame.file_type {
            return;
        }
        if let Err(reason) = self.budget.enter() {
            self.missed(frame, reason);
            return;
        }
        let (_, cut) = self.afford(frame.bytes, u64::MAX);
        match cut {
            Some(reason) => self.missed(frame, reason),
            None => {
                let again = Frame::new(Some(frame), frame.id, handler, frame.bytes, frame.whole);
                self.parents.push(frame.file_type);
                self.look_into(&again);
                self.report_asked(&again);
                self.observe(&again);
                self.parents.pop();
            }
        }
        self.budget.leave();
    }

    fn unpack(&mut self, frame: &Frame<'_>) -> Facts {
        if self.stopped(frame) {
            return Facts::default();
        }
        let formats = self.formats;
        self.parents.push(frame.file_type);
        let mut sink = LayerSink::new(self, frame);
        formats.unpack(frame.file_type, frame.bytes, &mut sink);
        let mut facts = sink.into_facts();
        self.settle_digests(frame);
        self.parents.pop();
        if frame.file_type.target() == Target::Graphics && self.image.wants_image_hash() {
            facts.image_hash = formats.image_hash(frame.bytes, frame.file_type);
        }
        self.look_for_anomalies(frame, &facts);
        if let Some(observer) = &mut self.observer {
            observer.facts(frame.id, &facts);
        }
        facts
    }

    /// The class whose signatures the body of a layer of this type is searched for first, if it is searched
    /// as it stands.
    pub(crate) fn body_target(&self, file_type: FileType) -> Option<Target> {
        match file_type {
            text if text.is_text() => Some(Target::Any),
            // ClamAV does not search HTML as it stands, unless some signature is meant for raw files.
            FileType::Html if !self.raw_html => None,
            other => Some(other.target()),
        }
    }

    /// Searches for digests of the layer as a whole. Its body will be searched as `target`.
    fn search_digests(&mut self, frame: &Frame<'_>, target: Option<Target>) {
        if !frame.whole {
            return;
        }
        let wanted = self.image.digests_wanted(HashSubject::File, frame.length());
        let region = Match { offset: 0, length: frame.length(), subsignature: None };
        let target = target.filter(|_| wanted.contains(DigestKind::Md5));
        let screened = target.map_or(Ok(()), |target| frame.screen(self.image, target, &self.budget));
        match screened.and_then(|()| frame.digests(wanted, &self.budget)) {
            Ok(digests) => {
                for digest in digests {
                    self.search_digest(frame, HashSubject::File, &digest, frame.length(), region.clone());
                }
            }
            Err(reason) => self.missed(frame, reason),
        }
    }

    /// Searches for digests of a layer if that has not been done yet. Whether it did.
    pub(crate) fn settle_digests(&mut self, frame: &Frame<'_>) -> bool {
        let is_owed = frame.owes_digests.replace(false);
        if is_owed {
            self.search_digests(frame, self.body_target(frame.file_type));
        }
        is_owed
    }

    /// Notes the MD5 sum of a layer where that is asked for. Of a beginning it would say nothing.
    fn sum(&mut self, frame: &Frame<'_>) {
        if !self.options.layer_sums || !frame.whole {
            return;
        }
        match frame.digests(DigestSet::EMPTY.with(DigestKind::Md5), &self.budget) {
            Ok(digests) => {
                if let Some(sum) = digests.first().and_then(|digest| digest.as_bytes().try_into().ok()) {
                    self.record.sum(frame.id, sum);
                }
            }
            Err(reason) => self.missed(frame, reason),
        }
    }

    /// Searches for digests of sections and of the import table.
    fn search_executable(&mut self, frame: &Frame<'_>, facts: &Facts) {
        let Some(executable) = &facts.executable else { return };
        if executable.format != ExecutableFormat::Pe {
            return;
        }
        if let Some(imports) = executable.imports
            && self.image.digests_wanted(HashSubject::Imports, imports.length).contains(imports.digest.kind())
        {
            let region = Match { offset: 0, length: 0, subsignature: None };
            self.search_digest(frame, HashSubject::Imports, &imports.digest, imports.length, region);
        }
        let mut left = frame.length().saturating_mul(SECTION_GROWTH);
        for section in &executable.sections {
            let wanted = self.image.digests_wanted(HashSubject::Section, section.raw_size);
            let bytes = slice(frame.bytes, section.raw_offset, section.raw_size);
            if self.halted || wanted.is_empty() || bytes.is_empty() {
                continue;
            }
            let Some(rest) = left.checked_sub(section.raw_size) else {
                self.missed(frame, Reason::SearchSteps);
                return;
            };
            left = rest;
            let region = Match { offset: section.raw_offset, length: section.raw_size, subsignature: None };
            match digests(bytes, wanted, &self.budget) {
                Ok(digests) => {
                    for digest in digests {
                        let region = region.clone();
                        self.search_digest(frame, HashSubject::Section, &digest, section.raw_size, region);
                    }
                }
                Err(reason) => self.missed(frame, reason),
            }
        }
    }

    fn search_digest(
        &mut self,
        frame: &Frame<'_>,
        subject: HashSubject,
        digest: &Digest,
        size: u64,
        region: Match,
    ) {
        let mut hits = Vec::new();
        self.image.search_digest(subject, digest, size, &mut hits);
        for hit in hits {
            self.found(frame, hit, Some(region.clone()));
        }
    }

    fn search_body(&mut self, frame: &Frame<'_>, target: Target, file_size: u64, facts: &Facts) {
        self.search(frame, target, file_size, facts, false);
    }

    /// Searches the bytes of a layer; for nothing but rules where `alone`.
    fn search(&mut self, frame: &Frame<'_>, target: Target, file_size: u64, facts: &Facts, alone: bool) {
        if self.stopped(frame) {
            return;
        }
        let mut hits = Vec::new();
        let inspector = LayerInspector { frame, formats: self.formats, budget: &self.budget };
        let rules = frame.rules.map(|name| Inspection { name, inspector: &inspector, alone });
        let subject = Subject {
            bytes: frame.bytes,
            file_type: frame.file_type,
            target,
            file_size,
            facts,
            parents: &self.parents,
            rules,
        };
        let limits = &self.options.limits;
        let screen = frame.take_screen();
        let free = frame.length() / LOOKING_UP;
        let given = free.saturating_add(self.budget.work());
        let mut left = given;
        let undecided =
            self.image.search_screened(&subject, screen.as_ref(), limits, &mut left, self.scratch, &mut hits);
        drop(screen);
        let price = given.saturating_sub(left).saturating_sub(free);
        let _ = self.budget.pay_work(price.min(self.budget.work()));
        for reason in undecided {
            self.missed(frame, reason);
        }
        for hit in hits {
            self.found(frame, hit, None);
        }
    }

    /// Whether nothing more of this layer is to be looked at. Notes an interrupt.
    pub(crate) fn stopped(&mut self, frame: &Frame<'_>) -> bool {
        if !self.halted
            && let Err(reason) = self.budget.check()
        {
            self.missed(frame, reason);
        }
        self.halted || frame.known_trusted()
    }

    fn observe(&mut self, frame: &Frame<'_>) {
        if let Some(observer) = &mut self.observer {
            observer.layer(frame.id, frame.file_type, frame.bytes, &frame.found.borrow());
        }
    }
}

/// How many bytes of a layer are read in the time in which one is looked up for nothing.
const LOOKING_UP: u64 = 8;

/// What of a section stands in the file.
fn slice(bytes: &[u8], offset: u64, length: u64) -> &[u8] {
    let Some(end) = offset.checked_add(length) else { return &[] };
    let (Ok(start), Ok(end)) = (usize::try_from(offset), usize::try_from(end)) else { return &[] };
    bytes.get(start..end).unwrap_or_default()
}
