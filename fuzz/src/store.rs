//! The store of generations, whatever its files hold: it is opened or refused as a whole, what is active stays active until
//! something else is, and what was let in by an operator is whole afterwards.
//!
//! The input is the files of a store, with a zero byte between them: the state, the journal, the link to the active generation, and
//! the records of the generations 1, 2 and 3. Digests are what nobody makes up by chance, so they are filled in: a line of the
//! journal gets its own unless it begins with `=`, and `@E`, `@L` and `@D` in the state stand for how far the journal goes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use candor_update::generation::{
    Allowed, Built, Cause, Content, Files, IMAGE, Record, Staging, Store, StoreError, Trial,
};
use candor_update::log::Hash;
use candor_update::{Candidate, Member, MemberClass, Provenance};

const ROOT: &str = "/store";
const NOW: u64 = 1_800_000_000;
/// What each image, and the member of each generation, consists of.
const BYTES: &[u8] = b"abc";

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    File(Vec<u8>),
    Directory,
    Link(PathBuf),
}

/// A file system in memory, on which every call succeeds that makes sense.
#[derive(Clone, Debug, Default)]
struct Memory(Rc<RefCell<BTreeMap<PathBuf, Node>>>);

fn missing<T>() -> io::Result<T> {
    Err(io::ErrorKind::NotFound.into())
}

impl Memory {
    fn put(&self, path: &Path, node: Node) -> io::Result<()> {
        let mut nodes = self.0.borrow_mut();
        if nodes.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let is_somewhere = path.parent().is_some_and(|parent| nodes.get(parent) == Some(&Node::Directory));
        if !is_somewhere && path != Path::new(ROOT) {
            return missing();
        }
        nodes.insert(path.to_path_buf(), node);
        Ok(())
    }

    fn snapshot(&self) -> BTreeMap<PathBuf, Node> {
        self.0.borrow().clone()
    }

    fn file<T>(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>) -> T) -> io::Result<T> {
        match self.0.borrow_mut().get_mut(path) {
            Some(Node::File(bytes)) => Ok(change(bytes)),
            _ => missing(),
        }
    }
}

impl Files for Memory {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        let bytes = self.file(path, |bytes| bytes.clone())?;
        Ok(Box::new(io::Cursor::new(bytes)))
    }

    fn create(&self, path: &Path, content: &mut dyn Read) -> io::Result<u64> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let length = bytes.len() as u64;
        self.put(path, Node::File(bytes))?;
        Ok(length)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.file(path, |file| file.extend_from_slice(bytes))
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.file(path, |file| file.truncate(usize::try_from(length).unwrap_or(usize::MAX)))
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.put(path, Node::Directory)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let bytes = self.file(from, |bytes| bytes.clone())?;
        self.put(to, Node::File(bytes))
    }

    fn symlink(&self, target: &Path, at: &Path) -> io::Result<()> {
        self.put(at, Node::Link(target.to_path_buf()))
    }

    fn read_link(&self, at: &Path) -> io::Result<PathBuf> {
        match self.0.borrow().get(at) {
            Some(Node::Link(target)) => Ok(target.clone()),
            Some(_) => Err(io::ErrorKind::InvalidInput.into()),
            None => missing(),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut nodes = self.0.borrow_mut();
        let moved: Vec<PathBuf> = nodes.keys().filter(|path| path.starts_with(from)).cloned().collect();
        if moved.is_empty() {
            return missing();
        }
        let is_empty = nodes.keys().all(|path| path == to || !path.starts_with(to));
        if !is_empty {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        for path in moved {
            let node = nodes.remove(&path).expect("it was just there");
            let rest = path.strip_prefix(from).expect("it lies below");
            let target = if rest.as_os_str().is_empty() { to.to_path_buf() } else { to.join(rest) };
            nodes.insert(target, node);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut nodes = self.0.borrow_mut();
        match nodes.get(path) {
            None | Some(Node::Directory) => missing(),
            Some(_) => {
                nodes.remove(path);
                Ok(())
            }
        }
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let mut nodes = self.0.borrow_mut();
        if nodes.keys().any(|other| other != path && other.starts_with(path)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        nodes.remove(path).map_or_else(missing, |_| Ok(()))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<(String, bool)>> {
        let nodes = self.0.borrow();
        if nodes.get(directory) != Some(&Node::Directory) {
            return missing();
        }
        let inside = nodes.iter().filter(|(path, _)| path.parent() == Some(directory));
        let name = |path: &Path| path.file_name()?.to_str().map(str::to_owned);
        Ok(inside.filter_map(|(path, node)| Some((name(path)?, *node == Node::Directory))).collect())
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.file(path, |bytes| bytes.len() as u64)
    }
}

/// The journal with its digests, and how far it goes: entries, bytes, the last digest.
fn sealed(lines: &str) -> (String, [String; 3]) {
    let (mut digest, mut text, mut entries, mut length) = ("0".repeat(64), String::new(), 0, 0);
    for line in lines.split_inclusive('\n') {
        if let Some(raw) = line.strip_prefix('=') {
            text.push_str(raw);
            continue;
        }
        let json = line.trim_end_matches('\n');
        digest = Hash::of(format!("{digest} {json}").as_bytes()).to_string();
        text.push_str(&format!("{digest} {line}"));
        (entries, length) = (entries + 1, text.len());
    }
    let head = [entries.to_string(), length.to_string(), digest];
    (text, head)
}

/// The files that an input stands for.
fn build(bytes: &[u8]) -> Memory {
    let memory = Memory::default();
    let root = Path::new(ROOT);
    let mut nodes = memory.0.borrow_mut();
    nodes.insert(root.to_path_buf(), Node::Directory);
    nodes.insert(root.join("generations"), Node::Directory);
    let mut parts = bytes.split(|byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (state, journal, link) = (part(), part(), part());
    let (journal, [entries, length, digest]) = match std::str::from_utf8(journal) {
        Ok(lines) => {
            let (text, head) = sealed(lines);
            (text.into_bytes(), head)
        }
        Err(_) => (journal.to_vec(), Default::default()),
    };
    let state = match std::str::from_utf8(state) {
        Ok(text) => text.replace("@E", &entries).replace("@L", &length).replace("@D", &digest).into_bytes(),
        Err(_) => state.to_vec(),
    };
    for (name, content) in [("state.json", state), ("journal", journal)] {
        if !content.is_empty() {
            nodes.insert(root.join(name), Node::File(content));
        }
    }
    if let (Ok(target), false) = (std::str::from_utf8(link), link.is_empty()) {
        nodes.insert(root.join("current"), Node::Link(PathBuf::from(target)));
    }
    for number in 1..=3 {
        let record = part();
        if record.is_empty() {
            continue;
        }
        let place = root.join("generations").join(number.to_string());
        for folder in ["", "members", "members/local"] {
            let folder = if folder.is_empty() { place.clone() } else { place.join(folder) };
            nodes.insert(folder, Node::Directory);
        }
        nodes.insert(place.join("record.json"), Node::File(record.to_vec()));
        for file in [IMAGE, "members/local/a.ndb"] {
            nodes.insert(place.join(file), Node::File(BYTES.to_vec()));
        }
    }
    drop(nodes);
    memory
}

pub(crate) fn store(bytes: &[u8]) {
    let memory = build(bytes);
    let root = Path::new(ROOT);
    let before = memory.snapshot();
    let view = || Store::view(memory.clone(), root);
    let viewed = view();
    assert!(memory.snapshot() == before, "a look changed something");
    match viewed {
        Ok(viewed) => opened(&memory, &viewed),
        Err(refused) => {
            assert!(Store::open(memory.clone(), root, NOW).is_err());
            assert!(memory.snapshot() == before, "what is refused was changed");
            lost(&memory, &refused, &before);
        }
    }
}

/// What was looked at can be opened, and is the same; then it can be changed, and each change is whole.
fn opened(memory: &Memory, viewed: &Store<Memory>) {
    let root = Path::new(ROOT);
    let mut store = Store::open(memory.clone(), root, NOW).expect("what can be looked at can be opened");
    assert_eq!(store.active(), viewed.active());
    for (name, known) in &viewed.state().sources {
        assert!(store.state().sources[name].version >= known.version, "{name} was forgotten");
    }
    assert_eq!(store.state().held.len(), viewed.state().held.len());
    let settled = memory.snapshot();
    drop(Store::open(memory.clone(), root, NOW).expect("it is opened again"));
    assert!(memory.snapshot() == settled, "a second look had something left to do");
    assert!(store.history().is_ok());
    let agrees = |store: &Store<Memory>| {
        let now = Store::view(memory.clone(), root).expect("it can be looked at");
        assert_eq!((now.active(), now.state()), (store.active(), store.state()));
    };
    agrees(&store);
    let from = store.active();
    match store.roll_back(Cause::Operator { reason: "fuzz".to_owned() }, NOW) {
        Ok(to) => {
            assert_eq!(store.active(), Some(to));
            let bad = store.record(from.expect("it was active")).expect("it has a record");
            let good = store.record(to).expect("it is active");
            for content in &bad.contents {
                let (name, digest) = (&content.candidate.source, content.digest());
                let is_shared = good.content(name).is_some_and(|known| known.digest() == digest);
                let held = store.state().held(name, content.candidate.version, &digest);
                // A record that has one source twice was made by nobody.
                let is_twice =
                    bad.contents.iter().filter(|other| other.candidate.source == *name).count() > 1;
                assert!(is_shared || held.is_some() || is_twice, "{name} may come back");
            }
        }
        Err(_) => assert_eq!(store.active(), from),
    }
    agrees(&store);
    let known = store.state().generations;
    if let Ok(staging) = store.stage() {
        assert!(staging.number() > known || known == u64::MAX);
        store.discard(&staging).expect("what was begun is removed");
    }
    drop(store.prune());
    if store.active().is_some() {
        agrees(&store);
    }
}

/// A loss is accepted by an operator alone, and leaves what was there beside the new beginning.
fn lost(memory: &Memory, refused: &StoreError, before: &BTreeMap<PathBuf, Node>) {
    let root = Path::new(ROOT);
    if !matches!(refused, StoreError::Lost(_)) {
        return;
    }
    let store = Store::accept_loss(memory.clone(), root, NOW).expect("a loss can be accepted");
    let link = before.get(&root.join("current"));
    match store.active() {
        Some(number) => {
            // However the number is spelled there.
            let target = match link {
                Some(Node::Link(target)) => target.strip_prefix("generations").ok().and_then(Path::to_str),
                _ => None,
            };
            assert_eq!(target.and_then(|name| name.parse::<u64>().ok()), Some(number));
            store.check(number).expect("what stays active is whole");
        }
        None => assert!(memory.read_link(&root.join("current")).is_err()),
    }
    let now = memory.snapshot();
    for name in ["state.json", "journal"] {
        if let Some(old) = before.get(&root.join(name)) {
            assert_eq!(now.get(&root.join(format!("{name}.lost-0"))), Some(old));
        }
    }
    let again = Store::view(memory.clone(), root).expect("it is a store again");
    assert_eq!(again.state(), store.state());
}

/// Stores that were made by themselves: one generation, two, and a stop between two steps.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let memory = Memory::default();
    let root = Path::new(ROOT);
    memory.create_directory(root).expect("an empty place");
    let mut store = Store::init(memory.clone(), root, NOW).expect("a store");
    let mut seeds = vec![input(&memory)];
    for version in 1..=3 {
        let content = add(&mut store, version);
        store.verified("local", version, &content, Some("x".to_owned()), NOW).expect("noted");
        store.activate(version, Cause::Update, NOW).expect("active");
        seeds.push(input(&memory));
    }
    store.report_only(true, "too many", NOW).expect("noted");
    seeds.push(input(&memory));
    store.roll_back(Cause::Watch { reason: "crashes".to_owned() }, NOW).expect("rolled back");
    seeds.push(input(&memory));
    // What is left when it stops after the rename, and with half a line written.
    let whole = String::from_utf8(input(&memory)).expect("text");
    let (state, rest) = whole.split_once('\0').expect("a state");
    let (journal, rest) = rest.split_once('\0').expect("a journal");
    seeds.push(format!("{state}\0{journal}=0123 {{\"ti\0{rest}").into_bytes());
    seeds.push(format!("{}\0{journal}\0{rest}", state.replace("@E", "3")).into_bytes());
    seeds
}

/// Makes a generation with this version of one source; gives the digest of its members.
fn add(store: &mut Store<Memory>, version: u64) -> String {
    let staging = store.stage().expect("a beginning");
    let files = store.files().clone();
    let room = staging.room(&files, "local").expect("room");
    let (length, sha256) = Staging::member(&files, &room, "a.ndb", &mut &BYTES[..]).expect("a member");
    let member = Member { name: "a.ndb".to_owned(), class: MemberClass::Signatures, length, sha256 };
    let (length, sha256) =
        Staging::member(&files, staging.directory(), IMAGE, &mut &BYTES[..]).expect("an image");
    let candidate = Candidate {
        source: "local".to_owned(),
        version,
        directory: Staging::place("local").expect("a name"),
        members: vec![member],
        provenance: Provenance::Local,
        expectations: Vec::new(),
    };
    let content = Content::new(candidate, NOW);
    let digest = content.digest();
    let record = Record {
        format: 0,
        generation: 0,
        made: NOW,
        previous: store.active(),
        contents: vec![content],
        image: Built { length, sha256, signatures: 1, refused: 0 },
        trial: Trial::default(),
        allowed: Allowed::default(),
    };
    store.admit(&staging, &record, NOW).expect("admitted");
    digest
}

/// The input that a store is.
fn input(memory: &Memory) -> Vec<u8> {
    let root = Path::new(ROOT);
    let text = |name: &str| {
        let read = memory.file(&root.join(name), |bytes| bytes.clone()).unwrap_or_default();
        String::from_utf8(read).expect("text")
    };
    let journal = text("journal");
    let lines: Vec<&str> = journal.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
    let digest = journal.lines().last().and_then(|line| line.split(' ').next()).unwrap_or_default();
    let state = text("state.json")
        .replace(&format!("\"entries\": {}", lines.len()), "\"entries\": @E")
        .replace(&format!("\"length\": {}", journal.len()), "\"length\": @L")
        .replace(digest, "@D");
    let link = memory.read_link(&root.join("current")).unwrap_or_default();
    let mut parts = vec![state, lines.join("\n") + "\n", link.display().to_string()];
    parts.extend((1..=3).map(|number| text(&format!("generations/{number}/record.json"))));
    parts.join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_stores_and_what_is_lost_is_seen() {
        let seeds = seeds();
        let active = |seed: &[u8]| Store::view(build(seed), Path::new(ROOT)).map(|store| store.active());
        for (seed, expected) in seeds.iter().zip([None, Some(1), Some(2), Some(3), Some(3), Some(2), Some(2)])
        {
            assert_eq!(active(seed).unwrap(), expected, "{}", String::from_utf8_lossy(seed));
        }
        assert!(matches!(active(seeds.last().unwrap()), Err(StoreError::Lost(_))));
    }
}
