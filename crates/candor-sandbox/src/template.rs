//! The template: a copy of the broker that holds the image and makes workers on request. It reads nothing
//! but the requests of the broker, five bytes each, and does nothing but copy and end processes.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use std::{fmt, io};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use crate::channel::Channel;
use crate::guard::rehearse;
use crate::jail::{self, Jailed, Prepared, Setup, Spawned};
use crate::sys;

/// What is asked of the template: a kind, and the number of a process where one is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Make a worker that speaks through the descriptor that comes with the request.
    Spawn,
    /// End this one and forget it.
    Discard(i32),
    /// Say how this one ended.
    Collect(i32),
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// Not to be found out.
    Unknown,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SYSTEM_CALL: i32 = libc::SIGSYS;
        match self {
            Self::Exited(status) => write!(f, "ended with status {status}"),
            Self::Signalled(SYSTEM_CALL) => f.write_str("asked the system for something that it must not"),
            Self::Signalled(signal) => write!(f, "was ended by signal {signal}"),
            Self::Unknown => f.write_str("is gone"),
        }
    }
}

/// Bytes of a request and of a reply.
pub(crate) const FRAME: usize = 5;

/// How long the end of a worker is waited for.
const PATIENCE: u32 = 200;

impl Request {
    pub(crate) fn encode(self) -> [u8; FRAME] {
        match self {
            Self::Spawn => frame(1, 0),
            Self::Discard(process) => frame(2, process),
            Self::Collect(process) => frame(3, process),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, process) = unframe(bytes)?;
        match kind {
            1 => Some(Self::Spawn),
            2 => Some(Self::Discard(process)),
            3 => Some(Self::Collect(process)),
            _ => None,
        }
    }
}

impl Ended {
    fn encode(self) -> [u8; FRAME] {
        match self {
            Self::Exited(status) => frame(1, status),
            Self::Signalled(signal) => frame(2, signal),
            Self::Unknown => frame(3, 0),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Self {
        match unframe(bytes) {
            Some((1, status)) => Self::Exited(status),
            Some((2, signal)) => Self::Signalled(signal),
            _ => Self::Unknown,
        }
    }

    fn of(status: WaitStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(status), _) => Self::Exited(status),
            (_, Some(signal)) => Self::Signalled(signal),
            _ => Self::Unknown,
        }
    }
}

pub(crate) fn frame(kind: u8, number: i32) -> [u8; FRAME] {
    let [a, b, c, d] = number.to_le_bytes();
    [kind, a, b, c, d]
}

pub(crate) fn unframe(bytes: &[u8]) -> Option<(u8, i32)> {
    let (kind, number) = bytes.split_first()?;
    Some((*kind, i32::from_le_bytes(number.try_into().ok()?)))
}

/// Serves requests until the broker hangs up. Runs in the copy; never returns.
///
/// `entrance` is that of the control group that it and its workers shall be in.
pub(crate) fn run(
    control: Channel,
    entrance: Option<File>,
    setup: &Setup,
    work: &mut dyn FnMut(Jailed),
) -> ! {
    rehearse();
    let served = catch_unwind(AssertUnwindSafe(|| serve(control, entrance, setup, work)));
    sys::exit(i32::from(!matches!(served, Ok(Ok(())))))
}

fn serve(
    control: Channel,
    entrance: Option<File>,
    setup: &Setup,
    work: &mut dyn FnMut(Jailed),
) -> io::Result<()> {
    let is_bounded = entrance.is_some_and(|entrance| {
        let entered = enter(&entrance);
        // Closed below with all others.
        std::mem::forget(entrance);
        entered.is_ok()
    });
    let control = {
        jail::close_streams()?;
        sys::place(std::os::fd::AsFd::as_fd(&control), sys::CHANNEL)?;
        std::mem::forget(control);
        sys::close_from(sys::CHANNEL.saturating_add(1))?;
        Channel::from_descriptor(sys::placed(sys::CHANNEL))
    };
    rustix::thread::set_name(c"candor-template")?;
    let prepared = jail::prepare(setup, is_bounded)?;
    let mut template = Template { control, setup, prepared, workers: Vec::new(), dying: Vec::new() };
    let served = template.serve(work);
    template.end();
    served
}

/// Enters the group whose entrance this is.
fn enter(entrance: &File) -> io::Result<()> {
    // 0 stands for whoever writes it.
    rustix::io::write(entrance, b"0").map(drop).map_err(io::Error::from)
}

struct Template<'a> {
    control: Channel,
    setup: &'a Setup,
    prepared: Prepared,
    /// Those that live.
    workers: Vec<i32>,
    /// Those that were ended and are not gone yet.
    dying: Vec<i32>,
}

impl Template<'_> {
    fn serve(&mut self, work: &mut dyn FnMut(Jailed)) -> io::Result<()> {
        let mut buffer = [0; FRAME];
        let mut descriptors = Vec::new();
        loop {
            while !self.dying.is_empty() && !self.control.wait(Duration::from_millis(20))? {
                self.bury();
            }
            let length = self.control.receive(&mut buffer, &mut descriptors)?;
            if length == 0 {
                return Ok(());
            }
            let request = Request::decode(buffer.get(..length).unwrap_or_default());
            let reply = match (request, descriptors.pop()) {
                (Some(Request::Spawn), Some(channel)) => match self.spawn(channel, work) {
                    Ok(process) => frame(1, process),
                    Err(error) => frame(0, error.raw_os_error().unwrap_or(0)),
                },
                (Some(Request::Discard(process)), None) => {
                    self.discard(process);
                    continue;
                }
                (Some(Request::Collect(process)), None) => self.collect(process).encode(),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            };
            self.control.send(&reply, &[], true)?;
        }
    }

    fn spawn(&mut self, channel: OwnedFd, work: &mut dyn FnMut(Jailed)) -> io::Result<i32> {
        self.bury();
        let flags = jail::clone_flags(self.setup.leave_out);
        // Where processes may have no namespace of their own, the rest of the jail must do.
        let (made, flags) = match sys::fork_into(flags) {
            Err(_) if flags != 0 => (sys::fork_into(0)?, 0),
            made => (made?, flags),
        };
        if let Some(process) = made {
            self.workers.push(process);
            return Ok(process);
        }
        let own_namespace = flags != 0;
        let (prepared, setup) = (&self.prepared, self.setup);
        let worked = catch_unwind(AssertUnwindSafe(|| {
            if let Ok(jailed) = Spawned::new(channel, prepared, own_namespace).jail(prepared, setup) {
                work(jailed);
            }
        }));
        sys::exit(i32::from(worked.is_err()));
    }

    fn discard(&mut self, process: i32) {
        // Its number cannot be another process's: only `bury` and `collect` give it back.
        if let Some(place) = self.workers.iter().position(|known| *known == process) {
            self.workers.swap_remove(place);
            if let Some(pid) = Pid::from_raw(process) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
            self.dying.push(process);
            self.bury();
        }
    }

    fn collect(&mut self, process: i32) -> Ended {
        let Some(place) = self.workers.iter().position(|known| *known == process) else {
            return Ended::Unknown;
        };
        // One that hung up its channel and goes on is up to no good.
        for attempt in 0..PATIENCE {
            if attempt == PATIENCE / 2
                && let Some(pid) = Pid::from_raw(process)
            {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
            match waited(process) {
                Waited::Ended(ended) => {
                    self.workers.swap_remove(place);
                    return ended;
                }
                Waited::Gone => break,
                Waited::Lives => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        self.workers.swap_remove(place);
        self.dying.push(process);
        Ended::Unknown
    }

    fn bury(&mut self) {
        self.dying.retain(|process| matches!(waited(*process), Waited::Lives));
    }

    /// Ends all workers.
    fn end(&mut self) {
        for process in self.workers.clone() {
            self.discard(process);
        }
        for _ in 0..PATIENCE {
            self.bury();
            if self.dying.is_empty() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

enum Waited {
    Ended(Ended),
    Lives,
    Gone,
}

fn waited(process: i32) -> Waited {
    match rustix::process::waitpid(Pid::from_raw(process), WaitOptions::NOHANG) {
        Ok(Some((_, status))) => Waited::Ended(Ended::of(status)),
        Ok(None) => Waited::Lives,
        Err(_) => Waited::Gone,
    }
}
