//! Vectors.

use super::*;

fn embeddings(body: &str) -> Edited {
    edit(editor("/v1/embeddings", Delivery::Whole, asked(UsageReport::Told)), body.as_bytes().chunks(3))
}

#[test]
fn vectors_pass_untouched_and_nothing_else_does() {
    let edited = embeddings(
        r#"{"object":"a@b.co","data":[{"object":"x","index":1,"embedding":[-0.10,1e-7,41],"note":"c@d.eu"},{"index":0,"embedding":"AACAPwAAAMA="}],"model":"e5@up.com","usage":{"prompt_tokens":3,"total_tokens":3},"extra":"g@h.io"}"#,
    );
    assert_eq!(
        edited.text,
        r#"{"object":"list","data":[{"object":"embedding","index":1,"embedding":[-0.10,1e-7,41]},{"object":"embedding","index":0,"embedding":"AACAPwAAAMA="}],"model":"sales-forecast","usage":{"prompt_tokens":3,"total_tokens":3}}"#
    );
    assert!(edited.complete);
}

#[test]
fn what_is_no_vector_of_each_text_is_refused() {
    let row = |index: &str, vector: &str| format!(r#"{{"index":{index},"embedding":{vector}}}"#);
    let good = row("0", "[1]");
    for rows in [
        good.clone(),
        format!("{good},{good}"),
        format!("{good},{}", row("2", "[1]")),
        format!("{good},{}", row("1", "[]")),
        format!("{good},{}", row("1", "[1,\"alice@example.com\"]")),
        format!("{good},{}", row("1", "[[1]]")),
        format!("{good},{}", row("1", "[4111111111111111]")),
        format!("{good},{}", row("1", "\"alice@example.com\"")),
        // "mail alice@example.com!!" in base64.
        format!("{good},{}", row("1", "\"bWFpbCBhbGljZUBleGFtcGxlLmNvbSEh\"")),
        format!("{good},{}", row("1", "\"AACA\"")),
        format!("{good},{}", row("1", "null")),
    ] {
        let edited = embeddings(&format!(r#"{{"data":[{rows}]}}"#));
        assert_eq!(edited.result, Err(Fault::Malformed), "{rows}");
        assert_eq!(edited.text, "");
    }
}
