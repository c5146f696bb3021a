/// What is lent for the length of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseKind {
    /// A token that opens the gateway's own dataset connections.
    Token,
    /// A role of a PostgreSQL database that exists only meanwhile.
    Postgresql,
}

impl LeaseKind {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Token, Self::Postgresql];

    /// The word in records and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Postgresql => "postgresql",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What happened to a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseStep {
    /// It was asked for.
    Asked,
    /// It was given.
    Issued,
    /// It was not given, or did not open what it was shown for.
    Refused,
    /// Somebody came with it.
    Used,
    /// The call that it belongs to is over, or its own time is.
    Ended,
    /// Nobody had ended it, as after a crash; it was found and ended.
    Swept,
}

impl LeaseStep {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Asked, Self::Issued, Self::Refused, Self::Used, Self::Ended, Self::Swept];

    /// The word in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Issued => "issued",
            Self::Refused => "refused",
            Self::Used => "used",
            Self::Ended => "ended",
            Self::Swept => "swept",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}
