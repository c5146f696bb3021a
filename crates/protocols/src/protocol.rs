use gatewright_json::Value;
use gatewright_model::{Delivery, ModelName, Refusal, RequestId, Setting, Terms};

use crate::{Asked, Dialect, Fault, ReplyEditor, ReplyHead, Route, Text, Words};

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

    /// The path at the model server, below the connection's URL.
    fn upstream_path(&self, route: &Route, upstream_model: &str) -> String;

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
