//! macOS: bundles, receipts, what launchd starts, and who signed a program.

pub(super) mod code;
pub(super) mod plist;
pub(super) mod settings;
