//! What a worker may ask of the kernel: a table, with a reason for each line, and the program that the
//! kernel runs for it.
//!
//! Everything that is not in the table ends the process. There is no call in it that takes a path, makes a
//! socket or a process, or gives anything to anybody but the broker; memory can never become executable.

/// What a worker is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Scans the files behind descriptors.
    Scan,
    /// Compiles signatures; writes the result to the one descriptor that is for it, and what it puts aside meanwhile to
    /// another.
    Compile,
}

/// One system call that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// What it is needed for.
    pub reason: &'static str,
    /// What its arguments must be.
    pub only: Only,
    x86_64: u32,
    aarch64: u32,
}

/// What the arguments of a call must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// Anything.
    Any,
    /// The first is one of these descriptors.
    Descriptors(&'static [u32]),
    /// The third, which says what memory may be used for, does not ask for execution.
    NotExecutable,
    /// The first is one of these numbers: families of addresses.
    Families(&'static [u32]),
    /// The second is one of these numbers: what is to be done with a descriptor.
    Commands(&'static [u32]),
}

pub(crate) const fn call(name: &'static str, numbers: (u32, u32), only: Only, reason: &'static str) -> Call {
    Call { name, reason, only, x86_64: numbers.0, aarch64: numbers.1 }
}

/// The descriptor that errors are written to; the same channel as [`CHANNEL`].
const ERRORS: u32 = 2;

/// The channel to the broker.
const CHANNEL: u32 = crate::sys::CHANNEL.cast_unsigned();

/// The first descriptor that a compile worker receives: where the image goes.
pub(crate) const OUTPUT: u32 = 4;

/// The second one: where it puts aside what would take memory.
pub(crate) const SCRATCH: u32 = 5;

/// What a scan worker may ask for. The most frequent come first.
static SCAN: [Call; 17] = [
    call("read", (0, 63), Only::Any, "the bytes of a small file"),
    call("close", (3, 57), Only::Any, "a file that is done"),
    call("lseek", (8, 62), Only::Any, "the length of a large file; marks it as begun for the broker"),
    call("mmap", (9, 222), Only::NotExecutable, "memory; the bytes of a large file"),
    call("munmap", (11, 215), Only::Any, "gives memory back"),
    call("brk", (12, 214), Only::Any, "memory"),
    call("mremap", (25, 216), Only::Any, "memory that grows"),
    call("madvise", (28, 233), Only::Any, "gives memory back; says that a file is read from front to back"),
    call(
        "mprotect",
        (10, 226),
        Only::NotExecutable,
        "how the C library grows its memory beside the first piece",
    ),
    call("close_range", (436, 436), Only::Any, "a batch that is done"),
    call("recvmsg", (47, 212), Only::Descriptors(&[CHANNEL]), "the next files"),
    call("sendmsg", (46, 211), Only::Descriptors(&[CHANNEL]), "what was found"),
    call("rt_sigreturn", (15, 139), Only::Any, "goes on after the timer that stops a scan in time"),
    call(
        "clock_gettime",
        (228, 113),
        Only::Any,
        "the time, where the kernel does not give it without a call",
    ),
    call(
        "getrandom",
        (318, 278),
        Only::Any,
        "keys of hash tables, so that no file can be made to fill one place",
    ),
    call("write", (1, 64), Only::Descriptors(&[ERRORS]), "last words of the run-time: out of memory"),
    call("exit_group", (231, 94), Only::Any, "the end"),
];

/// What a compile worker may ask for besides, in place of the line of the same name.
static COMPILE: [Call; 1] = [call(
    "write",
    (1, 64),
    Only::Descriptors(&[ERRORS, OUTPUT, SCRATCH]),
    "the image, and what is put aside meanwhile, each to the one descriptor that is for it; last words of the run-time",
)];

impl Task {
    /// The calls that are allowed.
    #[must_use]
    pub fn calls(self) -> Vec<Call> {
        let mut calls = SCAN.to_vec();
        if self == Self::Compile {
            for call in &mut calls {
                *call = COMPILE.iter().find(|other| other.name == call.name).copied().unwrap_or(*call);
            }
        }
        calls
    }

    /// The program for the kernel, for the processor that this program was made for; `None` for another
    /// processor than the two that are known.
    pub(crate) fn program(self) -> Option<Vec<Instruction>> {
        program(&self.calls())
    }
}

/// The program for any table of calls; see [`Task::program`].
pub(crate) fn program(calls: &[Call]) -> Option<Vec<Instruction>> {
    Some(assemble(Processor::this()?, calls))
}

/// Processors whose system calls are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processor {
    X86_64,
    Aarch64,
}

impl Processor {
    pub(crate) const fn this() -> Option<Self> {
        if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
            Some(Self::X86_64)
        } else if cfg!(all(target_arch = "aarch64", target_endian = "little", target_pointer_width = "64")) {
            Some(Self::Aarch64)
        } else {
            None
        }
    }

    /// How the kernel names it: `AUDIT_ARCH_…` of `linux/audit.h`.
    const fn audit_name(self) -> u32 {
        match self {
            Self::X86_64 => 0xc000_003e,
            Self::Aarch64 => 0xc000_00b7,
        }
    }

    const fn number(self, call: &Call) -> u32 {
        match self {
            Self::X86_64 => call.x86_64,
            Self::Aarch64 => call.aarch64,
        }
    }
}

/// One instruction of the kernel's filter machine: `struct sock_filter` of `linux/filter.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) if_true: u8,
    pub(crate) if_false: u8,
    pub(crate) value: u32,
}

/// Loads 32 bits of `struct seccomp_data`.
pub(crate) const LOAD: u16 = 0x20;
/// Jumps when they are equal to the value.
pub(crate) const IF_EQUAL: u16 = 0x15;
/// Jumps when they have a bit in common with the value.
pub(crate) const IF_ANY_BIT: u16 = 0x45;
/// Ends with an action.
pub(crate) const RETURN: u16 = 0x06;

/// `SECCOMP_RET_ALLOW`.
pub(crate) const ALLOW: u32 = 0x7fff_0000;
/// `SECCOMP_RET_KILL_PROCESS`.
pub(crate) const KILL: u32 = 0x8000_0000;

/// Where the fields of `struct seccomp_data` are.
const NUMBER: u32 = 0;
const AUDIT_NAME: u32 = 4;
/// The low halves of arguments, both processors being little-endian.
const FIRST: u32 = 16;
const FIRST_HIGH: u32 = 20;
const SECOND: u32 = 24;
const THIRD: u32 = 32;

/// `PROT_EXEC`.
const EXECUTABLE: u32 = 4;

const fn step(code: u16, value: u32) -> Instruction {
    Instruction { code, if_true: 0, if_false: 0, value }
}

const fn jump(code: u16, value: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction { code, if_true, if_false, value }
}

/// The program for a table. Calls made in another processor's way, and x86's second set of numbers, are in
/// no table, and end the process with all others.
pub(crate) fn assemble(processor: Processor, calls: &[Call]) -> Vec<Instruction> {
    let mut program = vec![
        step(LOAD, AUDIT_NAME),
        jump(IF_EQUAL, processor.audit_name(), 1, 0),
        step(RETURN, KILL),
        step(LOAD, NUMBER),
    ];
    for call in calls {
        let body = conditions(call.only);
        // The bodies are a handful of instructions.
        let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
        program.push(jump(IF_EQUAL, processor.number(call), 0, length));
        program.extend(body);
    }
    program.push(step(RETURN, KILL));
    program
}

/// What follows once the number is that of a call; always ends with an action.
fn conditions(only: Only) -> Vec<Instruction> {
    match only {
        Only::Any => vec![step(RETURN, ALLOW)],
        Only::NotExecutable => vec![
            step(LOAD, THIRD),
            jump(IF_ANY_BIT, EXECUTABLE, 1, 0),
            step(RETURN, ALLOW),
            step(RETURN, KILL),
        ],
        Only::Commands(allowed) => {
            let mut body = vec![step(LOAD, SECOND)];
            for command in allowed {
                body.push(jump(IF_EQUAL, *command, 0, 1));
                body.push(step(RETURN, ALLOW));
            }
            body.push(step(RETURN, KILL));
            body
        }
        Only::Descriptors(allowed) | Only::Families(allowed) => {
            let mut body =
                vec![step(LOAD, FIRST_HIGH), jump(IF_EQUAL, 0, 1, 0), step(RETURN, KILL), step(LOAD, FIRST)];
            for descriptor in allowed {
                body.push(jump(IF_EQUAL, *descriptor, 0, 1));
                body.push(step(RETURN, ALLOW));
            }
            body.push(step(RETURN, KILL));
            body
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel does with a program.
    fn run(program: &[Instruction], processor: Processor, number: u32, arguments: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend_from_slice(&number.to_le_bytes());
        data.extend_from_slice(&processor.audit_name().to_le_bytes());
        data.extend_from_slice(&[0; 8]);
        arguments.iter().for_each(|argument| data.extend_from_slice(&argument.to_le_bytes()));
        let (mut at, mut held) = (0, 0_u32);
        loop {
            let instruction = program[at];
            at += 1;
            let taken = match instruction.code {
                LOAD => {
                    let place = usize::try_from(instruction.value).unwrap();
                    held = u32::from_le_bytes(data[place..place + 4].try_into().unwrap());
                    continue;
                }
                RETURN => return instruction.value,
                IF_EQUAL => held == instruction.value,
                IF_ANY_BIT => held & instruction.value != 0,
                other => panic!("{other:#x}"),
            };
            at += usize::from(if taken { instruction.if_true } else { instruction.if_false });
        }
    }

    fn each(check: impl Fn(Processor, &[Call], &dyn Fn(u32, [u64; 6]) -> u32)) {
        for processor in [Processor::X86_64, Processor::Aarch64] {
            for task in [Task::Scan, Task::Compile] {
                let calls = task.calls();
                let program = assemble(processor, &calls);
                check(processor, &calls, &|number, arguments| run(&program, processor, number, arguments));
            }
        }
    }

    fn number(processor: Processor, calls: &[Call], name: &str) -> u32 {
        processor.number(calls.iter().find(|call| call.name == name).unwrap())
    }

    #[test]
    fn the_table_is_short_and_says_why() {
        for task in [Task::Scan, Task::Compile] {
            let calls = task.calls();
            assert!(calls.len() <= 25);
            assert!(calls.iter().all(|call| call.reason.len() > 5));
            let mut names: Vec<_> = calls.iter().map(|call| call.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), calls.len());
        }
    }

    #[test]
    fn nothing_but_the_table_is_allowed() {
        each(|processor, calls, run| {
            let known: Vec<u32> = calls.iter().map(|call| processor.number(call)).collect();
            for number in (0..1024).chain([0x4000_0000, 0x4000_0001, 0x4000_0208, u32::MAX]) {
                let all_right = [u64::from(CHANNEL), 0, 1, 0, 0, 0];
                let allowed = run(number, all_right) == ALLOW || run(number, [2, 0, 1, 0, 0, 0]) == ALLOW;
                assert_eq!(allowed, known.contains(&number), "{processor:?} {number}");
            }
        });
    }

    #[test]
    fn both_processors_decide_alike() {
        let arguments = [0, 1, 2, 3, 4, 5, 6, 7, 0x1_0000_0003, u64::from(u32::MAX)];
        for task in [Task::Scan, Task::Compile] {
            let calls = task.calls();
            let [x86_64, aarch64] = [Processor::X86_64, Processor::Aarch64].map(|processor| {
                let program = assemble(processor, &calls);
                let mut decided = Vec::new();
                for call in &calls {
                    for first in arguments {
                        for third in arguments {
                            let number = processor.number(call);
                            decided.push(run(&program, processor, number, [first, 0, third, 0, 0, 0]));
                        }
                    }
                }
                (decided, program.len())
            });
            assert_eq!(x86_64, aarch64);
            assert!(x86_64.0.contains(&ALLOW) && x86_64.0.contains(&KILL));
        }
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn numbers_are_those_of_the_system() {
        let processor = Processor::this().unwrap();
        let known = numbers();
        for call in Task::Scan.calls() {
            let (_, number) = known.iter().find(|(name, _)| *name == call.name).unwrap();
            assert_eq!(i64::from(processor.number(&call)), *number, "{}", call.name);
        }
    }

    #[test]
    fn memory_never_becomes_executable() {
        each(|processor, calls, run| {
            for name in ["mmap", "mprotect"] {
                let number = number(processor, calls, name);
                assert_eq!(run(number, [0, 4096, 3, 0, 0, 0]), ALLOW);
                for protection in [4, 5, 7, 0x1_0000_0004] {
                    assert_eq!(run(number, [0, 4096, protection, 0, 0, 0]), KILL, "{name} {protection}");
                }
            }
        });
    }

    #[test]
    fn only_the_channel_is_spoken_to() {
        each(|processor, calls, run| {
            for name in ["sendmsg", "recvmsg"] {
                let number = number(processor, calls, name);
                assert_eq!(run(number, [3, 0, 0, 0, 0, 0]), ALLOW);
                for descriptor in [0, 1, 2, 4, 5, u64::from(u32::MAX), 0x1_0000_0003] {
                    assert_eq!(run(number, [descriptor, 0, 0, 0, 0, 0]), KILL, "{name} {descriptor}");
                }
            }
        });
    }

    #[test]
    fn only_a_compile_worker_writes_and_only_its_image() {
        for (task, image) in [(Task::Scan, KILL), (Task::Compile, ALLOW)] {
            let calls = task.calls();
            let program = assemble(Processor::X86_64, &calls);
            let write = |descriptor| run(&program, Processor::X86_64, 1, [descriptor, 0, 0, 0, 0, 0]);
            assert_eq!((write(2), write(4), write(5)), (ALLOW, image, image));
            assert!([0, 1, 3, 6, 7].into_iter().all(|descriptor| write(descriptor) == KILL));
        }
    }

    #[test]
    fn calls_made_in_another_processors_way_end_the_process() {
        let program = assemble(Processor::X86_64, &Task::Scan.calls());
        assert_eq!(run(&program, Processor::Aarch64, 63, [0; 6]), KILL);
        assert_eq!(run(&program, Processor::Aarch64, 0, [0; 6]), KILL);
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    const fn numbers() -> [(&'static str, libc::c_long); 17] {
        [
            ("read", libc::SYS_read),
            ("close", libc::SYS_close),
            ("lseek", libc::SYS_lseek),
            ("mmap", libc::SYS_mmap),
            ("munmap", libc::SYS_munmap),
            ("brk", libc::SYS_brk),
            ("mremap", libc::SYS_mremap),
            ("madvise", libc::SYS_madvise),
            ("mprotect", libc::SYS_mprotect),
            ("close_range", libc::SYS_close_range),
            ("recvmsg", libc::SYS_recvmsg),
            ("sendmsg", libc::SYS_sendmsg),
            ("rt_sigreturn", libc::SYS_rt_sigreturn),
            ("clock_gettime", libc::SYS_clock_gettime),
            ("getrandom", libc::SYS_getrandom),
            ("write", libc::SYS_write),
            ("exit_group", libc::SYS_exit_group),
        ]
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn numbers_are_those_of_this_machine() {
        let processor = Processor::this().unwrap();
        for task in [Task::Scan, Task::Compile] {
            for call in task.calls() {
                let known = numbers().into_iter().find(|(name, _)| *name == call.name).unwrap();
                assert_eq!(libc::c_long::from(processor.number(&call)), known.1, "{}", call.name);
            }
        }
    }
}
