//! Names of suppliers, compared with names that lists have.

mod normal;

pub(crate) use normal::normal;
