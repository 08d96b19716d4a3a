//! `--gen-json --leave-temps`: what a file consists of, in ClamAV's JSON, in a folder of its own.
//!
//! The sums of layers cost taking the file apart once more, in a worker that gives out what comes of it: the one
//! that scanned it keeps its layers to itself.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use candor_model::{LayerSummary, Limits, Report};
use candor_sandbox::{Parcel, Piece, Sandbox, input, unpack};
use md5::{Digest as _, Md5};
use rustix::fs::CWD;
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
    file_md5: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contained_objects: Vec<Self>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    viruses: Vec<String>,
}

/// A layer whose bytes are coming.
struct Coming {
    name: String,
    length: u64,
    came: u64,
    sum: Md5,
}

/// MD5 sums of the layers of a file, by their numbers. Those that are not what the report says are left out: the file
/// may have changed since it was scanned, or not be there any more.
pub(super) fn sums(
    sandbox: &Sandbox,
    subject: &Subject,
    report: &Report,
    limits: &Limits,
) -> HashMap<u32, String> {
    let mut coming: HashMap<u32, Coming> = HashMap::new();
    if again(sandbox, subject, limits, &mut coming).is_none() {
        return HashMap::new();
    }
    let fits = |layer: &LayerSummary| {
        let Coming { name, length, came, sum } = coming.remove(&layer.id.0)?;
        let is_whole = came == length && length == layer.length;
        (is_whole && name == layer.name).then(|| (layer.id.0, hexadecimal(&sum.finalize())))
    };
    report.layers.iter().filter_map(fits).collect()
}

/// Takes a file apart once more.
fn again(
    sandbox: &Sandbox,
    subject: &Subject,
    limits: &Limits,
    coming: &mut HashMap<u32, Coming>,
) -> Option<()> {
    let path = CString::new(subject.path.clone()).ok()?;
    let opened = input::open(CWD, &path, true).ok()?;
    if subject.identity != Some(opened.identity) {
        return None;
    }
    let mut file = File::from(opened.file);
    let mut root = Md5::new();
    let mut buffer = vec![0; 64 << 10];
    let mut read = 0_u64;
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            length => {
                root.update(buffer.get(..length).unwrap_or_default());
                read = read.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            }
        }
    }
    file.rewind().ok()?;
    let own = String::from_utf8_lossy(&subject.path).rsplit('/').next().unwrap_or_default().to_owned();
    let parcel = Parcel {
        name: own,
        file: file.as_fd(),
        length: opened.length,
        contents: true,
        max_layers: limits.max_children,
        max_bytes: limits.max_scan_size,
    };
    let taken = unpack(sandbox, &parcel, &mut |piece| match piece {
        Piece::Layer(layer) => {
            let LayerSummary { name, length, .. } = layer.clone();
            coming.insert(layer.id.0, Coming { name, length, came: 0, sum: Md5::new() });
        }
        Piece::Content(id, bytes) => {
            if let Some(layer) = coming.get_mut(&id.0) {
                layer.sum.update(bytes);
                layer.came = layer.came.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            }
        }
        Piece::Facts(..) => (),
    });
    // The file itself does not come back.
    if let Some(layer) = coming.get_mut(&0) {
        (layer.sum, layer.came) = (root, read);
    }
    taken.ok().map(drop)
}

/// Writes `metadata.json` into a new folder below `folder`.
pub(super) fn write(
    folder: &Path,
    subject: &Subject,
    report: &Report,
    sums: &HashMap<u32, String>,
) -> io::Result<()> {
    let path = String::from_utf8_lossy(&subject.path);
    let own = path.rsplit('/').next().unwrap_or_default();
    let stamp = Moment::of(clock::seconds()).stamp();
    for attempt in 0..ATTEMPTS {
        let place = folder.join(format!("{stamp}-{own}.{:04x}{attempt:06x}", std::process::id() & 0xffff));
        match DirBuilder::new().mode(0o700).create(&place) {
            Ok(()) => return fs::write(place.join("metadata.json"), text(own, report, sums)?),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn text(own: &str, report: &Report, sums: &HashMap<u32, String>) -> io::Result<String> {
    let mut objects: HashMap<u32, Object<'_>> = HashMap::new();
    let mut viruses: HashMap<u32, Vec<String>> = HashMap::new();
    for finding in &report.findings {
        viruses.entry(finding.layer.0).or_default().push(name(finding));
    }
    // The last one opened is in none that was opened after it.
    for layer in report.layers.iter().rev() {
        let mut object =
            Object { viruses: viruses.remove(&layer.id.0).unwrap_or_default(), ..Object::of(layer, sums) };
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
    fn of(layer: &'a LayerSummary, sums: &'a HashMap<u32, String>) -> Self {
        Self {
            file_name: &layer.name,
            file_type: layer.file_type.clamav_name(),
            file_size: layer.length,
            file_md5: sums.get(&layer.id.0).map(String::as_str),
            ..Self::default()
        }
    }
}
