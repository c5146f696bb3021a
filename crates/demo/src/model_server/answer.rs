use gatewright_json::{Object, Value, to_bytes};

/// A made-up person; every value has the shape and the check digits of a real one.
pub(super) const EMAIL: &str = "dana.miller@example.com";
pub(super) const CARD: &str = "4111 1111 1111 1111";
const SSN: &str = "536-22-8714";
const PHONE: &str = "+1 415 555 0132";
const IBAN: &str = "DE89 3704 0044 0532 0130 00";

/// What a model answers to these words.
pub(super) fn text(model: &str, subject: &str) -> String {
    match model {
        "sales-forecast" => format!(
            "About {subject}: the next quarter looks 4 percent better than the last one. The largest order is Dana \
             Miller's. Reach her at {EMAIL} or {PHONE}; she paid with card {CARD}. Growth is strongest in the north."
        ),
        "support-chat" => format!(
            "Thank you for asking about {subject}. I found the account of Dana Miller, social security number {SSN}, \
             e-mail {EMAIL}. The refund goes to IBAN {IBAN} within three days."
        ),
        _ => format!(
            "Let me think about {subject} step by step. The file names Dana Miller ({EMAIL}, {PHONE}), with card \
             {CARD} and social security number {SSN}. That is all that it says."
        ),
    }
}

/// The subject of a question: its first words, without what ends a sentence.
pub(super) fn subject(question: &str) -> String {
    let words: Vec<&str> = question.split_whitespace().take(8).collect();
    let subject = words.join(" ");
    let subject = subject.trim_end_matches(['.', '?', '!', ',', ':']);
    if subject.is_empty() { "your question".to_owned() } else { subject.to_owned() }
}

/// Arguments for a tool: a value for each property of its schema that is needed, else for each.
pub(super) fn arguments(schema: Option<&Value>, subject: &str) -> String {
    let mut arguments = Object::new();
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    let required = schema.and_then(|schema| schema.get("required")?.as_array()).unwrap_or_default();
    for (name, property) in properties.into_iter().flat_map(Object::iter) {
        if required.is_empty() || required.iter().any(|needed| needed.as_str() == Some(name)) {
            arguments.set(name, argument(name, property, subject));
        }
    }
    String::from_utf8(to_bytes(&arguments.into())).unwrap_or_default()
}

fn argument(name: &str, property: &Value, subject: &str) -> Value {
    if let Some(first) = property.get("enum").and_then(|choices| choices.as_array()?.first()) {
        return first.clone();
    }
    let name = name.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    match property.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => Value::from(3_u64),
        Some("boolean") => Value::Bool(true),
        Some("array") => Value::Array(Vec::new()),
        Some("object") => Value::from(Object::new()),
        _ if has("mail") || has("recipient") || name == "to" => EMAIL.into(),
        _ if has("card") => CARD.into(),
        _ if has("phone") => PHONE.into(),
        _ if has("iban") || has("account") => IBAN.into(),
        _ if has("ssn") => SSN.into(),
        _ if has("city") || has("location") => "Berlin".into(),
        _ => subject.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_made_up_values_pass_their_checks() {
        let digits: Vec<u32> = CARD.chars().filter_map(|c| c.to_digit(10)).collect();
        let luhn: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(place, digit)| if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
            .sum();
        assert_eq!((digits.len(), luhn % 10), (16, 0));
        let iban: String = IBAN.replace(' ', "");
        let turned = format!("{}{}", &iban[4..], &iban[..4]);
        let remainder = turned.chars().fold(0_u32, |rest, c| {
            let value = c.to_digit(36).unwrap();
            (rest * if value > 9 { 100 } else { 10 } + value) % 97
        });
        assert_eq!(remainder, 1);
    }

    #[test]
    fn arguments_fit_the_schema() {
        let schema = br#"{"properties":{"to":{"type":"string"},"days":{"type":"integer"},"unit":{"enum":["c","f"]}}}"#;
        let schema = gatewright_json::parse(schema, &gatewright_json::Limits::default()).unwrap();
        assert_eq!(arguments(Some(&schema), "x"), r#"{"to":"dana.miller@example.com","days":3,"unit":"c"}"#);
        assert_eq!(arguments(None, "x"), "{}");
    }
}
