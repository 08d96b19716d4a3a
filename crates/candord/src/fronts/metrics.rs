//! Metrics and health, by HTTP, for who watches the daemon: `/metrics` in the text format of Prometheus, `/health` (it
//! works) and `/ready` (it takes more). A socket of its own that is not there unless it is asked for: what is counted
//! is nobody else's business, and clients of scans never speak HTTP.
//!
//! Format: "Exposition formats", section "Text-based format", of Prometheus' documentation.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use candor_protocol::http::{self, Status, Step};

use super::{Front, Host};
use crate::counters::BOUNDS;
use crate::daemon::Shared;

/// The type of a text.
const PLAIN: &str = "text/plain; charset=utf-8";

/// The type of the metrics.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One connection of a monitor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metrics;

impl Front for Metrics {
    fn take(&mut self, input: &[u8], host: &mut Host<'_>) -> usize {
        let (used, request) = match http::parse(input) {
            Step::More => return 0,
            Step::Refused(status) => {
                http::respond(status, PLAIN, "", (false, false), host.out);
                host.close = true;
                return input.len();
            }
            Step::Request(used, request) => (used, request),
        };
        let is_head = request.method == "HEAD";
        let (status, kind, body) = if !is_head && request.method != "GET" {
            (Status::MethodNotAllowed, PLAIN, String::new())
        } else {
            match request.path {
                "/metrics" => (Status::Ok, EXPOSITION, exposition(host.shared)),
                "/health" => told(health(host.shared)),
                "/ready" => told(health(host.shared).and_then(|()| ready(host.shared))),
                _ => (Status::NotFound, PLAIN, String::from("there are /metrics, /health and /ready\n")),
            }
        };
        http::respond(status, kind, &body, (is_head, request.keep_alive), host.out);
        host.close = !request.keep_alive;
        used
    }

    fn longest(&self) -> usize {
        http::LONGEST
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn is_patient(&self) -> bool {
        false
    }
}

fn told(state: Result<(), &'static str>) -> (Status, &'static str, String) {
    match state {
        Ok(()) => (Status::Ok, PLAIN, String::from("ok\n")),
        Err(why) => (Status::Unavailable, PLAIN, format!("{why}\n")),
    }
}

/// Whether it works; what does not, otherwise.
fn health(shared: &Shared) -> Result<(), &'static str> {
    let works = !shared.has_failed.load(Ordering::Relaxed);
    works.then_some(()).ok_or("there are no workers any more")
}

/// Whether it takes more; why not, otherwise.
fn ready(shared: &Shared) -> Result<(), &'static str> {
    if shared.is_ending.load(Ordering::Relaxed) {
        return Err("it ends");
    }
    if !shared.signatures.current().sandbox.is_alive() {
        return Err("workers are being made");
    }
    if shared.jobs.state().0.len() >= shared.settings.queue {
        return Err("the queue is full");
    }
    Ok(())
}

/// All metrics.
fn exposition(shared: &Shared) -> String {
    let counters = &shared.counters;
    let generation = shared.signatures.current();
    let (waiting, _) = shared.jobs.state();
    let oldest = waiting.iter().max().map_or(0.0, Duration::as_secs_f64);
    let mut page = Page(String::with_capacity(8 << 10));

    page.head("candor_build_info", "gauge", "The version of this daemon, always 1.");
    page.labelled("candor_build_info", &[("version", env!("CARGO_PKG_VERSION"))], "1");
    page.one("process_start_time_seconds", "gauge", "When it was started.", counters.start());
    page.one("candor_ready", "gauge", "Whether it takes more.", u8::from(ready(shared).is_ok()));

    page.head("candor_answers_total", "counter", "Files that were answered for.");
    for (command, verdict, number) in counters.answers() {
        let labels = [("command", command), ("verdict", verdict)];
        page.labelled("candor_answers_total", &labels, &number.to_string());
    }
    page.head("candor_answer_seconds", "histogram", "From the last byte of a command to its answer.");
    let times = counters.times();
    for (bound, number) in BOUNDS.iter().zip(&times) {
        let bound = Duration::from_micros(*bound).as_secs_f64().to_string();
        page.labelled("candor_answer_seconds_bucket", &[("le", &bound)], &number.to_string());
    }
    let all = times.last().copied().unwrap_or(0);
    page.labelled("candor_answer_seconds_bucket", &[("le", "+Inf")], &all.to_string());
    page.labelled("candor_answer_seconds_sum", &[], &counters.time().as_secs_f64().to_string());
    page.labelled("candor_answer_seconds_count", &[], &all.to_string());
    page.one(
        "candor_bytes_total",
        "counter",
        "Bytes of files that were answered for.",
        counters.bytes.number(),
    );

    page.one("candor_queue_length", "gauge", "Files that wait for a worker.", waiting.len());
    page.one("candor_queue_oldest_seconds", "gauge", "For how long the oldest of them has waited.", oldest);
    page.one("candor_workers", "gauge", "Workers that there may be.", shared.settings.lanes);
    page.one("candor_workers_busy", "gauge", "Workers that are at something.", shared.board.running().len());
    page.one(
        "candor_workers_lost_total",
        "counter",
        "Files that ended their worker: it crashed, or took too long or too much.",
        counters.lost_workers.number(),
    );

    let (came, gone) = (counters.sessions.number(), counters.gone.number());
    page.one("candor_sessions_total", "counter", "Connections that were taken.", came);
    page.one("candor_sessions", "gauge", "Connections that are open.", came.saturating_sub(gone));
    page.one(
        "candor_streams_memory_bytes",
        "gauge",
        "Bytes of streams that are in memory.",
        shared.in_memory.bytes(),
    );

    page.one(
        "candor_cache_entries",
        "gauge",
        "Verdicts that are remembered, of files and of streams.",
        shared.files.number().saturating_add(shared.streams.number()),
    );
    page.one(
        "candor_cache_hits_total",
        "counter",
        "Files and streams that were answered for by a verdict that was remembered.",
        counters.remembered.number(),
    );

    page.one(
        "candor_generation",
        "gauge",
        "Signatures in force, counted up by each reload.",
        generation.number,
    );
    page.one("candor_signatures", "gauge", "How many there are.", generation.signatures);
    page.one("candor_image_bytes", "gauge", "Bytes of their image.", generation.length);
    page.head("candor_reloads_total", "counter", "Reloads.");
    for (result, counter) in [("failed", &counters.failed_reloads), ("ok", &counters.reloads)] {
        page.labelled("candor_reloads_total", &[("result", result)], &counter.number().to_string());
    }
    page.0
}

/// A text in the format. Names and labels are this program's own, so that nothing has to be escaped.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn labelled(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        self.0.push_str(name);
        for (number, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"{text}\"", if number == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl ToString) {
        self.head(name, kind, help);
        self.labelled(name, &[], &value.to_string());
    }
}
