//! What is told of ICAP: the table `[icap]` of `candord.toml`.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;

use super::Sockets;
use super::fronts::places;

/// What stands in the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Table {
    /// Where proxies come to: addresses, or paths of Unix sockets.
    pub listen: Vec<String>,
    /// What becomes of what could not be looked at as a whole: `block` or `pass`.
    pub incomplete: Deed,
    /// What becomes of parts of a file that were asked for by themselves.
    pub ranges: Option<Deed>,
    /// Bytes of a body that are scanned; `StreamMaxLength` when it is not given.
    pub max_size: Option<u64>,
    /// A page of HTML that is shown in place of what is blocked; `%v` stands for why, `%u` for the address.
    pub page: Option<PathBuf>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// It is replaced by a page that says why.
    #[default]
    Block,
    /// It goes on as it is.
    Pass,
}

/// All that is told of ICAP.
#[derive(Clone, Debug)]
pub struct Icap {
    /// Where proxies come to.
    pub sockets: Sockets,
    /// What becomes of what could not be looked at as a whole.
    pub incomplete: Deed,
    /// What becomes of parts of a file that were asked for by themselves.
    pub ranges: Deed,
    /// Bytes of a body that are scanned.
    pub most: u64,
    /// What is shown in place of what is blocked.
    pub page: String,
}

/// Bytes of a page.
const LONGEST: usize = 256 << 10;

/// The page when none is given.
const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Blocked</title>\n<h1>Blocked</h1>\n\
<p>The content of <code>%u</code> was not let through: %v</p>\n</html>\n";

impl Icap {
    /// What the table comes to.
    ///
    /// # Errors
    /// An address cannot be understood, or the page not be read.
    pub fn new(table: &Table, stream_max: u64) -> anyhow::Result<Self> {
        let page = match &table.page {
            None => PAGE.to_owned(),
            Some(path) => {
                let name = || format!("icap.page: {}", path.display());
                let text = std::fs::read_to_string(path).with_context(name)?;
                anyhow::ensure!(text.len() <= LONGEST, "{}: too long for a page", name());
                text
            }
        };
        Ok(Self {
            sockets: places("icap.listen", &table.listen)?,
            incomplete: table.incomplete,
            ranges: table.ranges.unwrap_or(Deed::Pass),
            most: table.max_size.unwrap_or(stream_max),
            page,
        })
    }
}
