//! Files of quarantines, as the products are described to write them.
//!
//! Ciphers are written here once more, so that an error in those of the reader does not hide behind itself.

use std::iter;

/// The key of Kaspersky's products.
const KASPERSKY: [u8; 8] = [0xe2, 0x45, 0x48, 0xec, 0x69, 0x0e, 0x5c, 0xac];

/// The key of Malwarebytes.
const MALWAREBYTES: [u8; 16] =
    [0x03, 0x7a, 0x55, 0xc5, 0xdf, 0x39, 0xd2, 0x89, 0x7f, 0xef, 0x88, 0x3d, 0xc0, 0x47, 0xb3, 0x17];

/// The key of G Data.
const GDATA: [u8; 16] =
    [0xa7, 0xbf, 0x73, 0xa0, 0x9f, 0x03, 0xd3, 0x11, 0x85, 0x6f, 0x00, 0x80, 0xad, 0xa9, 0x6e, 0x9b];

/// The key of Defender, in hexadecimal digits.
const DEFENDER: &str = "1e87781b8dbaa844ce69702c0c78b786a3f623b738f5edf9af83530fb3fc54faa21eb9cf1331fd0f0da954f687cb9e18\
    279697900e53fb317c9cbce48e23d05371ecc15951b8f3649d7ca33ed68dc9047e82c9baad9799d0d458cb847ca9ffbe3c8a775233557dde13a8\
    b14087cc1bc8f10f6ecdd083a959cff84a9d1d50755e3e191818af23e2293558766d2c07e25712b2ca0b535ed8f6c56ce73d24bdd0291771861a\
    54b4c285a9a3db7aca6d224aeacd621db9f2a22ed1e9e11d75bed7dc0ecb0a8e68a2ff1263408dc808dffd164b116774cd0b9b8d05411ed6262e\
    429ba495676b8398db2f35d3c1b9ced52636f2765e1a95cb7ca4c3ddabddbff38253";

/// A quarantine file of Kaspersky (KLQB); records begin with this byte of the key.
#[must_use]
pub fn klqb(path: &str, content: &[u8], phase: usize) -> Vec<u8> {
    let field = b"cNP_QB_FULLNAME\0";
    let plain = [&number(field.len())[..], field, &wide(path), &[0, 0]].concat();
    let key: Vec<u8> = KASPERSKY.iter().cycle().skip(phase).take(8).copied().collect();
    let records = [&number(plain.len())[..], &xor(&plain, &key), &number(0)].concat();
    let mut header = b"KLQB\x01\0\0\0".to_vec();
    header.resize(64, 0);
    header[8..12].copy_from_slice(&number(64));
    header[16..20].copy_from_slice(&number(64 + content.len()));
    header[32..36].copy_from_slice(&number(records.len()));
    header[40] = 64;
    header[48..52].copy_from_slice(&number(content.len()));
    header[56] = 1;
    [header, xor(content, &KASPERSKY), records].concat()
}

/// A quarantine file of Kaspersky Security for Windows Server.
#[must_use]
pub fn kaspersky_server(content: &[u8]) -> Vec<u8> {
    xor(content, &KASPERSKY)
}

/// A quarantine file of Avira.
#[must_use]
pub fn avira(path: &str, threat: &str, at: u32, content: &[u8]) -> Vec<u8> {
    let path = wide(path);
    let mut header = b"AntiVir Qua\0\0\0\0\0".to_vec();
    header.resize(220, 0);
    header[16..20].copy_from_slice(&number(220 + path.len()));
    header[20..24].copy_from_slice(&number(path.len()));
    header[60..64].copy_from_slice(&at.to_le_bytes());
    header[156..156 + threat.len()].copy_from_slice(threat.as_bytes());
    [header, path, xor(content, &[0xaa])].concat()
}

/// A quarantine file of G Data.
#[must_use]
pub fn gdata(path: &str, threat: &str, at: u32, content: &[u8]) -> Vec<u8> {
    let text = |text: &str| {
        let units = wide(text);
        [&[0xff, 0xfe, 0xff, u8::try_from(units.len() / 2).unwrap_or(u8::MAX)][..], &units].concat()
    };
    let found = [&[0; 12][..], &at.to_le_bytes(), &[0; 4], &text(threat)].concat();
    let length = number(content.len());
    let place = [&[0; 8][..], &length, &text(""), &[0; 8 + 24 + 4], &length, &text(path)].concat();
    let part = |mark: &[u8], plain: &[u8]| [mark, &number(plain.len()), &rc4(&GDATA, plain)].concat();
    [part(b"\xca\xfe\xba\xbe", &found), part(b"\xba\xad\xf0\x0d", &place), rc4(&GDATA, content)].concat()
}

/// A quarantine file of Symantec, its content in pieces of this length.
#[must_use]
pub fn symantec(path: &str, threat: &str, at: u32, content: &[u8], piece: usize) -> Vec<u8> {
    let mut list = vec![0x08];
    let hash = wide("0123\0");
    list.extend([&number(hash.len())[..], &hash].concat());
    // A stream before the length of the file is none of its pieces.
    list.extend([&[0x09][..], &number(4), b"skip"].concat());
    list.extend([&[0x04][..], &(content.len() as u64).to_le_bytes()].concat());
    for piece in content.chunks(piece.max(1)) {
        list.extend([&[0x09][..], &number(piece.len()), &xor(piece, &[0xff])].concat());
    }
    let meta = [6, 1, 0, 0, 0, 0x0a, 1];
    let wide_number = |value: usize| (value as u64).to_le_bytes();
    let payload = [
        &[0; 8][..],
        &wide_number(40),
        &wide_number(meta.len()),
        &wide_number(40 + meta.len()),
        &wide_number(list.len()),
        &meta,
        &list,
    ]
    .concat();
    [symantec_header(path, threat, at), xor(&payload, &[0x5a])].concat()
}

/// A quarantine file of Symantec that holds the content as it is, behind a header that says where.
#[must_use]
pub fn symantec_located(path: &str, threat: &str, content: &[u8]) -> Vec<u8> {
    let wide_number = |value: usize| (value as u64).to_le_bytes();
    let behind = b"description";
    let payload = [
        &b"\0\0\0\x06\xaa\xaa\x20\xce"[..],
        &wide_number(40),
        &wide_number(40),
        &number(behind.len()),
        &[0; 12],
        content,
        behind,
    ]
    .concat();
    [symantec_header(path, threat, 0), xor(&payload, &[0x5a])].concat()
}

fn symantec_header(path: &str, threat: &str, at: u32) -> Vec<u8> {
    let mut header = vec![0; 0x1290];
    let line = format!("310A0B0C0D0E,5,1,2,HOST,USER,{threat},{path},5,1");
    header[..4].copy_from_slice(&number(0x1290));
    header[4..4 + path.len()].copy_from_slice(path.as_bytes());
    header[0x184..0x184 + line.len()].copy_from_slice(line.as_bytes());
    header[0xd70..0xd74].copy_from_slice(&at.to_le_bytes());
    header
}

/// The streams of a file of Defender's `ResourceData`: kinds, names and contents.
#[must_use]
pub fn defender(streams: &[(u32, &str, &[u8])]) -> Vec<u8> {
    let mut plain = Vec::new();
    let rights: (u32, &str, &[u8]) = (3, "", &[1, 0, 4, 0x80, 0, 0, 0, 0]);
    for (kind, name, content) in iter::once(&rights).chain(streams) {
        let attributes = u32::from(*kind == 3) * 2;
        let name = wide(name);
        plain.extend([kind.to_le_bytes(), attributes.to_le_bytes()].concat());
        plain.extend((content.len() as u64).to_le_bytes());
        plain.extend(number(name.len()));
        plain.extend([&name, *content].concat());
    }
    rc4(&defender_key(), &plain)
}

/// A file of Defender's `Entries`: its own name, the threat, when, the path, and the file of `ResourceData`.
#[must_use]
pub fn defender_entry(id: [u8; 16], threat: &str, ticks: u64, path: &str, resource: [u8; 20]) -> Vec<u8> {
    let mut what = id.to_vec();
    what.extend([0; 16]);
    what.extend(ticks.to_le_bytes());
    what.extend([0; 8]);
    what.extend(number(1));
    what.extend([threat.as_bytes(), b"\0"].concat());
    let mut place = [number(1), number(8)].concat();
    place.extend([&wide(path)[..], &[0, 0], &[2, 0], b"file\0"].concat());
    for (kind, value) in [(0x40, &resource[..]), (0x30, &[1, 0, 0, 0])] {
        place.resize(place.len().next_multiple_of(4), 0);
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes();
        place.extend([&length[..], &[2, kind], value].concat());
    }
    sections(&what, &place)
}

/// A file of Defender's `Resources`, which leads to the entry of this name.
#[must_use]
pub fn defender_resource(entry: [u8; 16], resource: [u8; 20]) -> Vec<u8> {
    sections(&[&[0; 8][..], &resource, &[0; 4]].concat(), &entry)
}

fn sections(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut header = vec![0xdb, 0xe8, 0xc5, 1, 1, 0, 1];
    header.resize(60, 0);
    header[40..44].copy_from_slice(&number(first.len()));
    header[44..48].copy_from_slice(&number(second.len()));
    let key = defender_key();
    [rc4(&key, &header), rc4(&key, first), rc4(&key, second)].concat()
}

fn defender_key() -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(DEFENDER.get(at..at + 2).unwrap_or("0"), 16).unwrap_or(0);
    (0..DEFENDER.len()).step_by(2).map(digit).collect()
}

/// What Malwarebytes keeps of a file: `.quar` and `.data`.
#[must_use]
pub fn malwarebytes(path: &str, threat: &str, at: &str, content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let path = path.replace('\\', "\\\\");
    let data = format!(
        "{{\n   \"schemaVersion\" : 8,\n   \"threatName\" : \"{threat}\",\n   \"trace\" : {{\n      \
         \"cleanTime\" : \"{at}\",\n      \"objectPath\" : \"{path}\"\n   }}\n}}\n"
    );
    (rc4(&MALWAREBYTES, content), rc4(&MALWAREBYTES, data.as_bytes()))
}

/// A quarantine file of McAfee (`.bup`).
#[must_use]
pub fn mcafee(path: &str, threat: &str, content: &[u8]) -> Vec<u8> {
    let details = format!(
        "[Details]\r\nDetectionName={threat}\r\nCreationYear=2024\r\nCreationMonth=9\r\nCreationDay=28\r\n\
         CreationHour=7\r\nCreationMinute=5\r\nCreationSecond=3\r\nNumberOfFiles=1\r\n[File_0]\r\nObjectType=5\r\n\
         OriginalName={path}\r\n"
    );
    let streams = [("Details", xor(details.as_bytes(), &[0x6a])), ("File_0", xor(content, &[0x6a]))];
    crate::document::compound("", &streams)
}

/// What ESET keeps of a file (`.NQF`).
#[must_use]
pub fn eset(content: &[u8]) -> Vec<u8> {
    content.iter().map(|byte| (byte ^ 0xa5).wrapping_add(84)).collect()
}

/// A file of a quarantine with the line in front that says whose it is.
#[must_use]
pub fn named(product: &str, file: &[u8]) -> Vec<u8> {
    [b"CANDOR-QUARANTINE\n", product.as_bytes(), b"\n", file].concat()
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn xor(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    bytes.iter().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
}

fn rc4(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut state: Vec<u8> = (0..=255).collect();
    let mut other = 0_usize;
    for at in 0..256 {
        other = (other + usize::from(state[at]) + usize::from(key[at % key.len()])) % 256;
        state.swap(at, other);
    }
    let (mut one, mut other) = (0, 0);
    bytes
        .iter()
        .map(|byte| {
            one = (one + 1) % 256;
            other = (other + usize::from(state[one])) % 256;
            state.swap(one, other);
            byte ^ state[(usize::from(state[one]) + usize::from(state[other])) % 256]
        })
        .collect()
}
