use gatewright_model::{ConnectionName, DatasetName, InfoType, IssuerName, ModelName, Trust};

/// What the configuration declares and a catalogue may speak of. A name in the catalogue that is not here is a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landscape {
    /// The issuers whose callers may be members of roles.
    pub issuers: Vec<IssuerName>,
    /// The connections, and how far each is trusted.
    pub connections: Vec<(ConnectionName, Trust)>,
    /// The models.
    pub models: Vec<ModelFacts>,
    /// The datasets.
    pub datasets: Vec<DatasetFacts>,
    /// Every info type that a detector can find, built in or of the catalogue. Their order is the index that
    /// [`Question::found`](crate::Question::found), [`Decision::request`](crate::Decision::request) and
    /// [`Decision::reply`](crate::Decision::reply) use.
    pub info_types: Vec<InfoType>,
}

/// What the configuration says of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// Its name, which callers ask for.
    pub name: ModelName,
    /// Where it runs.
    pub connection: ConnectionName,
    /// Its tags, by which grants may select it.
    pub tags: Vec<String>,
}

/// What the configuration says of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetFacts {
    /// Its name.
    pub name: DatasetName,
    /// Where it lies.
    pub connection: ConnectionName,
    /// Its tags.
    pub tags: Vec<String>,
}
