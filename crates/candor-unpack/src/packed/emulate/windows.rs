//! As much of Windows as unpackers need: a thread with a stack, functions that hand out memory and names,
//! and exceptions, which many unpackers raise on purpose to lose who follows them.

use super::flags::Flags;
use super::memory::{PAGE, Purpose};
use super::{ACCUMULATOR, BASE, COUNTER, DATA, DESTINATION, FRAME, Machine, SOURCE, STACK, Trap};

/// The block of the thread, and that of the process behind it.
pub(super) const BLOCK: u32 = 0x7ffd_e000;
const PROCESS: u32 = 0x7ffd_f000;

/// Where the library is that all functions are in: headers, functions of sixteen bytes each, and the list of
/// those that it exports.
const LIBRARY: u32 = 0x7c80_0000;
const FUNCTIONS: u32 = 0x7c80_1000;
const FUNCTIONS_END: u32 = 0x7c81_1000;
const EXPORTS: u32 = 0x7c82_0000;
const LIBRARY_SIZE: u32 = 0x2_2000;
/// What the process block knows of loaded modules.
const LOADED: u32 = PROCESS + 0x200;

/// The address that handlers of exceptions return to.
const RETURNED: u32 = FUNCTIONS_END;

/// Why a library is called that is loaded.
const ATTACH: u32 = 1;

const STACK_BASE: u32 = 0x0012_0000;
const STACK_SIZE: u32 = 0x0002_0000;
const HEAP: u32 = 0x0800_0000;

/// The handle of the program's own file.
const FILE: u32 = 0x44;

/// Exceptions in one run.
const EXCEPTIONS: u32 = 20_000;
/// Exceptions in handlers of exceptions.
const NESTED: usize = 32;
/// Names that are remembered.
const NAMES: usize = 4096;

/// What the system knows about the process.
#[derive(Debug)]
pub(super) struct Windows {
    image: u32,
    functions: Vec<String>,
    /// Records of exceptions that are being handled: where the context is, and whose handler runs.
    handling: Vec<(u32, u32)>,
    exceptions: u32,
    /// Where the file is read from next.
    position: u32,
    pub(super) ticks: u32,
    pub(super) last_float: u32,
}

impl Windows {
    pub(super) const fn new(image: u32) -> Self {
        Self {
            image,
            functions: Vec::new(),
            handling: Vec::new(),
            exceptions: 0,
            position: 0,
            ticks: 0x1000,
            last_float: 0,
        }
    }

    fn function(&mut self, name: &str) -> u32 {
        place(&mut self.functions, name).map_or(0, |place| FUNCTIONS.wrapping_add(place.wrapping_mul(16)))
    }
}

/// The number of a name in a list; it is added when it is new.
fn place(names: &mut Vec<String>, name: &str) -> Option<u32> {
    let known = names.iter().position(|known| known == name);
    let place = match known {
        Some(place) => place,
        None if names.len() < NAMES => {
            names.push(name.to_owned());
            names.len().checked_sub(1)?
        }
        None => return None,
    };
    u32::try_from(place).ok()
}

/// Whether an address is that of a function of the system.
pub(super) const fn is_function(address: u32) -> bool {
    address >= FUNCTIONS && address <= RETURNED
}

impl Machine<'_> {
    /// The thread: its stack and its block. A library is told its own place, that a process loads it, and nothing else.
    pub(super) fn prepare(&mut self, is_library: bool) -> Option<()> {
        self.memory.map(STACK_BASE, STACK_SIZE, Purpose::System)?;
        self.memory.map(BLOCK, 2 * PAGE, Purpose::System)?;
        self.library()?;
        let top = STACK_BASE.wrapping_add(STACK_SIZE);
        let block = [
            (BLOCK, u32::MAX),
            (BLOCK.wrapping_add(4), top),
            (BLOCK.wrapping_add(8), STACK_BASE),
            (BLOCK.wrapping_add(0x18), BLOCK),
            (BLOCK.wrapping_add(0x20), 0x5a4),
            (BLOCK.wrapping_add(0x24), 0x5a8),
            (BLOCK.wrapping_add(0x30), PROCESS),
            (PROCESS.wrapping_add(8), self.windows.image),
            (PROCESS.wrapping_add(12), LOADED),
            // The lists of modules: the program, then the library.
            (LOADED.wrapping_add(12), LOADED.wrapping_add(0x40)),
            (LOADED.wrapping_add(20), LOADED.wrapping_add(0x48)),
            (LOADED.wrapping_add(28), LOADED.wrapping_add(0xd0)),
            (LOADED.wrapping_add(0x40), LOADED.wrapping_add(0xc0)),
            (LOADED.wrapping_add(0x48), LOADED.wrapping_add(0xc8)),
            (LOADED.wrapping_add(0x50), LOADED.wrapping_add(0xd0)),
            (LOADED.wrapping_add(0x58), self.windows.image),
            (LOADED.wrapping_add(0xc0), LOADED.wrapping_add(12)),
            (LOADED.wrapping_add(0xc8), LOADED.wrapping_add(20)),
            (LOADED.wrapping_add(0xd0), LOADED.wrapping_add(28)),
            (LOADED.wrapping_add(0xd8), LIBRARY),
        ];
        for (address, value) in block {
            self.memory.place(address, &value.to_le_bytes());
        }
        self.set_register(STACK, top.wrapping_sub(0x100));
        self.set_register(FRAME, top.wrapping_sub(0x40));
        self.set_register(BASE, PROCESS);
        self.set_register(SOURCE, u32::MAX);
        self.set_register(DESTINATION, u32::MAX);
        if is_library {
            for argument in [0, ATTACH, self.windows.image] {
                self.push(argument, 32).ok()?;
            }
        }
        let end = self.windows.function("BaseProcessStart");
        self.push(end, 32).ok()
    }

    /// The library: some unpackers look for its headers and read its list of functions themselves.
    fn library(&mut self) -> Option<()> {
        self.memory.map(LIBRARY, LIBRARY_SIZE, Purpose::System)?;
        let exports = EXPORTS.wrapping_sub(LIBRARY);
        let count = u32::try_from(EXPORTED.len()).unwrap_or(0);
        let tables = [exports.wrapping_add(0x100), exports.wrapping_add(0x400), exports.wrapping_add(0x700)];
        let [addresses, names, numbers] = tables;
        let mut text = exports.wrapping_add(0x800);
        let headers: [(u32, u32); 11] = [
            (0, 0x5a4d),
            (0x3c, 0x40),
            (0x40, 0x4550),
            (0x44, 0x14c),
            (0x54, 0x0102_00e0),
            (0x58, 0x10b),
            (0x74, LIBRARY),
            (0x90, LIBRARY_SIZE),
            (0xb4, 16),
            (0xb8, exports),
            (0xbc, 0x1800),
        ];
        let list =
            [(0x14, count), (0x18, count), (0x1c, addresses), (0x20, names), (0x24, numbers), (0x10, 1)];
        for (offset, value) in headers {
            self.memory.place(LIBRARY.wrapping_add(offset), &value.to_le_bytes());
        }
        for (offset, value) in list {
            self.memory.place(EXPORTS.wrapping_add(offset), &value.to_le_bytes());
        }
        for (index, name) in (0_u32..).zip(EXPORTED) {
            let address = self.windows.function(name);
            // How functions begin; who copies that and jumps behind it comes to the same function.
            self.memory.place(address, &PROLOGUE);
            let row = |table: u32| LIBRARY.wrapping_add(table).wrapping_add(index.wrapping_mul(4));
            self.memory.place(row(addresses), &address.wrapping_sub(LIBRARY).to_le_bytes());
            self.memory.place(row(names), &text.to_le_bytes());
            let number = LIBRARY.wrapping_add(numbers).wrapping_add(index.wrapping_mul(2));
            self.memory.place(number, &u16::try_from(index).unwrap_or(0).to_le_bytes());
            self.memory.place(LIBRARY.wrapping_add(text), name.as_bytes());
            text = text.wrapping_add(u32::try_from(name.len()).unwrap_or(0)).wrapping_add(1);
        }
        Some(())
    }

    /// Puts the addresses of functions where the program expects them: `table` is where its list of
    /// imports stands.
    pub(super) fn bind(&mut self, table: u32) -> Option<()> {
        let base = self.windows.image;
        let mut row = base.wrapping_add(table);
        let mut bound = 0_usize;
        loop {
            let field = |offset: u32| self.memory.u32(row.wrapping_add(offset)).ok();
            let (lookup, name, slots) = (field(0)?, field(12)?, field(16)?);
            if name == 0 {
                return Some(());
            }
            let lookup = if lookup == 0 { slots } else { lookup };
            let mut offset = 0_u32;
            loop {
                bound = bound.checked_add(1).filter(|bound| *bound < NAMES)?;
                let Ok(thunk) = self.memory.u32(base.wrapping_add(lookup).wrapping_add(offset)) else {
                    break;
                };
                if thunk == 0 {
                    break;
                }
                let function = if thunk >> 31 == 1 {
                    format!("#{}", thunk & 0xffff)
                } else {
                    self.memory.text(base.wrapping_add(thunk).wrapping_add(2))
                };
                let address = self.windows.function(&function);
                let slot = base.wrapping_add(slots).wrapping_add(offset);
                self.memory.place(slot, &address.to_le_bytes());
                offset = offset.wrapping_add(4);
            }
            row = row.wrapping_add(20);
        }
    }

    fn argument(&self, number: u32) -> u32 {
        let place = self.register(STACK).wrapping_add(number.wrapping_add(1).wrapping_mul(4));
        self.memory.u32(place).unwrap_or(0)
    }

    /// Does what a function of the system does; `None` when the program ends by it, or when nobody knows
    /// the function.
    pub(super) fn call_windows(&mut self) -> Option<()> {
        if self.ip == RETURNED {
            return self.handled();
        }
        let place = self.ip.wrapping_sub(FUNCTIONS) / 16;
        if self.ip & 15 == 5 {
            let frame = self.pop(32).ok()?;
            self.set_register(FRAME, frame);
        }
        let name = self.windows.functions.get(usize::try_from(place).ok()?)?.clone();
        let (arguments, result) = self.answer(&name)?;
        let back = self.pop(32).ok()?;
        self.set_register(STACK, self.register(STACK).wrapping_add(arguments.wrapping_mul(4)));
        self.set_register(ACCUMULATOR, result);
        self.set_register(COUNTER, self.register(STACK));
        self.ip = back;
        Some(())
    }

    /// How many arguments a function takes, and what it returns.
    fn answer(&mut self, name: &str) -> Option<(u32, u32)> {
        Some(match name {
            "GetProcAddress" => {
                let asked = self.argument(1);
                let name = if asked < 0x1_0000 { format!("#{asked}") } else { self.memory.text(asked) };
                (2, self.windows.function(&name))
            }
            "LoadLibraryA" | "GetModuleHandleA" => {
                let name = self.argument(0);
                let handle = if name == 0 { self.windows.image } else { LIBRARY };
                (1, handle)
            }
            "LoadLibraryExA" => (3, LIBRARY),
            "VirtualAlloc" => (4, self.allocate(self.argument(0), self.argument(1))),
            "VirtualAllocEx" => (5, self.allocate(self.argument(1), self.argument(2))),
            "GlobalAlloc" | "LocalAlloc" => (2, self.allocate(0, self.argument(1))),
            "HeapAlloc" | "RtlAllocateHeap" => (3, self.allocate(0, self.argument(2))),
            "VirtualProtect" => {
                // The old rights are asked for, too; without a place for them the call fails.
                let old = self.argument(3);
                (4, u32::from(self.memory.store(old, 32, 0x40).is_ok()))
            }
            "VirtualFree" | "HeapFree" | "VirtualQuery" => (3, 1),
            "GlobalFree" | "LocalFree" | "GlobalUnlock" => (1, 0),
            "GlobalLock" | "GlobalHandle" => (1, self.argument(0)),
            "HeapCreate" => (3, 0x0014_0000),
            "GetProcessHeap" => (0, 0x0014_0000),
            "FreeLibrary" | "CloseHandle" | "SetUnhandledExceptionFilter" | "DeleteFileA" => (1, 1),
            "GetTickCount" | "timeGetTime" => {
                self.windows.ticks = self.windows.ticks.wrapping_add(1);
                (0, self.windows.ticks)
            }
            "GetCurrentProcess" => (0, u32::MAX),
            "GetCurrentProcessId" => (0, 0x5a4),
            "GetCurrentThreadId" => (0, 0x5a8),
            "GetVersion" => (0, 0x0a28_0105),
            "GetLastError" | "IsDebuggerPresent" => (0, 0),
            "SetLastError" | "SetErrorMode" | "OutputDebugStringA" | "Sleep" => (1, 0),
            // The only file there is.
            "CreateFileA" => (7, FILE),
            "GetFileSize" => (2, u32::try_from(self.file.len()).unwrap_or(u32::MAX)),
            "SetFilePointer" => {
                self.windows.position = self.argument(1);
                (4, self.windows.position)
            }
            "ReadFile" => {
                let (place, wanted, count) = (self.argument(1), self.argument(2), self.argument(3));
                let from = u64::from(self.windows.position);
                let bytes = crate::reader::clipped(self.file, from, u64::from(wanted));
                let read = u32::try_from(bytes.len()).unwrap_or(0);
                self.windows.position = self.windows.position.wrapping_add(read);
                let done = self.memory.write(place, bytes).is_ok();
                let told = count == 0 || self.memory.store(count, 32, read).is_ok();
                (5, u32::from(done && told))
            }
            "CreateFileMappingA" => (6, FILE),
            "MapViewOfFile" => {
                let length = u32::try_from(self.file.len()).unwrap_or(u32::MAX);
                let base = self.allocate(0, length);
                if base != 0 {
                    self.memory.place(base, self.file);
                }
                (5, base)
            }
            "UnmapViewOfFile" => (1, 1),
            "GetModuleFileNameA" => {
                let place = self.argument(1);
                let name = b"C:\\program.exe\0";
                let written = self.memory.write(place, name).is_ok();
                (3, if written { 14 } else { 0 })
            }
            "CreateThread" => (6, 0x30),
            "OpenMutexA" | "CreateMutexA" => (3, 0x34),
            "GetCurrentThread" => (0, 0xffff_fffe),
            "SetThreadPriority" | "TerminateThread" | "WaitForSingleObject" => (2, 0),
            "FlushInstructionCache" => (3, 1),
            "CreateToolhelp32Snapshot" => (2, u32::MAX),
            "FindWindowA" => (2, 0),
            "RtlZeroMemory" | "RtlUnwind" => (if name == "RtlUnwind" { 4 } else { 2 }, 0),
            "lstrlenA" => (1, u32::try_from(self.memory.text(self.argument(0)).len()).unwrap_or(0)),
            _ => return None,
        })
    }

    fn allocate(&mut self, wanted: u32, length: u32) -> u32 {
        let base = if wanted == 0 {
            self.memory.heap_end(HEAP).wrapping_add(0xffff) & !0xffff
        } else {
            wanted & !0xfff
        };
        self.memory.map(base, length, Purpose::Heap).map_or(0, |()| base)
    }

    /// Calls the first handler of the thread, as the system does after an exception; `None` when there is
    /// none.
    pub(super) fn raise(&mut self, trap: Trap, at: u32) -> Option<()> {
        let code = match trap {
            Trap::Divide => 0xc000_0094,
            Trap::Illegal => 0xc000_001d,
            Trap::Interrupt(3 | 0x2d) => 0x8000_0003,
            Trap::Interrupt(1) | Trap::Step => 0x8000_0004,
            Trap::Interrupt(_) | Trap::Missing(_) => 0xc000_0005,
            Trap::Privileged => 0xc000_0096,
        };
        self.windows.exceptions =
            self.windows.exceptions.checked_add(1).filter(|count| *count < EXCEPTIONS)?;
        if self.windows.handling.len() >= NESTED {
            return None;
        }
        let frame = self.thread_block(0).ok()?;
        let record = (self.register(STACK).wrapping_sub(0x400)) & !0xf;
        let context = record.wrapping_add(0x60);
        let mut put = |address: u32, value: u32| self.memory.store(address, 32, value).ok();
        for (offset, value) in [(0, code), (4, 0), (8, 0), (12, at), (16, 0)] {
            put(record.wrapping_add(offset), value)?;
        }
        if let Trap::Missing(fault) = trap {
            put(record.wrapping_add(16), 2)?;
            put(record.wrapping_add(20), u32::from(fault.write))?;
            put(record.wrapping_add(24), fault.address)?;
        }
        self.save(context, at)?;
        self.call_handler(frame, record, context)
    }

    fn call_handler(&mut self, frame: u32, record: u32, context: u32) -> Option<()> {
        if frame == u32::MAX {
            return None;
        }
        let handler = self.memory.u32(frame.wrapping_add(4)).ok()?;
        self.windows.handling.push((context, frame));
        self.clear_registers();
        self.set_register(STACK, record);
        for value in [0, context, frame, record, RETURNED] {
            self.push(value, 32).ok()?;
        }
        self.flags = Flags::default();
        self.ip = handler;
        Some(())
    }

    /// What follows when a handler has returned.
    fn handled(&mut self) -> Option<()> {
        let (context, frame) = self.windows.handling.pop()?;
        if self.register(ACCUMULATOR) == 0 {
            return self.restore(context);
        }
        let next = self.memory.u32(frame).ok()?;
        self.call_handler(next, context.wrapping_sub(0x60), context)
    }

    fn save(&mut self, context: u32, at: u32) -> Option<()> {
        let fields = [(0, 0x1_003f), (0xb8, at), (0xbc, 0x1b), (0xc0, self.flags.bits()), (0xc8, 0x23)];
        for (offset, value) in fields {
            self.memory.store(context.wrapping_add(offset), 32, value).ok()?;
        }
        for (number, offset) in REGISTERS {
            self.memory.store(context.wrapping_add(offset), 32, self.register(number)).ok()?;
        }
        for offset in [4, 8, 12, 16, 20, 24] {
            self.memory.store(context.wrapping_add(offset), 32, 0).ok()?;
        }
        Some(())
    }

    fn restore(&mut self, context: u32) -> Option<()> {
        for (number, offset) in REGISTERS {
            let value = self.memory.u32(context.wrapping_add(offset)).ok()?;
            self.set_register(number, value);
        }
        self.flags = Flags::from_bits(self.memory.u32(context.wrapping_add(0xc0)).ok()?);
        self.ip = self.memory.u32(context.wrapping_add(0xb8)).ok()?;
        Some(())
    }
}

/// Where registers are in the record of a context (`CONTEXT` of `winnt.h`).
const REGISTERS: [(u8, u32); 8] = [
    (DESTINATION, 0x9c),
    (SOURCE, 0xa0),
    (BASE, 0xa4),
    (DATA, 0xa8),
    (COUNTER, 0xac),
    (ACCUMULATOR, 0xb0),
    (FRAME, 0xb4),
    (STACK, 0xc4),
];

/// The first instructions of a function: `mov edi, edi; push ebp; mov ebp, esp`.
const PROLOGUE: [u8; 5] = [0x8b, 0xff, 0x55, 0x8b, 0xec];

/// What the library exports, in the order that it must have. Some of it only to be found.
const EXPORTED: [&str; 116] = [
    "AllocConsole",
    "BlockInput",
    "CloseHandle",
    "ContinueDebugEvent",
    "CreateEventA",
    "CreateFileA",
    "CreateFileMappingA",
    "CreateMutexA",
    "CreateProcessA",
    "CreateThread",
    "CreateToolhelp32Snapshot",
    "DebugActiveProcess",
    "DeleteFileA",
    "DeviceIoControl",
    "ExitProcess",
    "ExitThread",
    "FindClose",
    "FindFirstFileA",
    "FindWindowA",
    "FlushInstructionCache",
    "FreeConsole",
    "FreeLibrary",
    "GetCommandLineA",
    "GetCurrentProcess",
    "GetCurrentProcessId",
    "GetCurrentThread",
    "GetCurrentThreadId",
    "GetDriveTypeA",
    "GetEnvironmentVariableA",
    "GetExitCodeThread",
    "GetFileAttributesA",
    "GetFileSize",
    "GetForegroundWindow",
    "GetLastError",
    "GetLocaleInfoA",
    "GetModuleFileNameA",
    "GetModuleHandleA",
    "GetProcAddress",
    "GetProcessHeap",
    "GetStartupInfoA",
    "GetSystemDirectoryA",
    "GetSystemInfo",
    "GetSystemTime",
    "GetSystemTimeAsFileTime",
    "GetTempPathA",
    "GetThreadContext",
    "GetTickCount",
    "GetVersion",
    "GetVersionExA",
    "GetVolumeInformationA",
    "GetWindowsDirectoryA",
    "GlobalAlloc",
    "GlobalFree",
    "GlobalHandle",
    "GlobalLock",
    "GlobalUnlock",
    "HeapAlloc",
    "HeapCreate",
    "HeapFree",
    "IsBadReadPtr",
    "IsDebuggerPresent",
    "LoadLibraryA",
    "LoadLibraryExA",
    "LocalAlloc",
    "LocalFree",
    "MapViewOfFile",
    "MessageBoxA",
    "MultiByteToWideChar",
    "OpenMutexA",
    "OpenProcess",
    "OutputDebugStringA",
    "Process32First",
    "Process32Next",
    "QueryPerformanceCounter",
    "RaiseException",
    "ReadFile",
    "ReadProcessMemory",
    "RegOpenKeyExA",
    "RegQueryValueExA",
    "ReleaseMutex",
    "ResumeThread",
    "RtlUnwind",
    "RtlZeroMemory",
    "SetEnvironmentVariableA",
    "SetErrorMode",
    "SetEvent",
    "SetFilePointer",
    "SetLastError",
    "SetPriorityClass",
    "SetThreadContext",
    "SetThreadPriority",
    "SetUnhandledExceptionFilter",
    "Sleep",
    "SuspendThread",
    "TerminateProcess",
    "TerminateThread",
    "UnhandledExceptionFilter",
    "UnmapViewOfFile",
    "VirtualAlloc",
    "VirtualAllocEx",
    "VirtualFree",
    "VirtualProtect",
    "VirtualProtectEx",
    "VirtualQuery",
    "WaitForDebugEvent",
    "WaitForSingleObject",
    "WideCharToMultiByte",
    "WinExec",
    "WriteFile",
    "WriteProcessMemory",
    "lstrcatA",
    "lstrcmpA",
    "lstrcmpiA",
    "lstrcpyA",
    "lstrlenA",
    "wsprintfA",
];
