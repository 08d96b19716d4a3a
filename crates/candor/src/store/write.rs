//! Writing a file in one step: other processes map images while they are replaced.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use anyhow::Context as _;
use candor_database::Image;
use rustix::fs::{AtFlags, CWD};
use tempfile::TempPath;

use crate::escape::Escaped;

/// Bytes of an image that are read at once while it is checked.
const READ: usize = 256 << 10;

/// Gives an image that was compiled a name, so that readers see all of it or nothing, and only if it reads back as one:
/// that is cheaper to find out here than on every machine it goes to. Where it lies on another disk, or on none, it is copied.
///
/// `accept` is asked about it before it is in its place.
pub(crate) fn write_image(
    path: &Path,
    mut compiled: &File,
    accept: fn(&Image) -> anyhow::Result<()>,
) -> anyhow::Result<Image> {
    let name = || format!("cannot write {}", Escaped::os(path.as_os_str()));
    let mut image = None;
    let mut check = |file: &File| {
        let opened = Image::open(file)?;
        check_image(&opened, file)?;
        accept(&opened)?;
        image = Some(opened);
        Ok(())
    };
    if let Some(linked) = link(path, compiled) {
        compiled.sync_all().with_context(name)?;
        check(compiled).with_context(name)?;
        linked.persist(path).map_err(|error| error.error).with_context(name)?;
    } else {
        compiled.rewind().with_context(name)?;
        write_checked(path, &mut compiled, &mut check)?;
    }
    image.context("the image was not checked")
}

/// Compares every byte of an image with its checksums, by reading the file that it is mapped from: what is mapped and looked
/// at is this process's memory as long as the image is.
pub(crate) fn check_image(image: &Image, mut file: &File) -> anyhow::Result<()> {
    file.rewind()?;
    image.check_read(&mut BufReader::with_capacity(READ, file))?;
    Ok(())
}

/// Gives a file that has no name one beside `path`, which goes again unless it becomes that one. `None` where that cannot
/// be.
fn link(path: &Path, file: &File) -> Option<TempPath> {
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = |beside: &Path| {
        rustix::fs::linkat(CWD, own.as_str(), CWD, beside, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
    };
    Some(beside().make_in(directory(path), link).ok()?.into_temp_path())
}

/// Names of files that are not finished.
fn beside() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".candor-").suffix(".temporary");
    builder
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
    let mut file = beside()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(directory(path))
        .with_context(name)?;
    io::copy(bytes, &mut file).with_context(name)?;
    file.as_file().sync_all().with_context(name)?;
    check(file.as_file()).with_context(name)?;
    file.persist(path).map_err(|error| error.error).with_context(name)?;
    Ok(())
}
