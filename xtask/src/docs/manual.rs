//! Pages of the manual and completions for shells, from the same values as `--help`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// The programs, and the sections of the manual that they are in.
fn programs() -> Vec<(Command, &'static str)> {
    let mut programs = vec![(candor::command(), "1"), (candord::command(), "8")];
    programs.extend(candor_clamav::commands());
    programs
}

/// All of it: below the root of the workspace, what stands there.
pub(super) fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for (mut program, section) in programs() {
        program.build();
        let name = program.get_name().to_owned();
        manual(&program, &name, section, &mut files)?;
        for (shell, file) in [
            (Shell::Bash, format!("bash/{name}")),
            (Shell::Fish, format!("fish/{name}.fish")),
            (Shell::Zsh, format!("zsh/_{name}")),
        ] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut program.clone(), &name, &mut text);
            let path = PathBuf::from("packaging/completions").join(file);
            files.push((path, String::from_utf8(text).context("a completion")?));
        }
    }
    Ok(files)
}

/// The page of a command, and those of the commands in it.
fn manual(
    command: &Command,
    name: &str,
    section: &str,
    files: &mut Vec<(PathBuf, String)>,
) -> anyhow::Result<()> {
    let mut text = Vec::new();
    // Neither the day on which it was written nor the version: it changes when what it says does.
    let man = Man::new(command.clone()).title(name.to_uppercase()).section(section).date("").source("Candor");
    man.render(&mut text).with_context(|| name.to_owned())?;
    let path = PathBuf::from("packaging/man").join(format!("{name}.{section}"));
    files.push((path, String::from_utf8(text).with_context(|| name.to_owned())?));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        manual(inner, &format!("{name}-{}", inner.get_name()), section, files)?;
    }
    Ok(())
}
