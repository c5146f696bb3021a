//! A small generator and what it fills.

/// A small generator, so that every run makes the same text.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// A pattern with its marks replaced: `N` a digit, `Z` a digit but zero, `H` and `h` hexadecimal, `U` a capital, `l` a
    /// small letter, `W` a letter or a digit, `Q` a capital or a digit, `B` of base 64; after a backslash as it is.
    pub(crate) fn fill(&mut self, pattern: &str) -> String {
        let mut marks = pattern.chars();
        let mut filled = String::new();
        while let Some(mark) = marks.next() {
            let alphabet: &[u8] = match mark {
                'N' => b"0123456789",
                'Z' => b"23456789",
                'H' => b"0123456789ABCDEF",
                'h' => b"0123456789abcdef",
                'U' => b"ABCDEFGHJKLMNPQRSTUVWXYZ",
                'l' => b"abcdefghijklmnopqrstuvwxyz",
                'Q' => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                'W' => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                'B' => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                '\\' => {
                    filled.extend(marks.next());
                    continue;
                }
                other => {
                    filled.push(other);
                    continue;
                }
            };
            filled.push(alphabet[self.below(alphabet.len())] as char);
        }
        filled
    }

    /// A pattern, its last mark so many times.
    pub(crate) fn key(&mut self, prefix: &str, mark: char, length: usize) -> String {
        format!("{prefix}{}", self.fill(&mark.to_string().repeat(length)))
    }
}
