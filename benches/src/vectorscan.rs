//! Vectorscan, or Hyperscan, by its C interface: as much of it as counts occurrences of fixed strings.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::fmt::Write as _;
use std::ptr;

use anyhow::{Result, ensure};

const SUCCESS: c_int = 0;
const MODE_BLOCK: c_uint = 1;
const FLAG_DOT_ALL: c_uint = 2;

#[repr(C)]
struct CompileError {
    message: *mut c_char,
    expression: c_int,
}

type OnMatch = extern "C" fn(c_uint, c_ulonglong, c_ulonglong, c_uint, *mut c_void) -> c_int;

unsafe extern "C" {
    fn hs_compile_multi(
        expressions: *const *const c_char,
        flags: *const c_uint,
        ids: *const c_uint,
        elements: c_uint,
        mode: c_uint,
        platform: *const c_void,
        database: *mut *mut c_void,
        error: *mut *mut CompileError,
    ) -> c_int;
    fn hs_alloc_scratch(database: *const c_void, scratch: *mut *mut c_void) -> c_int;
    fn hs_scan(
        database: *const c_void,
        data: *const c_char,
        length: c_uint,
        flags: c_uint,
        scratch: *mut c_void,
        on_match: OnMatch,
        context: *mut c_void,
    ) -> c_int;
    fn hs_free_scratch(scratch: *mut c_void) -> c_int;
    fn hs_free_database(database: *mut c_void) -> c_int;
}

/// Compiled strings with room to search in.
pub struct Vectorscan {
    database: *mut c_void,
    scratch: *mut c_void,
}

impl Vectorscan {
    /// Compiles `literals`. Every byte is written as an escape: as literals, strings that start with a NUL
    /// are refused.
    pub fn new(literals: &[Vec<u8>]) -> Result<Self> {
        let expressions: Vec<CString> = literals
            .iter()
            .map(|literal| {
                let text = literal.iter().fold(String::new(), |mut text, byte| {
                    let _ = write!(text, "\\x{byte:02x}");
                    text
                });
                Ok(CString::new(text)?)
            })
            .collect::<Result<_>>()?;
        let pointers: Vec<*const c_char> = expressions.iter().map(|text| text.as_ptr()).collect();
        let flags = vec![FLAG_DOT_ALL; literals.len()];
        let ids: Vec<c_uint> = (0..c_uint::try_from(literals.len())?).collect();
        let mut this = Self { database: ptr::null_mut(), scratch: ptr::null_mut() };
        let mut error: *mut CompileError = ptr::null_mut();
        // SAFETY: the three arrays have as many elements as is said, and outlive the call.
        let code = unsafe {
            hs_compile_multi(
                pointers.as_ptr(),
                flags.as_ptr(),
                ids.as_ptr(),
                c_uint::try_from(literals.len())?,
                MODE_BLOCK,
                ptr::null(),
                &mut this.database,
                &mut error,
            )
        };
        if code != SUCCESS && !error.is_null() {
            // SAFETY: a failed compilation leaves a message that ends with a zero.
            let message = unsafe { CStr::from_ptr((*error).message) };
            anyhow::bail!("vectorscan: {}", message.to_string_lossy());
        }
        ensure!(code == SUCCESS, "vectorscan does not compile the strings: {code}");
        // SAFETY: the database was compiled just now.
        let code = unsafe { hs_alloc_scratch(this.database, &mut this.scratch) };
        ensure!(code == SUCCESS, "vectorscan gives no scratch space: {code}");
        Ok(this)
    }

    /// Number of occurrences in `bytes`.
    pub fn count(&self, bytes: &[u8]) -> u64 {
        let mut count = 0_u64;
        // SAFETY: database and scratch belong together; the counter outlives the call.
        unsafe {
            hs_scan(
                self.database,
                bytes.as_ptr().cast(),
                bytes.len() as c_uint,
                0,
                self.scratch,
                add_one,
                (&raw mut count).cast(),
            );
        }
        count
    }
}

extern "C" fn add_one(_: c_uint, _: c_ulonglong, _: c_ulonglong, _: c_uint, context: *mut c_void) -> c_int {
    // SAFETY: `count` hands over its counter, and nothing else refers to it meanwhile.
    unsafe { *context.cast::<u64>() += 1 };
    0
}

impl Drop for Vectorscan {
    fn drop(&mut self) {
        // SAFETY: both come from the library, or are null, which it takes.
        unsafe {
            hs_free_scratch(self.scratch);
            hs_free_database(self.database);
        }
    }
}
