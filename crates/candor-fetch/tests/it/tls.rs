//! Servers that are to be believed, and those that are not. The server is `openssl s_server`, where it is installed.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use candor_update::source::fetch::{FailureKind, Job, Wish};

use crate::place::{Place, job, short, wish};

struct Secure {
    child: Child,
    url: String,
}

impl Drop for Secure {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A certificate for `localhost` that vouches for itself, for so many days from now: fewer than none is the past.
fn certificate(folder: &Path, name: &str, days: &str) -> bool {
    let (key, file, request) = (format!("{name}.key"), format!("{name}.pem"), format!("{name}.csr"));
    std::fs::write(folder.join("ext"), "subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n")
        .unwrap();
    openssl(
        folder,
        &["req", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &request, "-subj", "/CN=x"],
    ) && openssl(
        folder,
        &["x509", "-req", "-in", &request, "-signkey", &key, "-days", days, "-extfile", "ext", "-out", &file],
    )
}

fn serve(folder: &Path, name: &str) -> Secure {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(folder.join("file"), b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nsecret").unwrap();
    let child = Command::new("openssl")
        .args(["s_server", "-quiet", "-HTTP", "-accept", &format!("127.0.0.1:{port}")])
        .args(["-cert", &format!("{name}.pem"), "-key", &format!("{name}.key")])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Secure { child, url: format!("https://localhost:{port}/file") }
}

fn outcome(url: &str, authorities: Option<String>) -> Result<u16, FailureKind> {
    let job = Job { authorities, ..job(vec![Wish::File(wish(url))], short()) };
    let (answers, said) = Place::new().run(&job);
    assert_eq!(said, "");
    match &answers[0].failure {
        Some(failure) => Err(failure.kind),
        None => Ok(answers[0].status.unwrap()),
    }
}

#[test]
fn only_servers_that_somebody_vouches_for_are_believed() {
    let place = Place::new();
    let folder = place.path("");
    if !certificate(&folder, "good", "30") || !certificate(&folder, "other", "30") {
        return;
    }
    let server = serve(&folder, "good");
    let file = |name: &str| Some(folder.join(name).display().to_string());
    assert_eq!(outcome(&server.url, file("good.pem")), Ok(200));
    // Another authority, none at all, and those of the system, which know nothing of this one.
    assert_eq!(outcome(&server.url, file("other.pem")), Err(FailureKind::Certificate));
    assert_eq!(outcome(&server.url, file("missing.pem")), Err(FailureKind::Certificate));
    assert_eq!(outcome(&server.url, None), Err(FailureKind::Certificate));
    // It is not who it says when it is called otherwise.
    let otherwise = server.url.replace("localhost", "127.0.0.1");
    assert_eq!(outcome(&otherwise, file("good.pem")), Err(FailureKind::Certificate));
}

#[test]
fn a_certificate_that_has_expired_is_none() {
    let place = Place::new();
    let folder = place.path("");
    if !certificate(&folder, "old", "-1") {
        return;
    }
    let server = serve(&folder, "old");
    let file = Some(folder.join("old.pem").display().to_string());
    assert_eq!(outcome(&server.url, file), Err(FailureKind::Certificate));
}
