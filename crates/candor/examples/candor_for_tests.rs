//! `candor` with keys of tests in place of ClamAV's: the only way to change whom it believes is another program.

use std::path::PathBuf;
use std::process::ExitCode;

use candor_fixtures::release::trust;

fn main() -> ExitCode {
    candor::main_with(&candor::Program {
        trust: trust(),
        fetcher: std::env::var_os("CANDOR_TEST_FETCHER").map(PathBuf::from).unwrap_or_default(),
    })
}
