//! For development only: builds files from readable text, and says what signatures mean.
//!
//! * [`recipe`], [`archive`], [`bytecode`], [`container`], [`dcl`], [`executable`], [`installer`], [`quantum`], [`seven_zip`],
//!   [`zip`], [`zip_methods`], [`stream`], [`document`], [`postscript`], [`volume`], [`virtual_disk`], [`wim`], [`lzms`]: files.
//! * [`nothing`]: streams of blocks that hold nothing; [`ranges`]: LZMA of a byte at a time.
//! * [`quarantine`]: what other products keep of files that they set aside.
//! * [`registry`], [`package_database`], [`sqlite`], [`signed_program`], [`roots`]: what an inventory reads.
//! * [`release`]: databases as ClamAV publishes them, signed with keys of tests; [`certificate`]: signatures beside them.
//! * [`feed`]: feeds of releases, and attacks on them.
//! * [`programs`]: programs that tests start, and a name server.
//! * [`collect`]: signatures as values.
//! * [`marker`]: one marker in every container.
//! * [`naive`]: the definition of what a signature matches, written for clarity alone.
#![forbid(unsafe_code)]

pub mod android;
pub mod archive;
pub mod bytecode;
pub mod certificate;
pub mod collect;
pub mod container;
pub mod dcl;
pub mod document;
pub mod executable;
pub mod feed;
pub mod installer;
pub mod lzms;
pub mod marker;
pub mod naive;
pub mod nothing;
pub mod package_database;
pub mod postscript;
pub mod programs;
pub mod quantum;
pub mod quarantine;
pub mod ranges;
pub mod recipe;
pub mod registry;
pub mod release;
pub mod roots;
pub mod seven_zip;
pub mod signed_program;
pub mod sqlite;
pub mod stream;
pub mod vendors;
pub mod virtual_disk;
pub mod volume;
pub mod wim;
pub mod zip;
pub mod zip_methods;
