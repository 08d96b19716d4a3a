//! Tests as an ordinary user, besides as whoever runs them.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use candor_fixtures::programs;

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// Set in the copy of the test program that runs as an ordinary user.
const AGAIN: &str = "CANDOR_TEST_AS_NOBODY";

/// Runs a test once more as an ordinary user, if this is root.
pub(crate) fn as_nobody_too(test: &str) {
    if !rustix::process::geteuid().is_root() || std::env::var_os(AGAIN).is_some() {
        return;
    }
    // The program may lie where only root can read.
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("tests");
    programs::copy(std::env::current_exe().unwrap(), &copy);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(place.path(), mode).unwrap();
    let output = Command::new(&copy)
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(AGAIN, "1")
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
