//! The sockets that clients come to: those of the configuration, and those that systemd hands over.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::service;
use crate::settings::Sockets;
use crate::settings::tls::Certificates;
use crate::socket::Socket;
use crate::tls::Tls;

/// One socket that is listened on.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    /// Where it is in the file system, if this program put it there.
    path: Option<PathBuf>,
    /// What is needed for TLS, where it is spoken.
    tls: Option<Arc<Certificates>>,
    /// There may be connections.
    pub is_ready: bool,
}

#[derive(Debug)]
enum Kind {
    Local(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Lets the reactor know of connections.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.kind {
            Kind::Local(listener) => registry.register(listener, token, Interest::READABLE),
            Kind::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
        }
    }

    /// The next connection, if there is one.
    pub(crate) fn accept(&self) -> io::Result<Option<Socket>> {
        let accepted = match &self.kind {
            Kind::Local(listener) => listener.accept().map(|(socket, _)| Ok(Socket::Local(socket))),
            Kind::Tcp(listener) => listener.accept().map(|(socket, _)| {
                // Replies are short, and whoever asked waits for them.
                let _ = socket.set_nodelay(true);
                match &self.tls {
                    None => Ok(Socket::Tcp(socket)),
                    Some(certificates) => {
                        Tls::new(socket, certificates.current()).map(|tls| Socket::Tls(Box::new(tls)))
                    }
                }
            }),
        };
        match accepted.flatten() {
            Ok(socket) => Ok(Some(socket)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // Whoever came has gone again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What it listens on, for people.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.kind, &self.path) {
            (_, Some(path)) => path.display().to_string(),
            (Kind::Tcp(listener), _) => {
                listener.local_addr().map_or_else(|_| String::from("tcp"), |at| at.to_string())
            }
            (Kind::Local(listener), _) => {
                let address = listener.local_addr().ok();
                let path = address.as_ref().and_then(|address| address.as_pathname());
                path.map_or_else(
                    || String::from("a socket without a name"),
                    |path| path.display().to_string(),
                )
            }
        }
    }

    /// The address, of one for a network.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.kind {
            Kind::Tcp(listener) => listener.local_addr().ok(),
            Kind::Local(_) => None,
        }
    }

    fn from_descriptor(descriptor: OwnedFd) -> anyhow::Result<Self> {
        let family = rustix::net::sockopt::socket_domain(&descriptor)?;
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        let kind = if family == AddressFamily::UNIX {
            Kind::Local(UnixListener::from_std(descriptor.into()))
        } else {
            Kind::Tcp(TcpListener::from_std(descriptor.into()))
        };
        Ok(Self { kind, path: None, tls: None, is_ready: true })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            drop(fs::remove_file(path));
        }
    }
}

/// Listens on all that is given; on what systemd hands over in place of that, if it does, and with TLS besides.
///
/// # Errors
/// One cannot be listened on.
pub fn listen(sockets: &Sockets, tls: &Sockets) -> anyhow::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    let inherited = service::inherited()?;
    if inherited.is_empty() {
        listeners.extend(of(sockets)?);
    }
    for descriptor in inherited {
        listeners.push(Listener::from_descriptor(descriptor)?);
    }
    listeners.extend(of(tls)?);
    Ok(listeners)
}

/// Listens on all that is given.
///
/// # Errors
/// One cannot be listened on.
pub fn of(sockets: &Sockets) -> anyhow::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    for path in &sockets.local {
        listeners.push(local(path, sockets).with_context(|| format!("socket {}", path.display()))?);
    }
    for address in &sockets.tcp {
        listeners.push(tcp(*address, sockets).with_context(|| format!("address {address}"))?);
    }
    Ok(listeners)
}

fn local(path: &Path, sockets: &Sockets) -> anyhow::Result<Listener> {
    if let Ok(there) = fs::symlink_metadata(path) {
        ensure!(there.file_type().is_socket(), "something that is no socket is there already");
        let answers = std::os::unix::net::UnixStream::connect(path);
        let is_stale = answers.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        ensure!(is_stale, "another daemon listens there");
        ensure!(sockets.fix_stale, "a socket that nobody listens on is there, and FixStaleSocket says no");
        fs::remove_file(path)?;
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    // Nobody can come before it is listened on.
    let listener = Listener {
        kind: Kind::Local(UnixListener::from_std(socket.into())),
        path: Some(path.into()),
        tls: None,
        is_ready: true,
    };
    if let Some(group) = &sockets.group {
        let number = service::group(group).with_context(|| format!("LocalSocketGroup {group}: unknown"))?;
        std::os::unix::fs::chown(path, None, Some(number))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(sockets.mode))?;
    if let Kind::Local(socket) = &listener.kind {
        rustix::net::listen(socket, sockets.backlog)?;
    }
    Ok(listener)
}

fn tcp(address: SocketAddr, sockets: &Sockets) -> anyhow::Result<Listener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        // 0.0.0.0 is listened on besides.
        rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, sockets.backlog)?;
    let kind = Kind::Tcp(TcpListener::from_std(socket.into()));
    Ok(Listener { kind, path: None, tls: sockets.tls.clone(), is_ready: true })
}
