//! What a stage of an update can reach: its rooms, and nothing else.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use candor_sandbox::{Ended, Rooms, StageError, stage};

use crate::nobody::as_nobody_too;

const TIME: Duration = Duration::from_secs(60);

/// The signal for a call that is not in the table.
const BAD_CALL: i32 = 31;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for room in ["in", "out", "elsewhere"] {
            fs::create_dir(directory.path().join(room)).unwrap();
            fs::write(directory.path().join(room).join("file"), room).unwrap();
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn stage(&self, work: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, StageError> {
        stage(&Rooms { reads: &[&self.path("in")], writes: &[&self.path("out")] }, TIME, work)
    }

    /// What kind of failure this came to.
    fn failure<T>(&self, work: impl FnOnce() -> std::io::Result<T>) -> String {
        let kind = || match work() {
            Ok(_) => b"allowed".to_vec(),
            Err(error) => format!("{:?}", error.kind()).into_bytes(),
        };
        String::from_utf8(self.stage(kind).unwrap()).unwrap()
    }
}

#[test]
fn a_stage_works_in_its_rooms() {
    let place = Place::new();
    let (from, into) = (place.path("in/file"), place.path("out"));
    let said = place.stage(|| {
        let text = fs::read(&from).unwrap();
        fs::create_dir(into.join("new")).unwrap();
        fs::write(into.join("new/unfinished"), &text).unwrap();
        fs::File::open(into.join("new/unfinished")).unwrap().sync_all().unwrap();
        fs::rename(into.join("new/unfinished"), into.join("new/copy")).unwrap();
        fs::remove_file(into.join("file")).unwrap();
        let names = fs::read_dir(into.join("new")).unwrap().count();
        [text, vec![b'0' + u8::try_from(names).unwrap()]].concat()
    });
    assert_eq!(said.unwrap(), b"in1");
    assert_eq!(fs::read(place.path("out/new/copy")).unwrap(), b"in");
    assert!(!place.path("out/file").exists());
    as_nobody_too("stage::a_stage_works_in_its_rooms");
}

#[test]
fn a_stage_reaches_no_other_file() {
    let place = Place::new();
    let denied = format!("{:?}", ErrorKind::PermissionDenied);
    let path = |name| place.path(name);
    let hostname = Path::new("/etc/passwd");
    assert_eq!(place.failure(|| fs::read(hostname)), denied);
    assert_eq!(place.failure(|| fs::read(path("elsewhere/file"))), denied);
    assert_eq!(place.failure(|| fs::read_dir(path("elsewhere"))), denied);
    assert_eq!(place.failure(|| fs::write(path("in/file"), "changed")), denied);
    assert_eq!(place.failure(|| fs::write(path("in/new"), "new")), denied);
    assert_eq!(place.failure(|| fs::remove_file(path("in/file"))), denied);
    assert_eq!(place.failure(|| fs::rename(path("out/file"), path("elsewhere/file"))), denied);
    // A link in a room does not lead out of it.
    std::os::unix::fs::symlink(path("elsewhere/file"), path("in/link")).unwrap();
    assert_eq!(place.failure(|| fs::read(path("in/link"))), denied);
    assert_eq!(place.failure(|| fs::read(path("in/file"))), "allowed");
    as_nobody_too("stage::a_stage_reaches_no_other_file");
}

#[test]
fn a_stage_has_no_network_and_starts_nothing() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    type Act = Box<dyn Fn() -> bool>;
    let acts: [(&str, Act); 5] = [
        ("connect", Box::new(move || TcpStream::connect(address).is_ok())),
        ("udp", Box::new(|| UdpSocket::bind("127.0.0.1:0").is_ok())),
        ("unix", Box::new(|| UnixDatagram::unbound().is_ok())),
        ("exec", Box::new(|| Command::new("/bin/true").spawn().is_ok())),
        ("thread", Box::new(|| std::thread::spawn(|| ()).join().is_ok())),
    ];
    for (name, act) in acts {
        match place.stage(|| format!("{}", act()).into_bytes()) {
            Err(StageError::Ended(Ended::Signalled(BAD_CALL))) => (),
            other => panic!("{name}: {other:?}"),
        }
    }
    as_nobody_too("stage::a_stage_has_no_network_and_starts_nothing");
}

#[test]
fn a_stage_inherits_nothing() {
    let place = Place::new();
    let held = fs::File::open(place.path("elsewhere/file")).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&held);
    let said = place.stage(move || {
        // SAFETY is not needed to ask: a descriptor that is closed cannot be duplicated through its path either.
        let alive = rustix::fs::fstat(std::os::fd::AsFd::as_fd(&held)).is_ok();
        std::mem::forget(held);
        format!("{alive}").into_bytes()
    });
    assert_eq!(said.unwrap(), b"false", "{number}");
}

#[test]
fn a_stage_that_fails_or_hangs_is_told() {
    let place = Place::new();
    let silent = || std::panic::set_hook(Box::new(|_| ()));
    let failed = place.stage(|| {
        silent();
        panic!("no");
    });
    assert!(matches!(failed, Err(StageError::Ended(Ended::Exited(1)))), "{failed:?}");
    let began = Instant::now();
    let path = place.path("in");
    let rooms = Rooms { reads: &[&path], writes: &[] };
    let hung = stage(&rooms, Duration::from_millis(300), || {
        loop {
            std::hint::spin_loop();
        }
    });
    assert!(matches!(hung, Err(StageError::Slow)), "{hung:?}");
    assert!(began.elapsed() < TIME);
    let missing = place.path("missing");
    let refused = stage(&Rooms { reads: &[&missing], writes: &[] }, TIME, Vec::new);
    match refused {
        Err(StageError::NotConfined(why)) => assert!(why.contains("missing"), "{why}"),
        other => panic!("{other:?}"),
    }
}
