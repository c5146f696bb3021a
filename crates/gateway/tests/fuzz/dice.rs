/// Numbers by a seed (SplitMix64): the same seed, the same numbers.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// One of these.
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Cuts a text anywhere between characters: by single ones, by a few, or rarely.
    pub(crate) fn cut<'t>(&mut self, text: &'t str) -> Vec<&'t str> {
        self.cut_coarsely(text, usize::MAX)
    }

    /// As [`Dice::cut`], into about `pieces` or fewer, for where each piece has its price.
    pub(crate) fn cut_coarsely<'t>(&mut self, text: &'t str, pieces: usize) -> Vec<&'t str> {
        let longest = (*self.one(&[1, 1, 2, 4, 9, 30, 300])).max(text.len() / pieces);
        let (mut pieces, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary((1 + self.below(longest)).min(rest.len())));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }

    /// Cuts bytes anywhere, within characters too.
    pub(crate) fn cut_bytes<'t>(&mut self, bytes: &'t [u8]) -> Vec<&'t [u8]> {
        let longest = *self.one(&[1, 3, 17, 200, 5_000]);
        let (mut pieces, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((1 + self.below(longest)).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}
