//! Fetching: by `candor-fetch`, which can do nothing else, into a spool that nothing else is in.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use candor_update::source::fetch::{
    Answer, FileWish, Job, LONGEST_ANSWER, MOST_WISHES, Times, VERSION, Wish,
};

/// Where the fetcher is when it is not beside this program.
const USUAL: [&str; 2] = ["/usr/libexec/candor/candor-fetch", "/usr/lib/candor/candor-fetch"];

/// What is said to servers: the program and its version, the same on every machine.
const AGENT: &str = concat!("Candor/", env!("CARGO_PKG_VERSION"));

/// Something to be fetched: a path below an address, and how long it may be.
pub(super) type Wanted = (String, u64);

/// Fetches files below `address` into `into`, each at its own path; what is not there is left out. Nothing of it is believed.
pub(super) fn fetch(address: &str, into: &Path, wanted: &[Wanted]) -> anyhow::Result<()> {
    for some in wanted.chunks(MOST_WISHES) {
        let spool = tempfile::Builder::new().prefix("fetch-").tempdir_in(into).context("no spool")?;
        let wish = |(path, most): &Wanted| {
            let url = format!("{}/{path}", address.trim_end_matches('/'));
            Wish::File(FileWish { url, most: *most, first: None, since: None })
        };
        let job = Job {
            version: VERSION,
            agent: String::from(AGENT),
            times: Times::default(),
            redirects: 3,
            proxy: None,
            name_servers: Vec::new(),
            authorities: None,
            stop_at_failure: false,
            wishes: some.iter().map(wish).collect(),
        };
        let answers = run(&job, spool.path())?;
        for (answer, (path, _)) in answers.iter().zip(some) {
            if let Some(failure) = &answer.failure {
                anyhow::bail!("{address}/{path}: {failure}");
            }
            match answer.status {
                Some(200) => place(&spool.path().join(answer.wish.to_string()), into, path)?,
                Some(404 | 410) => (),
                status => anyhow::bail!("{address}/{path}: the server answers {}", status.unwrap_or(0)),
            }
        }
        anyhow::ensure!(answers.len() == some.len(), "{address}: the fetcher left some files out");
    }
    Ok(())
}

/// Moves a file to its path below the mirror.
fn place(file: &Path, into: &Path, path: &str) -> anyhow::Result<()> {
    let path = Path::new(path);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    anyhow::ensure!(is_plain, "{}: leads out of the mirror", path.display());
    let target = into.join(path);
    fs::create_dir_all(target.parent().unwrap_or(into))?;
    fs::rename(file, &target).with_context(|| target.display().to_string())
}

fn program() -> PathBuf {
    let beside =
        std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("candor-fetch")));
    let usual = USUAL.map(PathBuf::from);
    beside.into_iter().chain(usual).find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(USUAL[0]))
}

/// Has a job done: an answer for each wish that was come to.
fn run(job: &Job, spool: &Path) -> anyhow::Result<Vec<Answer>> {
    let program = program();
    let mut child = Command::new(&program)
        .current_dir(spool)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    if let Some(mut input) = child.stdin.take() {
        // If it does not want it, it says why.
        drop(input.write_all(&job.write()?));
    }
    let mut answers = Vec::new();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        for number in 0..job.wishes.len() {
            let mut line = Vec::new();
            let most = u64::try_from(LONGEST_ANSWER)?;
            if output.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            match Answer::read(&line, number) {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    drop(child.kill());
                    drop(child.wait());
                    return Err(error.into());
                }
            }
        }
    }
    let mut said = String::new();
    if let Some(errors) = child.stderr.take() {
        drop(errors.take(4096).read_to_string(&mut said));
    }
    let ended = child.wait()?;
    anyhow::ensure!(!answers.is_empty(), "candor-fetch ended with {ended}: {}", said.trim_end());
    // A file that is longer than its answer says is none that was fetched.
    for answer in answers.iter().filter(|answer| answer.failure.is_none() && answer.status == Some(200)) {
        let file = File::open(spool.join(answer.wish.to_string())).context("the spool")?;
        anyhow::ensure!(file.metadata()?.len() == answer.length, "the spool is not what was fetched");
    }
    Ok(answers)
}
