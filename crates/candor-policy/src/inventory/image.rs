//! Images of containers: what `docker save` writes, and OCI layouts in a tar archive.
//!
//! Formats: `manifest.json` of `docker save`; <https://github.com/opencontainers/image-spec>: `index.json` leads
//! to manifests, these to layers, all by their digests below `blobs/`. A layer is a tar archive, often
//! compressed. It hides what lies in layers below by names: `.wh.NAME` hides `NAME`, `.wh..wh..opq` all else in
//! its folder. So layers are read from the top, and what was seen or hidden is not looked at again.

use std::collections::{BTreeMap, BTreeSet};

use candor_model::FileType;
use serde_json::Value;

use super::members::{self, Wish};
use super::{Coverage, CoverageState, Interest, Item, ItemKind, Items, plan};

/// Bytes of a layer when it is unpacked.
const LAYER: u64 = 1 << 30;
/// Bytes of a description of an image.
const DESCRIPTION: u64 = 16 << 20;
/// Bytes of the paths that are remembered.
const PATHS: usize = 256 << 20;
/// Images in one archive, and layers of one image.
const IMAGES: usize = 64;
const LAYERS: usize = 512;

/// What comes of an image.
pub(super) enum Found {
    Item(Item),
    Coverage(Coverage),
}

/// Whether bytes are a tar archive that may hold an image.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

/// Reads an image; gives items, and what became of the sources in it. Paths are told as `ARCHIVE!PATH`.
pub(super) fn read(
    name: &str,
    bytes: &[u8],
    interest: &dyn Interest,
    give: &mut dyn FnMut(Found),
) -> CoverageState {
    let mut files: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let base = bytes.as_ptr().addr();
    let mut wants = |_: &str| Wish::Give(LAYER);
    let trouble = members::each(FileType::PosixTar, bytes, &mut wants, &mut |member, content| {
        // Members of a tar archive stand in it as they are.
        if let Some(at) = content.as_ptr().addr().checked_sub(base) {
            files.insert(plain(member), (at, content.len()));
        }
        files.len() < 200_000
    });
    let archive = Archive { bytes, files };
    let images = archive.images();
    if images.is_empty() {
        return CoverageState::NotRead("it is an archive, and no image of a container".to_owned());
    }
    let mut state = trouble.map_or(CoverageState::Read, CoverageState::Partly);
    for layers in images {
        let mut reading = Reading { name, interest, give, hidden: Hidden::default() };
        for layer in layers.iter().rev() {
            let why = match archive.layer(layer) {
                Some(layer) => reading.layer(layer),
                None => Some(format!("the layer {layer} is not in it")),
            };
            if let (Some(why), CoverageState::Read) = (why, &state) {
                state = CoverageState::Partly(why);
            }
        }
    }
    state
}

struct Archive<'a> {
    bytes: &'a [u8],
    /// Where each member is.
    files: BTreeMap<String, (usize, usize)>,
}

impl<'a> Archive<'a> {
    fn layer(&self, name: &str) -> Option<&'a [u8]> {
        let (at, length) = *self.files.get(name)?;
        super::bytes::run(self.bytes, at, length)
    }

    fn json(&self, name: &str) -> Option<Value> {
        let bytes = self
            .layer(name)
            .filter(|bytes| u64::try_from(bytes.len()).is_ok_and(|length| length <= DESCRIPTION))?;
        serde_json::from_slice(bytes).ok()
    }

    /// The layers of each image, the lowest first.
    fn images(&self) -> Vec<Vec<String>> {
        let text = |value: &Value| value.as_str().map(plain);
        let mut images = Vec::new();
        if let Some(Value::Array(manifest)) = self.json("manifest.json") {
            for image in manifest.iter().take(IMAGES) {
                let layers = image.get("Layers").and_then(Value::as_array);
                images.push(layers.into_iter().flatten().take(LAYERS).filter_map(text).collect());
            }
        } else if let Some(index) = self.json("index.json") {
            self.index(&index, 4, &mut images);
        }
        images
    }

    /// Manifests that an index leads to; an index may lead to others.
    fn index(&self, index: &Value, depth: u32, images: &mut Vec<Vec<String>>) {
        for entry in index.get("manifests").and_then(Value::as_array).into_iter().flatten().take(IMAGES) {
            let Some(manifest) = blob(entry).and_then(|name| self.json(&name)) else { continue };
            if let Some(layers) = manifest.get("layers").and_then(Value::as_array) {
                if images.len() < IMAGES {
                    images.push(layers.iter().take(LAYERS).filter_map(blob).collect());
                }
            } else if let Some(depth) = depth.checked_sub(1) {
                self.index(&manifest, depth, images);
            }
        }
    }
}

/// The member that a descriptor leads to.
fn blob(descriptor: &Value) -> Option<String> {
    let (algorithm, digest) = descriptor.get("digest")?.as_str()?.split_once(':')?;
    Some(format!("blobs/{algorithm}/{digest}"))
}

/// A path without what says nothing in front.
fn plain(path: &str) -> String {
    path.trim_start_matches("./").trim_start_matches('/').to_owned()
}

/// What layers above have or hide.
#[derive(Default)]
struct Hidden {
    seen: BTreeSet<String>,
    /// Files and folders that are gone.
    gone: BTreeSet<String>,
    /// Folders of which nothing from below remains.
    emptied: BTreeSet<String>,
    bytes: usize,
}

impl Hidden {
    fn hides(&self, path: &str) -> bool {
        if self.seen.contains(path) || self.gone.contains(path) {
            return true;
        }
        let mut folder = path;
        while let Some((above, _)) = folder.rsplit_once('/') {
            if self.gone.contains(above) || self.emptied.contains(above) {
                return true;
            }
            folder = above;
        }
        self.emptied.contains("")
    }

    /// Takes what a layer has; says whether there is room for more.
    fn take(&mut self, paths: Vec<String>) -> bool {
        for path in paths {
            self.bytes = self.bytes.saturating_add(path.len()).saturating_add(64);
            if self.bytes > PATHS {
                return false;
            }
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            match name.strip_prefix(".wh.") {
                Some(".wh..opq") => self.emptied.insert(folder.to_owned()),
                Some(gone) => {
                    let slash = if folder.is_empty() { "" } else { "/" };
                    self.gone.insert(format!("{folder}{slash}{gone}"))
                }
                None => self.seen.insert(path),
            };
        }
        true
    }
}

struct Reading<'a, 'give> {
    name: &'a str,
    interest: &'a dyn Interest,
    give: &'give mut dyn FnMut(Found),
    hidden: Hidden,
}

impl Reading<'_, '_> {
    /// Reads a layer, compressed or not; says why not wholly.
    fn layer(&mut self, bytes: &[u8]) -> Option<String> {
        let kind = match bytes.get(..4)? {
            [0x1f, 0x8b, ..] => FileType::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => FileType::Zstd,
            _ => return self.files(bytes),
        };
        let mut why = None;
        let trouble = members::each(kind, bytes, &mut |_| Wish::Give(LAYER), &mut |_, content| {
            why = self.files(content);
            false
        });
        trouble.or(why)
    }

    fn files(&mut self, bytes: &[u8]) -> Option<String> {
        let mut paths = Vec::new();
        let mut held = 0_usize;
        let trouble =
            members::each(FileType::PosixTar, bytes, &mut |_| Wish::Give(LAYER), &mut |member, content| {
                let path = plain(member);
                let is_mark = path.rsplit('/').next().is_some_and(|name| name.starts_with(".wh."));
                if !is_mark && !self.hidden.hides(&path) {
                    self.file(&path, content);
                }
                held = held.saturating_add(path.len()).saturating_add(64);
                paths.push(path);
                held < PATHS
            });
        if held >= PATHS || !self.hidden.take(paths) {
            return Some("it has more files than are remembered".to_owned());
        }
        trouble
    }

    fn file(&mut self, path: &str, content: &[u8]) {
        if self.interest.is_wanted(path, false) {
            let name = path.rsplit('/').next().unwrap_or_default();
            let item = Item::new(ItemKind::File, name).at_path(path).seen_in(path);
            self.item("walk", item);
        }
        let Some(reader) = plan::reader_of(path) else { return };
        let mut found = Vec::new();
        let mut take = |item: Item| found.push(item);
        let mut coverage = reader.read(path, content, &mut take);
        for item in found {
            let inside = item
                .place
                .inside
                .clone()
                .map_or_else(|| path.to_owned(), |inside| format!("{path}: {inside}"));
            self.item(reader.name(), item.seen_in(&inside));
        }
        coverage.path = Item::new(ItemKind::File, &format!("{}!{path}", self.name)).name;
        (self.give)(Found::Coverage(coverage));
    }

    fn item(&mut self, reader: &'static str, item: Item) {
        let mut take = |item: Item| (self.give)(Found::Item(item));
        Items::new(reader, self.name, &mut take).push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_fixtures::archive::tar;

    struct Nothing;

    impl Interest for Nothing {
        fn is_wanted(&self, path: &str, _: bool) -> bool {
            path == "opt/vendor/scanner"
        }
    }

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        tar(files)
    }

    fn seen(image: &[u8]) -> (Vec<String>, CoverageState) {
        let mut names = Vec::new();
        let state = read("image.tar", image, &Nothing, &mut |found| {
            if let Found::Item(item) = found {
                names.push(format!("{} {}", item.name, item.place.inside.unwrap_or_default()));
            }
        });
        (names, state)
    }

    fn status(name: &str) -> Vec<u8> {
        format!("Package: {name}\nVersion: 1\n").into_bytes()
    }

    #[test]
    fn the_topmost_layer_counts() {
        let low = archive(&[("var/lib/dpkg/status", &status("old")), ("opt/vendor/scanner", b"x")]);
        let high = archive(&[("./var/lib/dpkg/status", &status("new"))]);
        let manifest = br#"[{"Config":"c","Layers":["a/layer.tar","b/layer.tar"]}]"#;
        let image = archive(&[("manifest.json", manifest), ("a/layer.tar", &low), ("b/layer.tar", &high)]);
        let (names, state) = seen(&image);
        assert_eq!(names, ["new var/lib/dpkg/status: new", "scanner opt/vendor/scanner"]);
        assert_eq!(state, CoverageState::Read);
    }

    #[test]
    fn what_a_layer_hides_is_gone() {
        let low = archive(&[
            ("var/lib/dpkg/status", &status("old")),
            ("opt/vendor/scanner", b"x"),
            ("etc/hosts", b"1.2.3.4 a.example.com"),
        ]);
        for (mark, left) in [
            ("opt/.wh.vendor", vec!["old var/lib/dpkg/status: old", "a.example.com etc/hosts: line 1"]),
            (
                "opt/vendor/.wh..wh..opq",
                vec!["old var/lib/dpkg/status: old", "a.example.com etc/hosts: line 1"],
            ),
            (
                "etc/.wh.host",
                vec![
                    "old var/lib/dpkg/status: old",
                    "scanner opt/vendor/scanner",
                    "a.example.com etc/hosts: line 1",
                ],
            ),
            (".wh..wh..opq", vec![]),
        ] {
            let high = archive(&[(mark, b"")]);
            let manifest = br#"[{"Layers":["a","b"]}]"#;
            let image = archive(&[("manifest.json", manifest), ("a", &low), ("b", &high)]);
            assert_eq!(seen(&image).0, left, "{mark}");
        }
    }

    #[test]
    fn layouts_of_oci_with_compressed_layers_are_read() {
        let layer = candor_fixtures::stream::gzip(&archive(&[("lib/apk/db/installed", b"P:musl\nV:1\n")]));
        let image = archive(&[
            ("oci-layout", b"{}"),
            ("index.json", br#"{"manifests":[{"digest":"sha256:i"}]}"#),
            ("blobs/sha256/i", br#"{"manifests":[{"digest":"sha256:m"}]}"#),
            ("blobs/sha256/m", br#"{"layers":[{"digest":"sha256:l"},{"digest":"sha256:missing"}]}"#),
            ("blobs/sha256/l", &layer),
        ]);
        let (names, state) = seen(&image);
        assert_eq!(names, ["musl lib/apk/db/installed: musl"]);
        assert_eq!(state, CoverageState::Partly("the layer blobs/sha256/missing is not in it".to_owned()));
    }

    #[test]
    fn an_archive_that_is_no_image_is_told() {
        let (names, state) = seen(&archive(&[("a", b"b")]));
        assert!(names.is_empty());
        assert!(matches!(state, CoverageState::NotRead(_)));
    }
}
