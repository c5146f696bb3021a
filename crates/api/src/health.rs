use serde::{Deserialize, Serialize};

/// The answer of `/healthz`: the process is there and answers. It says nothing about whether it can be relied on, so
/// that an orchestrator restarts what hangs and not what waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Always `alive`.
    pub status: String,
    /// The gateway's version.
    pub version: String,
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readiness {
    /// Whether callers should be sent here.
    pub status: State,
    /// Why not; empty when ready.
    pub reasons: Vec<Reason>,
    /// What an operator should know although the gateway is ready: a refused reload, an issuer that cannot be reached
    /// while another can.
    pub notes: Vec<Note>,
}

impl Readiness {
    /// Ready exactly when there is no reason against it.
    pub fn of(reasons: Vec<Reason>, notes: Vec<Note>) -> Self {
        let status = if reasons.is_empty() { State::Ready } else { State::NotReady };
        Self { status, reasons, notes }
    }
}

/// Whether callers should be sent here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Yes.
    Ready,
    /// No.
    NotReady,
}

/// Something that keeps the gateway from being relied on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// For programs.
    pub code: ReasonCode,
    /// For people: one sentence.
    pub message: String,
}

/// What keeps the gateway from being relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// It has not finished starting.
    Starting,
    /// It was told to stop.
    Draining,
    /// Nothing can be recorded, so nothing is disclosed.
    LogBroken,
    /// No issuer's keys are at hand, so nobody can be told apart.
    IssuersUnreachable,
    /// What replicas share cannot be reached, so what people decided is not known.
    StateUnreachable,
    /// No catalogue, so nothing is allowed.
    CatalogueNotLoaded,
}

/// Something worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// One sentence.
    pub message: String,
}
