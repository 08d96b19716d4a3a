//! The only program of Candor that opens connections: bytes from configured servers into a spool.
//!
//! It is given one job on standard input ([`Job`]), in the spool as its working directory, and answers a line for
//! each wish. It believes nobody and vouches for nothing: whoever asked verifies what came.
//!
//! What it needs from this machine it takes before the first byte arrives: the job, the certificates of authorities, the
//! addresses of name servers, and one open file in the spool for each wish. Then it closes its jail, in which no
//! call takes a path: it could not read a file, write another one or start anything if a server took it over.
//!
//! * `http`: files. `names`: the name system, without the C library, which would open files. `spool`: where they go.
#![forbid(unsafe_code)]

mod answer;
mod http;
mod names;
mod spool;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use candor_update::source::fetch::{Answer, Failure, FailureKind, Job, LONGEST_JOB, Wish};

use http::Client;
use names::Names;
use spool::Spool;

/// Bytes of memory that it may have for itself.
const MEMORY: u64 = 256 << 20;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "candor-fetch: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    candor_sandbox::close_inherited().context("descriptors cannot be closed")?;
    let job = read_job()?;
    let names = Names::of_system(&job.name_servers);
    let client = Client::prepare(&job, names.clone());
    let files = job.wishes.iter().enumerate().map(|(number, wish)| match wish {
        Wish::File(_) => Spool::open(number).map(Some),
        Wish::Text { .. } => Ok(None),
    });
    let mut files =
        files.collect::<Result<Vec<Option<Spool>>, _>>().context("the spool cannot be written")?;
    let largest = job.wishes.iter().map(|wish| match wish {
        Wish::File(file) => file.most,
        Wish::Text { .. } => 0,
    });
    candor_sandbox::confine_fetcher(largest.max().unwrap_or(0), MEMORY)
        .context("there is no jail for the fetcher on this machine")?;
    let mut output = std::io::stdout();
    for (number, wish) in job.wishes.iter().enumerate() {
        let mut answer = match (wish, files.get_mut(number)) {
            (Wish::File(file), Some(Some(spool))) => client.fetch(file, spool),
            (Wish::Text { name }, _) => texts(&names, name, job.times.connect),
            (Wish::File(_), _) => Answer {
                failure: Some(Failure::new(FailureKind::Spool, "there is no file for it")),
                ..Answer::default()
            },
        };
        answer.wish = number;
        let granted = answer.failure.is_none()
            && (matches!(wish, Wish::Text { .. }) || answer.status.is_some_and(|status| status / 100 == 2));
        output.write_all(&answer.write()?).and_then(|()| output.flush()).context("nobody listens")?;
        if !granted && job.stop_at_failure {
            break;
        }
    }
    Ok(())
}

fn read_job() -> anyhow::Result<Job> {
    let most = u64::try_from(LONGEST_JOB)?.saturating_add(1);
    let mut bytes = Vec::new();
    std::io::stdin().take(most).read_to_end(&mut bytes).context("there is no job")?;
    Ok(Job::read(&bytes)?)
}

fn texts(names: &Names, name: &str, seconds: u64) -> Answer {
    match names.texts(name, std::time::Duration::from_secs(seconds.clamp(1, 600))) {
        Ok(texts) => Answer { texts, ..Answer::default() },
        Err(failure) => Answer { failure: Some(failure), ..Answer::default() },
    }
}
