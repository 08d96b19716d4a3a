//! What mail servers, proxies and monitors say, whatever bytes it is made of: it is understood the same however
//! it is cut into packets, and nothing is told that did not come.

use candor_protocol::http;
use candor_protocol::icap::{self, HTTP_LONGEST};
use candor_protocol::milter::{self, Reply};

/// The first byte says how the rest is cut into packets.
pub(crate) fn icap(bytes: &[u8]) {
    let Some((cut, rest)) = bytes.split_first() else { return };
    let told = tell(rest, usize::from(*cut).saturating_add(1));
    assert_eq!(told, tell(rest, usize::MAX));
}

/// What is told, and all bytes of bodies.
fn tell(bytes: &[u8], cut: usize) -> (Vec<String>, Vec<u8>) {
    let mut decoder = icap::Decoder::default();
    let (mut waiting, mut told, mut body) = (Vec::new(), Vec::new(), Vec::new());
    for packet in bytes.chunks(cut.min(bytes.len()).max(1)) {
        waiting.extend_from_slice(packet);
        loop {
            let icap::Step { used, event } = decoder.next(&waiting);
            assert!(used <= waiting.len());
            let is_end = match event {
                icap::Event::More => true,
                icap::Event::Nothing => {
                    assert!(used > 0 || !decoder.is_idle(), "it goes on");
                    false
                }
                icap::Event::Request(request) => {
                    assert!(request.request.len() + request.response.len() <= HTTP_LONGEST);
                    told.push(format!("{request:?}"));
                    false
                }
                icap::Event::Body(data) => {
                    assert!(!data.is_empty() && data.len() == used);
                    body.extend_from_slice(data);
                    false
                }
                icap::Event::Preview => {
                    told.push(format!("preview {}", body.len()));
                    decoder.go_on();
                    false
                }
                icap::Event::End(_) => {
                    told.push(format!("end {}", body.len()));
                    false
                }
                icap::Event::Refused(refusal) => {
                    told.push(refusal.status().to_owned());
                    return (told, body);
                }
            };
            waiting.drain(..used);
            if is_end {
                break;
            }
        }
    }
    assert!(body.len() <= bytes.len());
    (told, body)
}

/// Packets as they come; a filter that hears its own replies does not fall over, either.
pub(crate) fn milter(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some((used, event))) = milter::Decoder.next(rest) {
        assert!(used > 4 && used <= rest.len());
        // It needs all of its bytes, and none behind them.
        assert_eq!(milter::Decoder.next(&rest[..used]), Ok(Some((used, event.clone()))));
        assert_eq!(milter::Decoder.next(&rest[..used - 1]), Ok(None));
        if let milter::Event::Header(name, value) = event {
            let text = String::from_utf8_lossy(value);
            let mut out = Vec::new();
            Reply::AddHeader(&String::from_utf8_lossy(name), &text).write(&mut out);
            assert_eq!(out.iter().skip(5).filter(|byte| **byte == 0).count(), 2, "two texts, however named");
            assert!(!out[5..].contains(&b'\n'));
        }
        rest = &rest[used..];
    }
}

/// Requests of monitors.
pub(crate) fn http(bytes: &[u8]) {
    match http::parse(bytes) {
        http::Step::Request(used, request) => {
            assert!(used <= bytes.len() && used <= http::LONGEST);
            assert_eq!(http::parse(&bytes[..used]), http::Step::Request(used, request));
            assert_eq!(http::parse(&bytes[..used - 1]), http::Step::More);
        }
        http::Step::More => assert!(bytes.len() < http::LONGEST),
        http::Step::Refused(_) => (),
    }
}

/// Conversations to start from.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "icap_protocol" => [
            &b"OPTIONS icap://s/x ICAP/1.0\r\n\r\n"[..],
            b"RESPMOD icap://s/x ICAP/1.0\r\nAllow: 204\r\nPreview: 4\r\nEncapsulated: req-hdr=0, res-hdr=6, res-body=13\r\n\r\nGET x\nHTTP y\n4\r\nabcd\r\n0\r\n\r\n2; x=y\r\nef\r\n0\r\nT: z\r\n\r\n",
            b"REQMOD icap://s/x ICAP/1.0\r\nPreview: 9\r\nEncapsulated: req-hdr=0, req-body=3\r\n\r\nABC2\r\nhi\r\n0; ieof\r\n\r\n",
            b"REQMOD icap://s/x ICAP/1.0\r\nEncapsulated: req-hdr=0, null-body=3\r\n\r\nABC",
        ]
        .iter()
        .flat_map(|words| [255, 0, 6].map(|cut| [&[cut], *words].concat()))
        .collect(),
        "milter_protocol" => {
            let packet = |letter: u8, content: &[u8]| {
                let length = u32::try_from(content.len() + 1).unwrap_or(1);
                [&length.to_be_bytes()[..], &[letter], content].concat()
            };
            let all = [
                packet(b'O', &[0, 0, 0, 6, 0, 0, 1, 0xff, 0, 0x1f, 0xff, 0xff]),
                packet(b'D', b"Mi\0Q1\0{auth_authen}\0joe\0"),
                packet(b'C', b"mx\x004\0\x19192.0.2.1\0"),
                packet(b'C', b"mx\x006\0\x19IPv6:2001:db8::1\0"),
                packet(b'M', b"<a@b>\0SIZE=1\0"),
                packet(b'R', b"<a@b>\0"),
                packet(b'L', b"Subject\0 hi\0"),
                packet(b'B', b"text\r\n"),
                packet(b'E', b""),
                packet(b'Q', b""),
            ];
            std::iter::once(all.concat()).chain(all.iter().cloned()).collect()
        }
        _ => [
            &b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"HEAD / HTTP/1.0\r\nConnection: close\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        ]
        .map(<[u8]>::to_vec)
        .to_vec(),
    }
}
