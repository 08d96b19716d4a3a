//! The only place that writes to standard output and standard error.
//!
//! Results go to standard output, everything else (progress, errors, hints) to standard error. When
//! whoever reads the output goes away, the program ends quietly; when the output cannot be written for
//! another reason, as on a full disk, it says so and does not end well.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::cli::Color;
use crate::exit::Exit;

/// Writes lines, in colour where that is wanted.
pub(crate) struct Printer {
    output: BufWriter<io::Stdout>,
    output_is_terminal: bool,
    failure: Option<io::Error>,
    paint_output: bool,
    paint_errors: bool,
    progress: ProgressBar,
}

/// What a piece of text stands for; the colour follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A heading.
    Strong,
    /// Less important than the text around it.
    Faint,
    /// All is well.
    Good,
    /// Something was found.
    Bad,
    /// Something needs attention.
    Warning,
}

impl Printer {
    pub(crate) fn new(color: Color) -> Self {
        Self {
            output: BufWriter::with_capacity(1 << 16, io::stdout()),
            output_is_terminal: io::stdout().is_terminal(),
            failure: None,
            paint_output: paints(color, &io::stdout()),
            paint_errors: paints(color, &io::stderr()),
            progress: ProgressBar::hidden(),
        }
    }

    /// Shows `bar` on standard error until [`end_progress`](Self::end_progress).
    pub(crate) fn show_progress(&mut self, bar: ProgressBar) {
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        bar.enable_steady_tick(Duration::from_millis(200));
        self.progress = bar;
    }

    /// Takes the progress bar away again.
    pub(crate) fn end_progress(&mut self) {
        self.progress.finish_and_clear();
        self.progress = ProgressBar::hidden();
    }

    /// `text` in the colour of `tone`, for a line of standard output.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.paint_output, tone, text)
    }

    /// One line of results.
    pub(crate) fn line(&mut self, line: &str) {
        if self.failure.is_some() {
            return;
        }
        let output = &mut self.output;
        let terminal = self.output_is_terminal;
        let written = if self.progress.is_hidden() {
            write_line(output, line, terminal)
        } else {
            self.progress.suspend(|| write_line(output, line, terminal))
        };
        if let Err(error) = written {
            self.failure = Some(error);
        }
    }

    /// Hands over what was kept back, so that a reader sees results as they come.
    pub(crate) fn flush(&mut self) {
        if self.failure.is_none()
            && let Err(error) = self.output.flush()
        {
            self.failure = Some(error);
        }
    }

    /// Whether results cannot be written any more.
    pub(crate) const fn is_broken(&self) -> bool {
        self.failure.is_some()
    }

    /// Says why something failed.
    pub(crate) fn error(&mut self, message: &str) {
        self.message(Tone::Bad, "error", message);
    }

    /// Says something that the user should know.
    pub(crate) fn note(&mut self, message: &str) {
        self.message(Tone::Warning, "note", message);
    }

    /// Says what the user may want to do.
    pub(crate) fn hint(&mut self, message: &str) {
        self.message(Tone::Good, "hint", message);
    }

    /// One line on standard error, without any label.
    pub(crate) fn aside(&mut self, line: &str) {
        self.flush();
        // Nobody can be told that standard error is gone.
        let write = || drop(writeln!(io::stderr().lock(), "{line}"));
        if self.progress.is_hidden() { write() } else { self.progress.suspend(write) }
    }

    /// Writes what is left and turns a failure to write into the exit status that it deserves.
    pub(crate) fn finish(mut self, exit: Exit) -> Exit {
        self.flush();
        let Some(failure) = self.failure.take() else { return exit };
        if failure.kind() == io::ErrorKind::BrokenPipe {
            return Exit::OutputClosed;
        }
        self.error(&format!("the output cannot be written: {failure}"));
        Exit::Failed
    }

    fn message(&mut self, tone: Tone, label: &str, message: &str) {
        let label = paint(self.paint_errors, tone, label);
        self.aside(&format!("{label}: {message}"));
    }
}

fn write_line(output: &mut BufWriter<io::Stdout>, line: &str, flush: bool) -> io::Result<()> {
    output.write_all(line.as_bytes())?;
    output.write_all(b"\n")?;
    if flush { output.flush() } else { Ok(()) }
}

/// `auto` follows the terminal, `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE`.
fn paints<S: anstream::stream::RawStream>(color: Color, stream: &S) -> bool {
    match color {
        Color::Always => true,
        Color::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
        Color::Never => false,
    }
}

fn paint(paints: bool, tone: Tone, text: &str) -> String {
    if !paints {
        return text.to_owned();
    }
    let style = match tone {
        Tone::Strong => Style::new().bold(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
    };
    format!("{style}{text}{style:#}")
}
