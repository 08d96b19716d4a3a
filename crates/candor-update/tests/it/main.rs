//! What a customer is promised about updates, tried from outside.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod feeds;
