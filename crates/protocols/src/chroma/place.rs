//! Where a collection lies at its server: `NAME` in the tenant and database that servers begin with, or
//! `TENANT/DATABASE/NAME`.

use gatewright_json::{Limits, Value, parse};

use super::{CREATE, DESCRIBE, DROP, HEARTBEAT, LIST};
use crate::{Fault, Route};

/// The tenant that clients assume, and the only one that callers see.
pub(super) const THE_TENANT: &str = "default_tenant";
/// The database that clients assume, and the only one that callers see.
pub(super) const THE_DATABASE: &str = "default_database";

/// The longest answer to a question for one collection.
const LONGEST_DESCRIPTION: usize = 1 << 20;

struct Place<'a> {
    tenant: &'a str,
    database: &'a str,
    name: &'a str,
}

fn split(upstream: &str) -> Place<'_> {
    let mut parts = upstream.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(tenant), Some(database), Some(name)) => Place { tenant, database, name },
        _ => Place { tenant: THE_TENANT, database: THE_DATABASE, name: upstream },
    }
}

/// Whether this is a name, or a tenant, a database and a name, as servers allow them.
pub(super) fn is_place(place: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let part = |part: &str| {
        (3..=512).contains(&part.len())
            && part.bytes().all(plain)
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    matches!(place.split('/').count(), 1 | 3) && place.split('/').all(part)
}

/// The collection's own name.
pub(super) fn name(upstream: &str) -> &str {
    split(upstream).name
}

fn collections(upstream: &str) -> String {
    let Place { tenant, database, .. } = split(upstream);
    format!("/api/v2/tenants/{tenant}/databases/{database}/collections")
}

/// The path of a request. On routes that go by the server's id, that id stands in the name's place.
pub(super) fn path(route: &Route, upstream: &str) -> String {
    let (collections, name) = (collections(upstream), name(upstream));
    match route.id {
        HEARTBEAT => route.path.to_owned(),
        CREATE | LIST => collections,
        _ => match route.path.rsplit_once("/{id}") {
            Some((_, rest)) => format!("{collections}/{name}{rest}"),
            None => route.path.to_owned(),
        },
    }
}

/// Where the server tells a collection's id. By name it describes and deletes; everything else goes by the id.
pub(super) fn lookup_path(route: &Route, upstream: &str) -> Option<String> {
    match route.id {
        HEARTBEAT | LIST | CREATE | DESCRIBE | DROP => None,
        _ => Some(format!("{}/{}", collections(upstream), name(upstream))),
    }
}

/// The place with the server's id for the name. The server must speak of the collection that it was asked for, and its
/// id must be one, since it becomes part of a path.
pub(super) fn looked_up(upstream: &str, answer: &[u8]) -> Result<String, Fault> {
    let limits = Limits { bytes: LONGEST_DESCRIPTION, ..Limits::default() };
    let answer = parse(answer, &limits).map_err(|_| Fault::Malformed)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let Place { tenant, database, name } = split(upstream);
    match text("id") {
        Some(id) if is_id(id) && text("name") == Some(name) => Ok(format!("{tenant}/{database}/{id}")),
        Some(_) | None => Err(Fault::Malformed),
    }
}

/// Whether this is a UUID as servers write it (RFC 9562, section 4).
pub(super) fn is_id(text: &str) -> bool {
    let shaped = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
    };
    text.len() == 36 && text.bytes().enumerate().all(shaped)
}
