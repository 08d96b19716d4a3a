//! Mails that mean well, and mails that do not.

use candor_model::{FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn shown(text: &str) -> Vec<(String, String)> {
    let found = Collected::of(FileType::Mail, text.as_bytes()).children;
    found
        .into_iter()
        .map(|child| (child.member.name, String::from_utf8_lossy(&child.bytes).trim_end().to_owned()))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(name, content)| (name.to_owned(), content.to_owned())).collect()
}

const NESTED: &str = "From: a@b\r\nContent-Type: multipart/mixed;\r\n boundary=\"outer\"\r\n\r\npreamble\r\n--outer\r\n\
    Content-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9 =\r\nau lait\r\n--inner\r\n\
    Content-Type: text/html\r\n\r\n<b>x</b>\r\n--inner--\r\n--outer\r\n\
    Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
    Content-Disposition: attachment; filename=\"a.exe\"\r\n\r\nY29u\r\ndGVudA==\r\n--outer--\r\nepilogue\r\n";

#[test]
fn parts_come_with_their_encoding_undone() {
    assert_eq!(
        shown(NESTED),
        pairs(&[
            ("", "preamble"),
            ("", "café au lait"),
            ("", "<b>x</b>"),
            ("a.exe", "content"),
            ("", "epilogue")
        ])
    );
}

#[test]
fn boundaries_that_the_header_does_not_name_are_found() {
    let wrong =
        NESTED.replace("boundary=\"outer\"", "boundary=\"other\"").replace("boundary=inner", "charset=x");
    assert!(shown(&wrong).contains(&("a.exe".to_owned(), "content".to_owned())), "{:?}", shown(&wrong));
    let cut = NESTED.replace("--outer--\r\nepilogue\r\n", "");
    assert!(shown(&cut).contains(&("a.exe".to_owned(), "content".to_owned())));
}

#[test]
fn names_in_other_character_sets_are_read() {
    let name = |field: &str| {
        shown(&format!("From: a@b\nContent-Disposition: attachment;\n {field}\n\nx"))[0].0.clone()
    };
    assert_eq!(name("filename=\"=?iso-8859-1?Q?caf=E9_1.exe?=\""), "café 1.exe");
    assert_eq!(name("filename=\"=?utf-8?B?Y2Fmw6k=?=\""), "café");
    assert_eq!(name("filename*=utf-8''caf%C3%A9.exe"), "café.exe");
    assert_eq!(name("filename*0=\"very \"; filename*1=\"long.exe\""), "very long.exe");
}

#[test]
fn messages_in_messages_are_children() {
    let text = "From: a@b\nContent-Type: message/rfc822\n\nFrom: c@d\nSubject: x\n\nbody\n";
    let found = Collected::of(FileType::Mail, text.as_bytes()).children;
    assert_eq!(found[0].member.file_type, Some(FileType::Mail));
    assert!(found[0].bytes.starts_with(b"From: c@d"));
}

#[test]
fn mailboxes_are_taken_apart() {
    let text = "From a@b Mon\nSubject: 1\n\none\n\nFrom c@d Tue\nSubject: 2\n\ntwo From here\n";
    let found = Collected::of(FileType::Mail, text.as_bytes()).children;
    assert_eq!(found.len(), 2);
    assert!(found[1].bytes.starts_with(b"From c@d"));
}

#[test]
fn uuencoded_files_in_text_are_found() {
    for mode in ["644", "0644", "100644", "0100644"] {
        let text = format!("text\nbegin {mode} file.txt\n*<V]M92!T:&EN9P``\n`\nend\nmore\n");
        let files = |file_type: FileType, bytes: &[u8]| {
            let found = Collected::of(file_type, bytes).children;
            let files = found.into_iter().filter(|child| child.member.name == "file.txt");
            files.map(|child| child.bytes).collect::<Vec<_>>()
        };
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(files(FileType::TextAscii, text.as_bytes()), [b"some thing"]);
        assert_eq!(files(FileType::TextUtf16Le, &wide), [b"some thing"]);
        let page = format!("<html><pre>\n{text}");
        assert_eq!(files(FileType::Html, page.as_bytes()), [b"some thing"]);
        // A mail gives its text, and only what may not be taken for one is searched by itself.
        assert!(files(FileType::Mail, format!("From: a@b\n\n{text}").as_bytes()).is_empty());
        assert_eq!(files(FileType::Mail, format!("From: a@b\n\n\x01{text}").as_bytes()), [b"some thing"]);
        assert_eq!(files(FileType::Mail, &[b"From: a@b\n\n\xe9", text.as_bytes()].concat()), [b"some thing"]);
        let named = "From: a@b\nContent-Transfer-Encoding: x-uuencode\n\n";
        assert_eq!(files(FileType::Mail, format!("{named}{text}").as_bytes()), [b"some thing"]);
    }
}

#[test]
fn files_in_base64_that_are_named_as_uuencoded_ones_are_given_once() {
    let [digits, noise] = [[b'x'; 90], std::array::from_fn(|at| (at as u8).wrapping_mul(37) ^ 0xa5)]
        .map(|content: [u8; 90]| candor_fixtures::container::base64(&content));
    let (first, second) = digits.split_at(60);
    let text = format!(
        "text\nbegin-base64 644 file.txt\n{first}\n{second}\n====\nbegin-base64 644 of words\nthat are none\n\
         begin-base64 0600 b\r\n{noise}\r\n====\r\n"
    );
    let given = |text: &str| {
        let found = Collected::of(FileType::TextAscii, text.as_bytes());
        let children = found.children.into_iter().skip(1);
        children.map(|child| (child.member.name, child.bytes.len(), child.absent)).collect::<Vec<_>>()
    };
    assert_eq!(given(&text), [("file.txt".to_owned(), 90, None), ("b".to_owned(), 90, None)]);
    let cut = given(&text[..text.len() - 20]);
    assert!(matches!(&cut[1].2, Some(Reason::Malformed(what)) if what.contains("cut short")), "{cut:?}");
    // Where a line begins with it by chance, what stands behind is what it is.
    let text = format!("begin-base64 is a word\n{digits}{digits}\n");
    assert_eq!(given(&text), [("base64 1".to_owned(), 180, None)]);
}

#[test]
fn base64_that_nobody_named_is_decoded() {
    let mail = |head: &str, line: &str| shown(&format!("From: a@b\n{head}\n{}", line.repeat(3)));
    let digits = "4pyT".repeat(16) + "\n";
    let found = mail("", &digits);
    assert_eq!(found[1].1, "\u{2713}".repeat(48));
    // Letters are decoded where the text is opened, unless they have a name that would be lost.
    let letters = "QUFB".repeat(16) + "\n";
    assert_eq!(mail("", &letters).len(), 1);
    let text = Collected::of(FileType::TextAscii, letters.repeat(3).as_bytes()).children;
    assert_eq!(text[1].bytes, [b'A'; 144]);
    assert_eq!(
        mail("Content-Disposition: attachment; filename=a\n", &letters)[1],
        ("a".to_owned(), "A".repeat(144))
    );
}

#[test]
fn thousands_of_parts_and_boundaries_take_no_squares() {
    let mut text = "From: a@b\nContent-Type: multipart/mixed; boundary=b0\n\n".to_owned();
    for depth in 0..3000 {
        text += &format!("--b{depth}\nContent-Type: multipart/mixed; boundary=b{}\n\n", depth + 1);
    }
    text += &"--b1\n\nx\n".repeat(20_000);
    let found = Collected::of(FileType::Mail, text.as_bytes());
    assert!(!found.incomplete.is_empty());
}

#[test]
fn damage_is_survived() {
    survives_damage(FileType::Mail, NESTED.as_bytes());
}

/// `bytes` in yEnc, in lines of 16.
fn yenc(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in bytes.chunks(16) {
        let start = out.len();
        for byte in line {
            let moved = byte.wrapping_add(42);
            match moved {
                0 | b'\n' | b'\r' | b'=' => out.extend([b'=', moved.wrapping_add(64)]),
                _ => out.push(moved),
            }
        }
        if out.get(start) == Some(&b'.') {
            out.insert(start, b'.');
        }
        out.extend(b"\r\n");
    }
    out
}

#[test]
fn files_in_yenc_are_given() {
    let content: Vec<u8> = (0..=255).chain([4; 20]).collect();
    let text = |head: &str, content: &[u8]| {
        // Files that begin nearer to the beginning of a part are given with what that is.
        let before = "text\r\n".repeat(super::YENC_NEAR / 6 + 1);
        let head = format!("From: a@b\r\nSubject: x\r\n\r\n{before}{head}\r\n").into_bytes();
        [&head[..], &yenc(content), b"=yend size=276\r\n", b"=ybegin line=1 size=1 name=b\r\nk\r\n=yend\r\n"]
            .concat()
    };
    let mail = text("=ybegin line=16 size=276 name=a file.exe", &content);
    let found = Collected::of(FileType::Mail, &mail);
    let files: Vec<_> =
        found.children[1..].iter().map(|child| (&child.member.name[..], &child.bytes[..])).collect();
    assert_eq!(files, [("a file.exe", &content[..]), ("b", b"A")]);
    assert!(found.children.iter().all(|child| child.absent.is_none()));
    for (head, kept, reason) in [
        (
            "=ybegin part=1 line=16 size=276 name=a\r\n=ypart begin=1 end=96",
            &content[..96],
            Reason::Unsupported("the other parts of a file in yEnc".to_owned()),
        ),
        (
            "=ybegin line=16 size=276 name=a",
            &content[..96],
            Reason::Malformed("a file in yEnc is cut short".to_owned()),
        ),
    ] {
        let found = Collected::of(FileType::Mail, &text(head, kept));
        assert_eq!((&found.children[1].bytes[..], &found.children[1].absent), (kept, &Some(reason)));
    }
    survives_damage(FileType::Mail, &mail);
}

#[test]
fn of_a_message_in_several_mails_each_is_opened_and_the_others_are_missing() {
    let head = |number: u32| {
        format!("From: a@b\nContent-Type: message/partial; id=\"x@y\"; number={number}; total=2\n\n")
    };
    let encoded = "bmVlZGxl".repeat(10);
    let first = format!(
        "{}Subject: inner\nContent-Type: application/octet-stream; name=a.bin\n\
         Content-Transfer-Encoding: base64\n\n{encoded}\n",
        head(1)
    );
    let found = Collected::of(FileType::Mail, first.as_bytes());
    assert!(matches!(&found.incomplete[..], [Reason::Unsupported(what)] if what.contains("other parts")));
    assert_eq!(found.children[0].member.file_type, Some(FileType::Mail));
    assert!(found.children[0].bytes.starts_with(b"Subject: inner"));
    let encoded = "4pyT".repeat(20);
    let second = format!("{}{encoded}\n{encoded}\n{encoded}\n", head(2));
    let found = Collected::of(FileType::Mail, second.as_bytes());
    assert_eq!(found.incomplete.len(), 1);
    assert!(found.children.iter().any(|child| child.bytes.starts_with("\u{2713}\u{2713}".as_bytes())));
}

#[test]
fn of_the_only_part_of_a_message_nothing_is_missing() {
    let mail = |number: u32, total: u32| {
        format!(
            "From: a@b\nContent-Type: message/partial; id=\"x\"; number={number}; total={total}\n\n\
             Content-Type: text/plain\n\nhello\n"
        )
    };
    let found = Collected::of(FileType::Mail, mail(1, 1).as_bytes());
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children[0].member.file_type, Some(FileType::Mail));
    for (number, total) in [(1, 2), (2, 2), (2, 1)] {
        let found = Collected::of(FileType::Mail, mail(number, total).as_bytes());
        assert_eq!(found.incomplete.len(), 1, "{number} of {total}");
    }
}

#[test]
fn files_that_begin_in_one_another_are_paid_for() {
    // None of them has an end, so that each reaches over all that follow.
    let mail = format!(
        "From: a@b\r\nSubject: c\r\n\r\n\x01\n{}",
        "begin 644 a\n".repeat(200) + &"z\n".repeat(5_000)
    );
    let found = Collected::of(FileType::Mail, mail.as_bytes());
    assert_eq!(found.incomplete, []);
    assert_eq!(Collected::without_work(FileType::Mail, mail.as_bytes()).incomplete, [Reason::Work]);
    // Behind one another they cost little more, as does what only has the word.
    for text in ["begin 644 a\n#0V%T\n`\nend\n".repeat(200), "begin ".repeat(200) + &"z".repeat(10_000)] {
        let mail = format!("From: a@b\r\nSubject: c\r\n\r\n\x01\n{text}");
        assert!(Collected::work_of(FileType::Mail, mail.as_bytes()) < 8 * mail.len() as u64);
    }
}

#[test]
fn that_there_are_more_files_in_a_text_than_are_given_is_said() {
    let files = |before: &str, count: usize| {
        let mail = format!(
            "From: a@b\r\nSubject: c\r\n\r\n\x01\n{before}{}",
            "begin 644 a\n#0V%T\n`\nend\n".repeat(count)
        );
        let found = Collected::of(FileType::Mail, mail.as_bytes());
        let cats = found.children.iter().filter(|child| child.bytes == b"Cat").count();
        (cats, found.incomplete)
    };
    // Words are no files.
    assert_eq!(files(&"begin \n".repeat(1_000), super::FILES), (super::FILES, vec![]));
    assert_eq!(files("", super::FILES + 1), (super::FILES, vec![Reason::Children]));
}

#[test]
fn boundaries_that_never_come_are_paid_for() {
    let start = "From: a@b\nContent-Type: multipart/x; boundary=b\n\n--b\n";
    for part in [
        "X: y\nContent-Type: multipart/x; boundary=never\n\n--b\n",
        "X: y\nContent-Type: multipart/x\n\n--b\n",
    ] {
        let mail = format!("{start}{}", part.repeat(1_500));
        assert_eq!(Collected::of(FileType::Mail, mail.as_bytes()).incomplete, []);
        assert_eq!(Collected::without_work(FileType::Mail, mail.as_bytes()).incomplete, [Reason::Work]);
    }
    // One that is there is found where it stands.
    let part = "Content-Type: multipart/x; boundary=c\n\n--c\n\ntext\n--c--\n--b\n";
    let mail = format!("{start}{}", part.repeat(1_000));
    let found = Collected::of(FileType::Mail, mail.as_bytes());
    assert_eq!((found.children.len(), found.incomplete), (1_000, vec![]));
    assert!(Collected::work_of(FileType::Mail, mail.as_bytes()) < 16 * mail.len() as u64);
}

#[test]
fn lines_that_are_held_against_many_boundaries_are_paid_for() {
    let head = |number: usize| {
        format!("Content-Type: multipart/x; boundary=boundary{number}\n\n--boundary{number}\n")
    };
    let heads: String = (0..super::BOUNDARIES).map(head).collect();
    let mail = |lines: usize| format!("From: a@b\n{heads}\n{}--boundary0\n\nlast", "--\n".repeat(lines));
    let found = Collected::with_work(FileType::Mail, mail(10_000).as_bytes(), 100_000);
    assert!(found.children.last().unwrap().bytes.starts_with(b"--\n"));
    assert_eq!(found.incomplete, [Reason::Work]);
    let found = Collected::of(FileType::Mail, mail(10_000).as_bytes());
    assert_eq!((&found.children.last().unwrap().bytes[..], found.incomplete), (&b"last"[..], vec![]));
}

#[test]
fn files_in_yenc_are_given_wherever_they_begin_and_once() {
    let file =
        [&b"=ybegin line=16 size=276 name=a\r\n"[..], &yenc(&[7; 276])[..], b"=yend size=276\r\n"].concat();
    let count = |file_type: FileType, bytes: &[u8]| {
        let children = Collected::of(file_type, bytes).children;
        children.iter().filter(|child| child.bytes == [7; 276]).count()
    };
    for file_type in [FileType::TextAscii, FileType::BinaryData, FileType::Html] {
        assert_eq!(count(file_type, &file), 1, "{file_type}");
        assert_eq!(count(file_type, &[&b"some words\n"[..], &file].concat()), 1, "{file_type}");
    }
    // The part is a layer that gives it.
    let mail = [&b"From: a@b\r\nSubject: x\r\n\r\n"[..], &file].concat();
    assert_eq!(count(FileType::Mail, &mail), 0);
    let part = Collected::of(FileType::Mail, &mail).children.remove(0);
    assert_eq!(count(FileType::BinaryData, &part.bytes), 1);
}

#[test]
fn that_there_are_more_files_in_yenc_than_are_given_is_said() {
    let files = |count: usize| {
        let files = "=ybegin line=1 size=1 name=b\r\nk\r\n=yend\r\n".repeat(count);
        let found = Collected::of(FileType::TextAscii, files.as_bytes());
        (found.children.iter().filter(|child| child.bytes == b"A").count(), found.incomplete)
    };
    assert_eq!(files(super::FILES), (super::FILES, vec![]));
    assert_eq!(files(super::FILES + 1), (super::FILES, vec![Reason::Children]));
}

#[test]
fn headers_that_go_on_behind_what_is_read_are_told() {
    let mail = |before: &str, parameters: &str| {
        let mail = format!(
            "From: a@b\r\n{before}Content-Type: multipart/mixed;{parameters}\r\n boundary=x\r\n\r\n--x\r\n\
             Content-Transfer-Encoding: base64\r\n\r\nY29udGVudA==\r\n--x--\r\n"
        );
        let found = Collected::of(FileType::Mail, mail.as_bytes());
        (found.children.iter().any(|child| child.bytes == b"content"), found.incomplete)
    };
    let told = || vec![Reason::Unsupported("so long a header of a mail".to_owned())];
    assert_eq!(mail(&"X: y\r\n".repeat(1022), &"\r\n a=b;".repeat(9_000)), (true, vec![]));
    // What names no boundary has one all the same.
    assert_eq!(mail(&"X: y\r\n".repeat(1023), ""), (true, told()));
    assert_eq!(mail("", &"\r\n a=b;".repeat(14_000)).1, told());
    // What matters to nobody may be as long as it likes.
    let long = format!("X:{}\r\n", "\r\n y".repeat(40_000));
    assert_eq!(mail(&long, ""), (true, vec![]));
}

#[test]
fn lines_of_a_few_digits_are_paid_for() {
    let digits: String = (0..533_336_u32)
        .map(|at| char::from(b'A' + (at.wrapping_mul(at) >> 5).to_le_bytes()[0] % 26))
        .collect();
    let content = crate::transfer::base64(digits.as_bytes());
    let body = |width: usize| {
        let lines: String = digits
            .as_bytes()
            .chunks(width)
            .map(|line| format!("{}\n", str::from_utf8(line).unwrap()))
            .collect();
        format!("From: a@b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n{lines}").into_bytes()
    };
    // Lines as they are everywhere cost nothing beside their bytes.
    assert_eq!(Collected::work_of(FileType::Mail, &body(76)), 0);
    let short = body(1);
    assert!(Collected::work_of(FileType::Mail, &short) > 0);
    let given = |found: Collected| found.children.into_iter().next().unwrap().bytes;
    assert!(given(Collected::of(FileType::Mail, &short)) == content);
    let found = Collected::without_work(FileType::Mail, &short);
    assert!(found.incomplete.contains(&Reason::Work));
    let part = given(found);
    assert!(content.starts_with(&part) && part.len() > 50_000 && part.len() < content.len());
}

/// A part with an attachment, and one before it.
const ATTACHED: &str =
    "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nY29udGVudA==\r\n";
const FIRST: &str = "Content-Type: text/plain\r\n\r\nhello\r\n";

fn contents(mail: &str) -> Vec<String> {
    shown(mail).into_iter().map(|(_, content)| content).collect()
}

#[test]
fn boundaries_of_nothing_are_boundaries() {
    for name in ["\"\"", "\"  \"", "\"\t\""] {
        let mail = format!(
            "From: a@b\r\nContent-Type: multipart/mixed; boundary={name}\r\n\r\n--\r\n{FIRST}--\r\n{ATTACHED}----\r\n"
        );
        assert_eq!(contents(&mail), ["hello", "content"], "{name}");
    }
    let mail = format!(
        "From: a@b\r\nContent-Type: multipart/mixed; boundary=\"B  \"\r\n\r\n--B  \r\n{FIRST}--B\r\n{ATTACHED}--B--\r\n"
    );
    assert_eq!(contents(&mail), ["hello", "content"]);
}

#[test]
fn parts_behind_the_last_one_are_given() {
    let head = "From: a@b\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n";
    let mail = format!("{head}--B\r\n{FIRST}--B--\r\n--B\r\n{ATTACHED}--B--\r\n");
    assert_eq!(contents(&mail), ["hello", "content"]);
    assert_eq!(contents(&format!("{head}--B--\r\n--B\r\n{ATTACHED}--B--\r\n")), ["content"]);
    // Also of one that stands in another, which goes on behind it.
    let inner = "Content-Type: multipart/mixed; boundary=I\r\n\r\n";
    let mail = format!(
        "{head}--B\r\n{inner}--I\r\n{FIRST}--I--\r\n--I\r\n{ATTACHED}--I--\r\n--B\r\n\r\nlast\r\n--B--\r\n"
    );
    assert_eq!(contents(&mail), ["hello", "content", "last"]);
}

#[test]
fn headers_go_on_behind_lines_that_are_no_fields() {
    let named = "Content-Type: multipart/mixed; boundary=B\r\n\r\n";
    let body = format!("--B\r\n{FIRST}--B\r\n{ATTACHED}--B--\r\n");
    for before in ["no field\r\n", "no field\r\nX: y\r\nno field\r\n", " no field\r\n", ": nothing\r\n"] {
        for head in ["From: a@b\r\n", "From: a@b\r\nMIME-Version: 1.0\r\n"] {
            let found = contents(&format!("{head}{before}{named}{body}"));
            assert!(found.ends_with(&["hello".to_owned(), "content".to_owned()]), "{before} {found:?}");
        }
    }
    // Those who end it there are shown what follows.
    let early = "From: a@b\r\nContent-Transfer-Encoding: base64\r\nY29udGVudA==\r\nContent-Type: text/plain\r\n\r\n\r\n";
    let found = contents(early);
    assert!(found.iter().any(|content| content.starts_with("content")), "{found:?}");
    // Where nothing follows that matters, it ends for everybody.
    let found = contents("From: a@b\r\nContent-Type: text/plain\r\nfirst line\r\nX: y\r\n\r\nlast line\r\n");
    assert_eq!(found, ["first line\r\nX: y\r\n\r\nlast line"]);
}

#[test]
fn names_of_fields_are_read_that_stand_before_a_fold() {
    let attached = ATTACHED.replace("Encoding: base64", "Encoding\r\n : base64");
    let mail =
        format!("From: a@b\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n{attached}--B--\r\n");
    assert_eq!(contents(&mail), ["content"]);
}

#[test]
fn mails_that_say_nothing_of_their_body_have_parts() {
    let body = format!("\r\n--B\r\n{FIRST}--B\r\n{ATTACHED}--B--\r\n");
    for head in ["", "Content-Type: mixed; boundary=\r\n", "MIME-Version: 1.0\r\n"] {
        assert_eq!(contents(&format!("From: a@b\r\n{head}\r\n{body}")), ["hello", "content"], "{head}");
    }
    // One that is named wrong, far before the end.
    let mail = format!(
        "From: a@b\r\nContent-Type: multipart/mixed; boundary=X\r\n\r\n--B\r\n\
         Content-Type: text/plain\r\n\r\n{}\r\n--B\r\n{ATTACHED}--B--\r\n",
        "hello ".repeat(50_000)
    );
    assert_eq!(contents(&mail).pop().unwrap(), "content");
}

#[test]
fn marks_of_utf_8_and_empty_lines_before_it_are_no_part_of_a_mail() {
    let mail = format!(
        "\u{feff}From: a@b\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n{FIRST}--B\r\n{ATTACHED}--B--\r\n"
    );
    assert_eq!(contents(&mail), ["hello", "content"]);
    let mailbox = "\u{feff}From a@b Mon\nSubject: 1\n\none\n\nFrom c@d Tue\nSubject: 2\n\ntwo\n";
    assert_eq!(shown(mailbox).len(), 2);
    // Nor are empty lines, which would each be a mail in another.
    let mail = format!("{}From: a@b\r\n{ATTACHED}", "\r\n".repeat(100));
    assert_eq!(contents(&mail), ["content"]);
    // What has no header is given as text: it would be taken for a mail again.
    let found = Collected::of(FileType::Mail, b"no header\nFrom: a@b\n").children;
    assert_eq!(found[0].member.file_type, Some(FileType::TextAscii));
}

#[test]
fn lines_that_are_no_fields_are_paid_for() {
    for text in ["no field\nContent-Type: a/b\n".repeat(1_000), "no field\n".repeat(1_000)] {
        let mail = format!("From: a@b\n{text}\ntext");
        assert_eq!(Collected::of(FileType::Mail, mail.as_bytes()).incomplete, []);
        assert!(Collected::work_of(FileType::Mail, mail.as_bytes()) < 64 * mail.len() as u64);
    }
    let long = format!("From: a@b\nContent-Type: multipart/x; boundary={}\n", "b".repeat(30_000));
    let mail = long + &"no field\nContent-Type: a/b\n".repeat(1_000);
    assert_eq!(Collected::without_work(FileType::Mail, mail.as_bytes()).incomplete, [Reason::Work]);
}

#[test]
fn uuencoded_files_without_an_end_are_cut_short() {
    let text = "begin 644 a\n#0V%T\n#0V%T\n`\nend\n";
    let absent = |text: &str| {
        let found = Collected::of(FileType::Uuencoded, text.as_bytes());
        let file = found.children.into_iter().next().unwrap();
        assert_eq!(&file.bytes[..3], b"Cat");
        file.absent
    };
    assert_eq!(absent(text), None);
    assert_eq!(absent(&text.replace("end\n", "end  \r\nmore")), None);
    for length in 18..text.len() - 4 {
        assert!(
            matches!(absent(&text[..length]), Some(Reason::Malformed(what)) if what.contains("cut short"))
        );
    }
    // Words are nothing that could be cut.
    let found = Collected::of(FileType::Uuencoded, b"begin 100 days\nago, or before\n");
    assert!(found.children.iter().all(|child| child.absent.is_none()) && found.incomplete.is_empty());
}

#[test]
fn mails_that_end_within_base64_are_cut_short() {
    let mail =
        format!("From: a@b\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n{ATTACHED}--B--\r\n");
    let digits = mail.find("Y29u").unwrap();
    for length in digits + 1..digits + 10 {
        let found = Collected::of(FileType::Mail, &mail.as_bytes()[..length]);
        assert!(
            matches!(&found.incomplete[..], [Reason::Malformed(what)] if what.contains("cut short")),
            "{length}"
        );
    }
    // Many lack the line behind the last part.
    for whole in [&mail[..], &mail[..digits + 12], &mail[..digits + 14], &mail[..digits - 2]] {
        assert_eq!(Collected::of(FileType::Mail, whole.as_bytes()).incomplete, [], "{whole}");
    }
}

#[test]
fn encrypted_messages_of_rfc_3156_are_told() {
    let mail = |kind: &str, part: &str| {
        format!(
            "From: a@b\nContent-Type: multipart/{kind}; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\n\
             Content-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n{part}\n--b--\n"
        )
    };
    let told = |mail: String| Collected::of(FileType::Mail, mail.as_bytes()).incomplete;
    let binary = "Content-Transfer-Encoding: base64\n\nhQEMA1ZKx0hbJYyOAQf/QxJ1pMbJ8o1v\n";
    assert_eq!(told(mail("encrypted", binary)), [Reason::Encrypted]);
    assert_eq!(told(mail("mixed", binary)), []);
    // What is text is a layer that says it itself.
    let armor =
        "\n-----BEGIN PGP MESSAGE-----\n\nhQEMA1ZKx0hbJYyOAQf/QxJ1pMbJ8o1v\n-----END PGP MESSAGE-----\n";
    let found = Collected::of(FileType::Mail, mail("encrypted", armor).as_bytes());
    assert_eq!(found.incomplete, []);
    let text = Collected::of(FileType::TextAscii, &found.children[1].bytes);
    assert_eq!(text.incomplete, [Reason::Encrypted]);
}

#[test]
fn mails_whose_lines_end_with_cr_alone_are_read_as_others() {
    let whole = |text: &str| {
        let found = Collected::of(FileType::Mail, text.as_bytes());
        assert!(found.incomplete.is_empty(), "{:?}", found.incomplete);
        found.children.into_iter().map(|child| child.bytes).next().unwrap()
    };
    let lone = NESTED.replace("\r\n", "\r");
    let mended = whole(&lone);
    assert_eq!(mended, NESTED.replace("\r\n", "\n").into_bytes());
    assert_eq!(shown(std::str::from_utf8(&mended).unwrap()), shown(NESTED));
    // A pair stays one, also where what is read at a time ends between the two.
    let long = format!("From: a@b\r{}", "\r\nx\r\r".repeat(100_000));
    assert_eq!(whole(&long), format!("From: a@b\n{}", "\r\nx\n\n".repeat(100_000)).into_bytes());
    // What is there once is not given again.
    for ordinary in [NESTED, "From: a@b\n\nx\ry"] {
        assert!(shown(ordinary).iter().all(|(_, content)| !content.contains("From")), "{ordinary}");
    }
}
