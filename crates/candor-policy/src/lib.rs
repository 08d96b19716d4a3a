//! Products of prohibited vendors: what is there, whose it is, which rule says what about it on which date.
//!
//! Four stages, each a folder, each usable alone: **inventory** (what is there, without judgement) ->
//! **match** (whose it is, with which strength) -> **evaluate** (finding x regime x who you are x date) ->
//! **report**. Vendors and regimes are data (`policy/` of the repository, and what a user adds), never code.
#![forbid(unsafe_code)]

pub mod block;
pub mod evaluate;
pub mod inventory;
pub mod matching;
pub mod migrate;
pub mod party;
pub mod policy;
pub mod regime;
pub mod report;
pub mod vendor;
