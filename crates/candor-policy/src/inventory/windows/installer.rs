//! Packages of the installer of Windows (`.msi`): the properties that name product, maker and codes.
//!
//! An MSI is a compound file (MS-CFB) that holds tables, as streams whose names begin with `!`. Texts of all
//! tables stand in one stream, and their lengths in another: `u16 length | u16 uses`, after four bytes whose last
//! bit says that a reference to a text has three bytes rather than two. Tables are written column by column.

use candor_model::FileType;

use crate::inventory::bytes::{array, le16, le32, run, size};
use crate::inventory::members::{self, Wish};
use crate::inventory::{Item, ItemKind, Items, Surface};

/// Bytes of one stream.
const LONGEST: u64 = 32 << 20;

/// Reads an installer.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let mut found = [const { None }; 3];
    let place = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        ["!_StringPool", "!_StringData", "!Property"].iter().position(|known| *known == name)
    };
    let mut wants = |name: &str| if place(name).is_some() { Wish::Give(LONGEST) } else { Wish::Pass };
    let trouble = members::each(FileType::MsOle2, bytes, &mut wants, &mut |name, content| {
        if let Some(slot) = place(name).and_then(|place| found.get_mut(place)) {
            *slot = Some(content.to_vec());
        }
        !found.iter().all(Option::is_some)
    });
    let [Some(pool), Some(data), Some(table)] = found else {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::{check_at, read};
    use crate::inventory::{CoverageState, Reader};

    /// An installer with these properties, and its three streams.
    fn installer(properties: &[(&str, &str)]) -> Vec<u8> {
        let (mut pool, mut data) = (vec![0xe4, 4, 0, 0], Vec::new());
        for text in properties.iter().flat_map(|(key, value)| [key, value]) {
            data.extend_from_slice(text.as_bytes());
            pool.extend((text.len() as u16).to_le_bytes());
            pool.extend([1, 0]);
        }
        let column = |first: usize| {
            (0..properties.len()).flat_map(move |row| ((2 * row + first) as u16).to_le_bytes())
        };
        let table = column(1).chain(column(2)).collect();
        let names = ["_StringPool", "_StringData", "Property"].map(packed);
        let [pool_name, data_name, table_name] = &names;
        candor_fixtures::document::compound("", &[(pool_name, pool), (data_name, data), (table_name, table)])
    }

    /// The name of a table, as streams have it.
    fn packed(name: &str) -> String {
        const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
        let number = |letter: u8| LETTERS.iter().position(|known| *known == letter).unwrap() as u32;
        let codes = name.as_bytes().chunks(2).map(|pair| match pair {
            [one, two] => 0x3800 + number(*one) + (number(*two) << 6),
            one => 0x4800 + number(one[0]),
        });
        std::iter::once(0x4840).chain(codes).map(|code| char::from_u32(code).unwrap()).collect()
    }

    #[test]
    fn the_properties_of_an_installer_are_read() {
        let code = "{01234567-89AB-CDEF-0123-456789ABCDEF}";
        let bytes = installer(&[
            ("Manufacturer", "Example Lab"),
            ("ProductName", "Example AV"),
            ("ProductVersion", "21.3"),
            ("UpgradeCode", code),
        ]);
        check_at(
            Reader::Msi,
            "Windows/Installer/1.msi",
            &bytes,
            &[&format!(
                "Program Example AV 21.3 | - | Product=Example AV, Supplier=Example Lab, MsiCode={code}, Path=Windows/Installer/1.msi, FileName=1.msi"
            )],
        );
        let other = candor_fixtures::document::compound("", &[("WordDocument", vec![1; 5000])]);
        let (_, coverage) = read(Reader::Msi, "x", &other);
        assert!(matches!(coverage.state, CoverageState::NotRead(_)));
    }

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
