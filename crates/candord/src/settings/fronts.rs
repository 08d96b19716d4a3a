//! What is told of the other protocols.

use std::path::PathBuf;

use anyhow::Context as _;

use super::icap::Icap;
use super::milter::Milter;
use super::own::Own;
use super::tls::Tls;
use super::{Sockets, resolve};

/// Where they are listened for.
#[derive(Clone, Debug)]
pub struct Fronts {
    /// Metrics and health.
    pub metrics: Sockets,
    /// Mail servers.
    pub milter: Option<Milter>,
    /// Proxies.
    pub icap: Option<Icap>,
    /// Where TLS is spoken.
    pub tls: Tls,
}

impl Fronts {
    /// What `candord.toml` comes to; what is to be said about it is added to `warnings`.
    ///
    /// # Errors
    /// An address cannot be understood.
    pub fn new(own: &Own, stream_max: u64, warnings: &mut Vec<String>) -> anyhow::Result<Self> {
        let milter = own.milter.as_deref().map(|path| Milter::read(path, warnings)).transpose()?;
        let tls = Tls::new(&own.tls)?;
        let proxies = !own.icap.listen.is_empty() || !own.tls.icap.is_empty();
        let icap = proxies.then(|| Icap::new(&own.icap, stream_max)).transpose()?;
        Ok(Self { metrics: places("metrics", &own.metrics)?, milter, icap, tls })
    }
}

/// Sockets at these places: a path, or an address such as `127.0.0.1:9810`.
///
/// # Errors
/// One cannot be understood.
pub(super) fn places(key: &str, given: &[String]) -> anyhow::Result<Sockets> {
    let mut sockets = Sockets {
        local: Vec::new(),
        tcp: Vec::new(),
        mode: 0o660,
        group: None,
        fix_stale: true,
        backlog: 200,
        tls: None,
    };
    for place in given {
        if place.starts_with('/') {
            sockets.local.push(PathBuf::from(place));
        } else {
            sockets.tcp.extend(resolve(place.as_str()).with_context(|| format!("{key}: {place}"))?);
        }
    }
    Ok(sockets)
}
