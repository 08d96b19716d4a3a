//! What makes templates of workers while the daemon has threads.

use std::fs::File;

use candor::store::Compiler;
use candor_database::Image;
use candor_sandbox::{Sandbox, worker};

use crate::settings::Settings;

/// For scans, and for compilations.
#[derive(Debug)]
pub struct Nurseries {
    /// Compiles databases.
    pub compiler: Compiler,
    settings: Settings,
}

impl Nurseries {
    /// Prepares both. To be called while this program has one thread.
    ///
    /// # Errors
    /// There is no jail on this machine.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self { compiler: Compiler::start()?, settings: settings.clone() })
    }

    /// Workers for an image; for the built-in signatures when there is none.
    ///
    /// # Errors
    /// None comes up.
    pub fn sandbox(&self, image: Option<&File>) -> anyhow::Result<Sandbox> {
        let image = match image {
            Some(file) => Image::open(file)?,
            None => candor::store::built_in_image()?,
        };
        let (options, max_time) = (&self.settings.options, self.settings.max_time);
        let work = |jailed| worker::scan(jailed, &image, options, max_time);
        Ok(Sandbox::start(self.settings.setup(), work)?)
    }
}
