//! The program as its users meet it: the real binary, its output, its exit status.
#![expect(clippy::unwrap_used, reason = "what cannot be set up for a test fails the test")]
#![forbid(unsafe_code)]

mod audit;
mod bad_input;
mod compile;
mod database;
mod doctor;
mod explain;
mod help;
mod heuristics;
mod interrupt;
mod migrate;
mod publish;
mod run;
mod samples;
mod scan;
mod sources;
mod terminal;
mod unpack;
mod update;
