//! What is worth opening: so that a reader of a root opens a few files of hundreds of thousands.

use super::Matcher;
use crate::inventory::{Interest, Surface};

/// Questions that a walk asks before it opens anything.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    matcher: &'a Matcher,
}

impl<'a> Wanted<'a> {
    pub(super) const fn new(matcher: &'a Matcher) -> Self {
        Self { matcher }
    }

    /// Whether a path below the root, or the last part of it, is an identifier of a vendor: the file or
    /// directory is an item then, and is worth a closer look (its signature, its version).
    #[must_use]
    pub fn path(self, path: &str) -> bool {
        let mut found = Vec::new();
        self.matcher.index().look_up(Surface::Path, path, &mut found);
        if found.is_empty() {
            self.matcher.index().look_up(Surface::FileName, path, &mut found);
        }
        !found.is_empty()
    }

    /// Whether something below this directory could be known by its path. It says nothing about names of files,
    /// which can be anywhere.
    #[must_use]
    pub fn leads_to(self, directory: &str) -> bool {
        self.matcher.index().leads_to(directory)
    }

    /// Whether a value on a surface is an identifier of a vendor: a registry key, a service, a bundle.
    #[must_use]
    pub fn value(self, surface: Surface, value: &str) -> bool {
        let mut found = Vec::new();
        self.matcher.index().look_up(surface, value, &mut found);
        !found.is_empty()
    }
}

impl Interest for Wanted<'_> {
    fn is_wanted(&self, path: &str, _is_directory: bool) -> bool {
        self.path(path)
    }
}
