//! The daemon beside ClamAV's: the same signatures, the same clients, one after the other.
//!
//! clamd remembers what it has seen, so bodies that are all different are measured apart from bodies that are all alike. Clients are threads that wait for each answer before they ask
//! again. Processor time is that of all processes of a server, those that have ended included.

mod memory;
mod paced;
mod soak;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(300);

/// What to measure with.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Candor's daemon.
    #[arg(long)]
    candord: PathBuf,

    /// The databases that both are to use.
    #[arg(long)]
    database: PathBuf,

    /// Clients at the same time.
    #[arg(long, default_value_t = 32)]
    connections: usize,

    /// Requests of one run.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,

    /// Bytes of a body.
    #[arg(long, default_value_t = 4096)]
    size: usize,

    /// Threads that scan.
    #[arg(long, default_value_t = 10)]
    threads: usize,

    /// Runs of each, one after the other.
    #[arg(long, default_value_t = 3)]
    runs: u32,

    /// Sessions that are opened and left alone.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,

    /// Seconds of a mixed load; 0 for none.
    #[arg(long, default_value_t = 60)]
    soak: u64,

    /// Leave ClamAV's daemon out.
    #[arg(long)]
    alone: bool,

    /// Only what they hold, and what a reload of databases that have changed takes, so many times; requests go on
    /// meanwhile.
    #[arg(long, default_value_t = 0)]
    changed: u32,

    /// Only the mixed load.
    #[arg(long)]
    only_soak: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    if arguments.changed > 0 {
        return changed(arguments, place.path());
    }
    let ours = Server::start("candord", &arguments.candord, arguments, &place.path().join("candord"))?;
    if arguments.only_soak {
        return ours.soak(arguments, arguments.soak);
    }
    let theirs = if arguments.alone {
        None
    } else {
        Some(Server::start("clamd", Path::new("clamd"), arguments, &place.path().join("clamd"))?)
    };
    for way in [
        Way { in_session: false, alike: false },
        Way { in_session: false, alike: true },
        Way { in_session: true, alike: true },
    ] {
        println!(
            "INSTREAM of {} bytes, {} clients, {}, {}:",
            arguments.size,
            arguments.connections,
            if way.alike { "all bodies alike" } else { "every body different" },
            if way.in_session { "32 requests to a session" } else { "one request a connection" },
        );
        for _ in 0..arguments.runs {
            let mine = ours.load(arguments, way)?;
            println!("  candord {mine}");
            if let Some(theirs) = &theirs {
                let other = theirs.load(arguments, way)?;
                println!("  clamd   {other}");
                println!(
                    "  clamd takes {:.1} times the processor time, answers 1/{:.1} as often, and its 99th percentile is {:.1} times as late",
                    other.processor / mine.processor,
                    mine.rate / other.rate,
                    other.late / mine.late
                );
            }
        }
    }
    // The load that the slower one can bear: half of what it answered when clients asked as fast as they could.
    let way = Way { in_session: false, alike: false };
    let slower = theirs.as_ref().unwrap_or(&ours);
    let rate = slower.load(arguments, way)?.rate / 2.0;
    println!(
        "INSTREAM of {} bytes, {rate:.0} requests a second, whether earlier ones are answered or not:",
        arguments.size
    );
    for _ in 0..arguments.runs {
        let mine = ours.paced(arguments, way, rate)?;
        println!("  candord {mine}");
        if let Some(theirs) = &theirs {
            let other = theirs.paced(arguments, way, rate)?;
            println!("  clamd   {other}");
            println!("  clamd's 99th percentile is {:.1} times as late", other.late / mine.late);
        }
    }
    for server in std::iter::once(&ours).chain(&theirs) {
        println!(
            "{}: {:.1} MB of memory of its own and shared, each page counted once",
            server.name,
            server.memory()?
        );
        server.reload(arguments)?;
    }
    ours.idle(arguments.idle)?;
    if arguments.soak > 0 {
        ours.soak(arguments, arguments.soak)?;
    }
    Ok(())
}

/// Both, one after the other: they would be in each other's way.
fn changed(arguments: &Arguments, place: &Path) -> anyhow::Result<()> {
    let database = place.join("databases");
    memory::copied(arguments, &database)?;
    let arguments = Arguments { database: database.clone(), ..copy(arguments) };
    let ours = ("candord", arguments.candord.as_path());
    let theirs = (!arguments.alone).then_some(("clamd", Path::new("clamd")));
    for (name, program) in std::iter::once(ours).chain(theirs) {
        let server = Server::start(name, program, &arguments, &place.join(name))?;
        let way = Way { in_session: false, alike: false };
        println!("{name} {}", server.load(&arguments, way)?);
        println!("{name}: {}", server.held()?);
        for number in 0..arguments.changed {
            server.changed(&database, number)?;
        }
    }
    Ok(())
}

/// How requests are made.
#[derive(Clone, Copy)]
struct Way {
    in_session: bool,
    alike: bool,
}

/// Counts requests over all runs, so that no two bodies are alike that are not meant to be.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// A server of its own.
struct Server {
    name: &'static str,
    process: Child,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What a run came to.
struct Load {
    /// Microseconds of processor time a request.
    processor: f64,
    /// Requests a second.
    rate: f64,
    /// Milliseconds within which half of them are answered.
    middle: f64,
    /// Milliseconds within which 99 of 100 are.
    late: f64,
}

impl Load {
    /// Of the seconds that each request took, and those that all of them did, by the clock and of the processor.
    fn new(mut times: Vec<f64>, wall: f64, used: f64) -> Self {
        times.sort_by(f64::total_cmp);
        let count = times.len() as f64;
        let within = |part: f64| times.get((count * part) as usize).copied().unwrap_or(f64::NAN) * 1e3;
        Self { processor: used / count * 1e6, rate: count / wall, middle: within(0.5), late: within(0.99) }
    }
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.0} us of processor time a request, {:.0} requests a second, half within {:.2} ms, 99 of 100 within {:.2} ms",
            self.processor, self.rate, self.middle, self.late
        )
    }
}

impl Server {
    fn start(
        name: &'static str,
        program: &Path,
        arguments: &Arguments,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        fs::create_dir(folder)?;
        let configuration = folder.join("clamd.conf");
        let text = format!(
            "Foreground yes\nLocalSocket {}\nDatabaseDirectory {}\nDetectPUA yes\nMaxThreads {}\nMaxQueue 200\nCommandReadTimeout 300\nSelfCheck 0\n",
            folder.join("socket").display(),
            arguments.database.display(),
            arguments.threads
        );
        fs::write(&configuration, text)?;
        let mut command = Command::new(program);
        command.arg("--config-file").arg(&configuration).stdout(Stdio::null()).stderr(Stdio::null());
        if name == "candord" {
            let own = folder.join("candord.toml");
            fs::write(&own, format!("cache = '{}'\n", folder.join("cache").display()))?;
            command.arg("--config").arg(own);
        }
        let process = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        let mut server = Self { name, process, folder: folder.to_path_buf() };
        let began = Instant::now();
        while server.ping().is_err() {
            ensure!(began.elapsed() < PATIENCE, "{name} does not answer");
            ensure!(server.process.try_wait()?.is_none(), "{name} has ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("{name} answers after {:.2} s", began.elapsed().as_secs_f64());
        Ok(server)
    }

    fn connect(&self) -> std::io::Result<UnixStream> {
        UnixStream::connect(self.folder.join("socket"))
    }

    fn ask(&self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut socket = self.connect()?;
        socket.write_all(bytes)?;
        let mut reply = Vec::new();
        socket.read_to_end(&mut reply)?;
        Ok(reply)
    }

    fn ping(&self) -> anyhow::Result<()> {
        ensure!(self.ask(b"zPING\0")? == b"PONG\0", "no answer to a ping");
        Ok(())
    }

    fn load(&self, arguments: &Arguments, way: Way) -> anyhow::Result<Load> {
        let next = AtomicUsize::new(0);
        let times = Mutex::new(Vec::with_capacity(arguments.requests));
        let barrier = Barrier::new(arguments.connections + 1);
        let went = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..arguments.connections)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let own = self.client(arguments, way, &next);
                        own.map(|mut own| {
                            if let Ok(mut times) = times.lock() {
                                times.append(&mut own);
                            }
                        })
                    })
                })
                .collect();
            let before = self.processor_time();
            barrier.wait();
            let began = Instant::now();
            for client in clients {
                client.join().map_err(|_| anyhow::anyhow!("a client failed"))??;
            }
            anyhow::Ok((began.elapsed().as_secs_f64(), before?))
        });
        let (wall, before) = went?;
        let used = self.processor_time()? - before;
        Ok(Load::new(times.into_inner().unwrap_or_default(), wall, used))
    }

    /// One client, until all requests are made; the seconds that each took.
    fn client(&self, arguments: &Arguments, way: Way, next: &AtomicUsize) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        let mut body = text(arguments.size);
        let mut session: Option<(UnixStream, u32)> = None;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= arguments.requests {
                break;
            }
            let mark = if way.alike { 0 } else { MADE.fetch_add(1, Ordering::Relaxed) };
            let mark = format!("{mark:016}{:016x}", std::process::id());
            let place = mark.len().min(body.len());
            body[..place].copy_from_slice(&mark.as_bytes()[..place]);
            let mut request = Vec::with_capacity(body.len() + 32);
            let began = Instant::now();
            if way.in_session && session.as_ref().is_none_or(|(_, made)| *made == 32) {
                let mut socket = self.connect()?;
                socket.write_all(b"zIDSESSION\0")?;
                session = Some((socket, 0));
            }
            request.extend_from_slice(b"zINSTREAM\0");
            request.extend_from_slice(&u32::try_from(body.len())?.to_be_bytes());
            request.extend_from_slice(&body);
            request.extend_from_slice(&[0; 4]);
            let reply = match &mut session {
                Some((socket, made)) => {
                    *made += 1;
                    socket.write_all(&request)?;
                    let mut reply = [0; 256];
                    let mut length = 0;
                    while length == 0 || reply[length - 1] != 0 {
                        let read = socket.read(&mut reply[length..])?;
                        ensure!(read > 0, "{} hung up in a session", self.name);
                        length += read;
                    }
                    reply[..length].to_vec()
                }
                None => self.ask(&request)?,
            };
            times.push(began.elapsed().as_secs_f64());
            ensure!(reply.ends_with(b"stream: OK\0"), "{}: {}", self.name, String::from_utf8_lossy(&reply));
        }
        Ok(times)
    }

    /// Reloads while small requests go on; how late the latest was.
    fn reload(&self, arguments: &Arguments) -> anyhow::Result<()> {
        let over = AtomicBool::new(false);
        let latest = std::thread::scope(|scope| {
            let client = scope.spawn(|| {
                let mut latest = (Duration::ZERO, 0_usize);
                let next = AtomicUsize::new(0);
                let one = Arguments { requests: 1, ..copy(arguments) };
                while !over.load(Ordering::Relaxed) {
                    next.store(0, Ordering::Relaxed);
                    let began = Instant::now();
                    self.client(&one, Way { in_session: false, alike: true }, &next)?;
                    latest = (latest.0.max(began.elapsed()), latest.1 + 1);
                }
                anyhow::Ok(latest)
            });
            let mut most = self.memory()?;
            for _ in 0..3 {
                self.ask(b"zRELOAD\0")?;
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(4) {
                    most = most.max(self.memory()?);
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
            over.store(true, Ordering::Relaxed);
            let latest = client.join().map_err(|_| anyhow::anyhow!("the client failed"))??;
            anyhow::Ok((latest, most))
        });
        let ((latest, requests), most) = latest?;
        println!(
            "{}: the latest of {requests} requests one after the other during three reloads took {:.1} ms; at most {most:.1} MB meanwhile",
            self.name,
            latest.as_secs_f64() * 1e3
        );
        Ok(())
    }

    /// What sessions take that do nothing, and whether others are served beside them.
    fn idle(&self, number: usize) -> anyhow::Result<()> {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let wanted = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, wanted)?;
        let before = self.memory()?;
        let mut sessions = Vec::with_capacity(number);
        let began = Instant::now();
        for _ in 0..number {
            let mut socket = self.connect()?;
            socket.write_all(b"zIDSESSION\0zPING\0")?;
            sessions.push(socket);
        }
        for socket in &mut sessions {
            let mut reply = [0; 8];
            socket.read_exact(&mut reply)?;
            ensure!(&reply == b"1: PONG\0", "an idle session was not answered");
        }
        let opened = began.elapsed();
        let began = Instant::now();
        self.ping()?;
        let pinged = began.elapsed();
        println!(
            "{}: {number} sessions opened in {:.2} s take {:.1} MB; a ping beside them takes {:.2} ms",
            self.name,
            opened.as_secs_f64(),
            self.memory()? - before,
            pinged.as_secs_f64() * 1e3
        );
        Ok(())
    }

    /// All its processes.
    fn processes(&self) -> anyhow::Result<Vec<u32>> {
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            if let Some(fields) = stat(number) {
                parents.push((number, fields.get(1).map_or(0, |parent| *parent as u32)));
            }
        }
        let mut all = vec![self.process.id()];
        let mut place = 0;
        while let Some(parent) = all.get(place).copied() {
            all.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(number, _)| *number));
            place += 1;
        }
        Ok(all)
    }

    /// Seconds of all its processes, and of those that have ended.
    fn processor_time(&self) -> anyhow::Result<f64> {
        let ticks: f64 = self
            .processes()?
            .into_iter()
            .filter_map(stat)
            .map(|fields| fields.iter().skip(11).take(4).sum::<f64>())
            .sum();
        Ok(ticks / 100.0)
    }

    /// Megabytes of all its processes.
    fn memory(&self) -> anyhow::Result<f64> {
        Ok(self.held()?.total())
    }
}

/// Fields of proc_pid_stat(5) from the third on, as numbers.
fn stat(process: u32) -> Option<Vec<f64>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split(' ').map(|field| field.trim().parse().unwrap_or(0.0)).collect())
}

fn copy(arguments: &Arguments) -> Arguments {
    Arguments { candord: arguments.candord.clone(), database: arguments.database.clone(), ..*arguments }
}

/// Words in lines, as letters have them.
fn text(size: usize) -> Vec<u8> {
    let words = b"the report of last week is attached and should be read before the meeting on friday\n";
    words.iter().copied().cycle().take(size).collect()
}
