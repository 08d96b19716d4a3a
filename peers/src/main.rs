//! `tough`, a client of The Update Framework by others, as a program: what our verifier is compared with.
//!
//! It stands in a workspace of its own, because it brings an asynchronous runtime and a C library that have no place
//! among what the product depends on. Who refuses what is compared by `cargo xtask tuf`; nothing is decided here.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program that is run for what it prints")]

mod read;
mod write;

use std::path::Path;

use anyhow::bail;

/// `read ROOT DATASTORE FEED`: looks at a feed as a client that has this first root, and says `in: VERSION` or
/// `refused: WHY`. `write ROOT KEYS OUT VERSION FILE`: makes and signs a release of one archive, twice: in `OUT/plain` as
/// the repository editor writes it, in `OUT/canonical` in the canonical form that is signed.
fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    match words.as_slice() {
        ["read", root, datastore, feed] => {
            let come = read::read(Path::new(root), Path::new(datastore), Path::new(feed));
            match runtime.block_on(come) {
                Ok(version) => println!("in: {version}"),
                Err(error) => println!("refused: {}", format!("{error:#}").replace('\n', " ")),
            }
            Ok(())
        }
        ["write", root, keys, out, version, file] => runtime.block_on(write::write(
            Path::new(root),
            Path::new(keys),
            Path::new(out),
            version.parse()?,
            Path::new(file),
        )),
        _ => bail!("read ROOT DATASTORE FEED, or write ROOT KEYS OUT VERSION FILE"),
    }
}
