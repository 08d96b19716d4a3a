//! Links in mails that show another place than they lead to.
//!
//! Which hosts are worth imitating is told by signatures (`.pdb`), and so is which pairs look worse than
//! they are (`.wdb`). The order of the checks and what counts as an address follow ClamAV 1.4.6 as it answers
//! for mails that were made for it; where this looks further, `docs/reference/differences.md` says so.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use candor_database::Image;
use candor_model::Link;
use regex::{Regex, RegexBuilder};

use super::Heuristics;

/// Bytes that one expression of a list may take when it is compiled.
const EXPRESSION: usize = 1 << 20;
/// Expressions that are tried for one page: a few hundred for each of a hundred links.
const TRIES: u32 = 1 << 16;

/// The lists, made ready. Expressions are compiled when a link could fit them.
#[derive(Debug, Default)]
pub(crate) struct Phishing {
    /// `H`: hosts that are imitated.
    protected: HashSet<String>,
    /// `R`: the same as expressions about both addresses.
    protected_pairs: Vec<Expression>,
    /// `M`: for a host that is shown, those that it may lead to.
    allowed_hosts: HashMap<String, Vec<String>>,
    /// `X`: the same as expressions about both addresses.
    allowed_pairs: Vec<Expression>,
}

impl Phishing {
    /// The lists of an image.
    pub(crate) fn new(image: &Image) -> Self {
        let mut lists = Self::default();
        for (_, line) in image.url_lists() {
            let fields: Vec<&str> =
                line.fields.iter().map(String::as_str).filter(|field| !field.is_empty()).collect();
            match (line.kind, fields.as_slice()) {
                ('H', [host, ..]) => drop(lists.protected.insert(host.to_ascii_lowercase())),
                ('M', [real, shown, ..]) => {
                    let places = lists.allowed_hosts.entry(shown.to_ascii_lowercase()).or_default();
                    places.push(real.to_ascii_lowercase());
                }
                ('X', [_, ..]) => lists.allowed_pairs.push(Expression::new(&fields)),
                ('R', [_, ..]) => lists.protected_pairs.push(Expression::new(&fields)),
                // Lists of digests were for a service that is no more; `Y` has no effect on links in ClamAV.
                _ => (),
            }
        }
        lists
    }

    /// What is wrong with the links of one page, in ClamAV's words; and whether all that was wanted was tried.
    pub(crate) fn check(&self, links: &[Link], wanted: &Heuristics) -> (Vec<&'static str>, bool) {
        let mut tries = TRIES;
        let mut told = Vec::new();
        let mut seen = HashSet::new();
        for link in links.iter().filter(|link| seen.insert(*link)) {
            if let Some(what) = self.check_one(link, wanted, &mut tries)
                && !told.contains(&what)
            {
                told.push(what);
            }
        }
        (told, tries > 0)
    }

    fn check_one(&self, link: &Link, wanted: &Heuristics, tries: &mut u32) -> Option<&'static str> {
        let shown = Address::shown(&link.shown)?;
        let real = Address::real(&link.target)?;
        // Lists are tried only when something depends on them: they are the dear part.
        let mut protected = None;
        let mut is_protected = |tries: &mut u32| {
            *protected.get_or_insert_with(|| wanted.phishing_addresses && self.protects(&real, &shown, tries))
        };
        // Whoever looks at an image or points at a link sees no address that would claim to be secure.
        let what =
            if link.is_text && shown.secure && !real.secure && (wanted.phishing_ssl || is_protected(tries)) {
                "SSL-Spoof"
            } else if real.cloaked_by_null && (wanted.phishing_cloaks || is_protected(tries)) {
                "Cloaked.Null"
            } else if wanted.phishing_cloaks && real.is_number && !is_same(&real.host, &shown.host) {
                "Cloaked.NumericIP"
            } else if wanted.phishing_cloaks && real.user_is_host {
                "Cloaked.Username"
            } else if !is_same(&real.host, &shown.host) && is_protected(tries) {
                "SpoofedDomain"
            } else {
                return None;
            };
        (!self.allows(&real, &shown, tries)).then_some(what)
    }

    fn protects(&self, real: &Address, shown: &Address, tries: &mut u32) -> bool {
        let name = |host: &str| self.protected.contains(host);
        with_parents(&shown.host).any(name) || Self::any_fits(&self.protected_pairs, real, shown, tries)
    }

    fn allows(&self, real: &Address, shown: &Address, tries: &mut u32) -> bool {
        let hosts = self.allowed_hosts.get(&shown.host);
        let leads_to = |allowed: &String| with_parents(&real.host).any(|host| host == allowed);
        hosts.is_some_and(|hosts| hosts.iter().any(leads_to))
            || Self::any_fits(&self.allowed_pairs, real, shown, tries)
    }

    fn any_fits(expressions: &[Expression], real: &Address, shown: &Address, tries: &mut u32) -> bool {
        if expressions.is_empty() {
            return false;
        }
        let pair = Pair::new(real, shown);
        expressions.iter().any(|expression| expression.fits(&pair, tries))
    }
}

/// Where a link leads and what it shows, as expressions see it: with the schemes and without them; a slash ends what
/// was written and what is tried.
struct Pair {
    whole: String,
    hosts: String,
}

impl Pair {
    fn new(real: &Address, shown: &Address) -> Self {
        Self {
            whole: format!("{}:{}/", real.whole, shown.whole),
            hosts: format!("{}:{}/", real.host, shown.host),
        }
    }
}

/// An expression about where a link leads and what it shows, with a colon between.
#[derive(Debug)]
struct Expression {
    text: String,
    /// Letters that must be in what fits.
    literal: String,
    /// Compiled when it is first needed; `None` when it cannot be.
    compiled: OnceCell<Option<Regex>>,
}

impl Expression {
    fn new(fields: &[&str]) -> Self {
        let text = fields.join(":");
        Self { literal: longest_literal(&text), text, compiled: OnceCell::new() }
    }

    fn fits(&self, pair: &Pair, tries: &mut u32) -> bool {
        let Pair { whole, hosts } = pair;
        if !(whole.contains(&self.literal) || hosts.contains(&self.literal)) {
            return false;
        }
        *tries = tries.saturating_sub(1);
        if *tries == 0 {
            return false;
        }
        let compiled = self.compiled.get_or_init(|| {
            RegexBuilder::new(&format!("^(?:{})/$", self.text)).size_limit(EXPRESSION).build().ok()
        });
        compiled.as_ref().is_some_and(|compiled| compiled.is_match(whole) || compiled.is_match(hosts))
    }
}

/// The longest run of letters in an expression that stands for itself and outside of every group.
fn longest_literal(expression: &str) -> String {
    let (mut longest, mut run) = (String::new(), String::new());
    let mut depth = 0_u32;
    let mut characters = expression.chars().peekable();
    while let Some(character) = characters.next() {
        let plain = match character {
            '\\' => characters.next().filter(|next| !next.is_ascii_alphanumeric()),
            '(' | '[' | '{' => {
                depth = depth.saturating_add(1);
                None
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                None
            }
            // Either side may be there.
            '|' if depth == 0 => return String::new(),
            '.' | '*' | '+' | '?' | '^' | '$' | '|' => None,
            other => Some(other),
        };
        let optional = matches!(characters.peek(), Some('*' | '?' | '{'));
        match plain.filter(|_| depth == 0 && !optional) {
            Some(plain) => run.push(plain),
            None => run.clear(),
        }
        if run.len() > longest.len() {
            longest.clone_from(&run);
        }
    }
    longest
}

/// A host and what comes before it.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of one address")]
struct Address {
    /// In lower case, without a port.
    host: String,
    /// With its scheme, without what is behind the host.
    whole: String,
    secure: bool,
    /// A NUL, or what some programs take for one, stands in it: what is behind it may not be shown.
    cloaked_by_null: bool,
    /// The host is a number, or numbers.
    is_number: bool,
    /// What stands before an `@` looks like a host.
    user_is_host: bool,
}

impl Address {
    /// What a link leads to, if that is a host.
    fn real(text: &str) -> Option<Self> {
        let text = text.trim().replace('\\', "/").to_ascii_lowercase();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https" | "ftp"), rest)) => (scheme, rest),
            Some(_) => return None,
            // A place on the page itself or on its host.
            None if text.starts_with(['/', '#', '?', '.']) => return None,
            // `javascript:`, `mailto:` and their like.
            None if text.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('.')) => return None,
            None => ("", text.as_str()),
        };
        Self::new(scheme, rest)
    }

    /// What is shown, if it reads like the address of a host.
    fn shown(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
        let text = text.replace('\\', "/").to_ascii_lowercase();
        let (scheme, rest) = match text.split_once("//") {
            Some((before, rest)) if before.ends_with("https:") => ("https", rest),
            Some((before, rest)) if before.ends_with("http:") => ("http", rest),
            Some((before, rest)) if before.ends_with("ftp:") => ("ftp", rest),
            _ => ("", text.as_str()),
        };
        let unquoted = rest.trim_start_matches(|character: char| !character.is_ascii_alphanumeric());
        let address = Self::new(scheme, unquoted)?;
        // `somebody@example.com` is no place; names of files and ends of sentences have no top level.
        let is_mail = scheme.is_empty() && unquoted.contains('@');
        let top = address.host.rsplit('.').next().unwrap_or_default();
        let is_top = top.starts_with("xn--")
            || (2..=24).contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_alphabetic());
        (!is_mail && is_top && address.host.contains('.') && !address.host.contains("..")).then_some(address)
    }

    fn new(scheme: &str, rest: &str) -> Option<Self> {
        let rest = rest.trim_start_matches('/');
        let end = rest.find(['/', '?', '#', '<', '>', '"', '\'', ',', ';', ')']).unwrap_or(rest.len());
        let authority = rest.get(..end)?;
        let (user, host) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let cloaked_by_null = ["%00", "%01", "\0", "\u{1}"].iter().any(|null| authority.contains(null));
        let host = host.replace("%00", "").replace("%01", "").replace(['\0', '\u{1}'], "");
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
            Some((_, _)) => return None,
            None => host,
        };
        let host = host.trim_end_matches('.').to_owned();
        let is_host = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'%') || !byte.is_ascii()
        };
        if host.is_empty() || !host.bytes().all(is_host) {
            return None;
        }
        let whole = if scheme.is_empty() { host.clone() } else { format!("{scheme}://{host}") };
        Some(Self {
            is_number: is_number(&host),
            user_is_host: user
                .is_some_and(|user| user.split([':', '%']).next().is_some_and(|name| name.contains('.'))),
            secure: scheme == "https",
            cloaked_by_null,
            host,
            whole,
        })
    }
}

/// `3232235777`, `0x7f.0.0.1`, `0177.0.0.1`, `10.0.0.1`.
fn is_number(host: &str) -> bool {
    let is_part = |part: &str| {
        let hexadecimal = part
            .strip_prefix("0x")
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        hexadecimal || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    host.split('.').all(is_part)
}

/// The host itself, and what is left of it with ever more of its front taken off.
fn with_parents(host: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(host);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.split_once('.').map(|(_, rest)| rest);
        Some(this)
    })
}

/// Whether two hosts belong to one owner: the same below what registries give out.
fn is_same(one: &str, other: &str) -> bool {
    one == other || registered(one).is_some_and(|domain| registered(other) == Some(domain))
}

/// The last two parts of a host, or three where the last but one is what some countries divide themselves by.
fn registered(host: &str) -> Option<&str> {
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let last = dots.next()?;
    let second = dots.next();
    let from = |at: Option<usize>| match at {
        Some(at) => host.get(at.saturating_add(1)..),
        None => Some(host),
    };
    let top = from(Some(last))?;
    let below = host.get(second.map_or(0, |at| at.saturating_add(1))..last)?;
    let divided = matches!(
        below,
        "ac" | "co"
            | "com"
            | "edu"
            | "go"
            | "gob"
            | "gov"
            | "ltd"
            | "me"
            | "mil"
            | "ne"
            | "net"
            | "nom"
            | "or"
            | "org"
            | "plc"
            | "sch"
    );
    match (top.len() == 2 && divided, second) {
        (true, None) => None,
        (true, Some(_)) => from(dots.next()),
        (false, _) => from(second),
    }
}
