//! The layers of a file that is taken apart: what is known about each, and the files that they go to.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::Context as _;
use candor_model::{LayerId, LayerSummary};
use candor_sandbox::Piece;
use rustix::fs::{Mode, OFlags};

use crate::escape::Escaped;

/// Characters of a layer's own name that become part of a file name.
const LONGEST_NAME: usize = 60;

/// What has come out of a file.
#[derive(Debug)]
pub(crate) struct Layers {
    summaries: Vec<LayerSummary>,
    places: HashMap<LayerId, usize>,
    facts: HashMap<LayerId, Vec<(String, String)>>,
    files: HashMap<LayerId, String>,
    directory: Option<OwnedFd>,
    open: Option<(LayerId, File)>,
    failure: Option<anyhow::Error>,
}

impl Layers {
    /// Layers that are written below `directory`, when there is one.
    ///
    /// # Errors
    /// The directory cannot be made or opened.
    pub(crate) fn new(directory: Option<&Path>) -> anyhow::Result<Self> {
        let directory = directory
            .map(|path| {
                let made = rustix::fs::mkdir(path, Mode::RWXU);
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let opened = match made {
                    Ok(()) | Err(rustix::io::Errno::EXIST) => rustix::fs::open(path, flags, Mode::empty()),
                    Err(error) => Err(error),
                };
                opened
                    .map_err(std::io::Error::from)
                    .with_context(|| format!("directory {}", Escaped::os(path.as_os_str())))
            })
            .transpose()?;
        Ok(Self {
            summaries: Vec::new(),
            places: HashMap::new(),
            facts: HashMap::new(),
            files: HashMap::new(),
            directory,
            open: None,
            failure: None,
        })
    }

    /// Takes the next piece. What goes wrong is told by [`finish`](Self::finish).
    pub(crate) fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Layer(layer) => {
                self.places.insert(layer.id, self.summaries.len());
                self.summaries.push(layer.clone());
            }
            Piece::Facts(layer, facts) => self.facts.entry(layer).or_default().extend_from_slice(facts),
            Piece::Content(layer, bytes) if self.failure.is_none() => {
                if let Err(error) = self.write(layer, bytes) {
                    self.failure = Some(error);
                }
            }
            Piece::Content(..) => (),
        }
    }

    /// Nothing more will come.
    ///
    /// # Errors
    /// A layer could not be written.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        self.open = None;
        self.failure.take().map_or(Ok(()), Err)
    }

    /// The layers, in the order in which they were opened.
    pub(crate) fn summaries(&self) -> &[LayerSummary] {
        &self.summaries
    }

    /// What was learned about a layer.
    pub(crate) fn facts(&self, layer: LayerId) -> &[(String, String)] {
        self.facts.get(&layer).map(Vec::as_slice).unwrap_or_default()
    }

    /// The file that a layer was written to.
    pub(crate) fn written_to(&self, layer: LayerId) -> Option<&str> {
        self.files.get(&layer).map(String::as_str)
    }

    /// How deep each layer lies.
    pub(crate) fn depths(&self) -> Vec<usize> {
        let mut depths = Vec::with_capacity(self.summaries.len());
        for layer in &self.summaries {
            let parent = layer.parent.and_then(|parent| self.places.get(&parent));
            let depth = parent.and_then(|place| depths.get(*place)).map_or(0, |depth: &usize| depth + 1);
            depths.push(depth);
        }
        depths
    }

    fn write(&mut self, layer: LayerId, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        if self.open.as_ref().is_none_or(|(open, _)| *open != layer) {
            let own = self.places.get(&layer).map_or("", |place| self.summaries[*place].name.as_str());
            let name = file_name(layer, own);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file =
                rustix::fs::openat(directory, &name, flags, Mode::RUSR | Mode::WUSR).map_err(|error| {
                    match error {
                        rustix::io::Errno::EXIST => {
                            anyhow::anyhow!("{name} is there already, and nothing is overwritten")
                        }
                        error => anyhow::Error::new(std::io::Error::from(error)).context(name.clone()),
                    }
                })?;
            self.files.insert(layer, name);
            self.open = Some((layer, file.into()));
        }
        if let Some((_, file)) = &mut self.open {
            file.write_all(bytes).with_context(|| format!("layer {}", layer.0))?;
        }
        Ok(())
    }
}

/// A file name for a layer: its number, and of its own name the last part, without anything that could mean
/// something to a shell, a terminal or a file system.
fn file_name(layer: LayerId, own: &str) -> String {
    let last = own.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    let harmless = |character: char| match character {
        '.' | '-' | '_' | '0'..='9' | 'a'..='z' | 'A'..='Z' => character,
        character if character.is_alphanumeric() => character,
        _ => '_',
    };
    let name: String = last.trim_start_matches('.').chars().take(LONGEST_NAME).map(harmless).collect();
    if name.is_empty() { format!("{:04}", layer.0) } else { format!("{:04}-{name}", layer.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_directory_or_mean_anything() {
        let name = |own| file_name(LayerId(7), own);
        assert_eq!(name("a/b/report.docx"), "0007-report.docx");
        assert_eq!(name("../../etc/passwd"), "0007-passwd");
        assert_eq!(name("..\\..\\x.exe"), "0007-x.exe");
        assert_eq!(name(".."), "0007");
        assert_eq!(name("/"), "0007");
        assert_eq!(name(".bashrc"), "0007-bashrc");
        assert_eq!(name("a\n$(rm -rf)\u{202e}.txt"), "0007-a___rm_-rf__.txt");
        assert_eq!(name("C:evil:stream"), "0007-C_evil_stream");
        assert_eq!(name(&"x".repeat(5000)).len(), 65);
    }
}
