//! What workers ask of the kernel while they scan a file of every format, and while they compile: all of it must be in
//! the table, and each worker must have ended in peace. The kernel enforces the table; this shows that it is enough, and
//! what of it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use candor_fixtures::marker::combinations;
use candor_sandbox::Task;

use super::traced;

pub(super) fn check(candor: &Path) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("files");
    fs::create_dir_all(&files)?;
    let mut all = candor_fuzz::seeds("scan");
    all.extend(combinations().into_iter().map(|combination| combination.bytes));
    // One that is mapped, and one that is found.
    all.push(vec![b'x'; 3 << 20]);
    all.push(
        [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes(),
    );
    for (number, bytes) in all.iter().enumerate() {
        fs::write(files.join(number.to_string()), bytes)?;
    }
    let database = folder.path().join("a.ndb");
    fs::write(&database, "Some.Thing:0:*:736f6d65207468696e67\nWrong:0:*:7\n")?;
    let log = folder.path().join("log");
    let options = ["-o", log.to_str().context("a path that is no text")?];

    let mut command = traced(&options, candor)?;
    let output = command.args(["scan", "--json", "--jobs", "2"]).arg(&files).output()?;
    let answers = String::from_utf8_lossy(&output.stdout).matches("\"type\":\"file\"").count();
    ensure!(answers == all.len(), "{answers} answers about {} files", all.len());
    let scan = workers(&fs::read_to_string(&log)?)?;
    compare(Task::Scan, &scan)?;

    let image = folder.path().join("image");
    let mut command = traced(&options, candor)?;
    let output = command.arg("compile").arg(&database).arg("-o").arg(&image).output()?;
    ensure!(image.exists(), "no image: {}", String::from_utf8_lossy(&output.stderr));
    let compile = workers(&fs::read_to_string(&log)?)?;
    compare(Task::Compile, &compile)?;

    let most: Vec<String> = scan.calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
    println!("calls of {} workers over {answers} files: {}", scan.number, most.join(", "));
    Ok(format!(
        "{} of {} calls of the table used by {} workers over {answers} files, and none beside",
        scan.calls.len(),
        Task::Scan.calls().len(),
        scan.number
    ))
}

/// What all workers of a run have asked for from the moment on at which their filter was in place.
#[derive(Default)]
struct Workers {
    number: usize,
    calls: BTreeMap<String, u64>,
    /// For each call, what strace wrote when it was asked for first.
    first: BTreeMap<String, String>,
}

impl Workers {
    fn count(&mut self, name: &str, line: &str) {
        *self.calls.entry(name.to_owned()).or_default() += 1;
        self.first.entry(name.to_owned()).or_insert_with(|| line.to_owned());
    }
}

/// Reads what `strace -f -o` has written: lines that begin with the number of a process.
fn workers(log: &str) -> anyhow::Result<Workers> {
    let mut filtered = BTreeSet::new();
    let mut workers = Workers::default();
    // What a process was asking for when strace wrote about another one.
    let mut unfinished: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for line in log.lines() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if rest.starts_with("+++ killed by SIGSYS") {
            bail!("a worker asked for something that is not in the table: {line}");
        }
        // What strace read of a process that was ended from outside are no registers of a call: it was not asked for, as
        // the filter would have ended the process with another signal.
        if rest.starts_with("+++ killed by SIGKILL") {
            unfinished.remove(process);
        }
        if rest.starts_with(['<', '+'])
            && let Some((name, line)) = unfinished.remove(process)
        {
            workers.count(name, line);
        }
        // What has ended leaves its number to others, which may be no workers.
        if rest.starts_with("+++") {
            filtered.remove(process);
        }
        // The rest of a call whose beginning was read, a signal, or an end.
        if rest.starts_with(['<', '-', '+']) {
            continue;
        }
        let Some((name, arguments)) = rest.split_once('(') else { continue };
        // A process that was ended from outside before strace could look at what it asked for.
        if name == "???" {
            continue;
        }
        if filtered.contains(process) {
            if rest.ends_with("<unfinished ...>") || rest.ends_with("= ?") {
                unfinished.insert(process, (name, line));
            } else {
                workers.count(name, line);
            }
        }
        // It cannot fail after this: then there would be no worker.
        if name == "seccomp" && arguments.starts_with("SECCOMP_SET_MODE_FILTER") && filtered.insert(process) {
            workers.number += 1;
        }
    }
    for (name, line) in unfinished.into_values() {
        workers.count(name, line);
    }
    Ok(workers)
}

fn compare(task: Task, workers: &Workers) -> anyhow::Result<()> {
    let table = task.calls();
    ensure!(workers.number > 0 && workers.calls.contains_key("recvmsg"), "strace saw no worker at work");
    let is_beside = |name: &str| !table.iter().any(|call| call.name == name);
    let beside: Vec<&String> =
        workers.first.iter().filter(|(name, _)| is_beside(name)).map(|(_, line)| line).collect();
    ensure!(beside.is_empty(), "calls that are not in the table: {beside:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use candor_sandbox::Task;

    use super::{compare, workers};

    const FILTERED: &str = "7 seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=63}) = 0\n7 recvmsg(3, {}, 0) = 6\n";

    #[test]
    fn a_call_is_told_by_its_line_and_what_strace_read_of_the_dead_is_none() {
        let compared = |lines: &str| {
            let workers = workers(&[FILTERED, lines].concat()).unwrap();
            compare(Task::Scan, &workers).map_err(|error| error.to_string())
        };
        compared("7 read(4,  <unfinished ...>\n8 close(3) = 0\n7 <... read resumed>\"\", 1) = 0\n").unwrap();
        for lines in ["7 ppoll([{fd=-1}], 1 <unfinished ...>", "7 msgrcv(1, 2) = ?"] {
            let killed =
                |signal| compared(&format!("{lines}\n8 close(3) = 0\n7 +++ killed by {signal} +++\n"));
            killed("SIGKILL").unwrap();
            assert!(killed("SIGSEGV").unwrap_err().contains(lines));
            assert!(compared(&format!("{lines}\n7 <... resumed>) = 0\n")).unwrap_err().contains(lines));
            assert!(compared(lines).unwrap_err().contains(lines));
        }
        assert!(compared("7 openat(AT_FDCWD) = -1 EPERM\n").is_err());
        assert!(workers(&[FILTERED, "7 +++ killed by SIGSYS +++\n"].concat()).is_err());
    }
}
