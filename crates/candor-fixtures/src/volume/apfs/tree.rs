//! Trees of APFS: records in order, in as many nodes as they take.

use super::*;

/// How a tree is kept.
pub(super) struct Tree {
    pub(super) subtype: u32,
    pub(super) flags: u32,
    /// Lengths of all keys and values, if they have one.
    pub(super) fixed: Option<(usize, usize)>,
    /// Bits of the kind of its nodes that say where they are.
    pub(super) storage: u32,
    /// Whether nodes have no headers, and those above know a hash of them.
    pub(super) hash: bool,
}

pub(super) type Records = Vec<(Vec<u8>, Vec<u8>)>;

impl Tree {
    pub(super) const fn map() -> Self {
        Self { subtype: 0xb, flags: 0x10, fixed: Some((16, 16)), storage: 0x4000_0000, hash: false }
    }

    /// A node, and what kind of object it is. The root has what is said of the whole tree: keys, nodes, and the
    /// lengths of the longest key and value.
    pub(super) fn node(
        &self,
        records: &[(Vec<u8>, Vec<u8>)],
        level: usize,
        root: Option<(usize, usize, usize, usize)>,
    ) -> (Vec<u8>, u32) {
        let mut out = vec![0; BLOCK];
        let is_fixed = self.fixed.is_some();
        let flags = u16::from(root.is_some())
            | u16::from(level == 0) << 1
            | u16::from(is_fixed) << 2
            | if self.hash { 0x18 } else { 0 };
        at(&mut out, 0x20, &flags.to_le_bytes());
        at(&mut out, 0x22, &crate::volume::u16_of(level).to_le_bytes());
        put32(&mut out, 0x24, records.len());
        let table = self.table(records.len());
        let start = 0x38 + table;
        let end = if root.is_some() { BLOCK - 40 } else { BLOCK };
        let (mut keys, mut values) = (0, 0);
        for (number, (key, value)) in records.iter().enumerate() {
            values += value.len();
            at(&mut out, start + keys, key);
            at(&mut out, end - values, value);
            let numbers: &[usize] =
                if is_fixed { &[keys, values] } else { &[keys, key.len(), values, value.len()] };
            for (part, number_in_table) in numbers.iter().enumerate() {
                let place = 0x38 + (number * numbers.len() + part) * 2;
                at(&mut out, place, &crate::volume::u16_of(*number_in_table).to_le_bytes());
            }
            keys += key.len();
        }
        assert!(start + keys + values <= end, "a node holds its records");
        for (place, value) in
            [(0x2a, table), (0x2c, keys), (0x2e, end - start - keys - values), (0x30, 0xffff), (0x34, 0xffff)]
        {
            at(&mut out, place, &crate::volume::u16_of(value).to_le_bytes());
        }
        if let Some((count, nodes, longest_key, longest_value)) = root {
            let (key, value) = self.fixed.unwrap_or_default();
            at(&mut out, BLOCK - 40, &self.flags.to_le_bytes());
            for (place, value) in
                [(36, BLOCK), (32, key), (28, value), (24, longest_key), (20, longest_value)]
            {
                put32(&mut out, BLOCK - place, value);
            }
            put64(&mut out, BLOCK - 16, wide(count));
            put64(&mut out, BLOCK - 8, wide(nodes));
        }
        let kind = if root.is_some() { 2 } else { 3 };
        (out, self.storage | kind)
    }

    /// Bytes of the table of so many records.
    pub(super) fn table(&self, count: usize) -> usize {
        match self.fixed {
            Some((16, 16)) => 0x1c0.max(4 * count),
            Some((16, 8)) => 0x240.max(4 * count),
            Some(_) => 4 * count,
            None => (8 * count).next_multiple_of(64).max(128),
        }
    }

    pub(super) fn fits(&self, records: &[(Vec<u8>, Vec<u8>)], room: usize) -> bool {
        let content: usize = records.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.table(records.len()) + content <= room
    }

    /// Writes a tree of these records; gives its root. Nodes of virtual trees are noted in `mappings`.
    pub(super) fn store(&self, disk: &mut Disk, mut records: Records, mappings: &mut Vec<(u64, u64)>) -> u64 {
        records.sort_by_key(|(first, _)| self.order(first));
        let count = records.len();
        let longest = |part: fn(&(Vec<u8>, Vec<u8>)) -> usize| records.iter().map(part).max().unwrap_or(0);
        let (key, value) =
            self.fixed.unwrap_or((longest(|record| record.0.len()), longest(|record| record.1.len())));
        let (mut level, mut nodes) = (0, 1);
        let is_virtual = self.storage == 0;
        let root = if is_virtual { disk.new_object() } else { 0 };
        let mut write = |disk: &mut Disk, object: u64, (node, kind): (Vec<u8>, u32)| {
            let place = disk.store(object, kind, self.subtype, node);
            if self.hash {
                disk.blocks[usize::try_from(place).unwrap_or(0)][..32].fill(0);
            }
            if is_virtual {
                mappings.push((object, place));
            }
            if is_virtual { object } else { place }
        };
        while !self.fits(&records, BLOCK - 56 - 40) {
            let mut above = Records::new();
            let mut rest = &records[..];
            while !rest.is_empty() {
                let mut taken = 1;
                while taken < rest.len() && self.fits(&rest[..=taken], BLOCK - 56) {
                    taken += 1;
                }
                let (part, others) = rest.split_at(taken);
                rest = others;
                let object = if is_virtual { disk.new_object() } else { 0 };
                let node = self.node(part, level, None);
                let object = write(disk, object, node);
                nodes += 1;
                let mut child = if self.hash { object - root } else { object }.to_le_bytes().to_vec();
                if self.hash {
                    child.extend([0x5a; 32]);
                }
                above.push((part[0].0.clone(), child));
            }
            records = above;
            level += 1;
        }
        let node = self.node(&records, level, Some((count, nodes, key, value)));
        write(disk, root, node)
    }

    /// The order of keys.
    pub(super) fn order(&self, key: &[u8]) -> (u64, u64, u64, Vec<u8>) {
        let number = |place: usize| key.get(place..place + 8).map_or(0, read64);
        if self.fixed.is_some() {
            return (number(0), 0, number(8), Vec::new());
        }
        let (object, kind) = (number(0) & ((1 << 60) - 1), number(0) >> 60);
        let rest = key.get(8..).unwrap_or_default();
        match kind {
            5 | 8 => (object, kind, number(8), Vec::new()),
            // Names behind their length, which is that of a hash and the length in one when it has four bytes.
            9 if rest.len() > 4 && rest[1] & 0xfc != 0
                || self.subtype == 0xe && kind == 9 && is_hashed(rest) =>
            {
                let hash = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
                (object, kind, u64::from(hash), rest[4..].to_vec())
            }
            _ => (object, kind, 0, rest.get(2..).unwrap_or_default().to_vec()),
        }
    }
}

/// Whether a name stands behind a hash: its length is that of what follows four bytes.
fn is_hashed(rest: &[u8]) -> bool {
    rest.len() > 4 && (usize::from(rest[0]) | usize::from(rest[1] & 3) << 8) == rest.len() - 4
}
