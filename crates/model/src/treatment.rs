use std::fmt;

/// What happens to a sensitive value of one info type on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// It passes.
    Keep,
    /// It is replaced by its info type: `[EMAIL_ADDRESS]`.
    Redact,
    /// Its last four characters stay.
    Partial,
    /// It is replaced by a keyed, stable hash.
    Pseudonym,
    /// It is replaced by a token of the session, which comes back as the value for those who may see it.
    Token,
    /// The whole message is stopped.
    Block,
}

impl Treatment {
    /// Every treatment there is.
    pub const ALL: &'static [Self] =
        &[Self::Keep, Self::Redact, Self::Partial, Self::Pseudonym, Self::Token, Self::Block];

    /// The name that catalogues use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Redact => "redact",
            Self::Partial => "partial",
            Self::Pseudonym => "pseudonym",
            Self::Token => "token",
            Self::Block => "block",
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
