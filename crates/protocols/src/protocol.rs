use gatewright_json::Value;
use gatewright_model::{Code, Delivery, ModelName, Operation, Refusal, RequestId, Setting, StoredKind, Terms};

use crate::{
    Asked, Bounds, Clause, DatasetKey, Dialect, Encoded, Fault, Reaching, ReplyEditor, ReplyHead, Route, Row, Serves,
    Stored, Text, Words,
};

/// A refusal as a protocol words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The body's `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// One protocol: a folder of this crate. All of it is a function of its arguments.
///
/// `body` is the request's parsed body, [`Value::Null`] on a route that has none; `ids` are the path's segments where
/// the route's path says `{id}`.
pub trait Protocol: Send + Sync {
    /// Its name in configuration and records.
    fn name(&self) -> &'static str;

    /// What its servers have.
    fn serves(&self) -> Serves {
        Serves::Models
    }

    /// Whether a dataset can lie at this place, as the configuration writes it: it becomes part of a path.
    fn is_place(&self, _place: &str) -> bool {
        false
    }

    /// What a place is, for whoever wrote one that is none.
    fn places(&self) -> &'static str {
        "this protocol has no datasets"
    }

    /// The requests that it owns.
    fn routes(&self) -> &'static [Route];

    /// The dialect of this name; `None` for a name that the protocol does not know.
    fn dialect(&self, name: &str) -> Option<Dialect>;

    /// The one model that a request names, before anything else of it is read: the dialect is the connection's, and
    /// the connection is the model's. `None` where the operation has none.
    ///
    /// # Errors
    /// A refusal where the request names none or more than one.
    fn model(&self, route: &Route, ids: &[&str], body: &Value) -> Result<Option<ModelName>, Refusal>;

    /// The one dataset that a request names; `None` where it names none, or is about all that the caller may read.
    ///
    /// # Errors
    /// A refusal where what it names could be none.
    fn dataset<'a>(
        &self,
        _route: &Route,
        _ids: &[&'a str],
        _body: &'a Value,
    ) -> Result<Option<DatasetKey<'a>>, Refusal> {
        Ok(None)
    }

    /// What a request would do.
    ///
    /// # Errors
    /// A refusal for every field, type or range that the dialect does not know, and for whatever cannot be inspected.
    fn read(&self, route: &Route, ids: &[&str], body: &Value, dialect: &Dialect) -> Result<Terms, Refusal>;

    /// The turns of the conversation, oldest first; empty where the operation has none.
    fn turns<'v>(&self, route: &Route, body: &'v Value) -> &'v [Value];

    /// Shows every text of a request that [`Protocol::read`] accepted, always in the same order, to be searched or
    /// rewritten in place. Keys that callers choose and numbers inside free-form JSON are among them.
    fn request_texts(&self, route: &Route, body: &mut Value, visit: &mut dyn FnMut(Text<'_>));

    /// Moves a request into its bounds, before anything of it is masked or counted; gives what was moved, as callers are
    /// told of it: `n_results=5`.
    ///
    /// # Errors
    /// A refusal where it cannot be moved there.
    fn bound(&self, _route: &Route, _body: &mut Value, _bounds: &Bounds) -> Result<Vec<String>, Refusal> {
        Err(Refusal::new(Code::PermissionDenied, "This operation reaches no dataset that could be bounded."))
    }

    /// Keeps a masked request to the rows that its caller may reach.
    ///
    /// # Errors
    /// A refusal where it cannot be kept to them.
    fn keep_to(&self, _route: &Route, _body: &mut Value, _rows: &[Clause]) -> Result<(), Refusal> {
        Err(Refusal::new(Code::PermissionDenied, "This operation reaches no dataset whose rows could be told apart."))
    }

    /// What the answer must fit, taken from the body before it is masked or prepared.
    fn asked(&self, route: &Route, body: &Value, public_model: &str, request: RequestId) -> Asked;

    /// Makes the body what goes upstream: the model's name there, parameters that policy set, token counts asked for,
    /// nothing that means nothing.
    ///
    /// # Errors
    /// A refusal where a setting cannot be made.
    fn prepare(
        &self,
        route: &Route,
        body: &mut Value,
        upstream_model: &str,
        settings: &[Setting],
        dialect: &Dialect,
    ) -> Result<(), Refusal>;

    /// Keeps the model server's prefix cache apart by a salt of the gateway's own, where its dialect has such a thing: so
    /// callers of different rights cannot time each other's prompts. `salt` is asked for only there.
    fn salt(&self, _route: &Route, _body: &mut Value, _dialect: &Dialect, _salt: &dyn Fn() -> String) {}

    /// The path at the server, below the connection's URL; `upstream` is the model's name there, or the dataset's place.
    fn upstream_path(&self, route: &Route, ids: &[&str], upstream: &str) -> String;

    /// The query that goes with the path, without its `?`; empty where none does. `body` was read and not yet prepared.
    fn upstream_query(&self, _route: &Route, _body: &Value) -> String {
        String::new()
    }

    /// Reads a form into the value that stands for its body.
    ///
    /// # Errors
    /// A refusal of what cannot be read in one way, or cannot be inspected.
    fn form(&self, _route: &Route, _content_type: &str, _body: &[u8]) -> Result<Value, Refusal> {
        Err(Refusal::new(Code::UnsupportedMedia, "This operation takes no form."))
    }

    /// Writes a prepared body as what is sent. `boundary` is a word that nobody could have known before.
    ///
    /// # Errors
    /// A refusal where it cannot be written.
    fn encode(&self, _route: &Route, body: &Value, _boundary: &str) -> Result<Encoded, Refusal> {
        Ok(Encoded::json(body))
    }

    /// The calls that a request's file holds, in order, each a request of its own; `None` where it holds none.
    fn rows<'v>(&self, _route: &Route, _body: &'v Value) -> Option<Vec<Row<'v>>> {
        None
    }

    /// The bodies of the calls that [`Protocol::rows`] gave, in the same order.
    fn row_bodies<'v>(&self, _route: &Route, _body: &'v mut Value) -> Vec<&'v mut Value> {
        Vec::new()
    }

    /// What a request does with things that its server keeps for callers.
    ///
    /// # Errors
    /// A refusal where it asks for them in a way that is not known.
    fn stored<'a>(&self, _route: &Route, _ids: &[&'a str], _body: &'a Value) -> Result<Stored<'a>, Refusal> {
        Ok(Stored::default())
    }

    /// What a request reaches besides its model that the configuration may declare as a dataset of the connection.
    ///
    /// # Errors
    /// A refusal where it does not say what it reaches.
    fn reaching<'a>(&self, _route: &Route, _ids: &[&'a str], _body: &'a Value) -> Result<Vec<Reaching<'a>>, Refusal> {
        Ok(Vec::new())
    }

    /// The things that an answer says are the caller's: their kinds and ids.
    ///
    /// # Errors
    /// [`Fault::Malformed`] where it does not say them as it must, and [`Fault::Reported`] where it reports a failure.
    fn made(&self, _route: &Route, _answer: &[u8]) -> Result<Vec<(StoredKind, String)>, Fault> {
        Ok(Vec::new())
    }

    /// The same, of a stream that has begun; `None` while it has not said it yet.
    ///
    /// # Errors
    /// A [`Fault`] where it begins with something else.
    fn made_in_stream(&self, _route: &Route, _answer: &[u8]) -> Result<Option<Vec<(StoredKind, String)>>, Fault> {
        Ok(Some(Vec::new()))
    }

    /// The path at which the server describes a thing that it keeps.
    fn stored_path(&self, _kind: StoredKind, _id: &str) -> Option<String> {
        None
    }

    /// The type of the route's whole answers.
    fn answer_type(&self, _route: &Route) -> &'static str {
        "application/json"
    }

    /// The path at which the server tells by which id it goes by a dataset; `None` where the route needs none.
    fn lookup_path(&self, _route: &Route, _upstream: &str) -> Option<String> {
        None
    }

    /// The dataset's place with the server's own id in it, from the answer to [`Protocol::lookup_path`].
    ///
    /// # Errors
    /// [`Fault::Malformed`] where it is no such answer.
    fn looked_up(&self, _upstream: &str, _answer: &[u8]) -> Result<String, Fault> {
        Err(Fault::Malformed)
    }

    /// Whether the gateway answers the route by itself, by [`Protocol::models`].
    fn is_answered_here(&self, route: &Route) -> bool {
        matches!(route.operation, Operation::ListModels | Operation::DescribeModel)
    }

    /// What edits the answer.
    ///
    /// # Errors
    /// A refusal where the answer's head is not one whose body could be read.
    fn reply(
        &self,
        route: &Route,
        delivery: Delivery,
        head: ReplyHead<'_>,
        asked: Asked,
    ) -> Result<Box<dyn ReplyEditor>, Refusal>;

    /// What a model server's refusal becomes. Its words are shown, masked, only where they are about the request.
    fn upstream_error(&self, route: &Route, head: ReplyHead<'_>, body: &[u8], words: &mut dyn Words) -> Refusal;

    /// The answer to a question about models, from the names of those that the caller may use; for one model's
    /// description the name asked for is in `ids`.
    ///
    /// # Errors
    /// The refusal that a model unknown or forbidden gets.
    fn models(&self, route: &Route, ids: &[&str], names: &[&str]) -> Result<Vec<u8>, Refusal>;

    /// The names in a model server's own answer to the question which models it has.
    ///
    /// # Errors
    /// [`Fault::Malformed`] where it is no such answer.
    fn discovered(&self, body: &[u8]) -> Result<Vec<String>, Fault>;

    /// A refusal before the first byte of an answer.
    fn refusal(&self, refusal: &Refusal, request: &RequestId) -> Wording;

    /// A refusal amid a stream, which ends it.
    fn refusal_in_stream(&self, refusal: &Refusal, request: &RequestId) -> Vec<u8>;
}
