//! What the rules of one file can name: strings of their own, modules, other rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use candor_database::ir::{Element, RuleString, StringForm};
use candor_model::Module;

use super::closed::Closed;
use super::fault::Fault;

/// The most terms and strings that references may put into the rules of one file, all together.
const MOST_GROWTH: u64 = 2_000_000;
/// The most bytes that the strings of one file take, each spelling and each branch written out.
const MOST_WRITTEN: u64 = 256 << 20;

/// Modules and rules that are known at some place of a file.
#[derive(Debug)]
pub(super) struct Scope {
    modules: BTreeSet<Module>,
    missing: BTreeSet<String>,
    rules: BTreeMap<String, Named>,
    growth: u64,
    written: u64,
}

/// What became of a rule that has a name.
#[derive(Clone, Debug)]
pub(super) enum Named {
    /// It can be put into others.
    Closed(Arc<Closed>),
    /// It cannot be used, because something in it is wrong.
    Refused,
    /// It cannot be used, because what it asks for is not there.
    Unused,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            modules: BTreeSet::new(),
            missing: BTreeSet::new(),
            rules: BTreeMap::new(),
            growth: MOST_GROWTH,
            written: MOST_WRITTEN,
        }
    }
}

impl Scope {
    /// Makes a module known. Whether there is one.
    pub(super) fn import(&mut self, name: &str) -> bool {
        if let Some(module) = Module::from_name(name) {
            self.modules.insert(module);
            return true;
        }
        self.missing.insert(name.to_owned());
        false
    }

    /// The module that was imported by this name.
    pub(super) fn module(&self, name: &str) -> Option<Module> {
        Module::from_name(name).filter(|module| self.modules.contains(module))
    }

    /// Whether a module was imported by this name that is not there.
    pub(super) fn is_missing(&self, name: &str) -> bool {
        self.missing.contains(name)
    }

    /// Makes a rule known.
    pub(super) fn add(&mut self, name: &str, rule: Named) {
        self.rules.insert(name.to_owned(), rule);
    }

    /// Whether there is a rule of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.rules.contains_key(name)
    }

    /// Everything that another file knows, as if it stood here. What is known already stays.
    pub(super) fn include(&mut self, other: &Self, at: usize) -> Result<(), Fault> {
        self.pay_terms(u64::try_from(other.rules.len()).unwrap_or(u64::MAX), at)?;
        self.modules.extend(&other.modules);
        self.missing.extend(other.missing.iter().cloned());
        for (name, rule) in &other.rules {
            self.rules.entry(name.clone()).or_insert_with(|| rule.clone());
        }
        Ok(())
    }

    /// The rule of this name, to be put into another; nothing if there is none.
    pub(super) fn rule(&mut self, name: &str, at: usize) -> Result<Option<Arc<Closed>>, Fault> {
        match self.rules.get(name).cloned() {
            None => Ok(None),
            Some(named) => self.usable(name, named, at).map(Some),
        }
    }

    /// The rules whose names begin so, to be put into another.
    pub(super) fn rules(&mut self, prefix: &str, at: usize) -> Result<Vec<Arc<Closed>>, Fault> {
        let named: Vec<(String, Named)> = self
            .rules
            .range(prefix.to_owned()..)
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, named)| (name.clone(), named.clone()))
            .collect();
        named.into_iter().map(|(name, named)| self.usable(&name, named, at)).collect()
    }

    /// Pays for putting a rule into another.
    pub(super) fn pay(&mut self, rule: &Closed, at: usize) -> Result<(), Fault> {
        let strings = u64::try_from(rule.strings.len()).unwrap_or(u64::MAX);
        self.pay_terms(u64::from(rule.weight.terms()).saturating_add(strings), at)
    }

    fn pay_terms(&mut self, price: u64, at: usize) -> Result<(), Fault> {
        self.growth = self.growth.checked_sub(price).ok_or_else(|| {
            Fault::new(
                at,
                format!(
                    "references and included files bring over {MOST_GROWTH} terms into the rules of the file"
                ),
            )
        })?;
        Ok(())
    }

    /// Pays for a string.
    pub(super) fn pay_string(&mut self, string: &RuleString, at: usize) -> Result<(), Fault> {
        self.written = self.written.checked_sub(written(string)).ok_or_else(|| {
            Fault::new(at, format!("the strings of the file take over {MOST_WRITTEN} bytes, written out"))
        })?;
        Ok(())
    }

    fn usable(&mut self, name: &str, named: Named, at: usize) -> Result<Arc<Closed>, Fault> {
        match named {
            Named::Closed(rule) => {
                self.pay(&rule, at)?;
                Ok(rule)
            }
            Named::Refused => {
                Err(Fault::new(at, format!("it refers to the rule `{name}`, which cannot be used")))
            }
            Named::Unused => {
                Err(Fault::unused(at, format!("it refers to the rule `{name}`, which is not used")))
            }
        }
    }
}

/// About how many bytes a string takes.
fn written(string: &RuleString) -> u64 {
    /// What each spelling and each element takes besides its bytes.
    const OVERHEAD: usize = 64;
    fn elements(list: &[Element]) -> usize {
        let size = |element: &Element| match element {
            Element::Bytes(bytes) => bytes.len(),
            Element::Alternatives(choice) => {
                choice.branches.iter().fold(0, |sum: usize, branch| sum.saturating_add(elements(branch)))
            }
            Element::Boundary(_) | Element::Masked { .. } => 0,
        };
        let inner = list.iter().fold(0, |sum: usize, element| sum.saturating_add(size(element)));
        inner.saturating_add(list.len().saturating_mul(OVERHEAD))
    }
    let bytes = match &string.form {
        StringForm::Text { spellings, .. } => spellings.iter().fold(0, |sum: usize, spelling| {
            sum.saturating_add(spelling.bytes.len()).saturating_add(OVERHEAD)
        }),
        StringForm::Hex(pattern) => {
            let parts = pattern.parts.iter();
            parts.fold(0, |sum: usize, part| {
                sum.saturating_add(elements(&part.elements)).saturating_add(OVERHEAD)
            })
        }
        StringForm::Regex { regex, .. } => regex.pattern.len(),
    };
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The strings of a rule by name, and which of them its condition names.
#[derive(Debug, Default)]
pub(super) struct Strings {
    names: BTreeMap<String, u32>,
    anonymous: Vec<u32>,
    used: Vec<bool>,
}

impl Strings {
    /// Makes a string known by name; the name of anonymous strings is empty. Whether the name was free.
    pub(super) fn add(&mut self, name: &str, number: u32) -> bool {
        self.used.push(false);
        if name.is_empty() {
            self.anonymous.push(number);
            return true;
        }
        self.names.insert(name.to_owned(), number).is_none()
    }

    /// The number of the string of this name.
    pub(super) fn find(&mut self, name: &str) -> Option<u32> {
        let number = self.names.get(name).copied()?;
        self.mark(number);
        Some(number)
    }

    /// The numbers of all strings.
    pub(super) fn all(&mut self) -> Vec<u32> {
        self.used.fill(true);
        (0..u32::try_from(self.used.len()).unwrap_or(u32::MAX)).collect()
    }

    /// The numbers of the anonymous strings.
    pub(super) fn anonymous(&mut self) -> Vec<u32> {
        let numbers = self.anonymous.clone();
        for number in &numbers {
            self.mark(*number);
        }
        numbers
    }

    /// The numbers of the strings whose names begin so.
    pub(super) fn with_prefix(&mut self, prefix: &str) -> Vec<u32> {
        if prefix.is_empty() {
            return self.all();
        }
        let found = self.names.range(prefix.to_owned()..).take_while(|(name, _)| name.starts_with(prefix));
        let mut numbers: Vec<u32> = found.map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        for number in &numbers {
            self.mark(*number);
        }
        numbers
    }

    /// Whether the condition names this string. Those that other rules brought are always named.
    pub(super) fn is_used(&self, index: usize) -> bool {
        self.used.get(index).copied().unwrap_or(true)
    }

    fn mark(&mut self, number: u32) {
        if let Some(used) = usize::try_from(number).ok().and_then(|index| self.used.get_mut(index)) {
            *used = true;
        }
    }
}
