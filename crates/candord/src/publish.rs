//! Tells all who are to know what became of a file: who asked, the logs, the counters, the program for findings, and who
//! watches the signatures.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use candor::clamav::Said;
use candor_protocol::clamd::{Reply, Tag};
use candor_sandbox::Outcome;
use candor_sandbox::message::Answer;

use crate::answer;
use crate::daemon::Shared;
use crate::fronts::Judged;
use crate::jobs::{About, Asker};
use crate::log::{Missed, Record, Weight};
use crate::mailbox::Message;
use crate::signatures::Wish;
use crate::verdicts::Known;
use crate::watched::Mark;

/// A file that was asked about, and what was looked for in it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What was asked.
    pub about: &'a About,
    /// Its length.
    pub length: u64,
    /// The number of the signatures.
    pub generation: u64,
}

/// Tells everybody but who asked what a scan came to; `said` is that in ClamAV's words.
pub fn scanned(shared: &Shared, subject: Subject<'_>, said: &Said, outcome: &Outcome, mark: Option<Mark>) {
    let (verdict, incomplete) = answer::honestly(outcome);
    let findings = match outcome {
        Outcome::Answer(Answer::Scanned { report, .. }) => {
            report.findings.iter().map(|finding| finding.signature.as_str()).collect()
        }
        _ => Vec::new(),
    };
    record(shared, subject, (verdict, findings, incomplete), false);
    found(shared, subject.about, said);
    if let Outcome::Deadly(reason, why) = outcome {
        shared.counters.lost_workers.count();
        shared.log.say(Weight::Warning, &format!("{}: {reason}: {why}", name(subject.about)));
    }
    if shared.watched.note(subject.generation, mark, outcome) {
        let _ = shared.wishes.send(Wish::TakeBack);
    }
}

/// The same of a verdict that is remembered.
pub fn remembered(shared: &Shared, subject: Subject<'_>, known: &Known) {
    let findings = known.findings.iter().map(String::as_str).collect();
    record(shared, subject, (known.verdict, findings, Vec::new()), true);
    found(shared, subject.about, &known.said);
}

/// Tells who asked; without an outcome, all of it was looked at.
pub fn tell(shared: &Shared, about: &About, said: Said, outcome: Option<&Outcome>) {
    match &about.asker {
        Asker::Session(ticket) => {
            let text = reply(about, ticket.tag, &said);
            shared.mailbox.post(Message { session: ticket.session, text, last: true });
        }
        Asker::Front(connection) => {
            shared.fronts.post((*connection, Judged::new(said, outcome)));
        }
        // Who walked has gone away when the client has.
        Asker::Walk(sender) => drop(sender.send((about.subject.clone(), said))),
    }
}

/// The reply to a client of clamd's protocol.
#[must_use]
pub fn reply(about: &About, tag: Tag, said: &Said) -> Vec<u8> {
    let mut text = Vec::new();
    for verdict in answer::verdicts(said, about.all) {
        Reply::Scanned(&about.subject, verdict).write(tag, &mut text);
    }
    text
}

fn name(about: &About) -> Cow<'_, str> {
    String::from_utf8_lossy(&about.subject)
}

/// Tells the log what is said of it, and the program for findings what was found.
fn found(shared: &Shared, about: &About, said: &Said) {
    match said {
        Said::Found(names) => {
            for one in names.iter().take(if about.all { names.len() } else { 1 }) {
                shared.log.say(Weight::Info, &format!("{}: {one} FOUND", name(about)));
                shared.events.found(&about.subject, one);
            }
        }
        Said::Error(words) => {
            shared.log.say(Weight::Warning, &format!("{}: {words} ERROR", name(about)));
        }
        Said::Ok if shared.log.tells_clean() => {
            shared.log.say(Weight::Info, &format!("{}: OK", name(about)));
        }
        Said::Ok => (),
    }
}

/// Counts it, and adds it to the JSON log.
fn record(
    shared: &Shared,
    Subject { about, length, generation }: Subject<'_>,
    (verdict, findings, incomplete): (&'static str, Vec<&str>, Vec<Missed<'_>>),
    is_remembered: bool,
) {
    shared.counters.answered(about.command, verdict, about.since.elapsed());
    shared.counters.bytes.add(length);
    if is_remembered {
        shared.counters.remembered.count();
    }
    if !shared.log.keeps_answers() {
        return;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    shared.log.answer(&Record {
        time: now.as_secs_f64(),
        command: about.command,
        subject: name(about),
        verdict,
        findings,
        incomplete,
        length: Some(length),
        milliseconds: about.since.elapsed().as_secs_f64() * 1000.0,
        remembered: is_remembered,
        generation,
    });
}
