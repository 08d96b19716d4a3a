//! Clients that are libraries of a programming language. Each is used by a script, which fails at the first answer
//! that is another one than it should be, and prints what it tried.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use super::packages::{Packages, said, succeed};
use super::place::{FOUND, Place};

type Outcome = anyhow::Result<Option<String>>;

/// Runs a script with what it has to know.
fn script(place: &Place, command: &mut Command, name: &str, text: &str) -> Outcome {
    let path = place.write(&format!("scripts/{name}"), text)?;
    command.arg(path).arg(place.path("socket")).arg(place.port.to_string());
    command.arg(place.path("files/clean")).arg(place.path("files/infected")).arg(FOUND);
    Ok(Some(succeed(command)?.trim().to_owned()))
}

/// A script of Python, with a package of PyPI.
fn python(place: &Place, packages: &Packages, package: &str, module: &str, text: &str) -> Outcome {
    match packages.python(package, module)? {
        Some(python) => script(place, &mut Command::new(python), &format!("use_{module}.py"), text),
        None => Ok(None),
    }
}

pub(super) fn clamd(place: &Place, packages: &Packages) -> Outcome {
    python(place, packages, "clamd", "clamd", include_str!("scripts/use_clamd.py"))
}

pub(super) fn clamav_client(place: &Place, packages: &Packages) -> Outcome {
    python(place, packages, "clamav-client", "clamav_client", include_str!("scripts/use_clamav_client.py"))
}

pub(super) fn aioclamd(place: &Place, packages: &Packages) -> Outcome {
    python(place, packages, "aioclamd", "aioclamd", include_str!("scripts/use_aioclamd.py"))
}

pub(super) fn pyclamd(place: &Place, packages: &Packages) -> Outcome {
    python(place, packages, "pyClamd", "pyclamd", include_str!("scripts/use_pyclamd.py"))
}

pub(super) fn debian_pyclamd(place: &Place, packages: &Packages) -> Outcome {
    let modules = "usr/lib/python3/dist-packages";
    let Some(root) = packages.debian(&["python3-pyclamd"], &format!("{modules}/pyclamd/__init__.py"))? else {
        return Ok(None);
    };
    let mut command = Command::new("/usr/bin/python3");
    command.env("PYTHONPATH", root.join(modules));
    script(place, &mut command, "use_pyclamd.py", include_str!("scripts/use_pyclamd.py"))
}

pub(super) fn perl(place: &Place, packages: &Packages) -> Outcome {
    let Some(root) = packages.debian(&["libclamav-client-perl"], "usr/share/perl5/ClamAV/Client.pm")? else {
        return Ok(None);
    };
    let mut command = Command::new("perl");
    command.env("PERL5LIB", root.join("usr/share/perl5"));
    script(place, &mut command, "client.pl", include_str!("scripts/client.pl"))
}

/// A script of Node, with a package of npm.
fn node(place: &Place, packages: &Packages, package: &str, text: &str) -> Outcome {
    match packages.node(package, None)? {
        Some(modules) => {
            let mut command = Command::new("node");
            command.env("NODE_PATH", Path::new(&modules));
            script(place, &mut command, &format!("{package}.js"), text)
        }
        None => Ok(None),
    }
}

pub(super) fn node_clamscan(place: &Place, packages: &Packages) -> Outcome {
    node(place, packages, "clamscan", include_str!("scripts/clamscan.js"))
}

pub(super) fn clamdjs(place: &Place, packages: &Packages) -> Outcome {
    node(place, packages, "clamdjs", include_str!("scripts/clamdjs.js"))
}

/// npm's `pompelmi` was said to speak clamd. It does not, and there is nothing to be tried; should it do so one day, this fails.
pub(super) fn pompelmi(_: &Place, packages: &Packages) -> Outcome {
    let Some(modules) = packages.node("pompelmi", None)? else { return Ok(None) };
    let mut search = Command::new("grep");
    let (code, found, why) =
        said(search.args(["-rlE", "INSTREAM|zPING|nPING|3310"]).arg(modules.join("pompelmi/dist")))?;
    ensure!(code == 1, "it speaks clamd now, and is to be tried: {found}{why}");
    Ok(Some(String::from("scans by itself: nothing in it speaks clamd's protocol")))
}
