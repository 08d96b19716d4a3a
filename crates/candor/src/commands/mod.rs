//! One module a command: its arguments, and what it does with them.

pub(crate) mod audit;
pub(crate) mod compile;
pub(crate) mod database;
pub(crate) mod doctor;
pub(crate) mod explain;
mod keys;
mod layers;
pub(crate) mod migrate;
pub(crate) mod publish;
pub(crate) mod scan;
pub(crate) mod trust;
pub(crate) mod unpack;
pub(crate) mod update;
pub(crate) mod witness;

use crate::Program;
use crate::cli::Command;
use crate::exit::Exit;
use crate::printer::Printer;

/// Does what was asked.
pub(crate) fn run(command: Command, program: &Program, printer: &mut Printer) -> anyhow::Result<Exit> {
    match command {
        Command::Scan(args) => scan::run(*args, printer),
        Command::Explain(args) => explain::run(&args, printer),
        Command::Compile(args) => compile::run(&args, printer),
        Command::Database(args) => database::run(args, printer),
        Command::Unpack(args) => unpack::run(&args, printer),
        Command::Doctor(args) => doctor::run(&args, printer),
        Command::Update(args) => update::run(*args, program, printer),
        Command::Audit(args) => audit::run(&args, printer),
        Command::Migrate(args) => migrate::run(&args, printer),
        Command::Trust(args) => trust::run(&args, printer),
        Command::Publish(args) => publish::run(&args, printer),
        Command::Witness(args) => witness::run(&args, printer),
    }
}
