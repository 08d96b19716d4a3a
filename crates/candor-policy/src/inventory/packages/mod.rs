//! Packages of Linux: what the package managers of a system say is installed.

pub(super) mod apk;
pub(super) mod containers;
pub(super) mod dpkg;
pub(super) mod rpm;

/// A maintainer without the address behind the name.
pub(super) fn without_address(text: &str) -> &str {
    text.split('<').next().unwrap_or(text).trim()
}
