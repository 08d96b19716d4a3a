//! LVM2: physical volumes with a label, an area of metadata whose text goes on at its front, and extents.

use super::{at, u32_of};

const SECTOR: usize = 512;
/// Sectors of an extent, and where the first one stands.
const EXTENT: usize = 8;
const FIRST: usize = 80;
/// Place and length of the area of metadata.
const AREA: usize = 4096;
const AREA_LENGTH: usize = FIRST * SECTOR - AREA;

/// How a logical volume stands on its physical volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lvm {
    /// In one piece on the first one.
    Linear,
    /// In two pieces on the last one, of which the second stands in front.
    Pieces,
    /// In stripes of a sector over all of them.
    Striped,
    /// It does not: it is made of a pool.
    Thin,
}

/// A volume group over `count` physical volumes, with these logical volumes.
#[must_use]
pub fn lvm(count: usize, group: &str, volumes: &[(&str, Lvm, &[u8])]) -> Vec<Vec<u8>> {
    let mut disks = vec![vec![0; FIRST * SECTOR]; count];
    let mut described = String::new();
    for (name, kind, content) in volumes {
        let segments = place(&mut disks, *kind, content);
        described.push_str(&format!(
            "{name} {{\nid = \"{}\"\nstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]\nflags = []\nsegment_count = {}\n",
            dashed(&id("logic", name)),
            segments.len()
        ));
        segments.iter().enumerate().for_each(|(index, segment)| {
            described.push_str(&format!("segment{} {{\n{segment}}}\n", index + 1));
        });
        described.push_str("}\n");
    }
    let mut physical = String::new();
    for (index, disk) in disks.iter().enumerate() {
        physical.push_str(&format!(
            "pv{index} {{\nid = \"{}\"\ndevice = \"/dev/sd{index}\" # Hint only\nstatus = [\"ALLOCATABLE\"]\n\
             flags = []\ndev_size = {}\npe_start = {FIRST}\npe_count = {}\n}}\n",
            dashed(&physical_id(group, index)),
            disk.len() / SECTOR,
            (disk.len() / SECTOR - FIRST) / EXTENT
        ));
    }
    let logical =
        if volumes.is_empty() { String::new() } else { format!("logical_volumes {{\n{described}}}\n") };
    let text = format!(
        "{group} {{\nid = \"{}\"\nseqno = 7\nformat = \"lvm2\"\nstatus = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\n\
         flags = []\nextent_size = {EXTENT}\nmax_lv = 0\nmax_pv = 0\nmetadata_copies = 0\n\
         physical_volumes {{\n{physical}}}\n{logical}}}\n\
         # Generated for a test\ncontents = \"Text Format Volume Group\"\nversion = 1\n\
         description = \"\"\ncreation_host = \"host\"\ncreation_time = 1700000000\n\0",
        dashed(&id("group", group))
    );
    for (index, disk) in disks.iter_mut().enumerate() {
        head(disk, &physical_id(group, index), text.as_bytes());
    }
    disks
}

/// Puts the content of a volume on disks; gives what is said of its segments.
fn place(disks: &mut [Vec<u8>], kind: Lvm, content: &[u8]) -> Vec<String> {
    let extent = EXTENT * SECTOR;
    let row = |kind: &str, first: usize, count: usize, more: &str| {
        format!("start_extent = {first}\nextent_count = {count}\ntype = \"{kind}\"\n{more}")
    };
    let next = |disk: &[u8]| (disk.len() - FIRST * SECTOR) / extent;
    let put = |disk: &mut Vec<u8>, part: &[u8]| {
        disk.extend_from_slice(part);
        disk.resize(FIRST * SECTOR + (disk.len() - FIRST * SECTOR).next_multiple_of(extent), 0);
    };
    let linear = |index: usize, start: usize| {
        format!("stripe_count = 1\t# linear\nstripes = [\n\"pv{index}\", {start}\n]\n")
    };
    let count = content.len().div_ceil(extent).max(1);
    match kind {
        Lvm::Linear => {
            let start = next(&disks[0]);
            put(&mut disks[0], content);
            disks[0].resize(FIRST * SECTOR + (start + count) * extent, 0);
            vec![row("striped", 0, count, &linear(0, start))]
        }
        Lvm::Pieces => {
            let last = disks.len() - 1;
            let front = content.len().div_ceil(extent) / 2;
            let second = next(&disks[last]);
            put(&mut disks[last], &content[front * extent..]);
            disks[last].resize(FIRST * SECTOR + (second + count - front) * extent, 0);
            if front == 0 {
                return vec![row("striped", 0, count, &linear(last, second))];
            }
            let first = next(&disks[last]);
            put(&mut disks[last], &content[..front * extent]);
            vec![
                row("striped", 0, front, &linear(last, first)),
                row("striped", front, count - front, &linear(last, second)),
            ]
        }
        Lvm::Striped => {
            let width = disks.len();
            let each = count.div_ceil(width);
            let mut stripes = String::new();
            for (index, disk) in disks.iter_mut().enumerate() {
                let start = next(disk);
                stripes.push_str(&format!("{}\"pv{index}\", {start}", if index == 0 { "" } else { ",\n" }));
                let own: Vec<u8> =
                    content.chunks(SECTOR).skip(index).step_by(width).flatten().copied().collect();
                put(disk, &own);
                disk.resize(FIRST * SECTOR + (start + each) * extent, 0);
            }
            let more = format!("stripe_count = {width}\nstripe_size = 1\nstripes = [\n{stripes}\n]\n");
            vec![row("striped", 0, each * width, &more)]
        }
        Lvm::Thin => vec![row("thin", 0, count, "thin_pool = \"pool\"\ntransaction_id = 0\ndevice_id = 1\n")],
    }
}

/// Label and metadata of a physical volume.
fn head(disk: &mut [u8], name: &str, text: &[u8]) {
    let mut label = vec![0; SECTOR];
    at(&mut label, 0, b"LABELONE\x01");
    at(&mut label, 20, b"\x20\0\0\0LVM2 001");
    at(&mut label, 32, name.as_bytes());
    let long = |value: usize| u64::from(u32_of(value)).to_le_bytes();
    at(&mut label, 64, &long(disk.len()));
    // One area of data up to the end, one of metadata, and an extension of the header.
    at(&mut label, 72, &[long(FIRST * SECTOR), long(0), long(0), long(0)].concat());
    at(&mut label, 104, &[long(AREA), long(AREA_LENGTH), long(0), long(0)].concat());
    at(&mut label, 136, &[1, 0, 0, 0, 1]);
    let check = check(&label[20..]);
    at(&mut label, 16, &check.to_le_bytes());
    at(disk, SECTOR, &label);
    // The text begins so late that it goes on at the front of the area.
    let start = AREA_LENGTH - text.len().min(SECTOR);
    let start = start / SECTOR * SECTOR;
    let first = text.len().min(AREA_LENGTH - start);
    let mut header = vec![0; SECTOR];
    at(&mut header, 4, b"\x20LVM2 x[5A%r0N*>\x01\0\0\0");
    at(&mut header, 24, &[long(AREA), long(AREA_LENGTH), long(start), long(text.len())].concat());
    at(&mut header, 56, &self::check(text).to_le_bytes());
    let check = self::check(&header[4..]);
    at(&mut header, 0, &check.to_le_bytes());
    at(disk, AREA, &header);
    at(disk, AREA + start, &text[..first]);
    at(disk, AREA + SECTOR, &text[first..]);
}

/// The check of LVM: that of gzip, but it begins with another number and is not inverted.
fn check(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0xf597_a6cf, |sum, byte| {
        let start = (sum ^ u32::from(*byte)) & 0xff;
        let step = (0..8).fold(start, |value, _| (value >> 1) ^ ((value & 1) * 0xedb8_8320));
        step ^ (sum >> 8)
    })
}

fn physical_id(group: &str, index: usize) -> String {
    id("phys", &format!("{group}{index}"))
}

/// 32 letters and digits.
fn id(kind: &str, name: &str) -> String {
    let letters =
        kind.chars().chain(name.chars().filter(char::is_ascii_alphanumeric)).chain("x".chars().cycle());
    letters.take(32).collect()
}

/// The same as it stands in a text: in groups.
fn dashed(id: &str) -> String {
    let (mut out, mut at) = (String::new(), 0);
    for length in [6, 4, 4, 4, 4, 4, 6] {
        let dash = if at == 0 { "" } else { "-" };
        out = format!("{out}{dash}{}", &id[at..at + length]);
        at += length;
    }
    out
}
