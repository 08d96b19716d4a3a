//! Mail servers: a conversation as Postfix and Sendmail have it, with what `clamav-milter` of ClamAV 1.4.6 answered to
//! the same one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::run::{Daemon, MARKER, NAME};

/// What the mail server can do, and what it would leave out.
const OFFER: [u32; 3] = [6, 0x1ff, 0x1f_ffff];

struct Server<S> {
    socket: S,
}

/// A message.
struct Mail<'a> {
    from: &'a str,
    to: &'a [&'a str],
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
    user: Option<&'a str>,
}

const PLAIN: Mail<'_> =
    Mail { from: "<a@b.c>", to: &["<d@e.f>"], headers: &[("Subject", "hi")], body: b"hello\r\n", user: None };

const BAD: Mail<'_> = Mail { body: MARKER, ..PLAIN };

impl<S: std::io::Read + std::io::Write> Server<S> {
    fn say(&mut self, letter: u8, content: &[u8]) {
        let length = u32::try_from(content.len() + 1).unwrap();
        self.socket.write_all(&[&length.to_be_bytes()[..], &[letter], content].concat()).unwrap();
    }

    /// One packet; nothing when the other side has hung up.
    fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length).ok()?;
        let mut packet = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        self.socket.read_exact(&mut packet).unwrap();
        Some((packet[0], packet[1..].to_vec()))
    }

    fn ask(&mut self, letter: u8, content: &[u8]) -> char {
        self.say(letter, content);
        self.hear().map_or('-', |(letter, _)| letter.into())
    }

    fn agree(&mut self, offer: [u32; 3]) -> Option<[u32; 3]> {
        self.say(b'O', &offer.map(u32::to_be_bytes).concat());
        let (letter, content) = self.hear()?;
        assert_eq!((letter, content.len()), (b'O', 12));
        let number = |place: usize| u32::from_be_bytes(*content[place * 4..].first_chunk().unwrap());
        Some([number(0), number(1), number(2)])
    }

    fn client(&mut self, address: &str) -> char {
        self.say(b'D', b"Cj\0mx.local\0");
        self.ask(b'C', &[b"mx.example\x004\0\x19", address.as_bytes(), b"\0"].concat())
    }

    /// Everything that is said of a message, in the end.
    fn mail(&mut self, mail: &Mail<'_>) -> String {
        let user = mail.user.map_or(String::new(), |user| format!("{{auth_authen}}\0{user}\0"));
        self.say(b'D', format!("Mi\0QID1\0{user}").as_bytes());
        let first = self.ask(b'M', format!("{}\0SIZE=1\0", mail.from).as_bytes());
        if first != 'c' {
            return format!("M{first}");
        }
        for to in mail.to {
            assert_eq!(self.ask(b'R', format!("{to}\0").as_bytes()), 'c');
        }
        for (name, value) in mail.headers {
            let answer = self.ask(b'L', format!("{name}\0{value}\0").as_bytes());
            if answer != 'c' {
                return format!("L{answer}");
            }
        }
        for piece in mail.body.chunks(65_535) {
            match self.ask(b'B', piece) {
                'c' => (),
                's' => break,
                other => return format!("B{other}"),
            }
        }
        self.say(b'E', b"");
        let mut said = String::new();
        while let Some((letter, content)) = self.hear() {
            let text = String::from_utf8_lossy(&content).replace('\0', "|");
            said += &format!("{}{text}\n", char::from(letter));
            if b"acdrtyf".contains(&letter) {
                break;
            }
        }
        said
    }
}

/// A daemon with these lines in its `clamav-milter.conf`.
fn daemon(conf: &str) -> Daemon {
    let folder = tempfile::tempdir().unwrap().keep();
    let (path, socket) = (folder.join("clamav-milter.conf"), folder.join("milter"));
    std::fs::write(
        &path,
        format!("MilterSocket unix:{}\nReportHostname h.example\n{conf}", socket.display()),
    )
    .unwrap();
    Daemon::start_with("", &format!("milter = '{}'\n", path.display()), &mut |_| ())
}

fn connect(daemon: &Daemon) -> Server<UnixStream> {
    let log = daemon.log();
    let (_, rest) = log.split_once("milter: /").unwrap();
    let socket = UnixStream::connect(format!("/{}", rest.lines().next().unwrap())).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    Server { socket }
}

/// What is said of a message from a network.
fn said(daemon: &Daemon, mail: &Mail<'_>) -> String {
    let mut server = connect(daemon);
    server.agree(OFFER).unwrap();
    assert_eq!(server.client("192.0.2.1"), 'c');
    server.mail(mail)
}

const STATUS: &str = "hX-Virus-Scanned|Candor 0.1.0 at h.example|\nhX-Virus-Status|";

#[test]
fn mail_is_accepted_or_kept_back_and_one_conversation_has_many() {
    let daemon = daemon("");
    let mut server = connect(&daemon);
    assert_eq!(server.agree(OFFER), Some([6, 0x20, 0x742]));
    assert_eq!(server.client("192.0.2.1"), 'c');
    for _ in 0..3 {
        assert_eq!(server.mail(&PLAIN), "a\n");
        assert_eq!(server.mail(&BAD), "qquarantined by clamav-milter|\na\n");
    }
    // What does not go on is forgotten, and another client may follow.
    server.say(b'D', b"Mi\0Q2\0");
    assert_eq!(server.ask(b'M', b"<a>\0"), 'c');
    assert_eq!(server.ask(b'B', MARKER), 'c');
    server.say(b'A', b"");
    assert_eq!(server.mail(&PLAIN), "a\n");
    server.say(b'K', b"");
    assert_eq!(server.client("192.0.2.1"), 'c');
    assert_eq!(server.mail(&BAD), "qquarantined by clamav-milter|\na\n");
    server.say(b'Q', b"");
    assert_eq!(server.hear(), None);
    assert!(daemon.json().contains("\"command\":\"milter\",\"subject\":\"QID1\",\"verdict\":\"infected\""));
}

#[test]
fn older_servers_and_those_that_can_less_are_spoken_with_if_they_can_enough() {
    let daemon = daemon("AddHeader Replace\n");
    let agreed = |offer| connect(&daemon).agree(offer);
    assert_eq!(agreed([2, 0x3f, 0x7f]), Some([2, 0x31, 0x42]));
    assert_eq!(agreed([8, 0x1ff, 0]), Some([6, 0x31, 0]));
    // It could neither keep a message back nor change a header.
    for offer in [[6, 0x01, 0x1f_ffff], [6, 0x21, 0x1f_ffff], [1, 0x3f, 0x7f]] {
        assert_eq!(agreed(offer), None, "{offer:?}");
    }
    assert!(
        daemon.log().contains("milter: the mail server offers version 6 and actions 0x1; 0x31 are needed")
    );
}

#[test]
fn each_action_is_taken() {
    for (conf, wanted) in [
        ("OnInfected Accept\n", "a\n"),
        ("OnInfected Blackhole\n", "d\n"),
        ("OnInfected Defer\n", "t\n"),
        ("OnInfected Reject\n", "r\n"),
        ("OnInfected Reject\nRejectMsg no %v, 100%\n", "y550 5.7.1 no Test.Marker.UNOFFICIAL, 100%%|\n"),
    ] {
        assert_eq!(said(&daemon(conf), &BAD), wanted, "{conf}");
    }
    assert_eq!(said(&daemon("OnClean Reject\nRejectMsg no %v\n"), &PLAIN), "r\n");
}

#[test]
fn headers_say_what_was_found_and_replace_what_others_said() {
    let replace = daemon("AddHeader Yes\nOnInfected Accept\n");
    assert_eq!(said(&replace, &PLAIN), format!("{STATUS}Clean|\na\n"));
    let forged = Mail {
        headers: &[("X-Virus-Status", "Clean"), ("x-virus-scanned", "x"), ("X-Virus-Status", "Clean")],
        ..BAD
    };
    let removed =
        "m\0\0\0\u{1}X-Virus-Scanned\0\0\nm\0\0\0\u{2}X-Virus-Status\0\0\nm\0\0\0\u{1}X-Virus-Status\0\0\n";
    let wanted = format!("{}{STATUS}Infected ({NAME})|\na\n", removed.replace('\0', "|"));
    assert_eq!(said(&replace, &forged), wanted);
    let add = daemon("AddHeader Add\n");
    let wanted = format!(
        "{}Infected ({NAME})|\nqquarantined by clamav-milter|\na\n",
        STATUS.replace("hX", "i|||\u{1}X")
    );
    assert_eq!(said(&add, &forged), wanted);
}

#[test]
fn what_was_not_looked_at_as_a_whole_is_not_called_clean() {
    let daemon = daemon("AddHeader Yes\nMaxFileSize 1K\nLogClean Basic\n");
    let long = Mail { body: &vec![b'x'; 200_000], ..PLAIN };
    assert_eq!(said(&daemon, &long), format!("{STATUS}Not fully scanned (file-size)|\na\n"));
    assert!(daemon.log().contains("Message from <a@b.c> to <d@e.f>: Not fully scanned (file-size)"));
    // What was looked at counts.
    let body = [MARKER, &vec![b'x'; 200_000]].concat();
    let found = format!("{STATUS}Infected ({NAME})|\nqquarantined by clamav-milter|\na\n");
    assert_eq!(said(&daemon, &Mail { body: &body, ..PLAIN }), found);
}

#[test]
fn headers_and_the_last_piece_are_looked_at_too() {
    let daemon = daemon("OnInfected Reject\n");
    let marker = std::str::from_utf8(MARKER).unwrap();
    assert_eq!(said(&daemon, &Mail { headers: &[("Subject", marker)], ..PLAIN }), "r\n");
    let mut server = connect(&daemon);
    server.agree(OFFER).unwrap();
    assert_eq!(server.ask(b'M', b"<a>\0"), 'c');
    assert_eq!(server.ask(b'E', MARKER), 'r');
    // Cut anywhere, and a message that never began.
    assert_eq!(server.ask(b'M', b"<a>\0"), 'c');
    assert_eq!(server.ask(b'B', &MARKER[..5]), 'c');
    assert_eq!(server.ask(b'E', &MARKER[5..]), 'r');
    assert_eq!(server.ask(b'E', b""), 't');
}

#[test]
fn some_mail_is_not_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    std::fs::write(&list, "From:^<friend@\nwants@it\n").unwrap();
    let conf = format!(
        "OnInfected Reject\nLocalNet 198.51.100.0/24\nLocalNet local\nSkipAuthenticated ^joe$\nAllowList {}\n",
        list.display()
    );
    let daemon = daemon(&conf);
    assert_eq!(said(&daemon, &BAD), "r\n");
    assert_eq!(said(&daemon, &Mail { from: "<friend@x>", ..BAD }), "Ma");
    assert_eq!(said(&daemon, &Mail { user: Some("joe"), ..BAD }), "Ma");
    assert_eq!(said(&daemon, &Mail { user: Some("joey"), ..BAD }), "r\n");
    assert_eq!(said(&daemon, &Mail { to: &["<wants@it>"], ..BAD }), "La");
    assert_eq!(said(&daemon, &Mail { to: &["<wants@it>", "<does-not@it>"], ..BAD }), "r\n");
    for (address, answer) in [("198.51.100.7", 'a'), ("198.51.101.7", 'c')] {
        let mut server = connect(&daemon);
        server.agree(OFFER).unwrap();
        assert_eq!(server.client(address), answer);
    }
    let mut server = connect(&daemon);
    server.agree(OFFER).unwrap();
    assert_eq!(server.ask(b'C', b"localhost\0L\0\0/x\0"), 'a');
    // Who said who he is did so for one message.
    let mut server = connect(&daemon);
    server.agree(OFFER).unwrap();
    assert_eq!(server.mail(&Mail { user: Some("joe"), ..BAD }), "Ma");
    assert_eq!(server.mail(&BAD), "r\n");
}

#[test]
fn the_log_and_a_program_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (told, script) = (folder.path().join("told"), folder.path().join("script"));
    std::fs::write(&script, format!("for word; do printf '[%s]' \"$word\"; done >> {}\n", told.display()))
        .unwrap();
    let conf = format!(
        "LogInfected Full\nLogClean Full\nSupportMultipleRecipients yes\nVirusAction /bin/sh {}\n",
        script.display()
    );
    let mut daemon = daemon(&conf);
    let headers = &[("Subject", "$(touch x)\nforged"), ("Message-ID", "<q@w>"), ("Date", "today")];
    let mail = Mail { to: &["<d@e.f>", "<g@h.i>"], headers, ..BAD };
    said(&daemon, &mail);
    said(&daemon, &PLAIN);
    let line = |to: &str| format!("[{NAME}][QID1][a@b.c][{to}][$(touch x)\nforged][<q@w>][today]");
    let wanted = [line("d@e.f"), line("g@h.i")].concat();
    daemon.wait_until("it is told", |_| std::fs::read_to_string(&told).is_ok_and(|text| text == wanted));
    let log = daemon.log();
    for line in [
        &format!(
            "Message QID1 from <a@b.c> to <g@h.i> with subject '$(touch x)?forged' message-id '<q@w>' date 'today' infected by {NAME}"
        ),
        "Clean message QID1 from <a@b.c> to <d@e.f> with subject 'hi' message-id 'UNKNOWN' date 'UNKNOWN'",
    ] {
        assert!(log.lines().any(|held| held == line), "{line}: {log}");
    }
}

#[test]
fn what_is_not_of_the_protocol_is_hung_up_on_and_harms_nobody() {
    let daemon = daemon("");
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 8], &[0xff; 64], b"\0\0\0\x01B", b"\0\0\0\x01?"] {
        let mut server = connect(&daemon);
        server.socket.write_all(bytes).unwrap();
        assert_eq!(server.hear(), None, "{bytes:?}");
    }
    // One that says nothing, and one that stops in the middle, hold nobody up.
    let silent = connect(&daemon);
    let mut half = connect(&daemon);
    half.agree(OFFER).unwrap();
    half.socket.write_all(b"\0\0\0\x20M<a").unwrap();
    assert_eq!(said(&daemon, &PLAIN), "a\n");
    drop((silent, half));
    assert_eq!(daemon.ask(b"zPING\0"), "PONG\0");
}

#[test]
fn it_can_be_come_to_over_a_network_and_ends_with_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("conf");
    std::fs::write(&path, "MilterSocket inet:0@127.0.0.1\n").unwrap();
    let mut daemon = Daemon::start_with("", &format!("milter = '{}'\n", path.display()), &mut |_| ());
    let log = daemon.log();
    let (_, port) = log.split_once("milter: 127.0.0.1:").unwrap();
    let port: u16 = port.lines().next().unwrap().parse().unwrap();
    let mut server = Server { socket: TcpStream::connect(("127.0.0.1", port)).unwrap() };
    server.agree(OFFER).unwrap();
    assert_eq!(server.mail(&BAD), "qquarantined by clamav-milter|\na\n");
    daemon.signal(rustix::process::Signal::TERM);
    assert!(daemon.ended().success());
    assert_eq!(server.socket.read(&mut [0; 1]).unwrap(), 0);
}
