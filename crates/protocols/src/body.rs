use std::borrow::Cow;

use gatewright_json::{Value, write};

/// A body as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Its media type; empty where there is no body.
    pub content_type: Cow<'static, str>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Encoded {
    /// A JSON value, or nothing at all for `null`.
    pub fn json(body: &Value) -> Self {
        if body.is_null() {
            return Self { content_type: Cow::Borrowed(""), bytes: Vec::new() };
        }
        let mut bytes = Vec::with_capacity(4096);
        write(body, &mut bytes);
        Self { content_type: Cow::Borrowed("application/json"), bytes }
    }
}

/// One of the calls that a file holds.
#[derive(Clone, Copy, Debug)]
pub struct Row<'v> {
    /// Its HTTP method.
    pub method: &'v str,
    /// Its path.
    pub path: &'v str,
    /// Its body.
    pub body: &'v Value,
}
