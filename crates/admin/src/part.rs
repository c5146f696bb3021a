use gatewright_api::{Endpoint, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::looks::Look;
use crate::{Pending, Visitor};

/// A part of the admin API: some endpoints and what they do. It is asked only for them, only by a known visitor whom
/// policy let in, and only after the access was written down.
pub trait Part: Send + Sync {
    /// The endpoints that it answers.
    fn endpoints(&self) -> Vec<&'static str>;

    /// Answers one.
    fn answer<'a>(&'a self, asked: Asked<'a>) -> Pending<'a, Result<Given, Problem>>;
}

/// What an endpoint was asked.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Which one.
    pub endpoint: &'static Endpoint,
    /// By whom.
    pub visitor: &'a Visitor,
    /// What stands for the `{id}`s of its path.
    pub ids: Vec<&'a str>,
    /// Whether this look is on record already.
    pub(crate) look: Look,
    pub(crate) query: Vec<(&'a str, &'a str)>,
    pub(crate) body: &'a [u8],
}

impl Asked<'_> {
    /// What stands for the path's `{id}`; empty where it has none.
    pub fn id(&self) -> &str {
        self.ids.first().copied().unwrap_or_default()
    }

    /// The query's value of this name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The body as it stands.
    pub const fn text(&self) -> &[u8] {
        self.body
    }

    /// The body as JSON: no unknown field, none twice, nothing after it.
    ///
    /// # Errors
    /// Says what is wrong with it, without its words.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let what = match error.classify() {
                serde_json::error::Category::Data => "does not have the fields that this endpoint takes",
                serde_json::error::Category::Syntax => "is not JSON",
                serde_json::error::Category::Eof | serde_json::error::Category::Io => "is not whole",
            };
            Problem::invalid(format!("The body {what} (line {line}, column {column})."))
        })
    }
}

/// What an endpoint gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Given {
    /// 200, and this as JSON.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self, Problem> {
        Self::with(200, value)
    }

    /// 201: something is there now that was not.
    ///
    /// # Errors
    /// As [`Given::json`].
    pub fn created(value: &impl Serialize) -> Result<Self, Problem> {
        Self::with(201, value)
    }

    fn with(status: u16, value: &impl Serialize) -> Result<Self, Problem> {
        let written = serde_json::to_vec(value);
        let mut body = written.map_err(|_| Problem::new(500, "internal", "The answer cannot be written."))?;
        body.push(b'\n');
        Ok(Self { status, body })
    }
}
