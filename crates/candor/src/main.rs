//! The program `candor`. Everything is in the library, so that completions and manual pages can be
//! made from the same command line.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    candor::main()
}
