//! The reference of the command line, from the same values as `--help`.

use std::fmt::Write as _;

use clap::{Arg, Command};

pub(super) fn page() -> String {
    let mut page =
        String::from("<!-- Written by `cargo xtask docs`; do not edit. -->\n\n# The command line\n");
    let mut program = candor::command();
    program.build();
    describe(&program, "candor", &mut page);
    page
}

fn describe(command: &Command, name: &str, page: &mut String) {
    if name != "candor" {
        // Writing to a string does not fail.
        let _ = writeln!(page, "\n## `{name}`");
    }
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        let _ = writeln!(page, "\n{}", text(&about.to_string()));
    }
    let options: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| {
            !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str())
        })
        .filter(|argument| name == "candor" || !argument.is_global_set())
        .collect();
    if !options.is_empty() {
        page.push_str("\n| option | meaning |\n|---|---|\n");
    }
    for option in options {
        let help = option.get_long_help().or_else(|| option.get_help()).map(ToString::to_string);
        let help =
            text(&help.unwrap_or_default()).replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(page, "| {} | {help}{} |", form(option), default(option));
    }
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        describe(inner, &format!("{name} {}", inner.get_name()), page);
    }
}

/// How an option is written.
fn form(option: &Arg) -> String {
    let values: String = option
        .get_value_names()
        .filter(|_| option.get_action().takes_values())
        .map(|names| names.iter().map(|value| format!(" <{value}>")).collect())
        .unwrap_or_default();
    let written = match (option.get_short(), option.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}{values}"),
        (Some(short), None) => format!("-{short}{values}"),
        (None, Some(long)) => format!("--{long}{values}"),
        (None, None) => format!("{}{}", values.trim_start(), if several(option) { "..." } else { "" }),
    };
    format!("`{written}`")
}

fn several(option: &Arg) -> bool {
    option.get_num_args().is_some_and(|range| range.max_values() > 1)
}

fn default(option: &Arg) -> String {
    let values: Vec<_> = option.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if values.is_empty() || !option.get_action().takes_values() {
        return String::new();
    }
    format!(" Default: `{}`.", values.join(" "))
}

/// Help text as Markdown: angle brackets would be taken for HTML.
fn text(help: &str) -> String {
    help.trim().replace('<', "&lt;")
}
