//! Compiles the built-in signatures into an image that the program carries, and names the compiler of
//! signatures, so that cached images are never used by a program that would have made others.

use std::path::{Path, PathBuf};
use std::{env, fs};

use candor_database::Builder;
use candor_signature::{Input, clamav};
use sha2::{Digest as _, Sha256};

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let output = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let signatures = manifest.join("../../signatures");
    println!("cargo::rerun-if-changed={}", signatures.display());
    fs::write(output.join("built-in.candor"), built_in(&signatures))
        .expect("the output directory is writable");

    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    for sources in ["../candor-model/src", "../candor-database/src", "../candor-signature/src"] {
        let sources = manifest.join(sources);
        println!("cargo::rerun-if-changed={}", sources.display());
        files_below(&sources).iter().for_each(|file| digest.update(fs::read(file).unwrap_or_default()));
    }
    let compiler: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=CANDOR_COMPILER={compiler}");
}

/// The image of every database in `directory`. A line that cannot be used fails the build.
fn built_in(directory: &Path) -> Vec<u8> {
    let files: Vec<(String, Vec<u8>)> = files_below(directory)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension != "md"))
        .map(|file| {
            let name = file.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
            (format!("built-in/{name}"), fs::read(&file).expect("a readable signature database"))
        })
        .collect();
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let mut builder = Builder::new();
    let mut complaints = Vec::new();
    clamav::load(&inputs, clamav::Options::default(), &mut builder, &mut |diagnostic| {
        complaints.push(diagnostic.to_string());
    });
    assert!(complaints.is_empty(), "built-in signatures:\n{}", complaints.join("\n"));
    builder.finish().expect("the built-in signatures fit into an image")
}

/// Every file below `directory`, in the order of their paths: the same on every machine.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
