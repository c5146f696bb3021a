//! Configurations as people write them: the frozen one holds, and every fault is told with its place, all at once.

#![allow(clippy::panic, reason = "a test that cannot go on says why")]

use std::fs;
use std::path::{Path, PathBuf};

use gatewright_model::Trust;
use gatewright_server::config::ready::{AnswerRecords, LogFormat, Place};
use gatewright_server::config::{self, Purpose, Ready};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/gatewright.yaml")
}

/// What is wrong with this text, as `line:column: words`.
fn faults(text: &str) -> Vec<String> {
    match config::parse(text, Path::new("/etc/gatewright/gatewright.yaml"), Purpose::Check) {
        Ok(_) => Vec::new(),
        Err(faults) => {
            faults.iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.message)).collect()
        }
    }
}

fn ready(text: &str) -> (Ready, Vec<String>) {
    let (ready, warnings) = config::parse(text, Path::new("/etc/gatewright/gatewright.yaml"), Purpose::Check)
        .unwrap_or_else(|faults| panic!("{faults:#?}"));
    (
        ready,
        warnings.iter().map(|warning| format!("{}:{}: {}", warning.line, warning.column, warning.message)).collect(),
    )
}

/// The least that runs, with more behind it.
fn with(more: &str) -> String {
    format!(
        "version: 1\nlisten: {{ data: \"127.0.0.1:8080\", admin: \"127.0.0.1:8081\" }}\ndata: data\ncatalogue: catalogue.yaml\n{more}"
    )
}

/// Every configuration here has exactly these faults: `>` begins the configuration's lines, which are appended to the
/// least one (four lines), and what follows are the faults.
fn check(more: &str, expected: &[&str]) {
    let found = faults(&with(more));
    let told = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(told, "\n{more}\nexpected {expected:#?}\nfound {found:#?}");
}

#[test]
fn the_frozen_configuration_holds() {
    let (ready, _) = config::read(&golden(), Purpose::Check).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert_eq!(ready.data_listener.address.to_string(), "127.0.0.1:8080");
    assert_eq!(ready.admin_listener.address.to_string(), "127.0.0.1:8081");
    assert_eq!(ready.data, golden().with_file_name("./gatewright-data"));
    let corp = &ready.issuers["corp"];
    assert_eq!((corp.tokens.url.as_str(), corp.tokens.groups.as_deref()), ("https://idp.example", Some("/groups")));
    assert_eq!(corp.login_client.as_deref(), Some("gatewright-cli"));
    let lab = &ready.connections["lab"];
    assert_eq!((lab.protocol.as_str(), lab.dialect.as_deref(), lab.trust), ("openai", Some("vllm"), Trust::Internal));
    assert_eq!(lab.origin.to_string(), "http://10.0.0.5:8000");
    assert_eq!(lab.credential.as_ref().map(ToString::to_string).as_deref(), Some("file:/run/secrets/lab"));
    let model = &ready.models["sales-forecast"];
    assert_eq!((model.upstream.as_str(), model.tags.as_slice()), ("llama-3", &["finance".to_owned()][..]));
    let place = Place::At { connection: "vectors".into(), collection: "public".to_owned() };
    assert_eq!(ready.datasets["public-docs"].place, place);
    assert_eq!((ready.answers, ready.log.format, ready.grace.as_secs()), (AnswerRecords::Group, LogFormat::Json, 30));
}

#[test]
fn the_least_configuration_holds() {
    assert_eq!(faults(&with("")), Vec::<String>::new());
}

#[test]
fn says_what_is_missing() {
    assert_eq!(
        faults("version: 1\n"),
        [
            "1:1: `catalogue` is missing",
            "1:1: `data` is missing",
            "1:1: `listen.admin` is missing",
            "1:1: `listen.data` is missing"
        ]
    );
    assert_eq!(faults(""), ["1:1: expected a mapping, found nothing"]);
    assert_eq!(faults("[]"), ["1:1: expected a mapping, found a list"]);
    check("connections: { lab: { } }", &["5:21: `protocol` is missing", "5:21: `url` is missing"]);
    check("issuers: { corp: { } }", &["5:18: `audience` is missing", "5:18: `url` is missing"]);
    check("models: { m: { } }", &["5:14: `connection` is missing"]);
    check("listen2: x", &["5:1: unknown key `listen2`; known here: version, listen, data, "]);
}

#[test]
fn is_no_yaml() {
    for (text, expected) in [
        ("version: [1, 2", "1:10: unclosed bracket"),
        ("version:\n\t- 1", "2:2: tabs"),
        ("version: 1\n---\nversion: 1\n", "3:1: multiple YAML documents"),
        ("version: .inf", "1:10: non-finite float"),
        ("a: &x 1\n<<: {b: *x}\n", "2:1: YAML merge keys are not allowed"),
    ] {
        let found = faults(text);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{text:?}: {found:?}");
    }
}

#[test]
fn bombs_are_refused_before_they_cost_anything() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let of = level - 1;
        bomb +=
            &format!("a{level}: &a{level} [*a{of}, *a{of}, *a{of}, *a{of}, *a{of}, *a{of}, *a{of}, *a{of}, *a{of}]\n");
    }
    let deep = "[".repeat(10_000);
    let wide = format!("a: [{}]", "x,".repeat(400_000));
    let long = "#".repeat(2 * 1024 * 1024);
    for text in [&bomb, &deep, &wide, &long] {
        let began = std::time::Instant::now();
        assert_eq!(faults(text).len(), 1);
        assert!(began.elapsed().as_secs() < 5, "took {:?}", began.elapsed());
    }
}

#[test]
fn repeated_keys_are_told_with_both_places() {
    check("models: {}\nmodels: {}", &["6:1: `models` is written twice, first in line 5"]);
    check(
        "connections:\n  lab: { protocol: openai, url: \"http://10.0.0.5\", trust: internal }\n  lab: { protocol: openai, url: \"http://10.0.0.6\", trust: internal }",
        &["7:3: `lab` is written twice, first in line 6"],
    );
    check("drain: { grace: 1s, grace: 2s }", &["5:21: `grace` is written twice, first in line 5"]);
}

#[test]
fn every_fault_is_told_in_one_breath() {
    check(
        concat!(
            "issuers:\n",
            "  corp: { url: \"http://idp.example\", audience: x, grops: /groups }\n",
            "connections:\n",
            "  lab: { protocol: opnai, url: \"http://10.0.0.5/?x\", credential: sk-live-canary, trust: mine }\n",
            "models:\n",
            "  m: { connection: lob }\n",
            "limits: { body_bytes: many, header_timeout: 0s }\n",
            "proxies: [10.0.0.1/8]\n",
            "records: { answers: sometimes }\n",
        ),
        &[
            "6:16: issuer `corp`: its URL cannot be used",
            "6:51: unknown key `grops`; known here: url, audience, groups",
            "8:20: expected openai or chroma, found `opnai`",
            "8:32: a connection's URL has no query and no fragment",
            "8:66: a secret is written as a reference, env:NAME or file:/path, never as a value",
            "8:89: expected internal or external, found `mine`",
            "10:20: there is no connection `lob`; there are: lab",
            "11:23: expected a size such as 64KiB or 8MiB, found text",
            "11:45: expected a duration from 1ms to 24h",
            "12:11: the address has bits beyond its prefix",
            "13:21: expected group or strict, found `sometimes`",
        ],
    );
}

#[test]
fn a_literal_secret_is_never_repeated() {
    for secret in
        ["sk-canary-1", "env:sk canary-1", "vault:canary-1", "\"file:\"", "Bearer canary-1", "{canary-1: canary-1}"]
    {
        let text = with(&format!(
            "connections: {{ lab: {{ protocol: openai, url: \"https://a.example\", credential: {secret} }} }}"
        ));
        let found = faults(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].contains("canary"), "{found:?}");
    }
}

#[test]
fn urls_lead_only_where_a_model_server_can_be() {
    let connection = |url: &str, trust: &str| {
        with(&format!("connections: {{ lab: {{ protocol: openai, url: \"{url}\", trust: {trust} }} }}"))
    };
    for bad in [
        "ftp://a.example",
        "a.example",
        "https://user:pass@a.example",
        "https://a.example/?key=1",
        "https://a.example/#x",
        "https://a.example/../x",
        "https://a.example//x",
        "http://169.254.169.254",
        "http://[fe80::1]",
        "https://[fd00:ec2::254]",
        "http://metadata.google.internal",
        "http://METADATA.google.internal.",
        "http://0.0.0.0",
        "http://[::ffff:169.254.169.254]",
        "http://2852039166",
        "http://0xa9fea9fe",
        "http://169.254.43518",
        "http://224.0.0.1",
        "https://",
    ] {
        assert_eq!(faults(&connection(bad, "internal")).len(), 1, "{bad}");
    }
    for good in [
        "https://api.example/v1",
        "http://10.0.0.5:8000",
        "http://127.0.0.1:1",
        "http://[::1]:8000/base",
        "http://localhost:11434",
    ] {
        assert_eq!(faults(&connection(good, "internal")), Vec::<String>::new(), "{good}");
    }
    assert_eq!(faults(&connection("http://10.0.0.5", "external")).len(), 1, "plain http to a stranger");
    assert_eq!(faults(&connection("http://api.example", "external")).len(), 1, "plain http to a stranger");
    for loopback in ["http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost:8000"] {
        assert_eq!(faults(&connection(loopback, "external")), Vec::<String>::new(), "{loopback}");
    }
    let (ready, _) = ready(&with("connections: { lab: { protocol: openai, url: \"https://api.example\" } }"));
    assert_eq!(ready.connections["lab"].trust, Trust::External, "trust is given, not assumed");
}

#[test]
fn an_open_admin_side_has_to_be_asked_for() {
    let listen = |admin: &str| {
        format!("version: 1\nlisten: {{ data: \"127.0.0.1:8080\", admin: {admin} }}\ndata: d\ncatalogue: c\n")
    };
    let open = faults(&listen("\"0.0.0.0:8081\""));
    assert!(open.len() == 1 && open[0].starts_with("2:42: an admin listener beyond loopback needs"), "{open:?}");
    let (_, warnings) = ready(&listen("{ address: \"0.0.0.0:8081\", danger_plaintext: true }"));
    assert!(warnings.iter().any(|warning| warning.contains("danger_plaintext")), "{warnings:?}");
    assert_eq!(faults(&listen("{ address: \"0.0.0.0:8081\", danger_plaintext: false }")).len(), 1);
    assert_eq!(faults(&listen("\"[::1]:8081\"")), Vec::<String>::new());
    assert_eq!(faults(&listen("\"127.0.0.1:8080\"")).len(), 1, "one port for callers and operators");
    assert_eq!(faults(&listen("localhost:8081")).len(), 1, "a name is no address");
}

#[test]
fn what_belongs_to_the_admin_side_is_a_fault_elsewhere() {
    let found = faults(
        "version: 1\nlisten: { data: { address: \"127.0.0.1:1\", hosts: [x], danger_plaintext: true }, admin: \"127.0.0.1:2\" }\ndata: d\ncatalogue: c\n",
    );
    assert!(found.len() == 2 && found.iter().all(|fault| fault.contains("belongs to the admin listener")), "{found:?}");
}

#[test]
fn no_mutation_of_the_frozen_configuration_panics_or_runs_on() {
    let text = fs::read_to_string(golden()).expect("the frozen configuration");
    let began = std::time::Instant::now();
    let mut parsed = 0;
    for place in (0..text.len()).step_by(3).filter(|place| text.is_char_boundary(*place)) {
        for hostile in ["{", "]", ":", "\t", "&a ", "*a", "\"", "\u{0}", "\n---\n", "- ", "!!int ", "\u{feff}", "? "] {
            let mutated = format!("{}{hostile}{}", &text[..place], &text[place..]);
            if let Err(found) = config::parse(&mutated, &golden(), Purpose::Check) {
                assert!(!found.is_empty(), "refused without a word: {mutated}");
            }
            parsed += 1;
        }
    }
    assert!(parsed > 3_000 && began.elapsed().as_secs() < 120, "{parsed} in {:?}", began.elapsed());
}

#[test]
fn a_file_that_is_wrong_all_over_is_not_told_to_its_end() {
    let text: String = (0..5_000).map(|key| format!("x{key}: 1\n")).collect();
    let found = faults(&text);
    assert_eq!(found.len(), 201);
    assert!(found[200].starts_with("0:0: and 48"), "{}", found[200]);
}

#[test]
fn certificates_are_read_now_and_not_at_the_first_caller() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["gateway.example".to_owned()]).expect("a certificate");
    let other = rcgen::generate_simple_self_signed(vec!["other.example".to_owned()]).expect("a certificate");
    fs::write(folder.path().join("tls.crt"), made.cert.pem()).expect("written");
    fs::write(folder.path().join("tls.key"), made.signing_key.serialize_pem()).expect("written");
    fs::write(folder.path().join("other.key"), other.signing_key.serialize_pem()).expect("written");
    let read = |certificate: &str, key: &str, purpose: Purpose| {
        let text = format!(
            "version: 1\nlisten:\n  data: {{ address: \"0.0.0.0:8443\", tls: {{ certificate: {certificate}, key: {key} }} }}\n  admin: \"127.0.0.1:8081\"\ndata: d\ncatalogue: c\n"
        );
        config::parse(&text, &folder.path().join("gatewright.yaml"), purpose)
    };
    assert!(read("tls.crt", "tls.key", Purpose::Serve).is_ok_and(|(_, warnings)| warnings.is_empty()));
    let words =
        |result: Result<(Ready, Vec<config::Fault>), Vec<config::Fault>>| format!("{:?}", result.expect_err("a fault"));
    assert!(words(read("tls.crt", "other.key", Purpose::Check)).contains("is not the key of the certificate"));
    assert!(words(read("tls.key", "tls.key", Purpose::Check)).contains("holds no certificate"));
    assert!(words(read("tls.crt", "tls.crt", Purpose::Check)).contains("holds no private key"));
    assert!(words(read("gone.crt", "tls.key", Purpose::Serve)).contains("is not there"));
    assert!(
        read("gone.crt", "tls.key", Purpose::Check).is_ok_and(|(_, warnings)| warnings.len() == 1),
        "checked elsewhere"
    );
}

#[test]
fn a_secret_that_is_not_here_is_a_fault_for_serving_and_a_warning_for_checking() {
    let text = with(
        "connections: { lab: { protocol: openai, url: \"https://a.example\", credential: \"file:/nowhere/at/all\" } }",
    );
    let path = Path::new("/etc/gatewright/gatewright.yaml");
    let (_, warnings) = config::parse(&text, path, Purpose::Check).expect("it holds");
    assert!(warnings.len() == 1 && warnings[0].message.contains("/nowhere/at/all"), "{warnings:?}");
    assert_eq!(config::parse(&text, path, Purpose::Serve).expect_err("a fault").len(), 1);
}

#[test]
fn relative_paths_start_from_the_configurations_folder() {
    let (ready, _) = ready(&with(
        "connections: { lab: { protocol: openai, url: \"https://a.example\", credential: \"file:keys/lab\" } }",
    ));
    assert_eq!(ready.data, Path::new("/etc/gatewright/data"));
    assert_eq!(ready.catalogue.path(), Some(Path::new("/etc/gatewright/catalogue.yaml")));
    let credential = ready.connections["lab"].credential.as_ref().map(ToString::to_string);
    assert_eq!(credential.as_deref(), Some("file:/etc/gatewright/keys/lab"));
}

#[test]
fn names_are_fit_to_be_spoken() {
    for bad in ["\"\"", "\"a b\"", "\"a\\nb\"", "-a", "\"é\""] {
        let found = faults(&with(&format!("models: {{ {bad}: {{ connection: x }} }}")));
        assert!(found.iter().any(|fault| fault.contains("cannot be a name")), "{bad}: {found:?}");
    }
    check(
        "connections: { lab: { protocol: openai, url: \"https://a.example\" } }\nmodels: { meta-llama/Llama-3.1-8B:free: { connection: lab } }",
        &[],
    );
    check(
        "connections: { a/b: { protocol: openai, url: \"https://a.example\" } }",
        &["5:16: a connection's name stands in paths"],
    );
}

#[test]
fn one_issuer_has_one_name() {
    check(
        "issuers:\n  a: { url: \"https://idp.example\", audience: x }\n  b: { url: \"https://idp.example\", audience: y }",
        &["7:13: issuer `a` has the same url"],
    );
}

#[test]
fn numbers_have_bounds() {
    for (text, mark) in [
        ("limits: { connections: 0 }", "5:24"),
        ("limits: { json_depth: 100000 }", "5:23"),
        ("limits: { header_bytes: 1KiB }", "5:25"),
        ("limits: { streams: -1 }", "5:20"),
        ("limits: { streams: 1.5 }", "5:20"),
        ("limits: { body_timeout: 25h }", "5:25"),
        ("limits: { body_timeout: 30 }", "5:25"),
        ("drain: { grace: soon }", "5:17"),
        ("version: 2", "5:1"),
    ] {
        let found = faults(&with(text));
        assert!(found.len() == 1 && found[0].starts_with(mark), "{text}: {found:?}");
    }
}

#[test]
fn an_unreadable_configuration_is_said_in_words() {
    let faults = config::read(Path::new("/nowhere/gatewright.yaml"), Purpose::Serve).expect_err("a fault");
    assert!(
        faults[0].to_string().starts_with("/nowhere/gatewright.yaml: the configuration cannot be read: No such file")
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gatewright.yaml");
    fs::write(&path, with("")).expect("written");
    let faults = config::check(&path).expect_err("there is no catalogue");
    assert!(faults[0].message.starts_with("the catalogue cannot be read: No such file"), "{faults:?}");
    fs::write(folder.path().join("catalogue.yaml"), [0xff, 0xfe]).expect("written");
    let faults = config::check(&path).expect_err("no text");
    assert!(faults[0].message.starts_with("the catalogue cannot be read: "), "{faults:?}");
}

#[test]
fn models_and_datasets_lie_where_there_are_such() {
    check(
        "connections:\n  lab: { protocol: openai, url: \"http://127.0.0.1:1\" }\n  \
         vectors: { protocol: chroma, url: \"http://127.0.0.1:2\" }\n\
         models:\n  m: { connection: vectors }\n\
         datasets:\n  d: { connection: lab }\n  e: { connection: vectors, collection: ../../reset }\n",
        &[
            "9:20: the connection `vectors` speaks chroma, whose servers have datasets",
            "11:3: a dataset of this protocol is a vector store's id (vs_…), web_search, code_interpreter, declared, a connector_… or the URL of a tool server",
            "12:41: a collection is NAME or TENANT/DATABASE/NAME, each of 3 to 512 of `A-Z a-z 0-9 . _ -`",
        ],
    );
}

#[test]
fn a_database_is_reached_over_tls_unless_it_is_here() {
    use config::ready::{CatalogueFrom, Privacy, State};
    let with = |state: &str| {
        let text = format!(
            "version: 1\nlisten: {{ data: \"127.0.0.1:1\", admin: \"127.0.0.1:2\" }}\ndata: d\ncatalogue: {{ source: store, import: c }}\nstate: {{ postgres: {{ {state} }} }}\n"
        );
        config::parse(&text, Path::new("gatewright.yaml"), Purpose::Check)
    };
    let privacy = |state: &str| match with(state) {
        Ok((ready, warnings)) => match ready.state {
            State::Postgres(postgres) => (postgres.privacy, warnings.len()),
            State::Sqlite => panic!("{state}: no database"),
        },
        Err(faults) => panic!("{state}: {faults:#?}"),
    };
    assert_eq!(privacy("url: \"postgres://g@db.example/g\""), (Privacy::Tls(None), 0));
    assert_eq!(privacy("url: \"postgres://g@127.0.0.1/g\""), (Privacy::Plain, 0));
    assert_eq!(privacy("url: \"postgres://g@db.example/g\", danger_plaintext: true"), (Privacy::Plain, 1));
    let refused = |state: &str| with(state).map(|_| ()).expect_err(state)[0].to_string();
    let told = refused("url: \"postgres://g:hunter2@db.example/g\"");
    assert!(told.contains("credential") && !told.contains("hunter2"), "{told}");
    assert!(refused("url: \"postgres://g@db.example/g\", credential: hunter2").contains("env:NAME"));
    assert!(refused("connections: 4").contains("`url` is missing"));
    assert!(refused("url: \"postgres://g@db.example/g?sslmode=disable\"").contains("sslmode"));

    let (ready, _) = with("url: \"postgres://g@127.0.0.1/g\"").expect("it holds");
    assert_eq!(ready.catalogue, CatalogueFrom::Store { import: Some("c".into()) });
}

#[test]
fn what_is_lent_is_lent_to_one_workload_by_a_header_of_its_own() {
    let with_token = |token: &str, more: &str| {
        format!(
            "issuers: {{ ci: {{ url: \"https://ci.example\", audience: gatewright }} }}\n\
             connections:\n  lab: {{ protocol: openai, url: \"http://10.0.0.5:8000\", trust: internal, call_token: {token} }}\n\
             {more}"
        )
    };
    let tokens = "call_tokens: { issuer: \"https://gateway.example\", lasts: 90s }\n";
    let fine = "{ header: X-Call-Token, workload: { issuer: ci, subject: rag } }";
    let (ready, _) = ready(&with(&with_token(fine, tokens)));
    let token = ready.connections["lab"].call_token.clone().unwrap_or_else(|| panic!("it lends"));
    assert_eq!(token.header.as_ref().map(|name| name.as_str()), Some("x-call-token"));
    assert_eq!((token.audience, &*token.workload.subject), (None, "rag"));
    let lent = ready.call_tokens.unwrap_or_else(|| panic!("something is lent"));
    assert_eq!((lent.issuer.as_str(), lent.lasts.as_secs()), ("https://gateway.example", 90));

    check(&with_token(fine, ""), &["7:"]);
    for header in ["authorization", "Content-Type", "host", "\"a b\"", "x_call", "cookie"] {
        let token = format!("{{ header: {header}, workload: {{ issuer: ci, subject: rag }} }}");
        check(&with_token(&token, tokens), &["7:"]);
    }
    check(&with_token("{ header: x-call-token }", tokens), &["7:"]);
    check(&with_token("{ workload: { issuer: nobody, subject: rag } }", tokens), &["7:"]);
    check(&with_token("{ workload: { issuer: ci } }", tokens), &["7:"]);
    check(&with_token(fine, "call_tokens: { issuer: \"gateway.example\" }\n"), &["8:"]);
    check(&with_token(fine, "call_tokens: { issuer: \"https://gateway.example\", lasts: 16m }\n"), &["8:"]);
    check(
        &format!(
            "{tokens}connections: {{ v: {{ protocol: chroma, url: \"http://10.0.0.5:8000\", trust: internal, call_token: {{ }} }} }}\n"
        ),
        &["6:", "6:"],
    );
}

#[test]
fn a_dataset_lies_at_a_connection_or_in_a_database() {
    let database = "databases: { warehouse: { url: \"postgres://lender@127.0.0.1/warehouse\" } }\n";
    let tokens = "call_tokens: { issuer: \"https://gateway.example\" }\n";
    let fine = format!("{database}{tokens}datasets: {{ rows: {{ database: warehouse, role: readers, tags: [a] }} }}\n");
    let (ready, _) = ready(&with(&fine));
    assert!(ready.databases.contains_key("warehouse") && ready.datasets.contains_key("rows"));
    for (dataset, faults) in [
        ("{ database: warehouse }", 1),
        ("{ role: readers }", 1),
        ("{ database: nowhere, role: readers }", 1),
        ("{ database: warehouse, role: pg_read_all_data }", 1),
        ("{ database: warehouse, role: gwl_x }", 1),
        ("{ database: warehouse, role: readers, collection: x }", 1),
    ] {
        check(&format!("{database}{tokens}datasets: {{ rows: {dataset} }}\n"), &vec!["7:"; faults]);
    }
    check(&format!("{database}datasets: {{ rows: {{ database: warehouse, role: readers }} }}\n"), &["6:"]);
    check(
        &format!(
            "{database}connections: {{ warehouse: {{ protocol: chroma, url: \"http://10.0.0.5:8000\", trust: internal }} }}\n"
        ),
        &["5:"],
    );
}
