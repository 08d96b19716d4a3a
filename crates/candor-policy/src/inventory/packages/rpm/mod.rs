//! rpm's databases: the same headers in three containers, SQLite (since 4.16), `ndb` (SUSE) and Berkeley DB
//! (before). The broker can tell them apart by their first bytes, and so does this.
//!
//! Hostile databases have pages that lead back to themselves and headers with counts beyond their size.
//! Every page is visited once at most; a header that makes no sense costs one package.

mod berkeley;
mod header;
mod ndb;

use crate::inventory::Items;
use crate::inventory::sqlite::Database;

/// Reads a database, whichever it is.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let mut strange = 0_u64;
    let mut package = |blob: &[u8], items: &mut Items<'_>| match header::package(blob) {
        Some(item) => items.push(item),
        None => strange = strange.saturating_add(1),
    };
    let log = items.beside().iter().find(|log| log.name == "-wal").map_or(&[][..], |log| log.bytes);
    if bytes.starts_with(b"SQLite format 3\0") || (bytes.is_empty() && !log.is_empty()) {
        sqlite(bytes, log, items, &mut package);
    } else if bytes.starts_with(b"RpmP") {
        ndb::read(bytes, items, &mut package);
    } else if bytes.get(12..16).is_some_and(|magic| berkeley::MAGICS.iter().any(|known| magic == known)) {
        berkeley::read(bytes, items, &mut package);
    } else {
        return items.unread("it is no database that rpm is known to write");
    }
    if strange > 0 {
        items.partly(&format!("{strange} headers make no sense"));
    }
}

/// What takes the header of a package.
type Package<'p> = dyn FnMut(&[u8], &mut Items<'_>) + 'p;

fn sqlite(bytes: &[u8], log: &[u8], items: &mut Items<'_>, package: &mut Package<'_>) {
    let Some(database) = Database::open(bytes, log) else {
        return items.unread("its first page makes no sense");
    };
    let Some(table) = database.table("Packages") else { return items.unread("it has no table Packages") };
    let whole = database.rows(table, &mut |row| {
        if let Some(blob) = row.blob(1) {
            package(blob, items);
        }
        !items.is_full()
    });
    if !whole {
        items.partly("some of its pages are damaged");
    }
    if database.is_torn() {
        items.partly("its log is damaged: what was written last may be missing");
    }
}

#[cfg(test)]
mod tests;
