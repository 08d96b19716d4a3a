//! Fuzzes the target that `CANDOR_FUZZ` names: one program for few executions of all of them, which is built in a hundredth
//! of the time. For many, each has one of its own: libFuzzer looks at the counters of the whole program after each.
#![no_main]

use std::env;
use std::sync::LazyLock;

static TARGET: LazyLock<candor_fuzz::Target> = LazyLock::new(|| {
    let name = env::var("CANDOR_FUZZ").unwrap_or_default();
    let found = candor_fuzz::TARGETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, run)| *run).unwrap_or_else(|| panic!("CANDOR_FUZZ names no target: {name:?}"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
