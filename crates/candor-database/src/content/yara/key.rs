//! Values that rules compare something with that a layer has few of: its digest, the hash of its imports, the serial number of a
//! certificate. A rule is found by them as by an anchor: what a layer has is looked up in a table, and it does not matter how many
//! rules ask.

use candor_model::{DigestKind, Module, ModuleValue};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::modules::Modules;
use crate::bytes::{Reader, put_run};
use crate::ir::{ModulePath, ModuleRoot, ModuleStep, Term};

/// What a layer is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum KeyKind {
    /// The digest of all of it, in hexadecimal digits.
    Digest(DigestKind),
    /// Texts that a module has at the end of this path, in any member of an array or a dictionary on the way.
    Module {
        /// Which module.
        module: Module,
        /// The way; `None` for all members.
        path: Vec<Option<String>>,
        /// Whether ASCII letters match in either case.
        ignore_case: bool,
    },
}

/// A value that must be met.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: KeyKind,
    pub(crate) value: Vec<u8>,
}

/// Values of one kind that a layer has at most, as far as anybody looks.
const MAX_VALUES: usize = 1 << 16;

impl Key {
    /// How rare it is that a layer has it, in eighths of a bit.
    pub(crate) fn rarity(&self) -> u32 {
        match &self.kind {
            KeyKind::Digest(_) => 1000,
            KeyKind::Module { path, .. } => {
                let name = path.iter().rev().flatten().next().map_or("", String::as_str);
                if matches!(name, "serial" | "thumbprint" | "imphash" | "guids") { 800 } else { 200 }
            }
        }
    }
}

impl KeyKind {
    /// What a comparison of `path` with a text asks for.
    pub(crate) fn of_path(path: &ModulePath) -> Option<Self> {
        let ModuleRoot::Module(module) = path.root else { return None };
        if module == Module::Hash {
            return of_digest(path);
        }
        let mut steps: Vec<Option<String>> = Vec::new();
        for step in &path.steps {
            match step {
                ModuleStep::Field(name) => steps.push(Some(name.clone())),
                ModuleStep::Index(_) => steps.push(None),
                // The value of the module has the answer under the name of the function.
                ModuleStep::Call(_, arguments) if arguments.is_empty() && module == Module::Pe => {}
                ModuleStep::Call(..) | ModuleStep::CallRegex(..) => return None,
            }
        }
        let has_value = !matches!(module, Module::Console | Module::Math | Module::String | Module::Time);
        has_value.then_some(Self::Module { module, path: steps, ignore_case: false })
    }

    /// As the image has it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Digest(kind) => out.extend([0, *kind as u8]),
            Self::Module { module, path, ignore_case } => {
                out.extend([1, module.number(), u8::from(*ignore_case)]);
                for step in path {
                    match step {
                        None => out.push(0),
                        Some(name) => {
                            out.push(1);
                            put_run(&mut out, name.as_bytes());
                        }
                    }
                }
            }
        }
        out
    }

    /// The reverse.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            0 => DigestKind::ALL.get(usize::from(reader.u8()?)).copied().map(Self::Digest),
            1 => {
                let module = Module::from_number(reader.u8()?)?;
                let ignore_case = reader.u8()? != 0;
                let mut path = Vec::new();
                while let Some(tag) = reader.u8() {
                    path.push(if tag == 0 { None } else { Some(reader.text()?.to_owned()) });
                }
                Some(Self::Module { module, path, ignore_case })
            }
            _ => None,
        }
    }

    /// Calls `take` with every value that a layer has of this kind.
    pub(crate) fn values(&self, modules: &Modules<'_>, bytes: &[u8], take: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Digest(kind) => {
                if let Some(digest) = modules.digest(*kind, bytes, bytes.len()) {
                    take(digest.to_string().as_bytes());
                }
            }
            Self::Module { module, path, ignore_case } => {
                let mut left = MAX_VALUES;
                let mut folded = Vec::new();
                texts(modules.value(*module), path, &mut left, &mut |text| {
                    if *ignore_case {
                        folded.clear();
                        folded.extend(text.iter().map(u8::to_ascii_lowercase));
                        take(&folded);
                    } else {
                        take(text);
                    }
                });
            }
        }
    }
}

/// `hash.md5(0, filesize)` and its kin.
fn of_digest(path: &ModulePath) -> Option<KeyKind> {
    let [ModuleStep::Field(name), ModuleStep::Call(_, arguments)] = path.steps.as_slice() else {
        return None;
    };
    let [Term::Integer(0), Term::FileSize] = arguments.as_slice() else { return None };
    Some(KeyKind::Digest(match name.as_str() {
        "md5" => DigestKind::Md5,
        "sha1" => DigestKind::Sha1,
        "sha256" => DigestKind::Sha256,
        _ => return None,
    }))
}

fn texts(value: &ModuleValue, path: &[Option<String>], left: &mut usize, take: &mut dyn FnMut(&[u8])) {
    let Some(rest) = left.checked_sub(1) else { return };
    *left = rest;
    let Some((step, behind)) = path.split_first() else {
        if let ModuleValue::Text(text) = value {
            take(text);
        }
        return;
    };
    match (step, value) {
        (Some(name), value) => {
            if let Some(value) = value.field(name) {
                texts(value, behind, left, take);
            }
        }
        (None, ModuleValue::Array(items)) => items.iter().for_each(|item| texts(item, behind, left, take)),
        (None, ModuleValue::Dictionary(items)) => {
            items.iter().for_each(|(_, item)| texts(item, behind, left, take));
        }
        (None, _) => {}
    }
}

/// What the table of an image has for a value, by the number of its kind.
pub(crate) fn digest(kind: usize, value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, kind as u64)
}
