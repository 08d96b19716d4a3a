//! What is told of the other protocols.

use std::path::PathBuf;

use anyhow::Context as _;

use super::milter::Milter;
use super::own::Own;
use super::{Sockets, resolve};

/// Where they are listened for.
#[derive(Clone, Debug)]
pub struct Fronts {
    /// Metrics and health.
    pub metrics: Sockets,
    /// Mail servers.
    pub milter: Option<Milter>,
}

impl Fronts {
    /// What `candord.toml` comes to; what is to be said about it is added to `warnings`.
    ///
    /// # Errors
    /// An address cannot be understood.
    pub fn new(own: &Own, warnings: &mut Vec<String>) -> anyhow::Result<Self> {
        let milter = own.milter.as_deref().map(|path| Milter::read(path, warnings)).transpose()?;
        Ok(Self { metrics: places("metrics", &own.metrics)?, milter })
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
