use std::fmt;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $effect:ident;)*) => {
        /// What a call would do, whatever its protocol calls it. Everything that no protocol classifies is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation { $($(#[$doc])* $name,)* }

        impl Operation {
            /// Every operation there is, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name that catalogues, Cedar actions, records and messages use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it changes beyond the answer, which decides how early its record must be durable.
            pub const fn effect(self) -> Effect {
                match self { $(Self::$name => Effect::$effect,)* }
            }

            /// The operation of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

/// What an operation changes beyond the answer that it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It computes an answer and leaves nothing behind.
    Inference,
    /// It reads a list or a description.
    Reading,
    /// It changes something: its record is durable before it is sent, whatever the connection's trust.
    Change,
}

operations! {
    /// A conversation's next message.
    Chat = "chat", Inference;
    /// A text's continuation.
    Complete = "complete", Inference;
    /// Vectors for texts.
    Embed = "embed", Inference;
    /// An order for documents.
    Rerank = "rerank", Inference;
    /// Text from speech.
    Transcribe = "transcribe", Inference;
    /// Speech from text.
    Speak = "speak", Inference;
    /// A picture.
    Image = "image", Inference;
    /// A label for a text.
    Classify = "classify", Inference;
    /// Tensors in, tensors out.
    Infer = "infer", Inference;
    /// The models there are.
    ListModels = "list-models", Reading;
    /// One model's description.
    DescribeModel = "describe-model", Reading;
    /// A model into the server's memory.
    LoadModel = "load-model", Change;
    /// A model out of the server's memory.
    UnloadModel = "unload-model", Change;
    /// A model from a registry onto the server.
    PullModel = "pull-model", Change;
    /// A new model from a recipe or from uploaded weights.
    CreateModel = "create-model", Change;
    /// A model under a second name.
    CopyModel = "copy-model", Change;
    /// A model off the server.
    DeleteModel = "delete-model", Change;
    /// Adapters (LoRA) on or off a running model.
    ManageAdapters = "manage-adapters", Change;
    /// The server's or a model's configuration. No group of operations includes it.
    ConfigureModel = "configure-model", Change;
    /// A model's weights, out. No group of operations includes it.
    ExportWeights = "export-weights", Change;
    /// A new model from an old one.
    FineTune = "fine-tune", Change;
    /// Many calls in one file.
    Batch = "batch", Change;
    /// Uploading, reading or deleting files.
    Files = "files", Change;
    /// What is near to a query, or single rows of a dataset.
    ReadDataset = "read-dataset", Reading;
    /// New or changed rows of a dataset.
    WriteDataset = "write-dataset", Change;
    /// A dataset itself: create, configure, delete.
    AdministerDataset = "administer-dataset", Change;
    /// A dataset's rows without a bound. No group of operations includes it.
    ExportDataset = "export-dataset", Change;
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(*operation));
        }
        assert_eq!(Operation::from_name("Chat"), None);
    }
}
