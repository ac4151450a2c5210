//! What changed between two texts, line by line: as much as voters need to see what a new compose hash brings.

/// Two texts longer than this are not compared: their difference would be nothing to read.
const MAX_LINES: usize = 2000;

/// The lines that go (`-`) and come (`+`), and those that stay beside them, in order. Empty if nothing changed.
pub fn difference(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if old.len() > MAX_LINES || new.len() > MAX_LINES {
        return format!("{} lines before, {} after: not compared", old.len(), new.len());
    }
    let lines = steps(&old, &new);
    let changed = |index: usize| lines.get(index).is_some_and(|(mark, _)| *mark != ' ');
    let near = |index: usize| (index.saturating_sub(2)..=index.saturating_add(2)).any(changed);
    let mut text = String::new();
    for (index, (mark, line)) in lines.iter().enumerate() {
        if near(index) {
            text.push(*mark);
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// By the longest common subsequence.
fn steps<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    let common = lengths(old, new);
    let at = |i: usize, j: usize| common.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0);
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    loop {
        match (old.get(i), new.get(j)) {
            (Some(gone), Some(come)) if gone == come => {
                lines.push((' ', *gone));
                (i, j) = (i.saturating_add(1), j.saturating_add(1));
            }
            (Some(gone), come)
                if come.is_none() || at(i.saturating_add(1), j) >= at(i, j.saturating_add(1)) =>
            {
                lines.push(('-', *gone));
                i = i.saturating_add(1);
            }
            (_, Some(come)) => {
                lines.push(('+', *come));
                j = j.saturating_add(1);
            }
            _ => return lines,
        }
    }
}

/// How many lines the rests from (i, j) on have in common.
fn lengths(old: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut below = vec![0; new.len().saturating_add(1)];
    let mut table = vec![below.clone()];
    for gone in old.iter().rev() {
        let mut row = vec![0; new.len().saturating_add(1)];
        for (j, come) in new.iter().enumerate().rev() {
            let value = |row: &[u32], j: usize| row.get(j).copied().unwrap_or(0);
            let length = if gone == come {
                value(&below, j.saturating_add(1)).saturating_add(1)
            } else {
                value(&below, j).max(value(&row, j.saturating_add(1)))
            };
            if let Some(cell) = row.get_mut(j) {
                *cell = length;
            }
        }
        below.clone_from(&row);
        table.push(row);
    }
    table.reverse();
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_and_comes_is_marked_and_what_is_far_is_left_out() {
        let before = "a\nb\nc\nd\ne\nf\n";
        assert_eq!(difference(before, before), "");
        assert_eq!(difference(before, "a\nb\nc\nd\ne\nx\n"), " d\n e\n-f\n+x\n");
        assert_eq!(difference("", "a\n"), "+a\n");
        assert_eq!(difference("a\n", ""), "-a\n");
        assert_eq!(difference("a\nb\n", "b\na\n"), "-a\n b\n+a\n");
    }

    #[test]
    fn texts_that_nobody_would_read_are_not_compared() {
        let long = "x\n".repeat(MAX_LINES + 1);
        assert_eq!(difference(&long, ""), "2001 lines before, 0 after: not compared");
    }
}
