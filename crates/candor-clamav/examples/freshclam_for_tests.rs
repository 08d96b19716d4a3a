//! `freshclam` with keys of tests in place of ClamAV's: the only way to change whom it believes is another program.

use std::path::PathBuf;
use std::process::ExitCode;

use candor_clamav::freshclam::{Program, run};
use candor_fixtures::release::trust;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    let program = Program {
        trust: trust(),
        fetcher: std::env::var_os("CANDOR_TEST_FETCHER").map(PathBuf::from).unwrap_or_default(),
    };
    run(program, &called.to_string_lossy(), arguments.collect())
}
