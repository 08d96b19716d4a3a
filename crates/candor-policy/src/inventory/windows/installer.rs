//! Packages of the installer of Windows (`.msi`): the properties that name product, maker and codes.
//!
//! An MSI is a compound file (MS-CFB) that holds tables, as streams whose names begin with `!`. Texts of all
//! tables stand in one stream, and their lengths in another: `u16 length | u16 uses`, after four bytes whose last
//! bit says that a reference to a text has three bytes rather than two. Tables are written column by column.

use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Reason, Sink,
};

use crate::inventory::bytes::{array, le16, le32, run, size};
use crate::inventory::{Item, ItemKind, Items, Surface};

/// Bytes of one stream.
const LONGEST: u64 = 32 << 20;

/// Reads an installer.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let limits = Limits { max_memory: 128 << 20, ..Limits::default() };
    let budget = Budget::new(limits, Interrupt::new(), length);
    let mut streams = Streams { found: [const { None }; 3], budget, trouble: None };
    candor_unpack::unpack(FileType::MsOle2, bytes, &mut streams);
    let trouble = streams.trouble.take();
    let [Some(pool), Some(data), Some(table)] = streams.found else {
        return items.unread("it is no package of the installer");
    };
    let texts = Texts::read(&pool, &data);
    let properties = texts.pairs(&table);
    let of =
        |name: &str| properties.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let name = of("ProductName");
    if name.is_empty() && of("Manufacturer").is_empty() {
        return items.unread("its properties name no product");
    }
    let path = items.path().to_owned();
    items.push(
        Item::new(ItemKind::Program, name)
            .with_version(of("ProductVersion"))
            .seen_in(of("ProductCode"))
            .with(Surface::Product, name)
            .with(Surface::Supplier, of("Manufacturer"))
            .with(Surface::MsiCode, &of("ProductCode").to_ascii_uppercase())
            .with(Surface::MsiCode, &of("UpgradeCode").to_ascii_uppercase())
            .at_path(&path),
    );
    if let Some(trouble) = trouble {
        items.partly(&trouble);
    }
}

/// All texts of the package.
struct Texts<'a> {
    data: &'a [u8],
    /// Where each stands, from number 1 on.
    places: Vec<(usize, usize)>,
    is_wide: bool,
}

impl<'a> Texts<'a> {
    fn read(pool: &[u8], data: &'a [u8]) -> Self {
        let is_wide = le32(pool, 0).is_some_and(|head| head & 0x8000_0000 != 0);
        let mut places = Vec::new();
        let mut place = 0_usize;
        let mut at = 4_usize;
        while let (Some(short), Some(uses)) = (le16(pool, at), le16(pool, at.saturating_add(2))) {
            at = at.saturating_add(4);
            let mut length = usize::from(short);
            if short == 0 && uses != 0 {
                // A text beyond 64 KiB: its length stands in the next entry.
                let Some(long) = le32(pool, at) else { break };
                at = at.saturating_add(4);
                length = size(long);
            }
            places.push((place, length));
            place = place.saturating_add(length);
        }
        Self { data, places, is_wide }
    }

    fn text(&self, number: usize) -> Option<String> {
        let (place, length) = *self.places.get(number.checked_sub(1)?)?;
        run(self.data, place, length).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    /// The rows of a table of two columns of texts.
    fn pairs(&self, table: &[u8]) -> Vec<(String, String)> {
        let width = if self.is_wide { 3 } else { 2 };
        let rows = table.len().checked_div(width).unwrap_or(0) / 2;
        let number = |index: usize| {
            let at = index.checked_mul(width)?;
            let low = usize::from(le16(table, at)?);
            let high = if self.is_wide { usize::from(array::<1>(table, at.checked_add(2)?)?[0]) } else { 0 };
            Some(high << 16 | low)
        };
        let row = |row: usize| Some((self.text(number(row)?)?, self.text(number(row.checked_add(rows)?)?)?));
        (0..rows.min(65_536)).filter_map(row).collect()
    }
}

/// Keeps the three streams that matter.
struct Streams {
    found: [Option<Vec<u8>>; 3],
    budget: Budget,
    trouble: Option<String>,
}

impl Sink for Streams {
    fn child(&mut self, _: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        let name = member.name.as_str();
        let wanted = ["!_StringPool", "!_StringData", "!Property"];
        let Some(place) = wanted.iter().position(|known| *known == name) else { return Flow::Continue };
        let mut bytes = Vec::new();
        match content {
            Content::Bytes(whole) | Content::Part(whole, _) => whole.clone_into(&mut bytes),
            Content::Stream(stream) => {
                use std::io::Read as _;
                if stream.take(LONGEST).read_to_end(&mut bytes).is_err() {
                    self.trouble = Some(format!("the stream {name} is damaged"));
                }
            }
            Content::Absent(reason) => self.trouble = Some(format!("{name}: {reason}")),
        }
        if let Some(slot) = self.found.get_mut(place) {
            *slot = Some(bytes);
        }
        if self.found.iter().all(Option::is_some) { Flow::Stop } else { Flow::Continue }
    }

    fn facts(&mut self, _: Facts) {}

    fn incomplete(&mut self, reason: Reason) {
        self.trouble.get_or_insert_with(|| reason.to_string());
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_lead_to_texts_of_any_length() {
        let long = "y".repeat(70_000);
        let texts = ["ProductName", "Example", &long, "Manufacturer"];
        for is_wide in [false, true] {
            let mut pool = vec![0xe4, 4, 0, if is_wide { 0x80 } else { 0 }];
            let mut data = Vec::new();
            for text in texts {
                data.extend_from_slice(text.as_bytes());
                match u16::try_from(text.len()) {
                    Ok(length) => pool.extend([length.to_le_bytes(), [1, 0]].concat()),
                    Err(_) => pool.extend([[0, 0, 1, 0], (text.len() as u32).to_le_bytes()].concat()),
                }
            }
            let column = |numbers: [u8; 2]| {
                numbers
                    .into_iter()
                    .flat_map(move |number| if is_wide { vec![number, 0, 0] } else { vec![number, 0] })
            };
            let table: Vec<u8> = column([1, 4]).chain(column([2, 3])).collect();
            let pairs = Texts::read(&pool, &data).pairs(&table);
            assert_eq!(
                pairs,
                [("ProductName".to_owned(), "Example".to_owned()), ("Manufacturer".to_owned(), long.clone())]
            );
        }
    }
}
