//! ZIP: members of every method that is in use, and encrypted ones whose password is a common one.
//!
//! Layout: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>. Local headers with their data come
//! first, then the central directory with a row for each, then the end record that says where the directory
//! stands.
//!
//! Readers disagree on which of the three they believe, and hostile archives live from that. So all are
//! believed: every row of the central directory is opened; where the local header gives another method or
//! size, it is opened as that says too; and what the directory does not cover is searched for further local
//! headers. An archive without a directory is read by its local headers alone, and was cut short. Members that overlap are
//! opened each: the budget bounds what that may cost.
//!
//! What is said to be encrypted need not be: Android passes over the flag. Where no password fits, the data are read as they
//! are, and given when they are what their checksum or their length says.

mod crypto;
mod document;
mod implode;
mod layout;
mod method;
mod reduce;
mod shrink;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};

use candor_model::{Anomaly, ChildKind, Content, FileType, Flow, Member, Reason, Sink};
use flate2::CrcReader;
use memchr::memmem;

use document::Secret;
use layout::{Entry, LOCAL};

use crate::codec::{self, Decoder};
use crate::crc;
use crate::embedded;
use crate::name::decoded;
use crate::pace::Pace;
use crate::package::Package;
use crate::password;
use crate::reader::{Reader, clipped};
use crate::work::{Paid, units};

/// Where an archive ends with its comment. One that holds what is no comment is not taken for one.
pub(crate) fn end(bytes: &[u8]) -> Option<u64> {
    layout::end(bytes)
}

/// Where an archive begins that ends where `bytes` end.
pub(crate) fn at_end(bytes: &[u8]) -> Option<usize> {
    layout::start_of_last(bytes)
}

/// Gives every member.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    if layout::has_other_parts(bytes) {
        sink.incomplete(Reason::Unsupported("the other parts of a split ZIP archive".to_owned()));
    }
    let mut walk = Walk::new(bytes, sink);
    if walk.central() == Flow::Continue {
        // What is left are headers that nothing points to; stopping there or not is the same.
        let _ = walk.uncovered();
    }
    walk.gaps();
    if walk.position > 0 && bytes.starts_with(LOCAL) && !layout::has_end(bytes) {
        walk.sink
            .incomplete(Reason::Malformed("the ZIP archive is cut short: it has no directory".to_owned()));
    }
    walk.open_documents();
    walk.package.tell(walk.sink);
}

/// Whether bytes that are nothing else are the last part of an archive, in which none of its members begins: not its first bytes
/// tell, but its last.
pub(crate) fn is_last_part(file_type: FileType, bytes: &[u8]) -> bool {
    (file_type == FileType::BinaryData || file_type.is_text()) && layout::is_end_only(bytes)
}

/// Tells which members the other parts of an archive have.
pub(crate) fn unpack_last_part(bytes: &[u8], sink: &mut dyn Sink) {
    // There is nothing after these, so whether to go on makes no difference.
    let _ = Walk::new(bytes, sink).central();
}

struct Walk<'a, 'sink> {
    bytes: &'a [u8],
    sink: &'sink mut dyn Sink,
    position: u64,
    /// From the start of each local header that was read to the end of its data.
    covered: BTreeMap<u64, u64>,
    /// What to try on encrypted members; the one that was right last comes first.
    passwords: Vec<Vec<u8>>,
    /// Passwords that may still be tried: each costs a thousand rounds of a hash.
    trials: u32,
    /// Whether the last member that was said to be encrypted was not.
    was_plain: bool,
    /// What tells of members that are encrypted as those of OpenDocument are.
    manifests: Vec<Vec<u8>>,
    package: Package,
}

/// What documents of OpenDocument tell of their members, and how much of it is looked at.
const MANIFEST: &str = "META-INF/manifest.xml";
const KEPT: usize = 1 << 20;
/// How many such that are not the same, and encrypted members that are told of in them.
const MANIFESTS: usize = 4;
const SECRETS: usize = 4096;

/// A stream whose beginning is kept.
struct Kept<R> {
    source: R,
    bytes: Vec<u8>,
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let room = KEPT.saturating_sub(self.bytes.len()).min(read);
        self.bytes.extend_from_slice(buffer.get(..room).unwrap_or_default());
        Ok(read)
    }
}

/// How long a gap is that is looked at: descriptors and what aligns members are shorter.
const GAP: u64 = 64;

/// What is told of a member whose end is not there.
const CUT: &str = "a ZIP member is cut short";

/// Passwords that are tried on the members of one archive, all together.
const TRIALS: u32 = 4096;
/// Members that may lie over the next one; archives that were put together by hand have one or two.
const OVERLAPPING: usize = 5;
/// What a password for AES costs of what a file may spend on keys: a thousand rounds of two hashes.
const AES_PRICE: u64 = 3072;
/// How many wrong ones the right one for AES counts as, beside itself.
const RIGHT: u32 = 2;
/// Bytes of a stored member that are added up whatever is left of the budget.
const SUMMED: u64 = 1 << 20;
/// What a byte costs that is decoded by the slowest method, in those that are read.
const DECODING: u64 = 4;

impl<'a, 'sink> Walk<'a, 'sink> {
    fn new(bytes: &'a [u8], sink: &'sink mut dyn Sink) -> Self {
        let passwords = password::candidates(sink);
        Self {
            bytes,
            sink,
            position: 0,
            covered: BTreeMap::new(),
            passwords,
            trials: TRIALS,
            was_plain: false,
            manifests: Vec::new(),
            package: Package::default(),
        }
    }

    /// Opens what the central directory lists.
    fn central(&mut self) -> Flow {
        let Some((directory, base)) = layout::directory(self.bytes) else { return Flow::Continue };
        let mut reader = directory;
        let mut places = Vec::new();
        while let Some(listed) = Entry::central(&mut reader) {
            self.position = self.position.saturating_add(1);
            // The directory counts from the start of the archive, which is not that of the file when a
            // program stands before it; and some writers count from the start of the file all the same.
            // In the last part of one, what stands there is of another member, unless the name is the same.
            let start = listed.header.checked_add_signed(base);
            let header = |place| Entry::local(Reader::little(self.bytes).at(place)?);
            let local = start
                .and_then(header)
                .or_else(|| header(listed.header).filter(|local| base >= 0 || local.name == listed.name));
            let Some(local) = local else {
                let reason = if base < 0 && start.is_none() {
                    Reason::Unsupported("what another part of a ZIP archive holds".to_owned())
                } else {
                    Reason::Malformed(format!("ZIP member {} has no header", self.position))
                };
                if self.give(&listed, Content::Absent(reason)) == Flow::Stop {
                    return Flow::Stop;
                }
                continue;
            };
            let listed = Entry { data: local.data, ..listed };
            self.cover(&local, listed.compressed);
            places.push((local.header, local.data.saturating_add(local.compressed)));
            self.was_plain = false;
            if self.open(&listed, true) == Flow::Stop {
                return Flow::Stop;
            }
            let is_said_later = local.has_descriptor && local.compressed == 0;
            let agrees = local.method == listed.method
                && local.compressed == listed.compressed
                && (local.is_encrypted == listed.is_encrypted || self.was_plain);
            if !agrees && !is_said_later && self.open(&local, false) == Flow::Stop {
                return Flow::Stop;
            }
        }
        if overlapping(places) > OVERLAPPING {
            self.sink.anomaly(Anomaly::OverlappingZip);
        }
        Flow::Continue
    }

    /// Opens local headers where nothing was read yet.
    fn uncovered(&mut self) -> Flow {
        let mut at = 0_u64;
        let marks = memmem::Finder::new(LOCAL);
        while let Some(place) = self.next_header(&marks, at) {
            let entry = Reader::little(self.bytes).at(place).and_then(Entry::unlisted);
            let Some(mut entry) = entry else {
                at = place.saturating_add(1);
                continue;
            };
            if entry.has_descriptor && entry.compressed == 0 {
                entry.compressed = self.size_from_descriptor(&entry);
            }
            self.position = self.position.saturating_add(1);
            self.cover(&entry, entry.compressed);
            if self.open(&entry, true) == Flow::Stop {
                return Flow::Stop;
            }
            at = entry.data.saturating_add(entry.compressed).max(place.saturating_add(1));
        }
        Flow::Continue
    }

    /// Gives what stands between members, and in front of them, and is none.
    fn gaps(&mut self) {
        let directory = layout::directory(self.bytes).map(|(reader, _)| units(reader.position()));
        let end = layout::end_mark(self.bytes).unwrap_or_else(|| units(self.bytes.len()));
        // The directory is no gap.
        let end = directory.map_or(end, |start| start.min(end));
        let mut at = 0;
        let mut gaps = Vec::new();
        for (&start, &next) in &self.covered {
            gaps.push((at, start.min(end)));
            at = next.max(at);
        }
        gaps.push((at, end));
        for (start, end) in gaps.into_iter().filter(|(start, end)| end.saturating_sub(*start) >= GAP) {
            let part = clipped(self.bytes, start, end.saturating_sub(start));
            embedded::search_gap(part, usize::try_from(start).unwrap_or(usize::MAX), self.sink);
        }
    }

    /// The first local header from `at` on that is not covered.
    fn next_header(&self, marks: &memmem::Finder<'_>, mut at: u64) -> Option<u64> {
        loop {
            // Jump over what was read already.
            while let Some((_, &end)) = self.covered.range(..=at).next_back().filter(|&(_, &end)| end > at) {
                at = end;
            }
            let rest = self.bytes.get(usize::try_from(at).ok()?..)?;
            let found = at.checked_add(u64::try_from(marks.find(rest)?).ok()?)?;
            let is_covered = self.covered.range(..=found).next_back().is_some_and(|(_, &end)| end > found);
            if !is_covered {
                return Some(found);
            }
            at = found;
        }
    }

    fn cover(&mut self, entry: &Entry, compressed: u64) {
        let end = entry.data.saturating_add(compressed);
        let known = self.covered.entry(entry.header).or_insert(end);
        *known = end.max(*known);
    }

    /// Length of data whose header leaves it open: up to its descriptor or the next header.
    fn size_from_descriptor(&self, entry: &Entry) -> u64 {
        let data = clipped(self.bytes, entry.data, u64::MAX);
        let is_mark = |at: &usize| {
            let mark = data.get(*at..).and_then(|rest| rest.first_chunk());
            matches!(mark, Some(b"PK\x07\x08" | b"PK\x03\x04" | b"PK\x01\x02"))
        };
        let end = memmem::find_iter(data, b"PK").find(is_mark).unwrap_or(data.len());
        u64::try_from(end).unwrap_or(u64::MAX)
    }

    /// Gives the content of a member, and whether something of it is missing when that `counts`: what a local header
    /// claims against the directory, the directory has given already.
    fn open(&mut self, entry: &Entry, counts: bool) -> Flow {
        let data = clipped(self.bytes, entry.data, entry.compressed);
        let is_cut = counts && u64::try_from(data.len()).is_ok_and(|length| length < entry.compressed);
        if entry.is_encrypted {
            return self.open_encrypted(entry, data, is_cut, counts);
        }
        // Directories are members without data, and signatures name them like any other.
        if data.is_empty() || entry.method == 0 {
            let is_wrong = counts
                && !is_cut
                && self.is_looked_at(data)
                && entry.checksum().is_some_and(|said| said != crc::of_content(data));
            let content = match () {
                () if is_cut => Content::Part(data, Reason::Malformed(CUT.to_owned())),
                () if is_wrong => Content::Part(data, Reason::Malformed(codec::wrong_checksum().to_string())),
                () => Content::Bytes(data),
            };
            if entry.name == MANIFEST.as_bytes() {
                self.tell_encryption(data.get(..KEPT).unwrap_or(data));
            }
            return self.give(entry, content);
        }
        self.decode(entry, entry.method, data, is_cut, counts)
    }

    /// Tells whether a manifest says that members of a document are encrypted, each for itself and behind its own compression,
    /// and keeps it until all members are known.
    fn tell_encryption(&mut self, manifest: &[u8]) {
        if memmem::find(manifest, b"encryption-data").is_none()
            || self.manifests.iter().any(|known| known == manifest)
        {
            return;
        }
        self.sink.anomaly(Anomaly::EncryptedDocument);
        if manifest.len() >= KEPT || self.manifests.len() >= MANIFESTS {
            // What is behind is not looked for.
            self.sink.incomplete(Reason::Encrypted);
        }
        if self.manifests.len() < MANIFESTS {
            self.manifests.push(manifest.to_vec());
        }
    }

    /// Opens the members that manifests say are encrypted, under the first password that fits the first of them.
    fn open_documents(&mut self) {
        let manifests = std::mem::take(&mut self.manifests);
        let mut secrets: Vec<Secret> =
            manifests.iter().flat_map(|manifest| document::secrets(manifest)).take(SECRETS + 1).collect();
        if secrets.len() > SECRETS {
            secrets.truncate(SECRETS);
            self.sink.incomplete(Reason::Children);
        }
        if !manifests.is_empty() && secrets.is_empty() {
            self.sink.incomplete(Reason::Encrypted);
        }
        if secrets.is_empty() {
            return;
        }
        let members = self.covered.iter().filter_map(|(&header, &end)| {
            let entry = Entry::local(Reader::little(self.bytes).at(header)?)?;
            let data = clipped(self.bytes, entry.data, end.saturating_sub(entry.data));
            Some((entry.name, data))
        });
        let members: BTreeMap<Vec<u8>, &[u8]> = members.collect();
        let mut is_closed = false;
        for secret in secrets {
            let Some(data) = members.get(&secret.name) else {
                self.sink.incomplete(Reason::Encrypted);
                continue;
            };
            if self.open_secret(&secret, data, &mut is_closed) == Flow::Stop {
                return;
            }
        }
    }

    /// Gives what one such member holds, or why not. `is_closed`: no password fitted another one.
    fn open_secret(&mut self, secret: &Secret, data: &[u8], is_closed: &mut bool) -> Flow {
        self.position = self.position.saturating_add(1);
        let member = Member {
            name: decoded(&secret.name),
            position: self.position,
            compressed_size: Some(units(data.len())),
            real_size: secret.size,
            encrypted: true,
            ..Member::default()
        };
        let plain = match secret.cipher() {
            Ok(_) if *is_closed => Err(Reason::Encrypted),
            Ok(aes) => match self.sink.budget().admit(units(data.len())) {
                Ok(()) => self
                    .document_key(aes, data)
                    .and_then(|key| aes.decrypted(data, &key).ok_or(Reason::Encrypted)),
                Err(reason) => Err(reason),
            },
            Err(Some(name)) => Err(Reason::Unsupported(format!("a document that is encrypted with {name}"))),
            Err(None) => Err(Reason::Encrypted),
        };
        *is_closed |= plain == Err(Reason::Encrypted);
        match plain {
            Ok(plain) => {
                let mut decoder = codec::deflate(&plain[..]);
                self.sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder))
            }
            Err(reason) => self.sink.child(ChildKind::Extracted, &member, Content::Absent(reason)),
        }
    }

    /// The key of the first password that fits, which is tried first on the next member.
    fn document_key(&mut self, aes: &document::Aes, data: &[u8]) -> Result<[u8; 32], Reason> {
        for index in 0..self.passwords.len() {
            self.sink.budget().check()?;
            if !self.sink.budget().pay_key(aes.price()) {
                return Err(Reason::Work);
            }
            let Some(password) = self.passwords.get(index) else { break };
            let key = aes.key(password);
            if aes.holds(data, &key) {
                self.passwords.swap(0, index);
                return Ok(key);
            }
        }
        Err(Reason::Encrypted)
    }

    /// Whether all bytes of a stored member are looked at, so that adding them up is paid for.
    fn is_looked_at(&mut self, data: &[u8]) -> bool {
        // What waits to be opened together is not opened for the sake of a few bytes.
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        length > 0 && (length <= SUMMED || length <= self.sink.budget().flow(length))
    }

    fn decode(&mut self, entry: &Entry, method: u16, data: &[u8], is_cut: bool, counts: bool) -> Flow {
        if !self.sink.budget().pay_work(method::work(entry, method, data)) {
            return self.give(entry, Content::Absent(Reason::Work));
        }
        let work = self.sink.budget().work();
        let (data, is_all) = method::affordable(method, data, self.sink.budget());
        let pace = method::pace(method, data.len(), self.sink.budget());
        let Some(mut decoder) = method::decoder(entry, method, data, &pace) else {
            let reason = Reason::Unsupported(format!("ZIP compression method {method}"));
            return self.give(entry, Content::Absent(reason));
        };
        if is_cut {
            // Not every decoder minds.
            decoder = Box::new(decoder.chain(codec::failed(ErrorKind::UnexpectedEof, CUT)));
        }
        if !is_all {
            decoder = codec::unpaid(decoder);
        } else if counts
            && !is_cut
            && let Some(said) = entry.checksum()
        {
            decoder = Box::new(Summed { decoder: CrcReader::new(decoder), said });
        }
        let mut paid = Paid::new(decoder, method::price(method), work);
        let flow = if entry.name == MANIFEST.as_bytes() {
            let mut kept = Kept { source: &mut paid, bytes: Vec::new() };
            let flow = self.give(entry, Content::Stream(&mut kept));
            self.tell_encryption(&kept.bytes);
            flow
        } else {
            self.give(entry, Content::Stream(&mut paid))
        };
        paid.settle(self.sink.budget());
        pace.settle(self.sink.budget());
        flow
    }

    fn open_encrypted(&mut self, entry: &Entry, data: &[u8], is_cut: bool, counts: bool) -> Flow {
        // The plain copy stands beside the stored one, and is paid for when it is given.
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        if let Err(reason) = self.sink.budget().admit(length) {
            return self.give(entry, Content::Absent(reason));
        }
        let method = entry.aes.map_or(entry.method, |aes| aes.method);
        match self.decrypted(entry, data, is_cut) {
            Some(plain) => self.decode(entry, method, &plain, is_cut, counts),
            None if !counts => Flow::Continue,
            None if self.holds(entry, method, data, &Proof::Plain) => {
                self.was_plain = true;
                self.decode(entry, method, data, is_cut, counts)
            }
            None => self.give(entry, Content::Absent(Reason::Encrypted)),
        }
    }

    /// The data of an encrypted member under the first password that fits.
    fn decrypted(&mut self, entry: &Entry, data: &[u8], is_cut: bool) -> Option<Vec<u8>> {
        // The check of the traditional encryption is one byte, which a wrong password
        // passes once in 256 times: the checksum decides.
        let proof = if is_cut { Proof::Cut } else { Proof::Checksum };
        for index in 0..self.passwords.len() {
            self.trials = self.trials.checked_sub(1)?;
            self.sink.budget().check().ok()?;
            if entry.aes.is_some() && !self.sink.budget().pay_key(AES_PRICE) {
                return None;
            }
            let password = self.passwords.get(index)?;
            let plain = match entry.aes {
                Some(aes) => aes.decrypted(data, password),
                None if entry.method == 99 || entry.flags & 0x40 != 0 => return None,
                None => {
                    let checks = [entry.crc32 >> 24, u32::from(entry.time >> 8)];
                    let check =
                        |check: u32| crypto::traditional(data, password, u8::try_from(check).unwrap_or(0));
                    checks.into_iter().find_map(check)
                }
            };
            let Some(plain) = plain else { continue };
            if entry.aes.is_some() {
                // The right password costs more rounds of the hash, for the key.
                self.trials = self.trials.saturating_sub(RIGHT);
            }
            if entry.aes.is_some() || self.holds(entry, entry.method, &plain, &proof) {
                self.passwords.swap(0, index);
                return Some(plain);
            }
        }
        None
    }

    /// Whether `plain` decodes to what a member says of its content.
    fn holds(&mut self, entry: &Entry, method: u16, plain: &[u8], proof: &Proof) -> bool {
        // What is stored under a cipher is longer than its content by what the cipher needs.
        let is_longer = u64::try_from(plain.len()).is_ok_and(|length| length != entry.real);
        if matches!(proof, Proof::Plain) && method == 0 && is_longer {
            return false;
        }
        let budget = self.sink.budget();
        if !budget.pay_work(method::work(entry, method, plain)) {
            return false;
        }
        let (plain, is_all) = method::affordable(method, plain, budget);
        // What it decides is paid for with its bytes.
        let pace = Pace::on(budget);
        let Some(decoder) = method::decoder(entry, method, plain, &pace) else {
            return !matches!(proof, Proof::Plain);
        };
        if !is_all {
            return false;
        }
        let most = budget.growth(entry.compressed).min(budget.work() / DECODING);
        let mut sum = CrcReader::new(decoder.take(most));
        let copied = io::copy(&mut sum, &mut io::sink());
        let is_right = sum.crc().sum() == entry.crc32;
        let is_proved = match (proof, copied) {
            (Proof::Checksum, copied) => copied.is_ok() && is_right,
            // No checksum is stored of nothing, and any data have the length of their own.
            (Proof::Plain, Ok(length)) => length > 0 && (is_right || (method != 0 && length == entry.real)),
            (Proof::Plain, Err(_)) => false,
            (Proof::Cut, Ok(_)) => method == 0,
            (Proof::Cut, Err(error)) => error.kind() == ErrorKind::UnexpectedEof,
        };
        // What is wrong is given to nobody, who would pay for it.
        if is_proved {
            return true;
        }
        let _ = budget.pay_work(most.min(u64::from(sum.crc().amount())).saturating_mul(DECODING));
        false
    }

    fn give(&mut self, entry: &Entry, content: Content<'_>) -> Flow {
        let member = Member {
            name: decoded(&entry.name),
            position: self.position,
            compressed_size: Some(entry.compressed),
            real_size: Some(entry.real),
            encrypted: entry.is_encrypted,
            crc32: Some(entry.crc32),
            method: Some(entry.method),
            file_type: None,
        };
        self.package.see(&member.name);
        self.sink.child(ChildKind::Extracted, &member, content)
    }
}

/// A decoder behind whose content it is said when that is not what its checksum says.
struct Summed<'a> {
    decoder: CrcReader<Decoder<'a>>,
    said: u32,
}

impl Read for Summed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        // Once: the sum is that of nothing then.
        let sum = self.decoder.crc();
        let is_wrong = sum.amount() > 0 && sum.sum() != self.said;
        self.decoder.reset();
        if is_wrong { Err(codec::wrong_checksum()) } else { Ok(0) }
    }
}

/// What tells data from others that decode, too.
enum Proof {
    /// The checksum of what they decode to.
    Checksum,
    /// That, or the length: for what is said to be encrypted.
    Plain,
    /// That they decode up to where they are cut, as no others do.
    Cut,
}

/// How many members lie over the next one, of these starts and ends. Rows of the directory for one and the same
/// header count as one.
fn overlapping(mut places: Vec<(u64, u64)>) -> usize {
    places.sort_unstable();
    places.dedup_by_key(|(start, _)| *start);
    places.windows(2).filter(|pair| matches!(pair, [(_, end), (next, _)] if end > next)).count()
}
