//! A sink that keeps everything, for tests.

use std::io::Read as _;

use candor_model::{
    Anomaly, Budget, CertificateRule, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member,
    Reason, Sink,
};

/// One child as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) kind: ChildKind,
    pub(crate) member: Member,
    /// The bytes that could be had.
    pub(crate) bytes: Vec<u8>,
    /// Why not more.
    pub(crate) absent: Option<Reason>,
}

/// Everything that a parser gave.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) children: Vec<Child>,
    pub(crate) facts: Option<Facts>,
    pub(crate) incomplete: Vec<Reason>,
    pub(crate) anomalies: Vec<Anomaly>,
    pub(crate) details: Vec<(&'static str, String)>,
    pub(crate) budget: Budget,
    /// What somebody decided about certificates, and which of that counts.
    rules: Vec<CertificateRule>,
    pub(crate) certified: Vec<usize>,
}

impl Collected {
    /// What `unpack` gives for `bytes` within `limits`.
    pub(crate) fn with_limits(file_type: FileType, bytes: &[u8], limits: Limits) -> Self {
        Self::within(file_type, bytes, Budget::new(limits, Interrupt::new(), bytes.len() as u64))
    }

    /// What `unpack` gives for `bytes` when nothing is left of the work that no length accounts for.
    pub(crate) fn without_work(file_type: FileType, bytes: &[u8]) -> Self {
        Self::with_work(file_type, bytes, 0)
    }

    /// The same when so much is left of it.
    pub(crate) fn with_work(file_type: FileType, bytes: &[u8], left: u64) -> Self {
        let mut budget = Budget::new(Limits::default(), Interrupt::new(), bytes.len() as u64);
        assert!(budget.pay_work(budget.work() - left));
        Self::within(file_type, bytes, budget)
    }

    /// What `unpack` gives for `bytes` when so many rounds are left for keys of passwords.
    pub(crate) fn with_keys(file_type: FileType, bytes: &[u8], left: u64) -> Self {
        let budget = || Budget::new(Limits::default(), Interrupt::new(), bytes.len() as u64);
        let (mut emptied, mut rounds) = (budget(), 0);
        for part in (0..40).rev().map(|power| 1 << power) {
            while emptied.pay_key(part) {
                rounds += part;
            }
        }
        let mut budget = budget();
        assert!(budget.pay_key(rounds - left));
        Self::within(file_type, bytes, budget)
    }

    /// The same as [`Self::with_work`] of what was packed before, of which the file brings nothing itself.
    pub(crate) fn packed_before(file_type: FileType, bytes: &[u8], left: u64) -> Self {
        let mut budget = Budget::new(Limits::default(), Interrupt::new(), bytes.len() as u64);
        let _ = budget.code(u64::MAX);
        assert!(budget.pay_work(budget.work() - left));
        Self::within(file_type, bytes, budget)
    }

    /// What `unpack` gives for `bytes` when so many are held besides.
    pub(crate) fn holding(file_type: FileType, bytes: &[u8], held: u64) -> Self {
        let mut budget = Budget::new(Limits::default(), Interrupt::new(), bytes.len() as u64);
        budget.hold(held);
        Self::within(file_type, bytes, budget)
    }

    /// What of that work `unpack` pays for `bytes`.
    pub(crate) fn work_of(file_type: FileType, bytes: &[u8]) -> u64 {
        let budget = Budget::new(Limits::default(), Interrupt::new(), bytes.len() as u64);
        budget.work() - Self::of(file_type, bytes).budget.work()
    }

    /// What `unpack` gives for `bytes` when somebody decided about certificates.
    pub(crate) fn with_rules(file_type: FileType, bytes: &[u8], rules: Vec<CertificateRule>) -> Self {
        let budget = Budget::new(Limits::default(), Interrupt::new(), bytes.len() as u64);
        let mut collected = Self { rules, ..Self::empty(budget) };
        crate::unpack(file_type, bytes, &mut collected);
        collected
    }

    fn within(file_type: FileType, bytes: &[u8], budget: Budget) -> Self {
        let mut collected = Self::empty(budget);
        crate::unpack(file_type, bytes, &mut collected);
        collected
    }

    const fn empty(budget: Budget) -> Self {
        Self {
            children: Vec::new(),
            facts: None,
            incomplete: Vec::new(),
            anomalies: Vec::new(),
            details: Vec::new(),
            budget,
            rules: Vec::new(),
            certified: Vec::new(),
        }
    }

    /// What `unpack` gives for `bytes`.
    pub(crate) fn of(file_type: FileType, bytes: &[u8]) -> Self {
        Self::with_limits(file_type, bytes, Limits::default())
    }
}

impl Sink for Collected {
    fn certificate_rules(&self) -> &[CertificateRule] {
        &self.rules
    }

    fn certified(&mut self, rule: usize) {
        self.certified.push(rule);
    }

    fn child(&mut self, kind: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        if let Err(reason) = self.budget.enter() {
            self.incomplete.push(reason);
            return Flow::Stop;
        }
        let mut bytes = Vec::new();
        let mut absent = None;
        let room = self.budget.growth(member.compressed_size.unwrap_or(0));
        match content {
            Content::Absent(reason) => absent = Some(reason),
            Content::Bytes(given) => bytes.extend_from_slice(&given[..given.len().min(room as usize)]),
            Content::Part(given, reason) => {
                bytes.extend_from_slice(&given[..given.len().min(room as usize)]);
                absent = Some(reason);
            }
            Content::Stream(stream) => {
                if let Err(error) = stream.take(room).read_to_end(&mut bytes) {
                    absent = Some(match error.kind() {
                        std::io::ErrorKind::Unsupported => Reason::Unsupported(error.to_string()),
                        std::io::ErrorKind::QuotaExceeded => Reason::Work,
                        _ => Reason::Malformed(error.to_string()),
                    });
                }
            }
        }
        self.budget.leave();
        let paid = self.budget.spend(bytes.len() as u64);
        self.children.push(Child { kind, member: member.clone(), bytes, absent });
        match paid {
            Ok(()) => Flow::Continue,
            Err(reason) => {
                self.incomplete.push(reason);
                Flow::Stop
            }
        }
    }

    fn facts(&mut self, facts: Facts) {
        self.facts = Some(facts);
    }

    fn detail(&mut self, key: &'static str, value: String) {
        self.details.push((key, value));
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.anomalies.push(anomaly);
    }

    fn incomplete(&mut self, reason: Reason) {
        self.incomplete.push(reason);
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

/// Hands `bytes` to the parser of `file_type` cut at every length, and with every byte changed in several
/// ways; what must hold then is that it returns within its budget. Large files are cut and changed at
/// places spread over them.
pub(crate) fn survives_damage(file_type: FileType, bytes: &[u8]) {
    let limits = Limits { max_scan_size: 1 << 20, max_children: 200, ..Limits::default() };
    let step = (bytes.len() / 120).max(1);
    for length in (0..bytes.len()).step_by(step) {
        let found = Collected::with_limits(file_type, &bytes[..length], limits);
        assert!(found.budget.bytes() <= limits.max_scan_size);
    }
    let mut damaged = bytes.to_vec();
    for at in (0..bytes.len()).step_by(step) {
        let honest = damaged[at];
        for value in [0, 0xff, 0x7f, honest.wrapping_add(1), honest.wrapping_sub(1)] {
            damaged[at] = value;
            let found = Collected::with_limits(file_type, &damaged, limits);
            assert!(found.budget.bytes() <= limits.max_scan_size);
        }
        damaged[at] = honest;
    }
}
