//! File systems that stop: the real one at any call, and one in memory that also forgets what was not written out.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::{Disk, Files};

/// Counts the calls that change something, and stops at one of them: it is done by half, and none comes after it.
#[derive(Debug, Default)]
pub(super) struct Fuse {
    calls: Cell<u32>,
    stop_at: Option<u32>,
    /// The error in place of an end: the call fails and the program goes on.
    error: Option<io::ErrorKind>,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    Half,
}

impl Fuse {
    pub(super) fn at(call: u32) -> Self {
        Self { stop_at: Some(call), ..Self::default() }
    }

    /// From this call on, all fail with this error.
    pub(super) fn failing(call: u32, error: io::ErrorKind) -> Self {
        Self { stop_at: Some(call), error: Some(error), ..Self::default() }
    }

    pub(super) fn calls(&self) -> u32 {
        self.calls.get()
    }

    pub(super) fn has_blown(&self) -> bool {
        self.stop_at.is_some_and(|stop| self.calls.get() > stop)
    }

    fn read(&self) -> io::Result<()> {
        if self.error.is_none() && self.has_blown() { Err(io::Error::other("stopped")) } else { Ok(()) }
    }

    fn change(&self) -> io::Result<Fate> {
        let call = self.calls.get();
        self.calls.set(call + 1);
        match self.stop_at {
            Some(stop) if call == stop && self.error.is_none() => Ok(Fate::Half),
            Some(stop) if call >= stop => {
                Err(self.error.map_or_else(|| io::Error::other("stopped"), io::Error::from))
            }
            _ => Ok(Fate::Done),
        }
    }
}

fn stopped<T>() -> io::Result<T> {
    Err(io::Error::other("stopped"))
}

fn half(content: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    bytes.truncate(bytes.len() / 2);
    Ok(bytes)
}

/// The real file system, with a fuse.
#[derive(Debug, Default)]
pub(super) struct Stopping(pub(super) Fuse);

impl Files for Stopping {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        self.0.read()?;
        Disk.open(path)
    }

    fn create(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        match self.0.change()? {
            Fate::Done => Disk.create(path, content),
            Fate::Half => Disk.create(path, &mut half(content)?.as_slice()).and_then(|_| stopped()),
        }
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self.0.change()? {
            Fate::Done => Disk.append(path, bytes),
            Fate::Half => Disk.append(path, &bytes[..bytes.len() / 2]).and_then(|()| stopped()),
        }
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        if self.0.change()? == Fate::Done { Disk.truncate(path, length) } else { stopped() }
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        if self.0.change()? == Fate::Done { Disk.sync(path) } else { stopped() }
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        if self.0.change()? == Fate::Done { Disk.create_directory(path) } else { stopped() }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.0.change()? == Fate::Done { Disk.link(from, to) } else { stopped() }
    }

    fn symlink(&self, target: &Path, at: &Path) -> io::Result<()> {
        if self.0.change()? == Fate::Done { Disk.symlink(target, at) } else { stopped() }
    }

    fn read_link(&self, at: &Path) -> io::Result<PathBuf> {
        self.0.read()?;
        Disk.read_link(at)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.0.change()? == Fate::Done { Disk.rename(from, to) } else { stopped() }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if self.0.change()? == Fate::Done { Disk.remove_file(path) } else { stopped() }
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        if self.0.change()? == Fate::Done { Disk.remove_directory(path) } else { stopped() }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(String, bool)>> {
        self.0.read()?;
        Disk.list(directory)
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.0.read()?;
        Disk.length(path)
    }
}

/// Something on the file system in memory, as it is and as it is on the disk.
#[derive(Clone, Debug)]
enum Node {
    File { bytes: Vec<u8>, durable: Vec<u8> },
    Directory { names: Names, durable: Names, changes: Vec<Change> },
    Link(PathBuf),
}

type Names = BTreeMap<String, usize>;

/// Names that change together.
type Change = Vec<(String, Option<usize>)>;

/// A file system in memory. Nothing is durable that was not synchronised.
#[derive(Debug)]
pub(super) struct Memory {
    nodes: RefCell<Vec<Node>>,
    pub(super) fuse: Fuse,
}

/// Numbers that look random, and are the same every time.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most.max(1)
    }
}

fn directory() -> Node {
    Node::Directory { names: Names::new(), durable: Names::new(), changes: Vec::new() }
}

fn missing<T>() -> io::Result<T> {
    Err(io::ErrorKind::NotFound.into())
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { nodes: RefCell::new(vec![directory()]), fuse: Fuse::default() }
    }

    /// The same, with a fuse.
    pub(super) fn with(&self, fuse: Fuse) -> Self {
        Self { nodes: self.nodes.clone(), fuse }
    }

    /// What is there after the power came back: of each directory any of the changes that were not synchronised, of each file
    /// that was not any part.
    pub(super) fn after_power_loss(&self, dice: &mut Dice) -> Self {
        let before = self.nodes.borrow();
        let nodes = before.iter().map(|node| match node {
            Node::File { bytes, durable } => {
                let bytes = match dice.below(4) {
                    0 => durable.clone(),
                    1 => bytes.clone(),
                    2 if bytes.starts_with(durable) => {
                        bytes[..durable.len() + dice.below(bytes.len() - durable.len() + 1)].to_vec()
                    }
                    // The length is there, and what was to be in it is not.
                    3 if bytes.starts_with(durable) => {
                        let mut zeros = durable.clone();
                        zeros.resize(bytes.len(), 0);
                        zeros
                    }
                    _ => durable.clone(),
                };
                Node::File { durable: bytes.clone(), bytes }
            }
            Node::Directory { durable, changes, .. } => {
                let mut names = durable.clone();
                let odds = dice.below(3);
                for (name, node) in changes
                    .iter()
                    .filter(|_| match odds {
                        0 => false,
                        1 => true,
                        _ => dice.below(2) == 0,
                    })
                    .flatten()
                {
                    match node {
                        Some(node) => drop(names.insert(name.clone(), *node)),
                        None => drop(names.remove(name)),
                    }
                }
                Node::Directory { durable: names.clone(), names, changes: Vec::new() }
            }
            Node::Link(target) => Node::Link(target.clone()),
        });
        Self { nodes: RefCell::new(nodes.collect()), fuse: Fuse::default() }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let nodes = self.nodes.borrow();
        let mut at = 0;
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            let Node::Directory { names, .. } = &nodes[at] else { return missing() };
            match names.get(name.to_str().unwrap()) {
                Some(node) => at = *node,
                None => return missing(),
            }
        }
        Ok(at)
    }

    fn parent(&self, path: &Path) -> io::Result<(usize, String)> {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Ok((self.find(path.parent().unwrap())?, name))
    }

    fn change(&self, directory: usize, change: Change) {
        let mut nodes = self.nodes.borrow_mut();
        let Node::Directory { names, changes, .. } = &mut nodes[directory] else { panic!("no directory") };
        for (name, node) in &change {
            match node {
                Some(node) => drop(names.insert(name.clone(), *node)),
                None => drop(names.remove(name)),
            }
        }
        changes.push(change);
    }

    fn add(&self, path: &Path, node: Node) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        if self.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let number = self.nodes.borrow().len();
        self.nodes.borrow_mut().push(node);
        self.change(parent, vec![(name, Some(number))]);
        Ok(())
    }
}

impl Files for Memory {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        self.fuse.read()?;
        let at = self.find(path)?;
        match &self.nodes.borrow()[at] {
            Node::File { bytes, .. } => Ok(Box::new(io::Cursor::new(bytes.clone()))),
            _ => missing(),
        }
    }

    fn create(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        let fate = self.fuse.change()?;
        let mut bytes = Vec::new();
        match fate {
            Fate::Done => content.read_to_end(&mut bytes).map(drop)?,
            Fate::Half => bytes = half(content)?,
        }
        let length = bytes.len() as u64;
        self.add(path, Node::File { bytes, durable: Vec::new() })?;
        if fate == Fate::Done { Ok(length) } else { stopped() }
    }

    fn append(&self, path: &Path, added: &[u8]) -> io::Result<()> {
        let fate = self.fuse.change()?;
        let at = self.find(path)?;
        let Node::File { bytes, .. } = &mut self.nodes.borrow_mut()[at] else { return missing() };
        if fate == Fate::Half {
            bytes.extend_from_slice(&added[..added.len() / 2]);
            return stopped();
        }
        bytes.extend_from_slice(added);
        Ok(())
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        if self.fuse.change()? == Fate::Half {
            return stopped();
        }
        let at = self.find(path)?;
        let Node::File { bytes, .. } = &mut self.nodes.borrow_mut()[at] else { return missing() };
        bytes.truncate(usize::try_from(length).unwrap());
        Ok(())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        if self.fuse.change()? == Fate::Half {
            return stopped();
        }
        let at = self.find(path)?;
        match &mut self.nodes.borrow_mut()[at] {
            Node::File { bytes, durable } => durable.clone_from(bytes),
            Node::Directory { names, durable, changes } => {
                durable.clone_from(names);
                changes.clear();
            }
            Node::Link(_) => return missing(),
        }
        Ok(())
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        if self.fuse.change()? == Fate::Half { stopped() } else { self.add(path, directory()) }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.fuse.change()? == Fate::Half {
            return stopped();
        }
        let node = self.find(from)?;
        let (parent, name) = self.parent(to)?;
        if self.find(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.change(parent, vec![(name, Some(node))]);
        Ok(())
    }

    fn symlink(&self, target: &Path, at: &Path) -> io::Result<()> {
        if self.fuse.change()? == Fate::Half {
            stopped()
        } else {
            self.add(at, Node::Link(target.to_path_buf()))
        }
    }

    fn read_link(&self, at: &Path) -> io::Result<PathBuf> {
        self.fuse.read()?;
        let at = self.find(at)?;
        match &self.nodes.borrow()[at] {
            Node::Link(target) => Ok(target.clone()),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        // Between directories a rename is two changes on some file systems; none is asked for.
        assert_eq!(from.parent(), to.parent());
        if self.fuse.change()? == Fate::Half {
            return stopped();
        }
        let node = self.find(from)?;
        let (parent, old) = self.parent(from)?;
        let (_, new) = self.parent(to)?;
        self.change(parent, vec![(old, None), (new, Some(node))]);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if self.fuse.change()? == Fate::Half {
            return stopped();
        }
        self.find(path)?;
        let (parent, name) = self.parent(path)?;
        self.change(parent, vec![(name, None)]);
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        if !self.list(path)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.remove_file(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(String, bool)>> {
        self.fuse.read()?;
        let at = self.find(directory)?;
        let nodes = self.nodes.borrow();
        let Node::Directory { names, .. } = &nodes[at] else { return missing() };
        let is_directory = |node: &usize| matches!(nodes[*node], Node::Directory { .. });
        Ok(names.iter().map(|(name, node)| (name.clone(), is_directory(node))).collect())
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.fuse.read()?;
        let at = self.find(path)?;
        match &self.nodes.borrow()[at] {
            Node::File { bytes, .. } => Ok(bytes.len() as u64),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}
