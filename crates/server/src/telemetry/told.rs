//! A moment of a story, for programs and for people. Exhaustive: a new event needs words before it compiles.

use gatewright_model::{
    Amounts, BodyRef, DatasetBound, Event, Fate, Grounds, Moment, Parameters, RuleName, RuleRef, Setting, Tally,
    WhySet, to_hex,
};
use serde_json::{Map, Value, json};

fn tallies(tallies: &[Tally]) -> Value {
    let map: Map<String, Value> =
        tallies.iter().map(|tally| (tally.info_type.as_str().to_owned(), json!(tally.count))).collect();
    Value::Object(map)
}

fn rules(rules: &[RuleRef]) -> Value {
    let rule = |rule: &RuleRef| json!({ "name": rule.name.as_str(), "file": &*rule.file, "line": rule.line });
    Value::from(rules.iter().map(rule).collect::<Vec<_>>())
}

fn settings(settings: &[Setting]) -> Value {
    let setting = |setting: &Setting| {
        let why = match setting.why {
            WhySet::Default => "default",
            WhySet::Clamped => "clamped",
        };
        json!({ "parameter": setting.parameter.name(), "value": setting.value.to_string(), "why": why })
    };
    Value::from(settings.iter().map(setting).collect::<Vec<_>>())
}

fn parameters(parameters: &Parameters) -> Value {
    let map: Map<String, Value> =
        parameters.iter().map(|(parameter, value)| (parameter.name().to_owned(), json!(value.to_string()))).collect();
    Value::Object(map)
}

fn grounds(grounds: &Grounds) -> Value {
    let claims: Map<String, Value> =
        grounds.standing.claims.iter().map(|(pointer, value)| (pointer.to_string(), json!(&**value))).collect();
    let names = |rules: &[RuleName]| rules.iter().map(|rule| rule.as_str().to_owned()).collect::<Vec<_>>();
    let dataset = |bound: &DatasetBound| {
        json!({
            "dataset": bound.dataset.as_str(), "rule": rules(std::slice::from_ref(&bound.rule))[0], "top_k": bound.top_k,
            "rows": bound.rows, "vectors": bound.vectors,
            "filter": bound.filter.iter().map(|field| field.to_string()).collect::<Vec<_>>(),
        })
    };
    json!({
        "groups": grounds.standing.groups.iter().map(|group| group.to_string()).collect::<Vec<_>>(),
        "unlisted_groups": grounds.standing.unlisted,
        "claims": claims,
        "matched": names(&grounds.matched),
        "approvals": names(&grounds.approvals),
        "datasets": grounds.datasets.iter().map(dataset).collect::<Vec<_>>(),
        "grants": grounds.grants.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn body(body: &BodyRef) -> Value {
    json!({ "commitment": to_hex(&body.commitment), "length": body.length })
}

fn amounts(amounts: &Amounts) -> Value {
    json!({
        "requests": amounts.requests,
        "tokens": amounts.tokens,
        "cost_micros": amounts.cost_micros,
        "answer_bytes": amounts.answer_bytes,
    })
}

/// A moment as one JSON object: `at`, `event`, and the event's own facts.
pub fn in_json(moment: &Moment) -> Value {
    let mut value = facts(&moment.event);
    if let Value::Object(facts) = &mut value {
        facts.insert("at".to_owned(), json!(moment.at.to_string()));
        facts.insert("event".to_owned(), json!(moment.event.name()));
    }
    value
}

fn facts(event: &Event) -> Value {
    match event {
        Event::Arrived { client, method, path } => {
            json!({ "client": client.as_deref(), "method": method, "path": path })
        }
        Event::Refused { code, param, rule, count } => json!({
            "code": code.name(), "param": param, "rule": rule.as_ref().map(|rule| rule.as_str()), "count": count,
        }),
        Event::Authenticated { issuer, subject, kind } => {
            json!({ "issuer": issuer.as_str(), "subject": &**subject, "kind": kind.name() })
        }
        Event::Identified {
            protocol,
            operation,
            model,
            connection,
            upstream,
            delivery,
            parameters: stated,
            datasets,
        } => json!({
            "protocol": protocol,
            "operation": operation.name(),
            "model": model.as_deref(),
            "connection": connection.as_ref().map(|name| name.as_str()),
            "upstream": upstream.as_deref(),
            "stream": *delivery == gatewright_model::Delivery::Stream,
            "parameters": parameters(stated),
            "datasets": datasets.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        }),
        Event::Examined { found } => json!({ "found": tallies(found) }),
        Event::Decided { verdict, roles, rules: made, settings: set, epoch, catalogue, grounds: on } => json!({
            "decision": verdict.name(),
            "roles": roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
            "rules": rules(made),
            "settings": settings(set),
            "epoch": epoch,
            "catalogue": to_hex(catalogue),
            "grounds": on.as_ref().map(grounds),
        }),
        Event::Held { rule, approval } => json!({ "rule": rule.as_str(), "approval": approval.to_string() }),
        Event::Settled { approval, verdict } => json!({ "approval": approval.to_string(), "decision": verdict.name() }),
        Event::Reviewed { approval, review, issuer, subject } => json!({
            "approval": approval.to_string(), "review": review.name(),
            "issuer": issuer.as_ref().map(|issuer| issuer.as_str()), "subject": subject.as_deref(),
        }),
        Event::Notified { approval, notification, occasion, channel, told, attempts } => json!({
            "approval": approval.to_string(), "notification": notification.to_string(), "occasion": occasion.name(),
            "channel": &**channel, "told": told.name(), "attempts": attempts,
        }),
        Event::Alerted { side, passed } => json!({ "side": side.name(), "passed": tallies(passed) }),
        Event::Noticed { side, rules } => json!({
            "side": side.name(), "rules": rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(),
        }),
        Event::Charged { to, reserved } => json!({
            "to": to.iter().map(|to| &*to.account).collect::<Vec<_>>(),
            "reserved": amounts(reserved),
        }),
        Event::Spent { used } => json!({ "used": amounts(used) }),
        Event::Opened { session, request, masked } => {
            json!({ "session": session.to_string(), "request": body(request), "masked": tallies(masked) })
        }
        Event::Durable { waited } => json!({ "waited_us": waited }),
        Event::Forwarded { attempt } => json!({ "attempt": attempt }),
        Event::FirstByte { status } => json!({ "status": status }),
        Event::Chunk { length } => json!({ "length": length }),
        Event::Closed { fate, status, answer, chunks, masked, usage } => json!({
            "fate": fate.name(),
            "code": match fate { Fate::Failed(code) => Some(code.name()), _ => None },
            "status": status,
            "answer": body(answer),
            "chunks": chunks,
            "masked": tallies(masked),
            "usage": usage.map(|usage| {
                json!({ "input": usage.input, "output": usage.output, "cached": usage.cached })
            }),
        }),
        Event::Reloaded { epoch, configuration, catalogue } => {
            json!({ "epoch": epoch, "configuration": to_hex(configuration), "catalogue": to_hex(catalogue) })
        }
        Event::Granted { grant, issuer, subject, role, until } => json!({
            "grant": grant.to_string(), "issuer": issuer.as_str(), "subject": &**subject, "role": role.as_str(), "until": until.to_string(),
        }),
        Event::Revoked { grant, issuer, subject } => json!({
            "grant": grant.to_string(), "issuer": issuer.as_ref().map(|issuer| issuer.as_str()), "subject": subject.as_deref(),
        }),
        Event::Lapsed { grant } => json!({ "grant": grant.to_string() }),
        Event::Leased { lease, call, kind, step, datasets, issuer, subject, until } => json!({
            "lease": lease.to_string(), "call": call.to_string(), "kind": kind.name(), "step": step.name(),
            "datasets": datasets.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
            "issuer": issuer.as_str(), "subject": &**subject, "until": until.to_string(),
        }),
        Event::RecordRead { issuer, subject, session } => {
            json!({ "issuer": issuer.as_str(), "subject": &**subject, "session": session.to_string() })
        }
        Event::RecordErased { session } => json!({ "session": session.to_string() }),
        Event::Visited { issuer, subject, endpoint, verdict, rules: made } => json!({
            "issuer": issuer.as_str(), "subject": &**subject, "endpoint": endpoint, "decision": verdict.name(),
            "rules": rules(made),
        }),
        Event::Versioned { issuer, subject, version, catalogue, previous } => json!({
            "issuer": issuer.as_str(), "subject": &**subject, "version": version,
            "catalogue": to_hex(catalogue), "previous": to_hex(previous),
        }),
        Event::Shadowed { issuer, subject, candidate } => json!({
            "issuer": issuer.as_str(), "subject": &**subject, "candidate": candidate.as_ref().map(|digest| to_hex(digest)),
        }),
        Event::Doubted { call, about, verdict, authorizer, rules: made, catalogue } => json!({
            "call": call.to_string(), "about": about, "decision": verdict.name(), "authorizer": authorizer.name(),
            "rules": rules(made), "catalogue": to_hex(catalogue),
        }),
        Event::Started { build, configuration, catalogue, recovered, interrupted, log, previous } => json!({
            "build": build,
            "configuration": to_hex(configuration),
            "catalogue": to_hex(catalogue),
            "log": log.as_deref(),
            "previous": previous.as_ref().map(|previous| {
                json!({ "origin": &*previous.origin, "size": previous.size, "root": to_hex(&previous.root) })
            }),
            "recovered": recovered,
            "interrupted": interrupted.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Event::Stopped { leaves } => json!({ "leaves": leaves }),
    }
}

/// A moment as one line for a person: the event's name and its facts, long digests left out.
pub fn in_words(moment: &Moment) -> String {
    let mut line = format!("{:<13}", moment.event.name());
    let Value::Object(facts) = facts(&moment.event) else { return line };
    for (name, value) in facts {
        let text = match &value {
            Value::Null => continue,
            // What a decision was made from is long, and for programs: `policy explain --recorded` reads it.
            Value::Object(_) if name == "grounds" => continue,
            Value::Array(values) if values.is_empty() => continue,
            Value::Object(values) if values.is_empty() || values.contains_key("commitment") => continue,
            Value::String(text) if text.len() == 64 => continue,
            Value::String(text) => text.clone(),
            Value::Array(values) => values.iter().map(short).collect::<Vec<_>>().join(","),
            Value::Object(values) => {
                values.iter().map(|(name, value)| format!("{name}:{}", short(value))).collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        line.push_str(&format!(" {name}={text}"));
    }
    line
}

/// A rule or a setting in a word or two; anything else as it is.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(facts) => match (facts.get("name"), facts.get("parameter"), facts.get("value")) {
            (Some(Value::String(name)), _, _) => match facts.get("line").and_then(Value::as_u64) {
                Some(line) if line > 0 => format!("{name} (line {line})"),
                _ => name.clone(),
            },
            (_, Some(Value::String(parameter)), Some(Value::String(set))) => format!("{parameter}={set}"),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}
