//! Where signatures may come from, and how their bytes are asked for.

pub mod fetch;
