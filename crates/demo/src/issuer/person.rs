/// Somebody who can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Person {
    /// In `analysts`.
    Alice,
    /// In `ml-admins`.
    Bob,
    /// In `security`.
    Carol,
}

impl Person {
    /// Everybody there is.
    pub const ALL: [Self; 3] = [Self::Alice, Self::Bob, Self::Carol];

    /// The name, which is also the subject of tokens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
            Self::Carol => "carol",
        }
    }

    /// The person of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|person| person.name() == name)
    }

    /// The name as people write it.
    pub const fn full_name(self) -> &'static str {
        match self {
            Self::Alice => "Alice Adams",
            Self::Bob => "Bob Brown",
            Self::Carol => "Carol Clark",
        }
    }

    /// The one group that they are in.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Alice => "analysts",
            Self::Bob => "ml-admins",
            Self::Carol => "security",
        }
    }

    /// What they do, for the sign-in page.
    pub(crate) const fn role(self) -> &'static str {
        match self {
            Self::Alice => "asks models, within an analyst's limits",
            Self::Bob => "runs the models, may use all of them",
            Self::Carol => "approves what was held, reads the records",
        }
    }
}
