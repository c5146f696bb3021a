use std::borrow::Cow;

use gatewright_json::Value;
use gatewright_model::StoredKind;

/// What the servers of a protocol have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Models.
    Models,
    /// Datasets.
    Datasets,
    /// Models, and datasets that calls to them may reach.
    Both,
}

/// How a request says which dataset it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetKey<'a> {
    /// By the name that callers use.
    Name(&'a str),
    /// By the id under which the gateway showed it. A server's own ids are never taken from a caller.
    Id(&'a str),
}

/// Something that a request reaches besides its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaching<'a> {
    /// Its place at the connection, as the configuration writes it.
    pub place: &'a str,
    /// What it may be where nobody has declared it: a thing that callers make for themselves. `None`: nothing that
    /// anybody may reach.
    pub own: Option<StoredKind>,
    /// Where the request says so.
    pub param: Cow<'static, str>,
}

/// A dataset as an answer may show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it is called at its server, without what its place says besides.
    pub there: String,
    /// What callers call it.
    pub name: String,
    /// The id under which callers know it.
    pub id: String,
}

/// Whether a dataset's vectors may be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vectors {
    /// They may.
    Returned,
    /// They may not: a vector is nearly as good as the text that it stands for.
    #[default]
    Withheld,
}

/// A row must have one of these values in this field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The field of a row's metadata.
    pub field: String,
    /// What it may be: texts, numbers, truths; at least one.
    pub values: Vec<Value>,
}

/// How much of a dataset a call may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The most neighbours of one vector.
    pub top_k: Option<u64>,
    /// The most rows of one answer.
    pub rows: Option<u64>,
    /// Whether vectors may be answered.
    pub vectors: Vectors,
    /// Which rows there are for this caller: all of these clauses hold. Empty: every row.
    pub filter: Vec<Clause>,
}

/// Which datasets an answer may speak of, and how much of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The datasets.
    pub datasets: Vec<Shown>,
    /// The most rows that the answer may have.
    pub rows: u64,
    /// How many entries of a list are left out at its beginning.
    pub offset: usize,
    /// The most entries of a list, where the caller said so.
    pub limit: Option<usize>,
}
