//! The lanes: threads that hand files to jailed workers, each to its own, and tell what comes back.

use std::os::fd::AsRawFd as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use candor::clamav::Said;
use candor_protocol::clamd::{Reply, Running};
use candor_sandbox::input::describe;
use candor_sandbox::message::{Answer, BATCH};
use candor_sandbox::{Entry, Identity, Lane, Outcome};
use rustix::fs::{FileType, Mode, OFlags, SeekFrom};

use crate::answer;
use crate::daemon::Shared;
use crate::fronts::Judged;
use crate::jobs::{About, Asker, Job, Next, Origin};
use crate::log::{Record, Weight};
use crate::mailbox::Message;
use crate::signatures::{Generation, Wish};
use crate::verdicts::State;

/// How long a worker is waited for at once.
const SLICE: Duration = Duration::from_secs(1);

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
    state: Option<State>,
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
    let Job { mut file, about } = job;
    let name = about.name.clone();
    if let Origin::Stream(length, _) = about.origin {
        return Some(Entry {
            file,
            identity: None,
            length,
            name,
            token: Held { about, length, state: None, identity: None },
        });
    }
    let status = match rustix::fs::fstat(&file) {
        Ok(status) => status,
        Err(error) => {
            let outcome = Outcome::Answer(Answer::Unreadable(describe(error)));
            let held = Held { about, length: 0, state: None, identity: None };
            finish(shared, generation, held, &outcome);
            return None;
        }
    };
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        tell(shared, &about, answer::NOT_REGULAR, None);
        return None;
    }
    let length = u64::try_from(status.st_size).unwrap_or(0);
    let state = if shared.settings.verdicts > 0 { State::of(&file, &status) } else { None };
    if state.is_some_and(|state| shared.verdicts.is_clean(&state, generation.number)) {
        record(shared, generation, &about, length, None);
        tell(shared, &about, Said::Ok, None);
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
    Some(Entry { file, identity, length, name, token: Held { about, length, state, identity } })
}

/// Tells what became of a file to all who are to know.
fn finish(shared: &Shared, generation: &Generation, held: Held, outcome: &Outcome) {
    let Held { about, length, state, identity } = held;
    let said = Said::of(outcome, shared.settings.alert_exceeds_max);
    if let Some(state) = state
        && answer::is_clean(outcome)
    {
        shared.verdicts.remember(state, generation.number);
    }
    record(shared, generation, &about, length, Some(outcome));
    let subject = String::from_utf8_lossy(&about.subject);
    match &said {
        Said::Found(names) => {
            for name in names.iter().take(if about.all { names.len() } else { 1 }) {
                shared.log.say(Weight::Notice, &format!("{subject}: {name} FOUND"));
                shared.events.found(&about.subject, name);
            }
        }
        Said::Error(words) => shared.log.say(Weight::Warning, &format!("{subject}: {words} ERROR")),
        Said::Ok if shared.log.tells_clean() => shared.log.say(Weight::Info, &format!("{subject}: OK")),
        Said::Ok => (),
    }
    if let Outcome::Deadly(reason, why) = outcome {
        shared.counters.lost_workers.count();
        shared.log.say(Weight::Warning, &format!("{subject}: {reason}: {why}"));
    }
    if shared.watched.note(generation.number, identity.map(|identity| (identity, length)), outcome) {
        let _ = shared.wishes.send(Wish::TakeBack);
    }
    tell(shared, &about, said, Some(outcome));
}

/// Counts it, and adds it to the JSON log; without an outcome it is one that is remembered.
fn record(shared: &Shared, generation: &Generation, about: &About, length: u64, outcome: Option<&Outcome>) {
    let (verdict, incomplete) = outcome.map_or(("clean", Vec::new()), answer::honestly);
    shared.counters.answered(about.command, verdict, about.since.elapsed());
    shared.counters.bytes.add(length);
    if outcome.is_none() {
        shared.counters.remembered.count();
    }
    if !shared.log.keeps_answers() {
        return;
    }
    let findings = match outcome {
        Some(Outcome::Answer(Answer::Scanned { report, .. })) => {
            report.findings.iter().map(|finding| finding.signature.as_str()).collect()
        }
        _ => Vec::new(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    shared.log.answer(&Record {
        time: now.as_secs_f64(),
        command: about.command,
        subject: String::from_utf8_lossy(&about.subject),
        verdict,
        findings,
        incomplete,
        length: Some(length),
        milliseconds: about.since.elapsed().as_secs_f64() * 1000.0,
        remembered: outcome.is_none(),
        generation: generation.number,
    });
}

/// Tells who asked.
fn tell(shared: &Shared, about: &About, said: Said, outcome: Option<&Outcome>) {
    match &about.asker {
        Asker::Session(ticket) => {
            let mut text = Vec::new();
            for verdict in answer::verdicts(&said, about.all) {
                Reply::Scanned(&about.subject, verdict).write(ticket.tag, &mut text);
            }
            shared.mailbox.post(Message { session: ticket.session, text, last: true });
        }
        Asker::Front(connection) => {
            shared.fronts.post((*connection, Judged::new(said, outcome)));
        }
        // Who walked has gone away when the client has.
        Asker::Walk(sender) => drop(sender.send((about.subject.clone(), said))),
    }
}
