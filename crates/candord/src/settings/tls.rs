//! TLS: the table `[tls]` of `candord.toml`, and the certificates that it names.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;

use super::Sockets;
use super::fronts::places;

/// What stands in the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Table {
    /// Addresses where clamd's protocol is spoken over TLS.
    pub listen: Vec<String>,
    /// Addresses where ICAP is spoken over TLS.
    pub icap: Vec<String>,
    /// The certificate of this daemon, and those that lead to it: PEM.
    pub certificate: Option<PathBuf>,
    /// Its key: PEM.
    pub key: Option<PathBuf>,
    /// Authorities: only who shows a certificate of one of them is spoken with. PEM.
    pub clients: Option<PathBuf>,
}

/// Where TLS is spoken.
#[derive(Clone, Debug)]
pub struct Tls {
    /// With clients of clamd.
    pub clamd: Sockets,
    /// With proxies.
    pub icap: Sockets,
    /// Who is spoken for, and with whom; `None` where it is not spoken.
    pub certificates: Option<Arc<Certificates>>,
}

/// What files say about who this daemon is, and who its clients are. They may be read again while it runs: certificates
/// do not last for as long.
#[derive(Debug)]
pub struct Certificates {
    table: Table,
    current: Mutex<Arc<ServerConfig>>,
}

impl Certificates {
    fn read(table: &Table) -> anyhow::Result<Self> {
        Ok(Self { table: table.clone(), current: Mutex::new(Arc::new(config(table)?)) })
    }

    /// What was read last, for a new connection.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again. Connections that there are go on as they are.
    ///
    /// # Errors
    /// One of them is missing or makes no sense; what was read before stays.
    pub fn read_again(&self) -> anyhow::Result<()> {
        let new = Arc::new(config(&self.table)?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

impl Tls {
    /// What the table comes to. The files are read here, while they still can be.
    ///
    /// # Errors
    /// One of them is missing or makes no sense.
    pub fn new(table: &Table) -> anyhow::Result<Self> {
        let mut tls = Self {
            clamd: places("tls.listen", &table.listen)?,
            icap: places("tls.icap", &table.icap)?,
            certificates: None,
        };
        ensure!(
            tls.clamd.local.is_empty() && tls.icap.local.is_empty(),
            "tls: sockets of this machine need none; an address such as 0.0.0.0:3311 is expected"
        );
        if !table.listen.is_empty() || !table.icap.is_empty() {
            tls.certificates = Some(Arc::new(Certificates::read(table)?));
            tls.clamd.tls.clone_from(&tls.certificates);
            tls.icap.tls.clone_from(&tls.certificates);
        }
        Ok(tls)
    }
}

fn config(table: &Table) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates(table.certificate.as_deref().context("tls.certificate is missing")?)?;
    let key = table.key.as_deref().context("tls.key is missing")?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("tls.key: {}", key.display()))?;
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match &table.clients {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).with_context(|| format!("tls.clients: {}", path.display()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key).context("tls.certificate and tls.key")?;
    // Whoever comes again shows who he is again, and nothing is kept for those who do not.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let name = || format!("tls: {}", path.display());
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).with_context(name)?.collect();
    let found = found.with_context(name)?;
    ensure!(!found.is_empty(), "{}: no certificate", name());
    Ok(found)
}
