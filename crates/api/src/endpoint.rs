/// The verbs that endpoints are asked with. HEAD is answered like GET, without a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads. Decides and changes nothing, so that a link's preview cannot.
    Get,
    /// Does something.
    Post,
    /// Puts in the place of what was there.
    Put,
    /// Takes back.
    Delete,
}

impl Method {
    /// As it stands on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may ask an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Whoever has this admin permission: one action, asked of the policy that is live, denied by default.
    Permission(&'static str),
    /// Whoever has an identity; what they may see and do there is decided by the thing itself. An approval names its
    /// approvers, a grant belongs to somebody.
    Identity,
}

/// What an endpoint reads of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing; a body is refused.
    Nothing,
    /// JSON of at most so many bytes.
    Json(usize),
    /// Text of at most so many bytes, as it stands.
    Text(usize),
}

/// One endpoint of the admin API that asks for an identity. Each access is recorded before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in records: `approvals.show`.
    pub name: &'static str,
    /// Its verb.
    pub method: Method,
    /// Its path; `{id}` stands for one segment.
    pub path: &'static str,
    /// The names that its query may have.
    pub query: &'static [&'static str],
    /// Who may ask.
    pub needs: Needs,
    /// What it reads.
    pub takes: Takes,
}

/// What a path was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'p> {
    /// An endpoint, with what stands for its `{id}`s.
    Endpoint(&'static Endpoint, Vec<&'p str>),
    /// A path that is asked with other verbs, which are these.
    OtherMethods(Vec<&'static str>),
    /// Nothing.
    Nothing,
}

impl Endpoint {
    /// What a method and a path without its query stand for.
    pub fn find<'p>(endpoints: &'static [Self], method: &str, path: &'p str) -> Found<'p> {
        let method = if method == "HEAD" { "GET" } else { method };
        let mut others = Vec::new();
        for endpoint in endpoints {
            match endpoint.ids_in(path) {
                Some(ids) if endpoint.method.name() == method => return Found::Endpoint(endpoint, ids),
                Some(_) => others.push(endpoint.method.name()),
                None => {}
            }
        }
        if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
    }

    fn ids_in<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        let mut ids = Vec::new();
        let (mut pattern, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (pattern.next(), given.next()) {
                (None, None) => return Some(ids),
                (Some(part), Some(segment)) if part.starts_with('{') => ids.push(is_id(segment).then_some(segment)?),
                (Some(part), Some(segment)) if part == segment => {}
                _ => return None,
            }
        }
    }

    /// The endpoint's path with these in the place of its `{id}`s.
    pub fn path_to(&self, ids: &[&str]) -> String {
        let mut ids = ids.iter();
        let parts = self.path.split('/').map(|part| match part.starts_with('{') {
            true => ids.next().copied().unwrap_or_default(),
            false => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Ids and names are plain: nothing that a path would have to escape, so there is one spelling of each.
fn is_id(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~' | b':' | b'@');
    !segment.is_empty() && segment.len() <= 128 && segment.bytes().all(plain) && !segment.bytes().all(|b| b == b'.')
}
