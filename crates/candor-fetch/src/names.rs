//! The name system: addresses and texts of names, asked of the servers in `/etc/resolv.conf` by a socket of one's own.
//!
//! The C library would open files for every question, and load modules. So `/etc/hosts` and `/etc/resolv.conf` are
//! read once, before the jail is closed; other sources that `nsswitch.conf` may name are not asked.
//!
//! Answers are hostile bytes like any others: they must come from the server that was asked, with the number and the
//! question that were sent, and are bounded.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use candor_update::source::fetch::{Failure, FailureKind};
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, TYPE};

use crate::answer::accept;

/// The most bytes of a file of the system that are read.
const MOST_FILE: u64 = 1 << 20;
/// The most servers that are asked.
const MOST_SERVERS: usize = 3;
/// The most addresses that are tried, and texts that are told.
const MOST_ANSWERS: usize = 8;
/// How long one server is waited for.
const WAIT: Duration = Duration::from_secs(5);

/// Who is asked.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    servers: Vec<SocketAddr>,
    hosts: BTreeMap<String, Vec<IpAddr>>,
    search: Vec<String>,
}

impl Names {
    /// What this system says, with other servers when there are any in `servers`.
    pub(crate) fn of_system(servers: &[SocketAddr]) -> Self {
        let (own, search) = resolv_conf(&read("/etc/resolv.conf"));
        let servers = if servers.is_empty() { own } else { servers.to_vec() };
        let servers = servers.into_iter().take(MOST_SERVERS).collect();
        Self { servers, hosts: hosts(&read("/etc/hosts")), search }
    }

    /// The addresses of a name.
    pub(crate) fn addresses(&self, name: &str, time: Duration) -> Result<Vec<IpAddr>, Failure> {
        let plain = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = plain.parse() {
            return Ok(vec![address]);
        }
        let key = name.trim_end_matches('.').to_ascii_lowercase();
        if let Some(addresses) = self.hosts.get(&key) {
            return Ok(addresses.clone());
        }
        // No server is to be asked about this one: RFC 6761.
        if key == "localhost" || key.ends_with(".localhost") {
            return Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
        }
        let end = Instant::now() + time;
        let mut names = vec![key.clone()];
        if !key.contains('.') {
            names = self.search.iter().map(|domain| format!("{key}.{domain}")).chain(names).collect();
        }
        let mut failure = Failure::new(FailureKind::Name, format!("nobody knows the name {key}"));
        for name in names {
            let mut addresses = Vec::new();
            for kind in [TYPE::A, TYPE::AAAA] {
                let found = self.ask(&name, kind, end, &mut |data| match data {
                    RData::A(data) => addresses.push(IpAddr::V4(Ipv4Addr::from(data.address))),
                    RData::AAAA(data) => addresses.push(IpAddr::V6(Ipv6Addr::from(data.address))),
                    _ => (),
                });
                if let Err(found) = found {
                    failure = found;
                }
            }
            addresses.truncate(MOST_ANSWERS);
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
        Err(failure)
    }

    /// The texts of a name.
    pub(crate) fn texts(&self, name: &str, time: Duration) -> Result<Vec<String>, Failure> {
        let mut texts = Vec::new();
        self.ask(name, TYPE::TXT, Instant::now() + time, &mut |data| {
            if let RData::TXT(text) = data
                && texts.len() < MOST_ANSWERS
                && let Ok(text) = String::try_from(text.clone())
                && text.len() <= 1024
            {
                texts.push(text);
            }
        })?;
        if texts.is_empty() {
            return Err(Failure::new(FailureKind::Name, format!("there is no text for the name {name}")));
        }
        Ok(texts)
    }

    /// Asks one server after another; the data of the right type go to `take`.
    fn ask(
        &self,
        name: &str,
        kind: TYPE,
        end: Instant,
        take: &mut dyn FnMut(&RData<'_>),
    ) -> Result<(), Failure> {
        let fail = |text: String| Failure::new(FailureKind::Name, text);
        let parsed = Name::new(name).map_err(|_| fail(format!("{name} is no name")))?;
        let mut failure = fail(String::from("there is no server for names in /etc/resolv.conf"));
        for server in &self.servers {
            let left = end.saturating_duration_since(Instant::now()).min(WAIT);
            if left.is_zero() {
                return Err(Failure::new(FailureKind::Slow, "the servers for names are too slow"));
            }
            let number = random();
            let mut packet = Packet::new_query(number);
            packet.set_flags(PacketFlag::RECURSION_DESIRED);
            packet.questions.push(Question::new(
                parsed.clone(),
                QTYPE::TYPE(kind),
                QCLASS::CLASS(CLASS::IN),
                false,
            ));
            let query = packet.build_bytes_vec().map_err(|_| fail(format!("{name} is no name")))?;
            match exchange(*server, &query, left) {
                Ok(answer) => match accept(&answer, &packet, kind, take) {
                    Ok(()) => return Ok(()),
                    Err(text) => failure = fail(format!("{server} says of {name}: {text}")),
                },
                Err(error) => failure = fail(format!("{server} does not answer: {error}")),
            }
        }
        Err(failure)
    }
}

/// A number that nobody else can tell.
fn random() -> u16 {
    let bytes = RandomState::new().build_hasher().finish().to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// Sends a question and waits for an answer to its number; over TCP when it is too long for one packet.
fn exchange(server: SocketAddr, query: &[u8], time: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + time;
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // The kernel passes nothing on that comes from elsewhere.
    socket.connect(server)?;
    socket.send(query)?;
    let mut buffer = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let length = socket.recv(&mut buffer)?;
        let answer = buffer.get(..length).unwrap_or_default();
        // Somebody who guesses must not be able to end the wait.
        if answer.len() < 12 || answer.get(..2) != query.get(..2) {
            continue;
        }
        let is_cut = answer.get(2).is_some_and(|flags| flags & 2 != 0);
        return if is_cut { by_stream(server, query, left) } else { Ok(answer.to_vec()) };
    }
}

fn by_stream(server: SocketAddr, query: &[u8], time: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, time)?;
    stream.set_read_timeout(Some(time))?;
    stream.set_write_timeout(Some(time))?;
    let length = u16::try_from(query.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn read(path: &str) -> String {
    let mut bytes = Vec::new();
    match fs::File::open(path).and_then(|file| file.take(MOST_FILE).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

fn without_comment(line: &str) -> &str {
    line.split(['#', ';']).next().unwrap_or_default().trim()
}

fn resolv_conf(text: &str) -> (Vec<SocketAddr>, Vec<String>) {
    let (mut servers, mut search) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut words = without_comment(line).split_whitespace();
        match words.next() {
            Some("nameserver") => {
                // The name of an interface may follow; it is of no use without opening it.
                let word = words.next().and_then(|word| word.split('%').next()).unwrap_or_default();
                if let Ok(address) = word.parse::<IpAddr>() {
                    servers.push(SocketAddr::new(address, 53));
                }
            }
            Some("search" | "domain") => {
                search = words.take(6).map(|word| word.trim_end_matches('.').to_ascii_lowercase()).collect();
            }
            _ => (),
        }
    }
    if servers.is_empty() {
        servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53));
    }
    (servers, search)
}

fn hosts(text: &str) -> BTreeMap<String, Vec<IpAddr>> {
    let mut hosts: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = without_comment(line).split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
        for name in words {
            let addresses = hosts.entry(name.trim_end_matches('.').to_ascii_lowercase()).or_default();
            if addresses.len() < MOST_ANSWERS {
                addresses.push(address);
            }
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_system_are_read_as_they_are_meant() {
        let (servers, search) = resolv_conf(
            "# x\nnameserver 10.0.0.1 # y\nnameserver fe80::1%eth0\nnameserver nonsense\nsearch A.example. b\n",
        );
        assert_eq!(servers, ["10.0.0.1:53".parse().unwrap(), "[fe80::1]:53".parse().unwrap()]);
        assert_eq!(search, ["a.example", "b"]);
        assert_eq!(resolv_conf("").0, ["127.0.0.1:53".parse().unwrap()]);
        let hosts = hosts("127.0.0.1 localhost LocalHost.\n::1 localhost\n#10.0.0.1 x\nnonsense y\n");
        assert_eq!(hosts.len(), 1);
        assert_eq!(hosts["localhost"].len(), 3);
    }
}
