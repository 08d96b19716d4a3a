//! Packages for Debian, by `dpkg-deb`: what of the programs, the units and the manual goes where is one table, so that
//! the test looks at what is shipped.

mod place;
mod units;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

/// The version of ClamAV whose packages are replaced.
const CLAMAV: &str = "1.4.6";

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Build the packages for Debian.
    Deb {
        /// Where to put them.
        #[arg(long, default_value = "target/packages")]
        output: PathBuf,
        /// A folder with programs that are built already; else they are built as they are released.
        #[arg(long)]
        binaries: Option<PathBuf>,
    },
    /// Build the packages, put them into the place of ClamAV's in a folder, and use them; look at the units.
    Check {
        /// As above.
        #[arg(long)]
        binaries: Option<PathBuf>,
    },
}

/// Does it.
///
/// # Errors
/// It cannot be built, or does not hold what it promises.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.what {
        What::Deb { output, binaries } => {
            for package in build(output, binaries.as_deref(), &[])? {
                println!("{}", package.display());
            }
            Ok(())
        }
        What::Check { binaries } => {
            println!("{}", units::check()?);
            println!("{}", check(binaries.as_deref())?);
            Ok(())
        }
    }
}

/// How much of the system the units leave to the daemon.
///
/// # Errors
/// More than they may.
pub(crate) fn units() -> anyhow::Result<String> {
    units::check()
}

/// Builds the packages, and uses them in the place of ClamAV's; says what was seen.
///
/// # Errors
/// They do not do what they should.
pub(crate) fn check(binaries: Option<&Path>) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let packages = build(folder.path(), binaries, &["-Znone"])?;
    place::check(&packages, folder.path())
}

/// A package: what is in it, and where it has it.
struct Package {
    name: &'static str,
    /// Programs that are built.
    programs: &'static [(&'static str, &'static str)],
    /// Files of `packaging/`.
    files: &'static [(&'static str, &'static str)],
    /// Names of ClamAV's that lead to a program.
    links: &'static [(&'static str, &'static str)],
    /// Pages of the manual and completions belong to the first that takes them.
    manual: fn(&str) -> bool,
}

/// In the order in which they are installed.
const PACKAGES: [Package; 3] = [
    Package {
        name: "candor",
        programs: &[
            ("candor", "usr/bin/candor"),
            ("candord", "usr/sbin/candord"),
            ("candor-fetch", "usr/libexec/candor/candor-fetch"),
            ("candor-token", "usr/libexec/candor/candor-token"),
        ],
        files: &[
            ("systemd/candord.service", "usr/lib/systemd/system/candord.service"),
            ("systemd/candor-update.service", "usr/lib/systemd/system/candor-update.service"),
            ("systemd/candor-update.timer", "usr/lib/systemd/system/candor-update.timer"),
            ("sysusers.d/candor.conf", "usr/lib/sysusers.d/candor.conf"),
            ("tmpfiles.d/candor.conf", "usr/lib/tmpfiles.d/candor.conf"),
            ("config/clamd.conf", "usr/share/candor/clamd.conf"),
            ("config/candord.toml", "etc/candor/candord.toml"),
            ("config/sources.toml", "etc/candor/sources.toml"),
            ("config/update.toml", "etc/candor/update.toml"),
        ],
        links: &[],
        manual: |name| name.starts_with("candor") || name.starts_with("_candor"),
    },
    Package {
        name: "candor-clamav",
        programs: &[("candor-clamav", "usr/bin/candor-clamav")],
        files: &[],
        links: &[
            ("usr/bin/clambc", "candor-clamav"),
            ("usr/bin/clamconf", "candor-clamav"),
            ("usr/bin/clamdscan", "candor-clamav"),
            ("usr/bin/clamscan", "candor-clamav"),
            ("usr/bin/sigtool", "candor-clamav"),
            ("usr/sbin/clamav-milter", "../bin/candor-clamav"),
            ("usr/sbin/clamd", "../bin/candor-clamav"),
        ],
        manual: |name| !name.contains("candor") && !name.contains("freshclam"),
    },
    Package {
        name: "candor-freshclam",
        programs: &[],
        files: &[
            ("systemd/candor-freshclam.service", "usr/lib/systemd/system/candor-freshclam.service"),
            ("config/freshclam.conf", "usr/share/candor/freshclam.conf"),
        ],
        links: &[("usr/bin/freshclam", "candor-clamav")],
        manual: |name| name.contains("freshclam"),
    },
];

/// Files that are programs for `dpkg`.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

fn build(output: &Path, binaries: Option<&Path>, options: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let root = crate::root()?;
    fs::create_dir_all(output)?;
    let binaries = match binaries {
        Some(given) => given.to_path_buf(),
        None => {
            let mut build = Command::new("cargo");
            build.current_dir(&root).args(["build", "--release", "--locked"]);
            build.args(["-p", "candor", "-p", "candord", "-p", "candor-clamav", "-p", "candor-fetch"]);
            build.args(["-p", "candor-token"]);
            crate::succeed(&mut build)?;
            crate::target()?.join("release")
        }
    };
    let mut packages = Vec::new();
    for Package { name, programs, files, links, manual: belongs } in PACKAGES {
        let staged = tempfile::tempdir()?;
        let stage = staged.path();
        for (program, place) in programs {
            let place = put(&binaries.join(program), &stage.join(place), 0o755)?;
            // Without what is for debuggers; where there is no such program, with it.
            let _ = Command::new("strip").args(["--strip-unneeded"]).arg(&place).status();
        }
        documentation(&root, stage, name)?;
        let packaging = root.join("packaging");
        for (from, to) in files {
            put(&packaging.join(from), &stage.join(to), 0o644)?;
        }
        for (link, target) in links {
            let link = stage.join(link);
            fs::create_dir_all(link.parent().context("a place in a package")?)?;
            std::os::unix::fs::symlink(target, link)?;
        }
        manual(&packaging, stage, belongs)?;
        control(&root.join("packaging/debian").join(name), stage)?;
        for folder in folders(stage)? {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
        let package = output.join(format!("{name}_{}_{}.deb", version(), architecture()?));
        let mut command = Command::new("dpkg-deb");
        command.args(["--root-owner-group", "--build"]).args(options).arg(stage).arg(&package);
        crate::succeed(command.stdout(std::process::Stdio::null()))?;
        packages.push(package);
    }
    Ok(packages)
}

fn documentation(root: &Path, stage: &Path, name: &str) -> anyhow::Result<()> {
    let folder = stage.join("usr/share/doc").join(name);
    let licence = "Candor is licensed under either of the Apache License, Version 2.0 (/usr/share/common-licenses/Apache-2.0), or \
                   the following terms, as you choose.\n\n";
    let text = fs::read_to_string(root.join("LICENSE-MIT"))?;
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("copyright"), format!("{licence}{text}"))?;
    put(&root.join("CHANGELOG.md"), &folder.join("changelog"), 0o644)?;
    Ok(())
}

/// Pages of the manual, and completions, that belong to a package.
fn manual(packaging: &Path, stage: &Path, belongs: fn(&str) -> bool) -> anyhow::Result<()> {
    let own = |path: &PathBuf| belongs(&path.file_name().unwrap_or_default().to_string_lossy());
    for page in files(&packaging.join("man"))?.into_iter().filter(own) {
        let name = page.file_name().unwrap_or_default().to_owned();
        let section = Path::new(&name).extension().unwrap_or_default().to_string_lossy().into_owned();
        put(&page, &stage.join(format!("usr/share/man/man{section}")).join(&name), 0o644)?;
    }
    for (shell, place) in [
        ("bash", "usr/share/bash-completion/completions"),
        ("fish", "usr/share/fish/vendor_completions.d"),
        ("zsh", "usr/share/zsh/vendor-completions"),
    ] {
        for file in files(&packaging.join("completions").join(shell))?.into_iter().filter(own) {
            put(&file, &stage.join(place).join(file.file_name().unwrap_or_default()), 0o644)?;
        }
    }
    Ok(())
}

fn control(from: &Path, stage: &Path) -> anyhow::Result<()> {
    let folder = stage.join("DEBIAN");
    fs::create_dir_all(&folder)?;
    for file in files(from)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file)?
            .replace("@VERSION@", &version())
            .replace("@ARCHITECTURE@", &architecture()?)
            .replace("@LIBC@", &libc()?)
            .replace("@CLAMAV@", CLAMAV);
        let path = folder.join(&name);
        fs::write(&path, text)?;
        let mode = if SCRIPTS.contains(&name.as_str()) { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn version() -> String {
    format!("{}-1", env!("CARGO_PKG_VERSION"))
}

fn architecture() -> anyhow::Result<String> {
    said(Command::new("dpkg").arg("--print-architecture"))
}

/// The C library that the programs were built with: they may use all that it has.
fn libc() -> anyhow::Result<String> {
    let version = said(Command::new("dpkg-query").args(["-W", "-f", "${Version}", "libc6"]))?;
    Ok(version.split('-').next().unwrap_or(&version).to_owned())
}

fn put(from: &Path, to: &Path, mode: u32) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(to.parent().context("a place in a package")?)?;
    fs::copy(from, to).with_context(|| from.display().to_string())?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(to.to_path_buf())
}

/// The files of a folder, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

/// All folders below one, and that itself.
fn folders(top: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = vec![top.to_path_buf()];
    let mut next = 0;
    while let Some(folder) = found.get(next).cloned() {
        next += 1;
        found.extend(files(&folder)?.into_iter().filter(|path| path.is_dir() && !path.is_symlink()));
    }
    Ok(found)
}

fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
