//! Where lines go: standard output, standard error and the log.
//!
//! Paths are printed as they are, byte by byte, since other programs read them; but for control characters,
//! which could forge a line or drive a terminal.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, IsTerminal as _, Stdout, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Takes lines.
#[derive(Debug)]
pub(crate) struct Console {
    out: BufWriter<Stdout>,
    at_once: bool,
    /// Only errors are told.
    pub(crate) quiet: bool,
    /// What goes to standard error goes to standard output.
    pub(crate) all_to_stdout: bool,
    log: Option<File>,
}

impl Console {
    pub(crate) fn new() -> Self {
        let out = std::io::stdout();
        let at_once = out.is_terminal();
        Self { out: BufWriter::new(out), at_once, quiet: false, all_to_stdout: false, log: None }
    }

    /// Appends lines to the log at `path` from now on.
    pub(crate) fn open_log(&mut self, path: &Path) -> anyhow::Result<()> {
        match log(path) {
            Ok(log) => self.log = Some(log),
            Err(error) => {
                let text = error.to_string();
                let text = text.split(" (os error").next().unwrap_or_default();
                self.show(format!("ERROR: Failed to open log file {}: {text}", path.display()).as_bytes());
                anyhow::bail!("Problem with internal logger.");
            }
        }
        Ok(())
    }

    /// A line for standard output alone.
    pub(crate) fn show(&mut self, line: &[u8]) {
        if !self.quiet {
            self.put(line);
        }
    }

    /// A line for standard output and the log.
    pub(crate) fn tell(&mut self, line: &[u8]) {
        self.show(line);
        self.record(line);
    }

    /// A line for standard error and the log.
    pub(crate) fn warn(&mut self, line: &str) {
        let line = [b"WARNING: ", line.as_bytes()].concat();
        if !self.quiet {
            self.error_line(&line);
        }
        self.record(&line);
    }

    /// As [`warn`](Self::warn), and also when this is to be quiet.
    pub(crate) fn error(&mut self, line: &str) {
        let line = [b"ERROR: ", line.as_bytes()].concat();
        self.error_line(&line);
        self.record(&line);
    }

    /// A line for standard error alone, whatever is wished.
    pub(crate) fn stderr(&mut self, line: &[u8]) {
        self.flush();
        complain_bytes(line);
    }

    /// Bytes that are no line.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        drop(self.out.write_all(bytes));
    }

    /// Rings the bell of the terminal.
    pub(crate) fn ring(&mut self) {
        self.flush();
        drop(std::io::stderr().write_all(b"\x07"));
    }

    /// Shows what was told so far.
    pub(crate) fn flush(&mut self) {
        // Whoever does not read any more still wants files to be moved.
        drop(self.out.flush());
    }

    fn error_line(&mut self, line: &[u8]) {
        if self.all_to_stdout {
            self.put(line);
        } else {
            self.stderr(line);
        }
    }

    fn put(&mut self, line: &[u8]) {
        drop(self.out.write_all(line).and_then(|()| self.out.write_all(b"\n")));
        if self.at_once {
            self.flush();
        }
    }

    /// A line for the log alone.
    pub(crate) fn record(&mut self, line: &[u8]) {
        if let Some(log) = &mut self.log {
            drop(log.write_all(&[line, b"\n"].concat()));
        }
    }
}

/// Opens a log to be appended to. Links are not followed, so that nobody makes a privileged scan write elsewhere.
fn log(path: &Path) -> std::io::Result<File> {
    let device = path.starts_with("/dev") || path.starts_with("/proc");
    let flags = if device { 0 } else { rustix::fs::OFlags::NOFOLLOW.bits() };
    let flags = i32::try_from(flags).unwrap_or(0);
    OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(flags).open(path)
}

/// A line on standard error.
pub(crate) fn complain(line: &str) {
    complain_bytes(line.as_bytes());
}

fn complain_bytes(line: &[u8]) {
    drop(std::io::stderr().write_all(&[line, b"\n"].concat()));
}

/// A path as it is printed.
pub(crate) fn shown(path: &[u8]) -> Vec<u8> {
    if !path.iter().any(u8::is_ascii_control) {
        return path.to_vec();
    }
    let mut shown = Vec::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_control() {
            shown.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            shown.push(byte);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn no_name_forges_a_line() {
        assert_eq!(shown(b"a: OK\nb"), b"a: OK\\x0ab");
        assert_eq!(shown(b"\x1b[31mx\x7f"), b"\\x1b[31mx\\x7f");
        assert_eq!(shown("Grüße \u{fffd}".as_bytes()), "Grüße \u{fffd}".as_bytes());
        assert_eq!(shown(b"\xff\xfe"), b"\xff\xfe");
    }
}
