//! The program `candord`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    candord::main()
}
