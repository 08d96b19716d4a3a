//! The protocol beside what clamd 1.4.6 was seen to say.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// What a connection that receives `packets` would be asked to do and say, one entry an event.
fn events(packets: &[&[u8]], stream_max: u64) -> Vec<String> {
    let mut decoder = Decoder::new(stream_max);
    let mut waiting = Vec::new();
    let mut all = Vec::new();
    for packet in packets {
        waiting.extend_from_slice(packet);
        loop {
            let Step { used, event } = decoder.next(&waiting);
            let (text, is_end) = match event {
                Event::More => (None, true),
                Event::Command(tag, command) => (
                    Some(format!(
                        "{:?} {:?} {} {:?}",
                        tag.framing,
                        tag.id.unwrap_or(0),
                        command.name(),
                        String::from_utf8_lossy(command.path().unwrap_or_default())
                    )),
                    false,
                ),
                Event::Data(data) => (Some(format!("data {}", data.len())), false),
                Event::StreamEnd(_) => (Some("end".to_owned()), false),
                Event::Descriptor(_) => (Some("descriptor".to_owned()), false),
                Event::Failed(_, failure) => (Some(format!("{failure:?}")), false),
                Event::Over => (None, true),
            };
            waiting.drain(..used);
            all.extend(text);
            if is_end {
                break;
            }
        }
    }
    all
}

fn one(packet: &[u8]) -> String {
    events(&[packet], 1 << 20).join("; ")
}

#[test]
fn commands_are_framed_in_three_ways() {
    assert_eq!(one(b"PING"), "Packet 0 PING \"\"");
    assert_eq!(one(b"PING\n"), "Packet 0 PING \"\"");
    assert_eq!(one(b"PING\r\n"), "Packet 0 PING \"\"");
    assert_eq!(one(b"nPING\n"), "Newline 0 PING \"\"");
    assert_eq!(one(b"zPING\0"), "Nul 0 PING \"\"");
    assert_eq!(events(&[b"nPI", b"NG", b"\n"], 0), ["Newline 0 PING \"\""]);
    assert_eq!(events(&[b"PI", b"NG\n"], 0), ["UnknownCommand"]);
}

#[test]
fn what_clamd_does_not_know() {
    for words in [
        &b"zPING\n\0"[..],
        b"nPING \n",
        b"PING x\n",
        b"nping\n",
        b"nSCAN\n",
        b"nFOO\n",
        b"\n",
        b"n\n",
        b"z\0",
        b"nEND\n",
        b"VERSIONCOMMANDS\n",
        b"STATS\n",
        b"INSTREAM\n",
        b"IDSESSION\n",
        b"ALLMATCHSCAN /etc/hostname\n",
    ] {
        assert_eq!(one(words), "UnknownCommand", "{words:?}");
    }
}

#[test]
fn one_command_a_connection() {
    assert_eq!(one(b"nPING\nnPING\n"), "Newline 0 PING \"\"");
    assert_eq!(one(b"PING\nPING\n"), "Packet 0 PING \"\"");
}

#[test]
fn arguments_stand_behind_one_byte_whatever_it_is() {
    assert_eq!(one(b"nSCAN/etc/hostname\n"), "Newline 0 SCAN \"etc/hostname\"");
    assert_eq!(one(b"nSCAN \n"), "Newline 0 SCAN \"\"");
    assert_eq!(one(b"zCONTSCAN a\nb\0"), "Nul 0 CONTSCAN \"a\\nb\"");
    assert_eq!(one(b"SCAN /a b\r\n"), "Packet 0 SCAN \"/a b\"");
}

#[test]
fn sessions_number_their_commands() {
    assert_eq!(
        one(b"zIDSESSION\0zPING\0nVERSION\nzEND\0zPING\0"),
        "Nul 0 IDSESSION \"\"; Nul 1 PING \"\"; Newline 2 VERSION \"\"; Nul 3 END \"\""
    );
    assert_eq!(one(b"nIDSESSION\nnRELOAD\nnPING\n"), "Newline 0 IDSESSION \"\"; NotInSession");
    assert_eq!(one(b"nIDSESSION\nnFOO\nnPING\n"), "Newline 0 IDSESSION \"\"; NotInSession");
    assert_eq!(one(b"nIDSESSION\nnIDSESSION\n"), "Newline 0 IDSESSION \"\"; NotInSession");
    assert_eq!(one(b"nIDSESSION\nPING\n"), "Newline 0 IDSESSION \"\"; BareInSession");
}

#[test]
fn streams_come_in_chunks() {
    assert_eq!(
        one(b"zINSTREAM\0\0\0\0\x05hello\0\0\0\x02ab\0\0\0\0"),
        "Nul 0 INSTREAM \"\"; data 5; data 2; end"
    );
    assert_eq!(
        events(&[b"nINSTREAM\n\0\0", b"\0\x05he", b"llo", b"\0\0\0\0"], 9),
        ["Newline 0 INSTREAM \"\"", "data 2", "data 3", "end"]
    );
    assert_eq!(one(b"zINSTREAM\0\xff\xff\xff\xff"), "Nul 0 INSTREAM \"\"; StreamSize");
    assert_eq!(
        events(&[b"zINSTREAM\0\0\0\0\x01a\0\0\0\x02bc"], 2).join("; "),
        "Nul 0 INSTREAM \"\"; data 1; StreamSize"
    );
    assert_eq!(events(&[b"zINSTREAM\0\0\0\0\x01a\0\0\0\x01b\0\0\0\0"], 2).len(), 4);
    assert_eq!(
        one(b"zIDSESSION\0zINSTREAM\0\0\0\0\x01a\0\0\0\0zPING\0"),
        "Nul 0 IDSESSION \"\"; Nul 1 INSTREAM \"\"; data 1; end; Nul 2 PING \"\""
    );
}

#[test]
fn descriptors_come_with_a_byte() {
    assert_eq!(one(b"nFILDES\nx"), "Newline 0 FILDES \"\"; descriptor");
    assert_eq!(
        one(b"nIDSESSION\nnFILDES\nxnPING\n"),
        "Newline 0 IDSESSION \"\"; Newline 1 FILDES \"\"; descriptor; Newline 2 PING \"\""
    );
}

#[test]
fn commands_without_end_are_refused() {
    let mut long = b"nSCAN /".to_vec();
    long.resize(LONGEST_COMMAND + 10, b'a');
    assert_eq!(one(&long), "CommandLength");
    assert_eq!(one(&[b"zIDSESSION\0", long.as_slice()].concat()), "Nul 0 IDSESSION \"\"; CommandLength");
    // Without a frame it is what came, and that is no command.
    assert_eq!(one(&long[1..]), "UnknownCommand");
    assert_eq!(Failure::CommandLength.text(), None);
}

fn say(reply: &Reply<'_>, framing: Framing, id: Option<u32>) -> String {
    let mut out = Vec::new();
    reply.write(Tag { framing, id }, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn replies_are_worded_as_clamd_words_them() {
    let scanned = |verdict| say(&Reply::Scanned(b"/a b", verdict), Framing::Newline, None);
    assert_eq!(scanned(Verdict::Ok), "/a b: OK\n");
    assert_eq!(scanned(Verdict::Found("Eicar-Test")), "/a b: Eicar-Test FOUND\n");
    assert_eq!(
        scanned(Verdict::FoundIn("X", "44d88612fea8a8f36de82e1278abb02f", 68)),
        "/a b: X(44d88612fea8a8f36de82e1278abb02f:68) FOUND\n"
    );
    let error = |error| scanned(Verdict::Error(error));
    assert_eq!(
        error(ScanError::Path("No such file or directory")),
        "/a b: File path check failure: No such file or directory. ERROR\n"
    );
    assert_eq!(error(ScanError::AccessDenied), "/a b: Access denied. ERROR\n");
    assert_eq!(error(ScanError::NotSupported), "/a b: Not supported file type ERROR\n");
    assert_eq!(scanned(Verdict::Empty), "/a b: Empty file\n");
    assert_eq!(scanned(Verdict::OtherFileSystem), "/a b: Excluded (another filesystem)\n");
    assert_eq!(say(&Reply::Pong, Framing::Nul, Some(7)), "7: PONG\0");
    assert_eq!(say(&Reply::Pong, Framing::Packet, None), "PONG\n");
    assert_eq!(say(&Reply::Scanned(STREAM, Verdict::Ok), Framing::Nul, Some(2)), "2: stream: OK\0");
    assert_eq!(
        say(&Reply::Commands("ClamAV 1.4.6", &["SCAN", "QUIT"]), Framing::Newline, None),
        "ClamAV 1.4.6| COMMANDS: SCAN QUIT\n"
    );
    assert_eq!(describe_version("1.4.6", None), "ClamAV 1.4.6");
    assert_eq!(
        describe_version("1.4.6", Some((27000, "Mon Jan  1 00:00:00 2026"))),
        "ClamAV 1.4.6/27000/Mon Jan  1 00:00:00 2026"
    );
}

#[test]
fn a_name_cannot_end_a_reply() {
    let name = b"/tmp/x: OK\nnext";
    assert_eq!(
        say(&Reply::Scanned(name, Verdict::Found("Bad")), Framing::Newline, None),
        "/tmp/x: OK?next: Bad FOUND\n"
    );
    assert_eq!(
        say(&Reply::Scanned(name, Verdict::Found("Bad")), Framing::Nul, None),
        "/tmp/x: OK\nnext: Bad FOUND\0"
    );
}

#[test]
fn stats_are_laid_out_as_tools_expect() {
    let stats = Stats {
        live: 1,
        idle: 0,
        max: 10,
        idle_timeout: Duration::from_secs(30),
        queue: Vec::new(),
        running: vec![Running {
            command: "STATS".to_owned(),
            since: Duration::from_micros(24),
            subject: String::new(),
        }],
        memory: Memory { pools_used: 6_167_724, pools_total: 6_253_707 },
    };
    assert_eq!(
        stats.text(),
        "POOLS: 1\n\nSTATE: VALID PRIMARY\nTHREADS: live 1  idle 0 max 10 idle-timeout 30\nQUEUE: 0 items\n\
         \tSTATS 0.000024 \n\nMEMSTATS: heap N/A mmap N/A used N/A free N/A releasable N/A pools 1 \
         pools_used 5.882M pools_total 5.964M\nEND"
    );
    let waiting = Stats { queue: vec![Duration::from_secs(1), Duration::from_secs(3)], ..stats };
    assert!(
        waiting.text().contains("QUEUE: 2 items min_wait: 1.000000 max_wait: 3.000000 avg_wait: 2.000000\n")
    );
}

#[test]
fn clients_read_replies() {
    let read = |reply: &'static [u8], in_session| parse(reply, in_session);
    let answer = read(b"/a: b: OK", false).unwrap();
    assert_eq!((answer.subject, answer.verdict), (&b"/a: b"[..], Verdict::Ok));
    assert_eq!(read(b"stream: FOUND", false).unwrap().verdict, Verdict::Found(""));
    let answer = read(b"3: stream: Eicar FOUND", true).unwrap();
    assert_eq!((answer.id, answer.subject, answer.verdict), (Some(3), STREAM, Verdict::Found("Eicar")));
    let answer = read(b"/x: File path check failure: No such file or directory. ERROR", false).unwrap();
    assert_eq!(answer.subject, b"/x");
    let answer = read(b"INSTREAM size limit exceeded. ERROR", false).unwrap();
    assert_eq!(
        (answer.subject, answer.verdict),
        (&b""[..], Verdict::Error(ScanError::Other("INSTREAM size limit exceeded.")))
    );
    assert_eq!(read(b"/x: Empty file", false).unwrap().verdict, Verdict::Empty);
    assert_eq!(read(b"UNKNOWN COMMAND", false), None);
    assert_eq!(read(b"x: PONG", true), None);
}

#[test]
fn what_a_client_writes_is_read_as_it_was_meant() {
    for name in NAMES {
        let with_path = format!("{name} /a b");
        let command =
            Command::parse(name.as_bytes()).or_else(|| Command::parse(with_path.as_bytes())).unwrap();
        let mut bytes = Vec::new();
        command.write(Framing::Nul, &mut bytes);
        assert_eq!(Command::parse(&bytes[1..bytes.len() - 1]), Some(command));
    }
}

proptest! {
    /// However bytes are cut into packets, framed commands and streams give the same events.
    #[test]
    fn packets_do_not_matter(
        cuts in proptest::collection::vec(1_usize..9, 0..40),
        chunks in proptest::collection::vec(0_u32..20, 0..6),
    ) {
        let mut bytes = b"zIDSESSION\0zPING\0nSCAN /x\nzINSTREAM\0".to_vec();
        for chunk in chunks {
            if chunk > 0 {
                bytes.extend_from_slice(&chunk.to_be_bytes());
                bytes.resize(bytes.len() + chunk as usize, b'n');
            }
        }
        bytes.extend_from_slice(b"\0\0\0\0nFILDES\nxzEND\0");
        let mut packets = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts {
            let (packet, more) = rest.split_at(cut.min(rest.len()));
            packets.push(packet);
            rest = more;
        }
        packets.push(rest);
        let joined = |events: Vec<String>| {
            let mut total = 0_usize;
            let mut kept = Vec::new();
            for event in events {
                match event.strip_prefix("data ") {
                    Some(length) => total += length.parse::<usize>().unwrap(),
                    None => kept.push(event),
                }
            }
            (total, kept)
        };
        prop_assert_eq!(joined(events(&packets, 1 << 20)), joined(events(&[&bytes], 1 << 20)));
    }

    /// No bytes make it panic, use more than there is, or go on for ever.
    #[test]
    fn anything_can_be_received(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut decoder = Decoder::new(100);
        let mut rest = &bytes[..];
        for _ in 0..1000 {
            let Step { used, event } = decoder.next(rest);
            prop_assert!(used <= rest.len());
            if matches!(event, Event::More | Event::Over) {
                return Ok(());
            }
            rest = &rest[used..];
        }
        prop_assert!(false, "it does not end");
    }
}
