//! Has files fetched, and takes what comes.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use candor_update::clamav::Tried;
use candor_update::source::fetch::{Answer, Failure, FailureKind, Job};
use sha2::{Digest as _, Sha256};

use crate::sigtool::hexadecimal;

pub(crate) use candor::fetcher::find;

/// Has a job done, with `spool` for the files; an answer for each wish that was come to.
pub(crate) fn run(program: &Path, job: &Job, spool: &Path) -> Vec<Tried> {
    match candor::fetcher::run(program, job, spool) {
        Ok(answers) => answers.into_iter().map(|answer| taken(answer, spool)).collect(),
        Err(text) => {
            let failure = Some(Failure::new(FailureKind::Spool, text));
            vec![Tried { answer: Answer { failure, ..Answer::default() }, bytes: Vec::new() }]
        }
    }
}

/// The bytes that belong to an answer; they must be what it says.
fn taken(mut answer: Answer, spool: &Path) -> Tried {
    let mut bytes = Vec::new();
    if answer.failure.is_none() && matches!(answer.status, Some(200 | 206)) {
        let read = File::open(spool.join(answer.wish.to_string()))
            .and_then(|file| file.take(answer.length).read_to_end(&mut bytes));
        let digest = hexadecimal(&Sha256::digest(&bytes));
        if read.is_err() || u64::try_from(bytes.len()) != Ok(answer.length) || digest != answer.sha256 {
            answer.failure =
                Some(Failure::new(FailureKind::Spool, "the file in the spool is not what was fetched"));
            bytes.clear();
        }
    }
    Tried { answer, bytes }
}
