//! Words of the milter protocol, whole, in pieces and damaged.

use std::net::IpAddr;

use super::*;

fn packet(letter: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 1).unwrap();
    [&length.to_be_bytes()[..], &[letter], content].concat()
}

fn one(letter: u8, content: &[u8]) -> Result<Option<(usize, String)>, Broken> {
    let bytes = packet(letter, content);
    Decoder.next(&bytes).map(|found| found.map(|(used, event)| (used, format!("{event:?}"))))
}

#[test]
fn events_are_read_up_to_their_end_and_wait_for_it() {
    let bytes = [packet(b'L', b"Subject\0 hi\0"), packet(b'B', b"text")].concat();
    let first = 4 + 1 + 12;
    for cut in 0..first {
        assert_eq!(Decoder.next(&bytes[..cut]), Ok(None));
    }
    assert_eq!(Decoder.next(&bytes), Ok(Some((first, Event::Header(b"Subject", b" hi")))));
    assert_eq!(Decoder.next(&bytes[first..]), Ok(Some((9, Event::Body(b"text")))));
}

#[test]
fn each_step_is_told_with_what_belongs_to_it() {
    let negotiate = [&[0, 0, 0, 6][..], &[0, 0, 1, 0xff], &[0, 0x1f, 0xff, 0xff]].concat();
    let bytes = packet(b'O', &negotiate);
    assert_eq!(Decoder.next(&bytes), Ok(Some((17, Event::Negotiate(6, 0x1ff, 0x1f_ffff)))));
    let bytes = packet(b'D', b"Mi\0Q1\0{auth_authen}\0joe\0cut");
    let macros: Vec<(&[u8], &[u8])> = vec![(b"i", b"Q1"), (b"auth_authen", b"joe")];
    assert_eq!(Decoder.next(&bytes), Ok(Some((bytes.len(), Event::Macros(b'M', macros)))));
    let bytes = packet(b'M', b"<a@b.c>\0SIZE=3\0");
    assert_eq!(Decoder.next(&bytes), Ok(Some((bytes.len(), Event::Mail(vec![b"<a@b.c>", b"SIZE=3"])))));
    for (letter, wanted) in [
        (b'H', "Helo"),
        (b'T', "Data"),
        (b'N', "EndOfHeaders"),
        (b'A', "Abort"),
        (b'K', "NextClient"),
        (b'Q', "Quit"),
    ] {
        assert_eq!(one(letter, b"x\0").unwrap().unwrap().1, wanted);
    }
}

#[test]
fn addresses_are_read() {
    let at = |content: &[u8]| {
        let bytes = packet(b'C', content);
        match Decoder.next(&bytes) {
            Ok(Some((_, Event::Connect(name, address)))) => Some((name.to_vec(), address)),
            _ => None,
        }
    };
    let network = |text: &str| Address::Network(text.parse::<IpAddr>().unwrap());
    assert_eq!(at(b"mx\x004\0\x19192.0.2.1\0"), Some((b"mx".to_vec(), network("192.0.2.1"))));
    assert_eq!(at(b"mx\x006\0\x19IPv6:2001:db8::1\0"), Some((b"mx".to_vec(), network("2001:db8::1"))));
    assert_eq!(at(b"mx\x006\0\x19::ffff:192.0.2.1\0"), Some((b"mx".to_vec(), network("192.0.2.1"))));
    assert_eq!(at(b"localhost\0L\0\0/x\0"), Some((b"localhost".to_vec(), Address::Local)));
    assert_eq!(at(b"x\0U"), Some((b"x".to_vec(), Address::Unknown)));
    assert_eq!(at(b"x\x004\0\x19nonsense\0"), Some((b"x".to_vec(), Address::Unknown)));
    for broken in [&b"no end"[..], b"x\0", b"x\0?", b"x\x004", b"x\x004\0\x19no end"] {
        assert_eq!(at(broken), None);
    }
}

#[test]
fn what_is_not_of_the_protocol_is_told_at_once() {
    assert_eq!(Decoder.next(&[0xff; 4]), Err(Broken::Length(u32::MAX)));
    assert_eq!(Decoder.next(&[0; 4]), Err(Broken::Length(0)));
    assert_eq!(Decoder.next(b"GET / HTTP/1.1"), Err(Broken::Length(u32::from_be_bytes(*b"GET "))));
    assert_eq!(one(b'Z', b""), Err(Broken::Letter(b'Z')));
    for (letter, content) in
        [(b'O', &b"short"[..]), (b'D', b""), (b'M', b""), (b'R', b"no end"), (b'L', b"Name\0no end")]
    {
        assert_eq!(one(letter, content), Err(Broken::Content(letter)));
    }
    let many = [&b"M"[..], &b"a\0b\0".repeat(1000)].concat();
    assert_eq!(one(b'D', &many), Err(Broken::Content(b'D')));
}

#[test]
fn replies_are_packets_and_nobody_ends_them_early() {
    let said = |reply: Reply<'_>| {
        let mut out = Vec::new();
        reply.write(&mut out);
        out
    };
    assert_eq!(said(Reply::Continue), packet(b'c', b""));
    assert_eq!(said(Reply::Code("550 5.7.1", "100% A\r\nB\0")), packet(b'y', b"550 5.7.1 100%% A??B?\0"));
    assert_eq!(said(Reply::AddHeader("X-A", "b\nX-C: d")), packet(b'h', b"X-A\0b?X-C: d\0"));
    assert_eq!(said(Reply::InsertHeader(1, "X-A", "b")), packet(b'i', b"\0\0\0\x01X-A\0b\0"));
    assert_eq!(said(Reply::ChangeHeader(2, "X-A", "")), packet(b'm', b"\0\0\0\x02X-A\0\0"));
    let offer = Offer { version: 6, actions: 0x20, steps: 0x342 };
    let wanted = [0, 0, 0, 6, 0, 0, 0, 0x20, 0, 0, 3, 0x42];
    assert_eq!(said(Reply::Negotiated(offer)), packet(b'O', &wanted));
}
