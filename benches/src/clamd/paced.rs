//! Latency at a given load: requests are made when their time has come, whether earlier ones are answered or not, and
//! each is late from that time on. A server that stops for a moment has all of them late that came meanwhile.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use super::{Arguments, Load, Server, Way, copy};

/// Clients that share the requests out among themselves; with more than are ever waited for at the same time, none is made late by
/// the client.
const CLIENTS: usize = 64;

impl Server {
    /// As many requests as are to be made, at so many a second.
    pub(super) fn paced(&self, arguments: &Arguments, way: Way, rate: f64) -> anyhow::Result<Load> {
        let times = Mutex::new(Vec::with_capacity(arguments.requests));
        let before = self.processor_time()?;
        // Time for all clients to be there.
        let begin = Instant::now() + Duration::from_millis(200);
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|first| {
                    let times = &times;
                    scope.spawn(move || {
                        let one = Arguments { requests: 1, ..copy(arguments) };
                        let mut own = Vec::new();
                        for number in (first..arguments.requests).step_by(CLIENTS) {
                            let due = begin + Duration::from_secs_f64(number as f64 / rate);
                            std::thread::sleep(due.saturating_duration_since(Instant::now()));
                            self.client(&one, way, &AtomicUsize::new(0))?;
                            own.push(due.elapsed().as_secs_f64());
                        }
                        if let Ok(mut times) = times.lock() {
                            times.append(&mut own);
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            for client in clients {
                client.join().map_err(|_| anyhow::anyhow!("a client failed"))??;
            }
            anyhow::Ok(())
        })?;
        let wall = begin.elapsed().as_secs_f64();
        let used = self.processor_time()? - before;
        Ok(Load::new(times.into_inner().unwrap_or_default(), wall, used))
    }
}
