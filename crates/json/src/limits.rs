/// How much JSON is read before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that the text may have.
    pub bytes: usize,
    /// The most arrays and objects inside one another; values above [`Limits::DEEPEST`] count as that.
    pub depth: usize,
    /// The most values that the text may have in all, those inside others included.
    pub values: usize,
}

impl Limits {
    /// The deepest nesting that any limits allow, since values are read, written and dropped recursively.
    pub const DEEPEST: usize = 512;
}

/// 16 MiB, 64 deep, a million values.
impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, depth: 64, values: 1_000_000 }
    }
}
