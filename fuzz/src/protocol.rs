//! What clients and daemons say to each other, whatever bytes it is made of.

use candor_protocol::clamd::{Answer, Decoder, Event, Failure, Framing, Step, Verdict, parse};

/// Most bytes of a stream.
const STREAM: u64 = 1000;

/// The first byte says how the rest is cut into packets.
pub(crate) fn clamd(bytes: &[u8]) {
    let Some((cut, rest)) = bytes.split_first() else { return };
    let mut decoder = Decoder::new(STREAM);
    let mut waiting: Vec<u8> = Vec::new();
    let (mut streamed, mut last) = (0_u64, 0);
    for packet in rest.chunks(usize::from(*cut).saturating_add(1)) {
        waiting.extend_from_slice(packet);
        loop {
            let Step { used, event } = decoder.next(&waiting);
            assert!(used <= waiting.len());
            let is_end = match event {
                Event::More | Event::Over => true,
                Event::Command(tag, command) => {
                    assert!(tag.id.is_none_or(|id| id == last + 1), "numbers have no gaps");
                    assert!(tag.framing != Framing::Packet || command.may_be_bare());
                    last = tag.id.unwrap_or(last);
                    streamed = 0;
                    false
                }
                Event::Data(data) => {
                    streamed += data.len() as u64;
                    assert!(streamed <= STREAM);
                    false
                }
                Event::Failed(_, failure) => {
                    assert!(failure.text().is_some() || failure == Failure::CommandLength);
                    false
                }
                Event::StreamEnd(_) | Event::Descriptor(_) => false,
            };
            waiting.drain(..used);
            if is_end {
                break;
            }
        }
    }
    for in_session in [false, true] {
        if let Some(Answer { id, subject, verdict }) = parse(rest, in_session) {
            assert_eq!(id.is_some(), in_session);
            assert!(subject.len() <= rest.len());
            if verdict == Verdict::Ok {
                assert!(rest.ends_with(b": OK"));
            }
        }
    }
}

/// A conversation of each kind, and replies.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [
        &b"zPING\0"[..],
        b"nSCAN /tmp/x\n",
        b"VERSION\r\n",
        b"zINSTREAM\0\0\0\0\x05hello\0\0\0\0",
        b"zIDSESSION\0zPING\0nVERSION\nzINSTREAM\0\0\0\0\x01a\0\0\0\0nFILDES\nxzEND\0",
        b"/tmp/x: OK",
        b"3: stream: Eicar FOUND",
        b"/x: File path check failure: No such file or directory. ERROR",
    ]
    .iter()
    .flat_map(|words| [255, 0, 6].map(|cut| [&[cut], *words].concat()))
    .collect()
}
