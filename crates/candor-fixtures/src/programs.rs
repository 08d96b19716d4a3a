//! Programs for tests that start them: copies, programs of other crates, examples, and a name server.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Copies a program, by another process: one that is still open for writing, be it in a copy of this process that another
/// test is just making, cannot be started.
///
/// # Panics
/// It cannot be copied.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let copied = Command::new("cp").arg(from.as_ref()).arg(to.as_ref()).status().expect("cp starts");
    assert!(copied.success(), "{} is not copied", from.as_ref().display());
}

/// An example of the crate that `program` is of: it is built together with the tests.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn example(program: &str, name: &str) -> PathBuf {
    let example = Path::new(program).with_file_name("examples").join(name);
    assert!(example.is_file(), "{} is missing: build the examples too", example.display());
    example
}

/// The fetcher, beside `program`. It is a program of another crate, and built when it is not there.
///
/// # Panics
/// It cannot be built.
pub fn fetcher(program: &str, cargo: &str) -> &'static Path {
    static FETCHER: OnceLock<PathBuf> = OnceLock::new();
    FETCHER.get_or_init(|| {
        let path = Path::new(program).with_file_name("candor-fetch");
        if !path.is_file() {
            let built =
                Command::new(cargo).args(["build", "-p", "candor-fetch"]).status().expect("cargo starts");
            assert!(built.success(), "candor-fetch is not built");
        }
        path
    })
}

/// A name server on this machine that answers every question with one text; its address.
///
/// # Panics
/// There is no socket for it, or the text is longer than a record holds.
#[must_use]
pub fn name_server(text: &str) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = socket.local_addr().expect("its address").to_string();
    let length = u8::try_from(text.len()).expect("a short text");
    let text = text.as_bytes().to_vec();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((received, from)) = socket.recv_from(&mut buffer) {
            let query = &buffer[..received];
            let mut answer = query[..2].to_vec();
            answer.extend_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            answer.extend_from_slice(&query[12..]);
            answer.extend_from_slice(&[0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, length + 1, length]);
            answer.extend_from_slice(&text);
            drop(socket.send_to(&answer, from));
        }
    });
    address
}
