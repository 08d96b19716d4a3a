//! `--gen-json --leave-temps`: what a file consists of, in ClamAV's JSON, in a folder of its own.
//!
//! All of it is in the report: the worker that looks at a layer makes its sum, too.

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use candor_model::{LayerSummary, Report};
use serde::Serialize;

use super::order::Subject;
use crate::sigtool::hexadecimal;
use candor::clamav::clock::{self, Moment};
use candor::clamav::name;

/// Folders of one second and name that are tried.
const ATTEMPTS: u32 = 10_000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Root<'a> {
    magic: &'static str,
    root_file_type: &'static str,
    #[serde(flatten)]
    object: Object<'a>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Object<'a> {
    file_name: &'a str,
    file_type: &'static str,
    file_size: u64,
    #[serde(rename = "FileMD5", skip_serializing_if = "Option::is_none")]
    file_md5: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contained_objects: Vec<Self>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    viruses: Vec<String>,
}

/// Writes `metadata.json` into a new folder below `folder`.
pub(super) fn write(folder: &Path, subject: &Subject, report: &Report) -> io::Result<()> {
    let path = String::from_utf8_lossy(&subject.path);
    let own = path.rsplit('/').next().unwrap_or_default();
    let stamp = Moment::of(clock::seconds()).stamp();
    for attempt in 0..ATTEMPTS {
        let place = folder.join(format!("{stamp}-{own}.{:04x}{attempt:06x}", std::process::id() & 0xffff));
        match DirBuilder::new().mode(0o700).create(&place) {
            Ok(()) => return fs::write(place.join("metadata.json"), text(own, report)?),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn text(own: &str, report: &Report) -> io::Result<String> {
    let mut objects: HashMap<u32, Object<'_>> = HashMap::new();
    let mut viruses: HashMap<u32, Vec<String>> = HashMap::new();
    for finding in &report.findings {
        viruses.entry(finding.layer.0).or_default().push(name(finding));
    }
    // The last one opened is in none that was opened after it.
    for layer in report.layers.iter().rev() {
        let viruses = viruses.remove(&layer.id.0).unwrap_or_default();
        let mut object = Object { viruses, ..Object::of(layer) };
        if let Some(waiting) = objects.remove(&layer.id.0) {
            object.contained_objects = waiting.contained_objects;
            object.contained_objects.reverse();
        }
        match layer.parent {
            Some(parent) => objects.entry(parent.0).or_default().contained_objects.push(object),
            None => {
                object.file_name = own;
                let root =
                    Root { magic: "CLAMJSONv0", root_file_type: report.file_type.clamav_name(), object };
                return Ok(serde_json::to_string_pretty(&root)?);
            }
        }
    }
    Err(io::Error::other("the report names no layers"))
}

impl<'a> Object<'a> {
    fn of(layer: &'a LayerSummary) -> Self {
        Self {
            file_name: &layer.name,
            file_type: layer.file_type.clamav_name(),
            file_size: layer.length,
            file_md5: layer.md5.map(|sum| hexadecimal(&sum)),
            ..Self::default()
        }
    }
}
