//! A mixed load for a while: everything that clients do, well or badly, with reloads meanwhile. No reply may be missing or
//! wrong, and what the server holds must not grow.

use std::fs;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{Arguments, Server, text};

/// Clients at the same time.
const CLIENTS: u64 = 24;

/// How long between two reloads.
const RELOAD: Duration = Duration::from_secs(7);

impl Server {
    /// Does that for so many seconds, and says what it came to.
    pub(super) fn soak(&self, arguments: &Arguments, seconds: u64) -> anyhow::Result<()> {
        let length = Duration::from_secs(seconds);
        let (over, made) = (AtomicBool::new(false), AtomicU64::new(0));
        let file = self.folder.join("soaked");
        fs::write(&file, text(arguments.size))?;
        let began = Instant::now();
        let mut early = None;
        let mut most = 0.0_f64;
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (over, made, file) = (&over, &made, &file);
                    scope.spawn(move || {
                        let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(client + 1);
                        while !over.load(Ordering::Relaxed) {
                            random ^= random << 13;
                            random ^= random >> 7;
                            random ^= random << 17;
                            self.one(random, file.as_os_str().as_encoded_bytes())?;
                            made.fetch_add(1, Ordering::Relaxed);
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            let mut reloads = 0;
            while began.elapsed() < length && clients.iter().all(|client| !client.is_finished()) {
                std::thread::sleep(Duration::from_millis(250));
                if began.elapsed() > RELOAD * (reloads + 1) {
                    reloads += 1;
                    self.ask(b"zRELOAD\0")?;
                }
                let memory = self.memory()?;
                most = most.max(memory);
                if early.is_none() && began.elapsed() > length / 4 {
                    early = Some((memory, self.descriptors()?));
                }
            }
            over.store(true, Ordering::Relaxed);
            for client in clients {
                client.join().map_err(|_| anyhow::anyhow!("a client failed"))??;
            }
            anyhow::Ok(())
        })?;
        // Workers of signatures that were replaced end, and sessions that were left are closed.
        std::thread::sleep(Duration::from_secs(3));
        self.ping()?;
        let (memory, descriptors) = early.unwrap_or_default();
        println!(
            "{}: {} requests in {:.0} s, every one answered as it should be; {memory:.1} MB and {descriptors} descriptors after a quarter of it, {:.1} MB and {} in the end, {most:.1} MB at most",
            self.name,
            made.load(Ordering::Relaxed),
            began.elapsed().as_secs_f64(),
            self.memory()?,
            self.descriptors()?
        );
        Ok(())
    }

    /// Something that a client does.
    fn one(&self, random: u64, path: &[u8]) -> anyhow::Result<()> {
        let size = usize::try_from(random >> 40)? % 20_000 + 64;
        let mut body = text(size);
        body[..8].copy_from_slice(&random.to_le_bytes().map(|byte| b'a' + byte % 26));
        let chunk = [&u32::try_from(size)?.to_be_bytes()[..], &body].concat();
        let answered = |bytes: &[u8], wanted: &[u8]| {
            let reply = self.ask(bytes)?;
            ensure!(reply == wanted, "{}: {:?}", self.name, String::from_utf8_lossy(&reply));
            anyhow::Ok(())
        };
        match random % 16 {
            0 => answered(b"zPING\0", b"PONG\0"),
            1 => answered(&[b"zSCAN ", path, b"\0"].concat(), &[path, b": OK\0"].concat()),
            // Hangs up in the middle of a stream, or says what is no command.
            2 => Ok(self.connect()?.write_all(&[b"zINSTREAM\0", &chunk[..size / 2]].concat())?),
            3 => answered(b"zNONSENSE\0", b"UNKNOWN COMMAND\0"),
            // Several in one session, answered in any order.
            4..8 => {
                let mut socket = self.connect()?;
                let mut asked = b"zIDSESSION\0".to_vec();
                (0..8).for_each(|_| asked.extend([b"zINSTREAM\0", chunk.as_slice(), &[0; 4]].concat()));
                asked.extend(b"zEND\0");
                socket.write_all(&asked)?;
                let mut reply = String::new();
                socket.read_to_string(&mut reply)?;
                let mut replies: Vec<&str> = reply.split_terminator('\0').collect();
                replies.sort_unstable();
                let wanted: Vec<String> = (1..=8).map(|number| format!("{number}: stream: OK")).collect();
                ensure!(replies == wanted, "{}: {reply:?}", self.name);
                Ok(())
            }
            _ => answered(&[b"zINSTREAM\0", chunk.as_slice(), &[0; 4]].concat(), b"stream: OK\0"),
        }
    }

    /// Open files of all its processes.
    fn descriptors(&self) -> anyhow::Result<usize> {
        let of = |process: u32| Some(fs::read_dir(format!("/proc/{process}/fd")).ok()?.count());
        Ok(self.processes()?.into_iter().filter_map(of).sum())
    }
}
