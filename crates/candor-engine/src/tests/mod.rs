//! The loop against a made-up format that can express any tree of layers.
//!
//! A container starts with `T`; after it come members: kind, length in three bytes, content. Kinds:
//! `b` bytes, `s` stream, `e` embedded, `x` a stream that repeats its one byte so often (three bytes),
//! `t` a normalised copy, `a` a member that is encrypted, `d` a stream that breaks off; `i` says that something is malformed.
//! What starts with `<` is HTML, with `#` text, with `P` an executable of two sections; with the byte d1, a
//! disk whose partitions stand where members of a container do.

mod copies;
mod limits;
mod parts;
mod phishing;
mod rules;
mod verdicts;
mod waiting;

use std::io::{self, Read};

use candor_database::{Builder, Image};
use candor_model::{
    CertificateRule, ChildKind, Content, Digest, Executable, ExecutableFormat, Facts, FileType, Flow,
    ImportDigest, Member, Normalisation, PerceptualHash, Reason, Report, Section, Sink,
};
use md5::{Digest as _, Md5};

use crate::formats::Formats;

#[derive(Debug)]
struct Trees;

impl Formats for Trees {
    fn identify(&self, bytes: &[u8]) -> FileType {
        match bytes.first() {
            Some(b'T') => FileType::Zip,
            Some(0xd1) => FileType::Mbr,
            Some(b'<') => FileType::Html,
            Some(b'#') => FileType::TextAscii,
            Some(b'P') => FileType::MsExe,
            _ => FileType::BinaryData,
        }
    }

    fn unpack(&self, file_type: FileType, bytes: &[u8], sink: &mut dyn Sink) {
        match file_type {
            FileType::Zip | FileType::Mbr => Self::members(bytes, sink),
            FileType::MsExe => sink.facts(executable(bytes)),
            FileType::TextAscii => Self::copy(Normalisation::Text, &bytes.to_ascii_lowercase(), sink),
            FileType::Html => {
                let lower = bytes.to_ascii_lowercase();
                Self::copy(Normalisation::HtmlNoComments, &lower, sink);
                if let Some(at) = lower.windows(8).position(|window| window == b"<script>") {
                    Self::copy(Normalisation::Script, &lower[at + 8..], sink);
                }
            }
            _ => {}
        }
    }

    fn catalogue(&self, bytes: &[u8], rules: &[CertificateRule]) -> Vec<Vec<u8>> {
        if rules.iter().all(|rule| rule.trusted) { vec![bytes[1..].to_vec()] } else { Vec::new() }
    }

    fn image_hash(&self, _bytes: &[u8], _file_type: FileType) -> Option<PerceptualHash> {
        None
    }
}

impl Trees {
    fn copy(normalisation: Normalisation, bytes: &[u8], sink: &mut dyn Sink) {
        let _ = sink.child(ChildKind::Normalised(normalisation), &Member::default(), Content::Bytes(bytes));
    }

    fn members(bytes: &[u8], sink: &mut dyn Sink) {
        let mut rest = bytes.get(1..).unwrap_or_default();
        let mut position = 0;
        while let [kind, a, b, c, tail @ ..] = rest {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            position += 1;
            let held = if *kind == b'x' { 1 } else { length };
            let (content, behind) = tail.split_at(held.min(tail.len()));
            rest = behind;
            if *kind == b'p' {
                if sink.wants_program_digests() {
                    sink.program_digest(content);
                }
                continue;
            }
            if *kind == b'i' {
                sink.incomplete(Reason::Malformed("no end".to_owned()));
                continue;
            }
            if *kind == b'v' {
                sink.certified(content.first().copied().unwrap_or(0).into());
                continue;
            }
            let member = Member { name: format!("m{position}"), position, ..Member::default() };
            let kind_of_child = match kind {
                b'e' => ChildKind::Embedded { offset: 1 },
                b't' => ChildKind::Normalised(Normalisation::Text),
                _ => ChildKind::Extracted,
            };
            let mut plain = content;
            let mut repeated = io::repeat(content.first().copied().unwrap_or(0)).take(length as u64);
            let mut broken = content.chain(Broken);
            let content = match kind {
                b's' => Content::Stream(&mut plain),
                b'x' => Content::Stream(&mut repeated),
                b'd' => Content::Stream(&mut broken),
                b'a' => Content::Absent(Reason::Encrypted),
                _ => Content::Bytes(content),
            };
            if sink.child(kind_of_child, &member, content) == Flow::Stop {
                return;
            }
        }
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the stream is damaged"))
    }
}

#[derive(Clone, Debug)]
enum Tree {
    Leaf(Vec<u8>),
    Node(Vec<(u8, Self)>),
    /// A byte and how often it is repeated.
    Bomb(u32),
}

impl Tree {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Leaf(bytes) => bytes.clone(),
            Self::Bomb(_) => vec![0],
            Self::Node(members) => {
                let mut out = vec![b'T'];
                for (kind, tree) in members {
                    let content = tree.bytes();
                    let (kind, length) = match tree {
                        Self::Bomb(times) => (b'x', *times),
                        _ => (*kind, u32::try_from(content.len()).unwrap()),
                    };
                    out.push(kind);
                    out.extend_from_slice(&length.to_be_bytes()[1..]);
                    out.extend_from_slice(&content);
                }
                out
            }
        }
    }
}

/// Two sections: bytes 4 to 8, and the rest. The import list is `a.b`.
fn executable(bytes: &[u8]) -> Facts {
    let section = |raw_offset, raw_size| Section {
        name: b".text".to_vec(),
        raw_offset,
        raw_size,
        virtual_address: 0,
        virtual_size: 0,
    };
    let imports = ImportDigest { digest: Digest::new(&Md5::digest(b"a.b")).unwrap(), length: 3 };
    Facts {
        executable: Some(Executable {
            format: ExecutableFormat::Pe,
            is_64_bit: false,
            entry_point: None,
            sections: vec![section(4, 4), section(8, (bytes.len() as u64).saturating_sub(8))],
            version_strings: Vec::new(),
            imports: Some(imports),
        }),
        ..Facts::default()
    }
}

fn node(members: &[(u8, Tree)]) -> Tree {
    Tree::Node(members.to_vec())
}

fn leaf(bytes: &[u8]) -> Tree {
    Tree::Leaf(bytes.to_vec())
}

fn nested(depth: u32) -> Tree {
    (0..depth).fold(leaf(b"inside"), |inner, _| node(&[(b's', inner)]))
}

fn image() -> Image {
    Image::from_vec(Builder::new().finish().unwrap()).unwrap()
}

fn reasons(report: &Report) -> Vec<(&[String], &Reason)> {
    report.incomplete.iter().map(|missed| (missed.path.as_slice(), &missed.reason)).collect()
}
