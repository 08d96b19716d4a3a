//! Random signatures, each with files that it is tried on.

use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::zip;
use candor_model::{Facts, FileType};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::pattern::{Pattern, Twist, hex};
use super::{icons, layers};
use crate::random::Random;

/// A signature, with what it needs, and files to try it on.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    /// Its own name: every signature of it starts with that.
    pub(super) name: String,
    /// Lines by the extension of their file.
    pub(super) lines: Vec<(&'static str, String)>,
    pub(super) files: Vec<File>,
    /// Whether it changes the answers of all others: it is scanned apart from them.
    pub(super) apart: bool,
}

impl Topic {
    pub(super) fn new(name: String, lines: Vec<(&'static str, String)>, files: Vec<File>) -> Self {
        Self { name, lines, files, apart: false }
    }
}

/// A file to be scanned.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    /// What it is, when there is no layer but the file itself; then the naive matcher is asked, too.
    pub(super) known: Option<(FileType, Facts)>,
}

/// What topics are about, how many of a hundred are, and how one with a name is made.
type Row = (&'static str, usize, fn(&mut Random, String) -> Topic);

/// Every kind of topic.
pub(super) const KINDS: &[Row] = &[
    ("body", 16, body),
    ("version", 2, version),
    ("executable", 15, executable),
    ("logical", 20, logical),
    ("compare", 7, compare),
    ("regex", 9, regex),
    ("hash", 4, hash),
    ("section", 4, section),
    ("member", 4, member),
    ("trusted", 2, trusted),
    ("around", 1, layers::around),
    ("macros", 4, layers::macros),
    ("picture", 2, layers::picture),
    ("text", 2, layers::text),
    ("page", 3, layers::page),
    ("long", 1, layers::long),
    ("short", 1, layers::short),
    ("icon", 2, icons::icon),
    ("magic", 1, layers::magic),
];

/// A topic of a random kind, or of the one that is named.
pub(super) fn topic(random: &mut Random, number: usize, kind: Option<&str>) -> Topic {
    let name = format!("T{number}");
    let mut place = random.range(0, 99);
    let picked = KINDS.iter().find(|(own, share, _)| match kind {
        Some(kind) => *own == kind,
        None if place < *share => true,
        None => {
            place -= share;
            false
        }
    });
    match picked {
        Some((.., make)) => make(random, name),
        None => body(random, name),
    }
}

pub(super) const FILES: usize = 5;

pub(super) fn plain(bytes: Vec<u8>) -> File {
    File { bytes, known: Some((FileType::BinaryData, Facts::default())) }
}

/// Zeros before keep a file from being taken for text.
pub(super) fn host(random: &mut Random, put: &[u8], at: usize, behind: usize) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    while bytes.len() < at {
        bytes.push(*random.pick(b"\0\0\0- x\n"));
    }
    bytes.extend_from_slice(put);
    for _ in 0..behind {
        bytes.push(*random.pick(b"\0\0-/ x\n"));
    }
    bytes
}

/// One or two runs of bytes for `pattern`.
pub(super) fn occurrences(random: &mut Random, pattern: &Pattern) -> Vec<u8> {
    let twist = Twist::random(random);
    let mut bytes = pattern.bytes(random, twist);
    if random.chance(30) {
        for _ in 0..random.range(0, 4) {
            bytes.push(*random.pick(b"\0-x"));
        }
        let twist = Twist::random(random);
        bytes.extend(pattern.bytes(random, twist));
    }
    bytes
}

/// The text of an offset, and where bytes must start to be at it in a file of some length.
struct Place {
    text: String,
    from_end: bool,
    distance: usize,
    shift: usize,
}

impl Place {
    fn random(random: &mut Random) -> Self {
        let from_end = random.chance(40);
        let distance = random.range(8, 60);
        let with_shift = random.chance(40);
        let shift = if with_shift { random.range(0, 6) } else { 0 };
        let base = if from_end { format!("EOF-{distance}") } else { distance.to_string() };
        let text = if with_shift { format!("{base},{shift}") } else { base };
        Self { text, from_end, distance, shift }
    }

    /// A file with `put` at the place, or a byte beside it.
    fn host(&self, random: &mut Random, put: &[u8]) -> Vec<u8> {
        let target = self.distance + random.range(0, self.shift + 2);
        if self.from_end {
            let behind = (self.distance + 1).saturating_sub(put.len() + random.range(0, self.shift + 2));
            let before = random.range(8, 40);
            host(random, put, before, behind)
        } else {
            let behind = random.range(0, 10);
            host(random, put, target.saturating_sub(1), behind)
        }
    }
}

fn body(random: &mut Random, name: String) -> Topic {
    let pattern = Pattern::random(random, "");
    let place = random.chance(40).then(|| Place::random(random));
    let offset = place.as_ref().map_or("*", |place| place.text.as_str());
    let line = format!("{name}:0:{offset}:{}", pattern.text());
    let files = (0..FILES)
        .map(|_| {
            let put = occurrences(random, &pattern);
            plain(match &place {
                Some(place) => place.host(random, &put),
                None => {
                    let (before, behind) = (random.range(8, 40), random.range(0, 12));
                    host(random, &put, before, behind)
                }
            })
        })
        .collect();
    Topic::new(name, vec![("ndb", line)], files)
}

fn executable(random: &mut Random, name: String) -> Topic {
    let pattern = Pattern::random(random, "");
    let kind =
        *random.pick(&[Kind::Pe32, Kind::Pe32, Kind::Pe32Plus, Kind::Elf32, Kind::Elf64, Kind::MachO64]);
    let target = match kind {
        Kind::Elf32 | Kind::Elf64 => 6,
        Kind::MachO64 => 9,
        Kind::Pe32 | Kind::Pe32Plus => 1,
    };
    let section = random.range(0, 2);
    let distance = random.range(0, 40);
    let shift = random.range(0, 5);
    let suffix = if random.chance(50) { format!(",{shift}") } else { String::new() };
    let shift = if suffix.is_empty() { 0 } else { shift };
    let (offset, base) = match random.range(0, 5) {
        0 => (format!("EP+{distance}{suffix}"), Base::Entry(i64::try_from(distance).unwrap_or(0))),
        1 => (format!("EP-{distance}{suffix}"), Base::Entry(-i64::try_from(distance).unwrap_or(0))),
        2 => (format!("S{section}+{distance}{suffix}"), Base::Section(section, distance)),
        3 => (format!("SL+{distance}{suffix}"), Base::Last(distance)),
        4 => (format!("SE{section}"), Base::Within(section)),
        _ => ("*".to_owned(), Base::Section(section, distance)),
    };
    let logical = random.chance(40);
    let lines = if logical {
        let conditions = match random.range(0, 4) {
            0 => format!("NumberOfSections:{}-{},", random.range(1, 4), random.range(4, 6)),
            1 => format!("FileSize:{}-{},", random.range(500, 2000), random.range(2000, 9000)),
            2 => format!("EntryPoint:{}-{},", random.range(0, 1200), random.range(1200, 5000)),
            _ => String::new(),
        };
        vec![(
            "ldb",
            format!("{name};Engine:81-255,{conditions}Target:{target};0;{offset}:{}", pattern.text()),
        )]
    } else {
        vec![("ndb", format!("{name}:{target}:{offset}:{}", pattern.text()))]
    };
    let files = (0..FILES)
        .map(|_| {
            let mut kind = kind;
            if random.chance(8) {
                kind = *random.pick(&Kind::ALL);
            }
            let sections = ["one", "two", "three", "four"]
                .into_iter()
                .take(random.range(2, 4))
                .map(|name| SectionRecipe { name: name.into(), bytes: vec![0; random.range(0x100, 0x500)] })
                .collect();
            let mut recipe = Executable::new(kind, sections);
            recipe.entry = (random.range(0, 1), u32::try_from(random.range(50, 200)).unwrap_or(0));
            let (mut bytes, facts) = recipe.build();
            let put = occurrences(random, &pattern);
            // Behind their sections stand the section headers of ELF files: who writes there changes the facts.
            let headers_behind = if matches!(kind, Kind::Elf32 | Kind::Elf64) {
                let sections = facts.executable.iter().flat_map(|executable| &executable.sections);
                sections.map(|section| section.raw_offset + section.raw_size).max()
            } else {
                None
            };
            let mut is_known = true;
            if let Some(at) = base.resolve(random, &facts) {
                let at = (at + random.range(0, shift + 2)).saturating_sub(1);
                // The headers stay as they are: the file is to be what it is said to be.
                let headers = 128;
                if at >= headers
                    && let Some(room) = bytes.get_mut(at..at + put.len())
                {
                    room.copy_from_slice(&put);
                    is_known = headers_behind.is_none_or(|end| (at + put.len()) as u64 <= end);
                }
            }
            File { bytes, known: is_known.then(|| (kind.file_type(), facts)) }
        })
        .collect();
    Topic::new(name, lines, files)
}

/// Text of a PE version resource, at `VI`.
fn version(random: &mut Random, name: String) -> Topic {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let keys = ["CompanyName", "FileVersion", "Comments", "OriginalFilename"];
    let value = |random: &mut Random| format!("{}{}", random.pick(&["Acme ", "v", ""]), random.range(0, 3));
    let key = *random.pick(&keys);
    // A key stands in front of its value, both end with two zeros, and the value is aligned to four bytes
    // from the start of the structure, which begins six bytes before the key.
    let mut text = wide(key);
    let mut cut = 0;
    if random.chance(60) {
        let with_key = text.len() + 2;
        text.resize(with_key + (6 + with_key).next_multiple_of(4) - (6 + with_key), 0);
        text.extend(wide(&value(random)));
        cut = *random.pick(&[0, 0, 0, 2, with_key]);
    }
    let shift = *random.pick(&["", "", ",2", ",40"]);
    let line = format!("{name}:1:VI{shift}:{}", hex(text.get(cut..).unwrap_or(&text)));
    let files = (0..FILES)
        .map(|_| {
            let kind = *random.pick(&[Kind::Pe32, Kind::Pe32Plus]);
            let text = if random.chance(20) { text.clone() } else { vec![0; 20] };
            let section = SectionRecipe { name: "one".into(), bytes: text };
            let mut recipe = Executable::new(kind, vec![section]);
            recipe.version =
                keys.iter().take(random.range(1, 4)).map(|key| ((*key).to_owned(), value(random))).collect();
            let (bytes, facts) = recipe.build();
            File { bytes, known: Some((FileType::MsExe, facts)) }
        })
        .collect();
    Topic::new(name, vec![("ndb", line)], files)
}

enum Base {
    Entry(i64),
    Last(usize),
    Section(usize, usize),
    Within(usize),
}

impl Base {
    fn resolve(&self, random: &mut Random, facts: &Facts) -> Option<usize> {
        let executable = facts.executable.as_ref()?;
        let section = |index: usize| executable.sections.get(index);
        let place = match self {
            Self::Entry(distance) => executable.entry_point?.checked_add_signed(*distance)?,
            Self::Last(distance) => executable.sections.last()?.raw_offset + u64::try_from(*distance).ok()?,
            Self::Section(index, distance) => section(*index)?.raw_offset + u64::try_from(*distance).ok()?,
            Self::Within(index) => {
                let section = section(*index)?;
                section.raw_offset
                    + *random.pick(&[0, section.raw_size / 2, section.raw_size, section.raw_size + 1])
            }
        };
        usize::try_from(place).ok()
    }
}

fn logical(random: &mut Random, name: String) -> Topic {
    let count = random.range(1, 4);
    let mut subs = Vec::new();
    let mut patterns = Vec::new();
    for _ in 0..count {
        let modifiers = *random.pick(&["", "", "", "i", "w", "f", "aw", "iw", "if", "fw", "aiw", "a"]);
        let pattern = Pattern::random(random, modifiers);
        let place = if random.chance(15) { Place::random(random).text + ":" } else { String::new() };
        subs.push(format!("{place}{}", pattern.text()));
        patterns.push(pattern);
    }
    let expression = expression(random, 0, count);
    let size = if random.chance(15) {
        format!("FileSize:{}-{},", random.range(0, 100), random.range(100, 300))
    } else {
        String::new()
    };
    let line = format!("{name};Engine:81-255,{size}Target:0;{expression};{}", subs.join(";"));
    let files = (0..FILES)
        .map(|_| {
            let mut put = Vec::new();
            for _ in 0..random.range(1, 4) {
                let pattern = random.pick(&patterns).clone();
                put.extend(occurrences(random, &pattern));
                put.extend(std::iter::repeat_n(*random.pick(b"\0-/a"), random.clone().range(0, 3)));
            }
            let (before, behind) = (random.range(8, 30), random.range(0, 6));
            plain(host(random, &put, before, behind))
        })
        .collect();
    Topic::new(name, vec![("ldb", line)], files)
}

/// A condition over `count` sub-signatures from `first` on, each named at least once.
fn expression(random: &mut Random, first: usize, count: usize) -> String {
    if count == 1 {
        let modifier = if random.chance(25) { comparison(random, false) } else { String::new() };
        return format!("{first}{modifier}");
    }
    if count == 3 && random.chance(20) {
        let flat = format!(
            "{first}{}{}{}{}",
            random.pick(&['&', '|']),
            first + 1,
            random.pick(&['&', '|']),
            first + 2
        );
        return if random.chance(50) { flat } else { format!("({flat}){}", comparison(random, true)) };
    }
    let left = random.range(1, count - 1);
    let operator = random.pick(&['&', '|']).to_string();
    let sides = [expression(random, first, left), expression(random, first + left, count - left)];
    let sides: Vec<String> = sides
        .into_iter()
        .map(|side| {
            if side.contains(['&', '|']) && !side.ends_with(')') && !side.starts_with('(') {
                format!("({side})")
            } else {
                side
            }
        })
        .collect();
    let both = sides.join(&operator);
    if random.chance(50) { format!("({both}){}", comparison(random, true)) } else { format!("({both})") }
}

fn comparison(random: &mut Random, of_block: bool) -> String {
    let distinct =
        if of_block && random.chance(30) { format!(",{}", random.range(1, 3)) } else { String::new() };
    let sign = *random.pick(&['=', '>', '<']);
    let low = usize::from(sign == '<');
    format!("{sign}{}{distinct}", random.range(low, 4))
}

fn compare(random: &mut Random, name: String) -> Topic {
    let pattern = Pattern::literal(random);
    let length = pattern.bytes(random, Twist::None).len();
    let value = *random.pick(&[0_u32, 7, 12, 99, 255, 256, 4660, 65535]);
    let raw = random.chance(40);
    let width = if raw { *random.pick(&[1, 2, 4, 8]) } else { random.range(1, 6) };
    let form = if raw {
        *random.pick(&["il", "ib"])
    } else {
        *random.pick(&["db", "hb", "hl", "ab", "d", "dbe", "hbe"])
    };
    let width = if form == "hl" { width + width % 2 } else { width };
    let gap = random.range(0, 3);
    let distance =
        if random.chance(85) { format!(">>{}", length + gap) } else { format!("<<{}", random.range(1, 6)) };
    let mut wanted = format!("{}{value}", random.pick(&['=', '=', '>', '<']));
    if random.chance(20) {
        wanted = format!(">{},<{}", value.saturating_sub(2), value + 2);
    }
    let line =
        format!("{name};Engine:81-255,Target:0;0&1;{};0({distance}#{form}{width}#{wanted})", pattern.text());
    let files = (0..FILES)
        .map(|_| {
            let mut put = Vec::new();
            for _ in 0..random.range(1, 2) {
                put.extend(pattern.bytes(random, Twist::None));
                put.extend(std::iter::repeat_n(b'.', gap));
                let near = if random.chance(70) { value } else { value.wrapping_add(1) };
                let wide = u64::from(near);
                match form {
                    "il" => put.extend(wide.to_le_bytes().iter().take(width)),
                    "ib" => put.extend(&wide.to_be_bytes()[8 - width..]),
                    "hb" | "hbe" => put.extend(format!("{near:0width$x}").bytes()),
                    "hl" => put.extend(hex(&wide.to_le_bytes()[..width / 2]).bytes()),
                    _ if random.chance(30) => put.extend(format!("0x{near:x}").bytes()),
                    _ => put.extend(format!("{near:0width$}").bytes()),
                }
                put.extend(random.pick(&[&b""[..], b"z", b" ", b"\0\0"]).iter());
            }
            let (before, behind) = (random.range(8, 20), random.range(0, 8));
            plain(host(random, &put, before, behind))
        })
        .collect();
    Topic::new(name, vec![("ldb", line)], files)
}

fn regex(random: &mut Random, name: String) -> Topic {
    let trigger = Pattern::literal(random);
    let words: Vec<String> = (0..2)
        .map(|_| (0..random.range(2, 4)).map(|_| char::from(b'a' + random.byte() % 26)).collect())
        .collect();
    let tail = *random.pick(&[
        "", "[0-9]+", "\\d{2}", "(?:x|yz)", "[^a-z]?", ".{0,3}q", "\\s*z", "$", "\\b", "(?=k)", "(.)\\1",
    ]);
    let head = *random.pick(&["", "", "", "^", "(?<=-)", "\\x2d?", "(?i)"]);
    let alternative = if random.chance(30) { format!("|{}", words[1]) } else { String::new() };
    let expression = format!("{head}{}{tail}{alternative}", words[0]);
    let mut flags = String::new();
    for (flag, percent) in [
        ('g', 35),
        ('r', 20),
        ('e', 20),
        ('i', 20),
        ('s', 20),
        ('m', 20),
        ('A', 8),
        ('E', 10),
        ('U', 10),
        ('x', 5),
    ] {
        if random.chance(percent) {
            flags.push(flag);
        }
    }
    let place = random.chance(45).then(|| Place::random(random));
    let offset = place.as_ref().map_or(String::new(), |place| format!("{}:", place.text));
    let condition = *random.pick(&["0", "0", "0>1", "0=1"]);
    let outer = *random.pick(&["0&1", "1", "0&1>1", "0&1=2", "1=1", "1<3"]);
    let line = format!(
        "{name};Engine:81-255,Target:0;{outer};{};{offset}{condition}/{expression}/{flags}",
        trigger.text()
    );
    let files = (0..FILES)
        .map(|_| {
            let mut put = Vec::new();
            for _ in 0..random.range(1, 4) {
                put.extend(random.pick(&words).bytes());
                put.extend(
                    random
                        .pick(&["", "1", "12", "x", "yz", " q", "q", "  z", "k", "kk", "--", "\n", "\r\n"])
                        .bytes(),
                );
            }
            let mut bytes = match &place {
                Some(place) => place.host(random, &put),
                None => {
                    let (before, behind) = (random.range(8, 20), random.range(0, 3));
                    host(random, &put, before, behind)
                }
            };
            // The trigger stands at the end, so that offsets from the start stay as they are; or
            // in front, so that those from the end do.
            for _ in 0..random.range(1, 2) {
                let text = trigger.bytes(random, Twist::None);
                if place.as_ref().is_some_and(|place| place.from_end) {
                    bytes.splice(8..8, text);
                } else {
                    bytes.extend(text);
                }
            }
            plain(bytes)
        })
        .collect();
    Topic::new(name, vec![("ldb", line)], files)
}

pub(super) fn digest(random: &mut Random, bytes: &[u8]) -> String {
    match random.range(0, 2) {
        0 => hex(&Md5::digest(bytes)),
        1 => hex(&Sha1::digest(bytes)),
        _ => hex(&Sha256::digest(bytes)),
    }
}

fn random_file(random: &mut Random) -> Vec<u8> {
    let length = random.range(1, 60);
    let mut bytes = vec![0; 8];
    bytes.extend((0..length).map(|_| random.byte()));
    bytes
}

fn hash(random: &mut Random, name: String) -> Topic {
    let files: Vec<File> = (0..FILES).map(|_| plain(random_file(random))).collect();
    let bytes = &files[0].bytes;
    let size = match random.range(0, 3) {
        0 => "*".to_owned(),
        1 => (bytes.len() + 1).to_string(),
        _ => bytes.len().to_string(),
    };
    let level = if size == "*" { ":73" } else { "" };
    let line = format!("{}:{size}:{name}{level}", digest(random, bytes));
    Topic::new(name, vec![(*random.pick(&["hdb", "hsb"]), line)], files)
}

fn section(random: &mut Random, name: String) -> Topic {
    let kind = *random.pick(&[Kind::Pe32, Kind::Pe32, Kind::Pe32Plus]);
    let mut recipes = Vec::new();
    for _ in 0..3 {
        let sections = ["one", "two"]
            .into_iter()
            .map(|name| {
                let length = random.range(1, 900);
                SectionRecipe { name: name.into(), bytes: (0..length).map(|_| random.byte()).collect() }
            })
            .collect();
        let mut recipe = Executable::new(kind, sections);
        recipe.imports = vec![
            ("KERNEL32.dll".into(), vec!["ExitProcess".into(), format!("Function{}", random.range(0, 9999))]),
            ("user32.DLL".into(), vec!["MessageBoxA".into()]),
        ];
        recipes.push(recipe);
    }
    let files: Vec<File> = recipes
        .iter()
        .map(|recipe| {
            let (bytes, facts) = recipe.build();
            File { bytes, known: Some((FileType::MsExe, facts)) }
        })
        .collect();
    let (bytes, facts) = recipes[0].build();
    let line = facts.executable.and_then(|executable| {
        if random.chance(30) {
            let imports = executable.imports?;
            let size = if random.chance(70) { imports.length } else { imports.length + 1 };
            return Some(("imp", format!("{}:{size}:{name}", imports.digest)));
        }
        let section = executable.sections.get(random.range(0, 1))?;
        let start = usize::try_from(section.raw_offset).ok()?;
        let end = start + usize::try_from(section.raw_size).ok()?;
        let digest = digest(random, bytes.get(start..end)?);
        let (size, level) = match random.range(0, 3) {
            0 => ("*".to_owned(), ":73"),
            1 => ((section.raw_size + 512).to_string(), ""),
            _ => (section.raw_size.to_string(), ""),
        };
        Some((*random.pick(&["mdb", "msb"]), format!("{size}:{digest}:{name}{level}")))
    });
    Topic::new(name, line.into_iter().collect(), files)
}

fn member(random: &mut Random, name: String) -> Topic {
    let archives: Vec<Vec<zip::Member>> = (0..FILES)
        .map(|_| {
            (0..random.range(1, 3))
                .map(|_| zip::Member {
                    name: format!(
                        "{}{}.{}",
                        random.pick(&["doc", "setup", "a b"]),
                        random.range(0, 3),
                        random.pick(&["exe", "txt"])
                    ),
                    bytes: random_file(random),
                    deflate: random.chance(40),
                    encrypted: false,
                })
                .collect()
        })
        .collect();
    let files: Vec<File> =
        archives.iter().map(|members| File { bytes: zip::build(members), known: None }).collect();
    let chosen = random.pick(&archives[0]).clone();
    let around = |random: &mut Random, value: usize| match random.range(0, 4) {
        0 => value.to_string(),
        1 => format!("{}-{}", value.saturating_sub(random.range(0, 3)), value + random.range(0, 3)),
        2 => format!("{}-{}", value + 1, value + 9),
        _ => "*".to_owned(),
    };
    let container = *random.pick(&["CL_TYPE_ZIP", "CL_TYPE_ZIP", "*", "CL_TYPE_RAR"]);
    let stem: String = chosen.name.chars().take_while(|next| *next != '.').collect();
    let text = match random.range(0, 3) {
        0 => "*".to_owned(),
        1 => format!("^{stem}\\.(exe|txt)$"),
        2 => "\\.exe$".to_owned(),
        _ => stem,
    };
    let size = around(random, files[0].bytes.len());
    let packed = around(random, chosen.packed().len());
    let real = around(random, chosen.bytes.len());
    let encrypted = *random.pick(&["0", "*", "*", "1"]);
    let position = around(random, 1);
    let line = format!("{name}:{container}:{size}:{text}:{packed}:{real}:{encrypted}:{position}:*:*");
    Topic::new(name, vec![("cdb", line)], files)
}

fn trusted(random: &mut Random, name: String) -> Topic {
    let mut topic = body(random, name);
    let file = random.pick(&topic.files).bytes.clone();
    let length = if random.chance(80) { file.len() } else { file.len() + 1 };
    let (extension, digest) = if random.chance(50) {
        ("fp", hex(&Md5::digest(&file)))
    } else {
        ("sfp", hex(&Sha256::digest(&file)))
    };
    topic.lines.push((extension, format!("{digest}:{length}:{}trusted", topic.name)));
    for file in &mut topic.files {
        file.known = None;
    }
    topic
}
