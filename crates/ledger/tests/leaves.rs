//! Leaves are frozen: what was written once is read for ever, byte for byte, and nothing else is taken for a leaf.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::borrow::Cow;
use std::path::Path;

use gatewright_ledger::{LEAF_LIMIT, Leaf, LeafKind, Malformed};
use gatewright_model::{
    Amounts, ApprovalId, BodyRef, ChargedTo, Code, DatasetBound, Delivery, Event, Fate, GrantId, Grounds, InfoType,
    Kind, LeaseId, LeaseKind, LeaseStep, Moment, NotificationId, Occasion, Operation, Parameter, Parameters,
    Predecessor, Quantity, RequestId, Review, RuleRef, SessionId, Setting, Side, Standing, Tally, Timestamp, Told,
    Usage, Verdict, WhySet, from_hex, to_hex,
};
use proptest::prelude::*;

fn tally() -> Vec<Tally> {
    vec![Tally { info_type: InfoType::new("EMAIL_ADDRESS").unwrap(), count: 3 }]
}

fn body(byte: u8) -> BodyRef {
    BodyRef { commitment: [byte; 32], length: 1_234 }
}

fn parameters() -> Parameters {
    let mut parameters = Parameters::new();
    parameters.set(Parameter::MaxTokens, Quantity::whole(256).unwrap());
    parameters.set(Parameter::Temperature, Quantity::parse("0.33333333").unwrap());
    parameters.set(Parameter::Seed, Quantity::parse("-7").unwrap());
    parameters
}

/// Every event once, with every field filled where it can be absent.
fn events() -> Vec<Event> {
    vec![
        Event::Arrived {
            client: Some("203.0.113.9".into()),
            method: "POST".into(),
            path: "/v1/chat/completions".into(),
        },
        Event::Refused { code: Code::PermissionDenied, param: Some("model".into()), rule: Some("no".into()), count: 1 },
        Event::Authenticated { issuer: "corp".into(), subject: "alice".into(), kind: Kind::Person },
        Event::Identified {
            protocol: Cow::Borrowed("openai"),
            operation: Operation::Chat,
            model: Some("sales-forecast".into()),
            connection: Some("lab".into()),
            upstream: Some("llama-3".into()),
            delivery: Delivery::Stream,
            parameters: parameters(),
            datasets: vec!["public-docs".into()],
        },
        Event::Examined { found: tally() },
        Event::Decided {
            verdict: Verdict::Allow,
            roles: vec!["data-analyst".into()],
            rules: vec![RuleRef { name: "grant-1".into(), file: "catalogue.yaml".into(), line: 14 }],
            settings: vec![Setting {
                parameter: Parameter::MaxTokens,
                value: Quantity::whole(512).unwrap(),
                why: WhySet::Clamped,
            }],
            epoch: 7,
            catalogue: [4; 32],
            grounds: None,
        },
        Event::Held { rule: "bulk-export".into(), approval: ApprovalId::from_bytes([5; 16]) },
        Event::Settled { approval: ApprovalId::from_bytes([5; 16]), verdict: Verdict::Deny },
        Event::Reviewed {
            approval: ApprovalId::from_bytes([5; 16]),
            review: Review::OriginalSeen,
            issuer: Some("corp".into()),
            subject: Some("carol".into()),
        },
        Event::Notified {
            approval: ApprovalId::from_bytes([5; 16]),
            notification: NotificationId::from_bytes([7; 16]),
            occasion: Occasion::Asked,
            channel: "on-call".into(),
            told: Told::Delivered,
            attempts: 2,
        },
        Event::Alerted { side: Side::Request, passed: tally() },
        Event::Noticed { side: Side::Answer, rules: vec!["launch-codes".into()] },
        Event::Charged {
            to: vec![ChargedTo {
                account: "analyst/budget-1 per day".into(),
                until: Timestamp::from_seconds(1_800_000_000),
            }],
            reserved: Amounts { requests: 1, tokens: 700, cost_micros: 4_321, answer_bytes: 0 },
        },
        Event::Spent { used: Amounts { requests: 1, tokens: 151, cost_micros: 1_234, answer_bytes: 2_345 } },
        Event::Opened { session: SessionId::from_bytes([6; 16]), request: body(1), masked: tally() },
        Event::Durable { waited: 240 },
        Event::Forwarded { attempt: 1 },
        Event::FirstByte { status: 200 },
        Event::Chunk { length: 77 },
        Event::Closed {
            fate: Fate::Failed(Code::UpstreamFailed),
            status: 502,
            answer: body(2),
            chunks: 12,
            masked: tally(),
            usage: Some(Usage { input: 31, output: 120, cached: 0 }),
        },
        Event::Reloaded { epoch: 8, configuration: [7; 32], catalogue: [8; 32] },
        Event::Granted {
            grant: GrantId::from_bytes([9; 16]),
            issuer: "corp".into(),
            subject: "bob".into(),
            role: "batch-job".into(),
            until: Timestamp::from_seconds(1_800_000_000),
        },
        Event::Revoked { grant: GrantId::from_bytes([9; 16]), issuer: None, subject: None },
        Event::Lapsed { grant: GrantId::from_bytes([9; 16]) },
        Event::Leased {
            lease: LeaseId::from_bytes([11; 16]),
            call: RequestId::from_bytes([12; 16]),
            kind: LeaseKind::Postgresql,
            step: LeaseStep::Issued,
            datasets: vec!["sales-rows".into()],
            issuer: "ci".into(),
            subject: "rag-server".into(),
            until: Timestamp::from_seconds(1_800_000_000),
        },
        Event::RecordRead { issuer: "corp".into(), subject: "carol".into(), session: SessionId::from_bytes([6; 16]) },
        Event::RecordErased { session: SessionId::from_bytes([6; 16]) },
        Event::Visited {
            issuer: "corp".into(),
            subject: "carol".into(),
            endpoint: "approvals.show".into(),
            verdict: Verdict::Allow,
            rules: vec![RuleRef { name: "audit-viewer/admin".into(), file: "catalogue.yaml".into(), line: 12 }],
        },
        Event::Versioned {
            issuer: "corp".into(),
            subject: "carol".into(),
            version: 7,
            catalogue: [8; 32],
            previous: [4; 32],
        },
        Event::Shadowed { issuer: "corp".into(), subject: "carol".into(), candidate: Some([9; 32]) },
        Event::Doubted {
            call: RequestId::from_bytes([3; 16]),
            about: "verdict".into(),
            verdict: Verdict::Allow,
            authorizer: Verdict::Deny,
            rules: vec![RuleRef { name: "analyst/grant-1".into(), file: "catalogue.yaml".into(), line: 12 }],
            catalogue: [4; 32],
        },
        Event::Started {
            build: "0.1.0".into(),
            configuration: [7; 32],
            catalogue: [8; 32],
            recovered: 512,
            interrupted: vec![RequestId::from_bytes([3; 16])],
            log: None,
            previous: None,
        },
        Event::Stopped { leaves: 1_000_000 },
    ]
}

/// The decision as releases record it that keep what it was made from; without that, it is the older form.
fn decided_on_grounds() -> Event {
    let rule = RuleRef { name: "agent/tickets".into(), file: "catalogue.yaml".into(), line: 20 };
    let bound = DatasetBound {
        dataset: "tickets".into(),
        rule: rule.clone(),
        top_k: Some(5),
        rows: None,
        vectors: false,
        filter: vec!["region".into()],
    };
    let standing = Standing {
        groups: ["agents".into(), "staff".into()].into(),
        unlisted: 3,
        claims: [("/region".into(), "emea".into())].into(),
    };
    Event::Decided {
        verdict: Verdict::Allow,
        roles: vec!["agent".into()],
        rules: vec![rule],
        settings: Vec::new(),
        epoch: 7,
        catalogue: [4; 32],
        grounds: Some(Grounds {
            standing,
            matched: vec!["bulk-export".into()],
            approvals: vec!["bulk-export".into()],
            datasets: vec![bound],
            grants: Vec::new(),
        }),
    }
}

/// The decision of a call that stands on a role for a time.
fn decided_by_grant() -> Event {
    let grants = vec![GrantId::from_bytes([9; 16])];
    match decided_on_grounds() {
        Event::Decided { verdict, roles, rules, settings, epoch, catalogue, grounds } => {
            let grounds = grounds.map(|grounds| Grounds { grants, ..grounds });
            Event::Decided { verdict, roles, rules, settings, epoch, catalogue, grounds }
        }
        other => other,
    }
}

/// A revocation as releases record it that say whose it is.
fn revoked_by_somebody() -> Event {
    Event::Revoked { grant: GrantId::from_bytes([9; 16]), issuer: Some("corp".into()), subject: Some("carol".into()) }
}

/// A start as releases record it that write a log of their own for each.
fn started_after_another() -> Event {
    Event::Started {
        build: "0.1.0".into(),
        configuration: [7; 32],
        catalogue: [8; 32],
        recovered: 512,
        interrupted: vec![RequestId::from_bytes([3; 16])],
        log: Some("gatewright.log/0011/22/8".into()),
        previous: Some(Predecessor { origin: "gatewright.log/0011/22/7".into(), size: 99, root: [6; 32] }),
    }
}

/// One leaf for each event, and the shapes that these do not have: absent fields, fates, kinds.
fn leaves() -> Vec<(String, Leaf)> {
    let at = Timestamp::from_micros(1_795_307_400_250_000);
    let leaf =
        |kind, event| Leaf { kind, request: Some(RequestId::from_bytes([3; 16])), moments: vec![Moment { at, event }] };
    let mut leaves: Vec<_> =
        events().into_iter().map(|event| (event.name().to_owned(), leaf(LeafKind::Note, event))).collect();
    for fate in [Fate::Ended, Fate::ClientLeft, Fate::UpstreamCut, Fate::Drained, Fate::Interrupted] {
        let closed = Event::Closed { fate, status: 0, answer: body(0), chunks: 0, masked: Vec::new(), usage: None };
        leaves.push((format!("closed-{}", fate.name()), leaf(LeafKind::Outcome, closed)));
    }
    let cached = Event::Closed {
        fate: Fate::Ended,
        status: 200,
        answer: body(0),
        chunks: 0,
        masked: Vec::new(),
        usage: Some(Usage { input: 31, output: 120, cached: 24 }),
    };
    leaves.push(("closed-cached".to_owned(), leaf(LeafKind::Outcome, cached)));
    let absent = Event::Identified {
        protocol: Cow::Borrowed("openai"),
        operation: Operation::ListModels,
        model: None,
        connection: None,
        upstream: None,
        delivery: Delivery::Whole,
        parameters: Parameters::new(),
        datasets: Vec::new(),
    };
    leaves.push(("identified-absent".to_owned(), leaf(LeafKind::Intent, absent)));
    leaves.push(("decided-grounds".to_owned(), leaf(LeafKind::Intent, decided_on_grounds())));
    leaves.push(("decided-by-grant".to_owned(), leaf(LeafKind::Intent, decided_by_grant())));
    leaves.push(("revoked-by-somebody".to_owned(), leaf(LeafKind::Note, revoked_by_somebody())));
    let ended = Event::Shadowed { issuer: "corp".into(), subject: "carol".into(), candidate: None };
    leaves.push(("shadowed-no-more".to_owned(), leaf(LeafKind::Note, ended)));
    leaves.push(("started-after-another".to_owned(), leaf(LeafKind::Note, started_after_another())));
    leaves.push(("no-request".to_owned(), Leaf { kind: LeafKind::Note, request: None, moments: Vec::new() }));
    leaves
}

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(name)
}

#[test]
fn the_golden_leaves_are_read_and_written_as_ever() {
    let written: String =
        leaves().iter().map(|(name, leaf)| format!("{name} {}\n", to_hex(&leaf.encode().unwrap()))).collect();
    let frozen = std::fs::read_to_string(golden("leaves.cbor.hex")).unwrap();
    let frozen: String = frozen.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    assert_eq!(frozen, written, "a released encoding never changes; a field that is added stands last and may lack");
    for (line, (_, leaf)) in frozen.lines().zip(leaves()) {
        let (_, hex) = line.split_once(' ').unwrap();
        assert_eq!(Leaf::decode(&from_hex(hex).unwrap()).unwrap(), leaf, "{line}");
    }
}

#[test]
fn every_event_has_a_golden_leaf() {
    let names = std::fs::read_to_string(golden("events.txt")).unwrap();
    let names: Vec<_> = names.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let covered: Vec<_> = events().iter().map(Event::name).collect();
    assert_eq!(covered, names);
}

#[test]
fn no_changed_byte_gives_the_same_leaf_and_no_cut_one_gives_any() {
    for (name, leaf) in leaves() {
        let bytes = leaf.encode().unwrap();
        for at in 0..bytes.len() {
            assert!(Leaf::decode(&bytes[..at]).is_err(), "{name} cut at {at}");
            for value in [0x00, 0x18, 0x1b, 0x5f, 0x9f, 0xf6, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x80] {
                let mut changed = bytes.clone();
                changed[at] = value;
                if changed != bytes {
                    assert_ne!(Leaf::decode(&changed).as_ref(), Ok(&leaf), "{name} with {value:#x} at {at}");
                }
            }
        }
        let trailing = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Leaf::decode(&trailing), Err(Malformed::Trailing), "{name}");
    }
}

#[test]
fn other_versions_and_too_long_leaves_are_refused() {
    let mut bytes = leaves()[0].1.encode().unwrap();
    assert_eq!(bytes[1], 1, "the version is the second byte");
    bytes[1] = 2;
    assert_eq!(Leaf::decode(&bytes), Err(Malformed::Version));
    assert!(Leaf::decode(&vec![0; LEAF_LIMIT + 1]).is_err());

    let at = Timestamp::from_seconds(1);
    let long = Event::Arrived { client: None, method: "GET".into(), path: "p".repeat(LEAF_LIMIT).into() };
    let leaf = Leaf { kind: LeafKind::Note, request: None, moments: vec![Moment { at, event: long }] };
    assert!(leaf.encode().unwrap_err().length > LEAF_LIMIT);
}

#[test]
fn an_outcome_always_fits() {
    let at = Timestamp::from_seconds(1);
    let long = Event::Arrived { client: None, method: "GET".into(), path: "p".repeat(LEAF_LIMIT).into() };
    let masked: Vec<Tally> = (0..5_000)
        .map(|number| Tally { info_type: InfoType::new(&format!("TYPE_{number}")).unwrap(), count: number })
        .collect();
    let closed = Event::Closed { fate: Fate::Ended, status: 200, answer: body(1), chunks: 3, masked, usage: None };
    let moments = vec![Moment { at, event: long }, Moment { at, event: closed }];
    let leaf = Leaf { kind: LeafKind::Outcome, request: Some(RequestId::from_bytes([1; 16])), moments };
    let bytes = leaf.encode_shortened();
    assert!(bytes.len() <= LEAF_LIMIT);
    let kept = Leaf::decode(&bytes).unwrap();
    assert!(matches!(kept.moments[..], [Moment { event: Event::Closed { fate: Fate::Ended, chunks: 3, .. }, .. }]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_refused_or_canonical(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(leaf) = Leaf::decode(&bytes) {
            prop_assert_eq!(leaf.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn mangled_leaves_are_refused_or_canonical(
        which in 0..leaves().len(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = leaves()[which].1.encode().unwrap();
        for (at, value) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(leaf) = Leaf::decode(&bytes) {
            prop_assert_eq!(leaf.encode().unwrap(), bytes);
        }
    }
}

#[test]
#[ignore = "prints what the golden file holds, for a new version"]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn print_the_golden_leaves() {
    for (name, leaf) in leaves() {
        println!("{name} {}", to_hex(&leaf.encode().unwrap()));
    }
}
