//! Lists the policy files of the repository, so that each that is added there is in the program.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let policy = manifest.join("../../policy").canonicalize().expect("the folder of policies");
    println!("cargo::rerun-if-changed={}", policy.display());
    let mut text = String::from("&[\n");
    let mut add = |name: &str| {
        let path = policy.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(text, "    ({name:?}, include_str!({:?})),", path.display().to_string())
            .expect("a string takes everything");
    };
    add("version.toml");
    for folder in ["profiles", "regimes", "removal", "vendors"] {
        println!("cargo::rerun-if-changed={}", policy.join(folder).display());
        let mut names: Vec<String> = fs::read_dir(policy.join(folder))
            .expect("a folder of policies")
            .map(|entry| entry.expect("an entry of it").file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".toml"))
            .collect();
        names.sort();
        names.iter().for_each(|name| add(&format!("{folder}/{name}")));
    }
    text.push(']');
    fs::write(output.join("policy.rs"), text).expect("the output directory is writable");
}
