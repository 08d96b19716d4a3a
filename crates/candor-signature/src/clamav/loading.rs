//! What all languages have in common: which file is read when, what is left out of a file, and how
//! what is wrong is told.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::rc::Rc;

use candor_database::ir::{Header, Receiver, Signature, Source, SourceId};

use super::container::{self, Again, Keys};
use super::ignore::IgnoreList;
use super::language::{self, ContainerKind, Kind, Language};
use super::text::{Fault, Lines, Text};
use super::{Line, Options, Parsed, body, hash, lists, logical, magic, metadata};
use crate::yara::{self, Content, Item, Library, RuleFile};
use crate::{Diagnostic, Input, Severity, SourceSummary};

/// Longest line of most languages in bytes.
const LONGEST_LINE: usize = 8191;
/// Bytes of a catalogue of programs; those of Windows have a few megabytes.
const LONGEST_CATALOGUE: usize = 16 << 20;
/// Longest line of logical signatures.
const LONGEST_LOGICAL_LINE: usize = 32767;
/// ClamAV strips this from the end of names.
const NAME_SUFFIX: &str = " (Clam)";

/// One file to be read, on its own or out of a container.
struct File<'a> {
    name: String,
    kind: Kind,
    official: bool,
    bytes: Bytes<'a>,
}

/// What is in a file.
enum Bytes<'a> {
    Whole(Cow<'a, [u8]>),
    /// A member of a container that holds lines, as long as all others together: read when it is its turn, a piece at a time.
    Packed {
        tar: Rc<RefCell<Again<'a>>>,
        offset: u64,
        length: u64,
    },
}

impl File<'_> {
    /// All of it, of a file that is no packed member.
    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Whole(bytes) => bytes,
            Bytes::Packed { .. } => &[],
        }
    }
}

/// As [`load`](super::load), with these keys of signed containers instead of ClamAV's.
pub fn load_with(
    inputs: &[Input<'_>],
    options: Options,
    keys: &Keys,
    receiver: &mut dyn Receiver,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> Vec<SourceSummary> {
    load_vouched(inputs, &[], options, keys, receiver, diagnostics)
}

/// As [`load_with`]. For the containers at the places in `vouched` somebody who is trusted vouches already, and their
/// own signatures need not fit.
pub fn load_vouched(
    inputs: &[Input<'_>],
    vouched: &[usize],
    options: Options,
    keys: &Keys,
    receiver: &mut dyn Receiver,
    diagnostics: &mut dyn FnMut(Diagnostic),
) -> Vec<SourceSummary> {
    let mut summaries = Vec::new();
    let mut files = collect((inputs, vouched), keys, &mut || receiver.pause(), diagnostics, &mut summaries);
    files.sort_by_key(|file| Reverse(priority(file.kind.language)));
    // Rules may include files of rules, so that these are known together.
    let rules = files.iter().filter(|file| file.kind.language == Language::Rules);
    let rules = rules.map(|file| RuleFile { name: &file.name, bytes: file.bytes() });
    let library = Library::new(rules.collect());
    let mut loader =
        Loader { options, ignored: IgnoreList::default(), library, rule_files: 0, receiver, diagnostics };
    for file in &files {
        summaries.push(loader.file(file));
    }
    summaries
}

/// Files of higher priority are read first.
const fn priority(language: Language) -> u8 {
    match language {
        Language::Ignore => 2,
        Language::Config => 1,
        _ => 0,
    }
}

/// Whether a file in this language is read line by line and needs not be held for it.
const fn is_lines(language: Language) -> bool {
    !matches!(
        language,
        Language::Ignore
            | Language::Config
            | Language::Info
            | Language::Catalogue
            | Language::Rules
            | Language::Unused { .. }
            | Language::Container(_)
    )
}

/// The files in `inputs`, containers verified; what is packed in them is left there where it can be. `pause` is called now and then.
fn collect<'a>(
    (inputs, vouched): (&[Input<'a>], &[usize]),
    keys: &Keys,
    pause: &mut dyn FnMut(),
    diagnostics: &mut dyn FnMut(Diagnostic),
    summaries: &mut Vec<SourceSummary>,
) -> Vec<File<'a>> {
    let skipped = older_daily(inputs);
    let mut files = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let name = String::from_utf8_lossy(input.name.as_bytes()).into_owned();
        let Some(kind) = language::of_name(&name) else {
            diagnostics(about_file(Severity::Note, &name, "not a signature file by its name"));
            continue;
        };
        if skipped == Some(index) {
            diagnostics(about_file(Severity::Note, &name, "left out: the other daily database is newer"));
            continue;
        }
        let Language::Container(container_kind) = kind.language else {
            files.push(File { name, kind, official: false, bytes: Bytes::Whole(input.bytes.into()) });
            continue;
        };
        let believed = (keys, vouched.contains(&index));
        let wanted = |name: &str| language::of_name(name).is_some_and(|kind| !is_lines(kind.language));
        match container::verify(input.bytes, container_kind, believed, &wanted, pause) {
            Ok(opened) => {
                let tar = Rc::new(RefCell::new(Again::new(opened.body)));
                for member in opened.members {
                    let path = format!("{name}/{}", member.name);
                    if member.name == "COPYING" {
                        continue;
                    }
                    match language::of_name(&member.name) {
                        Some(Kind { language: Language::Container(_), .. }) => {
                            diagnostics(about_file(
                                Severity::Error,
                                &path,
                                "a container inside of a container",
                            ));
                        }
                        Some(kind) => files.push(File {
                            name: path,
                            kind,
                            official: opened.official,
                            bytes: match member.bytes {
                                Some(bytes) => Bytes::Whole(bytes.into()),
                                None => Bytes::Packed {
                                    tar: Rc::clone(&tar),
                                    offset: member.offset,
                                    length: member.length,
                                },
                            },
                        }),
                        None => {
                            diagnostics(about_file(Severity::Note, &path, "not a signature file by its name"))
                        }
                    }
                }
            }
            Err(error) => {
                diagnostics(about_file(Severity::Error, &name, &error.to_string()));
                summaries.push(SourceSummary { source: name, refused: 1, ..SourceSummary::default() });
            }
        }
    }
    files
}

/// Of `daily.cvd` and `daily.cld` in one set the older one, the `.cvd` when they are alike.
fn older_daily(inputs: &[Input<'_>]) -> Option<usize> {
    let find = |wanted: &str| {
        inputs.iter().enumerate().find_map(|(index, input)| {
            let base = input.name.rsplit(['/', '\\']).next()?;
            let version = container::version(input.bytes)?;
            base.eq_ignore_ascii_case(wanted).then_some((index, version))
        })
    };
    let (published, published_version) = find("daily.cvd")?;
    let (updated, updated_version) = find("daily.cld")?;
    Some(if published_version > updated_version { updated } else { published })
}

fn about_file(severity: Severity, source: &str, message: &str) -> Diagnostic {
    Diagnostic { severity, source: source.to_owned(), line: 0, column: 0, message: message.to_owned() }
}

struct Loader<'a> {
    options: Options,
    ignored: IgnoreList,
    library: Library<'a>,
    /// How many files of the library were read.
    rule_files: usize,
    receiver: &'a mut dyn Receiver,
    diagnostics: &'a mut dyn FnMut(Diagnostic),
}

impl Loader<'_> {
    fn file(&mut self, file: &File<'_>) -> SourceSummary {
        let mut summary = SourceSummary { source: file.name.clone(), ..SourceSummary::default() };
        match file.kind.language {
            Language::Unused { by_line } => self.unused(file, by_line, &mut summary),
            Language::Ignore => self.ignore_list(file, &mut summary),
            language => match self.announce(file) {
                Ok(source) if language == Language::Catalogue => {
                    self.catalogue(file, source, &mut summary);
                }
                Ok(source) if language == Language::Rules => self.rules(file, source, &mut summary),
                Ok(source) => self.signatures(file, language, source, &mut summary),
                Err(message) => {
                    summary.refused = 1;
                    (self.diagnostics)(about_file(Severity::Error, &file.name, &message));
                }
            },
        }
        summary
    }

    fn announce(&mut self, file: &File<'_>) -> Result<SourceId, String> {
        let source = Source {
            name: file.name.clone(),
            language: file.kind.name,
            official: file.official,
            potentially_unwanted: file.kind.potentially_unwanted,
        };
        self.receiver.source(source).map_err(|refusal| refusal.to_string())
    }

    /// A file in a language that is recognised and not read.
    fn unused(&mut self, file: &File<'_>, by_line: bool, summary: &mut SourceSummary) {
        summary.unused = if by_line {
            let entries = content_lines(file.bytes()).count();
            u64::try_from(entries).unwrap_or(u64::MAX)
        } else {
            1
        };
        let message = format!("{} files are not used yet", file.kind.name);
        (self.diagnostics)(about_file(Severity::Note, &file.name, &message));
    }

    /// A file that is one signature. Whether it is believed depends on others and is decided when it is used.
    fn catalogue(&mut self, file: &File<'_>, source: SourceId, summary: &mut SourceSummary) {
        let name = file.name.rsplit(['/', '\\']).next().unwrap_or(&file.name);
        let taken = match file.bytes().first() {
            Some(0x30) if file.bytes().len() <= LONGEST_CATALOGUE => self
                .receiver
                .add(Header { name, source, line: 0 }, Signature::Catalogue(file.bytes().to_vec()))
                .map_err(|refusal| refusal.to_string()),
            Some(0x30) => Err(format!("a catalogue of over {LONGEST_CATALOGUE} bytes")),
            _ => Err("no catalogue: it is not encoded as one".to_owned()),
        };
        match taken {
            Ok(()) => summary.accepted = 1,
            Err(message) => {
                summary.refused = 1;
                (self.diagnostics)(about_file(Severity::Error, &file.name, &message));
            }
        }
    }

    /// A file of rules. Whoever ignores a rule names it with or without what stands before its name in findings.
    fn rules(&mut self, file: &File<'_>, source: SourceId, summary: &mut SourceSummary) {
        let index = self.rule_files;
        self.rule_files = index.saturating_add(1);
        let mut library = std::mem::take(&mut self.library);
        library.read(index, &mut |item| self.rule(file, source, item, summary));
        self.library = library;
    }

    fn rule(&mut self, file: &File<'_>, source: SourceId, item: Item, summary: &mut SourceSummary) {
        let name = format!("{}{}", yara::NAME_PREFIX, item.name);
        let text = file.bytes().get(item.text).unwrap_or_default();
        let is_ignored =
            self.ignored.contains(name.as_bytes(), text) || self.ignored.contains(item.name.as_bytes(), text);
        if is_ignored && !item.name.is_empty() {
            summary.ignored = summary.ignored.saturating_add(1);
            return;
        }
        let (severity, message) = match item.content {
            Content::Rule(rule) => {
                let header = Header { name: &name, source, line: item.place.0 };
                match self.receiver.add(header, Signature::Rule(rule)) {
                    Ok(()) => {
                        summary.accepted = summary.accepted.saturating_add(1);
                        return;
                    }
                    Err(refusal) => {
                        summary.refused = summary.refused.saturating_add(1);
                        (Severity::Error, refusal.to_string())
                    }
                }
            }
            Content::Refused(message) => {
                summary.refused = summary.refused.saturating_add(1);
                (Severity::Error, message)
            }
            Content::Unused(message) => {
                summary.unused = summary.unused.saturating_add(1);
                (Severity::Note, message)
            }
            Content::Note(message) => (Severity::Note, message),
        };
        self.tell_at(file, severity, item.place, message);
    }

    fn ignore_list(&mut self, file: &File<'_>, summary: &mut SourceSummary) {
        for (number, line) in content_lines(file.bytes()) {
            match check_length(line, LONGEST_LINE).and_then(|()| self.ignored.add(Text::line(line))) {
                Ok(()) => summary.accepted = summary.accepted.saturating_add(1),
                Err(fault) => self.refuse(file, number, &fault, summary),
            }
        }
    }

    fn signatures(
        &mut self,
        file: &File<'_>,
        language: Language,
        source: SourceId,
        summary: &mut SourceSummary,
    ) {
        let Bytes::Packed { tar, offset, length } = &file.bytes else {
            self.lines(file, language, source, &mut Lines::new(file.bytes()), summary);
            return;
        };
        let mut number = 0;
        let read = tar.borrow_mut().lines(*offset, *length, &mut |piece| {
            let mut lines = Lines::after(number, piece);
            self.lines(file, language, source, &mut lines, summary);
            number = lines.number();
        });
        if let Err(error) = read {
            summary.refused = summary.refused.saturating_add(1);
            let message = format!("cannot be read to its end: {error}");
            (self.diagnostics)(about_file(Severity::Error, &file.name, &message));
        }
    }

    fn lines(
        &mut self,
        file: &File<'_>,
        language: Language,
        source: SourceId,
        lines: &mut Lines<'_>,
        summary: &mut SourceSummary,
    ) {
        let longest = if language == Language::Logical { LONGEST_LOGICAL_LINE } else { LONGEST_LINE };
        for (number, bytes) in lines.filter(says_something) {
            if !self.ignored.is_empty() && self.is_ignored(language, bytes) {
                summary.ignored = summary.ignored.saturating_add(1);
                continue;
            }
            let line = Line { text: Text::line(bytes), level: self.options.level };
            let parsed = check_length(bytes, longest).and_then(|()| parse(line, language));
            match parsed.and_then(|parsed| self.take(parsed, source, number)) {
                Ok(Taken::Accepted) => summary.accepted = summary.accepted.saturating_add(1),
                Ok(Taken::OtherLevel) => summary.other_level = summary.other_level.saturating_add(1),
                Ok(Taken::Unused { at, reason }) => {
                    summary.unused = summary.unused.saturating_add(1);
                    self.tell(file, Severity::Note, number, at, reason.into_owned());
                }
                Err(fault) => self.refuse(file, number, &fault, summary),
            }
        }
    }

    /// Hands a signature on.
    fn take(&mut self, parsed: Parsed<'_>, source: SourceId, line: u32) -> Result<Taken, Fault> {
        let (name, signature) = match parsed {
            Parsed::Signature { name, signature } => (name, signature),
            Parsed::OtherLevel => return Ok(Taken::OtherLevel),
            Parsed::Unused { at, reason } => return Ok(Taken::Unused { at, reason }),
        };
        let written = name.to_str();
        let stripped = written.strip_suffix(NAME_SUFFIX).unwrap_or(&written);
        if stripped.is_empty() && has_names(&signature) {
            return Err(name.fault("the name is empty"));
        }
        self.receiver
            .add(Header { name: stripped, source, line }, signature)
            .map(|()| Taken::Accepted)
            .map_err(|refusal| Fault { at: 0, message: refusal.to_string().into() })
    }

    fn is_ignored(&self, language: Language, line: &[u8]) -> bool {
        name_in(language, Text::line(line)).is_some_and(|name| {
            let bytes = name.bytes();
            let stripped = bytes.strip_suffix(NAME_SUFFIX.as_bytes()).unwrap_or(bytes);
            self.ignored.contains(bytes, line) || self.ignored.contains(stripped, line)
        })
    }

    fn refuse(&mut self, file: &File<'_>, line: u32, fault: &Fault, summary: &mut SourceSummary) {
        summary.refused = summary.refused.saturating_add(1);
        self.tell(file, Severity::Error, line, fault.at, fault.message.clone().into_owned());
    }

    fn tell(&mut self, file: &File<'_>, severity: Severity, line: u32, at: usize, message: String) {
        let column = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        self.tell_at(file, severity, (line, column), message);
    }

    fn tell_at(&mut self, file: &File<'_>, severity: Severity, place: (u32, u32), message: String) {
        let (line, column) = place;
        (self.diagnostics)(Diagnostic { severity, source: file.name.clone(), line, column, message });
    }
}

enum Taken {
    Accepted,
    OtherLevel,
    Unused { at: usize, reason: Cow<'static, str> },
}

/// The lines that say something: neither empty nor comments.
fn content_lines(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    Lines::new(bytes).filter(says_something)
}

/// Whether a line is neither empty nor a comment.
fn says_something((_, line): &(u32, &[u8])) -> bool {
    !matches!(line.first(), None | Some(b'#'))
}

fn check_length(line: &[u8], longest: usize) -> Result<(), Fault> {
    if line.len() > longest {
        return Err(Text::line(line).fault_at(longest, format!("the line is longer than {longest} bytes")));
    }
    Ok(())
}

const fn has_names(signature: &Signature) -> bool {
    !matches!(signature, Signature::Text(_) | Signature::Url(_) | Signature::Magic(_))
}

/// The name of the signature in a line, without parsing the rest.
fn name_in(language: Language, line: Text<'_>) -> Option<Text<'_>> {
    match language {
        Language::OldBody => line.split(b'=').next(),
        Language::Certificate | Language::Logical | Language::Password => line.split(b';').next(),
        Language::Hash(_) => line.split(b':').nth(2),
        Language::Magic => line.split(b':').nth(3),
        Language::Body { .. } | Language::ContainerMember | Language::LegacyMember(_) | Language::Icon => {
            line.split(b':').next()
        }
        Language::Catalogue
        | Language::Ignore
        | Language::Config
        | Language::Info
        | Language::Rules
        | Language::Url(_)
        | Language::Unused { .. }
        | Language::Container(ContainerKind::Published | ContainerKind::Updated | ContainerKind::Unsigned) => {
            None
        }
    }
}

fn parse(line: Line<'_>, language: Language) -> Result<Parsed<'_>, Fault> {
    match language {
        Language::OldBody => body::parse_old(line),
        Language::Body { raw } => body::parse(line, raw),
        Language::Logical => logical::parse(line),
        Language::Hash(subject) => hash::parse(line, subject),
        Language::ContainerMember => metadata::parse_container_member(line),
        Language::LegacyMember(container) => metadata::parse_legacy_member(line, container),
        Language::Icon => metadata::parse_icon(line),
        Language::Magic => magic::parse(line),
        Language::Config => lists::parse_config(line),
        Language::Info => lists::parse_info(line),
        Language::Password => lists::parse_password(line),
        Language::Certificate => lists::parse_certificate(line),
        Language::Url(list) => lists::parse_url(line, list),
        Language::Catalogue
        | Language::Ignore
        | Language::Rules
        | Language::Unused { .. }
        | Language::Container(_) => Ok(Parsed::unused(line.text, "not a language of signatures")),
    }
}
