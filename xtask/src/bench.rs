//! Every measurement that `docs/benchmarks.md` speaks of, by one command: builds the program as it is
//! released where one is about it, and hands over to `benches/`, a workspace of its own for the sake of the
//! engines that it compares with.

use std::process::Command;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// What to measure, with its options: `whole --database FOLDER`, `matcher --database FOLDER`, `logical`,
    /// `digests`, `feed`, `frequencies`, `bombs`, `large`, `inventory`, `jail --image IMAGE`, `clamd --database FOLDER`, `rules --rules FOLDER`, `update --database FOLDER`; `--help` for all.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<String>,
}

/// Measurements of the program; the others are of libraries.
const OF_THE_PROGRAM: [&str; 8] =
    ["bombs", "inventory", "jail", "large", "logical", "rules", "update", "whole"];

/// # Errors
/// Something does not build, or a measurement failed.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let root = crate::root()?;
    let mut own = arguments.arguments.clone();
    let is_for_the_program = own.first().is_some_and(|what| OF_THE_PROGRAM.contains(&what.as_str()));
    let is_for_the_daemon = own.first().is_some_and(|what| what == "clamd");
    for (name, option, is_wanted) in
        [("candor", "--candor", is_for_the_program), ("candord", "--candord", is_for_the_daemon)]
    {
        let given = [option, "--help", "-h"];
        if !is_wanted || own.iter().any(|argument| given.contains(&argument.as_str())) {
            continue;
        }
        let build = ["build", "--release", "--locked", "-p", name];
        crate::succeed(Command::new("cargo").current_dir(&root).args(build))?;
        own.extend([option.to_owned(), crate::target()?.join("release").join(name).display().to_string()]);
    }
    crate::succeed(
        Command::new("cargo")
            .args(["run", "--quiet", "--release", "--locked", "--manifest-path"])
            .arg(root.join("benches/Cargo.toml"))
            .arg("--target-dir")
            .arg(crate::target()?.join("benches"))
            .arg("--")
            .args(own),
    )
}
