//! Runs `candor-fetch`, the only program that opens connections.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use candor_update::source::fetch::{Answer, Job, LONGEST_ANSWER};

/// Where the fetcher is when it is not beside this program.
const USUAL: [&str; 2] = ["/usr/libexec/candor/candor-fetch", "/usr/lib/candor/candor-fetch"];

/// Bytes that are kept of what it says when it goes wrong.
const LONGEST_COMPLAINT: u64 = 4096;

/// Finds the fetcher: beside this program, or where packages put it.
#[must_use]
pub fn find() -> PathBuf {
    let beside =
        std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("candor-fetch")));
    let usual = USUAL.map(PathBuf::from);
    beside.into_iter().chain(usual).find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(USUAL[0]))
}

/// Has a job done, with `spool` for the files: an answer for each wish that was come to, in their order. The file of
/// a wish is named by its number; that it is what its answer says is for the caller to see, who reads it or does not.
///
/// # Errors
/// The fetcher cannot be started, says what is no answer, or ends without one; in words.
pub fn run(program: &Path, job: &Job, spool: &Path) -> Result<Vec<Answer>, String> {
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
    let mut answers = Vec::new();
    let mut wrong = None;
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        for number in 0..job.wishes.len() {
            let mut line = Vec::new();
            let most = u64::try_from(LONGEST_ANSWER).unwrap_or(u64::MAX);
            if !matches!(output.by_ref().take(most).read_until(b'\n', &mut line), Ok(1..)) {
                break;
            }
            match Answer::read(&line, number) {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    wrong = Some(error.to_string());
                    break;
                }
            }
        }
    }
    if wrong.is_some() {
        drop(child.kill());
    }
    let mut said = String::new();
    if let Some(errors) = child.stderr.take() {
        drop(errors.take(LONGEST_COMPLAINT).read_to_string(&mut said));
    }
    let ended = child.wait().map_err(|error| error.to_string())?;
    match wrong {
        Some(error) => Err(error),
        None if answers.is_empty() && said.is_empty() => Err(format!("candor-fetch ended with {ended}")),
        None if answers.is_empty() => Err(said.trim_end().to_owned()),
        None => Ok(answers),
    }
}
