//! Writing a file in one step: other processes map images while they are replaced.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context as _;
use candor_database::Image;

use crate::escape::Escaped;

/// Writes an image so that readers see all of it or nothing, and only if it reads back as one: that is
/// cheaper to find out here than on every machine it goes to.
///
/// `accept` is asked about it before it is in its place.
pub(crate) fn write_image(
    path: &Path,
    bytes: &mut dyn Read,
    accept: fn(&Image) -> anyhow::Result<()>,
) -> anyhow::Result<Image> {
    let mut image = None;
    write_checked(path, bytes, &mut |file| {
        let opened = Image::open(file)?;
        opened.check()?;
        accept(&opened)?;
        image = Some(opened);
        Ok(())
    })?;
    image.context("the image was not checked")
}

/// Writes a file so that readers see all of it or nothing.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_checked(path, &mut &*bytes, &mut |_| Ok(()))
}

fn write_checked(
    path: &Path,
    bytes: &mut dyn Read,
    check: &mut dyn FnMut(&File) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let name = || format!("cannot write {}", Escaped::os(path.as_os_str()));
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".candor-")
        .suffix(".temporary")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(directory)
        .with_context(name)?;
    std::io::copy(bytes, &mut file).with_context(name)?;
    file.as_file().sync_all().with_context(name)?;
    check(file.as_file()).with_context(name)?;
    file.persist(path).map_err(|error| error.error).with_context(name)?;
    Ok(())
}
