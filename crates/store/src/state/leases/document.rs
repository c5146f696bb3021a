//! What of a lease no query asks for, as one text in its row. Version 1; what it said once is read for ever.

use std::sync::Arc;

use gatewright_model::{ConnectionName, DatasetName, Identity, IssuerName, Kind, Timestamp, from_hex, to_hex};
use serde::{Deserialize, Serialize};

use super::{Lease, Lent, OnBehalf};
use crate::state::StateError;
use crate::state::approvals::Party;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    datasets: Vec<String>,
    issuer: String,
    subject: String,
    lent: WrittenLent,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum WrittenLent {
    Token(Box<WrittenCaller>),
    Postgresql { database: String, role: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCaller {
    issuer: String,
    subject: String,
    workload: bool,
    groups: Vec<String>,
    claims: Vec<(String, String)>,
    expires_us: u64,
    digest: String,
    connection: String,
}

impl Lease {
    pub(in crate::state) fn document(&self) -> Result<String, StateError> {
        let lent = match &self.lent {
            Lent::Token(behalf) => WrittenLent::Token(Box::new(caller(behalf))),
            Lent::Postgresql { database, role } => {
                WrittenLent::Postgresql { database: database.to_string(), role: role.to_string() }
            }
        };
        let document = Document {
            version: 1,
            datasets: self.datasets.iter().map(|name| name.as_str().to_owned()).collect(),
            issuer: self.workload.issuer.as_str().to_owned(),
            subject: self.workload.subject.to_string(),
            lent,
        };
        serde_json::to_string(&document).map_err(StateError::fault)
    }
}

/// What a row's document says.
pub(in crate::state) fn read(text: &str) -> Result<(Vec<DatasetName>, Party, Lent), StateError> {
    // Not the error's own words: they may repeat a claim.
    let unread = || StateError::fault("a lease's document cannot be read");
    let document: Document = serde_json::from_str(text).map_err(|_| unread())?;
    if document.version != 1 {
        return Err(StateError::fault("a lease's document is of a newer gateway"));
    }
    let lent = match document.lent {
        WrittenLent::Token(written) => Lent::Token(Box::new(behalf(*written).ok_or_else(unread)?)),
        WrittenLent::Postgresql { database, role } => Lent::Postgresql { database: database.into(), role: role.into() },
    };
    let workload = Party { issuer: IssuerName::new(document.issuer), subject: document.subject.into() };
    Ok((document.datasets.into_iter().map(DatasetName::new).collect(), workload, lent))
}

fn caller(behalf: &OnBehalf) -> WrittenCaller {
    let Identity { issuer, subject, kind, groups, claims, expires } = &behalf.caller;
    WrittenCaller {
        issuer: issuer.as_str().to_owned(),
        subject: subject.to_string(),
        workload: *kind == Kind::Workload,
        groups: groups.iter().map(ToString::to_string).collect(),
        claims: claims.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        expires_us: expires.micros(),
        digest: to_hex(&behalf.digest),
        connection: behalf.connection.as_str().to_owned(),
    }
}

fn behalf(written: WrittenCaller) -> Option<OnBehalf> {
    let digest = from_hex(&written.digest)?.try_into().ok()?;
    let caller = Identity {
        issuer: IssuerName::new(written.issuer),
        subject: written.subject.into(),
        kind: if written.workload { Kind::Workload } else { Kind::Person },
        groups: written.groups.into_iter().map(Arc::from).collect(),
        claims: written.claims.into_iter().map(|(name, value)| (Arc::from(name), Arc::from(value))).collect(),
        expires: Timestamp::from_micros(written.expires_us),
    };
    Some(OnBehalf { caller, digest, connection: ConnectionName::new(written.connection) })
}
