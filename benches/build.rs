//! Links vectorscan (or Hyperscan, which has the same interface) where it is installed.

use std::process::Command;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(vectorscan)");
    println!("cargo::rerun-if-changed=build.rs");
    let found = Command::new("pkg-config").args(["--exists", "libhs"]).status();
    if found.is_ok_and(|status| status.success()) {
        println!("cargo::rustc-cfg=vectorscan");
        println!("cargo::rustc-link-lib=hs");
    }
}
