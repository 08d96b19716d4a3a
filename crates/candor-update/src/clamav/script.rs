//! What a patch does to the members of a database. One command a line:
//!
//! ```text
//! OPEN name                    what follows is about this member, which is made if it is not there
//! ADD line                     a line at its end
//! DEL number prefix            line number `number` goes; it must begin with `prefix`
//! XCHG number prefix line      another line in its place
//! CLOSE                        carries it out
//! MOVE from to n prefix m prefix   lines n to m of one member go to the end of another
//! UNLINK name                  a member goes
//! # anything                   nothing
//! ```
//!
//! Numbers are those of lines before the commands between `OPEN` and `CLOSE`, in any order; of two commands for one
//! line the last counts. Seen by running ClamAV 1.4.6, whose verdict this keeps on each script that was compared.
//!
//! A script is signed, and still bounded: what it makes, and how often it rewrites a member.

use std::collections::BTreeMap;

use candor_signature::clamav::Member;

/// The most bytes that members may have together.
const MOST_BYTES: usize = 1 << 30;
/// The most members.
const MOST_MEMBERS: usize = 4096;
/// How often all members may be rewritten, in bytes: patches of years open each member once or twice.
const REWRITES: usize = 32;

/// Why a script cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ScriptError {
    /// The line of the script, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: ScriptFault,
}

/// What is wrong with a line of a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptFault {
    /// It is no command.
    #[error("not a command")]
    Unknown,
    /// Something is missing behind the command.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// It is no number of a line.
    #[error("not a number of a line")]
    Number,
    /// It is no name of a member.
    #[error("not a name of a member: letters, digits and dots")]
    Name,
    /// A member has to be closed first.
    #[error("{0} is still open")]
    Open(String),
    /// No member is open.
    #[error("no member is open")]
    NotOpen,
    /// There is no such member.
    #[error("there is no member {0}")]
    NoMember(String),
    /// The line is not what the script says.
    #[error("line {1} of {0} does not begin as the script says")]
    Prefix(String, u64),
    /// There is no such line.
    #[error("{0} has no line {1}")]
    NoLine(String, u64),
    /// More would come of it than a database may hold.
    #[error("more would come of it than a database may hold")]
    TooLarge,
    /// It rewrites members again and again.
    #[error("it rewrites members too often")]
    TooMuchWork,
}

/// Carries out a script. When it fails the members are in no state that anybody made.
///
/// # Errors
/// The script is not for these members, or is none.
pub fn apply(script: &[u8], members: &mut Vec<Member>) -> Result<(), ScriptError> {
    let size: usize = members.iter().map(|member| member.bytes.len()).fold(0, usize::saturating_add);
    let allowance = size.saturating_add(script.len()).saturating_add(1 << 16).saturating_mul(REWRITES);
    let mut editor = Editor { members, open: None, allowance };
    let mut number = 0_usize;
    let body = script.strip_suffix(b"\n").unwrap_or(script);
    for line in body.split(|byte| *byte == b'\n') {
        number = number.saturating_add(1);
        editor.command(line).map_err(|fault| ScriptError { line: number, fault })?;
    }
    match editor.open {
        Some(open) => Err(ScriptError { line: number, fault: ScriptFault::Open(open.name) }),
        None => Ok(()),
    }
}

#[derive(Debug)]
struct Editor<'a> {
    members: &'a mut Vec<Member>,
    open: Option<Open>,
    /// Bytes that may still be rewritten.
    allowance: usize,
}

/// The member that is open, and what is to be done to it.
#[derive(Debug)]
struct Open {
    name: String,
    added: Vec<u8>,
    edits: BTreeMap<u64, Edit>,
}

#[derive(Debug)]
struct Edit {
    prefix: Vec<u8>,
    replacement: Option<Vec<u8>>,
}

impl Editor<'_> {
    fn command(&mut self, line: &[u8]) -> Result<(), ScriptFault> {
        if line.first() == Some(&b'#') {
            return Ok(());
        }
        let (word, rest) = split(line);
        match word {
            b"ADD" => {
                let open = self.open.as_mut().ok_or(ScriptFault::NotOpen)?;
                if rest.is_empty() {
                    return Err(ScriptFault::Missing("a line"));
                }
                open.added.extend_from_slice(rest);
                open.added.push(b'\n');
            }
            b"DEL" => self.edit(rest, false)?,
            b"XCHG" => self.edit(rest, true)?,
            b"OPEN" => {
                self.nothing_open()?;
                let name = name(rest)?;
                self.open = Some(Open { name, added: Vec::new(), edits: BTreeMap::new() });
            }
            b"CLOSE" => {
                let open = self.open.take().ok_or(ScriptFault::NotOpen)?;
                self.close(&open)?;
            }
            b"MOVE" => self.relocate(rest)?,
            b"UNLINK" => {
                self.nothing_open()?;
                let name = name(rest)?;
                let place = self.place(&name).ok_or(ScriptFault::NoMember(name))?;
                self.members.remove(place);
            }
            _ => return Err(ScriptFault::Unknown),
        }
        Ok(())
    }

    fn nothing_open(&self) -> Result<(), ScriptFault> {
        self.open.as_ref().map_or(Ok(()), |open| Err(ScriptFault::Open(open.name.clone())))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name == name)
    }

    fn edit(&mut self, rest: &[u8], exchanges: bool) -> Result<(), ScriptFault> {
        let open = self.open.as_mut().ok_or(ScriptFault::NotOpen)?;
        let (number, rest) = split(rest);
        let number = line_number(number)?;
        let (prefix, replacement) = if exchanges {
            let (prefix, replacement) = split(rest);
            if replacement.is_empty() {
                return Err(ScriptFault::Missing("a new line"));
            }
            (prefix, Some(replacement.to_vec()))
        } else {
            (rest, None)
        };
        if prefix.is_empty() {
            return Err(ScriptFault::Missing("the start of the line"));
        }
        open.edits.insert(number, Edit { prefix: prefix.to_vec(), replacement });
        Ok(())
    }

    /// Pays for rewriting a member.
    fn pay(&mut self, bytes: usize) -> Result<(), ScriptFault> {
        self.allowance = self.allowance.checked_sub(bytes).ok_or(ScriptFault::TooMuchWork)?;
        Ok(())
    }

    fn close(&mut self, open: &Open) -> Result<(), ScriptFault> {
        let place = self.place(&open.name);
        let old = match place.and_then(|place| self.members.get_mut(place)) {
            Some(member) => std::mem::take(&mut member.bytes),
            None => Vec::new(),
        };
        self.pay(old.len().saturating_add(open.added.len()))?;
        let mut new = if open.edits.is_empty() { old } else { rewritten(&old, open)? };
        if !open.added.is_empty() && !new.is_empty() && !new.ends_with(b"\n") {
            new.push(b'\n');
        }
        new.extend_from_slice(&open.added);
        match place.and_then(|place| self.members.get_mut(place)) {
            Some(member) => member.bytes = new,
            None if new.is_empty() => (),
            None => self.add(&open.name, new)?,
        }
        self.bounded()
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), ScriptFault> {
        if self.members.len() >= MOST_MEMBERS {
            return Err(ScriptFault::TooLarge);
        }
        self.members.push(Member { name: name.to_owned(), bytes });
        Ok(())
    }

    fn bounded(&self) -> Result<(), ScriptFault> {
        let total = self.members.iter().map(|member| member.bytes.len()).fold(0, usize::saturating_add);
        if total > MOST_BYTES { Err(ScriptFault::TooLarge) } else { Ok(()) }
    }

    fn relocate(&mut self, rest: &[u8]) -> Result<(), ScriptFault> {
        self.nothing_open()?;
        let (from, rest) = split(rest);
        let (to, rest) = split(rest);
        let (from, to) = (name(from)?, name(to)?);
        let (first, rest) = split(rest);
        let (first_prefix, rest) = split(rest);
        let (last, last_prefix) = split(rest);
        let (first, last) = (line_number(first)?, line_number(last)?);
        if first_prefix.is_empty() || last_prefix.is_empty() {
            return Err(ScriptFault::Missing("the start of a line"));
        }
        if first > last {
            return Err(ScriptFault::NoLine(from, last));
        }
        let place = self.place(&from).ok_or_else(|| ScriptFault::NoMember(from.clone()))?;
        let old = self.members.get_mut(place).map(|member| std::mem::take(&mut member.bytes));
        let old = old.unwrap_or_default();
        self.pay(old.len())?;
        let (mut kept, mut moved) = (Vec::with_capacity(old.len()), Vec::new());
        let mut number = 0_u64;
        for line in lines(&old) {
            number = number.saturating_add(1);
            let begins = |prefix: &[u8]| {
                let fits = line.starts_with(prefix);
                if fits { Ok(()) } else { Err(ScriptFault::Prefix(from.clone(), number)) }
            };
            if number == first {
                begins(first_prefix)?;
            }
            if number == last {
                begins(last_prefix)?;
            }
            let into = if (first..=last).contains(&number) { &mut moved } else { &mut kept };
            into.extend_from_slice(line);
        }
        if number < last {
            return Err(ScriptFault::NoLine(from, last));
        }
        if let Some(member) = self.members.get_mut(place) {
            member.bytes = kept;
        }
        self.pay(moved.len())?;
        match self.place(&to).and_then(|place| self.members.get_mut(place)) {
            Some(member) => {
                if !member.bytes.is_empty() && !member.bytes.ends_with(b"\n") {
                    member.bytes.push(b'\n');
                }
                member.bytes.extend_from_slice(&moved);
            }
            None => self.add(&to, moved)?,
        }
        self.bounded()
    }
}

/// The lines of a member after its edits.
fn rewritten(old: &[u8], open: &Open) -> Result<Vec<u8>, ScriptFault> {
    let mut new = Vec::with_capacity(old.len());
    let mut edits = open.edits.iter().peekable();
    let mut number = 0_u64;
    for line in lines(old) {
        number = number.saturating_add(1);
        let Some((_, edit)) = edits.next_if(|(at, _)| **at == number) else {
            new.extend_from_slice(line);
            continue;
        };
        if !line.starts_with(&edit.prefix) {
            return Err(ScriptFault::Prefix(open.name.clone(), number));
        }
        if let Some(replacement) = &edit.replacement {
            new.extend_from_slice(replacement);
            new.push(b'\n');
        }
    }
    match edits.next() {
        Some((number, _)) => Err(ScriptFault::NoLine(open.name.clone(), *number)),
        None => Ok(new),
    }
}

/// Lines with their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

/// The first word, and what comes behind the blank after it.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(at) => {
            (text.get(..at).unwrap_or_default(), text.get(at.saturating_add(1)..).unwrap_or_default())
        }
        None => (text, &[]),
    }
}

fn line_number(digits: &[u8]) -> Result<u64, ScriptFault> {
    let text = std::str::from_utf8(digits).map_err(|_| ScriptFault::Number)?;
    if text.starts_with('+') {
        return Err(ScriptFault::Number);
    }
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(ScriptFault::Number),
    }
}

/// A name that is one, and cannot climb anywhere.
fn name(bytes: &[u8]) -> Result<String, ScriptFault> {
    let fits = bytes.len() <= 128
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    if !fits {
        return Err(ScriptFault::Name);
    }
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<Member> {
        let text: String = (0..6).map(|number| format!("A.S{number}:0:*:aabbccddee0{number}\n")).collect();
        vec![
            Member { name: String::from("d.ndb"), bytes: text.into_bytes() },
            Member { name: String::from("d.ndu"), bytes: b"P.a:0:*:aabbccddee\n".to_vec() },
        ]
    }

    /// First letters behind `A.` of each line of each member, such as `S0S1|Pa`.
    fn run(script: &str) -> Result<String, String> {
        let mut members = members();
        apply(script.as_bytes(), &mut members).map_err(|error| error.to_string())?;
        let shown: Vec<String> = members
            .iter()
            .map(|member| {
                let text = String::from_utf8(member.bytes.clone()).unwrap();
                assert!(text.is_empty() || text.ends_with('\n'));
                let names: Vec<&str> = text.lines().map(|line| line.split(':').next().unwrap()).collect();
                format!("{}={}", member.name, names.join(","))
            })
            .collect();
        Ok(shown.join(" ").replace("A.", ""))
    }

    /// Each was given to freshclam 1.4.6 as a signed patch; it took what is taken here, and refused the rest.
    #[test]
    fn scripts_do_what_they_do_in_freshclam() {
        let rest = "d.ndu=P.a";
        for (script, result) in [
            ("OPEN d.ndb\nADD Z:0:*:aa\nCLOSE\n", "d.ndb=S0,S1,S2,S3,S4,S5,Z"),
            ("OPEN d.ndb\nDEL 1 A.S0\nDEL 3 A.S2\nCLOSE\n", "d.ndb=S1,S3,S4,S5"),
            ("OPEN d.ndb\nDEL 3 A.S2\nDEL 1 A.S0\nCLOSE\n", "d.ndb=S1,S3,S4,S5"),
            ("OPEN d.ndb\nDEL 3 A.S2\nDEL 3 A.S2\nCLOSE\n", "d.ndb=S0,S1,S3,S4,S5"),
            ("OPEN d.ndb\nXCHG 2 A.S1 B b:0:*:00\nCLOSE\n", "d.ndb=S0,B b,S2,S3,S4,S5"),
            ("OPEN d.ndb\nXCHG 2 A.S1 B:0:*:00\nDEL 2 A.S1\nCLOSE\n", "d.ndb=S0,S2,S3,S4,S5"),
            ("OPEN d.ndb\nDEL 1 A.S0\nCLOSE\nOPEN d.ndb\nDEL 1 A.S1\nCLOSE\n", "d.ndb=S2,S3,S4,S5"),
            ("# x\nOPEN d.ndb\nCLOSE\n", "d.ndb=S0,S1,S2,S3,S4,S5"),
            ("OPEN d.ndb\nCLOSE", "d.ndb=S0,S1,S2,S3,S4,S5"),
        ] {
            assert_eq!(run(script), Ok(format!("{result} {rest}")), "{script}");
        }
        assert_eq!(run("UNLINK d.ndu\n").unwrap(), "d.ndb=S0,S1,S2,S3,S4,S5");
        assert_eq!(
            run("OPEN d.hdb\nADD h:1:A\nCLOSE\n").unwrap(),
            "d.ndb=S0,S1,S2,S3,S4,S5 d.ndu=P.a d.hdb=h"
        );
        assert_eq!(run("MOVE d.ndb d.ndu 2 A.S1 3 A.S2\n").unwrap(), "d.ndb=S0,S3,S4,S5 d.ndu=P.a,S1,S2");
    }

    #[test]
    fn scripts_that_freshclam_refuses_are_refused() {
        for (script, reason) in [
            (
                "OPEN d.ndb\nDEL 1 A.S0\nDEL 2 A.S2\nCLOSE\n",
                "line 4: line 2 of d.ndb does not begin as the script says",
            ),
            ("OPEN d.ndb\nDEL 1\nCLOSE\n", "line 2: the start of the line is missing"),
            (
                "OPEN d.ndb\nDEL 1 A.S0:0:*:aabbccddee00xx\nCLOSE\n",
                "line 3: line 1 of d.ndb does not begin as the script says",
            ),
            ("OPEN d.ndb\nDEL 7 A.S6\nCLOSE\n", "line 3: d.ndb has no line 7"),
            ("UNLINK d.xxx\n", "line 1: there is no member d.xxx"),
            ("OPEN d.ndb\nUNLINK d.ndu\nCLOSE\n", "line 2: d.ndb is still open"),
            ("OPEN d.ndb\nOPEN d.ndu\nCLOSE\n", "line 2: d.ndb is still open"),
            ("CLOSE\n", "line 1: no member is open"),
            ("ADD x\n", "line 1: no member is open"),
            ("\nOPEN d.ndb\nCLOSE\n", "line 1: not a command"),
            ("FOO x\n", "line 1: not a command"),
            ("open d.ndb\nclose\n", "line 1: not a command"),
            ("OPEN d.ndb\nADD Z:0:*:aa\n", "line 2: d.ndb is still open"),
            ("OPEN ../x.ndb\n", "line 1: not a name of a member: letters, digits and dots"),
            ("OPEN ..\n", "line 1: not a name of a member: letters, digits and dots"),
            ("OPEN d.ndb\r\nCLOSE\r\n", "line 1: not a name of a member: letters, digits and dots"),
            ("OPEN d.ndb\nDEL 0 A\nCLOSE\n", "line 2: not a number of a line"),
            ("OPEN d.ndb\nDEL +1 A\nCLOSE\n", "line 2: not a number of a line"),
            ("OPEN d.ndb\nXCHG 1 A.S0\nCLOSE\n", "line 2: a new line is missing"),
            ("OPEN d.ndb\nADD\nCLOSE\n", "line 2: a line is missing"),
            ("MOVE d.ndb d.ndu 3 A.S2 2 A.S1\n", "line 1: d.ndb has no line 2"),
            ("MOVE d.ndb d.ndu 5 A.S4 9 A.S8\n", "line 1: d.ndb has no line 9"),
            ("MOVE d.ndb d.ndu 5 A.S4 6 A.S4\n", "line 1: line 6 of d.ndb does not begin as the script says"),
            ("MOVE d.xxx d.ndu 5 A.S4 6 A.S4\n", "line 1: there is no member d.xxx"),
        ] {
            assert_eq!(run(script), Err(String::from(reason)), "{script}");
        }
    }

    #[test]
    fn rewriting_again_and_again_is_refused() {
        let mut members = vec![Member { name: String::from("d.ndb"), bytes: vec![b'x'; 4 << 20] }];
        let script = "OPEN d.ndb\nADD x\nCLOSE\n".repeat(1000);
        let error = apply(script.as_bytes(), &mut members).unwrap_err();
        assert_eq!(error.fault, ScriptFault::TooMuchWork);
    }
}
