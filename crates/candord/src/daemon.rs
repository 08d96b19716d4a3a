//! The daemon as a whole: what its threads share, how it comes up, and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;

use anyhow::Context as _;

use crate::counters::Counters;
use crate::event_loop::MAILBOX;
use crate::events::Events;
use crate::fronts::{self, Fronts, Judged};
use crate::jobs::{Job, Queue};
use crate::lanes::{self, Board};
use crate::listen::{self, Listener};
use crate::log::{Log, Weight};
use crate::mailbox::{Mailbox, Message};
use crate::nursery::Nurseries;
use crate::reactor::Reactor;
use crate::service::{self, PidFile, Signals};
use crate::settings::Settings;
use crate::signatures::{self, Loader, Signatures, Wish};
use crate::stream::InMemory;
use crate::verdicts::{Digest, Digester, State, Verdicts};
use crate::walk::{self, Request};
use crate::watched::Watched;

/// What all threads share.
#[derive(Debug)]
pub struct Shared {
    /// What the daemon was told.
    pub settings: Settings,
    /// The log.
    pub log: Log,
    /// The signatures.
    pub signatures: Signatures,
    /// What is noted of them.
    pub watched: Watched,
    /// Files that wait for a lane.
    pub jobs: Queue<Job>,
    /// Paths that wait for a walker.
    pub walks: Queue<Request>,
    /// What the reactor is told.
    pub mailbox: Mailbox<Message>,
    /// What connections of the fronts are told.
    pub fronts: Mailbox<(usize, Judged)>,
    /// Bytes of streams that are in memory.
    pub in_memory: InMemory,
    /// What is counted.
    pub counters: Counters,
    /// What the lanes are at.
    pub board: Board,
    /// Verdicts of files that are remembered.
    pub files: Verdicts<State>,
    /// Verdicts of streams that are remembered.
    pub streams: Verdicts<Digest>,
    /// What makes the digests of these.
    pub digester: Digester,
    /// What is told of findings.
    pub events: Events,
    /// What is told of infected mail.
    pub mail_events: Events,
    /// What is to be done about the signatures.
    pub wishes: Sender<Wish>,
    /// There will be no workers any more; whoever started this daemon is to start it again.
    pub has_failed: AtomicBool,
    /// It was told to end: no connection is taken any more.
    pub is_ending: AtomicBool,
}

/// Runs until it is told to end, and what runs is done.
///
/// # Errors
/// It cannot come up.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    service::allow_open_files();
    let listeners = listen::listen(&settings.sockets, &settings.fronts.tls.clamd)?;
    let front_listeners = fronts::listen(&settings)?;
    anyhow::ensure!(
        !listeners.is_empty() || !front_listeners.is_empty(),
        "neither LocalSocket nor TCPSocket is given: there is nothing to listen on"
    );
    let pid_file = settings.pid_file.as_deref().map(PidFile::write).transpose()?;
    let log = Log::open(&settings.log)?;
    if let Some(user) = &settings.user {
        service::become_user(user)?;
    }
    log.tell_missing();
    for warning in &settings.warnings {
        log.say(Weight::Warning, warning);
    }
    let (events, runner) = Events::new(settings.event.as_deref())?;
    let mail = settings.fronts.milter.as_ref().and_then(|milter| milter.program.as_deref());
    let (mail_events, mail_runner) = Events::new(mail)?;
    // Before any thread: what they make are copies of this process.
    let nurseries = Nurseries::start(&settings)?;
    let mut loader = Loader {
        database: settings.database.clone(),
        store: settings.store.clone(),
        distrusted: None,
        signers: settings.signers.clone(),
        oldest: settings.oldest,
        cache: settings.cache.clone(),
        nurseries,
        state: None,
    };
    let first = loader.load(1, &log)?;
    let watched = Watched::new(candor::update::place::root(settings.store.as_deref()), settings.watch);
    watched.change(first.number, first.stored);
    let signals = Signals::catch().context("signals cannot be caught")?;
    let poll = mio::Poll::new().context("no reactor")?;
    let waker = mio::Waker::new(poll.registry(), MAILBOX).context("no reactor")?;
    let front_poll = mio::Poll::new().context("no reactor")?;
    let front_waker = mio::Waker::new(front_poll.registry(), MAILBOX).context("no reactor")?;
    let (wishes, wished) = channel();
    let shared = Arc::new(Shared {
        jobs: Queue::new(settings.queue),
        walks: Queue::new(settings.queue),
        mailbox: Mailbox::new(waker),
        fronts: Mailbox::new(front_waker),
        in_memory: InMemory::default(),
        counters: Counters::default(),
        board: Board::new(settings.lanes),
        files: Verdicts::new(settings.verdicts),
        streams: Verdicts::new(settings.verdicts),
        digester: Digester::new(watched.secret()),
        signatures: Signatures::new(first),
        watched,
        events,
        mail_events,
        wishes,
        has_failed: AtomicBool::new(false),
        is_ending: AtomicBool::new(false),
        log,
        settings,
    });
    let mut threads = Vec::new();
    let spawn = |name: String, work: Box<dyn FnOnce() + Send>| {
        Builder::new().name(name).spawn(work).context("a thread cannot be started")
    };
    for number in 0..shared.settings.lanes {
        let lane = Arc::clone(&shared);
        threads.push(spawn(format!("lane {number}"), Box::new(move || lanes::run(&lane, number)))?);
        let walker = Arc::clone(&shared);
        threads.push(spawn(format!("walk {number}"), Box::new(move || walk::run(&walker)))?);
    }
    let watcher = Arc::clone(&shared);
    spawn(String::from("signatures"), Box::new(move || signatures::watch(&watcher, loader, &wished)))?;
    for runner in [runner, mail_runner].into_iter().flatten() {
        let told = Arc::clone(&shared);
        spawn(String::from("events"), Box::new(move || runner.run(&told.log)))?;
    }
    let mut names: Vec<String> = listeners.iter().map(Listener::name).collect();
    names.extend(front_listeners.iter().map(|(kind, listener)| format!("{kind}: {}", listener.name())));
    let front = if front_listeners.is_empty() {
        None
    } else {
        let mut front =
            Fronts::new(Arc::clone(&shared), front_poll, front_listeners).context("no reactor")?;
        Some(spawn(String::from("fronts"), Box::new(move || front.run()))?)
    };
    let mut reactor = Reactor::new(Arc::clone(&shared), poll, listeners, signals).context("no reactor")?;
    shared.log.say(Weight::Info, &format!("candord is ready; it listens on {}", names.join(", ")));
    service::notify("READY=1");
    let served = reactor.run().context("the reactor failed");
    service::notify("STOPPING=1");
    shared.is_ending.store(true, Ordering::Relaxed);
    shared.fronts.wake();
    // What they are at is finished, too; they bound the time that this takes.
    front.into_iter().for_each(|front| drop(front.join()));
    shared.jobs.end();
    shared.walks.end();
    drop(shared.watched.keep());
    drop(reactor);
    drop(pid_file);
    shared.log.say(Weight::Info, "candord ends");
    anyhow::ensure!(!shared.has_failed.load(Ordering::Relaxed), "there are no workers any more");
    served
}
