//! Commands that name a path: looks for the files below it, has them scanned and tells what was found.
//!
//! Each is served by a thread: looking at a file system may take as long as the file system likes. Everything
//! below a folder is opened relative to it, so that a folder that is swapped for a link meanwhile leads
//! nowhere. The client is told of no path that it did not name, but for what lies below it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use candor_protocol::clamd::{Command, Reply, ScanError, Verdict};
use candor_sandbox::input::{self, Reading};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::answer;
use crate::daemon::Shared;
use crate::jobs::{About, Asker, Job, Origin, Ticket};
use crate::log::Weight;
use crate::mailbox::Message;
use candor::clamav::Said;

/// Folders inside one another that are followed at most, whatever is allowed: each is open meanwhile.
const DEEPEST: usize = 512;

/// Bytes of replies that a client may leave lying before its walk waits.
const BACKLOG: usize = 1 << 20;

/// How long to wait until it is looked whether the client has read something.
const PAUSE: Duration = Duration::from_millis(5);

/// What a walk and its session know of one another.
#[derive(Debug, Default)]
pub struct Flow {
    /// The client is gone.
    pub cancelled: AtomicBool,
    /// Bytes of replies that are not sent yet.
    pub backlog: AtomicUsize,
}

/// A command that names a path.
#[derive(Debug)]
pub struct Request {
    /// The command.
    pub command: Command,
    /// Where the replies go.
    pub ticket: Ticket,
    /// What the session knows of it.
    pub flow: Arc<Flow>,
    /// When it came.
    pub since: Instant,
}

/// Serves one command after the other.
pub fn run(shared: &Arc<Shared>) {
    while let Some(request) = shared.walks.take() {
        if shared.walks.wants_room() {
            shared.mailbox.wake();
        }
        let (sender, receiver) = channel();
        let mut walk = Walk {
            shared,
            window: window(&request.command, shared.settings.lanes),
            request: &request,
            sender,
            receiver,
            waiting: 0,
            told: false,
            stopped: false,
            device: None,
        };
        walk.serve();
    }
}

/// Files that may be with the lanes at the same time.
const fn window(command: &Command, lanes: usize) -> usize {
    match command {
        // It ends with the first finding: nothing behind that is to be scanned.
        Command::Scan(_) => 1,
        Command::MultiScan(_) => lanes.saturating_mul(4),
        _ => 8,
    }
}

struct Walk<'a> {
    shared: &'a Shared,
    request: &'a Request,
    window: usize,
    sender: Sender<(Vec<u8>, Said)>,
    receiver: Receiver<(Vec<u8>, Said)>,
    /// Files that the lanes have.
    waiting: usize,
    /// Whether anything but `OK` was told.
    told: bool,
    stopped: bool,
    /// The file system that it began on.
    device: Option<u64>,
}

impl Walk<'_> {
    fn serve(&mut self) {
        let path = self.request.command.path().unwrap_or_default().to_vec();
        if matches!(self.request.command, Command::MultiScan(_)) && self.shared.settings.lanes < 2 {
            self.reply(&path, Verdict::Error(ScanError::NotEnoughThreads));
        } else if matches!(self.request.command, Command::AllMatchScan(_))
            && !self.shared.settings.sessions.all_match
        {
            self.reply(&path, Verdict::Error(ScanError::AllMatchDisabled));
        } else {
            self.root(&path);
        }
        while self.waiting > 0 {
            self.collect();
        }
        if !self.told {
            self.reply(&path, Verdict::Ok);
        }
        let session = self.request.ticket.session;
        self.shared.mailbox.post(Message { session, text: Vec::new(), last: true });
    }

    fn root(&mut self, path: &[u8]) {
        let Ok(name) = CString::new(path) else {
            return self.reply(path, Verdict::Error(ScanError::Path("No such file or directory")));
        };
        // A path that is not whole would be looked for wherever this daemon was started.
        let status = if path.first() == Some(&b'/') {
            rustix::fs::statat(CWD, &name, AtFlags::empty())
        } else {
            Err(Errno::NOENT)
        };
        let status = match status {
            Ok(status) => status,
            Err(Errno::ACCESS | Errno::PERM) => {
                return self.reply(path, Verdict::Error(ScanError::AccessDenied));
            }
            Err(error) => {
                let words = words(error);
                return self.reply(path, Verdict::Error(ScanError::Path(&words)));
            }
        };
        if self.is_excluded(path) {
            return self.reply(path, Verdict::Excluded);
        }
        self.device = Some(status.st_dev);
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => self.file(CWD, &name, path, true),
            FileType::Directory => match folder(CWD, &name, true) {
                Ok(folder) => {
                    let path = path.strip_suffix(b"/").unwrap_or(path);
                    self.folder(&folder, path, 1);
                }
                Err(error) => self.fail(path, error),
            },
            _ => self.reply(path, Verdict::Error(ScanError::NotSupported)),
        }
    }

    fn folder(&mut self, folder_at: &OwnedFd, path: &[u8], depth: usize) {
        let most = match self.shared.settings.walk.depth {
            0 => DEEPEST,
            given => given.min(DEEPEST),
        };
        let entries = match Dir::read_from(folder_at) {
            Ok(entries) => entries,
            Err(error) => return self.fail(path, error),
        };
        for entry in entries {
            if self.is_over() {
                return;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.fail(path, error),
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let mut whole = path.to_vec();
            whole.push(b'/');
            whole.extend_from_slice(name.to_bytes());
            if self.is_excluded(&whole) {
                continue;
            }
            self.entry(folder_at, name, &whole, (depth, most));
        }
    }

    fn entry(&mut self, folder_at: &OwnedFd, name: &CStr, path: &[u8], (depth, most): (usize, usize)) {
        let settings = &self.shared.settings.walk;
        let status = |flags| rustix::fs::statat(folder_at, name, flags);
        let mut found = match status(AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            // It went away meanwhile.
            Err(Errno::NOENT) => return,
            Err(error) => return self.fail(path, error),
        };
        let is_link = FileType::from_raw_mode(found.st_mode) == FileType::Symlink;
        if is_link {
            match status(AtFlags::empty()) {
                Ok(behind) => found = behind,
                Err(_) => return,
            }
        }
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile if !is_link || settings.follow_files => {
                self.file(folder_at.as_fd(), name, path, is_link);
            }
            FileType::Directory if !is_link || settings.follow_directories => {
                if depth >= most {
                    let text = format!("{}: folders deeper than the limit", String::from_utf8_lossy(path));
                    return self.shared.log.say(Weight::Warning, &text);
                }
                if !settings.cross && self.device != Some(found.st_dev) {
                    return self.reply(path, Verdict::OtherFileSystem);
                }
                match folder(folder_at.as_fd(), name, is_link) {
                    Ok(inner) => self.folder(&inner, path, depth.saturating_add(1)),
                    Err(error) => self.fail(path, error),
                }
            }
            // Links that are not followed, pipes, devices and sockets are passed over.
            _ => (),
        }
    }

    fn file(&mut self, folder: BorrowedFd<'_>, name: &CStr, path: &[u8], follow: bool) {
        while self.waiting >= self.window {
            self.collect();
        }
        if self.is_over() {
            return;
        }
        let opened = match input::open(folder, name, follow) {
            Ok(opened) => opened,
            Err(Reading::Special(_)) => return self.reply(path, Verdict::Error(ScanError::NotSupported)),
            Err(Reading::Failed(why)) if why == input::describe(Errno::ACCESS) => {
                return self.reply(path, Verdict::Error(ScanError::AccessDenied));
            }
            Err(_) => {
                return self.reply(path, Verdict::Error(ScanError::Other("Can't open file or directory")));
            }
        };
        self.waiting = self.waiting.saturating_add(1);
        let about = Box::new(About {
            origin: Origin::Opened,
            subject: path.to_vec(),
            name: name.to_string_lossy().rsplit('/').next().unwrap_or_default().to_owned(),
            command: self.request.command.name(),
            all: self.is_for_all(),
            asker: Asker::Walk(self.sender.clone()),
            since: self.request.since,
        });
        self.shared.jobs.put(Job { file: opened.file, about });
    }

    /// Waits for what is said of one file.
    fn collect(&mut self) {
        // A sender is held here, so it cannot fail; if it did, nothing more would come.
        let Ok((path, said)) = self.receiver.recv() else {
            self.waiting = 0;
            return;
        };
        self.waiting = self.waiting.saturating_sub(1);
        if self.is_over() {
            return;
        }
        let found = matches!(said, Said::Found(_));
        if said != Said::Ok {
            for verdict in answer::verdicts(&said, self.is_for_all()) {
                self.reply(&path, verdict);
            }
        }
        self.stopped |= found && matches!(self.request.command, Command::Scan(_));
    }

    const fn is_for_all(&self) -> bool {
        matches!(self.request.command, Command::AllMatchScan(_))
    }

    fn is_over(&self) -> bool {
        self.stopped || self.request.flow.cancelled.load(Ordering::Relaxed)
    }

    fn is_excluded(&self, path: &[u8]) -> bool {
        self.shared.settings.walk.exclude.is_match(path)
    }

    fn fail(&mut self, path: &[u8], error: Errno) {
        let why = match error {
            Errno::ACCESS | Errno::PERM => ScanError::AccessDenied,
            _ => ScanError::Other("Can't open file or directory"),
        };
        self.reply(path, Verdict::Error(why));
    }

    fn reply(&mut self, path: &[u8], verdict: Verdict<'_>) {
        self.told = true;
        let flow = &self.request.flow;
        while flow.backlog.load(Ordering::Relaxed) > BACKLOG && !flow.cancelled.load(Ordering::Relaxed) {
            std::thread::sleep(PAUSE);
        }
        let mut text = Vec::new();
        Reply::Scanned(path, verdict).write(self.request.ticket.tag, &mut text);
        flow.backlog.fetch_add(text.len(), Ordering::Relaxed);
        let session = self.request.ticket.session;
        self.shared.mailbox.post(Message { session, text, last: false });
    }
}

fn folder(at: BorrowedFd<'_>, name: &CStr, follow: bool) -> Result<OwnedFd, Errno> {
    let link = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    rustix::fs::openat(at, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | link, Mode::empty())
}

/// What the system says about an error, as the C library words it.
fn words(error: Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
