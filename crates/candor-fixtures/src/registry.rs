//! Hives of the registry of Windows.

/// A key with all that is below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// When it was written, in the ticks of Windows.
    pub written: u64,
    /// Its values.
    pub values: Vec<(String, Value)>,
    /// The keys below it.
    pub keys: Vec<Self>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `REG_SZ`.
    Text(String),
    /// `REG_DWORD`.
    Number(u32),
    /// `REG_BINARY`.
    Bytes(Vec<u8>),
}

impl Key {
    /// A key of this name with nothing in it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// With a text.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.values.push((name.to_owned(), Value::Text(value.to_owned())));
        self
    }

    /// With a number.
    #[must_use]
    pub fn number(mut self, name: &str, value: u32) -> Self {
        self.values.push((name.to_owned(), Value::Number(value)));
        self
    }

    /// With bytes.
    #[must_use]
    pub fn bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.values.push((name.to_owned(), Value::Bytes(value.to_vec())));
        self
    }

    /// With a key below it, at the end of a path whose other keys are made where they are missing.
    #[must_use]
    pub fn at(mut self, path: &str, key: Self) -> Self {
        self.put(path, key);
        self
    }

    fn put(&mut self, path: &str, key: Self) {
        if path.is_empty() {
            return self.keys.push(key);
        }
        let (first, rest) = path.split_once('\\').unwrap_or((path, ""));
        if !self.keys.iter().any(|known| known.name == first) {
            self.keys.push(Self::new(first));
        }
        if let Some(next) = self.keys.iter_mut().find(|known| known.name == first) {
            next.put(rest, key);
        }
    }
}

/// The hive with this root.
#[must_use]
pub fn hive(root: &Key) -> Vec<u8> {
    let mut bins = Bins(vec![0; 32]);
    // The root stands first, wherever what is below it goes.
    let place = bins.cell(&vec![0; 76 + encoded(&root.name).0.len()]);
    let cell = bins.key_cell(root, 0);
    let mut bins = bins.0;
    let start = usize::try_from(place).unwrap_or(0) + 4;
    bins[start..start + cell.len()].copy_from_slice(&cell);
    bins.resize(bins.len().next_multiple_of(4096), 0);
    let length = number(bins.len());
    bins[..4].copy_from_slice(b"hbin");
    bins[8..12].copy_from_slice(&length.to_le_bytes());
    let mut file = vec![0; 4096];
    let mut put = |at: usize, value: u32| file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    put(4, 7);
    put(8, 7);
    put(20, 1);
    put(24, 5);
    put(32, 1);
    put(36, place);
    put(40, length);
    put(44, 1);
    file[..4].copy_from_slice(b"regf");
    seal(&mut file);
    file.extend(bins);
    file
}

/// Writes the sum over the first sector of a hive or of a log.
pub fn seal(file: &mut [u8]) {
    let words = file[..508].as_chunks::<4>().0.iter();
    let sum = words.fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
    let sum = match sum {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        other => other,
    };
    file[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// A hive that was in use when it was `before` and should have become `after`, and its log in the format of
/// Windows 8.1 and later, with one entry of number 7. The root key must have the same name in both.
#[must_use]
pub fn log(before: &[u8], after: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut dirty = before.to_vec();
    dirty[4..8].copy_from_slice(&8_u32.to_le_bytes());
    dirty[8..12].copy_from_slice(&7_u32.to_le_bytes());
    seal(&mut dirty);
    let bins = &after[4096..];
    let changed: Vec<(usize, &[u8])> = (0..)
        .step_by(4096)
        .zip(bins.chunks(4096))
        .filter(|(place, page)| before.get(4096 + place..4096 + place + page.len()) != Some(page))
        .collect();
    let mut entry = [&b"HvLE"[..], &[0; 8], &7_u32.to_le_bytes(), &number(bins.len()).to_le_bytes()].concat();
    entry.extend(number(changed.len()).to_le_bytes());
    entry.extend([0; 16]);
    for (place, page) in &changed {
        entry.extend([number(*place).to_le_bytes(), number(page.len()).to_le_bytes()].concat());
    }
    for (_, page) in &changed {
        entry.extend_from_slice(page);
    }
    entry.resize(entry.len().next_multiple_of(512), 0);
    let length = number(entry.len());
    entry[4..8].copy_from_slice(&length.to_le_bytes());
    let mut log = base(&dirty, 6);
    log.extend(entry);
    renumber(&mut log, 7);
    (dirty, log)
}

/// Gives the first entry of a log another number, and the hashes that go with what it is now.
pub fn renumber(log: &mut [u8], sequence: u32) {
    let entry = &mut log[512..];
    entry[12..16].copy_from_slice(&sequence.to_le_bytes());
    let length = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
    let body = marvin(&entry[40..usize::try_from(length).unwrap_or(0)]);
    entry[24..32].copy_from_slice(&body.to_le_bytes());
    let head = marvin(&entry[..32]);
    entry[32..40].copy_from_slice(&head.to_le_bytes());
}

/// The log of the same in the format of earlier versions of Windows.
#[must_use]
pub fn old_log(dirty: &[u8], after: &[u8]) -> Vec<u8> {
    let sectors: Vec<&[u8]> = after[4096..].chunks(512).collect();
    let is_changed = |(index, sector): (usize, &&[u8])| {
        let place = 4096 + 512 * index;
        dirty.get(place..place + 512) != Some(*sector)
    };
    let changed: Vec<bool> = sectors.iter().enumerate().map(is_changed).collect();
    let mut log = base(dirty, 1);
    log[40..44].copy_from_slice(&number(after.len() - 4096).to_le_bytes());
    seal(&mut log);
    log.extend(b"DIRT");
    log.extend(changed.chunks(8).map(|bits| {
        bits.iter().enumerate().fold(0_u8, |byte, (bit, is_set)| byte | u8::from(*is_set) << bit)
    }));
    log.resize(log.len().next_multiple_of(512), 0);
    for (sector, _) in sectors.iter().zip(&changed).filter(|(_, is_set)| **is_set) {
        log.extend_from_slice(sector);
    }
    log
}

/// The first sector of a log.
fn base(dirty: &[u8], kind: u8) -> Vec<u8> {
    let mut log = dirty[..512].to_vec();
    let sequence: [u8; 4] = [log[8], log[9], log[10], log[11]];
    log[4..8].copy_from_slice(&sequence);
    log[28] = kind;
    seal(&mut log);
    log
}

/// Marvin32 with the seed of Windows' registry.
fn marvin(bytes: &[u8]) -> u64 {
    let mut state = (0x7a4e_55c5_u32, 0x82ef_4d88_u32);
    let mut words: Vec<u32> = Vec::new();
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(4) + 4, 0);
    words.extend(padded.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)));
    for word in words {
        let (mut low, mut high) = state;
        low = low.wrapping_add(word);
        high ^= low;
        low = low.rotate_left(20).wrapping_add(high);
        high = high.rotate_left(9) ^ low;
        low = low.rotate_left(27).wrapping_add(high);
        high = high.rotate_left(19);
        state = (low, high);
    }
    u64::from(state.1) << 32 | u64::from(state.0)
}

/// Keys of one list; more go into several.
const LIST: usize = 500;
/// Bytes of one piece of a long value.
const PIECE: usize = 16_344;

struct Bins(Vec<u8>);

impl Bins {
    fn cell(&mut self, content: &[u8]) -> u32 {
        let place = number(self.0.len());
        let length = (content.len() + 4).next_multiple_of(8);
        self.0.extend((-i32::try_from(length).unwrap_or(i32::MAX)).to_le_bytes());
        self.0.extend(content);
        self.0.resize(usize::try_from(place).unwrap_or(0) + length, 0);
        place
    }

    fn key(&mut self, key: &Key, parent: u32) -> u32 {
        let cell = self.key_cell(key, parent);
        self.cell(&cell)
    }

    /// What stands in the cell of a key whose lists and values have been written.
    fn key_cell(&mut self, key: &Key, parent: u32) -> Vec<u8> {
        let keys: Vec<u32> = key.keys.iter().map(|below| self.key(below, 0)).collect();
        let lists: Vec<u32> = keys
            .chunks(LIST)
            .map(|part| {
                let entries = part.iter().flat_map(|place| [place.to_le_bytes(), [0; 4]].concat());
                let count = u16::try_from(part.len()).unwrap_or(u16::MAX).to_le_bytes();
                self.cell(&[b"lh".to_vec(), count.to_vec(), entries.collect()].concat())
            })
            .collect();
        let list = match lists[..] {
            [] => u32::MAX,
            [one] => one,
            _ => {
                let count = u16::try_from(lists.len()).unwrap_or(u16::MAX).to_le_bytes();
                let entries: Vec<u8> = lists.iter().flat_map(|place| place.to_le_bytes()).collect();
                self.cell(&[b"ri".to_vec(), count.to_vec(), entries].concat())
            }
        };
        let values: Vec<u8> =
            key.values.iter().flat_map(|(name, value)| self.value(name, value).to_le_bytes()).collect();
        let value_list = if values.is_empty() { u32::MAX } else { self.cell(&values) };
        let (name, is_latin) = encoded(&key.name);
        let mut cell = b"nk".to_vec();
        cell.extend(if is_latin { 0x20_u16 } else { 0 }.to_le_bytes());
        cell.extend(key.written.to_le_bytes());
        for value in [
            0,
            parent,
            number(keys.len()),
            0,
            list,
            u32::MAX,
            number(key.values.len()),
            value_list,
            u32::MAX,
            u32::MAX,
            0,
            0,
            0,
            0,
            0,
        ] {
            cell.extend(value.to_le_bytes());
        }
        cell.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        cell.extend([0; 2]);
        cell.extend(name);
        cell
    }

    fn value(&mut self, name: &str, value: &Value) -> u32 {
        let (kind, data) = match value {
            Value::Text(text) => (1_u32, text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()),
            Value::Number(value) => (4, value.to_le_bytes().to_vec()),
            Value::Bytes(bytes) => (3, bytes.clone()),
        };
        let length = number(data.len());
        let (length, place) = match data.len() {
            0..=4 => {
                let mut inline = [0; 4];
                inline[..data.len()].copy_from_slice(&data);
                (length | 0x8000_0000, u32::from_le_bytes(inline))
            }
            5..=PIECE => (length, self.cell(&data)),
            _ => {
                let pieces: Vec<u8> =
                    data.chunks(PIECE).flat_map(|piece| self.cell(piece).to_le_bytes()).collect();
                let count = u16::try_from(pieces.len() / 4).unwrap_or(u16::MAX);
                let list = self.cell(&pieces);
                (
                    length,
                    self.cell(
                        &[b"db".to_vec(), count.to_le_bytes().to_vec(), list.to_le_bytes().to_vec()].concat(),
                    ),
                )
            }
        };
        let (name, is_latin) = encoded(name);
        let mut cell = b"vk".to_vec();
        cell.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        cell.extend(length.to_le_bytes());
        cell.extend(place.to_le_bytes());
        cell.extend(kind.to_le_bytes());
        cell.extend(u16::from(is_latin).to_le_bytes());
        cell.extend([0; 2]);
        cell.extend(name);
        self.cell(&cell)
    }
}

/// Latin 1 where it can be, UTF-16 otherwise.
fn encoded(name: &str) -> (Vec<u8>, bool) {
    let latin: Option<Vec<u8>> = name.chars().map(|one| u8::try_from(u32::from(one)).ok()).collect();
    latin.map_or_else(
        || (name.encode_utf16().flat_map(u16::to_le_bytes).collect(), false),
        |latin| (latin, true),
    )
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
