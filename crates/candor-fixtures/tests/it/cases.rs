//! Reads the cases: `[[case]]` tables in TOML files.
//!
//! ```toml
//! [[case]]
//! name = "what is shown"
//! ndb = ["A:0:*:616263"]            # lines, by extension
//! refused = ["case.ndb:1"]          # lines that cannot be used; left out: there are none
//! [[case.file]]
//! bytes = ["..abc"]                 # a recipe
//! hits = ["A"]                      # names that the search of the bytes themselves gives
//! scan = ["A"]                      # names that a scan of the file gives; left out: as `hits`
//! first = "A"                       # the one that is told where only one is
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candor_fixtures::recipe::{Piece, build};
use candor_model::{Facts, FileType, Target};
use serde::Deserialize;

/// A database and the files that it is tried on.
pub(crate) struct Case {
    pub(crate) name: String,
    /// File names and their text.
    pub(crate) database: Vec<(String, String)>,
    /// Lines that cannot be used, as `file:line`, in order.
    pub(crate) refused: Vec<String>,
    pub(crate) layers: Vec<Layer>,
}

/// A file, and what is to be found in it.
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) facts: Facts,
    pub(crate) file_type: FileType,
    pub(crate) target: Target,
    pub(crate) parents: Vec<FileType>,
    /// What the search of these bytes gives; `None`: only a scan is of interest.
    pub(crate) hits: Option<BTreeSet<String>>,
    /// What a scan gives; `None`: only the search is of interest.
    pub(crate) scan: Option<BTreeSet<String>>,
    /// What a scan gives that tells of one finding only; `None`: not of interest.
    pub(crate) first: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    case: Vec<CaseTable>,
}

#[derive(Deserialize)]
struct CaseTable {
    name: String,
    file: Vec<FileTable>,
    #[serde(default)]
    refused: Vec<String>,
    #[serde(flatten)]
    databases: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    #[serde(default)]
    name: Option<String>,
    bytes: Vec<Piece>,
    /// The layer's type, for the search alone.
    #[serde(default)]
    r#type: Option<String>,
    /// The layer's class, for the search alone.
    #[serde(default)]
    target: Option<u32>,
    /// Types of the layers around it, for the search alone.
    #[serde(default)]
    parents: Vec<String>,
    #[serde(default)]
    hits: Option<BTreeSet<String>>,
    #[serde(default)]
    scan: Option<BTreeSet<String>>,
    #[serde(default)]
    first: Option<String>,
}

/// Every case there is, in the order of the files' names.
pub(crate) fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/signatures");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let cases: Vec<Case> = paths
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let document: Document =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            document.case.into_iter().map(move |table| case(&stem, table))
        })
        .collect();
    assert!(!cases.is_empty());
    cases
}

fn case(stem: &str, table: CaseTable) -> Case {
    let name = format!("{stem}: {}", table.name);
    let database = table
        .databases
        .into_iter()
        .map(|(extension, lines)| (format!("case.{extension}"), lines.join("\n") + "\n"))
        .collect();
    let layers = table.file.into_iter().enumerate().map(|(index, file)| layer(&name, index, file)).collect();
    Case { name, database, refused: table.refused, layers }
}

fn layer(case: &str, index: usize, file: FileTable) -> Layer {
    let built = build(&file.bytes).unwrap_or_else(|error| panic!("{case}: {error}"));
    let known = |name: &String| name.parse::<FileType>().unwrap_or_else(|_| panic!("{case}: no type {name}"));
    let stands_alone = file.r#type.is_none() && file.target.is_none() && file.parents.is_empty();
    let file_type = file.r#type.as_ref().map(known).or(built.file_type).unwrap_or(FileType::BinaryData);
    let target = file.target.map_or(file_type.target(), |number| Target::from_number(number).unwrap());
    assert!(
        file.hits.is_some() || file.scan.is_some() || file.first.is_some(),
        "{case}: a file without expectations"
    );
    let scan = file.scan.or_else(|| if stands_alone { file.hits.clone() } else { None });
    Layer {
        name: file.name.unwrap_or_else(|| format!("file {index}")),
        bytes: built.bytes,
        facts: built.facts,
        file_type,
        target,
        parents: file.parents.iter().map(known).collect(),
        hits: file.hits,
        scan,
        first: file.first.map(|name| BTreeSet::from([name])),
    }
}
