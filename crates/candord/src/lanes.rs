//! The lanes: threads that hand files to jailed workers, each to its own, and tell what comes back.

use std::os::fd::AsRawFd as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use candor::clamav::Said;
use candor_protocol::clamd::Running;
use candor_sandbox::input::describe;
use candor_sandbox::message::{Answer, BATCH};
use candor_sandbox::{Entry, Identity, Lane, Outcome};
use rustix::fs::{FileType, Mode, OFlags, SeekFrom};

use crate::answer;
use crate::daemon::Shared;
use crate::jobs::{About, Job, Next, Origin};
use crate::publish::{self, Subject};
use crate::signatures::{Generation, Wish};
use crate::verdicts::{Digest, Known, State};
use crate::watched::Mark;

/// How long a worker is waited for at once.
const SLICE: Duration = Duration::from_secs(1);

/// Bytes of a stream that is made a digest of.
const DIGESTED: u64 = 1 << 30;

/// How long other workers are waited for when all are gone.
const RENEWAL: Duration = Duration::from_secs(10);

/// What each lane is at.
#[derive(Debug)]
pub struct Board(Vec<Mutex<Option<Doing>>>);

/// A command, when it came, and what it is about.
type Doing = (&'static str, Instant, Vec<u8>);

impl Board {
    /// For so many lanes.
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        Self((0..lanes).map(|_| Mutex::default()).collect())
    }

    fn note(&self, lane: usize, what: Option<Doing>) {
        if let Some(place) = self.0.get(lane) {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = what;
        }
    }

    /// What goes on.
    #[must_use]
    pub fn running(&self) -> Vec<Running> {
        let place = |place: &Mutex<Option<Doing>>| {
            let place = place.lock().unwrap_or_else(PoisonError::into_inner);
            place.as_ref().map(|(command, since, subject)| Running {
                command: (*command).to_owned(),
                since: since.elapsed(),
                subject: String::from_utf8_lossy(subject).into_owned(),
            })
        };
        self.0.iter().filter_map(place).collect()
    }
}

/// What is kept of a job while a worker has its file.
#[derive(Debug)]
struct Held {
    about: Box<About>,
    length: u64,
    /// What its verdict will be remembered by.
    state: Option<State>,
    digest: Option<Digest>,
    identity: Option<Identity>,
}

/// Hands files over until there are no more.
pub fn run(shared: &Arc<Shared>, number: usize) {
    // Taken when it turned out that there are no workers.
    let mut kept = Vec::new();
    loop {
        let generation = shared.signatures.current();
        let mut lane: Lane<'_, Held> = Lane::new(&generation.sandbox, BATCH);
        let is_stale = || shared.signatures.number() != generation.number;
        loop {
            let jobs = if kept.is_empty() {
                match shared.jobs.take_some(shared.settings.lanes, BATCH, &is_stale) {
                    Next::Jobs(jobs) => jobs,
                    Next::Look => break,
                    Next::Over => return,
                }
            } else {
                std::mem::take(&mut kept)
            };
            if !generation.sandbox.is_alive() && renew(shared, &generation) {
                kept = jobs;
                break;
            }
            if shared.jobs.wants_room() {
                shared.mailbox.wake();
                shared.fronts.wake();
            }
            if let Some(Job { about, .. }) = jobs.first() {
                shared.board.note(number, Some((about.command, about.since, about.subject.clone())));
            }
            for job in jobs {
                if let Some(entry) = prepare(shared, &generation, job) {
                    lane.push(entry);
                }
            }
            lane.flush();
            while !lane.is_empty() {
                if let Some((held, outcome)) = lane.next(SLICE) {
                    finish(shared, &generation, held, &outcome);
                }
            }
            shared.board.note(number, None);
        }
    }
}

/// Asks for other workers, as those of this generation are gone, and waits for them; says whether they came.
fn renew(shared: &Shared, generation: &Generation) -> bool {
    let _ = shared.wishes.send(Wish::Renew(generation.number));
    let began = Instant::now();
    while began.elapsed() < RENEWAL {
        if shared.signatures.number() != generation.number {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// Makes a job one for a worker; what needs none is answered at once.
fn prepare(shared: &Shared, generation: &Generation, job: Job) -> Option<Entry<Held>> {
    match &job.about.origin {
        Origin::Stream(stream) => {
            let (length, digest) = (stream.length, stream.digest);
            prepare_stream(shared, generation, job, (length, digest))
        }
        Origin::Descriptor | Origin::Opened => prepare_file(shared, generation, job),
    }
}

fn prepare_stream(
    shared: &Shared,
    generation: &Generation,
    Job { file, about }: Job,
    (length, digest): (u64, Option<Digest>),
) -> Option<Entry<Held>> {
    let name = about.name.clone();
    // Whoever made a digest has looked whether it is known; meanwhile another lane may have come to know it.
    let digest = digest.or_else(|| {
        let wanted = shared.streams.is_on() && length <= DIGESTED;
        wanted.then(|| shared.digester.file(&file, &name).ok()).flatten()
    });
    if let Some(known) = digest.and_then(|digest| shared.streams.find(&digest, generation.number)) {
        answer_known(shared, generation, &about, length, &known);
        return None;
    }
    let held = Held { about, length, state: None, digest, identity: None };
    Some(Entry { file, identity: None, length, name, token: held })
}

fn prepare_file(
    shared: &Shared,
    generation: &Generation,
    Job { mut file, about }: Job,
) -> Option<Entry<Held>> {
    let status = match rustix::fs::fstat(&file) {
        Ok(status) => status,
        Err(error) => {
            let outcome = Outcome::Answer(Answer::Unreadable(describe(error)));
            let held = Held { about, length: 0, state: None, digest: None, identity: None };
            finish(shared, generation, held, &outcome);
            return None;
        }
    };
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        publish::tell(shared, &about, answer::NOT_REGULAR, None);
        return None;
    }
    let length = u64::try_from(status.st_size).unwrap_or(0);
    let state = if shared.files.is_on() { State::of(&file, &status) } else { None };
    if let Some(known) = state.and_then(|state| shared.files.find(&state, generation.number)) {
        answer_known(shared, generation, &about, length, &known);
        return None;
    }
    if matches!(about.origin, Origin::Descriptor) {
        // The client has the same open file and may move the position in it; a worker gets one of its own where
        // that can be had. Where it cannot, the file is one that only the client may open.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        match rustix::fs::open(format!("/proc/self/fd/{}", file.as_raw_fd()), flags, Mode::empty()) {
            Ok(own) => file = own,
            Err(_) => drop(rustix::fs::seek(&file, SeekFrom::Start(0))),
        }
    }
    let identity = Some((status.st_dev, status.st_ino, status.st_ctime, status.st_ctime_nsec));
    let name = about.name.clone();
    let held = Held { about, length, state, digest: None, identity };
    Some(Entry { file, identity, length, name, token: held })
}

fn answer_known(shared: &Shared, generation: &Generation, about: &About, length: u64, known: &Known) {
    publish::remembered(shared, Subject { about, length, generation: generation.number }, known);
    publish::tell(shared, about, known.said.clone(), None);
}

/// Tells what became of a file to all who are to know, and remembers it.
fn finish(shared: &Shared, generation: &Generation, held: Held, outcome: &Outcome) {
    let Held { about, length, state, digest, identity } = held;
    let said = Said::of(outcome, shared.settings.alert_exceeds_max);
    if (state.is_some() || digest.is_some())
        && let Some(known) = Known::of(outcome, &said).map(Arc::new)
    {
        if let Some(state) = state {
            shared.files.remember(state, generation.number, Arc::clone(&known));
        }
        if let Some(digest) = digest {
            shared.streams.remember(digest, generation.number, known);
        }
    }
    let subject = Subject { about: &about, length, generation: generation.number };
    let mark = identity.map(|identity| Mark::File(identity, length)).or(digest.map(Mark::Stream));
    publish::scanned(shared, subject, &said, outcome, mark);
    publish::tell(shared, &about, said, Some(outcome));
}
