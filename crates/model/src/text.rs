use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What kind of text a channel carries.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ChannelKind { $($(#[$doc])* $name,)* }

        impl ChannelKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name that records and rules use.
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
    /// Instructions from the application: system and developer messages.
    System = "system",
    /// What the person said.
    User = "user",
    /// What the model said in earlier turns.
    Assistant = "assistant",
    /// What a tool returned.
    ToolResult = "tool-result",
    /// Names and descriptions of tools, and their schemas' texts.
    ToolDefinition = "tool-definition",
    /// Text to be embedded, ranked or classified.
    Input = "input",
    /// Everything else that a request carries as text: names, stop sequences, metadata.
    Other = "other",
    /// An answer's text.
    Content = "content",
    /// An answer's reasoning.
    Reasoning = "reasoning",
    /// An answer's refusal.
    Refusal = "refusal",
    /// A tool's name, as the model calls it.
    ToolName = "tool-name",
    /// A tool call's arguments: JSON in a JSON string.
    ToolArguments = "tool-arguments",
    /// The tokens of an answer's log-probabilities and their bytes.
    LogProbabilities = "log-probabilities",
    /// A transcript of an answer's audio.
    Transcript = "transcript",
    /// Quoted or cited text.
    Annotation = "annotation",
    /// The text of an upstream's error.
    Error = "error",
}

/// One run of text that is scanned by itself: a kind, of one choice, at one index within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    /// What kind of text it is.
    pub kind: ChannelKind,
    /// The choice (answers) or the message (requests) that it belongs to, from 0.
    pub choice: u32,
    /// Its place among its siblings: a tool call's index, a content part's; 0 where there is one only.
    pub index: u32,
}

impl Channel {
    /// The only channel of its kind in this choice or message.
    pub const fn sole(kind: ChannelKind, choice: u32) -> Self {
        Self { kind, choice, index: 0 }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.name(), self.choice, self.index)
    }
}
