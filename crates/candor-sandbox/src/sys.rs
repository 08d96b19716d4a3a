//! The calls to the kernel that need `unsafe`, each behind a function that is safe to call; nothing
//! else of this crate is unsafe. What rustix offers safely is called from where it is needed.
#![expect(unsafe_code, reason = "processes, filters and mappings have no safe interface")]

use std::ffi::c_void;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use candor_model::Interrupt;

use crate::policy::Instruction;

/// Where the channel of a worker is. [`place`] puts it there, the filter of system calls names it.
pub(crate) const CHANNEL: RawFd = 3;

fn result(returned: libc::c_long) -> io::Result<libc::c_long> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(returned) }
}

/// Copies the process. `None` in the copy, its number in the one that called.
///
/// Of several threads only the calling one goes on in the copy, so the others must hold no lock that the
/// copy needs. The C library sees to its own; the callers of [`Sandbox::start`](crate::Sandbox::start)
/// start before their other threads do.
pub(crate) fn fork() -> io::Result<Option<i32>> {
    // SAFETY: the copy runs only code of this crate and the work that it was given, with the memory as
    // it was; see above for locks.
    let process = unsafe { libc::fork() };
    result(process.into())?;
    Ok((process != 0).then_some(process))
}

/// As [`fork`], for a process of one thread, with more flags of clone(2) (new namespaces).
pub(crate) fn fork_into(flags: i32) -> io::Result<Option<i32>> {
    let none: *const c_void = std::ptr::null();
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with no stack of its own the new process has a copy of the memory, as
    // after fork(2). The template has one thread, so no lock is held by another.
    let process = result(unsafe { libc::syscall(libc::SYS_clone, flags, none, none, none, none) })?;
    Ok(i32::try_from(process).ok().filter(|process| *process != 0))
}

/// Ends the process at once: nothing that the process it was copied from wanted to happen at its end
/// (buffers to be written, files to be removed) happens here.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: it does not return and needs nothing.
    unsafe { libc::_exit(code) }
}

/// Moves this thread into new namespaces.
pub(crate) fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: only namespaces are asked for; memory and descriptors stay what they are.
    result(unsafe { libc::unshare(flags) }.into()).map(drop)
}

/// Clears flags that an earlier program may have left, such as the one that makes all memory executable.
pub(crate) fn plain_personality() -> io::Result<()> {
    // SAFETY: it changes how later mappings are made, none that exists.
    result(unsafe { libc::personality(0) }.into()).map(drop)
}

/// Makes `descriptor` the one with this number, and lets it survive nothing but a copy of the process.
pub(crate) fn place(descriptor: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    // SAFETY: the numbers that are overwritten belong to nobody in this process: it is a copy that owns
    // the standard streams and its channel only, and closes all others.
    result(unsafe { libc::dup2(descriptor.as_raw_fd(), number) }.into()).map(drop)
}

/// The descriptor with this number, which [`place`] put there.
pub(crate) fn placed(number: RawFd) -> OwnedFd {
    // SAFETY: called once, by the worker, for its channel; nothing else in it owns that number.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Lets programs that this one starts not have the descriptor of this number: one that was inherited.
///
/// # Errors
/// There is none.
pub fn keep_from_programs(number: RawFd) -> io::Result<()> {
    // SAFETY: it sets a flag; whoever owns the descriptor can use it as before.
    result(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) }.into()).map(drop)
}

/// Closes a descriptor with that one system call. Dropping it asks another one first in debug builds.
pub fn close(descriptor: OwnedFd) {
    // SAFETY: it was owned, and nobody owns it any more.
    unsafe { libc::close(descriptor.into_raw_fd()) };
}

/// Closes all descriptors from this number on. Those who own them in this copy of the process must never
/// use or drop them; a worker ends with [`exit`], which drops nothing.
pub(crate) fn close_from(number: RawFd) -> io::Result<()> {
    let first = libc::c_long::from(number);
    let last = libc::c_long::from(u32::MAX);
    // SAFETY: see above: nobody uses them again.
    result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0_i64) }).map(drop)
}

/// Closes the descriptors of these numbers, as [`close_from`] does and under the same condition.
pub(crate) fn close_range(first: RawFd, last: RawFd) -> io::Result<()> {
    if first > last {
        return Ok(());
    }
    let (first, last) = (libc::c_long::from(first), libc::c_long::from(last));
    // SAFETY: as above: nobody uses them again.
    result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0_i64) }).map(drop)
}

/// Closes descriptors: those whose numbers follow each other, as those of files that were opened one after the other do,
/// with one call.
pub fn close_all(descriptors: &mut Vec<OwnedFd>) {
    let mut numbers: Vec<RawFd> = descriptors.drain(..).map(OwnedFd::into_raw_fd).collect();
    numbers.sort_unstable();
    for run in numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        if close_range(*first, *last).is_err() {
            for number in run {
                // SAFETY: it was owned, nobody owns it any more, and it was not closed.
                unsafe { libc::close(*number) };
            }
        }
    }
}

/// Gives every signal back to the kernel's own way of dealing with it, and blocks none.
pub(crate) fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL is no code of ours. It fails for the two that cannot be changed, which is fine.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is written before it is read.
    unsafe { libc::sigemptyset(none.as_mut_ptr()) };
    // SAFETY: the set was initialised by the call above.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()) };
}

/// Lets the kernel forget processes that this one made as soon as they end.
pub(crate) fn ignore_children() {
    // SAFETY: SIG_IGN is no code of ours.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
}

/// Makes writing beyond the limit of a file's size an error like any other.
pub(crate) fn ignore_file_size() {
    // SAFETY: SIG_IGN is no code of ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Overwrites a run of this process's own memory with zeros: the arguments and the environment, where the
/// kernel put them.
///
/// Only for addresses that /proc/self/stat names; whoever looks at them later sees empty strings.
pub(crate) fn scrub(from: usize, to: usize, name: &[u8]) {
    let length = to.saturating_sub(from);
    if from == 0 || length == 0 || length > 32 << 20 {
        return;
    }
    let start = std::ptr::with_exposed_provenance_mut::<u8>(from);
    // SAFETY: the kernel says that this is where it put them; the memory is the stack's, can be written,
    // and holds only bytes that C strings are made of.
    unsafe { std::ptr::write_bytes(start, 0, length) };
    let written = name.len().min(length.saturating_sub(1));
    // SAFETY: not longer than what was just written.
    unsafe { std::ptr::copy_nonoverlapping(name.as_ptr(), start, written) };
}

/// The rules of Landlock that the kernel knows: 0 when it knows none.
pub(crate) fn landlock_version() -> u32 {
    const VERSION: libc::c_long = 1;
    let none: *const c_void = std::ptr::null();
    // SAFETY: with this flag the call reads nothing and gives a number.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0_i64, VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// What Landlock is asked to handle; as no rule allows any of it, all of it is denied. `linux/landlock.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LandlockAttributes {
    /// Rights on files.
    pub(crate) files: u64,
    /// Rights on the network, from version 4 on.
    pub(crate) network: u64,
    /// What stays inside, from version 6 on.
    pub(crate) scoped: u64,
}

/// What Landlock is told to allow below a directory, or of a file: `linux/landlock.h`.
#[repr(C, packed)]
#[derive(Clone, Copy, Debug)]
struct LandlockBeneath {
    allowed: u64,
    parent: RawFd,
}

/// Denies this thread and those that come from it all that `attributes` name.
pub(crate) fn landlock(attributes: LandlockAttributes) -> io::Result<()> {
    landlock_beneath(attributes, &[])
}

/// As [`landlock`], except for these rights below these directories.
pub(crate) fn landlock_beneath(
    attributes: LandlockAttributes,
    rules: &[(BorrowedFd<'_>, u64)],
) -> io::Result<()> {
    let size = libc::c_long::try_from(size_of::<LandlockAttributes>()).unwrap_or(0);
    let attributes: *const LandlockAttributes = &raw const attributes;
    // SAFETY: the pointer and the size are those of a live value of the kernel's layout. A kernel that
    // knows less accepts it when what it does not know is zero.
    let ruleset =
        result(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, attributes, size, 0_i64) })?;
    let ruleset = RawFd::try_from(ruleset).map_err(|_| io::ErrorKind::InvalidData)?;
    // SAFETY: the kernel just gave it to nobody but us.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset) };
    let descriptor = libc::c_long::from(ruleset.as_raw_fd());
    for (parent, allowed) in rules {
        const PATH_BENEATH: libc::c_long = 1;
        let rule = LandlockBeneath { allowed: *allowed, parent: parent.as_raw_fd() };
        let rule: *const LandlockBeneath = &raw const rule;
        // SAFETY: the pointer is that of a live value of the kernel's layout, which it only reads.
        result(unsafe { libc::syscall(libc::SYS_landlock_add_rule, descriptor, PATH_BENEATH, rule, 0_i64) })?;
    }
    // SAFETY: it takes a descriptor and flags.
    result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, descriptor, 0_i64) }).map(drop)
}

/// Lets only the system calls through that `program` lets through; for good.
pub(crate) fn filter(program: &[Instruction]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // `Instruction` has the layout of the kernel's `sock_filter`.
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    let mode = libc::c_long::from(libc::SECCOMP_SET_MODE_FILTER);
    // A worker has no secrets of its own to protect from its own speculation; without this flag older
    // kernels slow it down by a third.
    let flags = libc::c_long::try_from(libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW).unwrap_or(0);
    // SAFETY: the kernel copies and checks the program; it only reads what it points to.
    result(unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) }).map(drop)
}

/// Whether the kernel can filter system calls, by the most severe action.
pub(crate) fn knows_filters() -> bool {
    let action: u32 = libc::SECCOMP_RET_KILL_PROCESS;
    let mode = libc::c_long::from(libc::SECCOMP_GET_ACTION_AVAIL);
    // SAFETY: it reads one number.
    unsafe { libc::syscall(libc::SYS_seccomp, mode, 0_i64, &raw const action) == 0 }
}

/// The processor time that a process has used, as far as one may know.
pub(crate) fn processor_time(process: i32) -> Option<Duration> {
    // Clocks of processes are numbered so by the kernel; see `CPUCLOCK_SCHED` in its sources.
    let clock = (!process).wrapping_shl(3) | 2;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to a live value.
    result(unsafe { libc::clock_gettime(clock, &raw mut time) }.into()).ok()?;
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// Milliseconds since the machine started.
pub(crate) fn milliseconds() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to a live value.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0))
}

/// The flag that the timer of a worker raises, and when the file that it is for has had its time, in
/// [`milliseconds`]; 0 for never.
static FLAG: OnceLock<Interrupt> = OnceLock::new();
static DUE: AtomicU64 = AtomicU64::new(0);

/// Looks at the clock every so much processor time, and raises the flag that it returns when the time
/// that [`due`] sets is over. An idle worker is left alone. Once a process.
pub(crate) fn start_timer(period: Duration) -> io::Result<&'static Interrupt> {
    let flag = FLAG.get_or_init(Interrupt::new);
    let handler: extern "C" fn(libc::c_int) = tick;
    // SAFETY: all-zero is a value of this plain struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler only does what may be done in one: it reads a clock and uses atomics.
    result(unsafe { libc::sigaction(libc::SIGPROF, &raw const action, std::ptr::null_mut()) }.into())?;
    let period = libc::timeval {
        tv_sec: period.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_usec: period.subsec_micros().into(),
    };
    let timer = libc::itimerval { it_interval: period, it_value: period };
    // SAFETY: it reads a live value.
    result(unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, std::ptr::null_mut()) }.into())?;
    Ok(flag)
}

/// Sets when the current file has had its time; 0 for never.
pub(crate) fn due(milliseconds: u64) {
    DUE.store(milliseconds, Ordering::Relaxed);
}

extern "C" fn tick(_: libc::c_int) {
    let due = DUE.load(Ordering::Relaxed);
    if due != 0
        && milliseconds() >= due
        && let Some(flag) = FLAG.get()
    {
        flag.time_out();
    }
}

/// A file in memory, as it stands on disk.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

impl Mapping {
    /// Maps the first `length` bytes of a file read-only.
    ///
    /// The bytes can change while they are looked at, and when the file is cut short, looking at them ends
    /// the process. Both must cost no more than the process: only a worker maps files.
    pub(crate) fn new(file: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        // SAFETY: the kernel chooses a place that nothing else uses.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_NORESERVE,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start: NonNull<u8> = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: it is the mapping that was just made. That it may fail does no harm.
        unsafe { libc::madvise(start.as_ptr().cast(), length, libc::MADV_SEQUENTIAL) };
        Ok(Self { start, length })
    }

    /// Lets go of the pages that were looked at: the file has them, and they come back when they are looked at again.
    pub(crate) fn let_go(&self) {
        // SAFETY: the mapping is ours, that long, and cannot be written to, so nothing is lost.
        unsafe { libc::madvise(self.start.as_ptr().cast(), self.length, libc::MADV_DONTNEED) };
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping is that long and lives as long as `self`. Its bytes may be changed by
        // whoever may write to the file; see `new` for why that is borne.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody holds a part of it: that would need a borrow of `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// An argument of a call that [`attempt`] makes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument<'a> {
    /// A number; never an address.
    Number(i64),
    /// The address of a text.
    Text(&'a std::ffi::CStr),
    /// The address of bytes that the kernel reads.
    Bytes(&'a [u8]),
}

/// Asks the kernel for something that it should refuse. Only for workers whose task is to be refused: what
/// would come of it if it were not does not matter, as the process ends afterwards.
pub(crate) fn attempt(number: libc::c_long, arguments: [Argument<'_>; 6]) -> Result<i64, i32> {
    let [a, b, c, d, e, f] = arguments.map(|argument| match argument {
        Argument::Number(number) => number,
        Argument::Text(text) => text.as_ptr().expose_provenance().cast_signed() as i64,
        Argument::Bytes(bytes) => bytes.as_ptr().expose_provenance().cast_signed() as i64,
    });
    // SAFETY: addresses are those of live values that the calls made here only read, and every call here
    // is given their true length.
    let returned = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if returned < 0 { Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(returned) }
}

/// Makes a new process as [`attempt`] does; the new one ends at once.
pub(crate) fn attempt_process(number: libc::c_long, arguments: [Argument<'_>; 6]) -> Result<i64, i32> {
    let made = attempt(number, arguments)?;
    if made == 0 {
        exit(0);
    }
    Ok(made)
}

/// What an attacker has who controls a process: all of its memory, and every system call. Part of no release;
/// see `exploit.rs`.
#[cfg(feature = "exploitable")]
pub(crate) mod hole {
    use std::ffi::c_void;

    /// Memory that stays where it is; its address.
    pub(crate) fn keep(bytes: Vec<u8>) -> i64 {
        bytes.leak().as_mut_ptr().expose_provenance().cast_signed() as i64
    }

    fn place(address: i64) -> *mut u8 {
        std::ptr::with_exposed_provenance_mut(usize::try_from(address.cast_unsigned()).unwrap_or(0))
    }

    /// A byte of memory.
    pub(crate) fn peek(address: i64) -> u8 {
        // SAFETY: there is none, on purpose: only the worker of a test does this, and it may die.
        unsafe { place(address).read_volatile() }
    }

    /// Writes a byte to memory.
    pub(crate) fn poke(address: i64, byte: u8) {
        // SAFETY: there is none, on purpose; as above.
        unsafe { place(address).write_volatile(byte) };
    }

    /// Makes a system call; an error comes back as a negative number.
    pub(crate) fn system_call(number: i64, [a, b, c, d, e, f]: [i64; 6]) -> i64 {
        // SAFETY: there is none, on purpose; as above.
        let returned = unsafe { libc::syscall(number, a, b, c, d, e, f) };
        let error = || std::io::Error::last_os_error().raw_os_error().unwrap_or(1);
        if returned < 0 { i64::from(error()).wrapping_neg() } else { returned }
    }

    /// Goes on at an address.
    pub(crate) fn jump(address: i64) -> i64 {
        let address: *mut c_void = place(address).cast();
        // SAFETY: there is none, on purpose; as above.
        let code: extern "C" fn() -> i64 = unsafe { std::mem::transmute(address) };
        code()
    }
}
