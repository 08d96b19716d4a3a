//! TLS, with and without certificates of clients. The certificates are of these tests alone: an authority whose key
//! is gone, a server and a client of it, and a stranger of another one; and a server of an authority that is to follow.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::run::{Daemon, MARKER, NAME, stream};

type Client = StreamOwned<ClientConnection, TcpStream>;

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls")).join(name)
}

fn daemon(table: &str, more: &str) -> Daemon {
    let own = format!(
        "{more}[tls]\ncertificate = '{}'\nkey = '{}'\n{table}",
        file("server.pem").display(),
        file("server.key").display()
    );
    Daemon::start_with("", &own, &mut |_| ())
}

fn clients() -> String {
    format!("clients = '{}'\n", file("ca.pem").display())
}

/// The port of the n-th address that it says it listens on.
fn port(daemon: &Daemon, number: usize) -> u16 {
    let log = daemon.log();
    let ports = log.split("127.0.0.1:").skip(1).map(|rest| rest.split([',', '\n', ' ']).next().unwrap());
    ports.map(|port| port.parse().unwrap()).nth(number).unwrap()
}

/// Comes as this one, or as nobody.
fn connect(daemon: &Daemon, number: usize, who: Option<&str>) -> Client {
    connect_to(daemon, number, "ca.pem", who)
}

/// The same, to a server of this authority.
fn connect_to(daemon: &Daemon, number: usize, authority: &str, who: Option<&str>) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file(authority)).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match who {
        None => builder.with_no_client_auth(),
        Some(who) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(file(&format!("{who}.pem"))).unwrap()],
                PrivateKeyDer::from_pem_file(file(&format!("{who}.key"))).unwrap(),
            )
            .unwrap(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port(daemon, number))).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket)
}

/// All that comes back, or that nothing does.
fn ask(mut client: Client, bytes: &[u8]) -> Result<String, std::io::Error> {
    client.write_all(bytes)?;
    let mut text = String::new();
    client.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn who_shows_a_certificate_is_served_and_nobody_else() {
    let daemon = daemon(&format!("listen = ['127.0.0.1:0']\n{}", clients()), "");
    assert_eq!(ask(connect(&daemon, 1, Some("client")), b"zPING\0").unwrap(), "PONG\0");
    let bad = stream(MARKER, 4);
    assert_eq!(ask(connect(&daemon, 1, Some("client")), &bad).unwrap(), format!("stream: {NAME} FOUND\0"));
    for who in [None, Some("stranger")] {
        assert!(ask(connect(&daemon, 1, who), b"zPING\0").is_err(), "{who:?}");
    }
    // One that does not speak TLS at all, and one that says nothing.
    let silent = TcpStream::connect(("127.0.0.1", port(&daemon, 1))).unwrap();
    let mut plain = TcpStream::connect(("127.0.0.1", port(&daemon, 1))).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    plain.write_all(b"zPING\0").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.windows(4).any(|four| four == b"PONG"), "{answer:?}");
    assert_eq!(daemon.ask(b"zPING\0"), "PONG\0");
    drop(silent);
}

#[test]
fn what_changes_the_daemon_is_refused_over_tls_too() {
    let refused = "COMMAND UNAVAILABLE\0";
    let table = format!("listen = ['127.0.0.1:0']\n{}", clients());
    let careful = daemon(&table, "");
    for command in [&b"zSHUTDOWN\0"[..], b"zRELOAD\0", b"zSELFCHECK\0"] {
        assert_eq!(ask(connect(&careful, 1, Some("client")), command).unwrap(), refused);
    }
    let open = daemon(&table, "tcp-control = true\n");
    assert_eq!(ask(connect(&open, 1, Some("client")), b"zRELOAD\0").unwrap(), "RELOADING\0");
}

#[test]
fn without_authorities_everybody_is_served_and_long_streams_go_both_ways() {
    let daemon = daemon("listen = ['127.0.0.1:0']\nicap = ['127.0.0.1:0']\n", "");
    let mut long = vec![b'x'; 3_000_000];
    assert_eq!(ask(connect(&daemon, 1, None), &stream(&long, 70_000)).unwrap(), "stream: OK\0");
    long.extend(MARKER);
    let found = format!("stream: {NAME} FOUND\0");
    assert_eq!(ask(connect(&daemon, 1, None), &stream(&long, 70_000)).unwrap(), found);
    // It comes back, so that more is sent than fits into any buffer.
    let post = "POST / HTTP/1.1\r\n\r\n";
    let body = vec![b'~'; 2_000_000];
    let request = format!(
        "REQMOD icap://s/x ICAP/1.0\r\nConnection: close\r\nEncapsulated: req-hdr=0, req-body={}\r\n\r\n{post}{:x}\r\n",
        post.len(),
        body.len()
    );
    let request = [request.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    let answer = ask(connect(&daemon, 2, None), &request).unwrap();
    assert!(answer.starts_with("ICAP/1.0 200 OK\r\n"), "{answer:.300}");
    assert_eq!(answer.matches('~').count(), body.len());
}

#[test]
fn certificates_are_read_again_on_a_signal_and_the_old_ones_stay_when_the_new_are_broken() {
    let folder = tempfile::tempdir().unwrap();
    let put = |from: &str, to: &str| {
        std::fs::copy(file(from), folder.path().join(to)).unwrap();
    };
    put("server.pem", "cert");
    put("server.key", "key");
    put("ca.pem", "clients");
    let name = |name: &str| folder.path().join(name).display().to_string();
    let own = format!(
        "[tls]\nlisten = ['127.0.0.1:0']\ncertificate = '{}'\nkey = '{}'\nclients = '{}'\n",
        name("cert"),
        name("key"),
        name("clients")
    );
    let mut daemon = Daemon::start_with("", &own, &mut |_| ());
    let serves = |daemon: &Daemon, authority: &str, who: &str| {
        ask(connect_to(daemon, 1, authority, Some(who)), b"zPING\0").is_ok_and(|said| said == "PONG\0")
    };
    assert!(serves(&daemon, "ca.pem", "client") && !serves(&daemon, "next-ca.pem", "client"));
    // One that is connected when the others come is not hung up on.
    let mut early = connect(&daemon, 1, Some("client"));
    early.write_all(b"zIDSESSION\0zPING\0").unwrap();
    let mut heard = [0; 8];
    early.read_exact(&mut heard).unwrap();

    // A certificate and a key that do not belong together, no certificate, and none at all.
    for (number, break_it) in [
        (1, &(|| put("next.pem", "cert")) as &dyn Fn()),
        (2, &|| std::fs::write(folder.path().join("cert"), "nonsense").unwrap()),
        (3, &|| std::fs::remove_file(folder.path().join("cert")).unwrap()),
    ] {
        break_it();
        daemon.signal(rustix::process::Signal::HUP);
        daemon.wait_until("it is said", |daemon| {
            daemon.log().matches("the old ones stay in force").count() == number
        });
        assert!(serves(&daemon, "ca.pem", "client"), "{number}");
    }

    put("next.pem", "cert");
    put("next.key", "key");
    put("next-ca.pem", "clients");
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_until("they are in force", |daemon| daemon.log().contains("certificates were read again"));
    assert!(serves(&daemon, "next-ca.pem", "next-client"));
    // Neither the certificate nor the authority of before is used any more.
    assert!(!serves(&daemon, "ca.pem", "next-client") && !serves(&daemon, "next-ca.pem", "client"));
    early.write_all(b"zPING\0").unwrap();
    early.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"2: PONG\0");
}

#[test]
fn a_table_that_makes_no_sense_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let (conf, own) = (folder.path().join("clamd.conf"), folder.path().join("candord.toml"));
    std::fs::write(&conf, "LocalSocket /tmp/x\n").unwrap();
    let name = |name: &str| file(name).display().to_string();
    for (table, wanted) in [
        (String::from("listen = ['127.0.0.1:0']\n"), "tls.certificate is missing"),
        (format!("listen = ['127.0.0.1:0']\ncertificate = '{}'\n", name("server.pem")), "tls.key is missing"),
        (
            format!(
                "listen = ['127.0.0.1:0']\ncertificate = '{}'\nkey = '{}'\n",
                name("server.pem"),
                name("client.key")
            ),
            "tls.certificate and tls.key",
        ),
        (
            format!("listen = ['127.0.0.1:0']\ncertificate = '{}'\nkey = '{0}'\n", name("server.key")),
            "no certificate",
        ),
        (String::from("listen = ['/run/x']\n"), "sockets of this machine need none"),
    ] {
        std::fs::write(&own, format!("[tls]\n{table}")).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_candord"))
            .args(["--check", "-c"])
            .arg(&conf)
            .arg("--config")
            .arg(&own)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}
