//! What makes templates of workers while the daemon has threads: for scans, and for compilations.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::Context as _;
use candor::store::Compiler;
use candor_database::Image;
use candor_sandbox::{Jailed, Nursery, Sandbox, worker};

use crate::settings::Settings;

/// Both.
#[derive(Debug)]
pub struct Nurseries {
    /// Compiles databases.
    pub compiler: Compiler,
    scans: Nursery,
}

impl Nurseries {
    /// Starts them. To be called while this program has one thread, and from one that lives as long as they do.
    ///
    /// # Errors
    /// There is no jail on this machine.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        let (options, max_time) = (settings.options.clone(), settings.max_time);
        let open = |file: Option<OwnedFd>| match file {
            Some(file) => Image::open(&File::from(file)).map_err(io::Error::other),
            None => candor::store::built_in_image().map_err(io::Error::other),
        };
        let work = move |jailed: Jailed, image: &Image| worker::scan(jailed, image, &options, max_time);
        let scans = Nursery::start(settings.setup(), open, work);
        let scans =
            scans.context("files cannot be scanned in a jail here (`candor doctor` says what is missing)")?;
        Ok(Self { compiler: Compiler::start()?, scans })
    }

    /// Workers for an image; for the built-in signatures when there is none.
    ///
    /// # Errors
    /// None comes up.
    pub fn sandbox(&self, image: Option<&File>) -> anyhow::Result<Sandbox> {
        Ok(self.scans.sandbox(image.map(File::as_fd))?)
    }
}
