use std::process::Command;

use gatewright_demo::issuer::Person;
use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::process::run;
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_e2e::tools::{file, tool};
use gatewright_testkit::Answer;
use serde_json::Value;

use super::receivers::{Receivers, SIGNING_SECRET, ask, body, held, lay, model};

/// A button, pressed; what Slack is answered.
async fn press(at: &Setting, pressed: &Value, changed: impl FnOnce(&mut Value)) -> Answer {
    let mut sent = pressed.clone();
    changed(&mut sent);
    let header = |name: &str| format!("{name}: {}", sent["headers"][name].as_str().unwrap());
    let headers = [
        header("x-slack-request-timestamp"),
        header("x-slack-signature"),
        "content-type: application/x-www-form-urlencoded".to_owned(),
    ];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let body = sent["body"].as_str().unwrap();
    asking(at.admin_address(), "POST", "/notifications/slack/chat", &headers, body).await
}

/// A button as Slack sends it: signed by the vendor's own class.
fn button(secret: &str, age: u32, user: &str, team: &str, action: &str, approval: &str) -> Value {
    let mut command = Command::new(tool("notify/bin/python"));
    command.arg(file("sdk/notify_press.py")).args([secret, &age.to_string(), user, team, action, approval]);
    let ran = run(&mut command);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

async fn state_of(at: &Setting, id: &str) -> String {
    let carol = at.bearer(Person::Carol);
    let shown = asking(at.admin_address(), "GET", &format!("/api/v1/approvals/{id}"), &[&carol], "").await;
    let shown: Value = serde_json::from_str(&shown.text()).unwrap();
    shown["approval"]["state"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slacks_buttons_decide_for_those_who_may_and_for_nobody_else() {
    let (model, receivers) = (model().await, Receivers::start());
    let mut setting = lay(
        &model,
        &format!(
            "notifications:
  chat:
    slack:
      api: \"{}\"
      token: \"{}\"
      channel: C0APPROVALS
      signing_secret: \"{}\"
      team: T0CORP
      people:
        - {{ slack: U0CAROL, issuer: corp, subject: carol, groups: [security] }}
        - {{ slack: U0ALICE, issuer: corp, subject: alice, groups: [security] }}
        - {{ slack: U0BOB, issuer: corp, subject: bob, groups: [ml-admins] }}
        - {{ mail: carol@corp.example, issuer: corp, subject: carol-by-mail, groups: [security] }}
",
            receivers.url("slack"),
            receivers.reference("token"),
            receivers.reference("signing"),
        ),
    )
    .await;
    setting.start().await;
    let id = held(&setting, "export it").await;
    let message = body(&receivers.wait("slack/chat.postMessage", 1)[0]);
    let buttons: Vec<&Value> =
        message["blocks"].as_array().unwrap().last().unwrap()["elements"].as_array().unwrap().iter().collect();
    assert_eq!((&buttons[0]["action_id"], &buttons[0]["value"]), (&"gatewright_approve".into(), &id.as_str().into()));
    assert!(buttons[0]["confirm"].is_object(), "{message:#}");
    let approve =
        |secret: &str, age, user: &str, team: &str| button(secret, age, user, team, "gatewright_approve", &id);
    let carol = approve(SIGNING_SECRET, 0, "U0CAROL", "T0CORP");
    assert_eq!(carol["valid"], true, "the vendor's own class believes what it signed");

    // Forged, changed, old, from the future, without a signature: refused before anything of it is looked at.
    let forged = approve("another secret", 0, "U0CAROL", "T0CORP");
    assert_eq!(press(&setting, &forged, |_| ()).await.status, 401);
    let longer = |sent: &mut Value| sent["body"] = format!("{}&x=1", sent["body"].as_str().unwrap()).into();
    assert_eq!(press(&setting, &carol, longer).await.status, 401);
    let older = |sent: &mut Value| sent["headers"]["x-slack-request-timestamp"] = "1531420618".into();
    assert_eq!(press(&setting, &carol, older).await.status, 401);
    let unsigned = |sent: &mut Value| sent["headers"]["x-slack-signature"] = "v0=".into();
    assert_eq!(press(&setting, &carol, unsigned).await.status, 401);
    let stale = approve(SIGNING_SECRET, 301, "U0CAROL", "T0CORP");
    assert_eq!((stale["valid"].clone(), press(&setting, &stale, |_| ()).await.status), (false.into(), 401));
    assert_eq!(state_of(&setting, &id).await, "pending");

    // A link's GET decides nothing, and other paths and methods are nobody's.
    let get = asking(setting.admin_address(), "GET", "/notifications/slack/chat", &[], "").await;
    assert_eq!(get.status, 405);
    for path in ["/notifications/slack/other", "/notifications/slack/", "/notifications/slack/chat/x"] {
        assert_eq!(asking(setting.admin_address(), "POST", path, &[], "").await.status, 404, "{path}");
    }

    // Truly Slack's, and pressed by those who may not: whoever asked, another group, a stranger, another workspace's
    // person with the same id, an address that is not verified.
    let may_not = [
        ("U0ALICE", "T0CORP", "Nobody approves their own request."),
        ("U0BOB", "T0CORP", "There is no such approval"),
        ("U0CAROL", "T0OTHER", "You are nobody who decides"),
        ("U0UNVERIFIED", "T0CORP", "You are nobody who decides"),
    ];
    for (number, (user, team, words)) in may_not.iter().enumerate() {
        let pressed = approve(SIGNING_SECRET, 0, user, team);
        assert_eq!(press(&setting, &pressed, |_| ()).await.status, 200, "{user}");
        let whispers = receivers.wait("slack/chat.postEphemeral", number + 1);
        let whisper = body(whispers.last().unwrap());
        assert!(whisper.to_string().contains(words) && whisper["user"] == *user, "{user}: {whisper:#}");
        assert_eq!(state_of(&setting, &id).await, "pending", "{user}");
    }
    let link = button(SIGNING_SECRET, 0, "U0CAROL", "T0CORP", "open", &id);
    assert_eq!(press(&setting, &link, |_| ()).await.status, 200);
    assert_eq!(state_of(&setting, &id).await, "pending", "a link that was followed decides nothing");
    assert_eq!(model.count(), 0, "nothing has run");

    // Who may decides, once: the very same request again is refused.
    assert_eq!(press(&setting, &carol, |_| ()).await.status, 200);
    assert_eq!(state_of(&setting, &id).await, "approved");
    let update = body(&receivers.wait("slack/chat.update", 1)[0]);
    assert!(update.to_string().contains(&format!("{id} is approved, by carol.")), "{update:#}");
    assert_eq!(press(&setting, &carol, |_| ()).await.status, 401, "a replay");
    assert_eq!(ask(&setting, &setting.alice(), "export it").await.status, 200);

    // By a verified address, and a denial.
    let id = held(&setting, "export another").await;
    let deny = button(SIGNING_SECRET, 0, "U0SOMEBODY", "T0CORP", "gatewright_deny", &id);
    assert_eq!(press(&setting, &deny, |_| ()).await.status, 200);
    assert_eq!(state_of(&setting, &id).await, "denied");
    assert_eq!(code(&ask(&setting, &setting.alice(), "export another").await), "approval_denied");
    let log = std::fs::read_to_string(setting.path("gateway.log")).unwrap();
    setting.stop();
    records::verify(&setting.data());
    assert!(
        !records::files_with(&setting.data(), "slack.decide").is_empty(),
        "who decided by a button is not on record"
    );
    for secret in ["xoxb-canary", SIGNING_SECRET] {
        assert!(!log.contains(secret), "{secret} is in the log");
        assert_eq!(records::files_with(&setting.data(), secret), [""; 0]);
    }
}
