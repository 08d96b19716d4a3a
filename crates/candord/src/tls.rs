//! A connection with TLS: what is read and written are the bytes within. It never waits.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};

/// A connection.
#[derive(Debug)]
pub struct Tls {
    pub(crate) socket: TcpStream,
    connection: ServerConnection,
}

impl AsFd for Tls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Tls {
    /// On a connection on which nothing was received.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let connection = ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self { socket, connection })
    }

    /// Receives. `None` when there is nothing at the moment; 0 when there will be nothing.
    ///
    /// # Errors
    /// The connection is broken, or who is at its other end is not who may be.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.connection.reader().read(buffer) {
                Ok(received) => return Ok(Some(received)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
                // It was cut. What the protocol within needs to be whole says so by itself.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
                Err(error) => return Err(error),
            }
            match self.connection.read_tls(&mut self.socket) {
                Ok(0) => return Ok(Some(0)),
                Ok(_) => {
                    let state = self.connection.process_new_packets();
                    // What is wrong is told to the other side, too.
                    let flushed = self.flush();
                    state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                    flushed?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes bytes to be sent; says how many. `None` when the other side must read first.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        if !self.flush()? {
            return Ok(None);
        }
        let taken = self.connection.writer().write(bytes)?;
        self.flush()?;
        Ok(if taken == 0 { None } else { Some(taken) })
    }

    /// Whether there are bytes that were taken and not sent.
    #[must_use]
    pub fn has_output(&self) -> bool {
        self.connection.wants_write()
    }

    /// Sends what was taken, as far as it goes; says whether all went.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn flush(&mut self) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut self.socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => (),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.connection.send_close_notify();
        drop(self.flush());
    }
}
