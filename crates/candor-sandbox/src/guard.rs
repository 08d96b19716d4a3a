//! A panic in the engine costs one file, and says where it was.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown reason")
}

fn catch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if GUARDED.get() {
                PLACE.set(panic.location().map(ToString::to_string));
            } else {
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
