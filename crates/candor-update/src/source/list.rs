//! `sources.toml`: where this machine's signatures come from.
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
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;

/// The most bytes of a list.
pub const LONGEST_LIST: usize = 1 << 20;
/// The most sources.
const MOST_SOURCES: usize = 64;

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
    Feed {
        /// Where its files are: an address, or a directory.
        url: String,
        /// The first root that is trusted, a file that came by another way.
        root: PathBuf,
    },
    /// ClamAV's official databases.
    Clamav {
        /// Servers, in the order in which they are asked.
        mirrors: Vec<String>,
        /// Whether they are one's own: then the name system is not asked.
        private: bool,
        /// Databases; all that there always are when empty.
        databases: Vec<String>,
        /// Whether RSA over MD5 alone is enough.
        accept_md5: bool,
    },
    /// A file of signatures at an address.
    Url {
        /// Where.
        url: String,
        /// Why it is believed.
        vouched: Vouched,
    },
    /// A directory that somebody else fills.
    Directory {
        /// Where.
        path: PathBuf,
    },
}

/// Why a file at an address is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// It has this SHA-256, in 64 lower-case digits.
    Digest(String),
    /// A signature beside it (`.minisig`, or `.sig` with 64 bytes of Ed25519) is by this key, in base64.
    Key(String),
}

impl Source {
    /// The hosts that it is fetched from, in small letters. A policy may refuse hosts.
    #[must_use]
    pub fn hosts(&self) -> BTreeSet<String> {
        let urls: Vec<&str> = match &self.kind {
            SourceKind::Feed { url, .. } | SourceKind::Url { url, .. } => vec![url],
            SourceKind::Clamav { mirrors, .. } => mirrors.iter().map(String::as_str).collect(),
            SourceKind::Directory { .. } => Vec::new(),
        };
        urls.into_iter().filter_map(host).map(|host| host.to_ascii_lowercase()).collect()
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
}

/// A table of the file; which fields belong to which kind is looked at afterwards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: toml::Spanned<String>,
    kind: toml::Spanned<String>,
    operator: Option<String>,
    url: Option<toml::Spanned<String>>,
    root: Option<toml::Spanned<PathBuf>>,
    mirrors: Option<toml::Spanned<Vec<toml::Spanned<String>>>>,
    private: Option<toml::Spanned<bool>>,
    databases: Option<toml::Spanned<Vec<toml::Spanned<String>>>>,
    accept_md5: Option<toml::Spanned<bool>>,
    sha256: Option<toml::Spanned<String>>,
    key: Option<toml::Spanned<String>>,
    path: Option<toml::Spanned<PathBuf>>,
}

/// Reads a list; `file` is its name in errors.
///
/// # Errors
/// Something in it is not understood.
pub fn read(text: &str, file: &str) -> Result<Vec<Source>, ListError> {
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
        let name = entry.name.get_ref().clone();
        if !is_name(&name) {
            let reason = format!("\"{name}\" is no name: small letters, digits and hyphens");
            return Err(reader.error(entry.name.span(), reason));
        }
        if !names.insert(name.clone()) {
            return Err(reader.error(entry.name.span(), format!("there are two sources {name}")));
        }
        let operator = entry.operator.clone();
        let kind = reader.kind(entry, span)?;
        sources.push(Source { name, operator, kind });
    }
    Ok(sources)
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

    fn kind(self, mut entry: Entry, span: Range<usize>) -> Result<SourceKind, ListError> {
        let missing = |what: &str| {
            let reason = format!("{what} is missing in source {}", entry.name.get_ref());
            self.error(span.clone(), reason)
        };
        let kind = match entry.kind.get_ref().as_str() {
            "feed" => {
                let url = entry.url.take().ok_or_else(|| missing("url"))?;
                let root = entry.root.take().ok_or_else(|| missing("root"))?;
                SourceKind::Feed { url: self.url(url, true)?, root: self.absolute(root)? }
            }
            "clamav" => {
                let mirrors = entry.mirrors.take().map(toml::Spanned::into_inner).unwrap_or_default();
                if mirrors.is_empty() {
                    return Err(missing("mirrors"));
                }
                let mirrors = mirrors.into_iter().map(|url| self.url(url, false));
                let databases = entry.databases.take().map(toml::Spanned::into_inner).unwrap_or_default();
                let databases = databases.into_iter().map(|name| {
                    let fits = is_name(name.get_ref());
                    let reason = format!("\"{}\" is no name of a database", name.get_ref());
                    if fits { Ok(name.into_inner()) } else { Err(self.error(name.span(), reason)) }
                });
                SourceKind::Clamav {
                    mirrors: mirrors.collect::<Result<_, _>>()?,
                    private: entry.private.take().is_some_and(toml::Spanned::into_inner),
                    databases: databases.collect::<Result<_, _>>()?,
                    accept_md5: entry.accept_md5.take().is_none_or(toml::Spanned::into_inner),
                }
            }
            "url" => {
                let url = entry.url.take().ok_or_else(|| missing("url"))?;
                let vouched = match (entry.sha256.take(), entry.key.take()) {
                    (Some(digest), None) => Vouched::Digest(self.digest(digest)?),
                    (None, Some(key)) => Vouched::Key(self.key(key)?),
                    (None, None) => return Err(missing("sha256 or key")),
                    (Some(_), Some(key)) => {
                        let reason = String::from("either sha256 or key, not both");
                        return Err(self.error(key.span(), reason));
                    }
                };
                SourceKind::Url { url: self.url(url, false)?, vouched }
            }
            "directory" => {
                let path = entry.path.take().ok_or_else(|| missing("path"))?;
                SourceKind::Directory { path: self.absolute(path)? }
            }
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

    fn url(self, url: toml::Spanned<String>, or_path: bool) -> Result<String, ListError> {
        let text = url.get_ref();
        let is_path = or_path && text.starts_with('/');
        if !is_path && host(text).is_none() {
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

    fn key(self, key: toml::Spanned<String>) -> Result<String, ListError> {
        let text = key.get_ref();
        let plain = text.trim_end_matches('=');
        // 32 bytes of Ed25519, or 42 with minisign's letters and number.
        let fits = matches!(plain.len(), 43 | 56)
            && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
        if fits {
            Ok(key.into_inner())
        } else {
            let reason = String::from("a key is 32 bytes of Ed25519, or one of minisign, in base64");
            Err(self.error(key.span(), reason))
        }
    }
}

impl Entry {
    /// A field that was not taken.
    fn left(&self) -> Option<(&'static str, Range<usize>)> {
        let url = self.url.as_ref().map(|field| ("url", field.span()));
        let root = self.root.as_ref().map(|field| ("root", field.span()));
        let mirrors = self.mirrors.as_ref().map(|field| ("mirrors", field.span()));
        let private = self.private.as_ref().map(|field| ("private", field.span()));
        let databases = self.databases.as_ref().map(|field| ("databases", field.span()));
        let accept_md5 = self.accept_md5.as_ref().map(|field| ("accept-md5", field.span()));
        let sha256 = self.sha256.as_ref().map(|field| ("sha256", field.span()));
        let key = self.key.as_ref().map(|field| ("key", field.span()));
        let path = self.path.as_ref().map(|field| ("path", field.span()));
        url.or(root).or(mirrors).or(private).or(databases).or(accept_md5).or(sha256).or(key).or(path)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The host in an address of HTTP, without its port.
fn host(url: &str) -> Option<&str> {
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
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[source]]
name = "clamav"
kind = "clamav"
operator = "Cisco Talos"
mirrors = ["https://database.clamav.net", "http://Mirror.example:8080/x/"]
databases = ["main", "daily"]
accept-md5 = false

[[source]]
name = "rules"
kind = "url"
url = "https://rules.example/all.yar"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

[[source]]
name = "signed"
kind = "url"
url = "https://rules.example/x.ndb"
key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"

[[source]]
name = "freshclam"
kind = "directory"
path = "/var/lib/clamav"

[[source]]
name = "own"
kind = "feed"
url = "/media/stick/feed"
root = "/etc/candor/root.json"
"#;

    #[test]
    fn a_list_says_where_signatures_come_from() {
        let sources = read(GOOD, "sources.toml").unwrap();
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["clamav", "rules", "signed", "freshclam", "own"]);
        assert_eq!(sources[0].operator.as_deref(), Some("Cisco Talos"));
        let hosts: Vec<String> = sources[0].hosts().into_iter().collect();
        assert_eq!(hosts, ["database.clamav.net", "mirror.example"]);
        let SourceKind::Clamav { mirrors, private, databases, accept_md5 } = &sources[0].kind else {
            panic!()
        };
        assert_eq!(mirrors[1], "http://Mirror.example:8080/x");
        assert_eq!((*private, databases.len(), *accept_md5), (false, 2, false));
        assert!(matches!(&sources[1].kind, SourceKind::Url { vouched: Vouched::Digest(_), .. }));
        assert!(matches!(&sources[2].kind, SourceKind::Url { vouched: Vouched::Key(_), .. }));
        assert!(sources[3].hosts().is_empty() && sources[4].hosts().is_empty());
        assert_eq!(read("", "x"), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        for (change, line, reason) in [
            (("name = \"rules\"", "name = \"clamav\""), 11, "there are two sources clamav"),
            (
                ("name = \"rules\"", "name = \"Rules\""),
                11,
                "\"Rules\" is no name: small letters, digits and hyphens",
            ),
            (
                ("kind = \"directory\"", "kind = \"folder\""),
                24,
                "\"folder\" is no kind of source: feed, clamav, url, directory",
            ),
            (("sha256 = \"ba", "sha256 = \"BA"), 14, "a sha256 has 64 digits of 0 to 9 and a to f"),
            (("sha256 = ", "key = "), 14, "a key is 32 bytes of Ed25519, or one of minisign, in base64"),
            (("path = \"/var/lib/clamav\"", "path = \"db\""), 25, "db is no absolute path"),
            (
                ("path = \"/var/lib/clamav\"", "path = \"/x\"\nurl = \"https://a\""),
                26,
                "url means nothing to a source of kind directory",
            ),
            (
                ("\"https://database.clamav.net\"", "\"ftp://x\""),
                6,
                "\"ftp://x\" is no address of http or https",
            ),
            (
                ("\"https://database.clamav.net\"", "\"https://u:p@x\""),
                6,
                "\"https://u:p@x\" is no address of http or https",
            ),
            (("[\"main\", \"daily\"]", "[\"../x\"]"), 7, "\"../x\" is no name of a database"),
            (("accept-md5 = false", "accept-md5 = 1"), 8, "invalid type: integer `1`, expected a boolean"),
            (("root = ", "rot = "), 31, "unknown field `rot`"),
        ] {
            let text = GOOD.replacen(change.0, change.1, 1);
            assert_ne!(text, GOOD);
            let error = read(&text, "sources.toml").unwrap_err();
            assert_eq!((error.line, error.reason.split(", expected one of").next().unwrap()), (line, reason));
            assert!(error.to_string().starts_with(&format!("sources.toml:{line}: ")));
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        for (field, reason) in [
            (
                "mirrors = [\"https://database.clamav.net\", \"http://Mirror.example:8080/x/\"]\n",
                "mirrors is missing in source clamav",
            ),
            ("url = \"https://rules.example/all.yar\"\n", "url is missing in source rules"),
            (
                "key = \"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"\n",
                "sha256 or key is missing in source signed",
            ),
            ("path = \"/var/lib/clamav\"\n", "path is missing in source freshclam"),
            ("root = \"/etc/candor/root.json\"\n", "root is missing in source own"),
        ] {
            let text = GOOD.replacen(field, "", 1);
            assert_ne!(text, GOOD);
            assert_eq!(read(&text, "x").unwrap_err().reason, reason);
        }
    }

    #[test]
    fn a_list_is_bounded() {
        let many: String = (0..65)
            .map(|number| format!("[[source]]\nname=\"a{number}\"\nkind=\"directory\"\npath=\"/\"\n"))
            .collect();
        assert_eq!(read(&many, "x").unwrap_err().reason, "there are more than 64 sources");
        assert!(read(&" ".repeat(LONGEST_LIST + 1), "x").unwrap_err().reason.contains("longer than"));
    }
}
