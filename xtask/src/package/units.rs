//! The units: how much of the system they leave to the daemon, by systemd's own measure.

use std::process::Command;

use anyhow::{Context as _, bail, ensure};

/// The units, and the exposure that each stays below.
const UNITS: [(&str, f64); 3] =
    [("candord.service", 2.0), ("candor-update.service", 2.0), ("candor-freshclam.service", 2.0)];

/// Looks at them, where systemd is there to look.
///
/// # Errors
/// One is more exposed than it may be, or is no unit.
pub(super) fn check() -> anyhow::Result<String> {
    let folder = crate::root()?.join("packaging/systemd");
    let mut said = Vec::new();
    for (unit, most) in UNITS {
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=true", "--no-pager"]).arg(folder.join(unit));
        let Ok(output) = command.output() else {
            return Ok(String::from("no systemd-analyze here: units are not looked at"));
        };
        let errors = String::from_utf8_lossy(&output.stderr);
        // What systemd does not understand it passes over, and is then no protection.
        ensure!(output.status.success() && !errors.contains("gnoring"), "{unit}: {errors}");
        let text = String::from_utf8_lossy(&output.stdout);
        let last =
            text.lines().rev().find(|line| line.contains("Overall exposure level")).context("no result")?;
        let level = last.rsplit(": ").next().and_then(|rest| rest.split(' ').next()).context("no result")?;
        let level: f64 = level.parse().context("no number")?;
        if level >= most {
            bail!("{unit}: exposure {level}, which is not below {most}:\n{text}");
        }
        said.push(format!("{unit}: exposure {level}"));
    }
    Ok(said.join(", "))
}
