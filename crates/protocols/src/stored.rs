use gatewright_model::{Code, Refusal, StoredKind};

/// What a request does with things that its server keeps for callers under ids of its own making.
///
/// All callers look alike to the server, so an id from a request is worth nothing until the gateway knows whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored<'a> {
    /// The things that it names, wherever it names them.
    pub named: Vec<Naming<'a>>,
    /// What becomes of the first of them, or what it adds.
    pub effect: StoredEffect,
}

/// A thing that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naming<'a> {
    /// What it must be.
    pub kind: StoredKind,
    /// The id.
    pub id: &'a str,
    /// The place in the request, as the protocol names it.
    pub param: &'static str,
}

/// What a request does with what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoredEffect {
    /// It only looks, or changes what is in it.
    #[default]
    Uses,
    /// Its answer may tell of things that are the caller's from then on.
    Makes,
    /// It ends the first thing that it names.
    Ends,
    /// It asks for all of the caller's things of a kind, or for a page of them.
    Lists(StoredKind),
}

/// Whether a server's id is one that may be passed on: it becomes part of a path.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

/// The one refusal of a thing that does not exist and of one that is somebody else's.
pub fn no_such_thing() -> Refusal {
    Refusal::new(Code::NotFound, "There is no such thing here for you.")
}
