/// How a text is cut before it is fed, to show that a stream is masked as the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// Into pieces of so many bytes.
    Every(usize),
    /// Into pieces of 1 to 9 bytes, by this seed.
    Random(u64),
}

impl std::str::FromStr for Cut {
    type Err = String;

    /// `N`, or `random:SEED`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a number of bytes above 0, or random:SEED".to_owned();
        match text.strip_prefix("random:") {
            Some(seed) => seed.parse().map(Self::Random).map_err(|_| wrong()),
            None => text.parse().ok().filter(|bytes| *bytes > 0).map(Self::Every).ok_or_else(wrong),
        }
    }
}

/// Cuts one text, which may come in parts of any size, into pieces. A piece ends with its character, so it can be longer
/// than was asked for.
pub(super) struct Cutter {
    cut: Cut,
    state: u64,
    waiting: String,
}

impl Cutter {
    pub(super) fn new(cut: Cut) -> Self {
        let state = match cut {
            Cut::Whole | Cut::Every(_) => 0,
            Cut::Random(seed) => seed,
        };
        Self { cut, state, waiting: String::new() }
    }

    /// Takes the next part of the text.
    pub(super) fn push(&mut self, text: &str, give: &mut dyn FnMut(&str)) {
        if self.cut == Cut::Whole {
            return give(text);
        }
        self.waiting.push_str(text);
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.as_str();
        loop {
            let before = self.state;
            let wanted = self.next();
            if wanted > rest.len() {
                self.state = before;
                break;
            }
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(wanted));
            give(piece);
            rest = after;
        }
        self.waiting = rest.to_owned();
    }

    /// The text is over.
    pub(super) fn finish(self, give: &mut dyn FnMut(&str)) {
        if !self.waiting.is_empty() {
            give(&self.waiting);
        }
    }

    fn next(&mut self) -> usize {
        match self.cut {
            Cut::Whole => usize::MAX,
            Cut::Every(bytes) => bytes,
            Cut::Random(_) => {
                // SplitMix64's step: any seed gives another cut, and the same seed the same one.
                self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                usize::try_from((mixed >> 33) % 9).unwrap_or(0) + 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(parts: &[&str], cut: Cut) -> Vec<String> {
        let (mut cutter, mut pieces) = (Cutter::new(cut), Vec::new());
        for part in parts {
            cutter.push(part, &mut |piece| pieces.push(piece.to_owned()));
        }
        cutter.finish(&mut |piece| pieces.push(piece.to_owned()));
        pieces
    }

    #[test]
    fn pieces_are_the_text_however_it_comes() {
        let text = "aéb漢c and more of it";
        let (left, right) = text.split_at(7);
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(4), Cut::Random(9)] {
            assert_eq!(pieces(&[text], cut).concat(), text);
            if cut != Cut::Whole {
                assert_eq!(pieces(&[text], cut), pieces(&[left, "", right], cut), "{cut:?}");
            }
        }
        assert_eq!(pieces(&["aéb漢c"], Cut::Every(2)), ["aé", "b漢", "c"]);
    }

    #[test]
    fn cuts_are_read_as_they_are_typed() {
        assert_eq!("random:7".parse(), Ok(Cut::Random(7)));
        assert_eq!("12".parse(), Ok(Cut::Every(12)));
        assert!("0".parse::<Cut>().is_err() && "random:x".parse::<Cut>().is_err());
    }
}
