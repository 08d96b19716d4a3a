//! RAR 1.3 to 7: members of one volume.
//!
//! The library decodes into writers. They write into a buffer that both sides hold, and that takes no more
//! than the budget allows; when the next member begins, the one before it is given. A solid archive must be
//! decoded from its start, so a member that is cut by a limit ends it.
//!
//! What is missing because other volumes have it is said. Passwords are tried on the headers and on members.
//! The library reads no archive that is cut short or has a damaged header: of such a one it is given a mended copy.

mod headers;
#[cfg(test)]
mod tests;
mod work;

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};
use rars::{
    Archive, ArchiveMember, ArchiveReadOptions, ArchiveReader, Error, ErrorKind, ExtractionDecision,
    ExtractionErrorAction,
};

use crate::name::decoded;
use crate::password;
use crate::work::{Price, charge, units};
use work::{CODED, OLD, PACKED, ROUNDS, WEIGHT, Work};

/// Largest dictionary, and all that the library needs to work, in bytes.
const DICTIONARY: u64 = 128 << 20;
const WORKSPACE: u64 = 192 << 20;
/// Headers of one archive.
const HEADERS: u64 = 100_000;
/// What each byte costs that is copied twice into memory that is fresh, in the units of [`candor_model::Budget::pay_work`].
const COPIES: u64 = 2;
/// Common passwords that are tried on headers: each costs a quarter of a million rounds of a hash.
const TRIALS: usize = 3;

/// Gives every member.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let candidates = password::few_candidates(sink, TRIALS);
    let passwords = std::iter::once(None).chain(candidates.iter().map(|text| Some(text.as_slice())));
    let work = Work::of(bytes);
    let mut left = ROUNDS;
    let mut refused = None;
    for password in passwords {
        let mut options = options(password);
        if password.is_some() {
            let Some(rest) = left.checked_sub(work.headers) else { break };
            if !sink.budget().pay_key(work.headers.saturating_mul(WEIGHT)) {
                break;
            }
            left = rest;
            if work.is_old {
                // Each header takes as many rounds.
                options = options.with_max_header_count(left / OLD);
            }
        }
        match ArchiveReader::read_with_options(bytes, options) {
            Ok(archive) => {
                let password = password.or_else(|| of_members(&archive, &candidates, &mut left, &work, sink));
                members(&archive, self::options(password), left, &work, sink);
                return;
            }
            Err(error) => {
                let kind = error.kind();
                refused = refused.or(Some(error));
                if !matches!(kind, ErrorKind::PasswordRequired | ErrorKind::BadPassword) {
                    break;
                }
            }
        }
    }
    let Some(error) = refused else { return };
    sink.incomplete(reason(&error));
    if !matches!(error.kind(), ErrorKind::PasswordRequired | ErrorKind::BadPassword)
        && charge(units(bytes.len()).saturating_mul(COPIES), sink)
        && let Some(copy) = headers::mended(bytes)
    {
        let work = Work::of(&copy);
        if let Ok(archive) = ArchiveReader::read_with_options(&copy, options(None)) {
            let password = of_members(&archive, &candidates, &mut left, &work, sink);
            members(&archive, options(password).with_rar50_buffered_decode_limit(0), left, &work, sink);
        }
    }
}

fn options(password: Option<&[u8]>) -> ArchiveReadOptions<'_> {
    ArchiveReadOptions::with_optional_password(password)
        .with_max_header_count(HEADERS)
        .with_max_header_bytes(64 << 20)
        .with_rar50_dictionary_size_limit(DICTIONARY)
        .with_max_reader_workspace_bytes(WORKSPACE)
}

/// A buffer that takes what there is room for.
#[derive(Debug, Default)]
struct Shared {
    bytes: Vec<u8>,
    room: usize,
    is_full: bool,
}

struct Into(Rc<RefCell<Shared>>);

impl Write for Into {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shared = self.0.borrow_mut();
        let free = shared.room.saturating_sub(shared.bytes.len());
        let taken = bytes.get(..free).unwrap_or(bytes);
        shared.bytes.extend_from_slice(taken);
        if taken.len() < bytes.len() {
            shared.is_full = true;
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The member that is being decoded.
struct Walk<'sink> {
    sink: &'sink mut dyn Sink,
    shared: Rc<RefCell<Shared>>,
    open: Option<Member>,
    trouble: Option<Reason>,
    flow: Flow,
    position: u64,
    /// Rounds of a hash that passwords may still take.
    left: u64,
    work: &'sink Work<'sink>,
    /// How many files there were.
    files: usize,
    /// What the blocks of the member may have cost, if nothing came out of it.
    doubt: u64,
    /// What its bytes cost.
    price: Price,
}

impl Walk<'_> {
    /// Gives the member that has been decoded.
    fn close(&mut self) {
        let Some(member) = self.open.take() else { return };
        let shared = std::mem::take(&mut *self.shared.borrow_mut());
        let made = units(shared.bytes.len());
        let cost = self.doubt.saturating_sub(made.saturating_mul(PACKED));
        let cost = cost.saturating_add(self.price.for_bytes(made));
        let budget = self.sink.budget();
        let is_too_slow = made >= self.price.affordable(budget.work());
        let _ = budget.pay_work(cost.min(budget.work()));
        let packed = member.compressed_size.unwrap_or(0);
        let trouble = self.trouble.take().filter(|_| !shared.is_full);
        let limit = || if is_too_slow { Reason::Work } else { budget.growth_limit(packed) };
        let trouble = shared.is_full.then(limit).or(trouble);
        let content = match trouble {
            Some(trouble) if shared.bytes.is_empty() => Content::Absent(trouble),
            Some(trouble) => Content::Part(&shared.bytes, trouble),
            None => Content::Bytes(&shared.bytes),
        };
        self.flow = self.sink.child(ChildKind::Extracted, &member, content);
    }

    fn member(&mut self, found: &ArchiveMember) -> ExtractionDecision {
        self.close();
        if self.flow == Flow::Stop {
            return ExtractionDecision::Stop;
        }
        let meta = &found.meta;
        let file = self.files;
        self.files = file.saturating_add(1);
        if meta.is_directory || meta.is_redirection {
            return ExtractionDecision::Skip;
        }
        self.position = self.position.saturating_add(1);
        let member = Member {
            name: decoded(found.decoded_name(None).as_deref().unwrap_or(&meta.name)),
            position: self.position,
            compressed_size: Some(meta.packed_size),
            real_size: Some(meta.unpacked_size),
            encrypted: meta.is_encrypted,
            ..Member::default()
        };
        if meta.is_split_before || meta.is_split_after {
            let reason = Reason::Unsupported("a member that goes on in another volume".to_owned());
            self.flow = self.sink.child(ChildKind::Extracted, &member, Content::Absent(reason));
            return if self.flow == Flow::Stop { ExtractionDecision::Stop } else { ExtractionDecision::Skip };
        }
        if meta.is_encrypted {
            let left = self.left.checked_sub(self.work.member);
            let price = self.work.member.saturating_mul(WEIGHT);
            let Some(left) = left.filter(|_| self.sink.budget().pay_key(price)) else {
                let content = Content::Absent(Reason::Encrypted);
                self.flow = self.sink.child(ChildKind::Extracted, &member, content);
                let is_done = self.flow == Flow::Stop;
                return if is_done { ExtractionDecision::Stop } else { ExtractionDecision::Skip };
            };
            self.left = left;
        }
        if !meta.is_stored && !self.affords(file, found) {
            self.flow = self.sink.child(ChildKind::Extracted, &member, Content::Absent(Reason::Work));
            return ExtractionDecision::Stop;
        }
        let budget = self.sink.budget();
        let is_coded = self.work.is_old && !meta.is_stored;
        self.price = Price::coded(CODED, if is_coded { meta.packed_size } else { 0 }, budget);
        let room = budget.growth(meta.packed_size).min(self.price.affordable(budget.work()));
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        *self.shared.borrow_mut() = Shared { room, ..Shared::default() };
        self.open = Some(member);
        ExtractionDecision::Extract(Box::new(Into(Rc::clone(&self.shared))))
    }

    /// Whether the blocks of what is packed can be paid for.
    fn affords(&mut self, file: usize, found: &ArchiveMember) -> bool {
        let packed = found.meta.packed_size;
        let most = self.sink.budget().work();
        let blocks = if found.meta.is_encrypted { None } else { self.work.blocks(file, packed, most) };
        self.doubt = if blocks.is_some() { 0 } else { packed.saturating_mul(PACKED) };
        match blocks {
            Some(price) => charge(price, self.sink),
            None => self.doubt <= most,
        }
    }
}

/// The password of members whose headers are not encrypted: the library takes one for all, so the one is looked for that
/// opens the member which takes least. The first of the candidates, when none of them does or too much stands before it.
fn of_members<'a>(
    archive: &Archive,
    candidates: &'a [Vec<u8>],
    left: &mut u64,
    work: &Work<'_>,
    sink: &mut dyn Sink,
) -> Option<&'a [u8]> {
    let first = candidates.first().map(Vec::as_slice);
    let is_whole = |member: &ArchiveMember| {
        let meta = &member.meta;
        meta.is_encrypted
            && !(meta.is_directory || meta.is_redirection || meta.is_split_before || meta.is_split_after)
    };
    let mut whole = archive.members().enumerate().filter(|(_, member)| is_whole(member));
    // In a solid archive, a member takes all that stand in front of it.
    let chosen = if archive.is_solid() {
        whole.next().filter(|(index, _)| *index == 0)
    } else {
        whole.min_by_key(|(_, member)| member.meta.packed_size)
    };
    let Some((index, ArchiveMember { meta, .. })) = chosen.filter(|_| candidates.len() > 1) else {
        return first;
    };
    // What is decoded may be anything, with the right password and with a wrong one.
    let price = meta.packed_size.saturating_mul(if meta.is_stored { COPIES } else { PACKED });
    // What members need later is not spent here.
    let largest = archive.members().map(|member| member.meta.packed_size).max().unwrap_or(0);
    let needed = price.saturating_add(largest.saturating_mul(PACKED));
    for password in candidates {
        let Some(rest) = left.checked_sub(work.member) else { break };
        let budget = sink.budget();
        let is_paid = budget.work() >= needed
            && budget.pay_key(work.member.saturating_mul(WEIGHT))
            && (work.is_checked || budget.pay_work(price));
        if !is_paid {
            break;
        }
        *left = rest;
        let room = budget.growth(meta.packed_size);
        let options = options(Some(password)).with_max_member_output_bytes(room);
        let outcome = archive.read_member_at_with_options(index, options).map_err(|error| error.kind());
        // A wrong one is told before anything is decoded only where a sum stands beside the member, which may be of zeros.
        if work.is_checked && !matches!(outcome, Err(ErrorKind::BadPassword)) {
            let _ = sink.budget().pay_work(price);
        }
        match outcome {
            Ok(_) | Err(ErrorKind::UnsupportedFormat | ErrorKind::UnsupportedFeature) => {
                return Some(password);
            }
            Err(_) => {}
        }
    }
    first
}

/// Gives the members, for whose passwords so many rounds are left.
fn members(
    archive: &Archive,
    options: ArchiveReadOptions<'_>,
    left: u64,
    work: &Work<'_>,
    sink: &mut dyn Sink,
) {
    let walk = Walk {
        sink,
        shared: Rc::default(),
        open: None,
        trouble: None,
        flow: Flow::Continue,
        position: 0,
        left,
        work,
        files: 0,
        doubt: 0,
        price: Price::of(0),
    };
    let walk = RefCell::new(walk);
    let outcome = archive.extract_with_control_and_errors(
        options,
        |member| Ok(walk.borrow_mut().member(member)),
        |_, error| {
            walk.borrow_mut().trouble = Some(reason(error));
            Ok(ExtractionErrorAction::Continue)
        },
    );
    let mut walk = walk.into_inner();
    let refused = outcome.err().map(|error| reason(&error));
    if walk.open.is_some() {
        walk.trouble = walk.trouble.or_else(|| refused.clone());
        walk.close();
    } else if let Some(refused) = refused {
        walk.sink.incomplete(refused);
    }
}

fn reason(error: &Error) -> Reason {
    match error.kind() {
        ErrorKind::PasswordRequired | ErrorKind::BadPassword => Reason::Encrypted,
        ErrorKind::UnsupportedFormat | ErrorKind::UnsupportedFeature | ErrorKind::ResourceLimit => {
            Reason::Unsupported(format!("RAR: {error}"))
        }
        _ => Reason::Malformed(format!("RAR: {error}")),
    }
}
