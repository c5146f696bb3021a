//! The Chroma protocol: the v2 HTTP API of a Chroma server, as its own clients speak it. What it has are datasets: a
//! collection of the server is one dataset of the configuration, and callers call it by the dataset's name.
//!
//! Reading is `get`, `query`, `count` and a collection's description; writing is `add`, `upsert`, `update` and `delete`
//! of records; administering is creating, changing and deleting a collection. Lists hold what the caller may read.
//! Everything else of the API (forks, functions, searches by plan, statements about tenants and databases, `reset`) is
//! a route that nobody owns.
//!
//! Callers see the one tenant and database that clients assume, and ids of the gateway's own: the server's ids are
//! asked of the server by name and never taken from a caller. Vectors are numbers; the answer to the pre-flight check
//! says so, since text in base64 would be text that nobody has searched.

mod bounds;
mod fields;
mod filter;
mod operation;
mod place;
mod prepare;
mod reader;
mod refusal;
mod service;
mod texts;

use gatewright_json::Value;
use gatewright_model::{Code, Delivery, ModelName, Operation, Refusal, RequestId, Setting, Terms};

use self::reader::Editor;
use crate::faults;
use crate::{
    Asked, BodyKind, Bounds, Clause, DatasetKey, Dialect, Fault, Protocol, ReplyEditor, ReplyHead, Route, RouteId,
    Serves, Text, Wording, Words,
};

const IDENTITY: RouteId = RouteId("chroma.identity");
const HEARTBEAT: RouteId = RouteId("chroma.heartbeat");
const VERSION: RouteId = RouteId("chroma.version");
const PREFLIGHT: RouteId = RouteId("chroma.preflight");
const TENANT: RouteId = RouteId("chroma.tenant");
const DATABASE: RouteId = RouteId("chroma.database");
const LIST: RouteId = RouteId("chroma.list");
const LIST_COUNT: RouteId = RouteId("chroma.list-count");
const CREATE: RouteId = RouteId("chroma.create");
const DESCRIBE: RouteId = RouteId("chroma.describe");
const MODIFY: RouteId = RouteId("chroma.modify");
const DROP: RouteId = RouteId("chroma.drop");
const ADD: RouteId = RouteId("chroma.add");
const UPSERT: RouteId = RouteId("chroma.upsert");
const UPDATE: RouteId = RouteId("chroma.update");
const GET: RouteId = RouteId("chroma.get");
const QUERY: RouteId = RouteId("chroma.query");
const COUNT: RouteId = RouteId("chroma.count");
const DELETE: RouteId = RouteId("chroma.delete");

const ROUTES: &[Route] = {
    use BodyKind::{Json, None, Query};
    use Operation::{AdministerDataset as Administer, ReadDataset as Read, WriteDataset as Write};
    const COLLECTIONS: &str = "/api/v2/tenants/{id}/databases/{id}/collections";
    const ONE: &str = "/api/v2/tenants/{id}/databases/{id}/collections/{id}";
    &[
        Route::new(IDENTITY, "GET", "/api/v2/auth/identity", Read, None),
        Route::new(HEARTBEAT, "GET", "/api/v2/heartbeat", Read, None),
        Route::new(VERSION, "GET", "/api/v2/version", Read, None),
        Route::new(PREFLIGHT, "GET", "/api/v2/pre-flight-checks", Read, None),
        Route::new(TENANT, "GET", "/api/v2/tenants/{id}", Read, None),
        Route::new(DATABASE, "GET", "/api/v2/tenants/{id}/databases/{id}", Read, None),
        Route::new(LIST, "GET", COLLECTIONS, Read, Query(&["limit", "offset"])),
        Route::new(LIST_COUNT, "GET", "/api/v2/tenants/{id}/databases/{id}/collections_count", Read, None),
        Route::new(CREATE, "POST", COLLECTIONS, Administer, Json),
        Route::new(DESCRIBE, "GET", ONE, Read, None),
        Route::new(MODIFY, "PUT", ONE, Administer, Json),
        Route::new(DROP, "DELETE", ONE, Administer, None),
        Route::new(ADD, "POST", "/api/v2/tenants/{id}/databases/{id}/collections/{id}/add", Write, Json),
        Route::new(UPSERT, "POST", "/api/v2/tenants/{id}/databases/{id}/collections/{id}/upsert", Write, Json),
        Route::new(UPDATE, "POST", "/api/v2/tenants/{id}/databases/{id}/collections/{id}/update", Write, Json),
        Route::new(GET, "POST", "/api/v2/tenants/{id}/databases/{id}/collections/{id}/get", Read, Json),
        Route::new(QUERY, "POST", "/api/v2/tenants/{id}/databases/{id}/collections/{id}/query", Read, Json),
        Route::new(
            COUNT,
            "GET",
            "/api/v2/tenants/{id}/databases/{id}/collections/{id}/count",
            Read,
            Query(&["read_level"]),
        ),
        Route::new(DELETE, "POST", "/api/v2/tenants/{id}/databases/{id}/collections/{id}/delete", Write, Json),
    ]
};

/// The Chroma protocol.
#[derive(Clone, Copy, Debug)]
pub struct Chroma;

impl Protocol for Chroma {
    fn name(&self) -> &'static str {
        "chroma"
    }

    fn serves(&self) -> Serves {
        Serves::Datasets
    }

    fn is_place(&self, place: &str) -> bool {
        place::is_place(place)
    }

    fn places(&self) -> &'static str {
        "a collection is NAME or TENANT/DATABASE/NAME, each of 3 to 512 of `A-Z a-z 0-9 . _ -`"
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn dialect(&self, name: &str) -> Option<Dialect> {
        (name == "chroma").then_some(Dialect::Vendor)
    }

    fn model(&self, _route: &Route, _ids: &[&str], _body: &Value) -> Result<Option<ModelName>, Refusal> {
        Ok(None)
    }

    fn dataset<'a>(&self, route: &Route, ids: &[&'a str], body: &'a Value) -> Result<Option<DatasetKey<'a>>, Refusal> {
        operation::dataset(route, ids, body)
    }

    fn read(&self, route: &Route, ids: &[&str], body: &Value, _dialect: &Dialect) -> Result<Terms, Refusal> {
        operation::read(route, ids, body)
    }

    fn turns<'v>(&self, _route: &Route, _body: &'v Value) -> &'v [Value] {
        &[]
    }

    fn request_texts(&self, route: &Route, body: &mut Value, visit: &mut dyn FnMut(Text<'_>)) {
        texts::visit(route, body, visit);
    }

    fn bound(&self, route: &Route, body: &mut Value, bounds: &Bounds) -> Result<Vec<String>, Refusal> {
        bounds::bound(route, body, bounds)
    }

    fn keep_to(&self, route: &Route, body: &mut Value, rows: &[Clause]) -> Result<(), Refusal> {
        bounds::keep_to(route, body, rows)
    }

    fn asked(&self, route: &Route, body: &Value, public: &str, request: RequestId) -> Asked {
        operation::asked(route, body, public, request)
    }

    fn prepare(
        &self,
        route: &Route,
        body: &mut Value,
        upstream: &str,
        _settings: &[Setting],
        _dialect: &Dialect,
    ) -> Result<(), Refusal> {
        prepare::prepare(route, body, upstream);
        Ok(())
    }

    fn upstream_path(&self, route: &Route, _ids: &[&str], upstream: &str) -> String {
        place::path(route, upstream)
    }

    fn lookup_path(&self, route: &Route, upstream: &str) -> Option<String> {
        place::lookup_path(route, upstream)
    }

    fn looked_up(&self, upstream: &str, answer: &[u8]) -> Result<String, Fault> {
        place::looked_up(upstream, answer)
    }

    fn is_answered_here(&self, route: &Route) -> bool {
        service::is_answered_here(route)
    }

    fn reply(
        &self,
        route: &Route,
        delivery: Delivery,
        head: ReplyHead<'_>,
        asked: Asked,
    ) -> Result<Box<dyn ReplyEditor>, Refusal> {
        let json = head.content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        let plain = head.content_encoding.is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
        let readable = matches!(head.status, 200 | 201) && json.eq_ignore_ascii_case("application/json") && plain;
        if !readable || delivery == Delivery::Stream || service::is_answered_here(route) {
            return Err(Refusal::new(Code::UpstreamFailed, "The vector database's answer could not be read."));
        }
        Ok(Box::new(Editor::new(route.id, asked)))
    }

    fn upstream_error(&self, _route: &Route, head: ReplyHead<'_>, body: &[u8], words: &mut dyn Words) -> Refusal {
        faults::upstream(head.status, body, words)
    }

    fn models(&self, route: &Route, ids: &[&str], names: &[&str]) -> Result<Vec<u8>, Refusal> {
        service::answer(route, ids, names)
    }

    fn discovered(&self, _body: &[u8]) -> Result<Vec<String>, Fault> {
        Err(Fault::Malformed)
    }

    fn refusal(&self, refusal: &Refusal, request: &RequestId) -> Wording {
        Wording { content_type: "application/json", body: refusal::body(refusal, request) }
    }

    fn refusal_in_stream(&self, refusal: &Refusal, request: &RequestId) -> Vec<u8> {
        refusal::body(refusal, request)
    }
}
