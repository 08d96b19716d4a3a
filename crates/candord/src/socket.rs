//! A connection's socket, of whichever kind. It never waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use crate::tls::Tls;

/// A socket.
#[derive(Debug)]
pub enum Socket {
    /// Of this machine.
    Local(UnixStream),
    /// Of a network.
    Tcp(TcpStream),
    /// Of a network, with TLS.
    Tls(Box<Tls>),
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Local(socket) => socket.as_fd(),
            Self::Tcp(socket) => socket.as_fd(),
            Self::Tls(tls) => tls.as_fd(),
        }
    }
}

impl Socket {
    /// Whether it is of this machine.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Whether bytes that were sent lie here still.
    #[must_use]
    pub fn has_output(&self) -> bool {
        match self {
            Self::Tls(tls) => tls.has_output(),
            Self::Local(_) | Self::Tcp(_) => false,
        }
    }

    /// Sends what lies here; says whether all went.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Tls(tls) => tls.flush(),
            Self::Local(_) | Self::Tcp(_) => Ok(true),
        }
    }

    /// Lets a reactor know when something can be done with it.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE.add(Interest::WRITABLE);
        match self {
            Self::Local(socket) => registry.register(socket, token, interest),
            Self::Tcp(socket) => registry.register(socket, token, interest),
            Self::Tls(tls) => registry.register(&mut tls.socket, token, interest),
        }
    }

    /// Receives. `None` when there is nothing at the moment; 0 when there will be nothing.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if let Self::Tls(tls) = self {
            return tls.receive(buffer);
        }
        match rustix::net::recv(&*self, buffer, RecvFlags::DONTWAIT) {
            Ok((received, _)) => Ok(Some(received)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends; says how many bytes went. `None` when the other side must read first.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        if let Self::Tls(tls) = self {
            return tls.send(bytes);
        }
        loop {
            match rustix::net::send(&*self, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(sent) => return Ok(Some(sent)),
                Err(Errno::INTR) => (),
                Err(Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
