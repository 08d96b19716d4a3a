//! How often a file is read: once, whatever is written about it.

use std::fs;
use std::mem::MaybeUninit;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::place::Place;

/// What is done with `d/packed.gz` while these options are in force, and what the summary says was scanned and read.
fn scanned(place: &Place, options: &[&str]) -> (Vec<ReadFlags>, Vec<String>) {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    let what = WatchFlags::OPEN | WatchFlags::ACCESS | WatchFlags::CLOSE;
    inotify::add_watch(&watch, place.path("d/packed.gz"), what).unwrap();
    let all: Vec<&str> = options.iter().chain(&["d/packed.gz"]).copied().collect();
    let said = place.clamscan(&all);
    assert_eq!(said.code, 1, "{said:?}");
    let data = said.stdout.lines().filter(|line| line.starts_with("Data ")).map(str::to_owned).collect();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(&watch, &mut buffer);
    let mut events = Vec::new();
    loop {
        match reader.next() {
            Ok(event) => events.push(event.events()),
            Err(Errno::AGAIN) => return (events, data),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn metadata_cost_no_second_pass() {
    use std::io::Write as _;
    let place = Place::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"a MARKER in gzip").unwrap();
    packed.write_all(&vec![b'.'; 3_000_000]).unwrap();
    place.file("d/packed.gz", &packed.finish().unwrap());
    fs::create_dir(place.path("temporary")).unwrap();
    // The first run compiles.
    scanned(&place, &[]);
    let (events, data) = scanned(&place, &[]);
    assert_eq!(events.iter().filter(|event| event.contains(ReadFlags::OPEN)).count(), 1, "{events:?}");
    assert_eq!(data.len(), 2, "{data:?}");
    let with = scanned(&place, &["--gen-json", "--leave-temps", "--tempdir=temporary"]);
    assert_eq!(with, (events, data));
    assert_eq!(fs::read_dir(place.path("temporary")).unwrap().count(), 1);
}
