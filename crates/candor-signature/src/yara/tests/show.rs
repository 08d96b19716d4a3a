//! Rules as short text, for tables of cases.

use candor_database::ir::{
    Element, ModulePath, ModuleRoot, ModuleStep, Place, Quantifier, Rule, RuleRegex, RuleString, Sequence,
    StringForm, StringRef, Term,
};

/// A rule: its strings, then its condition.
pub(super) fn rule(rule: &Rule) -> String {
    let mut parts: Vec<String> = rule.strings.iter().map(string).collect();
    parts.push(term(&rule.condition));
    parts.join("; ")
}

/// A string: name, form, what else is said of it.
pub(super) fn string(string: &RuleString) -> String {
    let mut text = format!("${}=", string.name);
    match &string.form {
        StringForm::Text { spellings, ignore_case } => {
            let spellings: Vec<String> = spellings
                .iter()
                .map(|spelling| {
                    let wide = if spelling.wide { "w" } else { "" };
                    let key = if spelling.key == 0 { String::new() } else { format!("^{}", spelling.key) };
                    format!("{wide}\"{}\"{key}", spelling.bytes.escape_ascii())
                })
                .collect();
            text.push_str(&spellings.join("|"));
            if *ignore_case {
                text.push_str(" nocase");
            }
        }
        StringForm::Hex(pattern) => {
            for part in &pattern.parts {
                let gap = part.gap;
                match gap.max {
                    Some(0) => {}
                    Some(max) => text.push_str(&format!("[{}-{max}]", gap.min)),
                    None => text.push_str(&format!("[{}-]", gap.min)),
                }
                text.push_str(&elements(&part.elements));
            }
        }
        StringForm::Regex { regex, ascii, wide } => {
            text.push_str(&self::regex(regex));
            if *ascii {
                text.push_str(" ascii");
            }
            if *wide {
                text.push_str(" wide");
            }
        }
    }
    if string.full_word {
        text.push_str(" fullword");
    }
    if string.private {
        text.push_str(" private");
    }
    text
}

fn elements(elements: &[Element]) -> String {
    let shown: Vec<String> = elements
        .iter()
        .map(|element| match element {
            Element::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Element::Masked { value, mask } => format!("{value:02x}&{mask:02x}"),
            Element::Alternatives(choice) => {
                let branches: Vec<String> =
                    choice.branches.iter().map(|branch| self::elements(branch)).collect();
                format!("{}({})", if choice.negated { "~" } else { "" }, branches.join("|"))
            }
            Element::Boundary(boundary) => format!("{boundary:?}"),
        })
        .collect();
    shown.join(" ")
}

fn regex(regex: &RuleRegex) -> String {
    let case = if regex.ignore_case { "i" } else { "" };
    let dot = if regex.dot_all { "s" } else { "" };
    format!("/{}/{case}{dot}", regex.pattern)
}

/// A term in prefix notation.
pub(super) fn term(term: &Term) -> String {
    match term {
        Term::And(terms) => format!("(and {})", list(terms)),
        Term::Or(terms) => format!("(or {})", list(terms)),
        Term::Not(inner) => format!("(not {})", self::term(inner)),
        Term::Defined(inner) => format!("(defined {})", self::term(inner)),
        Term::Boolean(value) => value.to_string(),
        Term::Integer(value) => value.to_string(),
        Term::Float(bits) => format!("{:?}", f64::from_bits(*bits)),
        Term::Text(text) => format!("\"{}\"", text.escape_ascii()),
        Term::FileSize => "filesize".into(),
        Term::EntryPoint => "entrypoint".into(),
        Term::External(external) => format!("{external:?}"),
        Term::Variable(number) => format!("v{number}"),
        Term::Binary(operator, left, right) => {
            format!("({operator:?} {} {})", self::term(left), self::term(right))
        }
        Term::Unary(operator, inner) => format!("({operator:?} {})", self::term(inner)),
        Term::Count { string, range: None } => format!("#{}", reference(*string)),
        Term::Count { string, range: Some(range) } => {
            format!("(#{} {} {})", reference(*string), self::term(&range.0), self::term(&range.1))
        }
        Term::Offset { string, index } => format!("@{}[{}]", reference(*string), self::term(index)),
        Term::Length { string, index } => format!("!{}[{}]", reference(*string), self::term(index)),
        Term::String { string, place } => format!("${}{}", reference(*string), self::place(place)),
        Term::Matches(text, regex) => format!("(matches {} {})", self::term(text), self::regex(regex)),
        Term::Module(path) => self::path(path),
        Term::Read { size, signed, big_endian, at } => {
            let sign = if *signed { "s" } else { "u" };
            let order = if *big_endian { "be" } else { "le" };
            format!("({sign}{size}{order} {})", self::term(at))
        }
        Term::ForIn { quantifier, variables, sequence, body } => {
            let sequence = match sequence {
                Sequence::List(terms) => format!("[{}]", list(terms)),
                Sequence::Members(path) => self::path(path),
                Sequence::Range(range) => {
                    format!("[{}..{}]", self::term(&range.0), self::term(&range.1))
                }
            };
            let variables: Vec<String> = variables.iter().map(|number| format!("v{number}")).collect();
            let quantifier = self::quantifier(quantifier);
            format!("(for {quantifier} {} in {sequence} {})", variables.join(","), self::term(body))
        }
        Term::ForOf { quantifier, strings, body } => {
            format!("(for {} of {strings:?} {})", self::quantifier(quantifier), self::term(body))
        }
        Term::Of { quantifier, strings, place } => {
            format!("({} of {strings:?}{})", self::quantifier(quantifier), self::place(place))
        }
        Term::OfTerms { quantifier, terms } => {
            format!("({} of {})", self::quantifier(quantifier), list(terms))
        }
    }
}

fn list(terms: &[Term]) -> String {
    let shown: Vec<String> = terms.iter().map(term).collect();
    shown.join(" ")
}

fn reference(string: StringRef) -> String {
    match string {
        StringRef::Number(number) => number.to_string(),
        StringRef::Current => "_".into(),
    }
}

fn place(place: &Place) -> String {
    match place {
        Place::Anywhere => String::new(),
        Place::At(at) => format!(" at {}", term(at)),
        Place::In(range) => format!(" in {}..{}", term(&range.0), term(&range.1)),
    }
}

fn quantifier(quantifier: &Quantifier) -> String {
    match quantifier {
        Quantifier::All => "all".into(),
        Quantifier::Any => "any".into(),
        Quantifier::None => "none".into(),
        Quantifier::AtLeast(number) => term(number),
        Quantifier::Percent(number) => format!("{}%", term(number)),
    }
}

fn path(path: &ModulePath) -> String {
    let mut text = match path.root {
        ModuleRoot::Module(module) => module.name().to_owned(),
        ModuleRoot::Variable(number) => format!("v{number}"),
    };
    for step in &path.steps {
        match step {
            ModuleStep::Field(name) => text.push_str(&format!(".{name}")),
            ModuleStep::Index(index) => text.push_str(&format!("[{}]", term(index))),
            ModuleStep::Call(form, arguments) => text.push_str(&format!("({form}: {})", list(arguments))),
            ModuleStep::CallRegex(form, arguments, regexes) => {
                let regexes: Vec<String> = regexes.iter().map(regex).collect();
                text.push_str(&format!("({form}: {} {})", list(arguments), regexes.join(" ")));
            }
        }
    }
    text
}
