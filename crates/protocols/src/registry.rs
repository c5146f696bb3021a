use crate::chroma::Chroma;
use crate::openai::OpenAi;
use crate::{Protocol, Route};

/// Every protocol that the gateway speaks. The conformance suite runs over each of them by itself.
pub const PROTOCOLS: &[&dyn Protocol] = &[&OpenAi, &Chroma];

/// A request's route and the protocol that owns it.
pub struct Claim<'p> {
    /// The protocol.
    pub protocol: &'static dyn Protocol,
    /// The route.
    pub route: &'static Route,
    /// The path's segments where the route says `{id}`.
    pub ids: Vec<&'p str>,
}

/// Finds the one route that owns a request; `path` is canonical and starts with `/`.
pub fn claim<'p>(method: &str, path: &'p str) -> Option<Claim<'p>> {
    let routes = PROTOCOLS.iter().flat_map(|protocol| protocol.routes().iter().map(move |route| (*protocol, route)));
    routes
        .filter(|(_, route)| route.method == method)
        .find_map(|(protocol, route)| route.ids(path).map(|ids| Claim { protocol, route, ids }))
}

/// The protocol of this name, as configuration names it.
pub fn named(name: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS.iter().copied().find(|protocol| protocol.name() == name)
}

/// The protocol in whose words a refusal at this path is said: the one whose routes begin alike, else OpenAI's, which
/// most programs can read.
pub fn speaking(path: &str) -> &'static dyn Protocol {
    let asked = first_segment(path);
    let alike = |protocol: &&&dyn Protocol| protocol.routes().iter().any(|route| first_segment(route.path) == asked);
    PROTOCOLS.iter().find(alike).copied().unwrap_or(&OpenAi)
}

fn first_segment(path: &str) -> Option<&str> {
    path.split('/').nth(1)
}
