//! The engine in a jail. The process that looks at hostile bytes can open nothing, reach nobody and start
//! nothing: whoever takes it over through a flaw of a parser has what he brought with him.
//!
//! * [`Sandbox`]: a *template* process, and the *workers* that it makes. The process that calls is the
//!   *broker*: it opens files, hands over descriptors, and parses nothing but [`message`]s.
//! * [`Nursery`]: makes templates for a program that has threads.
//! * [`Lane`]: hands files to a worker, and deals with workers that fail. Every file is answered once.
//! * [`unpack`]: has one file taken apart, and takes its layers.
//! * [`records`]: has files read for what they say, and takes the records.
//! * [`worker`]: what a worker does.
//! * [`jail`](Layers): how a process locks itself up; [`Task`] has the table of what it may still ask for.
//! * [`confine_fetcher`]: the jail of the program that opens connections, which is another.
//! * [`input`]: how files are opened and read, in the jail and outside.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

#[cfg(all(feature = "exploitable", not(debug_assertions)))]
compile_error!(
    "the feature `exploitable` is a hole on purpose: it is for tests, and cannot be part of a release"
);

mod ahead;
mod broker;
mod channel;
mod compile;
mod confine;
mod deadly;
#[cfg(feature = "exploitable")]
pub mod exploit;
mod fetcher;
mod group;
mod guard;
pub mod input;
pub mod inspect;
mod jail;
mod lane;
mod layers;
pub mod message;
mod nursery;
mod policy;
pub mod prove;
pub mod records;
mod show;
mod spool;
mod stage;
mod sys;
mod template;
mod unpack;
pub mod worker;

pub use broker::{Identity, Sandbox, StartError, Worker, WorkerError};
pub use compile::{CompileError, Input, Outputs, compile};
pub use fetcher::{close_inherited, confine_fetcher, fetcher_calls};
pub use guard::guarded;
pub use jail::{Jailed, Ready, Setup};
pub use lane::{Entry, FILES_A_WORKER, Lane, Outcome};
pub use layers::{Layer, Layers};
pub use nursery::Nursery;
pub use policy::{Call, Only, Task};
pub use show::{Piece, Showing};
pub use spool::{nameless, spool, spool_into};
pub use stage::{Rooms, StageError, calls as stage_calls, stage};
pub use sys::keep_from_programs;
pub use template::Ended;
pub use unpack::{Parcel, UnpackError, unpack};
