use gatewright_model::Operation;

/// A route's name, which no other route of any protocol has: `openai.chat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub &'static str);

/// What kind of body a route's requests have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// None at all.
    None,
    /// None; a query with these names at most takes its place, read as an object of texts.
    Query(&'static [&'static str]),
    /// One JSON value.
    Json,
    /// A form with a file, which the protocol reads into a value.
    Form,
}

/// A method and path that a protocol owns, and what a request there would do.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Its name.
    pub id: RouteId,
    /// The HTTP method, exact.
    pub method: &'static str,
    /// The path; a segment `{id}` stands for any one segment.
    pub path: &'static str,
    /// What a request there would do.
    pub operation: Operation,
    /// The body that it has.
    pub body: BodyKind,
    /// How much of the path comes before its first `{id}`.
    literal: usize,
}

impl Route {
    /// A row of a table of routes.
    pub const fn new(
        id: RouteId,
        method: &'static str,
        path: &'static str,
        operation: Operation,
        body: BodyKind,
    ) -> Self {
        let bytes = path.as_bytes();
        let mut literal = 0;
        while literal < bytes.len() && bytes[literal] != b'{' {
            literal += 1;
        }
        Self { id, method, path, operation, body, literal }
    }

    /// The segments of a path that stand where this route's path says `{id}`; `None` where the path is another one.
    pub fn ids<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        // Every request asks dozens of routes, nearly all of which begin otherwise.
        if !path.as_bytes().starts_with(&self.path.as_bytes()[..self.literal]) {
            return None;
        }
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        let mut ids = Vec::new();
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return Some(ids),
                (Some("{id}"), Some(id)) if !id.is_empty() => ids.push(id),
                (Some(expected), Some(found)) if expected == found => {}
                _ => return None,
            }
        }
    }
}
