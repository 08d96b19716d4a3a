//! What happens where the kernel lacks a part of the jail: strace has the calls fail that put it up. What is missing
//! must be shown; below the minimum nothing may be scanned, unless the user wants no jail.

use std::fs;
use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, ensure};

use super::traced;

/// A call that fails, with which error, and the layer that is then missing; `None` where the program must refuse.
const FAILURES: [(&str, &str, Option<&str>); 8] = [
    ("landlock_create_ruleset", "ENOSYS", Some("landlock")),
    ("landlock_restrict_self", "EOPNOTSUPP", Some("landlock")),
    ("unshare", "EPERM", Some("network-namespace")),
    ("unshare", "ENOSPC", Some("ipc-namespace")),
    ("mount", "EPERM", Some("empty-file-system")),
    ("seccomp", "ENOSYS", None),
    ("capset", "EPERM", None),
    ("close_range", "ENOSYS", None),
];

/// When there is nothing to be scanned with.
const REFUSED: i32 = 2;

pub(super) fn check(candor: &Path) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("clean");
    fs::write(&file, "nothing to be found")?;
    let file = file.to_str().context("a path that is no text")?;
    for (call, error, missing) in FAILURES {
        let run = |arguments: &[&str]| -> anyhow::Result<Output> {
            let inject = format!("inject={call}:error={error}");
            let trace = format!("trace={call}");
            Ok(traced(&["-o", "/dev/null", "-e", &trace, "-e", &inject], candor)?.args(arguments).output()?)
        };
        let doctor = run(&["doctor", "--json"])?;
        let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
        let scan = run(&["scan", "--json", file])?;
        let answered = String::from_utf8_lossy(&scan.stdout).contains("\"verdict\":\"clean\"");
        let context = || format!("{call} fails with {error}: {said} {scan:?}");
        match missing {
            Some(layer) => {
                let shown = said.split("\"missing\":[").nth(1).and_then(|rest| rest.split(']').next());
                let is_shown = shown.is_some_and(|shown| shown.contains(layer));
                ensure!(is_shown && doctor.status.code() == Some(1), "not shown; {}", context());
                ensure!(answered && scan.status.code() == Some(0), "not scanned; {}", context());
            }
            None => {
                let is_shown = said.contains("\"possible\":false");
                ensure!(is_shown && doctor.status.code() == Some(REFUSED), "not shown; {}", context());
                ensure!(!answered && scan.status.code() == Some(REFUSED), "not refused; {}", context());
                let without = run(&["scan", "--json", "--no-sandbox", file])?;
                ensure!(without.status.code() == Some(0), "not scanned without a jail; {}", context());
            }
        }
    }
    Ok(format!("{} kinds of a kernel that lacks something", FAILURES.len()))
}
