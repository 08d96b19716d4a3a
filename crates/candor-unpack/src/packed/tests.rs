//! Programs that unpack themselves, written here byte by byte.

use candor_model::{FileType, Reason};

use crate::collected::Collected;

const BASE: u32 = 0x0040_0000;
/// Where the code of a test program is, and what it works on.
const CODE: u32 = BASE + 0x1000;
const DATA: u32 = BASE + 0x2000;

/// A program of two sections that may be written to: code, and data.
fn program(code: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0_u8; 0x40];
    file[..2].copy_from_slice(b"MZ");
    file[0x3c] = 0x40;
    file.extend(b"PE\0\0\x4c\x01\x02\0");
    file.extend([0; 12]);
    file.extend([0xe0, 0, 0x0f, 1]);
    let mut optional = vec![0_u8; 0xe0];
    for (offset, value) in
        [(0, 0x10b), (16, 0x1000), (28, BASE), (32, 0x1000), (36, 0x200), (56, 0x4000), (60, 0x200), (92, 16)]
    {
        optional[offset..offset + 4].copy_from_slice(&u32::to_le_bytes(value));
    }
    file.extend(optional);
    let mut raw = 0x200;
    for (address, bytes) in [(0x1000_u32, code), (0x2000, data)] {
        file.extend(b".packed\0");
        let size = u32::try_from(bytes.len().next_multiple_of(0x200)).unwrap();
        for value in [0x1000, address, size, raw, 0, 0, 0, 0xe000_0020] {
            file.extend(value.to_le_bytes());
        }
        raw += size;
    }
    for bytes in [code, data] {
        file.resize(file.len().next_multiple_of(0x200), 0);
        file.extend(bytes);
    }
    file.resize(file.len().next_multiple_of(0x200), 0);
    file
}

fn unpacked(file: &[u8]) -> Collected {
    Collected::of(FileType::MsExe, file)
}

fn holds(collected: &Collected, text: &[u8]) -> bool {
    let inside = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    collected.children.iter().any(|child| inside(&child.bytes))
}

/// `mov reg, value` for the register with this number.
fn set(register: u8, value: u32) -> Vec<u8> {
    [&[0xb8 + register][..], &value.to_le_bytes()].concat()
}

const SECRET: &[u8] = b"this was hidden by the packer";

fn hidden() -> Vec<u8> {
    SECRET.iter().map(|byte| byte ^ 0x5a).collect()
}

fn length() -> u32 {
    u32::try_from(SECRET.len()).unwrap()
}

#[test]
fn a_loop_that_decrypts_in_place() {
    // mov esi, data; mov ecx, length; again: xor byte [esi], 5a; inc esi; loop again; ret
    let code = [set(6, DATA), set(1, length()), vec![0x80, 0x36, 0x5a, 0x46, 0xe2, 0xfa, 0xc3]].concat();
    let file = program(&code, &hidden());
    assert!(!file.windows(SECRET.len()).any(|window| window == SECRET));
    let collected = unpacked(&file);
    assert!(holds(&collected, SECRET), "{collected:?}");
    assert_eq!(collected.children[0].member.name, "unpacked");
    assert_eq!(entry(&collected.children[0].bytes), Some(0));
}

/// The entry point that the headers of a program give.
fn entry(file: &[u8]) -> Option<u32> {
    crate::pe::PortableExecutable::parse(file).map(|file| file.entry_point)
}

#[test]
fn what_was_unpacked_is_not_run_again() {
    let code = [set(6, DATA), set(1, length()), vec![0x80, 0x36, 0x5a, 0x46, 0xe2, 0xfa, 0xc3]].concat();
    let first = unpacked(&program(&code, &hidden()));
    let second = unpacked(&first.children[0].bytes);
    assert!(second.children.is_empty(), "{second:?}");
}

#[test]
fn string_instructions_backwards_and_a_jump_into_what_was_written() {
    // std; mov esi, last; mov edi, last + 0x400; mov ecx, n; rep movsb; cld; jmp data + 0x400
    let payload = [&[0xeb, 0xfe][..], b"moved"].concat();
    let last = DATA + u32::try_from(payload.len()).unwrap() - 1;
    let n = u32::try_from(payload.len()).unwrap();
    let mut code =
        [vec![0xfd], set(6, last), set(7, last + 0x400), set(1, n), vec![0xf3, 0xa4, 0xfc]].concat();
    let here = CODE + u32::try_from(code.len()).unwrap() + 5;
    code.push(0xe9);
    code.extend((DATA + 0x400).wrapping_sub(here).to_le_bytes());
    let collected = unpacked(&program(&code, &payload));
    let child = &collected.children[0].bytes;
    assert_eq!(&child[0x2402..0x2407], b"moved");
    assert_eq!(entry(child), Some(0x2400));
}

#[test]
fn exceptions_reach_their_handler_and_execution_goes_on() {
    // push handler; push fs:[0]; mov fs:[0], esp; int3 ... the handler adds to eip in the context and
    // returns 0; then the loop decrypts.
    let decrypt = [set(6, DATA), set(1, length()), vec![0x80, 0x36, 0x5a, 0x46, 0xe2, 0xfa, 0xc3]].concat();
    let prologue = |handler: u32| {
        let mut code = vec![0x68];
        code.extend(handler.to_le_bytes());
        code.extend([0x64, 0xff, 0x35, 0, 0, 0, 0]);
        code.extend([0x64, 0x89, 0x25, 0, 0, 0, 0]);
        code.push(0xcc);
        code
    };
    let size = u32::try_from(prologue(0).len() + decrypt.len()).unwrap();
    // mov eax, [esp+12]; inc dword [eax+b8]; xor eax, eax; ret
    let handler = [0x8b, 0x44, 0x24, 0x0c, 0xff, 0x80, 0xb8, 0, 0, 0, 0x31, 0xc0, 0xc3];
    let code = [prologue(CODE + size), decrypt, handler.to_vec()].concat();
    assert!(holds(&unpacked(&program(&code, &hidden())), SECRET));
}

#[test]
fn a_program_that_never_ends_does_not_hold_the_scan_up() {
    let collected = unpacked(&program(&[0xc6, 0x05, 0, 0x20, 0x40, 0, 0x41, 0xeb, 0xfe], b"x"));
    assert_eq!(collected.children.len(), 1);
    assert!(matches!(collected.incomplete.as_slice(), [Reason::Unsupported(_)]), "{collected:?}");
}

#[test]
fn every_step_is_paid_for() {
    // add byte [data], 1, over and over.
    let endless = program(&[0x80, 0x05, 0, 0x20, 0x40, 0, 1, 0xeb, 0xf7], b"x");
    let collected = unpacked(&endless);
    let whole = candor_model::Budget::new(
        candor_model::Limits::default(),
        candor_model::Interrupt::new(),
        endless.len() as u64,
    );
    assert!(whole.work() - collected.budget.work() >= 2_000_000 * 4, "{}", collected.budget.work());
    assert_eq!(Collected::without_work(FileType::MsExe, &endless).incomplete, [Reason::Work]);
}

#[test]
fn a_copy_of_its_own_file_is_not_run_again() {
    // A table of imports, a name of a library, a name of a function.
    let mut data = vec![0_u8; 0x100];
    for (offset, value) in [(0, 0x2040_u32), (12, 0x2060), (16, 0x2040), (0x40, 0x2070)] {
        data[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    data[0x60..0x6c].copy_from_slice(b"KERNEL32.dll");
    data[0x72..0x7f].copy_from_slice(b"MapViewOfFile");
    // push 0 five times; call [slot]; xor byte [eax+offset], value; inc byte [data+ff]; ret
    let children = |offset: u8, value: u8| {
        let code = [
            &[0x6a, 0].repeat(5)[..],
            &[0xff, 0x15, 0x40, 0x20, 0x40, 0, 0x80, 0x70, offset, value],
            &[0xfe, 0x05, 0xff, 0x20, 0x40, 0, 0xc3],
        ]
        .concat();
        let mut file = program(&code, &data);
        let imports = 0x40 + 24 + 96 + 8;
        file[imports..imports + 4].copy_from_slice(&0x2000_u32.to_le_bytes());
        let children = unpacked(&file).children;
        children.into_iter().map(|child| child.member.name).collect::<Vec<_>>()
    };
    assert_eq!(children(2, 0), ["unpacked"]);
    // What differs from it is something else.
    assert_eq!(children(2, 1), ["unpacked", "memory"]);
}

#[test]
fn a_library_is_told_why_it_is_called() {
    // cmp byte [esp+8], 1; jne end; the loop that decrypts; ret 12
    let decrypt = [set(6, DATA), set(1, length()), vec![0x80, 0x36, 0x5a, 0x46, 0xe2, 0xfa]].concat();
    let code = [&[0x80, 0x7c, 0x24, 8, 1, 0x75, decrypt.len() as u8][..], &decrypt, &[0xc2, 12, 0]].concat();
    let mut file = program(&code, &hidden());
    assert!(!holds(&unpacked(&file), SECRET));
    file[0x40 + 23] |= 0x20;
    assert!(holds(&unpacked(&file), SECRET));
}

#[test]
fn ordinary_programs_are_not_run() {
    let mut file = program(&[0x80, 0x36, 0x5a, 0xc3], b"x");
    let flags = 0x40 + 24 + 0xe0 + 36;
    file[flags..flags + 4].copy_from_slice(&0x6000_0020_u32.to_le_bytes());
    assert!(unpacked(&file).children.is_empty());
}

#[test]
fn memory_has_a_limit() {
    let mut file = program(&[0xc3], b"x");
    let size = 0x40 + 24 + 56;
    file[size..size + 4].copy_from_slice(&0x7000_0000_u32.to_le_bytes());
    let collected = unpacked(&file);
    assert!(matches!(collected.incomplete.as_slice(), [Reason::Unsupported(_)]), "{collected:?}");
}

#[test]
fn any_bytes_as_a_program_end_quietly() {
    let mut state = 1_u64;
    for _ in 0..200 {
        let code: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state.to_le_bytes()[7]
            })
            .collect();
        let _ = unpacked(&program(&code, &code));
    }
}

#[test]
fn the_library_is_found_by_its_headers_and_functions_by_their_prologue() {
    // mov ebx, [esp]; and ebx, ffff0000; mov eax, [ebx+3c]; mov eax, [ebx+eax+78]; add eax, ebx;
    // mov eax, [eax+20]; add eax, ebx; mov eax, [eax]; add eax, ebx: the name of the first function.
    // Its first four letters go to the data.
    let code = [
        &[0x8b, 0x1c, 0x24, 0x81, 0xe3, 0, 0, 0xff, 0xff][..],
        &[0x8b, 0x43, 0x3c, 0x8b, 0x44, 0x03, 0x78, 0x01, 0xd8],
        &[0x8b, 0x40, 0x20, 0x01, 0xd8, 0x8b, 0x00, 0x01, 0xd8, 0x8b, 0x00],
        &[0xa3, 0, 0x20, 0x40, 0, 0xc3],
    ]
    .concat();
    let collected = unpacked(&program(&code, b"x"));
    assert_eq!(&collected.children[0].bytes[0x2000..0x2004], b"Allo");
}
