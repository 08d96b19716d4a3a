//! Runs `candor-fetch`, and takes what it brings.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use candor_update::clamav::Tried;
use candor_update::source::fetch::{Answer, Failure, FailureKind, Job, LONGEST_ANSWER};
use sha2::{Digest as _, Sha256};

/// Where the fetcher is when it is not beside this program.
const USUAL: [&str; 2] = ["/usr/libexec/candor/candor-fetch", "/usr/lib/candor/candor-fetch"];

/// Finds the fetcher: beside this program, or where packages put it.
pub(crate) fn find() -> PathBuf {
    let beside =
        std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("candor-fetch")));
    let usual = USUAL.map(PathBuf::from);
    beside.into_iter().chain(usual).find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(USUAL[0]))
}

/// Has a job done, with `spool` for the files; an answer for each wish that was come to.
pub(crate) fn run(program: &Path, job: &Job, spool: &Path) -> Vec<Tried> {
    match try_run(program, job, spool) {
        Ok(tried) => tried,
        Err(text) => {
            let failure = Some(Failure::new(FailureKind::Spool, text));
            vec![Tried { answer: Answer { failure, ..Answer::default() }, bytes: Vec::new() }]
        }
    }
}

fn try_run(program: &Path, job: &Job, spool: &Path) -> Result<Vec<Tried>, String> {
    let bytes = job.write().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .current_dir(spool)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
    if let Some(mut input) = child.stdin.take() {
        // If it does not want it, it says why.
        drop(input.write_all(&bytes));
    }
    let mut tried = Vec::new();
    let mut wrong = None;
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        for number in 0..job.wishes.len() {
            let mut line = Vec::new();
            let most = u64::try_from(LONGEST_ANSWER).unwrap_or(u64::MAX);
            let read = output.by_ref().take(most).read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) {
                break;
            }
            match Answer::read(&line, number) {
                Ok(answer) => tried.push(taken(answer, spool)),
                Err(error) => {
                    wrong = Some(error.to_string());
                    break;
                }
            }
        }
    }
    let mut said = String::new();
    if wrong.is_some() {
        drop(child.kill());
    }
    if let Some(errors) = child.stderr.take() {
        drop(errors.take(4096).read_to_string(&mut said));
    }
    let ended = child.wait().map_err(|error| error.to_string())?;
    match wrong {
        Some(error) => Err(error),
        None if tried.is_empty() && said.is_empty() => Err(format!("candor-fetch ended with {ended}")),
        None if tried.is_empty() => Err(said.trim_end().to_owned()),
        None => Ok(tried),
    }
}

/// The bytes that belong to an answer; they must be what it says.
fn taken(mut answer: Answer, spool: &Path) -> Tried {
    let mut bytes = Vec::new();
    if answer.failure.is_none() && matches!(answer.status, Some(200 | 206)) {
        let read = File::open(spool.join(answer.wish.to_string()))
            .and_then(|file| file.take(answer.length).read_to_end(&mut bytes));
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if read.is_err() || u64::try_from(bytes.len()) != Ok(answer.length) || digest != answer.sha256 {
            answer.failure =
                Some(Failure::new(FailureKind::Spool, "the file in the spool is not what was fetched"));
            bytes.clear();
        }
    }
    Tried { answer, bytes }
}
