//! Packets and descriptors between two processes: a pair of sockets that belong to nobody else.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::message::BATCH;

/// Descriptors in one packet: a batch, and two to write to.
pub(crate) const DESCRIPTORS: usize = BATCH + 2;

/// One end.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

impl Channel {
    /// Both ends.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(one), Self(other)))
    }

    pub(crate) const fn from_descriptor(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// Sends a packet with copies of descriptors. Waits for room if it may.
    ///
    /// A reset means that the other end was closed before it had read everything. The kernel tells it once,
    /// ahead of the packets that came before; what is there to be heard is heard by [`take`](Self::take).
    pub(crate) fn send(&self, packet: &[u8], descriptors: &[BorrowedFd<'_>], wait: bool) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let flags = if wait { SendFlags::NOSIGNAL } else { SendFlags::NOSIGNAL | SendFlags::DONTWAIT };
        loop {
            match sendmsg(&self.0, &[IoSlice::new(packet)], &mut ancillary, flags) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR | Errno::CONNRESET) => (),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes a packet if there is one; descriptors that come with it are closed by the kernel. An empty
    /// packet is the end. What was said before the other end was closed comes first, also when that end had
    /// not read everything, which the kernel tells first and once.
    pub(crate) fn take(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            let mut none = RecvAncillaryBuffer::default();
            let parts = &mut [IoSliceMut::new(buffer)];
            match recvmsg(&self.0, parts, &mut none, RecvFlags::DONTWAIT) {
                Ok(received) if received.flags.contains(ReturnFlags::TRUNC) => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                Ok(received) => return Ok(Some(received.bytes)),
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR | Errno::CONNRESET) => (),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until there is a packet or the time is over; says which.
    pub(crate) fn wait(&self, time: Duration) -> io::Result<bool> {
        match ready(self.as_fd(), time) {
            Err(Errno::INTR) => Ok(false),
            other => Ok(other?),
        }
    }
}

/// Waits until there is something to be read, or the time is over, whatever signals come meanwhile.
pub(crate) fn wait_for(descriptor: BorrowedFd<'_>, time: Duration) -> io::Result<bool> {
    let began = Instant::now();
    loop {
        match ready(descriptor, time.saturating_sub(began.elapsed())) {
            Err(Errno::INTR) => (),
            other => return Ok(other?),
        }
    }
}

fn ready(descriptor: BorrowedFd<'_>, time: Duration) -> Result<bool, Errno> {
    let mut polled = [PollFd::new(&descriptor, PollFlags::IN)];
    Ok(poll(&mut polled, Some(&Timespec::try_from(time).unwrap_or_default()))? > 0)
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An end that has said something, was told something, and is closed without having read it.
    fn closed() -> Channel {
        let (one, other) = Channel::pair().unwrap();
        other.send(b"first", &[], false).unwrap();
        other.send(b"second", &[], false).unwrap();
        one.send(b"unread", &[], false).unwrap();
        drop(other);
        one
    }

    fn heard(channel: &Channel) -> Vec<u8> {
        let mut buffer = [0; 64];
        let length = channel.take(&mut buffer).unwrap().unwrap();
        buffer[..length].to_vec()
    }

    #[test]
    fn what_was_said_before_the_end_is_heard_though_something_was_left_unread() {
        let channel = closed();
        assert!(channel.wait(Duration::ZERO).unwrap());
        assert_eq!([heard(&channel), heard(&channel), heard(&channel)], [&b"first"[..], b"second", b""]);
    }

    #[test]
    fn whoever_sends_to_a_closed_end_learns_that_it_is_gone_and_still_hears() {
        let channel = closed();
        assert_eq!(channel.send(b"more", &[], false).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!([heard(&channel), heard(&channel), heard(&channel)], [&b"first"[..], b"second", b""]);
    }
}
