//! Everything that a worker must not be able to do, attempted from inside.
//!
//! Each act is one attempt in a fresh worker in the same jail that scans files. The kernel either ends the
//! worker or gives an error; anything else is a hole. The same again without the filter of system calls
//! shows what the other layers refuse by themselves.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::time::Duration;

use libc::c_long;

use crate::broker::{Sandbox, StartError, WorkerError};
use crate::jail::{Jailed, Setup};
use crate::layers::{Layer, Layers};
use crate::message::{Order, Word};
use crate::policy::Task;
use crate::sys::{self, Argument, Argument::Bytes, Argument::Number, Argument::Text};
use crate::template::Ended;

/// Something that a worker must not be able to do.
#[derive(Clone, Copy, Debug)]
pub struct Act {
    /// What it is called in output.
    pub name: &'static str,
    /// What would come of it.
    pub harm: &'static str,
    attempt: fn(&Context) -> Result<i64, i32>,
}

/// What an attempt has at hand.
#[derive(Debug)]
struct Context {
    /// A file that was handed over for reading.
    passed: i64,
    /// The process that handed it over.
    broker: i64,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The kernel ended the worker for asking.
    Ended,
    /// The kernel answered with this error.
    Error(i32),
    /// It was not refused.
    None,
    /// The worker ended in another way, so that nothing is known.
    Unknown,
}

impl Refusal {
    /// Whether it was refused.
    #[must_use]
    pub const fn is_refused(self) -> bool {
        matches!(self, Self::Ended | Self::Error(_))
    }
}

const NONE: Argument<'static> = Number(0);

/// An address of IPv4: family, port 9, 192.0.2.1 (RFC 5737: nobody's).
const ADDRESS: [u8; 16] = [2, 0, 0, 9, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0];
/// The same of the machine itself.
const LOCAL: [u8; 16] = [2, 0, 0, 9, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
/// A name without a file, as services of the desktop have.
const ABSTRACT: [u8; 10] = *b"\x01\x00\x00candord";

fn call(number: c_long, arguments: &[Argument<'_>]) -> Result<i64, i32> {
    let mut all = [NONE; 6];
    all.iter_mut().zip(arguments).for_each(|(place, argument)| *place = *argument);
    sys::attempt(number, all)
}

fn process(number: c_long, arguments: &[Argument<'_>]) -> Result<i64, i32> {
    let mut all = [NONE; 6];
    all.iter_mut().zip(arguments).for_each(|(place, argument)| *place = *argument);
    sys::attempt_process(number, all)
}

fn number(value: impl Into<i64>) -> Argument<'static> {
    Number(value.into())
}

fn open(path: &std::ffi::CStr, flags: i32) -> Result<i64, i32> {
    call(libc::SYS_openat, &[number(libc::AT_FDCWD), Text(path), number(flags)])
}

/// Makes a socket and says something to an address.
fn speak(family: i32, kind: i32, address: &[u8]) -> Result<i64, i32> {
    let socket = call(libc::SYS_socket, &[number(family), number(kind | libc::SOCK_NONBLOCK)])?;
    let length = i64::try_from(address.len()).unwrap_or(0);
    let connected = call(libc::SYS_connect, &[Number(socket), Bytes(address), Number(length)]);
    match connected {
        // Under way is not refused.
        Err(libc::EINPROGRESS) => Ok(0),
        other => other,
    }
}

/// Makes a socket of one family, of whatever kind the family has.
fn family<const FAMILY: i32>(_: &Context) -> Result<i64, i32> {
    let kinds = [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_SEQPACKET];
    let mut made = Err(libc::EAFNOSUPPORT);
    for kind in kinds {
        made = call(libc::SYS_socket, &[number(FAMILY), number(kind)]);
        if made.is_ok() {
            break;
        }
    }
    made
}

const fn act(name: &'static str, harm: &'static str, attempt: fn(&Context) -> Result<i64, i32>) -> Act {
    Act { name, harm, attempt }
}

/// All of them.
pub static ACTS: [Act; 90] = [
    act("open-file", "reads a file that it was not given", |_| open(c"/etc/passwd", libc::O_RDONLY)),
    act("open-directory", "sees what files there are", |_| open(c"/", libc::O_RDONLY | libc::O_DIRECTORY)),
    act("open-proc", "reads the memory of processes", |_| open(c"/proc/self/mem", libc::O_RDWR)),
    act("create-file", "leaves something behind", |_| {
        open(c"/tmp/candor-prove", libc::O_CREAT | libc::O_WRONLY)
    }),
    act("open-beside", "opens files beside one that it was given", |context| {
        call(libc::SYS_openat, &[Number(context.passed), Text(c".."), NONE])
    }),
    act("open-by-handle", "opens files by their numbers", |context| {
        call(libc::SYS_open_by_handle_at, &[Number(context.passed), Bytes(&[0; 16]), NONE])
    }),
    act("look-up-path", "finds out whether a file exists", |_| {
        call(libc::SYS_faccessat, &[number(libc::AT_FDCWD), Text(c"/etc/passwd"), NONE])
    }),
    act("remove-file", "destroys files", |_| {
        call(libc::SYS_unlinkat, &[number(libc::AT_FDCWD), Text(c"/tmp/candor-prove"), NONE])
    }),
    act("change-root", "leaves its empty file system", |_| call(libc::SYS_chroot, &[Text(c"/proc")])),
    act("mount", "brings a file system back", |_| {
        call(libc::SYS_mount, &[Text(c"proc"), Text(c"/"), Text(c"proc"), NONE, NONE])
    }),
    act("tcp", "sends what it reads to the network", |_| speak(libc::AF_INET, libc::SOCK_STREAM, &ADDRESS)),
    act("tcp-local", "reaches services of the machine", |_| speak(libc::AF_INET, libc::SOCK_STREAM, &LOCAL)),
    act("udp", "sends what it reads to the network", |_| speak(libc::AF_INET, libc::SOCK_DGRAM, &ADDRESS)),
    act("tcp-6", "sends what it reads to the network", |_| {
        let mut address = [0; 28];
        address[0] = 10;
        address[23] = 1;
        speak(libc::AF_INET6, libc::SOCK_STREAM, &address)
    }),
    act("unix-socket", "speaks with services of the machine", |_| {
        speak(libc::AF_UNIX, libc::SOCK_STREAM, b"\x01\x00/run/dbus/system_bus_socket\x00")
    }),
    act("abstract-socket", "speaks with services of the machine", |_| {
        speak(libc::AF_UNIX, libc::SOCK_STREAM, &ABSTRACT)
    }),
    act("netlink", "speaks with the kernel about the network", |_| {
        speak(libc::AF_NETLINK, libc::SOCK_RAW, &[16, 0, 0, 0, 255, 255, 0, 0, 1, 0, 0, 0])
    }),
    act("raw-packets", "forges packets", |_| {
        call(libc::SYS_socket, &[number(libc::AF_PACKET), number(libc::SOCK_RAW), Number(0x0300)])
    }),
    act("family-ax25", "speaks a protocol of the network", family::<3>),
    act("family-ipx", "speaks a protocol of the network", family::<4>),
    act("family-appletalk", "speaks a protocol of the network", family::<5>),
    act("family-netrom", "speaks a protocol of the network", family::<6>),
    act("family-bridge", "speaks a protocol of the network", family::<7>),
    act("family-atm-pvc", "speaks a protocol of the network", family::<8>),
    act("family-x25", "speaks a protocol of the network", family::<9>),
    act("family-rose", "speaks a protocol of the network", family::<11>),
    act("family-decnet", "speaks a protocol of the network", family::<12>),
    act("family-netbeui", "speaks a protocol of the network", family::<13>),
    act("family-security", "speaks a protocol of the network", family::<14>),
    act("family-key", "reads the keys of the network", family::<15>),
    act("family-ash", "speaks a protocol of the network", family::<18>),
    act("family-econet", "speaks a protocol of the network", family::<19>),
    act("family-atm-svc", "speaks a protocol of the network", family::<20>),
    act("family-rds", "speaks a protocol of the network", family::<21>),
    act("family-sna", "speaks a protocol of the network", family::<22>),
    act("family-irda", "speaks a protocol of the network", family::<23>),
    act("family-pppox", "speaks a protocol of the network", family::<24>),
    act("family-wanpipe", "speaks a protocol of the network", family::<25>),
    act("family-llc", "speaks a protocol of the network", family::<26>),
    act("family-infiniband", "speaks a protocol of the network", family::<27>),
    act("family-mpls", "speaks a protocol of the network", family::<28>),
    act("family-can", "speaks a protocol of the network", family::<29>),
    act("family-tipc", "speaks a protocol of the network", family::<30>),
    act("family-bluetooth", "sends what it reads by radio", family::<31>),
    act("family-iucv", "speaks a protocol of the network", family::<32>),
    act("family-rxrpc", "speaks with file servers", family::<33>),
    act("family-isdn", "speaks a protocol of the network", family::<34>),
    act("family-phonet", "speaks a protocol of the network", family::<35>),
    act("family-ieee802154", "speaks a protocol of the network", family::<36>),
    act("family-caif", "speaks a protocol of the network", family::<37>),
    act("family-alg", "speaks with the kernel's cryptography", family::<38>),
    act("family-nfc", "sends what it reads by radio", family::<39>),
    act("family-vsock", "speaks with the host of the machine", family::<40>),
    act("family-kcm", "speaks a protocol of the network", family::<41>),
    act("family-qipcrtr", "speaks a protocol of the network", family::<42>),
    act("family-smc", "speaks a protocol of the network", family::<43>),
    act("family-xdp", "speaks a protocol of the network", family::<44>),
    act("family-mctp", "speaks a protocol of the network", family::<45>),
    act("reconnect-channel", "leads its channel elsewhere", |_| {
        call(libc::SYS_connect, &[number(sys::CHANNEL), Bytes(&ABSTRACT), Number(10)])
    }),
    act("execute", "becomes another program", |_| call(libc::SYS_execve, &[Text(c"/bin/true"), NONE, NONE])),
    act("execute-passed", "becomes a program that it was given", |context| {
        let flags = number(libc::AT_EMPTY_PATH);
        call(libc::SYS_execveat, &[Number(context.passed), Text(c""), NONE, NONE, flags])
    }),
    act("fork", "multiplies", |_| process(libc::SYS_clone, &[number(libc::SIGCHLD)])),
    act("thread", "does two things at once", |_| {
        // Without a stack of its own it would not get far; the kernel decides before that.
        process(libc::SYS_clone3, &[Bytes(&clone_arguments()), Number(64)])
    }),
    act("namespace", "makes a world in which it may do more", |_| {
        call(libc::SYS_unshare, &[number(libc::CLONE_NEWUSER | libc::CLONE_NEWNS)])
    }),
    act("join-namespace", "enters the namespaces of others", |context| {
        call(libc::SYS_setns, &[Number(context.passed), NONE])
    }),
    act("trace-broker", "takes over the broker", |context| {
        // PTRACE_SEIZE does not stop it.
        call(libc::SYS_ptrace, &[Number(0x4206), Number(context.broker), NONE, NONE])
    }),
    act("read-broker", "reads the memory of the broker", |context| {
        call(libc::SYS_process_vm_readv, &[Number(context.broker), NONE, NONE, NONE, NONE, NONE])
            .and_then(|_| call(libc::SYS_pidfd_open, &[Number(context.broker), NONE]))
    }),
    act("signal-broker", "ends the broker", |context| call(libc::SYS_kill, &[Number(context.broker), NONE])),
    act("signal-thread", "ends the broker", |context| {
        call(libc::SYS_tgkill, &[Number(context.broker), Number(context.broker), NONE])
    }),
    act("signal-everybody", "ends whatever it may", |_| call(libc::SYS_kill, &[Number(-1), NONE])),
    act("queue-signal", "tells another process something by a signal", |context| {
        call(libc::SYS_rt_sigqueueinfo, &[Number(context.broker), NONE, Bytes(&[0; 128])])
    }),
    act("hold-broker", "holds on to the broker", |context| {
        call(libc::SYS_pidfd_open, &[Number(context.broker), NONE])
    }),
    act("memory-file", "keeps bytes out of sight", |_| call(libc::SYS_memfd_create, &[Text(c"x"), NONE])),
    act("execute-memory", "becomes a program that it wrote", |_| {
        let file = call(libc::SYS_memfd_create, &[Text(c"x"), NONE])?;
        let flags = number(libc::AT_EMPTY_PATH);
        call(libc::SYS_execveat, &[Number(file), Text(c""), NONE, NONE, flags])
    }),
    act("map-executable", "runs code that it wrote", |_| {
        let flags = number(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let protection = number(libc::PROT_READ | libc::PROT_EXEC);
        call(libc::SYS_mmap, &[NONE, Number(4096), protection, flags, Number(-1), NONE])
    }),
    act("make-executable", "runs code that it wrote", |_| {
        let flags = number(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let page =
            call(libc::SYS_mmap, &[NONE, Number(4096), number(libc::PROT_READ), flags, Number(-1), NONE])?;
        let protection = number(libc::PROT_READ | libc::PROT_EXEC);
        call(libc::SYS_mprotect, &[Number(page), Number(4096), protection])
    }),
    act("run-passed-file", "runs code out of a file that it was given", |context| {
        let flags = number(libc::MAP_PRIVATE);
        let protection = number(libc::PROT_READ | libc::PROT_EXEC);
        call(libc::SYS_mmap, &[NONE, Number(4096), protection, flags, Number(context.passed), NONE])
    }),
    act("write-passed", "changes a file that it was given", |context| {
        call(libc::SYS_write, &[Number(context.passed), Bytes(b"x"), Number(1)])
    }),
    act("map-passed-writable", "changes a file that it was given", |context| {
        let flags = number(libc::MAP_SHARED);
        let protection = number(libc::PROT_READ | libc::PROT_WRITE);
        call(libc::SYS_mmap, &[NONE, Number(4096), protection, flags, Number(context.passed), NONE])
    }),
    act("cut-passed", "destroys a file that it was given", |context| {
        call(libc::SYS_ftruncate, &[Number(context.passed), NONE])
    }),
    act("change-mode", "gives rights away", |context| {
        call(libc::SYS_fchmod, &[Number(context.passed), Number(0o777)])
    }),
    act("io-uring", "asks for all of this by another way", |_| {
        call(libc::SYS_io_uring_setup, &[Number(1), Bytes(&[0; 120])])
    }),
    act("bpf", "runs code in the kernel", |_| call(libc::SYS_bpf, &[NONE, Bytes(&[0; 128]), Number(128)])),
    act("userfaultfd", "stops the kernel where it likes", |_| call(libc::SYS_userfaultfd, &[NONE])),
    act("perf", "measures other processes", |context| {
        let mut attributes = [0; 128];
        attributes[0] = 1;
        attributes[4] = 128;
        let process = Number(context.broker);
        call(libc::SYS_perf_event_open, &[Bytes(&attributes), process, Number(-1), Number(-1), NONE])
    }),
    act("keys", "reads the keys of the user", |_| {
        // KEYCTL_GET_KEYRING_ID of the user's keyring.
        call(libc::SYS_keyctl, &[NONE, Number(-4), Number(1)])
    }),
    act("become-root", "becomes root", |_| call(libc::SYS_setuid, &[NONE])),
    act("raise-limits", "takes more than it was given", |_| {
        let limits = [0xff; 16];
        let resource = number(libc::RLIMIT_NPROC);
        call(libc::SYS_prlimit64, &[NONE, resource, Bytes(&limits), NONE])
    }),
    act("shared-memory", "shares memory with other processes", |_| {
        // An object that another process could have made; it is only looked for.
        call(libc::SYS_shmget, &[Number(0x00ca_0d02), Number(4096), NONE])
    }),
    act("terminal", "types into the terminal", |_| {
        call(libc::SYS_ioctl, &[NONE, number(0x5412), Bytes(b"\n")])
    }),
];

/// `struct clone_args` that asks for a thread without anything of its own.
fn clone_arguments() -> [u8; 64] {
    let mut arguments = [0; 64];
    let flags = i64::from(libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_VFORK);
    // CLONE_VFORK: should it be made after all, this one waits until it has ended.
    arguments.iter_mut().zip(flags.to_le_bytes()).for_each(|(place, byte)| *place = byte);
    arguments
}

/// One act and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// The act.
    pub act: &'static Act,
    /// In the jail as it is.
    pub jailed: Refusal,
    /// Without the filter of system calls.
    pub without_filter: Refusal,
}

/// Attempts every act in a worker of its own. `passed` is a file that is open for reading only.
///
/// # Errors
/// No jail can be made.
pub fn prove(passed: BorrowedFd<'_>) -> Result<Vec<Proof>, StartError> {
    let with = attempts(Layers::NONE, passed)?;
    let without = attempts(Layers::NONE.with(Layer::Filter), passed)?;
    let proofs = ACTS.iter().zip(with).zip(without);
    Ok(proofs.map(|((act, jailed), without_filter)| Proof { act, jailed, without_filter }).collect())
}

/// Attempts every act in a jail without some of its layers.
///
/// # Errors
/// No jail can be made.
pub fn attempts(leave_out: Layers, passed: BorrowedFd<'_>) -> Result<Vec<Refusal>, StartError> {
    let broker = i64::from(rustix::process::getpid().as_raw_nonzero().get());
    let setup = Setup { leave_out, memory: 256 << 20, ..Setup::new(Task::Scan) };
    let sandbox = Sandbox::start(setup, |jailed| {
        let attempted = attempt(jailed, broker);
        sys::exit(i32::from(attempted.is_err()))
    })?;
    Ok((0..ACTS.len()).map(|act| one(&sandbox, act, passed).unwrap_or(Refusal::Unknown)).collect())
}

fn attempt(jailed: Jailed, broker: i64) -> io::Result<()> {
    let mut ready = ManuallyDrop::new(jailed.ready()?);
    let mut descriptors = Vec::new();
    let order = ready.next(&mut descriptors)?;
    let (Some(Order::Attempt(act)), Some(passed)) = (order, descriptors.pop()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let passed = ManuallyDrop::new(passed);
    let context = Context { passed: i64::from(passed.as_fd().as_raw_fd()), broker };
    let act = ACTS.get(usize::from(act)).ok_or(io::ErrorKind::InvalidData)?;
    let result = (act.attempt)(&context);
    ready.say(&Word::Attempted(result).encode())
}

fn one(sandbox: &Sandbox, act: usize, passed: BorrowedFd<'_>) -> Result<Refusal, WorkerError> {
    let mut worker = sandbox.worker()?;
    let order = Order::Attempt(u8::try_from(act).unwrap_or(u8::MAX));
    let answered = worker.order(&order, &[passed]).and_then(|()| worker.listen(Duration::from_secs(10)));
    match answered {
        Ok(Some(Word::Attempted(result))) => {
            sandbox.discard(worker);
            Ok(result.map_or_else(Refusal::Error, |_| Refusal::None))
        }
        Err(WorkerError::Gone) => Ok(match sandbox.collect(worker) {
            Ended::Signalled(libc::SIGSYS) => Refusal::Ended,
            // It became another program, and that one ended.
            Ended::Exited(0) => Refusal::None,
            _ => Refusal::Unknown,
        }),
        _ => {
            sandbox.discard(worker);
            Ok(Refusal::Unknown)
        }
    }
}
