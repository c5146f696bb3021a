/// The name of the piece of a file that begins at this offset.
pub(super) fn piece_name(path: &str, offset: u64) -> String {
    format!("{path}/{offset:020}")
}

/// The name of one state of a file that is put whole: the newest has the highest number.
pub(super) fn state_name(path: &str, number: u64) -> String {
    format!("{path}/v{number:020}")
}

/// What an object in a file's folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A piece of it from this offset on.
    Piece(u64),
    /// A state of it of this number.
    State(u64),
}

/// Reads the last part of an object's name.
pub(super) fn part_of(name: &str) -> Option<Part> {
    let number = |digits: &str| {
        let all_digits = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        all_digits.then(|| digits.parse().ok()).flatten()
    };
    match name.strip_prefix('v') {
        Some(digits) => number(digits).map(Part::State),
        None => number(name).map(Part::Piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parts_are_read_as_they_are_written() {
        let last = |name: String| name.rsplit_once('/').and_then(|(_, last)| part_of(last));
        assert_eq!(last(piece_name("ledger/a.log", 77)), Some(Part::Piece(77)));
        assert_eq!(last(state_name("ledger/register.checkpoint", 3)), Some(Part::State(3)));
        for other in ["", "v", "7", "latest", "v0000000000000000000x", "000000000000000000000"] {
            assert_eq!(part_of(other), None, "{other}");
        }
    }
}
