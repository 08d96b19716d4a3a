//! Files over HTTP and HTTPS.
//!
//! Servers are believed by the certificates of this system's administrator, not by a list of ours: he has a mirror of his
//! own with an authority of his own, and what comes is verified by signatures anyway. Nothing is sent that tells one
//! installation from another: no cookie, no number, and always the same agent.
//!
//! Hostile servers: one that sends a byte a minute, one that never ends, one that sends on for ever or to an address that is
//! not encrypted. Each ends in time, and costs nothing but that time.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candor_update::clamav::{from_http_date, http_date};
use candor_update::source::fetch::{Answer, Failure, FailureKind, FileWish, Job, Proxy, Times};
use ureq::http::header::{
    HeaderMap, HeaderName, IF_MODIFIED_SINCE, LAST_MODIFIED, LOCATION, RANGE, RETRY_AFTER,
};
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, Error};

use crate::names::Names;
use crate::spool::Spool;

/// The longest head of an answer.
const MOST_HEAD: usize = 32 << 10;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Asks servers.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Result<Agent, Failure>,
    times: Times,
    redirects: u32,
    /// Whether there are authorities that a server could be believed by.
    has_authorities: bool,
}

impl Client {
    /// Takes what it needs from the system.
    pub(crate) fn prepare(job: &Job, names: Names) -> Self {
        let mut times = job.times;
        let bounded = |seconds: u64| seconds.clamp(1, 24 * 3600);
        (times.connect, times.stall, times.total) =
            (bounded(times.connect), bounded(times.stall), bounded(times.total));
        let needs_authorities = job.wishes.iter().any(
            |wish| matches!(wish, candor_update::source::fetch::Wish::File(file) if is_secure(&file.url)),
        ) || job.proxy.as_ref().is_some_and(|proxy| is_secure(&proxy.url));
        let authorities =
            if needs_authorities { authorities(job.authorities.as_deref()) } else { Vec::new() };
        let has_authorities = !authorities.is_empty();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&authorities))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = job.proxy.as_ref().map(proxy).transpose().map(|proxy| {
            let config = Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(job.agent.as_str())
                .accept_encoding("identity")
                .max_response_header_size(MOST_HEAD)
                // As freshclam does: a server may have closed what was kept open.
                .max_idle_connections(0)
                .proxy(proxy)
                .tls_config(tls)
                .timeout_resolve(seconds(times.connect))
                .timeout_connect(seconds(times.connect))
                .timeout_send_request(seconds(times.stall))
                .timeout_recv_response(seconds(times.stall))
                .timeout_per_read(seconds(times.stall))
                .timeout_global(seconds(times.total))
                .build();
            Agent::with_parts(config, DefaultConnector::new(), Addresses(names))
        });
        Self { agent, times, redirects: job.redirects.min(10), has_authorities }
    }

    /// Fetches one file.
    pub(crate) fn fetch(&self, wish: &FileWish, spool: &mut Spool) -> Answer {
        let mut answer = Answer::default();
        if let Err(failure) = self.try_fetch(wish, spool, &mut answer) {
            answer.failure = Some(failure);
        }
        answer.length = spool.length();
        answer.sha256 = spool.digest();
        answer
    }

    fn try_fetch(&self, wish: &FileWish, spool: &mut Spool, answer: &mut Answer) -> Result<(), Failure> {
        let began = Instant::now();
        let agent = self.agent.as_ref().map_err(Clone::clone)?;
        let mut url = checked(&wish.url)?;
        for _ in 0..=self.redirects {
            if url.scheme_str() == Some("https") && !self.has_authorities {
                let text = "this system has no certificates of authorities: the server cannot be believed";
                return Err(Failure::new(FailureKind::Certificate, text));
            }
            let mut request = agent.get(&url);
            if let Some(first) = wish.first {
                request = request.header(RANGE, format!("bytes=0-{}", first.saturating_sub(1)));
            }
            if let Some(since) = wish.since {
                request = request.header(IF_MODIFIED_SINCE, http_date(since));
            }
            let response = request.call().map_err(failure)?;
            let status = response.status().as_u16();
            let place = text(response.headers(), &LOCATION).map(str::to_owned);
            if let (301 | 302 | 303 | 307 | 308, Some(place)) = (status, place) {
                url = next(&url, &place)?;
                continue;
            }
            answer.status = Some(status);
            answer.modified = text(response.headers(), &LAST_MODIFIED).and_then(from_http_date);
            answer.retry_after =
                text(response.headers(), &RETRY_AFTER).and_then(|text| text.trim().parse().ok());
            // What a server says in place of a file is of no use to anybody.
            return if matches!(status, 200 | 206) {
                spool.restart().map_err(|error| spool_failure(&error))?;
                self.body(response, wish, spool, began)
            } else {
                Ok(())
            };
        }
        Err(Failure::new(FailureKind::Redirect, "the server sends on and on"))
    }

    fn body(
        &self,
        response: Response<Body>,
        wish: &FileWish,
        spool: &mut Spool,
        began: Instant,
    ) -> Result<(), Failure> {
        // A server that knows no ranges sends the whole: the start of it is what is wanted.
        let most = wish.first.unwrap_or(wish.most).min(wish.most);
        let cuts = wish.first.is_some();
        if let Some(length) = response.body().content_length()
            && length > most
            && !cuts
        {
            let text = format!("it has {length} bytes, more than {most}");
            return Err(Failure::new(FailureKind::TooLong, text));
        }
        let mut reader = response.into_body().into_with_config().limit(u64::MAX).reader();
        let mut piece = vec![0; PIECE];
        let mut pace = Pace::new(self.times);
        loop {
            if began.elapsed() > Duration::from_secs(self.times.total) {
                return Err(Failure::new(FailureKind::Slow, "it takes too long"));
            }
            let read = match reader.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) => return Err(from_io(error)),
            };
            let left = most.saturating_sub(spool.length());
            let taken = read.min(usize::try_from(left).unwrap_or(usize::MAX));
            let bytes = piece.get(..taken).unwrap_or_default();
            spool.write(bytes).map_err(|error| spool_failure(&error))?;
            if taken < read || (cuts && spool.length() >= most) {
                return if cuts {
                    Ok(())
                } else {
                    Err(Failure::new(FailureKind::TooLong, format!("it has more than {most} bytes")))
                };
            }
            if !pace.goes_on(read, Instant::now()) {
                return Err(Failure::new(FailureKind::Slow, "the server sends too slowly"));
            }
        }
    }
}

/// How fast a server sends.
#[derive(Debug)]
struct Pace {
    window: Duration,
    needed: u64,
    since: Instant,
    bytes: u64,
}

impl Pace {
    fn new(times: Times) -> Self {
        Self {
            window: Duration::from_secs(times.stall),
            needed: times.stall.saturating_mul(times.slowest),
            since: Instant::now(),
            bytes: 0,
        }
    }

    /// Counts bytes; says whether it is fast enough.
    fn goes_on(&mut self, bytes: usize, now: Instant) -> bool {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if now.saturating_duration_since(self.since) < self.window {
            return true;
        }
        let enough = self.bytes >= self.needed;
        (self.since, self.bytes) = (now, 0);
        enough
    }
}

/// Finds addresses by [`Names`].
#[derive(Debug)]
struct Addresses(Names);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let time = (*timeout.after).min(Duration::from_secs(600));
        let addresses = self.0.addresses(host, time).map_err(|failure| Error::Other(Box::new(failure)))?;
        let mut result = self.empty();
        for address in addresses.into_iter().take(16) {
            result.push(SocketAddr::new(address, port));
        }
        Ok(result)
    }
}

fn is_secure(url: &str) -> bool {
    url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}

/// The certificates that servers are believed by: those of a file, or else those of the system.
fn authorities(file: Option<&str>) -> Vec<Certificate<'static>> {
    let loaded = match file {
        Some(file) => rustls_native_certs::load_certs_from_paths(Some(file.as_ref()), None),
        None => rustls_native_certs::load_native_certs(),
    };
    loaded.certs.iter().map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned()).collect()
}

fn proxy(proxy: &Proxy) -> Result<ureq::Proxy, Failure> {
    let wrong = || Failure::new(FailureKind::Wish, "the address of the proxy makes no sense");
    let uri: Uri = proxy.url.parse().map_err(|_| wrong())?;
    let protocol = match uri.scheme_str() {
        Some("http") => ureq::ProxyProtocol::Http,
        Some("https") => ureq::ProxyProtocol::Https,
        _ => return Err(wrong()),
    };
    let mut builder = ureq::Proxy::builder(protocol).host(uri.host().ok_or_else(wrong)?);
    if let Some(port) = uri.port_u16() {
        builder = builder.port(port);
    }
    if let Some(user) = &proxy.user {
        builder = builder.username(user);
    }
    if let Some(password) = &proxy.password {
        builder = builder.password(password);
    }
    builder.build().map_err(|_| wrong())
}

fn checked(url: &str) -> Result<Uri, Failure> {
    let wrong = || Failure::new(FailureKind::Wish, format!("{url} is no address of HTTP"));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    if known && uri.host().is_some_and(|host| !host.is_empty()) { Ok(uri) } else { Err(wrong()) }
}

/// Where a server sends on to: only from one encrypted place to another.
fn next(from: &Uri, place: &str) -> Result<Uri, Failure> {
    let refuse = |why: &str| {
        Err(Failure::new(FailureKind::Redirect, format!("the server sends on to {place}: {why}")))
    };
    let absolute = if place.starts_with("//") {
        format!("{}:{place}", from.scheme_str().unwrap_or_default())
    } else if place.starts_with('/') {
        let authority = from.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}{place}", from.scheme_str().unwrap_or_default())
    } else {
        place.to_owned()
    };
    let Ok(to) = checked(&absolute) else { return refuse("no address of HTTP") };
    match (from.scheme_str(), to.scheme_str()) {
        (Some("https"), Some("https")) => Ok(to),
        _ => refuse("only an encrypted place may send on, to an encrypted one"),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn spool_failure(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Spool, format!("the spool cannot be written: {error}"))
}

fn from_io(error: std::io::Error) -> Failure {
    let inner = error.get_ref().is_some_and(|inner| inner.is::<Error>());
    if inner && let Some(inner) = error.into_inner() {
        return match inner.downcast::<Error>() {
            Ok(inner) => failure(*inner),
            Err(other) => Failure::new(FailureKind::Cut, other.to_string()),
        };
    }
    Failure::new(FailureKind::Cut, "the connection ended before the file did")
}

fn failure(error: Error) -> Failure {
    use std::io::ErrorKind;
    let kind = match &error {
        Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) | Error::ConnectionFailed => {
            FailureKind::Connect
        }
        Error::Timeout(_) => FailureKind::Slow,
        Error::HostNotFound => FailureKind::Name,
        Error::Tls(_) | Error::Pem(_) | Error::Rustls(_) => FailureKind::Certificate,
        Error::BadUri(_) | Error::InvalidProxyUrl => FailureKind::Wish,
        Error::BodyExceedsLimit(_) => FailureKind::TooLong,
        Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut => FailureKind::Slow,
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => FailureKind::Cut,
            ErrorKind::InvalidData => FailureKind::Certificate,
            _ => FailureKind::Connect,
        },
        _ => FailureKind::Protocol,
    };
    if let Error::Other(other) = &error
        && let Some(failure) = other.downcast_ref::<Failure>()
    {
        return failure.clone();
    }
    Failure::new(kind, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_on(from: &str, place: &str) -> Result<String, FailureKind> {
        let from: Uri = from.parse().unwrap();
        next(&from, place).map(|to| to.to_string()).map_err(|failure| failure.kind)
    }

    #[test]
    fn only_encrypted_places_send_on_and_only_to_such() {
        assert_eq!(sent_on("https://a/x", "https://b/y"), Ok(String::from("https://b/y")));
        assert_eq!(sent_on("https://a:7/x", "/y"), Ok(String::from("https://a:7/y")));
        assert_eq!(sent_on("https://a/x", "//b/y"), Ok(String::from("https://b/y")));
        for (from, place) in [
            ("https://a/x", "http://a/x"),
            ("http://a/x", "https://a/x"),
            ("http://a/x", "http://a/y"),
            ("http://a/x", "/y"),
            ("https://a/x", "file:///etc/passwd"),
            ("https://a/x", "y"),
        ] {
            assert_eq!(sent_on(from, place), Err(FailureKind::Redirect), "{from} {place}");
        }
    }

    #[test]
    fn addresses_of_other_kinds_are_refused() {
        for url in ["ftp://a/x", "file:///x", "x", "http:///x", ""] {
            assert_eq!(checked(url).unwrap_err().kind, FailureKind::Wish, "{url}");
        }
    }

    #[test]
    fn a_byte_a_minute_is_too_slow() {
        let mut pace = Pace::new(Times { stall: 60, slowest: 64, ..Times::default() });
        let start = pace.since;
        assert!(pace.goes_on(1, start + Duration::from_secs(59)));
        assert!(!pace.goes_on(1, start + Duration::from_secs(61)));
        let mut pace = Pace::new(Times { stall: 60, slowest: 64, ..Times::default() });
        let start = pace.since;
        assert!(pace.goes_on(60 * 64, start + Duration::from_secs(61)));
        // Each stretch of time counts for itself.
        assert!(!pace.goes_on(100, start + Duration::from_secs(122)));
    }
}
