//! A stage of an update in a process of its own: it may read what one directory holds and write to another, and has no
//! network, no programs and nothing else of the file system.
//!
//! Unlike a worker it works with paths, for what it makes is directories of files. The kernel keeps it to its rooms: Landlock
//! knows the paths, the filter knows the calls, and the network is empty where that may be had.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Signal, WaitOptions};

use crate::channel;
use crate::confine;
use crate::jail::close_streams;
use crate::policy::{self, Call, Only, call};
use crate::sys;
use crate::template::Ended;

/// What a stage may reach.
#[derive(Clone, Copy, Debug)]
pub struct Rooms<'a> {
    /// Files and directories that it may read.
    pub reads: &'a [&'a Path],
    /// Directories below which it may make, change and remove files and directories.
    pub writes: &'a [&'a Path],
}

/// Why a stage has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// The kernel cannot keep it to its rooms.
    #[error("a stage of an update cannot be confined here: {0}")]
    NotConfined(String),
    /// It failed, or was ended for asking for what it must not.
    #[error("the process of this stage {0}")]
    Ended(Ended),
    /// It took too long.
    #[error("the process of this stage did not come back in time")]
    Slow,
    /// It said more than it may.
    #[error("the process of this stage said too much")]
    TooLong,
    /// The system failed.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Bytes that a stage may answer.
const LONGEST: usize = 64 << 20;

/// Bytes of memory that it may have.
const MEMORY: u64 = 4 << 30;

/// What comes before the answer of a stage that is confined, and before the reason why one is not.
const CONFINED: u8 = 1;
const NOT_CONFINED: u8 = 0;

/// Rights on files: `linux/landlock.h`.
const READ_FILE: u64 = 1 << 2;
const READ_DIRECTORY: u64 = 1 << 3;
const CHANGE: u64 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8;
const TRUNCATE: u64 = 1 << 14;

/// What a stage may ask the kernel for: files by path, in the rooms that Landlock leaves it. There is no socket in it, no
/// process, no program, no other user, and no way to make memory executable.
static CALLS: [Call; 42] = [
    call("read", (0, 63), Only::Any, "the bytes of a file"),
    call("write", (1, 64), Only::Any, "the bytes of a file that is made; the answer"),
    call("close", (3, 57), Only::Any, "a file that is done"),
    call("fstat", (5, 80), Only::Any, "what a file is, and how long"),
    call("lseek", (8, 62), Only::Any, "where in a file to go on"),
    call("pread64", (17, 67), Only::Any, "the bytes of a part of a file"),
    call("mmap", (9, 222), Only::NotExecutable, "memory"),
    call("munmap", (11, 215), Only::Any, "gives memory back"),
    call("brk", (12, 214), Only::Any, "memory"),
    call("mremap", (25, 216), Only::Any, "memory that grows"),
    call("madvise", (28, 233), Only::Any, "gives memory back"),
    call("mprotect", (10, 226), Only::NotExecutable, "how the C library grows its memory"),
    call("openat", (257, 56), Only::Any, "a file or a directory of its rooms"),
    call("newfstatat", (262, 79), Only::Any, "what a file is, where statx is not known"),
    call("statx", (332, 291), Only::Any, "what a file is, and how long"),
    call("stat", (4, 79), Only::Any, "the same, as the C library may ask for it"),
    call("lstat", (6, 79), Only::Any, "the same, of a link itself"),
    call("getdents64", (217, 61), Only::Any, "the names in a directory"),
    call("readlink", (89, 78), Only::Any, "where a link leads, so that it can be refused"),
    call("readlinkat", (267, 78), Only::Any, "the same"),
    call("mkdir", (83, 34), Only::Any, "a directory for members"),
    call("mkdirat", (258, 34), Only::Any, "the same"),
    call("link", (86, 37), Only::Any, "a second name for a member that did not change"),
    call("linkat", (265, 37), Only::Any, "the same"),
    call("rename", (82, 38), Only::Any, "gives a file that is complete its name"),
    call("renameat", (264, 38), Only::Any, "the same"),
    call("renameat2", (316, 276), Only::Any, "the same"),
    call("unlink", (87, 35), Only::Any, "removes what could not be completed"),
    call("unlinkat", (263, 35), Only::Any, "the same"),
    call("rmdir", (84, 35), Only::Any, "the same, of a directory"),
    call("ftruncate", (77, 46), Only::Any, "cuts off what was written by half"),
    call("fsync", (74, 82), Only::Any, "makes durable what was written"),
    call("fdatasync", (75, 83), Only::Any, "the same"),
    call("fcntl", (72, 25), Only::Any, "the run-time looks whether a descriptor is its own"),
    call(
        "clock_gettime",
        (228, 113),
        Only::Any,
        "the time, where the kernel does not give it without a call",
    ),
    call("getrandom", (318, 278), Only::Any, "keys of hash tables"),
    call("futex", (202, 98), Only::Any, "locks of the run-time"),
    call("sigaltstack", (131, 132), Only::Any, "the run-time's stack for its last words"),
    call("rt_sigaction", (13, 134), Only::Any, "the same"),
    call("rt_sigprocmask", (14, 135), Only::Any, "the same"),
    call("rt_sigreturn", (15, 139), Only::Any, "goes on after a signal"),
    call("exit_group", (231, 94), Only::Any, "the end"),
];

/// The calls that a stage may make.
#[must_use]
pub fn calls() -> &'static [Call] {
    &CALLS
}

/// Does `work` in a copy of this process that can reach nothing but its rooms, and gives what it says.
///
/// To be called while this program has one thread, or at least none that holds a lock which `work` needs.
///
/// # Errors
/// It cannot be confined, does what it must not, or does not come back within `time`.
pub fn stage(
    rooms: &Rooms<'_>,
    time: Duration,
    work: impl FnOnce() -> Vec<u8>,
) -> Result<Vec<u8>, StageError> {
    let (mut ours, theirs) = io::pipe()?;
    let Some(process) = sys::fork()? else {
        drop(ours);
        let said = catch_unwind(AssertUnwindSafe(|| run(theirs, rooms, work)));
        sys::exit(i32::from(!matches!(said, Ok(Ok(())))));
    };
    drop(theirs);
    let answer = listen(&mut ours, time);
    let process = Pid::from_raw(process);
    if answer.is_err()
        && let Some(process) = process
    {
        // Not collected yet, so the number is still its own.
        let _ = rustix::process::kill_process(process, Signal::KILL);
    }
    let ended = match rustix::process::waitpid(process, WaitOptions::empty()) {
        Ok(Some((_, status))) => match (status.exit_status(), status.terminating_signal()) {
            (Some(status), _) => Ended::Exited(status),
            (_, Some(signal)) => Ended::Signalled(signal),
            _ => Ended::Unknown,
        },
        _ => Ended::Unknown,
    };
    let answer = answer?;
    match answer.split_first() {
        Some((&NOT_CONFINED, reason)) => {
            Err(StageError::NotConfined(String::from_utf8_lossy(reason).into_owned()))
        }
        Some((&CONFINED, said)) if ended == Ended::Exited(0) => Ok(said.to_vec()),
        _ => Err(StageError::Ended(ended)),
    }
}

/// Takes what the stage says until it hangs up.
fn listen(pipe: &mut io::PipeReader, time: Duration) -> Result<Vec<u8>, StageError> {
    let began = Instant::now();
    let mut answer = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() || !channel::wait_for(pipe.as_fd(), left)? {
            return Err(StageError::Slow);
        }
        let read = pipe.read(&mut buffer)?;
        if read == 0 {
            return Ok(answer);
        }
        answer.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if answer.len() > LONGEST {
            return Err(StageError::TooLong);
        }
    }
}

/// In the copy.
fn run(pipe: io::PipeWriter, rooms: &Rooms<'_>, work: impl FnOnce() -> Vec<u8>) -> io::Result<()> {
    let confined = confine(pipe, rooms);
    let (mut pipe, result) = match confined {
        Ok(pipe) => (pipe, Ok(())),
        Err((pipe, error)) => (pipe, Err(error)),
    };
    match result {
        Ok(()) => {
            pipe.write_all(&[CONFINED])?;
            pipe.write_all(&work())
        }
        Err(error) => {
            pipe.write_all(&[NOT_CONFINED])?;
            pipe.write_all(error.to_string().as_bytes())
        }
    }
}

/// Locks the process up; gives the pipe back, which is all that it has left.
fn confine(pipe: io::PipeWriter, rooms: &Rooms<'_>) -> Result<io::PipeWriter, (io::PipeWriter, io::Error)> {
    match lock_up(&pipe, rooms) {
        Ok(()) => Ok(pipe),
        Err(error) => Err((pipe, error)),
    }
}

fn lock_up(pipe: &io::PipeWriter, rooms: &Rooms<'_>) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    sys::reset_signals();
    sys::ignore_file_size();
    sys::plain_personality()?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Outside of its rooms all that Landlock knows is denied.
    let denied = confine::landlock_rights(confine::SERVE_AND_CONNECT)
        .map_err(|_| io::Error::other("this kernel has no Landlock"))?;
    let rules = landlock_rules(rooms, denied.files)?;
    close_streams()?;
    // All descriptors but the pipe and those of the rules, which are closed once they are used.
    let mut keep: Vec<i32> = rules.iter().map(|(room, _)| room.as_raw_fd()).collect();
    keep.push(pipe.as_raw_fd());
    close_all_but(&keep)?;
    rustix::thread::set_name(c"candor-stage")?;
    rustix::thread::set_no_new_privs(true)?;
    // Where there may be one, a network with nothing in it; otherwise the filter alone denies it.
    if sys::unshare(libc::CLONE_NEWNET).is_err() {
        let _ = sys::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET);
    }
    confine::drop_capabilities()?;
    confine::limit(&[(Resource::Data, MEMORY), (Resource::Nproc, 0), (Resource::Core, 0)])?;
    let borrowed: Vec<_> = rules.iter().map(|(room, rights)| (room.as_fd(), *rights)).collect();
    sys::landlock_beneath(denied, &borrowed)?;
    drop(borrowed);
    drop(rules);
    let program = policy::program(&CALLS).ok_or(io::ErrorKind::Unsupported)?;
    sys::filter(&program)
}

/// What it keeps of these rights on files, each room with its own.
fn landlock_rules(rooms: &Rooms<'_>, denied: u64) -> io::Result<Vec<(std::os::fd::OwnedFd, u64)>> {
    let open = |path: &Path| {
        rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| io::Error::other(format!("{}: {}", path.display(), io::Error::from(error))))
    };
    let mut rules = Vec::new();
    for path in rooms.reads {
        let room = open(path)?;
        // Of a file, rights that only directories can have would be refused.
        let status = rustix::fs::fstat(&room)?;
        let is_directory = rustix::fs::FileType::from_raw_mode(status.st_mode).is_dir();
        rules.push((room, if is_directory { READ_FILE | READ_DIRECTORY } else { READ_FILE }));
    }
    for path in rooms.writes {
        rules.push((open(path)?, (READ_FILE | READ_DIRECTORY | CHANGE | TRUNCATE) & denied));
    }
    Ok(rules)
}

/// Closes all descriptors from 3 on that are not among these. Nobody in this copy uses them again.
fn close_all_but(keep: &[i32]) -> io::Result<()> {
    let mut keep = keep.to_vec();
    keep.sort_unstable();
    let mut first = 3;
    for number in keep {
        sys::close_range(first, number.saturating_sub(1))?;
        first = number.saturating_add(1);
    }
    sys::close_from(first)
}

#[cfg(test)]
mod tests {
    use super::CALLS;

    /// Calls that lead to somebody else, or to another program, or out of the jail.
    const NEVER: [&str; 14] = [
        "socket", "connect", "bind", "sendto", "sendmsg", "execve", "execveat", "clone", "clone3", "fork",
        "ptrace", "mount", "setuid", "ioctl",
    ];

    #[test]
    fn the_table_says_why_and_names_nothing_that_leads_out() {
        for call in &CALLS {
            assert!(call.reason.len() > 5, "{}", call.name);
            assert!(!NEVER.contains(&call.name), "{}", call.name);
            assert_eq!(CALLS.iter().filter(|other| other.name == call.name).count(), 1, "{}", call.name);
        }
    }
}
