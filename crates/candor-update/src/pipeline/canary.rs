//! Canaries made of a set's own signatures: files that hold just what a signature looks for, so that nobody has to bring one.
//!
//! ClamAV's databases say nothing of what must be found with them. But a signature of plain bytes says it itself: a file with these
//! bytes in it. A generation that is silent on such a file lost the signature on its way, or cannot find by it. Only
//! signatures are taken of which that is beyond doubt: plain bytes anywhere in a file of any kind, for this functionality level, and
//! on no list of what is to be ignored.

use std::collections::{BTreeSet, VecDeque};

use candor_signature::Input;
use candor_signature::clamav::{FUNCTIONALITY_LEVEL, Keys, open_container_with};

use super::trial::{Expect, Probe};

/// Canaries of one file of signatures: so many from its beginning, and so many from its end.
const AT_EACH_END: usize = 4;
/// Canaries of all.
const MOST: usize = 96;
/// Shortest run of bytes. Shorter ones are found in what they are not meant for.
const SHORTEST: usize = 8;
/// Longest content of a canary in bytes.
const LONGEST: usize = 4096;
/// Names that are remembered as ignored.
const MOST_IGNORED: usize = 1 << 20;

/// What every canary begins with: no file of any known kind does, so its bytes are looked at as they are.
const START: &[u8] = b"\x00\x01\x02candor canary\x00\x03\x00\x00";

/// Makes canaries of files of signatures, one file after the other.
#[derive(Debug, Default)]
pub struct Canaries {
    probes: Vec<Probe>,
    ignored: BTreeSet<Vec<u8>>,
}

impl Canaries {
    /// Takes what there is in a file; `keys` are those of signed containers.
    pub fn add(&mut self, name: &str, bytes: &[u8], keys: &Keys) {
        let is_container = ["cvd", "cld", "cud"].contains(&extension(name).as_str());
        if !is_container {
            self.add_plain(name, bytes);
            return;
        }
        // One that cannot be opened is the compiler's to refuse.
        let Ok(opened) = open_container_with(&Input { name, bytes }, keys) else { return };
        for member in opened.members {
            self.add_plain(&format!("{name}/{}", member.name), &member.bytes);
        }
    }

    /// The canaries, without those of signatures that some file says are to be ignored.
    #[must_use]
    pub fn finish(self) -> Vec<Probe> {
        let Self { probes, ignored } = self;
        let is_wanted = |probe: &Probe| match &probe.expect {
            Expect::Signature(name) => !ignored.contains(name.as_bytes()),
            _ => true,
        };
        probes.into_iter().filter(is_wanted).collect()
    }

    fn add_plain(&mut self, name: &str, bytes: &[u8]) {
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let extension = extension(name);
        if matches!(extension.as_str(), "ign" | "ign2") {
            for field in lines.flat_map(|line| line.split(|byte| *byte == b':')) {
                if self.ignored.len() < MOST_IGNORED && !field.is_empty() {
                    self.ignored.insert(field.to_vec());
                }
            }
            return;
        }
        let parse: fn(&[u8]) -> Option<Found> = match extension.as_str() {
            "ndb" => extended,
            "ldb" => logical,
            "db" => plain,
            _ => return,
        };
        let (mut first, mut last) = (Vec::new(), VecDeque::new());
        for found in lines.filter_map(parse) {
            if first.len() < AT_EACH_END {
                first.push(found);
                continue;
            }
            if last.len() == AT_EACH_END {
                last.pop_front();
            }
            last.push_back(found);
        }
        let probe = |(signature, content): Found| Probe {
            name: format!("a file made for {signature} of {name}"),
            expect: Expect::Signature(signature),
            bytes: [START, &content].concat(),
        };
        let room = MOST.saturating_sub(self.probes.len());
        self.probes.extend(first.into_iter().chain(last).map(probe).take(room));
    }
}

/// A signature, and what it is found in.
type Found = (String, Vec<u8>);

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

/// `Name:Target:Offset:Hex[:least level[:greatest level]]`
fn extended(line: &[u8]) -> Option<Found> {
    let mut fields = line.split(|byte| *byte == b':');
    let (name, target, offset, hex) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let (least, most) = (fields.next(), fields.next());
    (target == b"0" && offset == b"*" && fields.next().is_none() && is_for_us(least, most))
        .then(|| found(name, &[hex]))?
}

/// `Name=Hex`
fn plain(line: &[u8]) -> Option<Found> {
    let (name, hex) = line.split_at_checked(line.iter().position(|byte| *byte == b'=')?)?;
    found(name, &[hex.get(1..)?])
}

/// `Name;Target:0;0&1;Hex;Hex`, where all is wanted and nothing is said about where.
fn logical(line: &[u8]) -> Option<Found> {
    let mut fields = line.split(|byte| *byte == b';');
    let (name, target, expression) = (fields.next()?, fields.next()?, fields.next()?);
    let parts: Vec<&[u8]> = fields.collect();
    for attribute in target.split(|byte| *byte == b',') {
        match attribute.strip_prefix(b"Engine:") {
            Some(levels) => {
                let mut levels = levels.split(|byte| *byte == b'-');
                if !is_for_us(levels.next(), levels.next()) {
                    return None;
                }
            }
            None if attribute == b"Target:0" => (),
            None => return None,
        }
    }
    if !target.ends_with(b"Target:0") {
        return None;
    }
    let all: Vec<String> = (0..parts.len()).map(|number| number.to_string()).collect();
    if all.is_empty() || all.join("&").as_bytes() != expression {
        return None;
    }
    found(name, &parts)
}

/// Whether this engine is meant. A level that is not a number is not looked into.
fn is_for_us(least: Option<&[u8]>, most: Option<&[u8]>) -> bool {
    let level = |field: &[u8]| std::str::from_utf8(field).ok()?.parse::<u32>().ok();
    let is_at_least =
        least.is_none_or(|least| level(least).is_some_and(|least| least <= FUNCTIONALITY_LEVEL));
    is_at_least && most.is_none_or(|most| level(most).is_some_and(|most| most >= FUNCTIONALITY_LEVEL))
}

fn found(name: &[u8], parts: &[&[u8]]) -> Option<Found> {
    let name = std::str::from_utf8(name).ok()?;
    // Some kinds are looked for only when somebody asks, and ClamAV takes what is in parentheses off.
    let is_usual = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'(' && byte != b')')
        && !["PUA.", "Heuristics.", "Weak."].iter().any(|start| name.starts_with(start));
    let mut content = Vec::new();
    for part in parts {
        content.extend(literal(part)?);
        content.extend_from_slice(&[0; 4]);
    }
    (is_usual && content.len() <= LONGEST).then(|| (name.to_owned(), content))
}

/// The bytes of hexadecimal digits, when there is nothing else.
fn literal(hex: &[u8]) -> Option<Vec<u8>> {
    if hex.len() / 2 < SHORTEST || !hex.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Vec<u8> = hex
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        })
        .collect::<Option<_>>()?;
    // A run of one byte is in many files.
    let varied: BTreeSet<&u8> = bytes.iter().collect();
    (varied.len() >= 4).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(files: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        let mut canaries = Canaries::default();
        for (name, text) in files {
            canaries.add(name, text.as_bytes(), &Keys::published());
        }
        let probes = canaries.finish();
        probes
            .into_iter()
            .map(|probe| match probe.expect {
                Expect::Signature(name) => (name, probe.bytes.strip_prefix(START).unwrap().to_vec()),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn plain_bytes_anywhere_make_a_canary_and_nothing_else_does() {
        let found = made(&[("a.ndb", "A:0:*:6162636465666768\nB:0:*:6162636465666769:1:300\n")]);
        assert_eq!(
            found,
            [("A".into(), b"abcdefgh\0\0\0\0".to_vec()), ("B".into(), b"abcdefgi\0\0\0\0".to_vec())]
        );
        let found = made(&[("a.ldb", "L;Engine:51-255,Target:0;0&1;6162636465666768;6162636465666769\n")]);
        assert_eq!(found, [("L".into(), b"abcdefgh\0\0\0\0abcdefgi\0\0\0\0".to_vec())]);
        assert_eq!(made(&[("a.db", "D (Clam)=6162636465666768\nE=6162636465666768\n")]).len(), 1);
        for (name, line) in [
            ("a.ndb", "A:1:*:6162636465666768"),
            ("a.ndb", "A:0:0:6162636465666768"),
            ("a.ndb", "A:0:*:61626364656667??"),
            ("a.ndb", "A:0:*:61626364656667"),
            ("a.ndb", "A:0:*:616263646566676"),
            ("a.ndb", "A:0:*:6161616161616161"),
            ("a.ndb", "A:0:*:6162636465666768:999"),
            ("a.ndb", "A:0:*:6162636465666768:1:50"),
            ("a.ndb", "A:0:*:6162636465666768:x"),
            ("a.ndb", "PUA.A:0:*:6162636465666768"),
            ("a.ndb", "A:0"),
            ("a.ldb", "L;Target:1;0;6162636465666768"),
            ("a.ldb", "L;Target:0,FileSize:1-2;0;6162636465666768"),
            ("a.ldb", "L;Target:0;0|1;6162636465666768;6162636465666768"),
            ("a.ldb", "L;Target:0;0;6162636465666768::i"),
            ("a.ldb", "L;Target:0;0;0:6162636465666768"),
            ("a.ldb", "L;Engine:51-100,Target:0;0;6162636465666768"),
            ("a.hdb", "d41d8cd98f00b204e9800998ecf84271:100:A"),
            ("a.cvd", "no container"),
        ] {
            assert_eq!(made(&[(name, line)]), [], "{name} {line}");
        }
    }

    #[test]
    fn what_another_file_says_is_to_be_ignored_makes_none() {
        let files = [("a.ndb", "A:0:*:6162636465666768\nB:0:*:6162636465666769\n"), ("z.ign2", "A\n")];
        let names: Vec<String> = made(&files).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["B"]);
    }

    #[test]
    fn both_ends_of_a_file_are_looked_at_and_the_number_is_bounded() {
        let text: String = (0..1000).map(|number| format!("N{number}:0:*:61626364{number:08}\n")).collect();
        let names: Vec<String> = made(&[("a.ndb", &text)]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["N0", "N1", "N2", "N3", "N996", "N997", "N998", "N999"]);
        let many: Vec<(String, String)> =
            (0..100).map(|number| (format!("{number}.ndb"), text.clone())).collect();
        let files: Vec<(&str, &str)> =
            many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(made(&files).len(), MOST);
    }
}
