//! The signatures that are part of the program: compiled by the build script from `signatures/`.

use candor_database::{Image, OpenError};

/// The image begins at an address that any field in it may want.
#[repr(C, align(64))]
struct Aligned<T: ?Sized>(T);

static IMAGE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/built-in.candor")));

/// Opens the built-in image; it takes part of the program's own memory and copies nothing.
pub(super) fn open() -> Result<Image, OpenError> {
    Image::from_static(&IMAGE.0)
}
