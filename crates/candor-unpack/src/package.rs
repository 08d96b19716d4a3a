//! What kind of package an archive is, by the names in it. It changes nothing about how it is opened.

use candor_model::Sink;

/// The surest kind that the names so far speak for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Package(Option<(u8, &'static str)>);

impl Package {
    /// Looks at the name of a member.
    pub(crate) fn see(&mut self, name: &str) {
        let last = name.rsplit('/').next().unwrap_or(name);
        let depth = name.matches('/').count();
        let kind = match (depth, last) {
            (0, "AndroidManifest.xml") => (2, "Android package"),
            (0, "BundleConfig.pb") => (3, "Android app bundle"),
            (1, "MANIFEST.MF") if name.starts_with("META-INF/") => (1, "Java archive"),
            (1, "WHEEL") if name.ends_with(".dist-info/WHEEL") => (2, "Python wheel"),
            (2, "Info.plist") if name.starts_with("Payload/") => (2, "iOS app"),
            (0, "extension.vsixmanifest") => (3, "Visual Studio extension"),
            (0, _) if name.ends_with(".nuspec") => (2, "NuGet package"),
            (0, "oci-layout") => (3, "OCI image"),
            (0, "repositories") | (1, "layer.tar") => (2, "Docker image"),
            (1, "package.json") if name.starts_with("package/") => (2, "npm package"),
            (1, "Cargo.toml.orig" | ".cargo_vcs_info.json") => (2, "Rust crate"),
            (1, "PKG-INFO") => (1, "Python source distribution"),
            (0, "metadata.gz") => (1, "Ruby gem"),
            (0, ".PKGINFO") => (2, "Arch Linux or Alpine package"),
            _ => return,
        };
        if self.0.is_none_or(|(known, _)| known < kind.0) {
            self.0 = Some(kind);
        }
    }

    /// Tells what was seen, if anything.
    pub(crate) fn tell(self, sink: &mut dyn Sink) {
        if let Some((_, kind)) = self.0 {
            sink.detail("package", kind.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use candor_fixtures::{archive, zip_methods};
    use candor_model::FileType;

    use crate::collected::Collected;

    fn kind(file_type: FileType, bytes: &[u8]) -> Option<String> {
        let found = Collected::of(file_type, bytes);
        found.details.into_iter().find(|(key, _)| *key == "package").map(|(_, value)| value)
    }

    #[test]
    fn packages_are_told_by_the_names_in_them() {
        for (names, expected) in [
            (&["META-INF/MANIFEST.MF", "a.class"][..], Some("Java archive")),
            (&["META-INF/MANIFEST.MF", "AndroidManifest.xml", "classes.dex"], Some("Android package")),
            (&["a/__init__.py", "a-1.0.dist-info/WHEEL"], Some("Python wheel")),
            (&["x/META-INF/MANIFEST.MF", "WHEEL"], None),
        ] {
            let members: Vec<_> = names.iter().map(|name| zip_methods::pack(name, b"x", 8)).collect();
            assert_eq!(kind(FileType::Zip, &zip_methods::archive(&members)).as_deref(), expected);
        }
        for (names, expected) in [
            (&["manifest.json", "repositories", "0a1b/layer.tar"][..], Some("Docker image")),
            (&["manifest.json", "repositories", "blobs/sha256/0a", "oci-layout"], Some("OCI image")),
            (&["package/package.json", "package/index.js"], Some("npm package")),
            (&["a-1.0.0/Cargo.toml.orig", "a-1.0.0/src/lib.rs"], Some("Rust crate")),
            (&["other/package.json"], None),
        ] {
            let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"x"[..])).collect();
            assert_eq!(kind(FileType::PosixTar, &archive::tar(&files)).as_deref(), expected);
        }
    }
}
