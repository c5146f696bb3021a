//! A record as an event of the Open Cybersecurity Schema Framework 1.3: class API Activity (6003).

use gatewright_model::{Event, Fate, Moment, Verdict};
use gatewright_store::records::Record;
use serde_json::{Map, Value, json};

use crate::telemetry::told;

const VERSION: &str = "1.3.0";
const CATEGORY: u64 = 6;
const CLASS: u64 = 6_003;
/// None of the framework's activities (create, read, update, delete) is asking a model.
const OTHER: u64 = 99;

/// What a record says in the framework's words, and all of it, unmapped, beside them.
pub(super) fn event(record: &Record) -> Value {
    let mut facts = Facts::default();
    record.leaf.moments.iter().for_each(|moment| facts.hear(moment));
    let names: Vec<&str> = record.leaf.moments.iter().map(|moment| moment.event.name()).collect();
    let first = record.leaf.moments.first().map_or(0, |moment| moment.at.micros() / 1_000);
    let (status_id, status) = facts.outcome.words();
    let mut api = Map::new();
    api.insert(
        "operation".to_owned(),
        json!(facts.operation.unwrap_or_else(|| names.last().copied().unwrap_or("none").to_owned())),
    );
    api.insert("service".to_owned(), json!({ "name": "gatewright" }));
    if let Some(request) = record.leaf.request {
        api.insert("request".to_owned(), json!({ "uid": request.to_string() }));
    }
    let mut event = json!({
        "activity_id": OTHER,
        "activity_name": names.last().copied().unwrap_or("none"),
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "type_uid": CLASS * 100 + OTHER,
        "type_name": "API Activity: Other",
        "severity_id": facts.outcome.severity(),
        "status_id": status_id,
        "status": status,
        "time": first,
        "metadata": {
            "version": VERSION,
            "product": { "name": "Gatewright", "vendor_name": "Gatewright", "version": env!("CARGO_PKG_VERSION") },
            "uid": record.number.to_string(),
        },
        "actor": facts.actor.unwrap_or_else(|| json!({ "app_name": "gatewright" })),
        "api": api,
        "src_endpoint": facts.client.map_or_else(|| json!({ "name": "unknown" }), |ip| json!({ "ip": ip })),
        "unmapped": { "moments": record.leaf.moments.iter().map(told::in_json).collect::<Vec<_>>() },
    });
    if let (Some(code), Value::Object(event)) = (facts.code, &mut event) {
        event.insert("status_code".to_owned(), json!(code));
    }
    event
}

#[derive(Default)]
struct Facts {
    client: Option<String>,
    actor: Option<Value>,
    operation: Option<String>,
    outcome: Outcome,
    code: Option<&'static str>,
}

#[derive(Clone, Copy, Default)]
enum Outcome {
    #[default]
    Unknown,
    Success,
    Failure,
}

impl Outcome {
    const fn words(self) -> (u64, &'static str) {
        match self {
            Self::Unknown => (0, "Unknown"),
            Self::Success => (1, "Success"),
            Self::Failure => (2, "Failure"),
        }
    }

    /// Informational; medium for what was refused or broke.
    const fn severity(self) -> u64 {
        match self {
            Self::Unknown | Self::Success => 1,
            Self::Failure => 3,
        }
    }
}

impl Facts {
    fn hear(&mut self, moment: &Moment) {
        match &moment.event {
            Event::Arrived { client, .. } => self.client = client.as_deref().map(str::to_owned),
            Event::Authenticated { issuer, subject, .. } => {
                self.actor = Some(json!({ "user": { "uid": &**subject, "domain": issuer.as_str() } }));
            }
            Event::Visited { issuer, subject, endpoint, verdict, .. } => {
                self.actor = Some(json!({ "user": { "uid": &**subject, "domain": issuer.as_str() } }));
                self.operation = Some(endpoint.to_string());
                self.outcome = if *verdict == Verdict::Allow { Outcome::Success } else { Outcome::Failure };
            }
            Event::Identified { operation, .. } => self.operation = Some(operation.name().to_owned()),
            Event::Decided { verdict, .. } | Event::Settled { verdict, .. } => {
                self.outcome = match verdict {
                    Verdict::Allow => Outcome::Success,
                    Verdict::Hold => Outcome::Unknown,
                    Verdict::Deny => Outcome::Failure,
                };
            }
            Event::Refused { code, .. } => (self.outcome, self.code) = (Outcome::Failure, Some(code.name())),
            Event::Closed { fate, .. } => {
                self.outcome = match fate {
                    Fate::Ended => Outcome::Success,
                    Fate::ClientLeft | Fate::UpstreamCut | Fate::Drained | Fate::Failed(_) | Fate::Interrupted => {
                        Outcome::Failure
                    }
                };
                if let Fate::Failed(code) = fate {
                    self.code = Some(code.name());
                }
            }
            // What the framework has no words for stands among the unmapped moments.
            _ => {}
        }
    }
}
