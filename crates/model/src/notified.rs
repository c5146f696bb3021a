/// What people are told of an approval for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// It waits for somebody to decide.
    Asked,
    /// It is decided, or nobody decided in time.
    Decided,
}

impl Occasion {
    /// Every occasion.
    pub const ALL: [Self; 2] = [Self::Asked, Self::Decided];

    /// The word in records, tables and the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Decided => "decided",
        }
    }

    /// The occasion of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|occasion| occasion.name() == name)
    }
}

/// How a notification ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// The channel took it.
    Delivered,
    /// It was given up: the approval stands as it stood, and nobody was told through this channel.
    Failed,
}

impl Told {
    /// Every end.
    pub const ALL: [Self; 2] = [Self::Delivered, Self::Failed];

    /// The word in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The end of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|told| told.name() == name)
    }
}
