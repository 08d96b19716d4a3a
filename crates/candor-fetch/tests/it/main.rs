//! The fetcher as a process, against servers of the test that behave badly.

mod jail;
mod place;
mod servers;
mod tls;
