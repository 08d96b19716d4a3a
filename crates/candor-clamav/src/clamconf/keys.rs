//! What a key of a configuration is, and what it takes.

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) takes: Takes,
    /// What counts when it is not given.
    pub(super) default: Option<&'static str>,
    /// What may be written, for whoever begins.
    pub(super) examples: &'static [&'static str],
    /// What it is for.
    pub(super) about: &'static str,
    /// What becomes of it.
    pub(super) fate: Fate,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It counts.
    Current,
    /// ClamAV has given it up.
    Deprecated,
    /// It counts, and no example names it.
    Hidden,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Yes or no.
    Switch,
    /// A number; 0 and nothing are alike.
    Number,
    /// Numbers: it may be given several times.
    Numbers,
    /// A text that is nobody's business.
    Secret,
    /// Bytes, with K, M or G; 0 is no limit.
    Size,
    /// A text.
    Text,
    /// Texts: it may be given several times.
    Texts,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A key that counts.
pub(super) const fn key(
    name: &'static str,
    takes: Takes,
    default: Option<&'static str>,
    examples: &'static [&'static str],
    about: &'static str,
) -> Key {
    Key { name, takes, default, examples, about, fate: Fate::Current }
}

/// A key for developers.
pub(super) const fn hidden(name: &'static str, takes: Takes) -> Key {
    Key { name, takes, default: None, examples: &[], about: "", fate: Fate::Hidden }
}

/// A key that ClamAV has given up.
pub(super) const fn deprecated(name: &'static str) -> Key {
    Key { name, takes: Takes::Text, default: None, examples: &[], about: "", fate: Fate::Deprecated }
}
