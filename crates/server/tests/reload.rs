//! Configurations that change while the gateway runs, as editors, orchestrators and people change them.

#![allow(clippy::panic, reason = "a test that cannot go on says why")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gatewright_server::config::{self, Change, Reloader, Side};
use gatewright_server::listen::ReloadingTls;
use tokio::time::timeout;

const CATALOGUE: &str = "version: 1\nroles:\n  reader:\n    members: [{ issuer: corp, group: readers }]\n    grants: [{ models: [m], operations: [chat] }]\n";

fn configuration(grace: &str) -> String {
    format!(
        "version: 1\nlisten: {{ data: \"127.0.0.1:0\", admin: \"127.0.0.1:0\" }}\ndata: data\ncatalogue: catalogue.yaml\nissuers: {{ corp: {{ url: \"https://idp.example\", audience: gatewright }} }}\nconnections: {{ lab: {{ protocol: openai, url: \"http://10.0.0.5:8000\", trust: internal }} }}\nmodels: {{ m: {{ connection: lab }} }}\ndrain: {{ grace: {grace} }}\n"
    )
}

fn write(folder: &Path, configuration: &str, catalogue: &str) {
    fs::write(folder.join("gatewright.yaml"), configuration).expect("written");
    fs::write(folder.join("catalogue.yaml"), catalogue).expect("written");
}

fn start(folder: &Path) -> Reloader {
    let loaded = config::load(&folder.join("gatewright.yaml")).unwrap_or_else(|faults| panic!("{faults:#?}"));
    Reloader::start(&loaded, Vec::new(), None).expect("signals")
}

async fn next(reloader: &mut Reloader) -> Change {
    timeout(Duration::from_secs(40), reloader.next()).await.expect("a change within forty seconds")
}

async fn nothing(reloader: &mut Reloader) {
    let change = timeout(Duration::from_millis(1_500), reloader.next()).await;
    assert!(change.is_err(), "{change:?}");
}

fn grace(change: &Change) -> u64 {
    match change {
        Change::Replaced { loaded, .. } => loaded.ready.grace.as_secs(),
        other => panic!("{other:?}"),
    }
}

/// A hangup reaches every reloader of the process: the test that sends one runs alone.
static HANGUPS: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

#[tokio::test]
async fn takes_a_new_configuration_and_keeps_the_last_good_one_loudly() {
    let _hangups = HANGUPS.read().await;
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &configuration("1s"), CATALOGUE);
    let mut reloader = start(folder.path());
    let status = reloader.status();
    assert_eq!(status.note(), None);

    write(folder.path(), &configuration("2s"), CATALOGUE);
    assert_eq!(grace(&next(&mut reloader).await), 2);

    fs::write(folder.path().join("gatewright.yaml"), configuration("2s").replace("grace", "graze")).expect("written");
    let change = next(&mut reloader).await;
    assert!(
        matches!(&change, Change::Refused(faults) if faults[0].message.contains("unknown key `graze`")),
        "{change:?}"
    );
    assert!(status.note().is_some_and(|note| note.contains("graze") && note.contains("last good one")));

    fs::remove_file(folder.path().join("catalogue.yaml")).expect("removed");
    write(folder.path(), &configuration("3s"), CATALOGUE);
    assert_eq!(grace(&next(&mut reloader).await), 3);
    assert_eq!(status.note(), None, "the note of a mended fault stayed");
}

#[tokio::test]
async fn follows_the_catalogue_and_the_cedar_files_beside_it() {
    let _hangups = HANGUPS.read().await;
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &configuration("1s"), CATALOGUE);
    let mut reloader = start(folder.path());
    let first = config::load(&folder.path().join("gatewright.yaml")).expect("it holds").catalogue.digest();

    fs::write(folder.path().join("catalogue.yaml"), CATALOGUE.replace("readers", "writers")).expect("written");
    let change = next(&mut reloader).await;
    assert!(matches!(&change, Change::Replaced { loaded, .. } if loaded.catalogue.digest() != first), "{change:?}");

    fs::write(folder.path().join("catalogue.yaml"), "version: 1\nroles: {reader: {membrs: []}}\n").expect("written");
    assert!(matches!(next(&mut reloader).await, Change::Refused(_)));
    fs::write(folder.path().join("catalogue.yaml"), CATALOGUE).expect("written");
    assert!(matches!(next(&mut reloader).await, Change::Replaced { .. }));

    fs::write(folder.path().join("extra.cedar"), "this is not cedar").expect("written");
    assert!(matches!(next(&mut reloader).await, Change::Refused(_)), "a new .cedar file was not seen");
}

#[tokio::test]
async fn a_touched_file_is_no_change_and_neighbours_are_none_of_its_business() {
    let _hangups = HANGUPS.read().await;
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &configuration("1s"), CATALOGUE);
    let mut reloader = start(folder.path());
    write(folder.path(), &configuration("1s"), CATALOGUE);
    fs::write(folder.path().join("notes.txt"), "unrelated").expect("written");
    nothing(&mut reloader).await;
}

#[tokio::test]
async fn follows_the_swap_of_a_mounted_folder() {
    let _hangups = HANGUPS.read().await;
    // A mounted ConfigMap: `gatewright.yaml` leads through the link `..data` into a folder of its own, and an update
    // swaps that link. The file's own name never changes.
    let folder = tempfile::tempdir().expect("a folder");
    for (name, grace) in [("..2026_1", "1s"), ("..2026_2", "2s")] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
        write(&folder.path().join(name), &configuration(grace), CATALOGUE);
    }
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, folder.path().join(name)).expect("a link");
    link("..2026_1", "..data");
    link("..data/gatewright.yaml", "gatewright.yaml");
    link("..data/catalogue.yaml", "catalogue.yaml");
    let mut reloader = start(folder.path());

    link("..2026_2", "..data_tmp");
    fs::rename(folder.path().join("..data_tmp"), folder.path().join("..data")).expect("swapped");
    assert_eq!(grace(&next(&mut reloader).await), 2);

    // The next swap is seen in the folder that the link leads to by then.
    fs::remove_dir_all(folder.path().join("..2026_1")).expect("removed");
    fs::create_dir(folder.path().join("..2026_3")).expect("a folder");
    write(&folder.path().join("..2026_3"), &configuration("3s"), CATALOGUE);
    link("..2026_3", "..data_tmp");
    fs::rename(folder.path().join("..data_tmp"), folder.path().join("..data")).expect("swapped");
    assert_eq!(grace(&next(&mut reloader).await), 3);
}

#[tokio::test]
async fn looks_again_when_it_is_told_to() {
    let _hangups = HANGUPS.write().await;
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &configuration("1s"), CATALOGUE);
    let mut reloader = start(folder.path());
    let told = Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status().expect("kill");
    assert!(told.success());
    assert_eq!(grace(&next(&mut reloader).await), 1, "SIGHUP is an order, changed or not");
}

#[tokio::test]
async fn says_what_needs_a_restart() {
    let _hangups = HANGUPS.read().await;
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &configuration("1s"), CATALOGUE);
    let mut reloader = start(folder.path());
    let moved = configuration("1s").replace("data: data", "data: elsewhere")
        + "log: { level: debug }\nlimits: { streams: 5 }\n";
    write(folder.path(), &moved, CATALOGUE);
    match next(&mut reloader).await {
        Change::Replaced { restart, .. } => assert_eq!(restart, ["data", "log", "limits of connections"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn hands_a_new_certificate_to_its_listener_and_keeps_the_old_one_when_it_is_broken() {
    let _hangups = HANGUPS.read().await;
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
        fs::write(folder.path().join("tls.crt"), made.cert.pem()).expect("written");
        fs::write(folder.path().join("tls.key"), made.signing_key.serialize_pem()).expect("written");
        made.cert.der().to_vec()
    };
    let first = certificate("first.example");
    let listen = "data: { address: \"127.0.0.1:0\", tls: { certificate: tls.crt, key: tls.key } }";
    write(folder.path(), &configuration("1s").replace("data: \"127.0.0.1:0\"", listen), CATALOGUE);
    let loaded = config::load(&folder.path().join("gatewright.yaml")).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let tls = ReloadingTls::open(loaded.ready.data_listener.tls.as_ref().expect("TLS")).expect("TLS");
    let mut reloader = Reloader::start(&loaded, vec![(Side::Data, tls.clone())], None).expect("signals");
    assert_eq!(tls.certificate().first().map(|certificate| certificate.to_vec()), Some(first));

    let second = certificate("second.example");
    assert!(matches!(next(&mut reloader).await, Change::Certificates));
    assert_eq!(tls.certificate().first().map(|certificate| certificate.to_vec()), Some(second.clone()));

    fs::write(folder.path().join("tls.key"), "no key").expect("written");
    assert!(matches!(next(&mut reloader).await, Change::Refused(_)));
    assert_eq!(tls.certificate().first().map(|certificate| certificate.to_vec()), Some(second));
}
