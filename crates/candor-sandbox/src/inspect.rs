//! What the kernel says about the processes of Candor that run: the jail as it is, not as it was meant.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::group;
use crate::layers::{Layer, Layers};
use crate::sys;

/// What a process gets to be jailed, measured in milliseconds and given seconds for a machine that is busy.
const TIME_TO_JAIL: Duration = Duration::from_secs(2);

/// What a process gets to end that no longer shows everything.
const TIME_TO_END: Duration = Duration::from_millis(50);

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Opens files and hands them over; parses none.
    Broker,
    /// Makes workers; is given nothing.
    Template,
    /// Looks at hostile bytes.
    Worker,
}

impl Layer {
    /// What it does, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NoNewPrivileges => "no program can give it more rights than it has",
            Self::Filter => "only a few system calls; any other ends it",
            Self::NotDumpable => "other processes of the user cannot look into it, and it leaves no core",
            Self::Limits => "bounded memory and descriptors; no process, no file",
            Self::ClosedDescriptors => "no descriptor but its channel and the files that it is given",
            Self::ClearedEnvironment => "neither environment nor arguments of the program",
            Self::NoCapabilities => "no capability",
            Self::Landlock => "no path, no network, nobody else's sockets and signals",
            Self::UserNamespace => "nobody to anybody",
            Self::EmptyFilesystem => "no file system",
            Self::ProcessNamespace => "no other process can be named",
            Self::NetworkNamespace => "no network",
            Self::IpcNamespace => "no shared memory or queues of others",
            Self::NameNamespace => "the name of the machine cannot be changed",
            Self::OtherUser => "not root",
            Self::ControlGroup => "memory and processes bounded together",
        }
    }
}

impl group::Obstacle {
    const fn text(self) -> &'static str {
        match self {
            Self::NoVersion2 => "the kernel has no control groups of version 2 here",
            Self::NoControllers => "memory and processes are not bounded by control groups of version 2 here",
            Self::NotDelegated => "this process may not divide its control group",
            Self::NotAlone => "other processes are in the control group of this one",
        }
    }
}

impl Role {
    /// Its name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Template => "template",
            Self::Worker => "worker",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        match name {
            "candor" | "candord" => Some(Self::Broker),
            "candor-template" => Some(Self::Template),
            "candor-worker" => Some(Self::Worker),
            _ => None,
        }
    }

    /// The layers that a process of this role should have.
    #[must_use]
    pub const fn should(self) -> Layers {
        let template = Layers::NONE
            .with(Layer::NoNewPrivileges)
            .with(Layer::ClosedDescriptors)
            .with(Layer::ClearedEnvironment)
            .with(Layer::Landlock)
            .with(Layer::EmptyFilesystem)
            .with(Layer::NetworkNamespace)
            .with(Layer::IpcNamespace)
            .with(Layer::NameNamespace);
        match self {
            Self::Broker => Layers::NONE,
            Self::Template => template,
            Self::Worker => template
                .and(Layers::MINIMUM)
                .with(Layer::UserNamespace)
                .with(Layer::ProcessNamespace)
                .with(Layer::OtherUser),
        }
    }
}

/// A process of Candor, as the kernel describes it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its number.
    pub process: i32,
    /// The process that it was made by.
    pub parent: i32,
    /// What it is for, by its name.
    pub role: Role,
    /// The user that it belongs to.
    pub user: u32,
    /// Layers that are seen to be in force.
    pub in_force: Layers,
    /// Layers that are seen not to be.
    pub missing: Layers,
    /// What its descriptors lead to, when that can be seen.
    pub descriptors: Option<Vec<String>>,
    /// Bytes of memory that it shares with nobody, when that can be seen.
    pub private: Option<u64>,
}

impl Seen {
    /// Layers that it should have and of which it cannot be seen whether it has them: the kernel does not
    /// show Landlock, and shows most other things only to root.
    #[must_use]
    pub fn hidden(&self) -> Layers {
        self.role.should().without(self.in_force).without(self.missing)
    }

    /// Layers that it should have and does not have.
    #[must_use]
    pub fn lacks(&self) -> Layers {
        let should = self.role.should();
        should.without(should.without(self.missing))
    }
}

/// What this kernel can do for a jail.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its name and version, and the processor.
    pub name: String,
    /// Whether it filters system calls.
    pub filter: bool,
    /// Its version of Landlock; 0 for none.
    pub landlock: u32,
    /// User namespaces that it allows each user, when it says.
    pub user_namespaces: Option<u64>,
    /// Why no control group can be made for workers, if there is a reason.
    pub no_control_group: Option<&'static str>,
}

/// What this kernel can do.
#[must_use]
pub fn kernel() -> Kernel {
    let name = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    Kernel {
        name: format!("{} {} {}", text(name.sysname()), text(name.release()), text(name.machine())),
        filter: sys::knows_filters(),
        landlock: sys::landlock_version(),
        user_namespaces: fs::read_to_string("/proc/sys/user/max_user_namespaces")
            .ok()
            .and_then(|text| text.trim().parse().ok()),
        no_control_group: group::ground().err().map(group::Obstacle::text),
    }
}

/// All processes of Candor that can be seen, by number.
///
/// One that is about to be jailed lacks what it will have, and one that ends shows less and less. Such a one
/// is looked at again until it has what it should have, or is gone, or has had the time for either.
#[must_use]
pub fn processes() -> Vec<Seen> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut seen: Vec<Seen> = numbers.filter_map(process).collect();
    // A broker may have any name; it is known by its template.
    let parents: Vec<i32> =
        seen.iter().filter(|seen| seen.role == Role::Template).map(|seen| seen.parent).collect();
    for parent in parents {
        if !seen.iter().any(|seen| seen.process == parent) {
            seen.extend(look(parent, |_| Some(Role::Broker)));
        }
    }
    seen.sort_by_key(|seen| seen.process);
    let always_hidden = Layers::NONE.with(Layer::Landlock);
    let begun = Instant::now();
    loop {
        let waited = begun.elapsed();
        let is_strange = |seen: &Seen| {
            let has_shown_less =
                seen.role != Role::Broker && !seen.hidden().without(always_hidden).is_empty();
            !seen.lacks().is_empty() || has_shown_less && waited < TIME_TO_END
        };
        if waited >= TIME_TO_JAIL || !seen.iter().any(is_strange) {
            return seen;
        }
        thread::sleep(Duration::from_millis(5));
        seen = seen
            .into_iter()
            .filter_map(|seen| if is_strange(&seen) { process(seen.process) } else { Some(seen) })
            .collect();
    }
}

/// One process, if it is one of Candor by its name.
#[must_use]
pub fn process(number: i32) -> Option<Seen> {
    look(number, Role::of_name)
}

fn look(number: i32, role: impl Fn(&str) -> Option<Role>) -> Option<Seen> {
    let place = PathBuf::from(format!("/proc/{number}"));
    let role = role(fs::read_to_string(place.join("comm")).ok()?.trim_end())?;
    let status = fs::read_to_string(place.join("status")).ok()?;
    let field = |name: &str| field(&status, name);
    let user: u32 = field("Uid")?.split_whitespace().nth(1)?.parse().ok()?;
    let mut seen = Seen {
        process: number,
        parent: field("PPid")?.parse().ok()?,
        role,
        user,
        in_force: Layers::NONE,
        missing: Layers::NONE,
        descriptors: descriptors(&place),
        private: private(&place),
    };
    let zero = |name: &str| field(name).map(|value| value.bytes().all(|byte| byte == b'0'));
    let capabilities = [zero("CapEff"), zero("CapPrm"), zero("CapInh")];
    let none = capabilities.into_iter().try_fold(true, |none, set| Some(none && set?));
    let owner = fs::metadata(place.join("status")).ok().map(|metadata| metadata.uid());
    let only_channel = |all: &Vec<String>| {
        let mut sockets: Vec<&String> = all.iter().filter(|target| target.starts_with("socket:")).collect();
        sockets.dedup();
        let others = all.iter().filter(|target| {
            !target.starts_with("socket:") && *target != "/dev/null" && !target.starts_with('/')
        });
        sockets.len() <= 1 && others.filter(|target| !target.starts_with("/memfd:")).count() == 0
    };
    let checks = [
        (Layer::NoNewPrivileges, field("NoNewPrivs").map(|value| value == "1")),
        (
            Layer::Filter,
            is_filtered(&status, || fs::read_to_string(format!("/proc/{}/status", seen.parent)).ok()),
        ),
        (Layer::NoCapabilities, none),
        // What the kernel shows of a process that is not dumpable belongs to root.
        (Layer::NotDumpable, owner.filter(|_| user != 0).map(|owner| owner != user)),
        (Layer::Limits, limits(&place)),
        (Layer::ClosedDescriptors, seen.descriptors.as_ref().map(only_channel)),
        (Layer::ClearedEnvironment, environment(&place)),
        (Layer::UserNamespace, differs(&place, "ns/user")),
        (Layer::EmptyFilesystem, empty_root(&place)),
        (Layer::ProcessNamespace, field("NSpid").map(|numbers| numbers.split_whitespace().count() > 1)),
        (Layer::NetworkNamespace, differs(&place, "ns/net")),
        (Layer::IpcNamespace, differs(&place, "ns/ipc")),
        (Layer::NameNamespace, differs(&place, "ns/uts")),
        (Layer::OtherUser, Some(user != 0)),
        (Layer::ControlGroup, is_bounded(&place).filter(|_| role != Role::Broker)),
    ];
    for (layer, state) in checks {
        match state {
            Some(true) => seen.in_force = seen.in_force.with(layer),
            Some(false) => seen.missing = seen.missing.with(layer),
            None => (),
        }
    }
    Some(seen)
}

/// A field of what the kernel says of a process.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Whether a process has a filter that its parent does not have. In a container every process has one, and none of them is
/// Candor's. Kernels before 5.9 do not count filters; what the parent has may be hidden.
fn is_filtered(status: &str, parent: impl FnOnce() -> Option<String>) -> Option<bool> {
    if field(status, "Seccomp")? != "2" {
        return Some(false);
    }
    let count = |status: &str| field(status, "Seccomp_filters")?.parse::<u32>().ok();
    match count(status) {
        None => Some(true),
        Some(own) => Some(own > count(&parent()?)?),
    }
}

fn differs(place: &Path, namespace: &str) -> Option<bool> {
    let own = fs::read_link(Path::new("/proc/self").join(namespace)).ok()?;
    Some(fs::read_link(place.join(namespace)).ok()? != own)
}

fn empty_root(place: &Path) -> Option<bool> {
    if !differs(place, "ns/mnt")? {
        return Some(false);
    }
    // One that nobody may list, and in which root sees nothing.
    Some(fs::read_dir(place.join("root")).ok()?.next().is_none())
}

fn environment(place: &Path) -> Option<bool> {
    let bytes = fs::read(place.join("environ")).ok()?;
    Some(bytes.iter().all(|byte| *byte == 0))
}

fn limits(place: &Path) -> Option<bool> {
    let text = fs::read_to_string(place.join("limits")).ok()?;
    let none = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
            .is_some_and(|soft| soft == "0")
    };
    Some(none("Max processes") && none("Max core file size"))
}

fn descriptors(place: &Path) -> Option<Vec<String>> {
    let entries = fs::read_dir(place.join("fd")).ok()?;
    let targets = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let mut targets: Vec<String> = targets.map(|target| target.to_string_lossy().into_owned()).collect();
    targets.sort();
    Some(targets)
}

fn private(place: &Path) -> Option<u64> {
    let text = fs::read_to_string(place.join("smaps_rollup")).ok()?;
    let lines = text.lines().filter(|line| line.starts_with("Private_"));
    let kibibytes = lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    Some(kibibytes.fold(0_u64, u64::saturating_add).saturating_mul(1024))
}

/// Whether a process is in a group of version 2 that bounds its memory and its number; `None` when that
/// cannot be seen.
fn is_bounded(place: &Path) -> Option<bool> {
    let own = fs::read_to_string(place.join("cgroup")).ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(Path::new);
    let bounded = |name: &str| {
        let text = mounts.iter().find_map(|mount| fs::read_to_string(mount.join(path).join(name)).ok());
        text.is_some_and(|text| text.trim().parse::<u64>().is_ok())
    };
    Some(bounded("memory.max") && bounded("pids.max"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_the_parent_has_too_is_not_ones_own() {
        let of = |own: &str, parent: Option<&str>| is_filtered(own, || parent.map(str::to_owned));
        let counted = |count: u32| format!("Seccomp:\t2\nSeccomp_filters:\t{count}\n");
        assert_eq!(of(&counted(1), Some("Seccomp:\t0\nSeccomp_filters:\t0\n")), Some(true));
        assert_eq!(of(&counted(3), Some(&counted(2))), Some(true));
        assert_eq!(of(&counted(2), Some(&counted(2))), Some(false));
        assert_eq!(of(&counted(1), None), None);
        assert_eq!(of("Seccomp:\t0\nSeccomp_filters:\t0\n", None), Some(false));
        assert_eq!(of("Seccomp:\t2\n", None), Some(true));
        assert_eq!(of("", None), None);
    }
}
