use std::fmt;

/// What happens to a sensitive value of one info type on its way. They are ordered by how much of the value the other
/// side learns: of two, the greater one hides more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// It passes.
    Keep,
    /// It passes, and the record says that it did.
    Alert,
    /// Its last four characters stay.
    Partial,
    /// It is replaced by a keyed hash, the same for the same value in every session.
    Pseudonym,
    /// It is replaced by a token of the session, which comes back as the value for those who may see it.
    Token,
    /// It is replaced by its info type: `[EMAIL_ADDRESS]`.
    Redact,
    /// The whole message is stopped.
    Block,
}

impl Treatment {
    /// Every treatment there is, from the one that hides least to the one that hides most.
    pub const ALL: &'static [Self] =
        &[Self::Keep, Self::Alert, Self::Partial, Self::Pseudonym, Self::Token, Self::Redact, Self::Block];

    /// The name that catalogues use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Alert => "alert",
            Self::Partial => "partial",
            Self::Pseudonym => "pseudonym",
            Self::Token => "token",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }

    /// Whether the value itself goes on.
    pub const fn passes(self) -> bool {
        match self {
            Self::Keep | Self::Alert => true,
            Self::Partial | Self::Pseudonym | Self::Token | Self::Redact | Self::Block => false,
        }
    }

    /// The treatment of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|treatment| treatment.name() == name)
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
