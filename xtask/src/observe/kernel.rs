//! A filter that tells another process of the calls by which somebody comes to a network, and lets them go on: `seccomp(2)`,
//! `SECCOMP_RET_USER_NOTIF`. All processes that this one starts have it and cannot take it off; all other calls cost nothing.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context as _, bail};

/// A call that somebody waits in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    id: u64,
    /// The process or thread.
    pub(super) process: u32,
    /// The number of the call; none, when it was not made as this machine's programs make calls.
    pub(super) number: Option<i64>,
    /// Its arguments.
    pub(super) arguments: [u64; 6],
}

/// The end at which calls are told.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// A bit in the number of a call of the x32 form, which filters by number would miss.
const X32: u32 = 0x4000_0000;
/// `TCP_FASTOPEN`'s flag: a message that connects.
const FAST_OPEN: u32 = 0x2000_0000;

/// Offsets in what a filter is shown: the number, the architecture, the lower halves of the arguments.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
const TELL: u32 = libc::SECCOMP_RET_USER_NOTIF;

const fn step(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// What is told: sockets and pairs that are not of this machine alone, every `connect` and `bind`, messages that connect, rings (which
/// do all of these without a call), and what is not called as this machine's programs call.
fn program() -> Vec<libc::sock_filter> {
    let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let local = u32::try_from(libc::AF_UNIX).unwrap_or(u32::MAX);
    let mut program = vec![
        step(LOAD, ARCH, 0, 0),
        step(EQUAL, ARCHITECTURE, 1, 0),
        step(RETURN, TELL, 0, 0),
        step(LOAD, NUMBER, 0, 0),
        step(ANY_BIT, X32, 0, 1),
        step(RETURN, TELL, 0, 0),
    ];
    for call in [libc::SYS_connect, libc::SYS_bind, libc::SYS_io_uring_setup] {
        program.extend([step(EQUAL, number(call), 0, 1), step(RETURN, TELL, 0, 0)]);
    }
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        program.extend([
            step(EQUAL, number(call), 0, 4),
            step(LOAD, argument(0), 0, 0),
            step(EQUAL, local, 0, 1),
            step(RETURN, ALLOW, 0, 0),
            step(RETURN, TELL, 0, 0),
        ]);
    }
    for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        program.extend([
            step(EQUAL, number(call), 0, 4),
            step(LOAD, argument(flags), 0, 0),
            step(ANY_BIT, FAST_OPEN, 0, 1),
            step(RETURN, TELL, 0, 0),
            step(RETURN, ALLOW, 0, 0),
        ]);
    }
    program.push(step(RETURN, ALLOW, 0, 0));
    program
}

impl Listener {
    /// Puts the filter on this thread, and so on all that it starts.
    ///
    /// # Errors
    /// The kernel does not have this, or somebody further out listens already.
    pub(super) fn install() -> anyhow::Result<Self> {
        let program = program();
        let length = u16::try_from(program.len())?;
        let code = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        // SAFETY: the kernel copies the program, which outlives the call, and gives a new descriptor or -1.
        let install = || unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const code) };
        let mut given = install();
        if given < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EACCES) {
            // Who has no rights over others may filter those that can gain none.
            rustix::thread::set_no_new_privs(true)?;
            given = install();
        }
        if given < 0 {
            return Err(io::Error::last_os_error()).context("the kernel lets nobody be observed");
        }
        let descriptor = i32::try_from(given)?;
        // SAFETY: it is new, and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self(descriptor))
    }

    /// Waits for the next call; none when it was given up before it could be told.
    pub(super) fn next(&self) -> anyhow::Result<Option<Call>> {
        let mut told = MaybeUninit::<libc::seccomp_notif>::zeroed();
        // SAFETY: the kernel wants zeros, and writes one value of this type.
        let done =
            unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, told.as_mut_ptr()) };
        if done < 0 {
            return match io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR | libc::ENOENT) => Ok(None),
                _ => Err(io::Error::last_os_error()).context("calls are told no more"),
            };
        }
        // SAFETY: all of its bytes were zeros before, which is a value of this type, too.
        let told = unsafe { told.assume_init() };
        let is_native = told.data.arch == ARCHITECTURE && told.data.nr.cast_unsigned() & X32 == 0;
        Ok(Some(Call {
            id: told.id,
            process: told.pid,
            number: is_native.then_some(i64::from(told.data.nr)),
            arguments: told.data.args,
        }))
    }

    /// Whether the process still waits in this call: what was read of it meanwhile is its own, then.
    pub(super) fn is_waiting(&self, call: Call) -> bool {
        let id = call.id;
        // SAFETY: the kernel reads one number.
        let done =
            unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id) };
        done == 0
    }

    /// Lets it go on as if nobody had looked.
    pub(super) fn go_on(&self, call: Call) -> anyhow::Result<()> {
        let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE)?;
        let answer = libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags };
        // SAFETY: the kernel reads one value of this type.
        let done =
            unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const answer) };
        // It may have ended meanwhile.
        if done < 0 && io::Error::last_os_error().raw_os_error() != Some(libc::ENOENT) {
            bail!("a call cannot be let go on: {}", io::Error::last_os_error());
        }
        Ok(())
    }
}
