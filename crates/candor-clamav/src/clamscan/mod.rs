//! `clamscan`: files and folders, scanned by jailed workers, told in ClamAV's words and in the order of the walk.
//!
//! * [`wishes`]: what the command line means; [`expression`]: its regular expressions. [`walk`]: finds files.
//! * [`pool`]: threads with a worker each. [`order`]: puts what they say back into the order of the walk.
//! * [`tell`]: the lines and the sums. [`metadata`]: what is written about each file.

pub(crate) mod expression;
mod metadata;
mod order;
mod pool;
mod tell;
mod walk;
mod wishes;

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use candor_sandbox::{Sandbox, worker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::action::Actions;
use crate::console::{Console, complain};
use crate::database;
use crate::options::clamscan::OPTIONS;
use crate::options::{self, Given};
use candor::clamav::clock;
use order::Order;
use pool::Pool;
use tell::{Sums, Teller};
use walk::Walk;
use wishes::Wishes;

/// Nothing was found.
const CLEAN: u8 = 0;
/// Something was found.
const FOUND: u8 = 1;
/// Something failed, and nothing was found.
const FAILED: u8 = 2;
/// The list of files cannot be opened.
const NO_LIST: u8 = 54;

/// What is said when files cannot be scanned in a jail.
const NO_JAIL: &str = "files cannot be scanned in a jail here; `candor doctor` says what is missing";

/// Files that are open at once at most.
const OPEN_FILES: u64 = 1 << 14;

/// Runs `clamscan`.
pub(crate) fn run(program: &str, arguments: Vec<OsString>) -> ExitCode {
    let given = match options::read(program, OPTIONS, arguments) {
        Ok(given) => given,
        Err(lines) => {
            lines.iter().for_each(|line| complain(line));
            return ExitCode::from(FAILED);
        }
    };
    let mut console = Console::new();
    let code = match command(&given, &mut console) {
        Ok(code) => code,
        Err(error) => {
            console.error(&format!("{error:#}"));
            FAILED
        }
    };
    console.flush();
    ExitCode::from(code)
}

fn command(given: &Given, console: &mut Console) -> anyhow::Result<u8> {
    if given.is_on("help") {
        for line in help() {
            console.show(line.as_bytes());
        }
        return Ok(CLEAN);
    }
    let wishes = Wishes::new(given);
    if given.is_on("version") {
        let paths = wishes.as_ref().map_or(&[][..], |wishes| &wishes.signatures.paths);
        console.show(database::version(paths).as_bytes());
        return Ok(CLEAN);
    }
    console.quiet = given.is_on("quiet");
    console.all_to_stdout = given.is_on("stdout");
    if let Some(path) = given.text("log") {
        console.open_log(Path::new(path))?;
        console.record(&[b"\n".as_slice(), &[b'-'; 79], b"\n"].concat());
    }
    given.warnings.iter().for_each(|warning| console.warn(warning));
    let began = (Instant::now(), clock::seconds());
    let Some(actions) = Actions::from(given, console)? else { return Ok(FAILED) };
    let mut sums = Sums::default();
    let code = match wishes {
        Ok(wishes) => {
            let mut teller = Teller::new(console, &wishes, actions, &mut sums);
            scan(given, &wishes, &mut teller)
        }
        Err(error) => Err(error),
    };
    let code = code.unwrap_or_else(|error| {
        console.error(&format!("{error:#}"));
        FAILED
    });
    if !given.is_on("no-summary") {
        sums.tell(began, console);
    }
    Ok(code)
}

fn scan(given: &Given, wishes: &Wishes, teller: &mut Teller<'_>) -> anyhow::Result<u8> {
    let console = &mut *teller.console;
    let signatures = wishes.signatures.open(&mut |text| console.warn(text))?;
    teller.sums.known = signatures.number;
    // Before any thread is started: the jail is made of copies of this process.
    let work = |jailed| worker::scan(jailed, &signatures.image, &wishes.options, wishes.setup.max_time);
    let sandbox = Sandbox::start(wishes.setup.clone(), work).context(NO_JAIL)?;
    let open = allow_open_files();
    let list = match given.text("file-list") {
        Some(path) => match File::open(path) {
            Ok(list) => Some(list),
            Err(_) => {
                let path = path.display();
                teller.console.error(&format!("--file-list: Can't open file {path}"));
                return Ok(NO_LIST);
            }
        },
        None => None,
    };
    if list.is_some() && !given.paths.is_empty() {
        teller.console.warn("Only scanning files from --file-list (files passed at cmdline are ignored)");
    }
    let pool = Pool::new(open / 4);
    let failed = std::thread::scope(|scope| {
        let results = pool.start(scope, &sandbox, wishes.jobs);
        let mut order = Order::new(&pool, results, teller);
        let failed = Walk::new(wishes, &mut order).run(list, &given.paths);
        order.finish();
        pool.close();
        failed
    });
    sandbox.close();
    if teller.sums.missed > 0 {
        let missed = teller.sums.missed;
        teller.console.warn(&format!(
            "not everything could be looked into in {missed} of the files that are OK (--verbose says why)"
        ));
    }
    Ok(match () {
        () if teller.sums.infected > 0 => FOUND,
        () if failed || teller.sums.errors > 0 => FAILED,
        () => CLEAN,
    })
}

/// Files are open while they wait for a worker: allows as many as the system lets this process have.
fn allow_open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(OPEN_FILES).min(OPEN_FILES);
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    let open = if limit.current.is_some_and(|current| current < wanted)
        && setrlimit(Resource::Nofile, raised).is_ok()
    {
        wanted
    } else {
        limit.current.unwrap_or(wanted)
    };
    usize::try_from(open).unwrap_or(usize::MAX)
}

fn help() -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("            Candor as ClamAV's clamscan {}", crate::CLAMAV),
        String::new(),
        String::from("    clamscan [options] [file/directory/-]"),
        String::new(),
    ];
    lines.extend(options::help(OPTIONS));
    lines.push(String::new());
    lines.push(String::from("Return codes: 0 nothing found, 1 something found, 2 an error occurred."));
    lines
}
