//! The commands as values, for pages of the manual and completions of shells: from the tables that command lines are read by.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};

use crate::freshclam;
use crate::options::{self, Fate, Known, Takes};

/// A command: its name, the section of the manual, what it does, what comes behind the options, the options.
type Row = (&'static str, &'static str, &'static str, Option<&'static str>, Vec<Known>);

/// All of them, each with the section of the manual that it is in.
#[must_use]
pub fn commands() -> Vec<(Command, &'static str)> {
    let rows: [Row; 8] = [
        (
            "clamav-milter",
            "8",
            "Serve mail servers by the milter protocol, as clamav-milter.conf says",
            None,
            options::daemon::MILTER.to_vec(),
        ),
        (
            "clambc",
            "1",
            "Say what a bytecode says of itself",
            Some("FILE"),
            options::clambc::OPTIONS.to_vec(),
        ),
        ("clamconf", "1", "Print what is configured", None, options::clamconf::OPTIONS.to_vec()),
        (
            "clamd",
            "8",
            "Serve clients of ClamAV's daemon, as clamd.conf says",
            None,
            options::daemon::CLAMD.to_vec(),
        ),
        (
            "clamdscan",
            "1",
            "Have files scanned by a daemon that speaks clamd's protocol",
            Some("FILE"),
            options::clamdscan::OPTIONS.to_vec(),
        ),
        ("clamscan", "1", "Scan files and folders", Some("FILE"), options::clamscan::OPTIONS.to_vec()),
        ("freshclam", "1", "Keep ClamAV's databases up to date", None, freshclam::OPTIONS.to_vec()),
        (
            "sigtool",
            "1",
            "Make and take apart databases and signatures",
            Some("FILE"),
            options::sigtool::OPTIONS.to_vec(),
        ),
    ];
    rows.into_iter()
        .map(|(name, section, about, files, known)| (command(name, about, files, &known), section))
        .collect()
}

fn command(name: &'static str, about: &'static str, files: Option<&'static str>, known: &[Known]) -> Command {
    let more = format!(
        "This is Candor by the name of ClamAV's command: options mean what they mean to ClamAV {}. Of those that have no effect here \
         it is said why; what differs besides stands in docs/reference/clamav-commands.md.",
        crate::CLAMAV
    );
    let mut command = Command::new(name)
        .version(crate::CLAMAV)
        .about(about)
        .long_about(format!("{about}.\n\n{more}"))
        .disable_help_flag(true)
        .disable_version_flag(true);
    // One that only tells of what `clamscan` knows is no option to be offered.
    for known in known.iter().filter(|known| known.fate != Fate::Unsupported) {
        command = command.arg(argument(known));
    }
    match files {
        Some(files) => command.arg(
            Arg::new("files")
                .value_name(files)
                .num_args(0..)
                .value_hint(clap::ValueHint::AnyPath)
                .help("What to look at"),
        ),
        None => command,
    }
}

fn argument(known: &Known) -> Arg {
    let mut argument = Arg::new(known.name).long(known.name).action(ArgAction::Append);
    if known.letter != '\0' {
        argument = argument.short(known.letter);
    }
    argument = match known.takes {
        Takes::Switch => argument
            .num_args(0..=1)
            .require_equals(true)
            .value_name("yes/no")
            .value_parser(PossibleValuesParser::new(["yes", "no"]))
            .hide_possible_values(true),
        Takes::Number => argument.value_name("NUMBER"),
        Takes::Size => argument.value_name("SIZE"),
        Takes::Text => argument.value_name("TEXT").value_hint(clap::ValueHint::AnyPath),
        Takes::Word(words) => argument.value_name("WORD").value_parser(PossibleValuesParser::new(words)),
        Takes::Anything => argument.num_args(0),
        Takes::Optional => argument.num_args(0..=1).require_equals(true).value_name("TEXT"),
    };
    match known.fate {
        Fate::Honoured => argument.help(match known.name {
            "help" => "Say what options there are",
            "version" => "Say the version",
            _ => "As in ClamAV",
        }),
        Fate::Own => argument.help("Candor's own"),
        Fate::Deprecated | Fate::Unsupported => argument.help("Ignored: ClamAV has given it up").hide(true),
        Fate::Unused(why, _) => argument.help(format!("No effect: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_one_that_can_be_described() {
        for (command, _) in commands() {
            // It asserts that no name or letter is there twice.
            command.debug_assert();
        }
    }
}
