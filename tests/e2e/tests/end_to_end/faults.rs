//! What is broken around the gateway, or before it starts: refused in words, nothing disclosed, nothing forwarded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use gatewright_e2e::answers::{asking, code};
use gatewright_e2e::process::{free_address, run};
use gatewright_e2e::records;
use gatewright_e2e::setting::Setting;
use gatewright_testkit::{FakeModel, RawClient, openai};
use tokio::net::TcpStream;

const QUESTION: &str = "{\"model\":\"sales-forecast\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";

async fn model() -> FakeModel {
    FakeModel::start(|_| openai::chat("sales-forecast", "a plain answer")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_catalogue_stops_the_start_and_binds_no_port() {
    let model = model().await;
    let mut setting = Setting::lay(&model.url()).await;
    for (what, text) in [
        ("missing", None),
        ("no YAML", Some("version: 1\nroles: [")),
        ("an unknown key", Some("version: 1\nrolls: {}\n")),
        (
            "a role that grants what is not there",
            Some("version: 1\nroles: { a: { grants: [{ models: [nowhere], operations: [fly] }] } }\n"),
        ),
    ] {
        match text {
            Some(text) => setting.write("catalogue.yaml", text),
            None => fs::remove_file(setting.path("catalogue.yaml")).unwrap(),
        }
        let process = setting.spawn();
        let status = tokio::task::block_in_place(|| process.wait(Duration::from_secs(20)));
        let said = process.said();
        assert_eq!(status.and_then(|status| status.code()), Some(64), "{what}: {said}");
        assert!(said.contains("catalogue.yaml"), "{what}: the file is not named: {said}");
        assert!(TcpStream::connect(setting.data_address()).await.is_err(), "{what}: a port is bound");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_identity_provider_refuses_in_words() {
    let model = model().await;
    let mut setting = Setting::lay(&model.url()).await;
    let alice = setting.alice();
    let nowhere = format!("http://{}", free_address());
    setting.configure(&nowhere, &model.url());
    // A token of the provider that cannot be asked: only its keys could tell whether it is good.
    let issued = gatewright_demo_token(&setting, &nowhere);
    setting.start_unready();
    let ready = asking(setting.admin_address(), "GET", "/readyz", &[], "").await;
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert!(ready.text().contains("corp"), "the issuer is not named: {}", ready.text());
    let headers = |token: &str| [token.to_owned(), "content-type: application/json".into()];
    for (token, status, expected) in [(issued, 503, "not_ready"), (alice, 401, "unauthenticated")] {
        let headers = headers(&token);
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = asking(setting.data_address(), "POST", "/v1/chat/completions", &headers, QUESTION).await;
        assert_eq!((answer.status, code(&answer).as_str()), (status, expected), "{}", answer.text());
    }
    assert_eq!(model.count(), 0, "something was forwarded");
}

/// A token as the unreachable provider would have issued it.
fn gatewright_demo_token(setting: &Setting, issuer: &str) -> String {
    use std::sync::Arc;

    use gatewright_demo::issuer::{Issuer, Person};
    use gatewright_e2e::setting::WallClock;
    use gatewright_testkit::CountingEntropy;

    let folder = setting.path("nowhere");
    let issuer = Issuer::open(&folder, issuer, Arc::new(WallClock), Arc::new(CountingEntropy::seeded(5))).unwrap();
    format!("authorization: Bearer {}", issuer.mint(Person::Alice))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_discloses_nothing_that_is_not_recorded() {
    let model = model().await;
    let mut setting = Setting::lay(&model.url()).await;
    let disk = SmallDisk::mount(&setting.data(), 80);
    setting.start().await;
    let alice = setting.alice();
    // One session for all calls, so that they are found by one question.
    let headers = [alice.as_str(), "content-type: application/json", "x-gatewright-session: full-disk"];
    let chat = "/v1/chat/completions";
    let address = setting.data_address();
    let first = asking(address, "POST", chat, &headers, QUESTION).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let session = first.headers.get("x-gatewright-session").expect("it belongs to a session").to_owned();

    disk.fill();
    let (mut disclosed, mut refused) = (Vec::new(), 0);
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut ready = String::new();
    while Instant::now() < deadline && refused < 20 {
        let Ok(mut client) = RawClient::connect(address).await else { break };
        if client.request("POST", chat, &headers, QUESTION.as_bytes()).await.is_err() {
            break;
        }
        match client.answer().await {
            Ok(answer) if answer.status == 200 => {
                assert_eq!(refused, 0, "after it had noticed, it disclosed again");
                disclosed.push(answer.headers.get("x-gatewright-request-id").unwrap_or_default().to_owned());
            }
            Ok(answer) => {
                assert_eq!((answer.status, code(&answer).as_str()), (503, "not_ready"), "{}", answer.text());
                assert!(!answer.text().contains("a plain answer"), "the refusal discloses the answer");
                refused += 1;
                if let Ok(mut admin) = RawClient::connect(setting.admin_address()).await {
                    admin.request("GET", "/readyz", &[], b"").await.unwrap();
                    if let Ok(answer) = admin.answer().await {
                        assert_eq!(answer.status, 503, "/readyz says that it is ready: {}", answer.text());
                        ready = answer.text();
                    }
                }
            }
            Err(_) => break,
        }
    }
    println!("{} answers fitted on the disk, {refused} requests were refused; /readyz: {ready}", disclosed.len());
    assert!(refused > 0, "the disk is full and nothing was refused");
    assert!(!ready.is_empty(), "/readyz did not say why");
    let forwarded = model.count();
    let headers_again = headers;
    for _ in 0..5 {
        if let Ok(mut client) = RawClient::connect(address).await {
            let _ = client.request("POST", chat, &headers_again, QUESTION.as_bytes()).await;
            let _ = client.answer().await;
        }
    }
    assert_eq!(model.count(), forwarded, "it forwards although it cannot record");

    // With room again, and started again, all that was disclosed is there.
    setting.process().kill();
    disk.empty();
    setting.start().await;
    let data = setting.data();
    tokio::task::block_in_place(|| {
        records::verify(&data);
        let calls = records::calls(&data, &session);
        for request in &disclosed {
            assert!(calls.contains_key(request), "{request} was disclosed and is not in the log");
        }
    });
    let again = asking(address, "POST", chat, &headers, QUESTION).await;
    assert_eq!(again.status, 200, "{}", again.text());
    setting.process().kill();
    drop(disk);
}

/// A file system of its own, small enough to be filled. Mounting takes an administrator, as in CI.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    fn mount(folder: &Path, megabytes: u32) -> Self {
        fs::create_dir_all(folder).unwrap();
        let size = format!("size={megabytes}m,mode=0700");
        let ran = run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder));
        assert_eq!(ran.code, Some(0), "a small file system cannot be mounted (are you root?): {}", ran.err);
        Self { folder: folder.to_path_buf() }
    }

    /// Leaves room for a few records more.
    fn fill(&self) {
        use std::io::Write;
        let mut filler = fs::File::create(self.folder.join("filler")).unwrap();
        let block = vec![0; 64 * 1024];
        while filler.write_all(&block).is_ok() {}
        let length = filler.metadata().unwrap().len();
        filler.set_len(length.saturating_sub(48 * 1024)).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.folder.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since the gateway may still hold files when a test has failed.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}
