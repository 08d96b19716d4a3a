//! What a worker does in its jail: takes descriptors, looks at what is behind them, says what it found.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use candor_database::Image;
use candor_engine::{Options, Scanner, Screened};
use candor_model::{Limits, Report};

use crate::ahead::{Ahead, look_ahead};
use crate::guard::guarded;
use crate::input::{Buffer, Reading};
use crate::jail::{Jailed, Ready};
use crate::message::{Answer, Diagnostic, Given, Order, PACKET, Packer, Summary, Sums, Word};
use crate::show::{Piece, Showing};
use crate::sys;
pub use crate::sys::{close, close_all};

/// Answers are not kept back longer than this.
const PROMPT: Duration = Duration::from_millis(10);

/// Scans what it is given until the broker hangs up, or until it has met something that it should not
/// go on after; then ends the process.
pub fn scan(jailed: Jailed, image: &Image, options: &Options, max_time: Option<Duration>) -> ! {
    // Nothing is dropped on the way out: the kernel takes all of it at once.
    end(&scan_all(jailed, image, options, max_time))
}

fn end(worked: &io::Result<()>) -> ! {
    sys::exit(i32::from(worked.is_err()))
}

fn scan_all(jailed: Jailed, image: &Image, options: &Options, max_time: Option<Duration>) -> io::Result<()> {
    let scanner = Scanner::new(image, options.clone());
    let limits = options.limits;
    let ready = ManuallyDrop::new(jailed.ready()?);
    let mut worker = Scanning { scanner, buffer: Buffer::default(), limits, max_time, ready };
    let mut packer = Packer::default();
    let mut descriptors = ManuallyDrop::new(Vec::new());
    while let Some(order) = worker.ready.next(&mut descriptors)? {
        let files = match order {
            Order::Files(files) if files.len() == descriptors.len() => files,
            Order::Unpack { file: given, contents } if descriptors.len() == 1 => {
                for file in descriptors.drain(..) {
                    let answer = worker.unpack(&given, &file, contents)?;
                    close(file);
                    packer.push(&answer, &mut |packet| worker.ready.say(packet))?;
                }
                packer.flush(&mut |packet| worker.ready.say(packet))?;
                continue;
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let mut ahead = worker.look_ahead(&files, &descriptors).into_iter();
        let mut said = Instant::now();
        for (given, file) in files.iter().zip(&*descriptors) {
            let answer = worker.file(given, file, ahead.next().flatten());
            packer.push(&answer, &mut |packet| worker.ready.say(packet))?;
            if !answer.is_harmless() {
                return packer.flush(&mut |packet| worker.ready.say(packet));
            }
            if said.elapsed() >= PROMPT {
                packer.flush(&mut |packet| worker.ready.say(packet))?;
                said = Instant::now();
            }
        }
        packer.flush(&mut |packet| worker.ready.say(packet))?;
        close_all(&mut descriptors);
    }
    Ok(())
}

struct Scanning<'image> {
    ready: ManuallyDrop<Ready>,
    scanner: Scanner<'image>,
    buffer: Buffer,
    limits: Limits,
    max_time: Option<Duration>,
}

impl Scanning<'_> {
    fn unpack(&mut self, given: &Given, file: &OwnedFd, contents: bool) -> io::Result<Answer> {
        let ready = &self.ready;
        let mut said = Ok(());
        let mut say = |piece: Piece<'_>| {
            let mut tell = |word: Word| {
                if said.is_ok() {
                    said = ready.say(&word.encode());
                }
            };
            match piece {
                Piece::Layer(layer) => tell(Word::Layer(layer.clone())),
                Piece::Facts(layer, facts) => tell(Word::Facts { layer: layer.0, facts: facts.to_vec() }),
                Piece::Content(layer, bytes) => {
                    for part in bytes.chunks(PACKET.saturating_sub(16)) {
                        tell(Word::Content { layer: layer.0, bytes: part.to_vec() });
                    }
                }
            }
        };
        let mut showing = Showing::new(contents, &mut say);
        let (scanner, limits) = (&mut self.scanner, &self.limits);
        let answer = look(&mut self.buffer, given, file, limits, None, |bytes, _| {
            ready.begin(self.max_time);
            scanner.scan_observed(bytes, &given.name, ready.interrupt(), &mut showing)
        });
        said.map(|()| answer)
    }

    /// Looks at the large files of a batch together. What fails there will fail when their turn comes, and be said.
    fn look_ahead(&mut self, files: &[Given], descriptors: &[OwnedFd]) -> Vec<Option<Ahead>> {
        self.ready.begin(self.max_time);
        let (scanner, max) = (&mut self.scanner, self.limits.max_file_size);
        guarded(|| look_ahead(scanner, files, descriptors, max, self.ready.interrupt())).unwrap_or_default()
    }

    fn file(&mut self, given: &Given, file: &OwnedFd, ahead: Option<Ahead>) -> Answer {
        let (scanner, limits) = (&mut self.scanner, &self.limits);
        look(&mut self.buffer, given, file, limits, ahead, |bytes, screened| {
            self.ready.begin(self.max_time);
            scanner.scan_screened(bytes, &given.name, self.ready.interrupt(), screened)
        })
    }
}

/// Reads a file and has `scan` look at its bytes.
fn look(
    buffer: &mut Buffer,
    given: &Given,
    file: &OwnedFd,
    limits: &Limits,
    ahead: Option<Ahead>,
    scan: impl FnOnce(&[u8], Option<Screened>) -> Report,
) -> Answer {
    let (mapping, screened) = ahead.map_or((None, None), |ahead| (Some(ahead.mapping), ahead.screened));
    let reading = if mapping.is_some_and(|mapping| buffer.adopt(file, mapping)) {
        Reading::Complete
    } else {
        buffer.take(file, given.length, limits.max_file_size, limits.max_memory, given.careful)
    };
    let partial = match reading {
        Reading::Complete => None,
        Reading::Partial(why) => Some(why),
        Reading::TooLarge(length) => return Answer::TooLarge(length),
        Reading::Failed(why) => return Answer::Unreadable(why),
        Reading::Special(kind) => return Answer::Unreadable(format!("it is {kind}, not a file")),
    };
    let bytes = buffer.bytes();
    #[cfg(feature = "exploitable")]
    if let Some(told) = crate::exploit::run(bytes) {
        return Answer::Unreadable(told);
    }
    let read = length(bytes);
    let scanned = guarded(|| scan(bytes, screened));
    buffer.trim();
    match scanned {
        Ok(report) => Answer::Scanned { read, partial, report: Box::new(report) },
        Err(defect) => Answer::Defect(defect),
    }
}

/// A signature source that was handed over.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Text,
}

/// The bytes of a source: of a large one, the file itself, mapped. Text of hundreds of megabytes that is read once from
/// front to back is the kernel's to keep or to drop.
#[derive(Debug)]
pub struct Text(Buffer);

impl Text {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl Source {
    /// Lets go of the pages of it that were looked at, if it is mapped: they come back when they are looked at again.
    pub fn let_go(&self) {
        self.bytes.0.let_go();
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

/// What a compilation says while it goes on.
#[derive(Debug)]
pub enum Remark {
    /// About a line.
    Diagnostic(Diagnostic),
    /// About a source.
    Summary(Summary),
}

/// A file that a worker was handed to write to.
#[derive(Debug)]
pub struct Output(ManuallyDrop<OwnedFd>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&*self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Output {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&*self.0, bytes)?)
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(place) => rustix::fs::SeekFrom::Start(place),
            SeekFrom::End(distance) => rustix::fs::SeekFrom::End(distance),
            SeekFrom::Current(distance) => rustix::fs::SeekFrom::Current(distance),
        };
        Ok(rustix::fs::seek(&*self.0, to)?)
    }
}

/// What is given to be compiled.
#[derive(Debug)]
pub struct Work<'a> {
    /// The sources.
    pub sources: &'a [Source],
    /// Where the image is to be written.
    pub image: Output,
    /// What can be put aside goes here; nobody else looks at it.
    pub scratch: Output,
}

/// Compiles what it is given with `compile`, which writes the image and says what it came to, and ends the process.
pub fn compile(
    jailed: Jailed,
    compile: impl FnOnce(Work<'_>, &mut dyn FnMut(Remark)) -> Result<Sums, String>,
) -> ! {
    end(&compile_all(jailed, compile))
}

fn compile_all(
    jailed: Jailed,
    compile: impl FnOnce(Work<'_>, &mut dyn FnMut(Remark)) -> Result<Sums, String>,
) -> io::Result<()> {
    let mut ready = ManuallyDrop::new(jailed.ready()?);
    let mut outputs: Option<(Output, Output)> = None;
    let mut sources = Vec::new();
    let mut descriptors = Vec::new();
    loop {
        let Some(Order::Sources { sources: given, last }) = ready.next(&mut descriptors)? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut received = descriptors.drain(..);
        if outputs.is_none() {
            let mut next = || received.next().map(|file| Output(ManuallyDrop::new(file)));
            outputs = next().zip(next());
        }
        for (given, file) in given.iter().zip(received) {
            let mut buffer = Buffer::default();
            // Who hands it over keeps it from changing; whoever cuts it short all the same ends this process alone.
            let reading = buffer.take(&file, given.length, u64::MAX, u64::MAX, false);
            close(file);
            match reading {
                Reading::Complete if length(buffer.bytes()) == given.length => {
                    sources.push(Source { name: given.name.clone(), bytes: Text(buffer) });
                }
                // Whoever hands it over compares the times of the files, and begins anew.
                _ => return finish(&ready, Err(format!("{} changed while it was read", given.name))),
            }
        }
        if last {
            break;
        }
    }
    let Some((image, scratch)) = outputs else { return Err(io::ErrorKind::InvalidData.into()) };
    let mut said = Ok(());
    let mut say = |remark| {
        let word = match remark {
            Remark::Diagnostic(diagnostic) => Word::Diagnostic(diagnostic),
            Remark::Summary(summary) => Word::Summary(summary),
        };
        if said.is_ok() {
            said = ready.say(&word.encode());
        }
    };
    let work = Work { sources: &sources, image, scratch };
    let compiled = guarded(|| compile(work, &mut say)).and_then(std::convert::identity);
    said?;
    finish(&ready, compiled)
}

fn finish(ready: &Ready, result: Result<Sums, String>) -> io::Result<()> {
    ready.say(&Word::Compiled(result).encode())
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
