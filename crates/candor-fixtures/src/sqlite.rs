//! Small SQLite files: tables of a few rows, each of any size.

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing; for the number of the row, that number.
    Null,
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, as `CREATE TABLE` has them.
    pub columns: String,
    /// Its rows; they are numbered from 1 on.
    pub rows: Vec<Vec<Cell>>,
}

const PAGE: usize = 4096;

/// A file with these tables.
#[must_use]
pub fn database(tables: &[Table]) -> Vec<u8> {
    let mut pages: Vec<Vec<u8>> = vec![Vec::new()];
    let mut schema = Vec::new();
    for table in tables {
        let cells: Vec<Vec<u8>> =
            (1..).zip(&table.rows).map(|(id, row)| leaf_cell(id, &record(row), &mut pages)).collect();
        let root = tree(&cells, &mut pages);
        let create = format!("CREATE TABLE {}({})", table.name, table.columns);
        let text = |text: &str| Cell::Text(text.to_owned());
        schema.push(vec![
            text("table"),
            text(&table.name),
            text(&table.name),
            Cell::Number(i64::from(root)),
            Cell::Text(create),
        ]);
    }
    let cells: Vec<Vec<u8>> =
        (1..).zip(&schema).map(|(id, row)| leaf_cell(id, &record(row), &mut pages)).collect();
    let mut first = leaf(&cells, 100);
    first[..16].copy_from_slice(b"SQLite format 3\0");
    first[16..18].copy_from_slice(&4096_u16.to_be_bytes());
    first[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
    first[27] = 1;
    first[28..32].copy_from_slice(&number(pages.len()).to_be_bytes());
    first[43] = 1;
    first[47] = 4;
    first[59] = 1;
    first[95] = 1;
    first[96..100].copy_from_slice(&3_040_001_u32.to_be_bytes());
    pages[0] = first;
    pages.concat()
}

/// The write-ahead log by which a file of SQLite becomes another: a frame for each page that differs, the last of
/// which commits them. What is left of an earlier round of the log stands behind it.
#[must_use]
pub fn log(before: &[u8], after: &[u8]) -> Vec<u8> {
    let mut log = [0x377f_0682_u32, 3_007_000, 4096, 1, 0x1234_5678, 0x9abc_def0]
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect::<Vec<u8>>();
    let mut sums = sum((0, 0), &log);
    log.extend([sums.0.to_be_bytes(), sums.1.to_be_bytes()].concat());
    let pages: Vec<(usize, &[u8])> = (1..)
        .zip(after.chunks(PAGE))
        .filter(|(page, content)| before.get((page - 1) * PAGE..page * PAGE) != Some(content))
        .collect();
    for (index, (page, content)) in pages.iter().enumerate() {
        let length = if index + 1 == pages.len() { number(after.len() / PAGE) } else { 0 };
        let head = [number(*page).to_be_bytes(), length.to_be_bytes()].concat();
        sums = sum(sum(sums, &head), content);
        log.extend(head);
        log.extend_from_slice(&{ log[16..24].to_vec() });
        log.extend([sums.0.to_be_bytes(), sums.1.to_be_bytes()].concat());
        log.extend_from_slice(content);
    }
    log.extend([&[0, 0, 0, 1, 0, 0, 0, 1][..], b"earlier!", &[0; 8], &[0xff; PAGE]].concat());
    log
}

/// The sum over a log, least significant byte first.
fn sum((mut one, mut two): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    for pair in bytes.as_chunks::<8>().0 {
        let word = |at: usize| u32::from_le_bytes([pair[at], pair[at + 1], pair[at + 2], pair[at + 3]]);
        one = one.wrapping_add(word(0)).wrapping_add(two);
        two = two.wrapping_add(word(4)).wrapping_add(one);
    }
    (one, two)
}

/// Leaves, and one page above them when there are several; the number of the topmost.
fn tree(cells: &[Vec<u8>], pages: &mut Vec<Vec<u8>>) -> u32 {
    let mut leaves: Vec<(u32, usize)> = Vec::new();
    let mut rest = cells;
    let mut before = 0;
    loop {
        let mut room = PAGE - 8;
        let count = rest.iter().take_while(|cell| {
            let fits = room >= cell.len() + 2;
            room = room.saturating_sub(cell.len() + 2);
            fits
        });
        let (part, behind) = rest.split_at(count.count());
        before += part.len();
        pages.push(leaf(part, 0));
        leaves.push((number(pages.len()), before));
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    let Some(((last, _), others)) = leaves.split_last().filter(|(_, others)| !others.is_empty()) else {
        return leaves[0].0;
    };
    let cells: Vec<Vec<u8>> = others
        .iter()
        .map(|(page, last_id)| [page.to_be_bytes().to_vec(), varint(u64::from(number(*last_id)))].concat())
        .collect();
    let mut page = filled(&cells, 0, 12);
    page[0] = 5;
    page[8..12].copy_from_slice(&last.to_be_bytes());
    pages.push(page);
    number(pages.len())
}

fn leaf(cells: &[Vec<u8>], start: usize) -> Vec<u8> {
    let mut page = filled(cells, start, 8);
    page[start] = 13;
    page
}

fn filled(cells: &[Vec<u8>], start: usize, head: usize) -> Vec<u8> {
    let mut page = vec![0; PAGE];
    let mut end = PAGE;
    for (at, cell) in cells.iter().enumerate() {
        end -= cell.len();
        page[end..end + cell.len()].copy_from_slice(cell);
        let place = start + head + 2 * at;
        page[place..place + 2].copy_from_slice(&short(end));
    }
    page[start + 3..start + 5].copy_from_slice(&short(cells.len()));
    page[start + 5..start + 7].copy_from_slice(&short(end));
    page
}

/// A cell; what does not fit goes into pages of its own.
fn leaf_cell(id: u64, record: &[u8], pages: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let mut cell = [varint(u64::from(number(record.len()))), varint(id)].concat();
    let most = PAGE - 35;
    if record.len() <= most {
        cell.extend(record);
        return cell;
    }
    let least = (PAGE - 12) * 32 / 255 - 23;
    let local = least + (record.len() - least) % (PAGE - 4);
    let local = if local <= most { local } else { least };
    let (here, elsewhere) = record.split_at(local);
    cell.extend(here);
    cell.extend(number(pages.len() + 1).to_be_bytes());
    let mut parts = elsewhere.chunks(PAGE - 4).peekable();
    while let Some(part) = parts.next() {
        let next = if parts.peek().is_some() { number(pages.len() + 2) } else { 0 };
        let mut page = next.to_be_bytes().to_vec();
        page.extend(part);
        page.resize(PAGE, 0);
        pages.push(page);
    }
    cell
}

fn record(row: &[Cell]) -> Vec<u8> {
    let (mut kinds, mut body) = (Vec::new(), Vec::new());
    for cell in row {
        match cell {
            Cell::Null => kinds.extend(varint(0)),
            Cell::Number(value) => {
                kinds.extend(varint(6));
                body.extend(value.to_be_bytes());
            }
            Cell::Text(text) => {
                kinds.extend(varint(u64::from(number(text.len())) * 2 + 13));
                body.extend(text.as_bytes());
            }
            Cell::Blob(bytes) => {
                kinds.extend(varint(u64::from(number(bytes.len())) * 2 + 12));
                body.extend(bytes);
            }
        }
    }
    // The length counts itself; heads here are short.
    [varint(u64::from(number(kinds.len() + 1))), kinds, body].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = vec![u8::try_from(value & 0x7f).unwrap_or(0)];
    value >>= 7;
    while value > 0 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.reverse();
    out
}

fn short(value: usize) -> [u8; 2] {
    u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes()
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
