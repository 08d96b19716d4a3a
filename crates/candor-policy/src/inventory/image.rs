//! Images of containers: what `docker save` writes, and OCI layouts, in a tar archive or as a folder.
//!
//! Formats: `manifest.json` of `docker save`; <https://github.com/opencontainers/image-spec>: `index.json` leads
//! to manifests, these to layers, all by their digests below `blobs/`. A layer is a tar archive, often
//! compressed. It hides what lies in layers below by names: `.wh.NAME` hides `NAME`, `.wh..wh..opq` all else in
//! its folder. So layers are read from the top, and what was seen or hidden is not looked at again.

use std::collections::{BTreeMap, BTreeSet};

use candor_model::FileType;
use serde_json::Value;

use super::inside::{Found, Inside};
use super::items::Beside;
use super::members::{self, Wish};
use super::{CoverageState, Interest};

/// Bytes of a layer when it is unpacked.
const LAYER: u64 = 1 << 30;
/// Bytes of a description of an image.
const DESCRIPTION: u64 = 16 << 20;
/// Bytes of the paths that are remembered.
const PATHS: usize = 256 << 20;
/// Images in one archive, and layers of one image.
const IMAGES: usize = 64;
const LAYERS: usize = 512;

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
    let mut places: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let base = bytes.as_ptr().addr();
    let mut wants = |_: &str| Wish::Give(LAYER);
    let trouble = members::each(FileType::PosixTar, bytes, &mut wants, &mut |member, content| {
        // Members of a tar archive stand in it as they are.
        if let Some(at) = content.as_ptr().addr().checked_sub(base) {
            places.insert(plain(member), (at, content.len()));
        }
        places.len() < 200_000
    });
    let file = |(name, (at, length))| Some((name, super::bytes::run(bytes, at, length)?));
    let files = Files(places.into_iter().filter_map(file).collect());
    files.read(name, trouble, "it is an archive, and no image of a container", interest, give)
}

/// Reads an image of which the files of its layout are there one by one: `index` is `index.json`.
pub(super) fn layout(
    name: &str,
    index: &[u8],
    blobs: &[Beside<'_>],
    interest: &dyn Interest,
    give: &mut dyn FnMut(Found),
) -> CoverageState {
    let mut files: BTreeMap<String, &[u8]> =
        blobs.iter().map(|blob| (blob.name.to_owned(), blob.bytes)).collect();
    files.insert("index.json".to_owned(), index);
    Files(files).read(name, None, "its index leads to no image of a container", interest, give)
}

/// The files of a layout.
struct Files<'a>(BTreeMap<String, &'a [u8]>);

impl<'a> Files<'a> {
    fn read(
        &self,
        name: &str,
        trouble: Option<String>,
        none: &str,
        interest: &dyn Interest,
        give: &mut dyn FnMut(Found),
    ) -> CoverageState {
        let images = self.images();
        if images.is_empty() {
            return CoverageState::NotRead(none.to_owned());
        }
        let mut state = trouble.map_or(CoverageState::Read, CoverageState::Partly);
        let mut partly = |why: String| {
            if state == CoverageState::Read {
                state = CoverageState::Partly(why);
            }
        };
        let mut inside = Inside::new(name, interest, give);
        for layers in images {
            inside.begin("", &[""]);
            let mut reading = Reading { inside: &mut inside, hidden: Hidden::default() };
            for layer in layers.iter().rev() {
                let why = match self.0.get(layer) {
                    Some(layer) => reading.layer(layer),
                    None => Some(format!("the layer {layer} is not in it")),
                };
                if let Some(why) = why {
                    partly(why);
                }
            }
            inside.finish();
        }
        if inside.is_full() {
            partly("there is more in it than is told".to_owned());
        }
        state
    }

    fn json(&self, name: &str) -> Option<Value> {
        let bytes = self.0.get(name);
        let bytes =
            bytes.filter(|bytes| u64::try_from(bytes.len()).is_ok_and(|length| length <= DESCRIPTION))?;
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

struct Reading<'i, 'a, 'give> {
    inside: &'i mut Inside<'a, 'give>,
    hidden: Hidden,
}

impl Reading<'_, '_, '_> {
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
                if !is_mark
                    && !self.hidden.hides(&path)
                    && let Some(wish) = self.inside.wish(&path)
                {
                    self.inside.file(&wish.path, content, None);
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
    fn a_layout_of_which_the_files_are_there_one_by_one_is_read() {
        let layer = candor_fixtures::stream::gzip(&archive(&[("lib/apk/db/installed", b"P:musl\nV:1\n")]));
        let blob = |name, bytes| Beside { name, bytes };
        let blobs = [
            blob("blobs/sha256/m", &br#"{"layers":[{"digest":"sha256:l"}]}"#[..]),
            blob("blobs/sha256/l", &layer),
        ];
        let mut names = Vec::new();
        let index = br#"{"manifests":[{"digest":"sha256:m"}]}"#;
        let mut take = |found| {
            if let Found::Item(item) = found {
                names.push(item.name);
            }
        };
        assert_eq!(layout("image", index, &blobs, &Nothing, &mut take), CoverageState::Read);
        assert_eq!(names, ["musl"]);
        let state = layout("image", index, &blobs[..1], &Nothing, &mut |_| ());
        assert_eq!(state, CoverageState::Partly("the layer blobs/sha256/l is not in it".to_owned()));
        let state = layout("image", b"{}", &blobs, &Nothing, &mut |_| ());
        assert!(matches!(state, CoverageState::NotRead(_)));
    }

    #[test]
    fn an_archive_that_is_no_image_is_told() {
        let (names, state) = seen(&archive(&[("a", b"b")]));
        assert!(names.is_empty());
        assert!(matches!(state, CoverageState::NotRead(_)));
    }
}
