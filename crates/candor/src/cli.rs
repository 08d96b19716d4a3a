//! What may be asked on the command line. The text here is the reference: help, manual pages and
//! completions are made from it.

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::{
    audit, compile, database, doctor, explain, migrate, publish, scan, trust, unpack, update, witness,
};

/// Scans files for malware with ClamAV's signatures, and says honestly what it could not look at.
///
/// Nothing is ever sent anywhere: there is no network code in this program.
#[derive(Debug, Parser)]
#[command(name = "candor", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// When to use colours.
    ///
    /// `auto` uses them on a terminal, unless NO_COLOR is set.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true,
        help_heading = "Display"
    )]
    pub(crate) color: Color,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan files and directories.
    Scan(Box<scan::Args>),
    /// Show all about one file: its layers, what was found and which bytes it was found by.
    Explain(Box<explain::Args>),
    /// Take one file apart: show the layers in it, and write them out if wanted.
    Unpack(Box<unpack::Args>),
    /// Compile signature databases into one image.
    Compile(compile::Args),
    /// Look into signature databases.
    Database(database::Args),
    /// Show how the processes that look at files are confined, as the kernel says it.
    Doctor(doctor::Args),
    /// Bring signatures up to date, try them out, and take them back.
    Update(Box<update::Args>),
    /// Find products of prohibited vendors, and say what each rule says of them on a date.
    Audit(Box<audit::Args>),
    /// Move from another product: a plan, its settings, its quarantine.
    Migrate(Box<migrate::Args>),
    /// Show why the signatures in force are believed, and what a release changed.
    Trust(trust::Args),
    /// Publish signatures as a feed that several people sign, and that is logged.
    Publish(Box<publish::Args>),
    /// Cosign a feed's log, if it has only grown.
    Witness(witness::Args),
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// Always.
    Always,
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Never.
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
