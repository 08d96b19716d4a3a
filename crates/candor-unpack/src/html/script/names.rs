//! The names that a script declares, and what each means where it stands.

use std::collections::HashMap;

use super::{Token, walk};

/// How deep functions are followed, and how many.
pub(super) const DEPTH: usize = 128;
const SCOPES: usize = 20_000;
/// Names that are numbered.
const NAMES: usize = 10_000;

/// Which names the program declares, and where the walk is.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// Words that are declared somewhere, by their places among the meanings.
    words: HashMap<&'a [u8], usize>,
    /// What each of these words means, in functions inside of one another: the function that declares it and its number there.
    meanings: Vec<Vec<(usize, usize)>>,
    /// What each function declares, words and numbers, in the order in which they begin; first what none of them does.
    scopes: Vec<Vec<(usize, usize)>>,
    /// Which marks words have that are declared somewhere.
    marks: Marks,
    /// Whether the declarations are known already.
    is_complete: bool,
    count: usize,
    /// How many functions began, of the script and of what is evaluated, and how many the script has.
    begun: usize,
    evaluated: usize,
    of_script: usize,
    is_evaluated: bool,
    /// The functions around, of which the first is the script itself.
    around: Vec<Function>,
    /// Whether a dot stands before the next word, which is a property then.
    is_property: bool,
}

/// A mark of each word of some, which others may have, too.
#[derive(Debug)]
struct Marks([u64; 64]);

impl Default for Marks {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Marks {
    /// The place of a word's mark, and the mark.
    fn of(word: &[u8]) -> (usize, u64) {
        let end = |byte: Option<&u8>| byte.copied().unwrap_or(0) & 63;
        // Names of scripts that were made short share their letters, not their lengths.
        let turn = u32::try_from(word.len() & 63).unwrap_or(0);
        (usize::from(end(word.first())), 1_u64.rotate_left(u32::from(end(word.last()))).rotate_left(turn))
    }

    fn add(&mut self, word: &[u8]) {
        let (place, mark) = Self::of(word);
        if let Some(marks) = self.0.get_mut(place) {
            *marks |= mark;
        }
    }

    fn may_have(&self, word: &[u8]) -> bool {
        let (place, mark) = Self::of(word);
        self.0.get(place).is_some_and(|marks| marks & mark != 0)
    }
}

#[derive(Debug, Default)]
struct Function {
    /// `None` for what is no function: all of the script, or of a string that is evaluated.
    scope: Option<usize>,
    place: Place,
    /// Square brackets that are open in the value of a variable, and braces.
    brackets: usize,
    braces: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Anywhere,
    /// Behind `function`, where the name may stand, and behind the name.
    Name,
    Named,
    /// Where the next name is declared: behind `var`, in front of the first parameter, behind a comma after one.
    Declaring,
    /// Behind a name that was declared.
    Declared,
}

/// Words that are no names.
fn is_reserved(word: &[u8]) -> bool {
    const RESERVED: [&[u8]; 59] = [
        b"abstract",
        b"boolean",
        b"break",
        b"byte",
        b"case",
        b"catch",
        b"char",
        b"class",
        b"const",
        b"continue",
        b"debugger",
        b"default",
        b"delete",
        b"do",
        b"double",
        b"else",
        b"enum",
        b"export",
        b"extends",
        b"false",
        b"final",
        b"finally",
        b"float",
        b"for",
        b"goto",
        b"if",
        b"implements",
        b"import",
        b"in",
        b"instanceof",
        b"int",
        b"interface",
        b"long",
        b"native",
        b"new",
        b"null",
        b"package",
        b"private",
        b"protected",
        b"public",
        b"return",
        b"short",
        b"static",
        b"super",
        b"switch",
        b"synchronized",
        b"this",
        b"throw",
        b"throws",
        b"transient",
        b"true",
        b"try",
        b"typeof",
        b"void",
        b"volatile",
        b"while",
        b"with",
        b"function",
        b"var",
    ];
    RESERVED.contains(&word)
}

impl<'a> Names<'a> {
    pub(super) fn new() -> Self {
        Self {
            words: HashMap::new(),
            meanings: Vec::new(),
            scopes: vec![Vec::new()],
            marks: Marks::default(),
            is_complete: false,
            count: 0,
            begun: 0,
            evaluated: 0,
            of_script: 0,
            is_evaluated: false,
            around: vec![Function::default()],
            is_property: false,
        }
    }

    /// Takes what a text declares.
    pub(super) fn learn(&mut self, text: &'a [u8]) {
        walk(text, |token| match token {
            Token::Word(word) => {
                self.see(word);
            }
            Token::Number(_) | Token::Text(_) => self.other(),
            Token::Sign(sign) => self.sign(sign),
        });
    }

    /// What is evaluated declares for all of the script.
    pub(super) fn begin_evaluated(&mut self) {
        self.of_script = self.begun;
        self.around = vec![Function::default()];
        self.is_evaluated = true;
        self.is_property = false;
    }

    /// Goes back to the start, with every declaration known.
    pub(super) fn begin_again(&mut self) {
        let (words, meanings) = (std::mem::take(&mut self.words), std::mem::take(&mut self.meanings));
        let (scopes, marks) = (std::mem::take(&mut self.scopes), std::mem::take(&mut self.marks));
        let of_script = self.of_script;
        *self = Self { words, meanings, scopes, marks, of_script, is_complete: true, ..Self::new() };
        self.enter(0);
    }

    /// A string is evaluated here: its braces are no others.
    pub(super) fn enter_evaluated(&mut self) {
        self.around.push(Function::default());
        self.is_evaluated = true;
        self.is_property = false;
    }

    /// It is over, with the functions that are not closed.
    pub(super) fn leave_evaluated(&mut self) {
        while let Some(Function { scope: Some(scope), .. }) = self.around.pop() {
            self.leave(scope);
        }
        self.is_evaluated = false;
        self.is_property = false;
    }

    /// The number of a word, if it is a name that is declared; of none before the declarations are known.
    pub(super) fn see(&mut self, word: &'a [u8]) -> Option<usize> {
        if std::mem::take(&mut self.is_property) {
            return None;
        }
        if word == b"function" {
            self.begin_function();
            return None;
        }
        if let Some(function) = self.around.last_mut() {
            if word == b"var" {
                function.place = Place::Declaring;
                return None;
            }
            let behind = match function.place {
                Place::Name => Some(Place::Named),
                Place::Declaring => Some(Place::Declared),
                _ => None,
            };
            if let Some(behind) = behind.filter(|_| !is_reserved(word)) {
                function.place = behind;
                self.declare(word);
            }
        }
        // Most words are not declared.
        if !self.is_complete || !self.marks.may_have(word) {
            return None;
        }
        let (_, number) = self.meanings.get(*self.words.get(word)?)?.last()?;
        Some(*number)
    }

    fn begin_function(&mut self) {
        if self.around.len() > DEPTH || self.begun.saturating_add(self.evaluated) >= SCOPES {
            return;
        }
        // Those of the script are counted first.
        let count = if self.is_evaluated { &mut self.evaluated } else { &mut self.begun };
        *count = count.saturating_add(1);
        let before = if self.is_evaluated { self.of_script } else { 0 };
        let scope = before.saturating_add(*count);
        if self.is_complete {
            self.enter(scope);
        } else {
            self.scopes.push(Vec::new());
        }
        self.around.push(Function { scope: Some(scope), place: Place::Name, ..Function::default() });
    }

    /// Words mean from now on what this function declares. Each function begins once, so that all of it takes as long as
    /// there are declarations.
    fn enter(&mut self, function: usize) {
        for &(word, number) in self.scopes.get(function).into_iter().flatten() {
            let Some(meanings) = self.meanings.get_mut(word) else { continue };
            // The last declaration counts.
            meanings.pop_if(|(scope, _)| *scope == function);
            meanings.push((function, number));
        }
    }

    /// They mean again what they did outside of it.
    fn leave(&mut self, function: usize) {
        for &(word, _) in self.scopes.get(function).into_iter().flatten().filter(|_| self.is_complete) {
            if let Some(meanings) = self.meanings.get_mut(word) {
                meanings.pop_if(|(scope, _)| *scope == function);
            }
        }
    }

    fn declare(&mut self, word: &'a [u8]) {
        if self.is_complete || self.count >= NAMES {
            return;
        }
        let scope = self.around.last().and_then(|function| function.scope).unwrap_or(0);
        if let Some(scope) = self.scopes.get_mut(scope) {
            self.marks.add(word);
            let place = *self.words.entry(word).or_insert(self.meanings.len());
            if place == self.meanings.len() {
                self.meanings.push(Vec::new());
            }
            scope.push((place, self.count));
            self.count = self.count.saturating_add(1);
        }
    }

    /// Something that is neither a word nor a sign.
    pub(super) const fn other(&mut self) {
        self.is_property = false;
    }

    pub(super) fn sign(&mut self, sign: u8) {
        self.is_property = sign == b'.';
        let Some(function) = self.around.last_mut() else { return };
        match (sign, function.place) {
            (b'(', Place::Name | Place::Named) => function.place = Place::Declaring,
            (b',', Place::Declared) if function.brackets == 0 && function.braces == 0 => {
                function.place = Place::Declaring;
            }
            (b';', Place::Declared | Place::Declaring) if function.braces == 0 => {
                function.place = Place::Anywhere;
            }
            (b'[', Place::Declared) => function.brackets = function.brackets.saturating_add(1),
            (b']', _) => function.brackets = function.brackets.saturating_sub(1),
            (b'{', _) => function.braces = function.braces.saturating_add(1),
            (b'}', _) if function.braces > 0 => {
                function.braces = function.braces.saturating_sub(1);
                if let (0, Some(scope)) = (function.braces, function.scope) {
                    self.around.pop();
                    self.leave(scope);
                }
            }
            _ => {}
        }
    }
}
