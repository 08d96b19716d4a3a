//! Files of rules: their pieces, one after the other, and what belongs to a whole file.
//!
//! A piece that cannot be used never stops the others: reading goes on at the next word that begins a piece. Global
//! rules are put into all other rules of their file when its end is known.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use candor_database::ir::{Rule, RuleString, Term};

use super::closed::{Assembly, Closed, Weight};
use super::fault::{Fault, Lines};
use super::rule::{self, Head};
use super::scope::{Named, Scope};
use super::tokens::{Token, Tokens};

/// The most bytes of a file.
const LONGEST_FILE: usize = 64 << 20;
/// How deep files may include others.
const DEEPEST_INCLUDE: usize = 16;

/// A file of rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleFile<'a> {
    /// Its name, with folders.
    pub(crate) name: &'a str,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
}

/// Something in a file.
#[derive(Debug)]
pub(crate) struct Item {
    /// The name of the rule that it is about; empty if it is about something else.
    pub(crate) name: String,
    /// Line and column, from 1; zeros if it is about the whole file.
    pub(crate) place: (u32, u32),
    /// Where the rule stands that it is about.
    pub(crate) text: Range<usize>,
    /// What it is.
    pub(crate) content: Content,
}

/// What something in a file is.
#[derive(Debug)]
pub(crate) enum Content {
    /// Worth knowing.
    Note(String),
    /// Cannot be used, and why.
    Refused(String),
    /// A rule.
    Rule(Rule),
    /// Right, and asks for something that is not there.
    Unused(String),
}

/// All files that are read together, so that one can include another.
#[derive(Debug, Default)]
pub(crate) struct Library<'a> {
    files: Vec<RuleFile<'a>>,
    included: HashMap<usize, Rc<Compiled>>,
    open: Vec<usize>,
}

/// A file that was read.
#[derive(Debug, Default)]
struct Compiled {
    scope: Scope,
    globals: Vec<(String, Named)>,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Fault(String, Range<usize>, Fault),
    Note(usize, String),
    Rule(Head, Range<usize>, Arc<Closed>),
}

impl<'a> Library<'a> {
    /// Of these files.
    pub(crate) fn new(files: Vec<RuleFile<'a>>) -> Self {
        Self { files, included: HashMap::new(), open: Vec::new() }
    }

    /// Gives what the file with this number holds to `take`, one after the other: all of it together may be large.
    pub(crate) fn read(&mut self, index: usize, take: &mut dyn FnMut(Item)) {
        let Some(file) = self.files.get(index).copied() else { return };
        if let Some(message) = unreadable(file.bytes) {
            let content = Content::Refused(message);
            return take(Item { name: String::new(), place: (0, 0), text: 0..0, content });
        }
        let mut compiled = self.compile(index, file);
        let lines = Lines::of(file.bytes);
        for piece in std::mem::take(&mut compiled.pieces) {
            if let Some(item) = item(piece, &lines, &mut compiled) {
                take(item);
            }
        }
    }

    fn compile(&mut self, index: usize, file: RuleFile<'a>) -> Compiled {
        let mut compiled = Compiled::default();
        let start = if file.bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut tokens = Tokens::new(file.bytes, start);
        self.open.push(index);
        while *tokens.peek() != Token::End {
            let at = tokens.at();
            if let Err(fault) = self.piece(&mut tokens, &mut compiled, file) {
                compiled.pieces.push(Piece::Fault(String::new(), at..at, fault));
                recover(&mut tokens, at);
            }
        }
        self.open.pop();
        compiled
    }

    /// Reads one piece.
    fn piece(
        &mut self,
        tokens: &mut Tokens<'_>,
        compiled: &mut Compiled,
        file: RuleFile<'_>,
    ) -> Result<(), Fault> {
        let at = tokens.at();
        match *tokens.peek() {
            Token::Word("import") => {
                tokens.take();
                let name = tokens.text("the name of a module")?;
                let name = String::from_utf8_lossy(&name).into_owned();
                if !compiled.scope.import(&name) {
                    let message = format!("there is no module `{name}` here: rules that use it are left out");
                    compiled.pieces.push(Piece::Note(at, message));
                }
                Ok(())
            }
            Token::Word("include") => {
                tokens.take();
                let path = tokens.text("the name of a file")?;
                self.include(&String::from_utf8_lossy(&path), compiled, file, at)
            }
            Token::Word("global" | "private" | "rule") => {
                let head = rule::head(tokens)?;
                rule_piece(tokens, compiled, head, at);
                Ok(())
            }
            _ => Err(tokens.unexpected("`rule`, `import` or `include`")),
        }
    }

    fn include(
        &mut self,
        path: &str,
        compiled: &mut Compiled,
        from: RuleFile<'_>,
        at: usize,
    ) -> Result<(), Fault> {
        let index = self.find(path, from.name).map_err(|message| Fault::new(at, message))?;
        if self.open.contains(&index) {
            return Err(Fault::new(at, format!("`{path}` includes itself")));
        }
        if self.open.len() >= DEEPEST_INCLUDE {
            return Err(Fault::new(at, format!("over {DEEPEST_INCLUDE} files that include one another")));
        }
        let Some(file) = self.files.get(index).copied() else { return Ok(()) };
        if unreadable(file.bytes).is_some() {
            return Err(Fault::new(at, format!("`{path}` cannot be read")));
        }
        let included = match self.included.get(&index) {
            Some(included) => Rc::clone(included),
            None => {
                let mut included = self.compile(index, file);
                // It tells of its own pieces when it is read by itself.
                included.pieces.clear();
                let included = Rc::new(included);
                self.included.insert(index, Rc::clone(&included));
                included
            }
        };
        compiled.scope.include(&included.scope, at)?;
        for (name, global) in &included.globals {
            if !compiled.globals.iter().any(|(own, _)| own == name) {
                compiled.globals.push((name.clone(), global.clone()));
            }
        }
        Ok(())
    }

    /// The number of the file that `path` in the file `from` means: the one in its place, or the only one of that
    /// name.
    fn find(&self, path: &str, from: &str) -> Result<usize, String> {
        let folder = from.rsplit_once(['/', '\\']).map_or("", |(folder, _)| folder);
        let path_from_there = format!("{folder}/{path}");
        let wanted = plain_path(&path_from_there);
        let exact = self.files.iter().position(|file| plain_path(file.name) == wanted);
        if let Some(index) = exact {
            return Ok(index);
        }
        let base = wanted.last().copied().unwrap_or_default();
        let mut same =
            self.files.iter().enumerate().filter(|(_, file)| plain_path(file.name).last() == Some(&base));
        match (same.next(), same.next()) {
            (Some((index, _)), None) => Ok(index),
            (None, _) => Err(format!("the included file `{path}` is not among the databases")),
            (Some(_), Some(_)) => Err(format!("more than one file could be the included `{path}`")),
        }
    }
}

/// Why a file is not read at all.
fn unreadable(bytes: &[u8]) -> Option<String> {
    if bytes.len() > LONGEST_FILE {
        return Some(format!("a file of over {LONGEST_FILE} bytes"));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some("rules in UTF-16 are not read".to_owned());
    }
    None
}

/// The folders and the name, without those that lead back.
fn plain_path(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

/// Reads the rest of a rule, and keeps what became of it.
fn rule_piece(tokens: &mut Tokens<'_>, compiled: &mut Compiled, mut head: Head, start: usize) {
    let is_twice = compiled.scope.has(&head.name);
    let mut notes = Vec::new();
    let read = rule::body(tokens, &mut head, &mut compiled.scope, &mut |at, message| {
        notes.push((at, message));
    });
    let is_broken = read.is_err();
    let read = read.and_then(|closed| {
        if is_twice {
            Err(Fault::new(head.at, format!("there is a rule `{}` already", head.name)))
        } else {
            Ok(Arc::new(closed))
        }
    });
    let text = start..tokens.previous_end();
    let named = match &read {
        Ok(closed) => Named::Closed(Arc::clone(closed)),
        Err(fault) if fault.unused => Named::Unused,
        Err(_) => Named::Refused,
    };
    if !is_twice {
        compiled.scope.add(&head.name, named.clone());
    }
    if head.global {
        compiled.globals.push((head.name.clone(), named));
    }
    match read {
        Ok(closed) => {
            if closed.condition == Term::Boolean(true) && !head.private && !head.global {
                notes.push((head.at, format!("`{}` holds for every layer", head.name)));
            }
            compiled.pieces.extend(notes.into_iter().map(|(at, message)| Piece::Note(at, message)));
            compiled.pieces.push(Piece::Rule(head, text, closed));
        }
        Err(fault) => compiled.pieces.push(Piece::Fault(head.name, text, fault)),
    }
    if is_broken {
        recover(tokens, start);
    }
}

/// Goes on to the next word that begins a piece, behind `start`.
fn recover(tokens: &mut Tokens<'_>, start: usize) {
    let mut begin = None;
    if tokens.at() == start {
        tokens.take();
    }
    loop {
        let at = tokens.at();
        match *tokens.peek() {
            Token::End => return,
            Token::Word("global" | "private") => {
                begin.get_or_insert(at);
                tokens.take();
            }
            Token::Word("rule") => {
                tokens.restart(begin.unwrap_or(at));
                return;
            }
            Token::Word("import" | "include") => {
                tokens.take();
                if matches!(tokens.peek(), Token::Text(_)) {
                    tokens.restart(at);
                    return;
                }
                begin = None;
            }
            _ => {
                begin = None;
                tokens.take();
            }
        }
    }
}

/// What a piece is to those outside, global rules put in. Nothing for private rules.
fn item(piece: Piece, lines: &Lines, compiled: &mut Compiled) -> Option<Item> {
    let (name, at, text, content) = match piece {
        Piece::Note(at, message) => (String::new(), at, at..at, Content::Note(message)),
        Piece::Fault(name, text, fault) => (name, fault.at, text, told(fault)),
        Piece::Rule(head, ..) if head.private => return None,
        Piece::Rule(head, text, closed) => {
            let content = match with_globals(&head, &closed, compiled) {
                Ok(rule) => Content::Rule(rule),
                Err(fault) => told(fault),
            };
            (head.name, head.at, text, content)
        }
    };
    Some(Item { name, place: lines.place(at), text, content })
}

fn told(fault: Fault) -> Content {
    let message = fault.message.into_owned();
    if fault.unused { Content::Unused(message) } else { Content::Refused(message) }
}

/// The rule, with what global rules ask of it.
fn with_globals(head: &Head, closed: &Closed, compiled: &mut Compiled) -> Result<Rule, Fault> {
    let tags = head.tags.clone();
    let strings = |strings: &[Arc<RuleString>]| strings.iter().map(|string| (**string).clone()).collect();
    if compiled.globals.iter().all(|(name, _)| *name == head.name) {
        return Ok(Rule { tags, strings: strings(&closed.strings), condition: closed.condition.clone() });
    }
    let mut assembly = Assembly::of(closed);
    let mut weights = vec![closed.weight];
    let mut terms = flattened(closed.condition.clone());
    let Compiled { scope, globals, .. } = compiled;
    for (name, global) in globals.iter().filter(|(name, _)| *name != head.name) {
        let global = match global {
            Named::Closed(global) => global,
            Named::Refused => {
                return Err(Fault::new(
                    head.at,
                    format!("the global rule `{name}` of this file cannot be used"),
                ));
            }
            Named::Unused => {
                return Err(Fault::unused(
                    head.at,
                    format!("the global rule `{name}` of this file is not used"),
                ));
            }
        };
        scope.pay(global, head.at)?;
        terms.extend(flattened(assembly.put_in(global, head.at)?));
        weights.push(global.weight);
    }
    Weight::over(weights).check(head.at)?;
    Ok(Rule { tags, strings: strings(assembly.strings()), condition: Term::And(terms) })
}

fn flattened(term: Term) -> Vec<Term> {
    match term {
        Term::And(terms) => terms,
        other => vec![other],
    }
}
