//! How far two words are apart.

/// Letters of a word that are compared.
const LONGEST: usize = 48;

/// From 0 (nothing alike) to 1 (the same): one minus the typing errors by the length, where an error is a letter too
/// many, too few, another one, or two that changed places. Short words must be the same; longer ones may have
/// one error in four letters.
pub(super) fn alike(one: &str, other: &str) -> f64 {
    if one == other {
        return 1.0;
    }
    let one: Vec<char> = one.chars().take(LONGEST).collect();
    let other: Vec<char> = other.chars().take(LONGEST).collect();
    let longest = one.len().max(other.len());
    let most = longest / 4;
    if most == 0 || one.len().abs_diff(other.len()) > most {
        return 0.0;
    }
    let errors = errors(&one, &other);
    if errors > most { 0.0 } else { 1.0 - ratio(errors, longest) }
}

fn ratio(part: usize, whole: usize) -> f64 {
    let number = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    number(part) / number(whole)
}

/// The optimal string alignment distance.
fn errors(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut line = Vec::with_capacity(last.len());
        line.push(row.saturating_add(1));
        for (column, facing) in other.iter().enumerate() {
            let cost = usize::from(letter != facing);
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX);
            let mut least = at(&last, column).saturating_add(cost);
            least = least.min(at(&last, column.saturating_add(1)).saturating_add(1));
            least = least.min(at(&line, column).saturating_add(1));
            let changed_places = row.checked_sub(1).and_then(|row| one.get(row)) == Some(facing)
                && column.checked_sub(1).and_then(|column| other.get(column)) == Some(letter);
            if let (true, Some(column)) = (changed_places, column.checked_sub(1)) {
                least = least.min(at(&before, column).saturating_add(1));
            }
            line.push(least);
        }
        before = std::mem::replace(&mut last, line);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn typing_errors() {
        assert!((alike("kaspersky", "kaspersky") - 1.0).abs() < 1e-9);
        assert!(
            (alike("kaspersky", "kapsersky") - (1.0 - 1.0 / 9.0)).abs() < 1e-9,
            "two that changed places"
        );
        assert!((alike("kaspersky", "kasperski") - (1.0 - 1.0 / 9.0)).abs() < 1e-9);
        assert!((alike("kaspersky", "casperski") - (1.0 - 2.0 / 9.0)).abs() < 1e-9);
        assert!(alike("kaspersky", "kasparov") < 1e-9);
        assert!(alike("zte", "ztf") < 1e-9, "short words are the same or are not");
        assert!(alike("lab", "") < 1e-9);
    }
}
