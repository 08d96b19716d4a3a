//! Databases of installed packages, as rpm writes them: headers in SQLite, `ndb` and Berkeley DB.

use crate::sqlite::Cell;

/// What the header of a package says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Version and release, with a `-` between them.
    pub version: String,
    /// Who made it.
    pub vendor: String,
    /// When it was installed, in seconds since 1970.
    pub installed: u32,
    /// Fingerprint of the key that signed it, in hexadecimal digits.
    pub key: Option<String>,
    /// Bytes of a further value, so that it does not fit into a page.
    pub padding: usize,
}

impl Package {
    /// The header, as databases have it.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let (version, release) = self.version.split_once('-').unwrap_or((&self.version, "1"));
        let text = |text: &str| [text.as_bytes(), &[0]].concat();
        let mut values: Vec<(u32, u32, u32, Vec<u8>)> = vec![
            (1000, 6, 1, text(&self.name)),
            (1001, 6, 1, text(version)),
            (1002, 6, 1, text(release)),
            (1008, 4, 1, self.installed.to_be_bytes().to_vec()),
            (1011, 6, 1, text(&self.vendor)),
        ];
        if let Some(signature) = self.key.as_deref().and_then(signature) {
            values.push((268, 7, length(signature.len()), signature));
        }
        if self.padding > 0 {
            values.push((5000, 7, length(self.padding), vec![b'x'; self.padding]));
        }
        values.sort_by_key(|(tag, ..)| *tag);
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, kind, count, value) in values {
            if kind == 4 {
                data.resize(data.len().next_multiple_of(4), 0);
            }
            for number in [tag, kind, length(data.len()), count] {
                index.extend(number.to_be_bytes());
            }
            data.extend(value);
        }
        [&length(index.len() / 16).to_be_bytes()[..], &length(data.len()).to_be_bytes(), &index, &data]
            .concat()
    }
}

/// A signature (RFC 9580) of which only who made it means anything.
fn signature(fingerprint: &str) -> Option<Vec<u8>> {
    let key: Option<Vec<u8>> = (0..fingerprint.len() / 2)
        .map(|at| u8::from_str_radix(fingerprint.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    let key = key?;
    let issuer = [&[u8::try_from(key.len() + 2).ok()?, 33, 4][..], &key].concat();
    let hashed = length(issuer.len()).to_be_bytes();
    let body = [&[4, 0, 1, 8][..], &hashed[2..], &issuer, &[0, 0, 0, 0, 0, 8, 1]].concat();
    Some([&[0x89][..], &length(body.len()).to_be_bytes()[2..], &body].concat())
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// `rpmdb.sqlite`.
#[must_use]
pub fn sqlite(packages: &[Package]) -> Vec<u8> {
    let rows: Vec<Vec<Cell>> =
        packages.iter().map(|package| vec![Cell::Null, Cell::Blob(package.header())]).collect();
    crate::sqlite::database(&[crate::sqlite::Table {
        name: "Packages".to_owned(),
        columns: "hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL".to_owned(),
        rows,
    }])
}

/// `Packages.db`.
#[must_use]
pub fn ndb(packages: &[Package]) -> Vec<u8> {
    let pages = (packages.len() + 2).div_ceil(256);
    let mut slots = vec![0_u8; 32];
    slots[..4].copy_from_slice(b"RpmP");
    slots[8] = 1;
    slots[12..16].copy_from_slice(&length(pages).to_le_bytes());
    slots[16..20].copy_from_slice(&length(packages.len() + 1).to_le_bytes());
    let mut blocks: Vec<u8> = Vec::new();
    for (number, package) in (1_u32..).zip(packages) {
        let header = package.header();
        let place = pages * 256 + blocks.len() / 16;
        let begun = blocks.len();
        blocks.extend(b"BlbS");
        for value in [number, 1, length(header.len())] {
            blocks.extend(value.to_le_bytes());
        }
        blocks.extend(&header);
        // Checksum, length once more, and the mark of the end.
        let end = (blocks.len() + 12).next_multiple_of(16);
        blocks.resize(end, 0);
        blocks[end - 8..end - 4].copy_from_slice(&length(header.len()).to_le_bytes());
        blocks[end - 4..].copy_from_slice(b"BlbE");
        slots.extend(b"Slot");
        for value in [number, length(place), length((blocks.len() - begun) / 16)] {
            slots.extend(value.to_le_bytes());
        }
    }
    while slots.len() < pages * 4096 {
        slots.extend(b"Slot");
        slots.extend([0; 12]);
    }
    slots.extend(blocks);
    slots
}

/// `Packages`, as Berkeley DB has it, in either order of bytes.
#[must_use]
pub fn berkeley(packages: &[Package], is_big: bool) -> Vec<u8> {
    const PAGE: usize = 4096;
    let u32 = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let u16 = |value: usize| {
        let value = u16::try_from(value).unwrap_or(u16::MAX);
        if is_big { value.to_be_bytes() } else { value.to_le_bytes() }
    };
    let page = |number: usize, next: u32, entries: usize, used: usize, kind: u8| {
        let mut head = vec![0; 8];
        head.extend(u32(length(number)));
        head.extend(u32(0));
        head.extend(u32(next));
        head.extend(u16(entries));
        head.extend(u16(used));
        head.extend([0, kind]);
        head
    };
    let mut pages: Vec<Vec<u8>> = vec![Vec::new()];
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for (number, package) in (1_u32..).zip(packages) {
        let header = package.header();
        let first = length(pages.len());
        let parts: Vec<&[u8]> = header.chunks(PAGE - 26).collect();
        for (at, part) in parts.iter().enumerate() {
            let here = pages.len();
            let next = if at + 1 < parts.len() { length(here + 1) } else { 0 };
            let mut bytes = page(here, next, 1, part.len(), 7);
            bytes.extend(*part);
            pages.push(bytes);
        }
        let key = [&[1][..], &u32(number)].concat();
        entries.push((key, [&[3, 0, 0, 0][..], &u32(first), &u32(length(header.len()))].concat()));
    }
    for part in entries.chunks(100) {
        let mut data_end = PAGE;
        let mut places = Vec::new();
        let mut bytes = page(pages.len(), 0, part.len() * 2, 0, 13);
        bytes.resize(PAGE, 0);
        for item in part.iter().flat_map(|(key, value)| [key, value]) {
            data_end -= item.len();
            bytes[data_end..data_end + item.len()].copy_from_slice(item);
            places.push(data_end);
        }
        for (at, place) in places.into_iter().enumerate() {
            bytes[26 + 2 * at..28 + 2 * at].copy_from_slice(&u16(place));
        }
        pages.push(bytes);
    }
    let last = length(pages.len() - 1);
    let meta = &mut pages[0];
    meta.extend([0; 12]);
    meta.extend(u32(0x06_1561));
    meta.extend(u32(9));
    meta.extend(u32(length(PAGE)));
    meta.extend([0, 8, 0, 0]);
    meta.extend(u32(0));
    meta.extend(u32(last));
    pages.iter_mut().for_each(|page| page.resize(PAGE, 0));
    pages.concat()
}
