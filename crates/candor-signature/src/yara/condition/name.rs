//! Words of conditions: keywords, variables of loops, modules, other rules, values from outside.

use candor_database::ir::{External, ModulePath, ModuleRoot, ModuleStep, RuleRegex, Term};
use candor_model::{Field, Form, Kind, Module};

use super::typed::{Type, Typed};
use super::{Fault, Reader, Token, Weight};
use crate::yara::regex;

/// A variable of a loop.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) kind: Kind,
}

/// A part of a module, and the way to it.
pub(super) struct Path {
    pub(super) path: ModulePath,
    pub(super) kind: Kind,
    pub(super) weight: Weight,
    /// Its value where that is the same for every layer.
    constant: Option<i64>,
}

/// An argument of a function.
enum Argument {
    Regex(RuleRegex),
    Value(Typed),
}

impl Reader<'_, '_> {
    /// Reads what begins with this word, which is the next token.
    pub(super) fn word(&mut self, word: &str, at: usize) -> Result<Typed, Fault> {
        if let Some(quantifier) = self.simple_quantifier() {
            return self.of(quantifier, at);
        }
        let leaf = match word {
            "true" => Typed::leaf(Type::Boolean, Term::Boolean(true), at),
            "false" => Typed::leaf(Type::Boolean, Term::Boolean(false), at),
            "filesize" => Typed::leaf(Type::Integer, Term::FileSize, at),
            "entrypoint" => Typed::leaf(Type::Integer, Term::EntryPoint, at),
            "for" => {
                self.tokens.take();
                return self.repeated(at);
            }
            _ => match read_width(word) {
                Some(width) => return self.read_integer(width, at),
                None => return self.name(at),
            },
        };
        self.tokens.take();
        Ok(leaf)
    }

    /// `uint32be(x)`
    fn read_integer(&mut self, width: (u8, bool, bool), at: usize) -> Result<Typed, Fault> {
        let (size, signed, big_endian) = width;
        self.tokens.take();
        self.tokens.expect("(")?;
        let offset = self.integer()?;
        self.tokens.expect(")")?;
        let term = Term::Read { size, signed, big_endian, at: Box::new(offset.term) };
        Typed::over(Type::Integer, term, [offset.weight], at)
    }

    /// An identifier and what belongs to it.
    fn name(&mut self, at: usize) -> Result<Typed, Fault> {
        let name = self.tokens.identifier("a value")?;
        if let Some(path) = self.path(name)? {
            return value(path, name, at);
        }
        if let Some(rule) = self.scope.rule(name, at)? {
            self.charge_rule(&rule, at)?;
            let term = self.assembly.put_in(&rule, at)?;
            return Ok(Typed { kind: Type::Boolean, term, weight: rule.weight, at });
        }
        let external = match name {
            "extension" => External::Extension,
            "filename" => External::FileName,
            "filepath" => External::FilePath,
            "filetype" => External::FileType,
            "owner" => External::Owner,
            _ => return Err(self.no_such_name(name, at)),
        };
        Ok(Typed::leaf(Type::Text, Term::External(external), at))
    }

    /// What is wrong with a name that nothing has.
    pub(super) fn no_such_name(&self, name: &str, at: usize) -> Fault {
        if self.scope.is_missing(name) {
            return Fault::unused(at, format!("there is no module `{name}` here"));
        }
        if Module::from_name(name).is_some() {
            return Fault::new(at, format!("the module `{name}` is not imported before this rule"));
        }
        Fault::new(at, format!("nothing has the name `{name}`"))
    }

    /// The part of a module that a name and what stands behind it lead to; nothing if the name is no variable and
    /// no module.
    pub(super) fn path(&mut self, name: &str) -> Result<Option<Path>, Fault> {
        let variable = self.variables.iter().rev().find(|variable| variable.name == name);
        let (root, kind) = if let Some(variable) = variable {
            (ModuleRoot::Variable(variable.number), variable.kind)
        } else if let Some(module) = self.scope.module(name) {
            (ModuleRoot::Module(module), Kind::Structure(module.description()))
        } else {
            return Ok(None);
        };
        let mut path =
            Path { path: ModulePath { root, steps: Vec::new() }, kind, weight: Weight::ONE, constant: None };
        let mut last = name.to_owned();
        loop {
            let at = self.tokens.at();
            match self.tokens.peek() {
                Token::Sign(".") => {
                    self.tokens.take();
                    let at = self.tokens.at();
                    // A keyword is none, and may begin what comes next.
                    let field = self.tokens.identifier("a name")?;
                    let Kind::Structure(fields) = path.kind else {
                        return Err(Fault::new(at, format!("`{last}` has no parts with names")));
                    };
                    let Some(found) = find(fields, field) else {
                        return Err(Fault::new(at, format!("`{last}` has no part `{field}`")));
                    };
                    path.kind = found.kind;
                    path.constant = found.constant;
                    path.path.steps.push(ModuleStep::Field(field.to_owned()));
                    field.clone_into(&mut last);
                }
                Token::Sign("[") => {
                    self.tokens.take();
                    let index = self.value()?;
                    self.tokens.expect("]")?;
                    let (wanted, member) = match path.kind {
                        Kind::Array(member) => (Type::Integer, member),
                        Kind::Dictionary(member) => (Type::Text, member),
                        _ => return Err(Fault::new(at, format!("`{last}` has no parts by number or name"))),
                    };
                    let index = index.expect(wanted)?;
                    path.weight = Weight::over([path.weight, index.weight]);
                    path.kind = *member;
                    path.path.steps.push(ModuleStep::Index(Box::new(index.term)));
                }
                Token::Sign("(") => self.call(&mut path, &last, at)?,
                _ => break,
            }
            path.weight.check(at)?;
        }
        Ok(Some(path))
    }

    fn call(&mut self, path: &mut Path, name: &str, at: usize) -> Result<(), Fault> {
        self.tokens.take();
        let mut arguments = Vec::new();
        while !self.tokens.is_sign(")") {
            if let Token::Regex(raw) = *self.tokens.peek() {
                self.tokens.take();
                arguments.push(Argument::Regex(regex::read(raw)?.regex));
            } else {
                arguments.push(Argument::Value(self.or()?));
            }
            if !self.tokens.accept(",") {
                break;
            }
        }
        self.tokens.expect(")")?;
        let Kind::Function(forms) = path.kind else {
            return Err(Fault::new(at, format!("`{name}` is not a function")));
        };
        let Some((number, form)) = forms.iter().enumerate().find(|(_, form)| fits(form, &arguments)) else {
            return Err(Fault::new(at, format!("`{name}` does not take these arguments")));
        };
        let mut terms = Vec::new();
        let mut regexes = Vec::new();
        for argument in arguments {
            match argument {
                Argument::Regex(regex) => regexes.push(regex),
                Argument::Value(value) => {
                    path.weight = Weight::over([path.weight, value.weight]);
                    terms.push(value.term);
                }
            }
        }
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        path.path.steps.push(if regexes.is_empty() {
            ModuleStep::Call(number, terms)
        } else {
            ModuleStep::CallRegex(number, terms, regexes)
        });
        path.kind = form.result;
        path.constant = None;
        Ok(())
    }
}

/// The value that a way leads to.
fn value(path: Path, name: &str, at: usize) -> Result<Typed, Fault> {
    let kind = match path.kind {
        Kind::Boolean => Type::Boolean,
        Kind::Float => Type::Float,
        Kind::Integer => Type::Integer,
        Kind::Text => Type::Text,
        Kind::Function(_) => {
            return Err(Fault::new(at, format!("`{name}` leads to a function that is not called")));
        }
        Kind::Array(_) | Kind::Dictionary(_) | Kind::Regex | Kind::Structure(_) => {
            return Err(Fault::new(at, format!("`{name}` leads to more than one value")));
        }
    };
    if let Some(constant) = path.constant {
        return Ok(Typed::leaf(Type::Integer, Term::Integer(constant), at));
    }
    if let (ModuleRoot::Variable(number), true) = (&path.path.root, path.path.steps.is_empty()) {
        return Ok(Typed::leaf(kind, Term::Variable(*number), at));
    }
    Typed::over(kind, Term::Module(path.path), [path.weight], at)
}

fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}

/// Whether a function in this form takes these arguments.
fn fits(form: &Form, arguments: &[Argument]) -> bool {
    form.arguments.len() == arguments.len()
        && form.arguments.iter().zip(arguments).all(|(kind, argument)| {
            matches!(
                (kind, argument),
                (Kind::Regex, Argument::Regex(_))
                    | (Kind::Boolean, Argument::Value(Typed { kind: Type::Boolean, .. }))
                    | (Kind::Float, Argument::Value(Typed { kind: Type::Float, .. }))
                    | (Kind::Integer, Argument::Value(Typed { kind: Type::Integer, .. }))
                    | (Kind::Text, Argument::Value(Typed { kind: Type::Text, .. }))
            )
        })
}

/// What a function like `uint32be` reads: how many bytes, with a sign, most significant byte first.
fn read_width(word: &str) -> Option<(u8, bool, bool)> {
    let (signed, rest) = match word.strip_prefix("uint") {
        Some(rest) => (false, rest),
        None => (true, word.strip_prefix("int")?),
    };
    let (big_endian, digits) = match rest.strip_suffix("be") {
        Some(digits) => (true, digits),
        None => (false, rest),
    };
    let size = match digits {
        "8" => 1,
        "16" => 2,
        "32" => 4,
        _ => return None,
    };
    Some((size, signed, big_endian))
}
