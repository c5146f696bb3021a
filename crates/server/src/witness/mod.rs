//! Witnesses (C2SP tlog-witness): the auditor's side, [`Witness`], which cosigns the registers of gateways that it
//! knows, and the gateway's side, [`ask_witnesses`], which has its register cosigned.

mod asking;
mod state;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gatewright_ledger::{AddCheckpoint, Cosigner, NotCosigned, TrustedKey, cosign};
use gatewright_model::Clock;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;

use crate::listen::{Peer, Serve};

pub use asking::ask_witnesses;
pub use state::{State, Unkept};

/// The longest request: a checkpoint with a hundred signatures and the longest proof.
const BODY_LIMIT: usize = 64 << 10;

/// How long a request may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A witness: it remembers the last state of each log that it has cosigned, and cosigns nothing that does not follow on
/// it. It holds no copy of any log and learns nothing of what is recorded.
pub struct Witness {
    key: Cosigner,
    /// The keys that it cosigns for: of a register, or the root key of all registers of a deployment.
    logs: Vec<TrustedKey>,
    // INVARIANT: held from the comparison until the new state is on disk, so that two requests cannot both build on one.
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

impl Witness {
    /// A witness of these logs.
    pub fn new(key: Cosigner, logs: Vec<TrustedKey>, state: State, clock: Arc<dyn Clock>) -> Self {
        Self { key, logs, state: Mutex::new(state), clock }
    }

    /// The key of the log of this name, where it is one that is cosigned for.
    fn log(&self, origin: &str) -> Option<TrustedKey> {
        self.logs.iter().find_map(|key| {
            let below = origin.strip_prefix(key.name())?;
            match below.strip_prefix('/') {
                None => below.is_empty().then(|| key.clone()),
                Some(replica) => (!replica.contains('/')).then(|| key.named(origin).ok()).flatten(),
            }
        })
    }

    /// Decides on a request; the new state is on disk before the line is given.
    fn add_checkpoint(&self, body: &str) -> Result<String, Refused> {
        let request = AddCheckpoint::parse(body).ok_or(Refused::Not(NotCosigned::Malformed))?;
        let origin = request.note.lines().next().unwrap_or_default();
        let log = self.log(origin).ok_or(Refused::Unknown)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, line) =
            cosign(&request, &log, state.seen(origin), &self.key, self.clock.now()).map_err(Refused::Not)?;
        state.keep(origin, seen).map_err(|error| {
            tracing::error!(%error, "what was seen cannot be kept, so nothing is cosigned");
            Refused::Unkept
        })?;
        Ok(line)
    }
}

enum Refused {
    Unknown,
    Not(NotCosigned),
    Unkept,
}

/// The witness's listener.
pub struct WitnessSide(pub Arc<Witness>);

impl Serve for WitnessSide {
    type Body = Full<Bytes>;

    async fn serve(&self, request: Request<Incoming>, _peer: Peer) -> Response<Full<Bytes>> {
        if request.uri().path() != "/add-checkpoint" {
            return words(StatusCode::NOT_FOUND, "A witness answers POST /add-checkpoint alone.\n");
        }
        if request.method() != Method::POST {
            return words(StatusCode::METHOD_NOT_ALLOWED, "A checkpoint is posted.\n");
        }
        let collected = tokio::time::timeout(BODY_TIME, Limited::new(request.into_body(), BODY_LIMIT).collect()).await;
        let Ok(Ok(body)) = collected else {
            return words(StatusCode::BAD_REQUEST, "The request is too long, too slow or cut off.\n");
        };
        let Ok(body) = String::from_utf8(body.to_bytes().to_vec()) else {
            return words(StatusCode::BAD_REQUEST, "The request is not text.\n");
        };
        let witness = Arc::clone(&self.0);
        // It syncs a file.
        match tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await {
            Ok(Ok(line)) => words(StatusCode::OK, &line),
            Ok(Err(refused)) => refuse(&refused),
            Err(_) => words(StatusCode::INTERNAL_SERVER_ERROR, "Something failed that should not.\n"),
        }
    }
}

fn refuse(refused: &Refused) -> Response<Full<Bytes>> {
    match refused {
        Refused::Unknown => words(StatusCode::NOT_FOUND, "This witness does not know the log.\n"),
        Refused::Not(NotCosigned::Malformed) => words(StatusCode::BAD_REQUEST, "The request means nothing.\n"),
        Refused::Not(NotCosigned::Unsigned) => words(StatusCode::FORBIDDEN, "The log's key has not signed it.\n"),
        Refused::Not(NotCosigned::Inconsistent) => {
            words(StatusCode::UNPROCESSABLE_ENTITY, "The proof does not hold: the log has not only grown.\n")
        }
        Refused::Not(NotCosigned::Conflict(size)) => {
            let mut response = words(StatusCode::CONFLICT, &format!("{size}\n"));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/x.tlog.size"));
            response
        }
        Refused::Unkept => words(StatusCode::SERVICE_UNAVAILABLE, "What was seen cannot be kept.\n"),
    }
}

fn words(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
