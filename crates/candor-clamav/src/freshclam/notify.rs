//! Tells a running daemon that there are new databases, over the socket that its `clamd.conf` names.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long the daemon is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most bytes of a configuration file that are read.
const MOST: u64 = 1 << 20;

/// Asks the daemon of this `clamd.conf` to load its databases again. The error is for people.
pub(crate) fn notify(configuration: &Path) -> Result<(), String> {
    let mut text = String::new();
    std::fs::File::open(configuration)
        .and_then(|file| file.take(MOST).read_to_string(&mut text))
        .map_err(|_| format!("Can't find or parse configuration file {}", configuration.display()))?;
    let value = |name: &str| {
        text.lines()
            .filter_map(|line| line.trim().split_once([' ', '\t']))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let Some(socket) = value("LocalSocket") else {
        return Err(if value("TCPSocket").is_some() {
            String::from("only a daemon with a LocalSocket is told: this program opens no connections")
        } else {
            format!("No communication socket specified in {}", configuration.display())
        });
    };
    let answer = ask(Path::new(&socket))
        .map_err(|error| format!("Can't connect to clamd through {socket}: {error}"))?;
    if answer.starts_with("RELOADING") {
        Ok(())
    } else {
        Err(format!("clamd says: {}", answer.trim_end_matches(['\0', '\n'])))
    }
}

fn ask(socket: &Path) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"zRELOAD\0")?;
    let mut answer = Vec::new();
    stream.take(256).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
