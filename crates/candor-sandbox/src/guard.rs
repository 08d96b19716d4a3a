//! A panic in the engine costs one file, and says where it was.

use std::any::Any;
use std::cell::Cell;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Whether a panic on this thread is caught and reported by [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs the engine.
///
/// # Errors
/// It panicked; says where and why.
pub fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_panics();
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    GUARDED.set(false);
    result.map_err(|panic| {
        let place = PLACE.take().unwrap_or_default();
        format!("the engine failed at {place}: {}", panic_message(panic.as_ref()))
    })
}

/// Makes a process ready whose copies panic in the jail. The first panic of a process asks the kernel for what no worker
/// may ask for: the unwinder reads its tables behind a lock of the C library, and the run-time's own report
/// wants the number of the thread. So the first one happens here, and the report is another.
pub(crate) fn rehearse() {
    catch_panics();
    std::panic::set_hook(Box::new(|panic| {
        if !note(panic) {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let text = format!("it failed at {place}: {}", panic_message(panic.payload()));
            // In one piece, which is one packet.
            drop(std::io::stderr().write_all(text.as_bytes()));
        }
    }));
    #[expect(clippy::panic, reason = "it is what is rehearsed")]
    drop(guarded(|| panic!("a rehearsal")));
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown reason")
}

/// Remembers where a panic was, if it is one that [`guarded`] reports.
fn note(panic: &PanicHookInfo<'_>) -> bool {
    let is_guarded = GUARDED.get();
    if is_guarded {
        PLACE.set(panic.location().map(ToString::to_string));
    }
    is_guarded
}

fn catch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !note(panic) {
                default(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_costs_one_file_and_says_where() {
        let failed = guarded(|| {
            if std::hint::black_box(true) {
                panic!("broken {}", 7);
            }
        });
        let message = failed.unwrap_err();
        assert!(message.starts_with("the engine failed at crates/candor-sandbox/src/guard.rs:"), "{message}");
        assert!(message.ends_with(": broken 7"), "{message}");
        assert_eq!(guarded(|| 5), Ok(5));
    }
}
