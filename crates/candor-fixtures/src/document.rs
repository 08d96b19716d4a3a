//! Documents: compound files with macros, RTF with objects, PDF.

/// An RTF file with one embedded object.
#[must_use]
pub fn rtf(class: &str, object: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    let class = [class.as_bytes(), b"\0"].concat();
    let blob =
        [&[1, 5, 0, 0, 2, 0, 0, 0][..], &length(&class), &class, &[0; 8], &length(object), object].concat();
    let digits: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{{\\rtf1 text {{\\object\\objemb {{\\*\\objdata {digits}}}}}}}").into_bytes()
}

/// RTF as a mail of Outlook has it, under its header: literals and the mark of the end, in groups of eight.
#[must_use]
pub fn compressed_rtf(text: &[u8]) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    let end = u16::try_from((207 + text.len()) % 4096).unwrap_or(0) << 4;
    let mut tokens: Vec<u8> = text.chunks(8).flat_map(|literals| [&[0][..], literals].concat()).collect();
    let last = text.len() % 8;
    if last == 0 {
        tokens.push(1);
    } else if let Some(flags) = tokens.len().checked_sub(last + 1).and_then(|at| tokens.get_mut(at)) {
        *flags = 1 << last;
    }
    tokens.extend(end.to_be_bytes());
    // The check of gzip, but from zero and not inverted.
    let check = tokens.iter().fold(0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    });
    [&number(tokens.len() + 12)[..], &number(text.len()), b"LZFu", &check.to_le_bytes(), &tokens].concat()
}

/// A compound file of these streams, all of them in one storage, or at the top when its name is empty.
/// Streams of less than 4,096 bytes stand in the stream of small ones.
#[must_use]
pub fn compound(storage: &str, streams: &[(&str, Vec<u8>)]) -> Vec<u8> {
    const END: u32 = 0xffff_fffe;
    const FREE: u32 = u32::MAX;
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let mut sectors: Vec<u8> = Vec::new();
    let mut table: Vec<u32> = Vec::new();
    let mut place = |bytes: &[u8], table: &mut Vec<u32>| {
        if bytes.is_empty() {
            return END;
        }
        let start = number(table.len());
        let count = bytes.len().div_ceil(512);
        table.extend((1..count).map(|next| start + number(next)));
        table.push(END);
        sectors.extend_from_slice(bytes);
        sectors.resize(table.len() * 512, 0);
        start
    };
    let mut small = Vec::new();
    let mut small_table = Vec::new();
    let mut starts = Vec::new();
    for (_, content) in streams {
        if content.len() >= 4096 {
            starts.push(place(content, &mut table));
            continue;
        }
        let start = number(small_table.len());
        let count = content.len().div_ceil(64).max(1);
        small_table.extend((1..count).map(|next| start + number(next)));
        small_table.push(END);
        small.extend_from_slice(content);
        small.resize(small_table.len() * 64, 0);
        starts.push(start);
    }
    let small_start = place(&small, &mut table);
    let small_chain: Vec<u8> = small_table.iter().flat_map(|next: &u32| next.to_le_bytes()).collect();
    let small_table_start = place(&small_chain, &mut table);
    let entry = |name: &str, kind: u8, right: u32, child: u32, start: u32, length: usize| {
        let mut bytes: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let name_length = u16::try_from(bytes.len() + 2).unwrap_or(u16::MAX);
        bytes.resize(64, 0);
        bytes.extend(name_length.to_le_bytes());
        bytes.extend([kind, 1]);
        for link in [FREE, right, child] {
            bytes.extend(link.to_le_bytes());
        }
        bytes.resize(116, 0);
        bytes.extend(start.to_le_bytes());
        bytes.extend(u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
        bytes
    };
    let mut directory = entry("Root Entry", 5, FREE, 1, small_start, small.len());
    let mut next = 1;
    if !storage.is_empty() {
        directory.extend(entry(storage, 1, FREE, 2, 0, 0));
        next = 2;
    }
    for (index, ((name, content), start)) in streams.iter().zip(starts).enumerate() {
        let right = if index + 1 < streams.len() { next + number(index) + 1 } else { FREE };
        directory.extend(entry(name, 2, right, FREE, start, content.len()));
    }
    let directory_start = place(&directory, &mut table);
    let table_start = number(table.len());
    table.push(0xffff_fffd);
    table.resize(table.len().next_multiple_of(128), FREE);
    sectors.extend(table.iter().flat_map(|next| next.to_le_bytes()));
    let mut header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    header.resize(24, 0);
    header.extend([0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    header.resize(44, 0);
    for value in [1, directory_start, 0, 4096, small_table_start, 1, END, 0, table_start] {
        header.extend(value.to_le_bytes());
    }
    header.resize(512, 0xff);
    [header, sectors].concat()
}

/// A compressed container of VBA, with literals alone.
#[must_use]
pub fn vba(source: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    for chunk in source.chunks(3000) {
        let packed: Vec<u8> = chunk.chunks(8).flat_map(|literals| [&[0], literals].concat()).collect();
        let header = 0xb000 | u16::try_from(packed.len() - 1).unwrap_or(0);
        out.extend(header.to_le_bytes());
        out.extend(packed);
    }
    out
}

/// The `dir` stream of a project with one module, whose source starts at `offset` of its stream.
#[must_use]
pub fn vba_directory(module: &str, offset: u32) -> Vec<u8> {
    let record = |kind: u16, body: &[u8]| {
        [&kind.to_le_bytes()[..], &u32::try_from(body.len()).unwrap_or(0).to_le_bytes(), body].concat()
    };
    let version = [&9_u16.to_le_bytes()[..], &4_u32.to_le_bytes(), &[1, 0, 0, 0, 2, 0]].concat();
    let records = [
        record(1, &[1, 0, 0, 0]),
        version,
        record(0x19, module.as_bytes()),
        record(0x1a, module.as_bytes()),
        record(0x31, &offset.to_le_bytes()),
        record(0x2b, &[]),
    ];
    vba(&records.concat())
}

/// A PDF file of these streams: what else stands in the dictionary of each, and its data.
#[must_use]
pub fn pdf(streams: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    for (number, (dictionary, data)) in streams.iter().enumerate() {
        let length = data.len();
        out.extend(
            format!("{} 0 obj\n<< /Length {length} {dictionary} >>\nstream\n", number + 1).into_bytes(),
        );
        out.extend_from_slice(data);
        out.extend(b"\nendstream\nendobj\n");
    }
    out.extend(b"trailer\n<< /Root 1 0 R >>\n%%EOF\n");
    out
}

/// A formula of a sheet: row and column from 0, and its tokens.
#[derive(Clone, Debug)]
pub struct Formula {
    /// The row.
    pub row: u16,
    /// The column.
    pub column: u16,
    /// Its tokens.
    pub tokens: Vec<u8>,
}

/// The stream of a workbook with one sheet of Excel 4 macros, which Excel starts by itself. `state`: 0 shown,
/// 1 hidden, 2 well hidden.
#[must_use]
pub fn macro_workbook(state: u8, formulas: &[Formula]) -> Vec<u8> {
    let record = |kind: u16, body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), body].concat()
    };
    let start = |kind: u16| {
        let body =
            [&[0, 6][..], &kind.to_le_bytes(), &[0xbb, 0x0d, 0xcc, 7, 0, 0, 0, 0, 6, 0, 0, 0]].concat();
        record(0x809, &body)
    };
    let end = record(0x0a, &[]);
    let globals = |position: u32| {
        let sheet = [&position.to_le_bytes()[..], &[state, 1, 6, 0], b"Macro1"].concat();
        let name = b"\x20\0\0\x01\x07\0\0\0\x01\0\0\0\0\0\0\x01\x3a\0\0\0\0\0\0";
        [start(5), record(0x85, &sheet), record(0x18, name), end.clone()].concat()
    };
    let position = u32::try_from(globals(0).len()).unwrap_or(0);
    let mut stream = [globals(position), start(0x40)].concat();
    for formula in formulas {
        let length = u16::try_from(formula.tokens.len()).unwrap_or(u16::MAX);
        let body = [
            &formula.row.to_le_bytes()[..],
            &formula.column.to_le_bytes(),
            &[0; 16],
            &length.to_le_bytes(),
            &formula.tokens,
        ];
        stream.extend(record(0x06, &body.concat()));
    }
    [stream, end].concat()
}

/// A document of Hangul 3 without a word in it: pictures under their names, and the compound file of its objects.
#[must_use]
pub fn hwp3(is_deflated: bool, pictures: &[(&str, &[u8])], objects: &[u8]) -> Vec<u8> {
    let mut information = [0_u8; 128];
    information[124] = u8::from(is_deflated);
    // No fonts of seven scripts, no styles, and the paragraph that ends the text.
    let mut text = vec![0; 2 * 8 + 43];
    let mut block = |kind: u32, parts: &[&[u8]]| {
        let content = parts.concat();
        text.extend_from_slice(&kind.to_le_bytes());
        text.extend_from_slice(&u32::try_from(content.len()).unwrap_or(0).to_le_bytes());
        text.extend_from_slice(&content);
    };
    for (name, bytes) in pictures {
        let mut head = [0; 32];
        for (slot, byte) in head.iter_mut().zip(name.bytes().take(15)) {
            *slot = byte;
        }
        head[16..19].copy_from_slice(b"gif");
        block(1, &[&head, bytes]);
    }
    block(2, &[objects]);
    block(0, &[]);
    let text = if is_deflated { crate::stream::deflate(&text) } else { text };
    let mark = b"HWP Document File V3.00 \x1a\x01\x02\x03\x04\x05";
    [&mark[..], &information, &[0; 1008], &text].concat()
}
