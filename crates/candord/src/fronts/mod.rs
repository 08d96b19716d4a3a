//! The other protocols that the daemon speaks, beside clamd's: one thread that has their sockets.
//!
//! A front is the state of one connection ([`Front`]): bytes in, bytes out, and at times something to be scanned,
//! which goes the way of a stream of clamd's protocol. What all of them have in common (sockets, clocks, queues) is in
//! [`reactor`], so that a front is about its protocol alone. None of them waits for anything by itself.

mod connection;
mod icap;
mod metrics;
mod milter;
pub mod reactor;

use std::fmt;
use std::time::Duration;

use candor::clamav::Said;
use candor_sandbox::Outcome;

use crate::answer;
use crate::daemon::Shared;
use crate::listen::{self, Listener};
use crate::settings::Settings;
use crate::stream::Received;

pub use reactor::Fronts;

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Proxies, by ICAP.
    Icap,
    /// Metrics and health, by HTTP.
    Metrics,
    /// Mail servers, by the milter protocol.
    Milter,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Icap => "icap",
            Self::Metrics => "metrics",
            Self::Milter => "milter",
        })
    }
}

/// What a scan came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// In ClamAV's words.
    pub said: Said,
    /// What was not looked at, in a word each; empty when all was.
    pub missed: Vec<&'static str>,
}

impl Judged {
    /// Of an outcome; there is none of what is remembered: all of it was looked at.
    #[must_use]
    pub fn new(said: Said, outcome: Option<&Outcome>) -> Self {
        let mut missed: Vec<&'static str> = outcome.map_or_else(Vec::new, |outcome| {
            answer::honestly(outcome).1.into_iter().map(|missed| missed.code).collect()
        });
        missed.sort_unstable();
        missed.dedup();
        Self { said, missed }
    }
}

/// What a front has of the world around it, for one call.
#[derive(Debug)]
pub struct Host<'a> {
    /// The daemon.
    pub shared: &'a Shared,
    /// What is to be sent.
    pub out: &'a mut Vec<u8>,
    /// Something to be scanned; nothing more is received until the front knows what came of it.
    pub scan: Option<Scan>,
    /// Whether to hang up when all is sent.
    pub close: bool,
}

/// Something to be scanned.
#[derive(Debug)]
pub struct Scan {
    /// The bytes.
    pub received: Received,
    /// What they are called in logs.
    pub subject: Vec<u8>,
    /// The name of the file, if it has one.
    pub name: String,
    /// What was asked: one of [`COMMANDS`](crate::counters::COMMANDS).
    pub command: &'static str,
}

/// One side of one connection.
pub trait Front: fmt::Debug + Send {
    /// Takes from what was received, and says how many bytes it has taken; none when more are needed. It is called
    /// until then, or until it wants something scanned or the connection closed.
    fn take(&mut self, input: &[u8], host: &mut Host<'_>) -> usize;

    /// Is told what came of a scan.
    fn judged(&mut self, _judged: Judged, _host: &mut Host<'_>) {}

    /// Whether it has more to send, as soon as all else is sent. Nothing is taken from the other side meanwhile.
    fn has_more(&self) -> bool {
        false
    }

    /// Adds to what is to be sent.
    fn refill(&mut self, _host: &mut Host<'_>) {}

    /// Most bytes that it leaves lying while it needs more.
    fn longest(&self) -> usize;

    /// How long the other side may take to say something.
    fn patience(&self) -> Duration;

    /// Whether each byte that comes wins time, or only what is whole.
    fn is_patient(&self) -> bool {
        true
    }
}

/// Listens for all fronts that are wanted.
///
/// # Errors
/// One cannot be listened on.
pub fn listen(settings: &Settings) -> anyhow::Result<Vec<(Kind, Listener)>> {
    let mut listeners = Vec::new();
    let fronts = &settings.fronts;
    let milter = fronts.milter.as_ref().map(|milter| (Kind::Milter, &milter.sockets));
    let icap = fronts.icap.as_ref().map(|icap| (Kind::Icap, &icap.sockets));
    let metrics = Some((Kind::Metrics, &fronts.metrics));
    let tls = Some((Kind::Icap, &fronts.tls.icap));
    for (kind, sockets) in [metrics, milter, icap, tls].into_iter().flatten() {
        listeners.extend(listen::of(sockets)?.into_iter().map(|listener| (kind, listener)));
    }
    Ok(listeners)
}
