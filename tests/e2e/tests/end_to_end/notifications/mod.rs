//! Telling people of approvals, from outside: real receivers, the vendors' own verifiers, dead channels, restarts, and
//! Slack's buttons pressed by those who may and those who may not.

mod buttons;
mod receivers;

use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::asking;
use gatewright_e2e::process::{free_address, run};
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::{file, tool};
use gatewright_testkit::Postgres;
use receivers::{
    CATALOGUE, PROMPT, Receivers, WEBHOOK_SECRET, add, ask, body, certificate, held, hook_alone, lay, listed,
    mail_server, mails, model, standing,
};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_channel_tells_who_and_why_and_never_the_original() {
    let (model, receivers) = (model().await, Receivers::start());
    certificate(&receivers);
    let mail = free_address().port();
    let _server = mail_server(&receivers, mail);
    let setting = lay(
        &model,
        &format!(
            "notifications:
  hook: {{ webhook: {{ url: \"{}\", secrets: [\"{}\"] }}, about: [asked, decided] }}
  chat: {{ slack: {{ api: \"{}\", token: \"{}\", channel: C0APPROVALS }}, show: excerpt }}
  card: {{ teams: {{ webhook: \"{}\" }}, show: excerpt }}
  mail:
    email: {{ server: \"127.0.0.1:{mail}\", user: gatewright, password: \"{}\", ca: \"{}\",
             from: \"Gatewright <gatewright@corp.example>\", to: [\"approvers@corp.example\", \"carol@corp.example\"] }}
    show: excerpt
  others: {{ webhook: {{ url: \"{}\", secrets: [\"{}\"] }}, approvals: [other-policy] }}
",
            receivers.url("hook"),
            receivers.reference("webhook"),
            receivers.url("slack"),
            receivers.reference("token"),
            receivers.reference("teams"),
            receivers.reference("password"),
            receivers.path("mail.pem").display(),
            receivers.url("others"),
            receivers.reference("webhook"),
        ),
    )
    .await;
    let mut setting = setting;
    setting.start().await;
    let id = held(&setting, PROMPT).await;
    let link = format!("http://{}/approvals/{id}", setting.admin_address());

    // The webhook: verified by the vendor's own library; a summary without a word of the prompt.
    let hook = receivers.wait("hook", 1);
    assert_eq!(hook[0]["verified"], true, "{}", hook[0]);
    let told = body(&hook[0]);
    assert_eq!((&told["type"], &told["data"]["approval"]), (&"approval.asked".into(), &id.as_str().into()), "{told}");
    assert_eq!(told["data"]["caller"], json!({ "issuer": "corp", "subject": "alice" }));
    assert_eq!((&told["data"]["model"], &told["data"]["rule"]), (&"sales-forecast".into(), &"bulk-export".into()));
    assert_eq!((&told["data"]["url"], &told["data"]["excerpt"]), (&link.as_str().into(), &Value::Null), "{told}");
    assert!(!hook[0]["body"].as_str().unwrap().contains("channel>"), "{told}");
    assert_eq!(told["data"]["notification"], hook[0]["headers"]["webhook-id"]);

    // Slack: plain text alone, the trick written out, and no button without people who may press it.
    let chat = receivers.wait("slack", 1);
    let message = body(&chat[0]);
    assert_eq!(chat[0]["path"], "/slack/chat.postMessage");
    let text = message.to_string();
    assert!(text.contains("[EMAIL_ADDRESS]") && text.contains("⟨U+202E⟩") && text.contains(&link), "{message:#}");
    assert!(!text.contains("mrkdwn\",") && !text.contains("\"type\":\"mrkdwn\""), "{message:#}");
    assert!(!message["text"].as_str().unwrap().contains('<') && !text.contains("gatewright_approve"), "{message:#}");

    // Teams: what strangers wrote stands in runs of plain text, never in a block that reads Markdown and functions.
    let card = body(&receivers.wait("teams", 1)[0]);
    let blocks = card["attachments"][0]["content"]["body"].as_array().unwrap();
    for block in blocks.iter().filter(|block| block.to_string().contains("DATE")) {
        assert_eq!(block["type"], "RichTextBlock", "{block}");
    }
    assert!(blocks.iter().any(|block| block.to_string().contains("{{DATE(1)}}")), "{card:#}");
    assert_eq!(card["attachments"][0]["content"]["actions"][0]["url"], link);

    // Mail: over TLS, signed in, both parts, escaped.
    let mails = mails(&receivers, 1);
    let mail = &mails[0];
    assert_eq!((&mail["tls"], &mail["signed_in"]), (&true.into(), &true.into()), "{mail}");
    assert_eq!(mail["to"], json!(["approvers@corp.example", "carol@corp.example"]));
    let (plain, html) = (&mail["parts"]["text/plain"], &mail["parts"]["text/html"]);
    let (plain, html) = (plain.as_str().unwrap(), html.as_str().unwrap());
    assert!(plain.contains("Who: alice (corp)") && plain.contains(&link), "{plain}");
    assert!(plain.contains("> export [EMAIL_ADDRESS] ⟨U+202E⟩"), "{plain}");
    assert!(html.contains("&lt;!channel&gt;") && !html.contains("<!channel>"), "{html}");

    // Nobody was told the value, and nobody who is not asked.
    let everything = std::fs::read_to_string(receivers.path("log")).unwrap() + &mail.to_string();
    assert!(!everything.contains("erika") && !everything.contains('\u{202e}'), "{everything}");
    assert!(!everything.contains("\\u202e"), "{everything}");
    assert_eq!(receivers.seen("others").len(), 0);

    // The decision is told where that is asked for, and nothing that waits is told twice.
    let decision = json!({ "verdict": "deny", "reason": "not for max.mustermann@example.com" });
    let headers = [&*setting.bearer(Person::Carol), "content-type: application/json"];
    let path = format!("/api/v1/approvals/{id}/decision");
    assert_eq!(asking(setting.admin_address(), "POST", &path, &headers, &decision.to_string()).await.status, 200);
    let hook = receivers.wait("hook", 2);
    let told = body(&hook[1]);
    assert_eq!((&told["type"], &told["data"]["state"]), (&"approval.decided".into(), &"denied".into()), "{told}");
    assert!(told["data"]["summary"]["by"].as_str().unwrap().starts_with("carol (corp) denied: not for ["), "{told}");
    let all = listed(&setting, &["--state", "delivered"]);
    assert_eq!(all.as_array().unwrap().len(), 5, "{all:#}");

    // Shown to those who may, counted, and on record; without secrets anywhere.
    let alice = setting.alice();
    assert_eq!(asking(setting.admin_address(), "GET", "/api/v1/notifications", &[&alice], "").await.status, 403);
    let metrics = asking(setting.admin_address(), "GET", "/metrics", &[], "").await.text();
    assert!(metrics.contains(r#"gatewright_notifications_total{channel="hook",told="delivered"} 2"#), "{metrics}");
    let log = std::fs::read_to_string(setting.path("gateway.log")).unwrap();
    setting.stop();
    records::verify(&setting.data());
    assert!(!records::files_with(&setting.data(), "notified").is_empty(), "it is not on record");
    for secret in ["xoxb-canary", "mail-canary", "url-canary", &WEBHOOK_SECRET[6..], "erika.mustermann"] {
        assert_eq!(records::files_with(&setting.data(), secret), [""; 0], "{secret} is in the data");
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// A block of code in the documentation, as whoever reads it copies it.
fn example(language: &str, mark: &str) -> String {
    let text = std::fs::read_to_string(file("../../docs/notifications.md")).unwrap();
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    let block = blocks.filter_map(|rest| rest.split("```").next()).find(|block| block.contains(mark));
    block.unwrap_or_else(|| panic!("docs/notifications.md has no {language} example with {mark}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_ways_to_verify_a_webhook_believe_it_and_nothing_else() {
    let (model, receivers) = (model().await, Receivers::start());
    let mut setting = lay(&model, &hook_alone(&receivers, "")).await;
    setting.start().await;
    held(&setting, "export it").await;
    let seen = receivers.wait("hook", 1).remove(0);
    let python = receivers.path("verify.py");
    std::fs::write(&python, example("python", "def verify")).unwrap();
    let shell = receivers.path("verify.sh");
    std::fs::write(&shell, example("sh", "openssl dgst")).unwrap();
    let sent = seen["body"].as_str().unwrap();
    let header = |name: &str| seen["headers"][name].as_str().unwrap().to_owned();
    let (id, moment, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let verdicts = |id: &str, moment: &str, signature: &str, body: &str, secret: &str| {
        let file = receivers.path("body");
        std::fs::write(&file, body).unwrap();
        let with = |mut command: Command| {
            let command = command.args([id, moment, signature]).arg(&file).env("WEBHOOK_SECRET", secret);
            run(command).code
        };
        let mut by_python = Command::new(tool("notify/bin/python"));
        by_python.arg(&python);
        let mut by_shell = Command::new("sh");
        by_shell.arg(&shell);
        [with(by_python), with(by_shell)]
    };
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let old = (moment.parse::<u64>().unwrap() - 301).to_string();
    assert_eq!(verdicts(&id, &moment, &signature, sent, WEBHOOK_SECRET), [Some(0), Some(0)]);
    // While secrets are rotated there are two signatures.
    assert_eq!(verdicts(&id, &moment, &format!("v1,AAAA {signature}"), sent, WEBHOOK_SECRET), [Some(0), Some(0)]);
    for (id, moment, signature, body, secret) in [
        (&*id, &*moment, &*signature, &*format!("{sent} "), WEBHOOK_SECRET),
        ("ntf_0", &moment, &signature, sent, WEBHOOK_SECRET),
        (&id, &old, &signature, sent, WEBHOOK_SECRET),
        (&id, &moment, "v1,", sent, WEBHOOK_SECRET),
        (&id, &moment, &signature, sent, other),
    ] {
        assert_eq!(verdicts(id, moment, signature, body, secret), [Some(1), Some(1)], "{id} {moment} {signature}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_channel_costs_no_approval_no_call_and_no_other_channel() {
    let (model, receivers) = (model().await, Receivers::start());
    let (url, secret) = (receivers.url(""), receivers.reference("webhook"));
    let hook = |path: &str, more: &str| {
        format!("  {path}: {{ webhook: {{ url: \"{url}{path}\", secrets: [\"{secret}\"] }}{more} }}\n")
    };
    let channels = [hook("shaky", ""), hook("stuck", ""), hook("moved", ", give_up: 2s"), hook("well", "")].concat();
    let mut setting = lay(&model, &format!("notifications:\n{channels}")).await;
    receivers.answers("shaky", &["500", "429 3", "200"]);
    receivers.answers("stuck", &["hang"; 20]);
    receivers.answers("moved", &["redirect"; 20]);
    setting.start().await;
    let begun = Instant::now();
    let id = held(&setting, "export it").await;
    assert!(begun.elapsed() < Duration::from_secs(3), "the call waited for a channel: {:?}", begun.elapsed());
    receivers.wait("well", 1);
    let ordinary = Instant::now();
    assert_eq!(ask(&setting, &setting.alice(), "an ordinary call").await.status, 200);
    assert!(ordinary.elapsed() < Duration::from_secs(2), "{:?}", ordinary.elapsed());

    // Tried again under one id, each attempt signed anew, and not before the channel wants to be asked again.
    let shaky = receivers.wait("shaky", 3);
    let ids: Vec<_> = shaky.iter().map(|one| &one["headers"]["webhook-id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]) && shaky.iter().all(|one| one["verified"] == true), "{shaky:#?}");
    let pause = |at: usize| shaky[at]["at"].as_f64().unwrap() - shaky[at - 1]["at"].as_f64().unwrap();
    assert!(pause(1) >= 0.4 && pause(2) >= 2.9, "{} {}", pause(1), pause(2));
    let done = standing(&setting, "shaky", "delivered");
    assert_eq!((&done["attempts"], &done["trouble"]), (&3.into(), &"it answered 429".into()), "{done}");

    // A redirect is not followed; what cannot be told in time is given up, and says why.
    let moved = standing(&setting, "moved", "failed");
    assert!(moved["trouble"].as_str().unwrap().contains("redirects are never followed"), "{moved}");
    assert_eq!(receivers.seen("elsewhere").len(), 0);
    let metrics = asking(setting.admin_address(), "GET", "/metrics", &[], "").await.text();
    assert!(metrics.contains(r#"gatewright_notifications_total{channel="moved",told="failed"} 1"#), "{metrics}");
    assert!(metrics.contains("gatewright_notifications_waiting 1"), "{metrics}");

    // The approval is as it was.
    let headers = [&*setting.bearer(Person::Carol), "content-type: application/json"];
    let path = format!("/api/v1/approvals/{id}/decision");
    let yes = json!({ "verdict": "approve" }).to_string();
    assert_eq!(asking(setting.admin_address(), "POST", &path, &headers, &yes).await.status, 200);
    assert_eq!(ask(&setting, &setting.alice(), "export it").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_loses_nothing_and_repeats_nothing_that_was_confirmed() {
    let (model, mut receivers) = (model().await, Receivers::start());
    let mut setting = lay(&model, &hook_alone(&receivers, "")).await;
    setting.start().await;
    let first = held(&setting, "export the first").await;
    standing(&setting, "hook", "delivered");
    receivers.close();
    let second = held(&setting, "export the second").await;
    let waiting = standing(&setting, "hook", "waiting");
    assert_eq!(waiting["approval"], second);
    // Killed while one is delivered and one is not; the receiver comes back before the gateway does.
    tokio::task::block_in_place(|| setting.process().kill());
    receivers.open();
    setting.start().await;
    let seen = receivers.wait("hook", 2);
    let of = |id: &str| seen.iter().filter(|one| body(one)["data"]["approval"] == id).count();
    assert_eq!((of(&first), of(&second)), (1, 1), "{seen:#?}");
    let done = standing(&setting, "hook", "delivered");
    assert_eq!((&done["id"], &done["approval"]), (&waiting["id"], &waiting["approval"]), "{done}");
    // What was asked for while no gateway ran a channel is told when one does, and what is decided meanwhile is not.
    let third = held(&setting, "export the third").await;
    receivers.wait("hook", 3);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let seen = receivers.seen("hook");
    assert_eq!(seen.len(), 3, "{seen:#?}");
    assert_eq!(body(&seen[2])["data"]["approval"], third);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_comes_by_a_reload_tells_of_what_waits() {
    let (model, receivers) = (model().await, Receivers::start());
    let mut setting = lay(&model, "").await;
    setting.start().await;
    let id = held(&setting, "export it").await;
    add(&setting, &hook_alone(&receivers, ""));
    let seen = receivers.wait("hook", 1);
    assert_eq!(body(&seen[0])["data"]["approval"], id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_tell_each_thing_once() {
    let (model, receivers) = (model().await, Receivers::start());
    let server = Postgres::start();
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), Postgres::PASSWORD).unwrap();
    let (url, credential) = (server.database(), password.path().display().to_string());
    let state = format!("state: {{ postgres: {{ url: \"{url}\", credential: \"file:{credential}\" }} }}\n");
    let more = format!("{state}{}", hook_alone(&receivers, ""));
    let mut one = lay(&model, &more).await;
    let mut other = Setting::lay(&model.url()).await;
    other.configure(one.issuer_url(), &model.url());
    other.write("catalogue.yaml", CATALOGUE);
    add(&other, &more);
    one.start().await;
    let (from, to) = (one.data().join("keys"), other.data().join("keys"));
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(from.join("approvals.key"), to.join("approvals.key")).unwrap();
    other.start().await;
    let alice = one.alice();
    let asking = (0..12).map(|number| {
        let at = if number % 2 == 0 { one.data_address() } else { other.data_address() };
        let body = json!({ "model": "sales-forecast", "messages": [{ "role": "user", "content": format!("export {number}") }] });
        let alice = alice.clone();
        tokio::spawn(async move {
            let headers = [&*alice, "content-type: application/json"];
            asking(at, "POST", "/v1/chat/completions", &headers, &body.to_string()).await.status
        })
    });
    for task in asking.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), 403);
    }
    receivers.wait("hook", 12);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let seen = receivers.seen("hook");
    let ids: std::collections::BTreeSet<_> =
        seen.iter().map(|one| one["headers"]["webhook-id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((seen.len(), ids.len()), (12, 12), "{seen:#?}");
}
