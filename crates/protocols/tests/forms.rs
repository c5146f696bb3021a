//! Uploads: whatever bytes come as a form, they are read in one way or refused, and what is written is read as the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use gatewright_json::Value;
use gatewright_protocols::{Claim, claim};
use proptest::prelude::*;

const TYPE: &str = "multipart/form-data; boundary=bound";

fn read(content_type: &str, body: &[u8]) -> Option<Value> {
    let Claim { protocol, route, .. } = claim("POST", "/v1/files").unwrap();
    protocol.form(route, content_type, body).ok()
}

fn form(purpose: &str, filename: &str, content: &[u8]) -> Vec<u8> {
    let mut form = format!(
        "--bound\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--bound\r\ncontent-disposition: \
         form-data; name=\"file\"; filename=\"{filename}\"\r\n\r\n"
    )
    .into_bytes();
    form.extend_from_slice(content);
    form.extend_from_slice(b"\r\n--bound--\r\n");
    form
}

proptest! {
    #[test]
    fn any_bytes_are_a_form_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(TYPE, &bytes);
        let _ = read(TYPE, &form("batch", "n", &bytes));
        let _ = read(&String::from_utf8_lossy(&bytes), &form("user_data", "n", b"x"));
    }

    /// A form with one byte changed, left out or doubled is refused, or says the same thing to us and to the server.
    #[test]
    fn what_is_sent_is_what_was_read(
        content in "[ -~\n\r\t\u{e9}]{0,80}",
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        how in 0..3,
    ) {
        let mut body = form("user_data", "notes.txt", content.as_bytes());
        let at = at.index(body.len());
        match how {
            0 => body[at] = byte,
            1 => drop(body.remove(at)),
            _ => body.insert(at, byte),
        }
        if let Some(value) = read(TYPE, &body) {
            let Claim { protocol, route, .. } = claim("POST", "/v1/files").unwrap();
            let sent = protocol.encode(route, &value, "another").unwrap();
            prop_assert_eq!(read(&sent.content_type, &sent.bytes), Some(value));
        }
    }
}
