//! Layers that every jail of this crate puts on in the same way: of workers, of the fetcher, of a stage.

use std::io;

use rustix::process::{Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::sys;

/// `LANDLOCK_ACCESS_NET_BIND_TCP`: being a server.
pub(crate) const SERVE: u64 = 0b01;
/// `LANDLOCK_ACCESS_NET_CONNECT_TCP`, besides.
pub(crate) const SERVE_AND_CONNECT: u64 = 0b11;

/// All that this kernel's Landlock can deny about files and other processes, and of the network these rights.
///
/// # Errors
/// The kernel has no Landlock.
pub(crate) fn landlock_rights(network: u64) -> io::Result<sys::LandlockAttributes> {
    let version = sys::landlock_version();
    // How many rights on files there are from each version on: `linux/landlock.h`.
    let files: u32 = match version {
        0 => return Err(io::ErrorKind::Unsupported.into()),
        1 => 13,
        2 => 14,
        3 | 4 => 15,
        _ => 16,
    };
    Ok(sys::LandlockAttributes {
        files: (1_u64 << files).wrapping_sub(1),
        network: if version >= 4 { network } else { 0 },
        scoped: if version >= 6 { 0b11 } else { 0 },
    })
}

/// Gives up every capability that is held.
///
/// # Errors
/// The kernel does not take it.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, none)?)
}

/// Capabilities that could otherwise come back with a new program. There is none to be started; this
/// denies it once more, and costs nothing.
pub(crate) fn drop_bounding_set() {
    for capability in CapabilitySet::all().iter() {
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let _ = rustix::thread::clear_ambient_capability_set();
}

/// Lowers limits for good; one that is lower already stays.
///
/// # Errors
/// The kernel does not take one of them.
pub(crate) fn limit(limits: &[(Resource, u64)]) -> io::Result<()> {
    for &(resource, most) in limits {
        let hard = rustix::process::getrlimit(resource).maximum;
        let most = Some(hard.map_or(most, |hard| hard.min(most)));
        rustix::process::setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    Ok(())
}
