//! How ClamAV puts things: shared by the programs that take its place.

pub mod clock;
mod said;

pub use said::{Said, name};
