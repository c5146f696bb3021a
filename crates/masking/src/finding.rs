/// The place of an info type in [`Detectors::info_types`](crate::Detectors::info_types); what a finding, a span and a
/// table of treatments speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIndex(u16);

impl TypeIndex {
    /// The info type at this place of a list.
    pub const fn new(place: u16) -> Self {
        Self(place)
    }

    /// The place, to index a list with.
    pub const fn place(self) -> usize {
        self.0 as usize
    }
}

/// A sensitive value: the bytes `start..end` of the text that was searched, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// What it is.
    pub info_type: TypeIndex,
    /// Whether it was seen as a whole.
    pub extent: Extent,
}

/// Whether a value was held to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// It was: it can be given a token or a pseudonym.
    Whole,
    /// It can be longer than a scanner holds (keys beyond 256 bytes, private keys): what stands for it cannot depend on
    /// its end, so it can be redacted or blocked only.
    Beginning,
}

/// What a [`Scanner`](crate::Scanner) says of the next bytes of its text. In order, the spans' texts are the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span<'a> {
    /// Nothing sensitive.
    Clean(&'a str),
    /// A sensitive value.
    Found {
        /// What it is.
        info_type: TypeIndex,
        /// The value as it was written; the first part of it where it is longer than a scanner holds.
        original: &'a str,
        /// Which of the two.
        extent: Extent,
    },
    /// More of the value that the last [`Span::Found`] began, which was too long to be held to its end.
    Swallowed {
        /// What it is.
        info_type: TypeIndex,
        /// The next part of it.
        original: &'a str,
    },
}

impl<'a> Span<'a> {
    /// The bytes of the text that this span is about.
    pub const fn original(self) -> &'a str {
        match self {
            Self::Clean(text) => text,
            Self::Found { original, .. } | Self::Swallowed { original, .. } => original,
        }
    }
}
