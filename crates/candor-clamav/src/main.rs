//! The program `candor-clamav`, which is all of ClamAV's commands: it looks at the name that it was started by.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    candor_clamav::main()
}
