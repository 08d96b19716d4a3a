//! `sources.toml`: where this machine's signatures come from. It is the only such list.
//!
//! ```toml
//! [[source]]
//! name = "clamav"
//! kind = "clamav"
//! operator = "Cisco Talos"
//! mirrors = ["https://database.clamav.net"]
//! ```
//!
//! A list that is not understood as a whole is no list: nothing is fetched by half of somebody's intent.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;

use super::fetch::{Proxy, Times};
use super::key::Key;
use crate::pipeline::local;

/// The most bytes of a list.
pub const LONGEST_LIST: usize = 1 << 20;
/// The most sources.
const MOST_SOURCES: usize = 64;
/// The name under which ClamAV's newest versions are told.
const RECORD: &str = "current.cvd.clamav.net";

/// All that the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The sources, in their order.
    pub sources: Vec<Source>,
    /// The way to servers.
    pub network: Network,
}

/// The way to servers, the same for all sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// A proxy that connections go through.
    pub proxy: Option<Proxy>,
    /// Servers that are asked for names instead of the system's.
    pub name_servers: Vec<SocketAddr>,
    /// A file of certificates that servers are believed by instead of the system's.
    pub authorities: Option<PathBuf>,
    /// Times that end a wait.
    pub times: Times,
    /// How often a server of ClamAV's databases is tried.
    pub attempts: u32,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            proxy: None,
            name_servers: Vec::new(),
            authorities: None,
            times: Times::default(),
            attempts: 3,
        }
    }
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name: small letters, digits and hyphens.
    pub name: String,
    /// Who operates it, as the customer knows them. A policy may refuse operators.
    pub operator: Option<String>,
    /// What it is.
    pub kind: SourceKind,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A signed and logged feed of Candor's kind.
    Feed(Feed),
    /// ClamAV's official databases.
    Clamav(Clamav),
    /// A file of signatures at an address.
    Url {
        /// Where.
        url: String,
        /// The name of the file: the last part of the address.
        file: String,
        /// Why it is believed.
        vouched: Vouched,
    },
    /// A directory that somebody else fills.
    Directory(Directory),
}

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Where its files are: an address, or a directory.
    pub url: String,
    /// The customer's policy.
    pub policy: PathBuf,
    /// The first root that is trusted, a file that came by another way.
    pub root: PathBuf,
    /// Repositories that must agree, by their names in the policy.
    pub cosigners: Vec<Cosigner>,
}

/// A repository that must agree with a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    /// Its name in the policy of the feed.
    pub name: String,
    /// Where its files are: an address, or a directory.
    pub url: String,
    /// The first root that is trusted.
    pub root: PathBuf,
}

/// ClamAV's official databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clamav {
    /// Servers, in the order in which they are asked.
    pub mirrors: Vec<String>,
    /// Whether they are one's own: then the name system is not asked.
    pub private: bool,
    /// Databases.
    pub databases: Vec<String>,
    /// Whether RSA over MD5 alone is enough.
    pub accept_md5: bool,
    /// The name under which the newest versions are told; servers are asked when there is none.
    pub record: Option<String>,
    /// A folder of certificates that databases are signed with.
    pub certificates: Option<PathBuf>,
}

/// A directory that somebody else fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where.
    pub path: PathBuf,
    /// A file of digests, as `sha256sum` writes it: what is in the directory must be just that.
    pub digests: Option<PathBuf>,
    /// A key: beside each file there must be a signature by it.
    pub key: Option<Key>,
}

/// Why a file at an address is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// It has this SHA-256, in 64 lower-case digits.
    Digest(String),
    /// A signature beside it (`.minisig`, or `.sig` with 64 bytes of Ed25519) is by this key.
    Key(Key),
}

impl Source {
    /// The hosts that it is fetched from, in small letters. A policy may refuse hosts.
    #[must_use]
    pub fn hosts(&self) -> BTreeSet<String> {
        let urls: Vec<&str> = match &self.kind {
            SourceKind::Feed(feed) => {
                let others = feed.cosigners.iter().map(|other| other.url.as_str());
                std::iter::once(feed.url.as_str()).chain(others).collect()
            }
            SourceKind::Url { url, .. } => vec![url],
            SourceKind::Clamav(clamav) => clamav.mirrors.iter().map(String::as_str).collect(),
            SourceKind::Directory(_) => Vec::new(),
        };
        urls.into_iter().filter_map(host_of).map(|host| host.to_ascii_lowercase()).collect()
    }
}

/// Why a list is none: where, and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct ListError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in lower case.
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    source: Vec<toml::Spanned<Entry>>,
    #[serde(default)]
    network: Way,
}

/// A table of the file; which fields belong to which kind is looked at afterwards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: toml::Spanned<String>,
    kind: toml::Spanned<String>,
    operator: Option<String>,
    url: Option<toml::Spanned<String>>,
    policy: Option<toml::Spanned<PathBuf>>,
    root: Option<toml::Spanned<PathBuf>>,
    cosigner: Option<toml::Spanned<Vec<toml::Spanned<Other>>>>,
    mirrors: Option<toml::Spanned<Vec<toml::Spanned<String>>>>,
    private: Option<toml::Spanned<bool>>,
    databases: Option<toml::Spanned<Vec<toml::Spanned<String>>>>,
    accept_md5: Option<toml::Spanned<bool>>,
    record: Option<toml::Spanned<String>>,
    certificates: Option<toml::Spanned<PathBuf>>,
    sha256: Option<toml::Spanned<String>>,
    key: Option<toml::Spanned<String>>,
    path: Option<toml::Spanned<PathBuf>>,
    digests: Option<toml::Spanned<PathBuf>>,
}

/// A repository that must agree.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    name: toml::Spanned<String>,
    url: toml::Spanned<String>,
    root: toml::Spanned<PathBuf>,
}

/// The way to servers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Way {
    proxy: Option<toml::Spanned<String>>,
    proxy_user: Option<String>,
    proxy_password: Option<String>,
    #[serde(default)]
    name_servers: Vec<toml::Spanned<String>>,
    authorities: Option<toml::Spanned<PathBuf>>,
    connect_seconds: Option<toml::Spanned<u64>>,
    stall_seconds: Option<toml::Spanned<u64>>,
    total_seconds: Option<toml::Spanned<u64>>,
    slowest: Option<u64>,
    attempts: Option<toml::Spanned<u64>>,
}

/// Reads a list; `file` is its name in errors.
///
/// # Errors
/// Something in it is not understood.
pub fn read(text: &str, file: &str) -> Result<List, ListError> {
    let reader = Reader { text, file };
    if text.len() > LONGEST_LIST {
        return Err(reader.error(0..0, format!("the list is longer than {LONGEST_LIST} bytes")));
    }
    let document: Document = toml::from_str(text).map_err(|error| {
        let reason = error.message().lines().next().unwrap_or_default().to_owned();
        reader.error(error.span().unwrap_or(0..0), reason)
    })?;
    if document.source.len() > MOST_SOURCES {
        return Err(reader.error(0..0, format!("there are more than {MOST_SOURCES} sources")));
    }
    let mut names = BTreeSet::new();
    let mut sources = Vec::new();
    for entry in document.source {
        let span = entry.span();
        let entry = entry.into_inner();
        let name = reader.name(&entry.name)?;
        if !names.insert(name.clone()) {
            return Err(reader.error(entry.name.span(), format!("there are two sources {name}")));
        }
        let operator = entry.operator.clone();
        let kind = reader.kind(entry, span)?;
        sources.push(Source { name, operator, kind });
    }
    Ok(List { sources, network: reader.network(document.network)? })
}

#[derive(Clone, Copy, Debug)]
struct Reader<'a> {
    text: &'a str,
    file: &'a str,
}

impl Reader<'_> {
    fn error(self, span: Range<usize>, reason: String) -> ListError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
        ListError { file: self.file.to_owned(), line, reason }
    }

    fn name(self, name: &toml::Spanned<String>) -> Result<String, ListError> {
        if is_name(name.get_ref()) {
            return Ok(name.get_ref().clone());
        }
        let reason = format!("\"{}\" is no name: small letters, digits and hyphens", name.get_ref());
        Err(self.error(name.span(), reason))
    }

    fn kind(self, mut entry: Entry, span: Range<usize>) -> Result<SourceKind, ListError> {
        let kind = match entry.kind.get_ref().as_str() {
            "feed" => self.feed(&mut entry, span)?,
            "clamav" => self.clamav(&mut entry, span)?,
            "url" => self.file(&mut entry, span)?,
            "directory" => self.directory(&mut entry, span)?,
            other => {
                let reason = format!("\"{other}\" is no kind of source: feed, clamav, url, directory");
                return Err(self.error(entry.kind.span(), reason));
            }
        };
        match entry.left() {
            Some((field, span)) => {
                let reason = format!("{field} means nothing to a source of kind {}", entry.kind.get_ref());
                Err(self.error(span, reason))
            }
            None => Ok(kind),
        }
    }

    fn missing(self, what: &str, entry: &Entry, span: Range<usize>) -> ListError {
        self.error(span, format!("{what} is missing in source {}", entry.name.get_ref()))
    }

    fn feed(self, entry: &mut Entry, span: Range<usize>) -> Result<SourceKind, ListError> {
        let url = entry.url.take().ok_or_else(|| self.missing("url", entry, span.clone()))?;
        let policy = entry.policy.take().ok_or_else(|| self.missing("policy", entry, span.clone()))?;
        let root = entry.root.take().ok_or_else(|| self.missing("root", entry, span))?;
        let mut cosigners: Vec<Cosigner> = Vec::new();
        for other in entry.cosigner.take().map(toml::Spanned::into_inner).unwrap_or_default() {
            let Other { name, url, root } = other.into_inner();
            if cosigners.iter().any(|known| known.name == *name.get_ref()) || !is_name(name.get_ref()) {
                let reason = format!("\"{}\" is no name for a repository, or there are two", name.get_ref());
                return Err(self.error(name.span(), reason));
            }
            let (url, root) = (self.url(url, true)?, self.absolute(root)?);
            cosigners.push(Cosigner { name: name.into_inner(), url, root });
        }
        Ok(SourceKind::Feed(Feed {
            url: self.url(url, true)?,
            policy: self.absolute(policy)?,
            root: self.absolute(root)?,
            cosigners,
        }))
    }

    fn clamav(self, entry: &mut Entry, span: Range<usize>) -> Result<SourceKind, ListError> {
        let mirrors = entry.mirrors.take().map(toml::Spanned::into_inner).unwrap_or_default();
        if mirrors.is_empty() {
            return Err(self.missing("mirrors", entry, span));
        }
        let mirrors = mirrors.into_iter().map(|url| self.url(url, false)).collect::<Result<_, _>>()?;
        let mut databases = Vec::new();
        for name in entry.databases.take().map(toml::Spanned::into_inner).unwrap_or_default() {
            if !is_name(name.get_ref()) || databases.contains(name.get_ref()) {
                let reason = format!("\"{}\" is no name of a database", name.get_ref());
                return Err(self.error(name.span(), reason));
            }
            databases.push(name.into_inner());
        }
        if databases.is_empty() {
            databases = ["daily", "main", "bytecode"].map(String::from).to_vec();
        }
        let private = entry.private.take().is_some_and(toml::Spanned::into_inner);
        let record = match entry.record.take() {
            None => (!private).then(|| String::from(RECORD)),
            Some(record) if record.get_ref().is_empty() => None,
            Some(record) if private => {
                let reason = String::from("the name system knows nothing of private mirrors");
                return Err(self.error(record.span(), reason));
            }
            Some(record) => Some(record.into_inner()),
        };
        Ok(SourceKind::Clamav(Clamav {
            mirrors,
            private,
            databases,
            accept_md5: entry.accept_md5.take().is_none_or(toml::Spanned::into_inner),
            record,
            certificates: entry.certificates.take().map(|path| self.absolute(path)).transpose()?,
        }))
    }

    fn file(self, entry: &mut Entry, span: Range<usize>) -> Result<SourceKind, ListError> {
        let url = entry.url.take().ok_or_else(|| self.missing("url", entry, span.clone()))?;
        let vouched = match (entry.sha256.take(), entry.key.take()) {
            (Some(digest), None) => Vouched::Digest(self.digest(digest)?),
            (None, Some(key)) => Vouched::Key(self.key(&key)?),
            (None, None) => return Err(self.missing("sha256 or key", entry, span)),
            (Some(_), Some(key)) => {
                let reason = String::from("either sha256 or key, not both");
                return Err(self.error(key.span(), reason));
            }
        };
        let file = url.get_ref().rsplit('/').next().unwrap_or_default().to_owned();
        let is_plain = file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte));
        if !is_plain || file.starts_with('.') || file.len() > 100 || local::class(&file).is_none() {
            let reason = format!("\"{file}\" is no name of a file of signatures");
            return Err(self.error(url.span(), reason));
        }
        Ok(SourceKind::Url { url: self.url(url, false)?, file, vouched })
    }

    fn directory(self, entry: &mut Entry, span: Range<usize>) -> Result<SourceKind, ListError> {
        let path = entry.path.take().ok_or_else(|| self.missing("path", entry, span))?;
        let key = entry.key.take();
        let digests = entry.digests.take();
        if let (Some(key), Some(_)) = (&key, &digests) {
            return Err(self.error(key.span(), String::from("either digests or key, not both")));
        }
        Ok(SourceKind::Directory(Directory {
            path: self.absolute(path)?,
            digests: digests.map(|path| self.absolute(path)).transpose()?,
            key: key.map(|key| self.key(&key)).transpose()?,
        }))
    }

    fn network(self, way: Way) -> Result<Network, ListError> {
        let usual = Network::default();
        let seconds = |given: Option<toml::Spanned<u64>>, usual: u64| match given {
            Some(given) if !(1..=86_400).contains(given.get_ref()) => {
                Err(self.error(given.span(), String::from("a wait has from 1 to 86400 seconds")))
            }
            given => Ok(given.map_or(usual, toml::Spanned::into_inner)),
        };
        let times = Times {
            connect: seconds(way.connect_seconds, usual.times.connect)?,
            stall: seconds(way.stall_seconds, usual.times.stall)?,
            total: seconds(way.total_seconds, usual.times.total)?,
            slowest: way.slowest.unwrap_or(usual.times.slowest),
        };
        let attempts = match way.attempts {
            Some(given) if !(1..=100).contains(given.get_ref()) => {
                return Err(self.error(given.span(), String::from("there are from 1 to 100 attempts")));
            }
            given => given.map_or(usual.attempts, |given| u32::try_from(given.into_inner()).unwrap_or(1)),
        };
        let mut name_servers = Vec::new();
        for server in way.name_servers {
            let text = server.get_ref();
            let parsed = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
            name_servers.push(parsed.map_err(|_| {
                self.error(server.span(), format!("\"{text}\" is no address of a name server"))
            })?);
        }
        let proxy = match way.proxy {
            None => None,
            Some(url) => {
                let url = self.url(url, false)?;
                Some(Proxy { url, user: way.proxy_user, password: way.proxy_password })
            }
        };
        let authorities = way.authorities.map(|path| self.absolute(path)).transpose()?;
        Ok(Network { proxy, name_servers, authorities, times, attempts })
    }

    fn url(self, url: toml::Spanned<String>, or_path: bool) -> Result<String, ListError> {
        let text = url.get_ref();
        let is_path = or_path && text.starts_with('/');
        if !is_path && host_of(text).is_none() {
            let reason = format!("\"{text}\" is no address of http or https");
            return Err(self.error(url.span(), reason));
        }
        Ok(text.trim_end_matches('/').to_owned())
    }

    fn absolute(self, path: toml::Spanned<PathBuf>) -> Result<PathBuf, ListError> {
        if path.get_ref().is_absolute() {
            Ok(path.into_inner())
        } else {
            let reason = format!("{} is no absolute path", path.get_ref().display());
            Err(self.error(path.span(), reason))
        }
    }

    fn digest(self, digest: toml::Spanned<String>) -> Result<String, ListError> {
        let text = digest.get_ref();
        let fits = text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if fits {
            Ok(digest.into_inner())
        } else {
            let reason = String::from("a sha256 has 64 digits of 0 to 9 and a to f");
            Err(self.error(digest.span(), reason))
        }
    }

    fn key(self, key: &toml::Spanned<String>) -> Result<Key, ListError> {
        Key::parse(key.get_ref()).ok_or_else(|| {
            let reason = String::from("a key is 32 bytes of Ed25519, or one of minisign, in base64");
            self.error(key.span(), reason)
        })
    }
}

impl Entry {
    /// A field that was not taken.
    fn left(&self) -> Option<(&'static str, Range<usize>)> {
        fn span<T>(
            name: &'static str,
            field: Option<&toml::Spanned<T>>,
        ) -> Option<(&'static str, Range<usize>)> {
            field.map(|field| (name, field.span()))
        }
        span("url", self.url.as_ref())
            .or(span("policy", self.policy.as_ref()))
            .or(span("root", self.root.as_ref()))
            .or(span("cosigner", self.cosigner.as_ref()))
            .or(span("mirrors", self.mirrors.as_ref()))
            .or(span("private", self.private.as_ref()))
            .or(span("databases", self.databases.as_ref()))
            .or(span("accept-md5", self.accept_md5.as_ref()))
            .or(span("record", self.record.as_ref()))
            .or(span("certificates", self.certificates.as_ref()))
            .or(span("sha256", self.sha256.as_ref()))
            .or(span("key", self.key.as_ref()))
            .or(span("path", self.path.as_ref()))
            .or(span("digests", self.digests.as_ref()))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The host in an address of HTTP, without its port.
#[must_use]
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // Names and passwords in an address would end up in logs.
    if authority.contains('@')
        || authority.contains(|letter: char| letter.is_whitespace() || letter.is_control())
    {
        return None;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests;
