use aws_lc_rs::hmac;
use gatewright_json::{Object, Value, canonical};
use gatewright_model::{Digest, Refusal, Setting};

use crate::Call;

/// Call digest v1: HMAC-SHA-256 under the deployment's key over the canonical JSON of everything that the call means.
///
/// The body is taken as it would go upstream: the resolved model, effective parameters, every text, every tool, and every
/// field besides, so that nothing can be slipped in that nobody thought of. How the answer is delivered is left out.
pub(super) fn of(call: &Call, settings: &[Setting], key: &hmac::Key) -> Result<Digest, Refusal> {
    let identity = &call.caller().identity;
    let mut body = call.body().clone();
    let mut whole = Object::new();
    whole.set("version", 1_u64);
    whole.set("caller", Value::Array(vec![identity.issuer.as_str().into(), (&*identity.subject).into()]));
    whole.set("protocol", call.protocol().name());
    whole.set("operation", call.terms().operation.name());
    // What stands in the path is as much of the call as what stands in its body.
    whole.set("route", call.route().path);
    whole.set("ids", Value::Array(call.ids().into_iter().map(Value::from).collect()));
    let datasets = call.terms().datasets.iter().map(|name| Value::from(name.as_str()));
    whole.set("datasets", Value::Array(datasets.collect()));
    if let Some(target) = call.target() {
        whole.set("connection", target.connection.name.as_str());
        whole.set("upstream", target.upstream);
        let dialect = &target.connection.dialect;
        call.protocol().prepare(call.route(), &mut body, target.upstream, settings, dialect)?;
    }
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !matches!(name, "stream" | "stream_options"));
    }
    whole.set("body", body);
    let mut digest = [0; 32];
    digest.copy_from_slice(hmac::sign(key, &canonical(&whole.into())).as_ref());
    Ok(digest)
}
