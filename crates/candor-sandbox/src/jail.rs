//! The jail: what the template does once for all workers, and what each worker does before it looks at the
//! first byte.
//!
//! The states of a worker are types: only a [`Spawned`] can become [`Jailed`], only a [`Jailed`] can become
//! [`Ready`], and only a [`Ready`] is given files.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use candor_model::Interrupt;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};

use crate::channel::{Channel, DESCRIPTORS};
use crate::confine;
use crate::layers::{Layer, Layers};
use crate::message::{Malformed, Order, PACKET, Word};
use crate::policy::{Instruction, Task};
use crate::sys;

/// How the processes of a sandbox are made.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the workers are for.
    pub task: Task,
    /// Bytes of memory that a worker may have for itself.
    pub memory: u64,
    /// Bytes that it may map besides: the largest file.
    pub mapped: u64,
    /// The longest that one file may take.
    pub max_time: Option<Duration>,
    /// How much longer it may take on the clock until its worker is ended: somebody else may have the
    /// processor, or the disk be slow.
    pub patience: Duration,
    /// Layers that are not asked for. Only to show that each of the others holds by itself.
    pub leave_out: Layers,
}

impl Setup {
    /// The usual jail for a task.
    #[must_use]
    pub const fn new(task: Task) -> Self {
        Self {
            task,
            memory: 2 << 30,
            mapped: 1 << 30,
            max_time: None,
            patience: Duration::from_secs(10),
            leave_out: Layers::NONE,
        }
    }
}

/// What the template prepared for its workers.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Layers that its workers inherit.
    inherited: Layers,
    program: Vec<Instruction>,
    address_space: u64,
    /// Who a worker becomes when the program runs as root.
    user: Option<u32>,
}

/// How often a worker looks at the clock while it works.
const PERIOD: Duration = Duration::from_millis(50);

/// Stack that deep containers may need.
const STACK: u64 = 64 << 20;

/// Descriptors of a worker.
const OPEN: u64 = 256;

/// The user that owns nothing. Above the numbers that systemd gives away, so that it is nobody else's.
const NOBODY: u32 = 0x7a00_0000;
/// Where there are no such numbers, as in containers.
const USUAL_NOBODY: u32 = 65534;

/// Puts the template where its workers shall be: cut off from files, network and other processes.
/// `is_bounded` says whether it is in a control group of its own.
pub(crate) fn prepare(setup: &Setup, is_bounded: bool) -> io::Result<Prepared> {
    let mut layers = if is_bounded { Layers::NONE.with(Layer::ControlGroup) } else { Layers::NONE };
    sys::reset_signals();
    sys::plain_personality()?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Ctrl-C is for the broker alone.
    let _ = rustix::process::setsid();
    let base = address_space();
    layers.note(Layer::ClearedEnvironment, &clear_environment());
    layers.note(Layer::NoNewPrivileges, &rustix::thread::set_no_new_privs(true));
    let root = rustix::process::geteuid().is_root();
    layers = layers.and(namespaces(root, setup.leave_out));
    confine::drop_bounding_set();
    layers.note(Layer::Landlock, &landlock(setup.leave_out));
    let program = setup.task.program().ok_or(io::ErrorKind::Unsupported)?;
    let address_space = base.saturating_add(setup.memory).saturating_add(setup.mapped.saturating_mul(2));
    let user = root.then(|| {
        NOBODY.saturating_add(rustix::process::getpid().as_raw_nonzero().get().unsigned_abs() & 0xffff)
    });
    Ok(Prepared { inherited: layers, program, address_space, user })
}

/// Standard streams that lead nowhere, in place of those of the broker.
pub(crate) fn close_streams() -> io::Result<()> {
    let nowhere =
        rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())?;
    (0..3).try_for_each(|number| sys::place(nowhere.as_fd(), number))
}

/// The address space that the process has, in bytes.
fn address_space() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').next().and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(1 << 20);
    pages.saturating_mul(u64::try_from(rustix::param::page_size()).unwrap_or(4096))
}

/// Clears arguments and environment where the kernel put them, and forgets where they are.
fn clear_environment() -> io::Result<()> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // The name of the program stands in parentheses and may hold anything.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let numbers: Vec<usize> = fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    // Fields 48 to 51 of proc_pid_stat(5); the first of `numbers` is field 3.
    let field = |number: usize| numbers.get(number.saturating_sub(3)).copied().unwrap_or(0);
    let places = [field(48), field(49), field(50), field(51)];
    if places.contains(&0) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    sys::scrub(places[0], places[1], b"candor: worker");
    sys::scrub(places[2], places[3], b"");
    Ok(())
}

/// Enters new namespaces, as many as there are to be had.
fn namespaces(root: bool, leave_out: Layers) -> Layers {
    const EACH: [(Layer, i32); 4] = [
        (Layer::EmptyFilesystem, libc::CLONE_NEWNS),
        (Layer::NetworkNamespace, libc::CLONE_NEWNET),
        (Layer::IpcNamespace, libc::CLONE_NEWIPC),
        (Layer::NameNamespace, libc::CLONE_NEWUTS),
    ];
    let mut layers = Layers::NONE;
    // /proc is out of sight once the file system is empty, and is needed once more.
    let proc = rustix::fs::open("/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let ids = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    if !root && !leave_out.has(Layer::UserNamespace) && sys::unshare(libc::CLONE_NEWUSER).is_ok() {
        layers = layers.with(Layer::UserNamespace);
        if let Ok(proc) = &proc {
            map_ids(proc.as_fd(), ids);
        }
    }
    for (layer, flag) in EACH {
        if leave_out.has(layer) || sys::unshare(flag).is_err() {
            continue;
        }
        if layer != Layer::EmptyFilesystem || empty_filesystem().is_ok() {
            layers = layers.with(layer);
        }
    }
    layers
}

/// Gives the user the number that he has outside; without it nothing can be mounted. What fails here shows
/// in the layers that are then missing.
fn map_ids(proc: BorrowedFd<'_>, (user, group): (u32, u32)) {
    let write = |name: &str, text: String| -> io::Result<()> {
        let file = rustix::fs::openat(proc, name, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, text.as_bytes())?;
        Ok(())
    };
    drop(write("self/setgroups", String::from("deny")));
    drop(write("self/gid_map", format!("{group} {group} 1")));
    drop(write("self/uid_map", format!("{user} {user} 1")));
}

/// Exchanges the file system for an empty one that cannot be written to.
fn empty_filesystem() -> io::Result<()> {
    rustix::mount::mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // Any directory will do: it is in a namespace of its own, so nobody else sees it covered.
    rustix::mount::mount("none", "/proc", "tmpfs", flags, c"size=4k,nr_inodes=2,mode=000")?;
    rustix::process::chdir("/proc")?;
    if rustix::process::pivot_root(".", ".").is_ok() {
        rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    } else {
        // The file system that a kernel starts with cannot be left like this; it is covered for good.
        rustix::mount::mount_move(".", "/")?;
        rustix::process::chroot(".")?;
    }
    rustix::process::chdir("/")?;
    rustix::mount::mount_remount("/", flags | MountFlags::RDONLY, "")?;
    Ok(())
}

/// Denies everything that this kernel's Landlock can deny.
fn landlock(leave_out: Layers) -> io::Result<()> {
    if leave_out.has(Layer::Landlock) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    sys::landlock(confine::landlock_rights(confine::SERVE_AND_CONNECT)?)
}

/// The flags that a worker is made with.
pub(crate) const fn clone_flags(leave_out: Layers) -> i32 {
    if leave_out.has(Layer::ProcessNamespace) { 0 } else { libc::CLONE_NEWPID }
}

/// A worker that has just been made: a copy of the template.
#[derive(Debug)]
pub(crate) struct Spawned {
    channel: OwnedFd,
    layers: Layers,
}

/// A worker in its jail.
#[derive(Debug)]
pub struct Jailed {
    channel: Channel,
    interrupt: &'static Interrupt,
}

/// A worker that takes orders.
#[derive(Debug)]
pub struct Ready {
    channel: Channel,
    interrupt: &'static Interrupt,
    buffer: Vec<u8>,
}

impl Spawned {
    /// `channel` leads to the broker; `in_own_namespace` says whether it was made so.
    pub(crate) fn new(channel: OwnedFd, prepared: &Prepared, in_own_namespace: bool) -> Self {
        let layers = prepared.inherited;
        let layers = if in_own_namespace { layers.with(Layer::ProcessNamespace) } else { layers };
        Self { channel, layers }
    }

    /// Closes the jail. When one of the layers that there must be is missing, it says so and fails.
    pub(crate) fn jail(self, prepared: &Prepared, setup: &Setup) -> io::Result<Jailed> {
        let Self { channel, mut layers } = self;
        sys::place(channel.as_fd(), sys::CHANNEL)?;
        sys::place(channel.as_fd(), libc::STDERR_FILENO)?;
        // The number that it had before is closed below with all others.
        std::mem::forget(channel);
        let channel = Channel::from_descriptor(sys::placed(sys::CHANNEL));
        layers.note(Layer::ClosedDescriptors, &sys::close_from(sys::CHANNEL.saturating_add(1)));
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        rustix::thread::set_name(c"candor-worker")?;
        if let Some(user) = prepared.user.filter(|_| !setup.leave_out.has(Layer::OtherUser)) {
            layers.note(Layer::OtherUser, &become_user(user));
            if !setup.leave_out.has(Layer::UserNamespace) {
                layers.note(Layer::UserNamespace, &sys::unshare(libc::CLONE_NEWUSER));
            }
        }
        if !setup.leave_out.has(Layer::NoCapabilities) {
            layers.note(Layer::NoCapabilities, &confine::drop_capabilities());
        }
        layers.note(Layer::Limits, &limit(prepared, setup));
        layers
            .note(Layer::NotDumpable, &rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable));
        let again = landlock(setup.leave_out);
        if again.is_err() {
            layers = layers.without(Layers::NONE.with(Layer::Landlock));
        }
        let interrupt = sys::start_timer(PERIOD)?;
        if !setup.leave_out.has(Layer::Filter) {
            layers.note(Layer::Filter, &sys::filter(&prepared.program));
        }
        channel.send(&Word::Jailed(layers.bits()).encode(), &[], true)?;
        if !Layers::MINIMUM.without(setup.leave_out).without(layers).is_empty() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Jailed { channel, interrupt })
    }
}

/// As [`become_user`], with a number that is this process's alone.
pub(crate) fn become_nobody() -> io::Result<()> {
    let process = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
    become_user(NOBODY.saturating_add(process & 0xffff))
}

/// Becomes a user and group that own nothing.
fn become_user(number: u32) -> io::Result<()> {
    use rustix::process::{Gid, Uid};
    rustix::thread::set_thread_groups(&[])?;
    let mut result = Err(Errno::INVAL);
    for number in [number, USUAL_NOBODY] {
        let (user, group) = (Uid::from_raw(number), Gid::from_raw(number));
        result = rustix::thread::set_thread_res_gid(group, group, group)
            .and_then(|()| rustix::thread::set_thread_res_uid(user, user, user));
        if result.is_ok() {
            break;
        }
    }
    Ok(result?)
}

/// Bounds what the process may have.
fn limit(prepared: &Prepared, setup: &Setup) -> io::Result<()> {
    let compile = setup.task == Task::Compile;
    let limits = [
        (Resource::Data, setup.memory),
        (Resource::As, prepared.address_space),
        (Resource::Fsize, if compile { 16 << 30 } else { 0 }),
        (Resource::Nofile, OPEN),
        (Resource::Nproc, 0),
        (Resource::Core, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
        (Resource::Rtprio, 0),
    ];
    let hard = rustix::process::getrlimit(Resource::Stack).maximum;
    let stack = hard.map_or(STACK, |hard| hard.min(STACK));
    // With less stack than wanted a very deep container ends the worker.
    let _ = rustix::process::setrlimit(Resource::Stack, Rlimit { current: Some(stack), maximum: hard });
    confine::limit(&limits)
}

impl Jailed {
    /// Says that it takes orders.
    ///
    /// # Errors
    /// The broker is gone.
    pub fn ready(self) -> io::Result<Ready> {
        self.channel.send(&Word::Ready.encode(), &[], true)?;
        Ok(Ready { channel: self.channel, interrupt: self.interrupt, buffer: vec![0; PACKET] })
    }
}

impl Ready {
    /// The flag that is raised when the time set with [`begin`](Self::begin) is over.
    #[must_use]
    pub const fn interrupt(&self) -> &'static Interrupt {
        self.interrupt
    }

    /// Starts the time of a file.
    pub fn begin(&self, time: Option<Duration>) {
        self.interrupt.reset();
        let time = time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        sys::due(time.map_or(0, |time| sys::milliseconds().saturating_add(time)));
    }

    /// Waits for the next order, and the descriptors that come with it; `None` when the broker is gone.
    ///
    /// # Errors
    /// The channel is broken, or what came is no order.
    pub fn next(&mut self, descriptors: &mut Vec<OwnedFd>) -> io::Result<Option<Order>> {
        sys::due(0);
        let length = self.channel.receive(&mut self.buffer, descriptors)?;
        if length == 0 {
            return Ok(None);
        }
        let packet = self.buffer.get(..length).unwrap_or_default();
        Order::decode(packet)
            .map(Some)
            .map_err(|error: Malformed| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Says something to the broker.
    ///
    /// # Errors
    /// The broker is gone.
    pub fn say(&self, packet: &[u8]) -> io::Result<()> {
        self.channel.send(packet, &[], true)
    }
}

impl Layers {
    /// Adds a layer if what it takes went well.
    pub(crate) fn note<T, E>(&mut self, layer: Layer, done: &Result<T, E>) {
        if done.is_ok() {
            *self = self.with(layer);
        }
    }
}

impl Channel {
    /// Waits for a packet with descriptors. An empty packet is the end. The broker takes no descriptors from
    /// anybody.
    pub(crate) fn receive(&self, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let parts = &mut [IoSliceMut::new(buffer)];
            match recvmsg(self.as_fd(), parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Ok(received) => break received,
                Err(Errno::INTR) => (),
                Err(error) => return Err(error.into()),
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(received.bytes)
    }
}
