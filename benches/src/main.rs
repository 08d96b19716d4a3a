//! Measurements: of the matcher by itself, and of whole programs.

mod bombs;
mod clamd;
mod digests;
mod feed;
mod frequencies;
mod inventory;
mod jail;
mod large;
mod logical;
mod matcher;
mod peers;
mod rules;
mod sample;
mod sources;
mod update;
#[cfg(vectorscan)]
mod vectorscan;
mod whole;

use clap::Parser;

#[derive(Debug, Parser)]
enum Command {
    /// Files that are made to cost much: time, memory and answer of each.
    Bombs(bombs::Arguments),
    /// The daemon beside ClamAV's: processor time, requests a second, latency, memory, reloads, idle sessions.
    Clamd(clamd::Arguments),
    /// How large an image of millions of digests is, and how fast it opens and answers.
    Digests(digests::Arguments),
    /// What it costs to verify a release without a network, and to unpack it.
    Feed(feed::Arguments),
    /// Count which runs of bytes are common in ordinary files, and write the table that anchors are chosen by.
    Frequencies(frequencies::Arguments),
    /// How long an audit of a root of many files takes.
    Inventory(inventory::Arguments),
    /// What the jail costs.
    Jail(jail::Arguments),
    /// Files of three and four gigabytes: time, memory and answer of each.
    Large(large::Arguments),
    /// Small files against many logical signatures, beside clamscan.
    Logical(logical::Arguments),
    /// How fast the matcher goes over bytes in memory, beside other engines with the same patterns.
    Matcher(matcher::Arguments),
    /// Rules of YARA over files, beside `yara`.
    Rules(rules::Arguments),
    /// What an update costs, from signatures on the disk to an active generation, and back.
    Update(update::Arguments),
    /// Candor and clamscan over the same files with the same signatures.
    Whole(whole::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Bombs(arguments) => bombs::run(&arguments),
        Command::Clamd(arguments) => clamd::run(&arguments),
        Command::Digests(arguments) => digests::run(&arguments),
        Command::Feed(arguments) => feed::run(&arguments),
        Command::Frequencies(arguments) => frequencies::run(&arguments),
        Command::Inventory(arguments) => inventory::run(&arguments),
        Command::Jail(arguments) => jail::run(&arguments),
        Command::Large(arguments) => large::run(&arguments),
        Command::Logical(arguments) => logical::run(&arguments),
        Command::Matcher(arguments) => matcher::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Update(arguments) => update::run(&arguments),
        Command::Whole(arguments) => whole::run(&arguments),
    }
}
