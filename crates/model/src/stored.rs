use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a model server keeps for a caller beyond the answer, under an id of its own making.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StoredKind { $($(#[$doc])* $name,)* }

        impl StoredKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in the state's tables.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The kind of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// A file.
    File = "file";
    /// Many calls in one file.
    Batch = "batch";
    /// An answer that can be fetched and continued.
    Response = "response";
    /// A conversation that answers are added to.
    Conversation = "conversation";
    /// Files that can be searched.
    VectorStore = "vector-store";
}

impl fmt::Display for StoredKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back() {
        for kind in StoredKind::ALL {
            assert_eq!(StoredKind::from_name(kind.name()), Some(*kind));
        }
    }
}
