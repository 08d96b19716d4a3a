//! Where clients come from. All of it goes below one folder: packages of Debian are taken apart there and not
//! installed, Python has an environment of its own, and servers stand in a Debian of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// Packages below a folder.
pub(super) struct Packages {
    /// The folder.
    pub(super) folder: PathBuf,
    /// Whether what is not there is fetched.
    pub(super) install: bool,
}

impl Packages {
    /// Where `file` of packages of Debian is: in the system, or in a folder that they are taken apart in.
    pub(super) fn debian(&self, packages: &[&str], file: &str) -> anyhow::Result<Option<PathBuf>> {
        let system = PathBuf::from("/");
        if system.join(file).exists() {
            return Ok(Some(system));
        }
        let root = self.folder.join("root");
        if root.join(file).exists() {
            return Ok(Some(root));
        }
        if !self.install {
            return Ok(None);
        }
        let fetched = self.folder.join("debs");
        fs::create_dir_all(&fetched)?;
        for package in packages {
            succeed(Command::new("apt-get").args(["download", "-qq", package]).current_dir(&fetched))?;
        }
        for entry in fs::read_dir(&fetched)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                succeed(Command::new("dpkg").arg("-x").arg(&path).arg(&root))?;
            }
        }
        ensure!(root.join(file).exists(), "{file} is in none of {packages:?}");
        Ok(Some(root))
    }

    /// A Python that has `package`.
    pub(super) fn python(&self, package: &str, module: &str) -> anyhow::Result<Option<PathBuf>> {
        let environment = self.folder.join("python");
        let python = environment.join("bin/python");
        let has = |python: &Path| {
            let import = format!("import {module}");
            Command::new(python).args(["-c", &import]).output().is_ok_and(|output| output.status.success())
        };
        if has(&python) {
            return Ok(Some(python));
        }
        if !self.install {
            return Ok(None);
        }
        if !python.exists() {
            succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        }
        succeed(Command::new(&python).args(["-m", "pip", "install", "-q", package]))?;
        ensure!(has(&python), "{package} has no module {module}");
        Ok(Some(python))
    }

    /// The folder of modules of Node that has `package`, of this major version if one is named.
    pub(super) fn node(&self, package: &str, version: Option<&str>) -> anyhow::Result<Option<PathBuf>> {
        let folder = self.folder.join("node");
        let modules = folder.join("node_modules");
        if modules.join(package).exists() {
            return Ok(Some(modules));
        }
        if !self.install {
            return Ok(None);
        }
        fs::create_dir_all(&folder)?;
        let mut npm = Command::new("npm");
        let wanted = version.map_or_else(|| package.to_owned(), |version| format!("{package}@{version}"));
        succeed(npm.args(["install", "--silent", "--no-audit", "--no-fund", &wanted]).current_dir(&folder))?;
        Ok(Some(modules))
    }

    /// The root of a Debian that has `packages`, one of which brings `file`. Made and used as root.
    pub(super) fn system(
        &self,
        name: &str,
        packages: &[&str],
        file: &str,
    ) -> anyhow::Result<Option<PathBuf>> {
        let root = self.folder.join(name);
        if root.join(file).exists() {
            return Ok(Some(root));
        }
        if !self.install {
            return Ok(None);
        }
        ensure!(rustix::process::geteuid().is_root(), "a Debian of its own is made by root");
        if !root.join("etc/debian_version").exists() {
            let tools = self.debian(&["debootstrap"], "usr/sbin/debootstrap")?.context("debootstrap")?;
            let mut make = Command::new("sh");
            make.arg(tools.join("usr/sbin/debootstrap")).args(["--variant=minbase", "bookworm"]).arg(&root);
            succeed(make.env("DEBOOTSTRAP_DIR", tools.join("usr/share/debootstrap")))?;
            // Nothing is started by being installed.
            let policy = root.join("usr/sbin/policy-rc.d");
            fs::write(&policy, "#!/bin/sh\nexit 101\n")?;
            succeed(Command::new("chmod").arg("755").arg(&policy))?;
        }
        let mut install = chroot(&root, "apt-get");
        install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
        succeed(install.env("DEBIAN_FRONTEND", "noninteractive"))?;
        ensure!(root.join(file).exists(), "{file} is in none of {packages:?}");
        Ok(Some(root))
    }
}

/// A program in another root.
pub(super) fn chroot(root: &Path, program: &str) -> Command {
    let mut command = Command::new("chroot");
    command.arg(root).arg(program);
    command
}

/// Runs a command, which must succeed; gives what it printed.
pub(super) fn succeed(command: &mut Command) -> anyhow::Result<String> {
    let (code, stdout, stderr) = said(command)?;
    ensure!(code == 0, "{command:?} ends with {code}:\n{stdout}{stderr}");
    Ok(stdout)
}

/// Runs a command: its status, its output, its errors.
pub(super) fn said(command: &mut Command) -> anyhow::Result<(i32, String, String)> {
    let output = command.stdin(std::process::Stdio::null()).output();
    let output = output.with_context(|| format!("{command:?}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
}
