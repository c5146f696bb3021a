use crate::{DatasetName, ModelName, Operation, Parameters};

/// How the caller wants its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// In one piece.
    Whole,
    /// As a stream of events.
    Stream,
}

/// How far a connection is trusted: it decides default masking and when a record must be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Inside the operator's own walls.
    Internal,
    /// Somebody else's machine.
    External,
}

impl Trust {
    /// `internal` or `external`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// What a request would do, read from it by its protocol: the question's content, without the one who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What it would do.
    pub operation: Operation,
    /// The model that it names, exactly as written; `None` where the operation has none.
    pub model: Option<ModelName>,
    /// What it reaches besides the model.
    pub datasets: Vec<DatasetName>,
    /// The parameters that it states, under their canonical names.
    pub parameters: Parameters,
    /// Whole or streamed.
    pub delivery: Delivery,
}
