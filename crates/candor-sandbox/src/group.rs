//! A control group for the workers, where one may be made: it bounds what all of them have together, counts
//! also what the kernel holds for them, and is beyond what a worker can change.
//!
//! Only version 2, and only where the group that this process is in is its own to divide: systemd says so of
//! services and scopes with `Delegate=yes`, containers have a group of their own, and what an ordinary user may write to
//! was given to him. The kernel lets a group with processes in it have no divisions that are bounded, so this
//! process moves to one beside that of the workers, and back in the end.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Pid;

/// Processes that may be in it: a template, and twice as many workers as anybody has lanes.
const PROCESSES: u64 = 4096;

/// Where this process is while its workers have a group.
const OWN: &str = "candor-broker";

/// Why there is no such group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    NoVersion2,
    NoControllers,
    NotDelegated,
    NotAlone,
}

/// A group that may be divided.
#[derive(Debug)]
pub(crate) struct Ground {
    folder: PathBuf,
    /// Whether it is the one at the top, which may have processes and divisions.
    is_top: bool,
}

/// The group of the workers of one sandbox.
#[derive(Debug)]
pub(crate) struct Group {
    folder: PathBuf,
    /// Where this process was moved away from.
    moved_from: Option<PathBuf>,
    /// Processes that the kernel has ended in it, as far as that was seen.
    ended: AtomicU64,
}

/// The group that this process may divide.
pub(crate) fn ground() -> Result<Ground, Obstacle> {
    let own = fs::read_to_string("/proc/self/cgroup").map_err(|_| Obstacle::NoVersion2)?;
    let mount = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .into_iter()
        .map(Path::new)
        .find(|mount| mount.join("cgroup.controllers").exists())
        .ok_or(Obstacle::NoVersion2)?;
    Ground::find(mount, &own, rustix::process::geteuid().is_root())
}

impl Ground {
    /// Looks for it below `mount`; `own` is what `/proc/self/cgroup` says.
    fn find(mount: &Path, own: &str, root: bool) -> Result<Self, Obstacle> {
        let path = own.lines().find_map(|line| line.strip_prefix("0::/")).ok_or(Obstacle::NoVersion2)?;
        // A process that was moved already divides the group above.
        let path = path.strip_suffix(OWN).unwrap_or(path).trim_end_matches('/');
        let folder = mount.join(path);
        let words = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let controllers = words("cgroup.controllers");
        let has = |wanted: &str| controllers.split_whitespace().any(|known| known == wanted);
        if !has("memory") || !has("pids") {
            return Err(Obstacle::NoControllers);
        }
        let is_top = path.is_empty();
        // Root may write anywhere, which is no permission.
        if root && !is_top && !is_delegated(&folder) {
            return Err(Obstacle::NotDelegated);
        }
        let may_write = |name: &str| OpenOptions::new().write(true).open(folder.join(name)).is_ok();
        if !may_write("cgroup.procs") || !may_write("cgroup.subtree_control") {
            return Err(Obstacle::NotDelegated);
        }
        let alone = words("cgroup.procs").lines().all(|line| line.trim() == own_number());
        // At the top of a container there are no files that only the top of all has.
        let is_top_of_all = is_top && !folder.join("cgroup.type").exists();
        if !is_top_of_all && !alone {
            return Err(Obstacle::NotAlone);
        }
        Ok(Self { folder, is_top: is_top_of_all })
    }

    /// Makes the group: at most `memory` bytes for all that is in it.
    pub(crate) fn divide(&self, memory: u64) -> io::Result<Group> {
        let enable = || fs::write(self.folder.join("cgroup.subtree_control"), "+memory +pids");
        let mut moved_from = None;
        if !self.is_top && enable().is_err() {
            let own = self.folder.join(OWN);
            make(&own)?;
            fs::write(own.join("cgroup.procs"), own_number())?;
            moved_from = Some(self.folder.clone());
        }
        // From here on what was done is undone when it goes wrong.
        let folder =
            self.folder.join(format!("candor-workers-{}-{}", own_number(), crate::sys::milliseconds()));
        let group = Group { folder, moved_from, ended: AtomicU64::new(0) };
        enable()?;
        make(&group.folder)?;
        fs::write(group.folder.join("memory.max"), memory.to_string())?;
        fs::write(group.folder.join("pids.max"), PROCESSES.to_string())?;
        // Not everywhere is there swap to be bounded.
        drop(fs::write(group.folder.join("memory.swap.max"), "0"));
        Ok(group)
    }
}

impl Group {
    /// What a process enters by.
    pub(crate) fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.folder.join("cgroup.procs"))
    }

    /// Whether the kernel has ended a process of it for want of memory since this was last asked.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let text = fs::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
        let ended = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
        ended.is_some_and(|ended| self.ended.swap(ended, Ordering::Relaxed) < ended)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The last one in it is about to be gone; the kernel keeps a group that is not empty.
        for _ in 0..100 {
            match fs::remove_dir(&self.folder) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                _ => break,
            }
        }
        if let Some(above) = &self.moved_from {
            drop(fs::write(above.join("cgroup.subtree_control"), "-memory -pids"));
            drop(fs::write(above.join("cgroup.procs"), own_number()));
            drop(fs::remove_dir(above.join(OWN)));
        }
    }
}

fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn is_delegated(folder: &Path) -> bool {
    // Set by systemd; a user may set the one that begins with `user.` for groups of his own.
    ["trusted.delegate", "user.delegate"].into_iter().any(|name| {
        let mut value = [0; 8];
        rustix::fs::getxattr(folder, name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1"))
    })
}

fn own_number() -> String {
    Pid::as_raw_nonzero(rustix::process::getpid()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like a group, with what the kernel would have in it.
    fn group(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("a/b");
        fs::create_dir_all(&own).unwrap();
        let usual = [
            ("cgroup.controllers", "cpu memory pids"),
            ("cgroup.procs", ""),
            ("cgroup.subtree_control", ""),
            ("cgroup.type", "domain"),
        ];
        usual.iter().chain(files).for_each(|(name, text)| fs::write(own.join(name), text).unwrap());
        folder
    }

    fn find(folder: &tempfile::TempDir, own: &str) -> Result<Ground, Obstacle> {
        Ground::find(folder.path(), own, false)
    }

    #[test]
    fn only_a_group_of_ones_own_is_divided() {
        let all = "3:pids:/x\n0::/a/b\n";
        assert!(find(&group(&[]), all).is_ok());
        assert!(find(&group(&[("cgroup.procs", &own_number())]), all).is_ok());
        let obstacle = |files: &[(&str, &str)], own: &str| find(&group(files), own).unwrap_err();
        assert_eq!(obstacle(&[], "3:pids:/x\n"), Obstacle::NoVersion2);
        assert_eq!(obstacle(&[("cgroup.controllers", "hugetlb pids")], all), Obstacle::NoControllers);
        assert_eq!(obstacle(&[("cgroup.procs", "1\n2\n")], all), Obstacle::NotAlone);
        // Root needs more than that it can be written.
        let folder = group(&[]);
        assert_eq!(Ground::find(folder.path(), all, true).unwrap_err(), Obstacle::NotDelegated);
        fs::remove_file(folder.path().join("a/b/cgroup.subtree_control")).unwrap();
        assert_eq!(find(&folder, all).unwrap_err(), Obstacle::NotDelegated);
    }

    #[test]
    fn the_workers_group_is_bounded_and_gone_in_the_end() {
        let folder = group(&[]);
        let ground = find(&folder, "0::/a/b\n").unwrap();
        let made = ground.divide(7 << 30).unwrap();
        let text = |name: &str| fs::read_to_string(made.folder.join(name)).unwrap();
        assert_eq!(text("memory.max"), (7_u64 << 30).to_string());
        assert_eq!(text("pids.max"), "4096");
        let enabled = fs::read_to_string(folder.path().join("a/b/cgroup.subtree_control")).unwrap();
        assert_eq!(enabled, "+memory +pids");
        assert!(!made.ran_out_of_memory());
        fs::write(made.folder.join("memory.events"), "low 0\noom 2\noom_kill 1\n").unwrap();
        assert!(made.ran_out_of_memory() && !made.ran_out_of_memory());
        fs::remove_file(made.folder.join("memory.events")).unwrap();
        // The kernel removes the files of a group with it.
        for name in ["memory.max", "pids.max", "memory.swap.max"] {
            fs::remove_file(made.folder.join(name)).unwrap();
        }
        let own = made.folder.clone();
        drop(made);
        assert!(!own.exists());
    }

    #[test]
    fn who_was_moved_divides_the_group_above() {
        let ground = find(&group(&[]), "0::/a/b/candor-broker\n").unwrap();
        assert!(ground.folder.ends_with("a/b"));
    }
}
