//! Root becomes the owner of the databases before anything else is done.

use std::io::Read as _;

use rustix::process::{Gid, Uid};

/// The most bytes of the list of users that are read.
const MOST: u64 = 4 << 20;

/// Becomes `name`, when this is root. The error is for people.
pub(crate) fn become_owner(name: &str) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() || name == "root" {
        return Ok(());
    }
    let mut text = String::new();
    let read = std::fs::File::open("/etc/passwd").and_then(|file| file.take(MOST).read_to_string(&mut text));
    let found = read.ok().and_then(|_| find(&text, name));
    let (user, group) = found.ok_or_else(|| format!("Can't get information about user {name}."))?;
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    // There is one thread yet.
    rustix::thread::set_thread_groups(&[group])
        .and_then(|()| rustix::thread::set_thread_res_gid(group, group, group))
        .and_then(|()| rustix::thread::set_thread_res_uid(user, user, user))
        .map_err(|error| format!("Failed to switch to {name} user: {error}"))
}

/// The numbers of a user in a list as `/etc/passwd` is one.
fn find(text: &str, name: &str) -> Option<(u32, u32)> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(name);
        let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        is_it.then_some((user, group))
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let text = "root:x:0:0:root:/root:/bin/sh\nclamav2:x:5:6::/:/x\nclamav:x:101:102::/:/x\nbad\n";
        assert_eq!(find(text, "clamav"), Some((101, 102)));
        assert_eq!(find(text, "clam"), None);
    }
}
