use gatewright_json::{Object, Value};
use gatewright_model::{Code, Refusal};

/// A query as an object of texts: names that the route knows, each once, and values that need no decoding. What could
/// be read in two ways is refused.
pub(crate) fn query_of(query: &str, names: &'static [&'static str]) -> Result<Value, Refusal> {
    let refused = |message: &str| Refusal::new(Code::InvalidRequest, message).about("query");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let mut read = Object::new();
    for pair in query.split('&') {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| refused("The query has a part that is no name=value."))?;
        let Some(name) = names.iter().find(|known| **known == name) else {
            return Err(refused(&format!("The query may have {} and nothing else.", names.join(", "))));
        };
        if read.get(name).is_some() {
            return Err(Refusal::new(Code::AmbiguousRequest, "The query says one thing twice.").about("query"));
        }
        if value.is_empty() || value.len() > 64 || !value.bytes().all(plain) {
            return Err(refused("A value of the query is empty, too long or not plain."));
        }
        read.set(name, value);
    }
    Ok(read.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_query_means_one_thing() {
        let read = query_of("limit=5&offset=10", &["limit", "offset"]).unwrap();
        assert_eq!(read.get("limit").and_then(Value::as_str), Some("5"));
        for bad in ["limit", "limit=", "limit=%35", "limit=5&limit=6", "where=x", "limit=5&", "limit=5;offset=1", "&"] {
            assert!(query_of(bad, &["limit", "offset"]).is_err(), "{bad}");
        }
    }
}
