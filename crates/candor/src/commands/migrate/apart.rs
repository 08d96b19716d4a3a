//! A file taken apart, in the jail or, on request, in this process.

use std::fs::File;
use std::os::fd::AsFd as _;

use anyhow::Context as _;
use candor_database::Image;
use candor_engine::{Options, Scanner};
use candor_model::{Interrupt, Report};
use candor_sandbox::input::{Buffer, Reading};
use candor_sandbox::message::Answer;
use candor_sandbox::{Parcel, Piece, Sandbox, Showing, Task, guarded, worker};

use crate::settings::LimitOptions;

/// Takes files apart.
pub(super) struct Apart<'a> {
    sandbox: Option<Sandbox>,
    image: &'a Image,
    options: Options,
    limits: &'a LimitOptions,
}

impl<'a> Apart<'a> {
    /// Makes the jail, unless it is not wanted.
    pub(super) fn start(
        image: &'a Image,
        options: Options,
        limits: &'a LimitOptions,
        jailed: bool,
    ) -> anyhow::Result<Self> {
        let sandbox = if jailed {
            let setup = limits.setup(Task::Scan);
            let max_time = setup.max_time;
            let work = |jailed| worker::scan(jailed, image, &options, max_time);
            Some(Sandbox::start(setup, work).context(crate::commands::scan::NO_JAIL)?)
        } else {
            None
        };
        Ok(Self { sandbox, image, options, limits })
    }

    /// Takes one file apart; gives what comes out to `say`, with the bytes of its layers.
    ///
    /// # Errors
    /// Why it was not looked at to the end, for people. What came before stands.
    pub(super) fn take(
        &self,
        name: String,
        file: &File,
        length: u64,
        say: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Report, String> {
        const TOO_LARGE: &str = "it is larger than the limit of --max-file-size";
        let defect = |defect| format!("{defect}; this is a defect of candor");
        let Some(sandbox) = &self.sandbox else {
            let mut buffer = Buffer::default();
            match buffer.read(file, length, self.limits.max_file_size.0) {
                Reading::Complete => (),
                Reading::Partial(why) | Reading::Failed(why) => return Err(why),
                Reading::TooLarge(_) => return Err(TOO_LARGE.to_owned()),
                Reading::Special(kind) => return Err(format!("it is {kind}, not a file")),
            }
            let mut showing = Showing::new(true, say);
            let mut scanner = Scanner::new(self.image, self.options.clone());
            return guarded(|| scanner.scan_observed(buffer.bytes(), &name, &Interrupt::new(), &mut showing))
                .map_err(defect);
        };
        let parcel = Parcel {
            name,
            file: file.as_fd(),
            length,
            contents: true,
            max_layers: self.limits.max_files,
            max_bytes: self.limits.max_scan_size.0,
        };
        match candor_sandbox::unpack(sandbox, &parcel, say) {
            Ok(Answer::Scanned { partial: None, report, .. }) => Ok(*report),
            Ok(Answer::Scanned { partial: Some(why), .. } | Answer::Unreadable(why)) => Err(why),
            Ok(Answer::TooLarge(_)) => Err(TOO_LARGE.to_owned()),
            Ok(Answer::Defect(words)) => Err(defect(words)),
            Err(error) => Err(error.to_string()),
        }
    }
}
