//! The customer's golden files: what is known to be clean, and must stay so.

use std::path::{Path, PathBuf};

/// The plain files below `roots`, in an order that depends on nothing but their names: at most `most`. Links are not followed.
pub(super) fn files(roots: &[PathBuf], most: u64) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for root in roots {
        walk(root, usize::try_from(most).unwrap_or(usize::MAX), &mut found);
    }
    found
}

fn walk(path: &Path, most: usize, found: &mut Vec<PathBuf>) {
    if found.len() >= most {
        return;
    }
    // What cannot be looked at here cannot be scanned either.
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return };
    if metadata.is_file() {
        found.push(path.to_path_buf());
    } else if metadata.is_dir() {
        let Ok(entries) = std::fs::read_dir(path) else { return };
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        names.sort();
        names.iter().for_each(|name| walk(name, most, found));
    }
}

#[cfg(test)]
mod tests {
    use super::files;

    #[test]
    fn plain_files_in_order_and_no_more_than_wanted() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().to_path_buf();
        std::fs::create_dir(root.join("b")).unwrap();
        for name in ["c", "b/x", "a"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("/", root.join("link")).unwrap();
        let names = |most| -> Vec<String> {
            let found = files(std::slice::from_ref(&root), most);
            found.iter().map(|path| path.strip_prefix(&root).unwrap().display().to_string()).collect()
        };
        assert_eq!(names(10), ["a", "b/x", "c"]);
        assert_eq!(names(2), ["a", "b/x"]);
    }
}
