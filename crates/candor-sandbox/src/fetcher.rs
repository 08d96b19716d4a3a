//! The jail of the one program that opens connections. It reads no files and writes none but those that it opened
//! before: there is no call in its table that takes a path. It starts no program and no process, sees no other, and
//! speaks to nobody but by the internet's own protocols.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Signal};

use crate::confine;
use crate::jail::become_nobody;
use crate::layers::{Layer, Layers};
use crate::policy::{self, Call, Only, call};
use crate::sys;

/// `AF_INET` and `AF_INET6`.
const INTERNET: &[u32] = &[2, 10];
/// `F_GETFD`: asked before a descriptor is closed, in builds with debug assertions. `F_GETFL` and `F_SETFL`: whether a
/// socket waits.
const ASK: &[u32] = &[1, 3, 4];
/// `FIONBIO`: whether a socket waits.
const WAITING: &[u32] = &[0x5421];

/// What the fetcher may ask for once it is in its jail.
static FETCH: [Call; 33] = [
    call("read", (0, 63), Only::Any, "what a server says; the rest of the job"),
    call("write", (1, 64), Only::Any, "what a server is asked; files of the spool; answers"),
    call("writev", (20, 66), Only::Any, "as write, of several pieces"),
    call("close", (3, 57), Only::Any, "a connection or a file that is done"),
    call(
        "socket",
        (41, 198),
        Only::Families(INTERNET),
        "a connection; no other family than the internet's two",
    ),
    call("connect", (42, 203), Only::Any, "to a server"),
    call("bind", (49, 200), Only::Any, "a port for questions about names"),
    call("sendto", (44, 206), Only::Any, "a question about a name; what a server is asked"),
    call("recvfrom", (45, 207), Only::Any, "its answer"),
    call("shutdown", (48, 210), Only::Any, "the end of a connection"),
    call("setsockopt", (54, 208), Only::Any, "how long is waited"),
    call("getsockopt", (55, 209), Only::Any, "whether a connection stands"),
    call("getsockname", (51, 204), Only::Any, "its own address"),
    call("getpeername", (52, 205), Only::Any, "the address of a server"),
    call("poll", (7, 73), Only::Any, "waits for a connection"),
    call("ppoll", (271, 73), Only::Any, "waits for a connection"),
    call("ioctl", (16, 29), Only::Commands(WAITING), "whether a socket waits, and nothing else"),
    call("fcntl", (72, 25), Only::Commands(ASK), "flags of a descriptor, and nothing else"),
    call("lseek", (8, 62), Only::Any, "back to the start of a file of the spool"),
    call("mmap", (9, 222), Only::NotExecutable, "memory"),
    call("munmap", (11, 215), Only::Any, "gives memory back"),
    call("brk", (12, 214), Only::Any, "memory"),
    call("mremap", (25, 216), Only::Any, "memory that grows"),
    call("madvise", (28, 233), Only::Any, "gives memory back"),
    call("mprotect", (10, 226), Only::NotExecutable, "how the C library grows its memory"),
    call("futex", (202, 98), Only::Any, "locks of the run-time"),
    call("clock_gettime", (228, 113), Only::Any, "how long it took; whether a certificate is of this time"),
    call("getrandom", (318, 278), Only::Any, "keys of a connection; numbers of questions"),
    call("rt_sigreturn", (15, 139), Only::Any, "goes on after a signal"),
    call("restart_syscall", (219, 128), Only::Any, "waits on after it was stopped"),
    call("sigaltstack", (131, 132), Only::Any, "gives the stack for signals back at the end"),
    call("exit", (60, 93), Only::Any, "the end of a thread"),
    call("exit_group", (231, 94), Only::Any, "the end"),
];

/// What a fetcher may ask of the kernel, each with its reason.
#[must_use]
pub fn fetcher_calls() -> &'static [Call] {
    &FETCH
}

/// Closes all descriptors but the standard streams: those that whoever started this program left open by mistake.
/// To be called first of all, while nobody owns any.
///
/// # Errors
/// The kernel cannot do it.
pub fn close_inherited() -> io::Result<()> {
    sys::close_from(3)
}

/// Closes the jail around this process, which has one thread. `largest` is the most bytes that a file may have, `memory` what
/// the process may have for itself.
///
/// # Errors
/// A layer that there must be is not to be had. Nothing may be fetched then.
pub fn confine_fetcher(largest: u64, memory: u64) -> io::Result<Layers> {
    let mut layers = Layers::NONE;
    // It ends with whoever wants something of it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    sys::plain_personality()?;
    layers.note(Layer::NoNewPrivileges, &rustix::thread::set_no_new_privs(true));
    if rustix::process::geteuid().is_root() {
        layers.note(Layer::OtherUser, &become_nobody());
        // The kernel forgets it when the user changes.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    confine::drop_bounding_set();
    layers.note(Layer::NoCapabilities, &confine::drop_capabilities());
    layers.note(Layer::Limits, &limit(largest, memory));
    layers.note(Layer::NotDumpable, &rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable));
    layers.note(Layer::Landlock, &deny_files());
    let program = policy::program(&FETCH).ok_or(io::ErrorKind::Unsupported)?;
    layers.note(Layer::Filter, &sys::filter(&program));
    let needed = [Layer::NoNewPrivileges, Layer::NoCapabilities, Layer::Limits, Layer::Filter];
    if needed.into_iter().all(|layer| layers.has(layer)) {
        Ok(layers)
    } else {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// All access by path, as far as this kernel's Landlock can deny it, and being a server.
fn deny_files() -> io::Result<()> {
    sys::landlock(confine::landlock_rights(confine::SERVE)?)
}

fn limit(largest: u64, memory: u64) -> io::Result<()> {
    confine::limit(&[
        (Resource::Data, memory),
        (Resource::Fsize, largest),
        (Resource::Nofile, 256),
        (Resource::Nproc, 0),
        (Resource::Core, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ])
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use rustix::process::{Pid, WaitOptions};

    use super::*;
    use crate::sys::Argument::{Number, Text};

    #[derive(Debug, PartialEq, Eq)]
    enum End {
        Exit(i32),
        Signal(i32),
    }

    /// What becomes of a process in the jail that does this.
    fn jailed(act: impl FnOnce() -> i32) -> End {
        let Some(child) = sys::fork().unwrap() else {
            let code = if confine_fetcher(1 << 20, 1 << 30).is_ok() { act() } else { 99 };
            sys::exit(code);
        };
        let (_, status) =
            rustix::process::waitpid(Pid::from_raw(child), WaitOptions::empty()).unwrap().unwrap();
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => End::Exit(code),
            (None, signal) => End::Signal(signal.unwrap_or(0)),
        }
    }

    fn call(number: libc::c_long, arguments: [sys::Argument<'_>; 6]) -> i32 {
        sys::attempt(number, arguments).map_or_else(|error| error, |_| 0)
    }

    fn open(path: &CStr, flags: i32) -> End {
        let none = Number(0);
        jailed(|| {
            let here = Number(libc::AT_FDCWD.into());
            call(libc::SYS_openat, [here, Text(path), Number(flags.into()), Number(0o600), none, none])
        })
    }

    #[test]
    fn a_fetcher_can_open_nothing_and_start_nothing() {
        let none = Number(0);
        let killed = End::Signal(libc::SIGSYS);
        assert_eq!(open(c"/etc/passwd", libc::O_RDONLY), killed);
        assert_eq!(open(c"here", libc::O_WRONLY | libc::O_CREAT), killed);
        let path = Text(c"/bin/true");
        for (name, number, arguments) in [
            ("execve", libc::SYS_execve, [path, none, none, none, none, none]),
            ("clone", libc::SYS_clone, [Number(17), none, none, none, none, none]),
            ("ptrace", libc::SYS_ptrace, [none; 6]),
            ("kill", libc::SYS_kill, [Number(1), none, none, none, none, none]),
            ("unlinkat", libc::SYS_unlinkat, [Number(-100), path, none, none, none, none]),
            ("truncate", libc::SYS_truncate, [path, none, none, none, none, none]),
            ("listen", libc::SYS_listen, [Number(3), Number(1), none, none, none, none]),
            ("unix socket", libc::SYS_socket, [Number(1), Number(1), none, none, none, none]),
            ("netlink socket", libc::SYS_socket, [Number(16), Number(3), none, none, none, none]),
            ("packet socket", libc::SYS_socket, [Number(17), Number(3), none, none, none, none]),
            (
                "executable memory",
                libc::SYS_mmap,
                [none, Number(4096), Number(7), Number(0x22), Number(-1), none],
            ),
            ("terminal", libc::SYS_ioctl, [none, Number(0x5412), none, none, none, none]),
            ("descriptor", libc::SYS_fcntl, [none, Number(0), none, none, none, none]),
        ] {
            assert_eq!(jailed(|| call(number, arguments)), killed, "{name}");
        }
    }

    #[test]
    fn a_fetcher_can_do_what_it_is_for() {
        let none = Number(0);
        for family in [2, 10] {
            let arguments = [Number(family), Number(1), none, none, none, none];
            // A machine without one of the families says so: 97.
            assert!(matches!(jailed(|| call(libc::SYS_socket, arguments)), End::Exit(0 | 97)));
        }
        let file = tempfile::tempfile().unwrap();
        let write = |length: usize| {
            jailed(|| {
                use std::io::Write as _;
                let bytes = vec![b'x'; length];
                match (&file).write_all(&bytes) {
                    Ok(()) => 0,
                    Err(_) => 1,
                }
            })
        };
        assert_eq!(write(1000), End::Exit(0));
        // A file cannot become larger than what it may.
        assert_ne!(write(2 << 20), End::Exit(0));
    }

    #[test]
    fn the_table_says_why_and_names_nothing_twice() {
        assert!(FETCH.iter().all(|call| call.reason.len() > 5));
        let mut names: Vec<_> = FETCH.iter().map(|call| call.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FETCH.len());
    }
}
