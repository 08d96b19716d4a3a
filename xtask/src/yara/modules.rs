//! What modules say of programs, field by field, beside `yara --print-module-data`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use candor_model::{Module, ModuleValue};

use super::Arguments;
use crate::random::Random;

/// The modules that say something of a file.
const MODULES: [Module; 4] = [Module::Dotnet, Module::Elf, Module::MachO, Module::Pe];

/// Fields that only newer versions than 4.2 have, or that hold the answers of functions.
const OURS: [&str; 6] = ["calculate_checksum", "imphash", "is_32bit", "is_64bit", "is_dll", "is_signed"];

/// Values by the way to them: `pe.sections[0].name`.
type Flat = BTreeMap<String, String>;

pub(super) fn compare(arguments: &Arguments) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let mut random = Random::new(arguments.seed);
    let mut tally = Tally { told: arguments.told, ..Tally::default() };
    for path in super::files(&arguments.modules)? {
        let bytes = std::fs::read(&path)?;
        if !is_program(&bytes) {
            continue;
        }
        tally.file(&path, &path.display().to_string(), &bytes)?;
        let copy = temporary.path().join("damaged");
        for number in 0..arguments.damaged {
            let bytes = damaged(&bytes, &mut random);
            std::fs::write(&copy, &bytes)?;
            tally.file(&copy, &format!("{} damaged, {number}", path.display()), &bytes)?;
        }
    }
    println!("{} programs, {} values, {} differ", tally.files, tally.values, tally.differences);
    for (path, count) in &tally.by_path {
        println!("  {count:>6} {path}");
    }
    if tally.differences > 0 {
        bail!("{} values differ", tally.differences);
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    files: usize,
    values: usize,
    differences: usize,
    told: usize,
    /// Differences, by the way to them without numbers.
    by_path: BTreeMap<String, usize>,
}

impl Tally {
    fn file(&mut self, path: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let theirs = theirs(path)?;
        let mut ours = Flat::new();
        for module in MODULES {
            flatten(&candor_unpack::module(module, bytes), module.name(), &mut ours);
        }
        self.files += 1;
        self.values += theirs.len();
        let paths: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        for path in paths {
            let (theirs, ours) = (theirs.get(path), ours.get(path));
            if theirs == ours || is_of_other_versions(path) {
                continue;
            }
            self.differences += 1;
            *self.by_path.entry(without_numbers(path)).or_default() += 1;
            if self.told > 0 {
                self.told -= 1;
                println!("{name}: {path}: yara {theirs:?}, Candor {ours:?}");
            }
        }
        Ok(())
    }
}

fn is_program(bytes: &[u8]) -> bool {
    let magics: [&[u8]; 8] = [
        b"MZ",
        b"\x7fELF",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xca\xfe\xba\xbe",
        b"\xca\xfe\xba\xbf",
    ];
    magics.iter().any(|magic| bytes.starts_with(magic))
}

/// A copy with some bytes changed, most of them in the headers, or with the end cut off.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    for _ in 0..random.range(1, 4) {
        let last = if random.chance(70) { bytes.len().min(0x400) } else { bytes.len() } - 1;
        let at = random.range(0, last);
        bytes[at] = match random.range(0, 3) {
            0 => random.byte(),
            1 => bytes[at] ^ (1 << random.range(0, 7)),
            2 => 0,
            _ => bytes[at].wrapping_add(1),
        };
    }
    if random.chance(15) {
        bytes.truncate(random.range(0, bytes.len()));
    }
    bytes
}

/// What libyara says.
fn theirs(path: &Path) -> anyhow::Result<Flat> {
    let folder = tempfile::tempdir()?;
    let rules = folder.path().join("rules.yar");
    let imports: String = MODULES.iter().map(|module| format!("import \"{}\"\n", module.name())).collect();
    std::fs::write(&rules, format!("{imports}rule told {{ condition: true }}\n"))?;
    let output = Command::new("yara")
        .args(["--print-module-data", "--no-warnings"])
        .arg(&rules)
        .arg(path)
        .output()
        .context("yara cannot be started: is the package yara installed?")?;
    if !output.status.success() {
        bail!("yara: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(parse(&output.stdout))
}

/// Lines with as many tabulators before them as they are deep: `name`, `name = value`, `[0]`, `[0] = value`.
fn parse(printed: &[u8]) -> Flat {
    let mut found = Flat::new();
    let mut way: Vec<String> = Vec::new();
    // What arrays count from: functions of imports go on counting from one library to the next.
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for line in printed.split(|byte| *byte == b'\n') {
        let depth = line.iter().take_while(|byte| **byte == b'\t').count();
        let line = String::from_utf8_lossy(&line[depth..]).into_owned();
        if line.is_empty() || (depth == 0 && line.contains(' ')) {
            continue;
        }
        let (name, value) =
            line.split_once(" = ").map_or((&*line, None), |(name, value)| (name, Some(value)));
        way.truncate(depth);
        let parent = way.concat();
        let name = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(number) => {
                let number: usize = number.parse().unwrap_or(0);
                let first = *first.entry(parent.clone()).or_insert(number);
                format!("[{}]", number.saturating_sub(if parent.ends_with("functions") { first } else { 0 }))
            }
            None if depth == 0 => name.to_owned(),
            None => {
                format!(".{}", if name == "delay_import_details" { "delayed_import_details" } else { name })
            }
        };
        if let Some(value) = value.filter(|value| *value != "YR_UNDEFINED")
            && !(depth == 1 && is_constant(&name[1..]))
        {
            found.insert(format!("{parent}{name}"), value.to_owned());
        }
        way.push(name);
    }
    found
}

/// Places of functions are of newer versions; 4.2 counts functions of a library together with those before.
fn is_of_other_versions(path: &str) -> bool {
    let is_place = path.ends_with("].rva") && !path.starts_with("pe.resources");
    let is_count = path.ends_with("].number_of_functions") && !path.contains("_details[0]");
    is_place || is_count
}

fn is_constant(name: &str) -> bool {
    MODULES.iter().any(|module| module.field(name).is_some_and(|field| field.constant.is_some()))
}

fn flatten(value: &ModuleValue, way: &str, found: &mut Flat) {
    let told = match value {
        ModuleValue::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                flatten(value, &format!("{way}[{number}]"), found);
            }
            return;
        }
        ModuleValue::Dictionary(values) => {
            for (name, value) in values {
                flatten(value, &format!("{way}.{}", escaped(name)), found);
            }
            return;
        }
        ModuleValue::Structure(values) => {
            for (name, value) in values.iter().filter(|(name, _)| !OURS.contains(name)) {
                flatten(value, &format!("{way}.{name}"), found);
            }
            return;
        }
        ModuleValue::Boolean(value) => i64::from(*value).to_string(),
        ModuleValue::Float(value) => value.to_string(),
        ModuleValue::Integer(value) => value.to_string(),
        ModuleValue::Text(text) => format!("\"{}\"", escaped(text)),
        ModuleValue::Undefined => return,
    };
    found.insert(way.to_owned(), told);
}

/// As it is printed: what is no printable ASCII by its number.
fn escaped(text: &[u8]) -> String {
    text.iter()
        .map(|byte| match byte {
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        })
        .collect()
}

fn without_numbers(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|character| {
            let keep = !inside || *character == ']';
            inside = *character == '[' || (inside && *character != ']');
            keep
        })
        .collect()
}
