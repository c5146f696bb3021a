//! How a refusal is recorded and said.

use std::time::Duration;

use bytes::Bytes;
use gatewright_model::{Code, Event, Refusal};
use gatewright_protocols::Protocol;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};

use crate::journal::Stage;
use crate::open::{receipt, unrecorded};
use crate::{Gateway, Journal, Outbound, allowances};

impl Gateway {
    /// Records a refusal, then says it. One of a known caller is on disk before it is said; those of strangers are
    /// counted; one of an opened journey has been booked as its outcome, and waits for its record. What is on disk gets a receipt.
    pub(crate) async fn refuse(
        &self,
        refusal: Refusal,
        mut journal: Journal,
        protocol: &'static dyn Protocol,
    ) -> Response<Outbound> {
        let mut refusal = refusal;
        let mut kept = None;
        match journal.stage() {
            Stage::Opened => {
                if let Some(ticket) = journal.ticket() {
                    match ticket.durable().await {
                        Ok(record) => kept = Some(record),
                        Err(broken) => refusal = unrecorded(&broken.into()),
                    }
                }
            }
            Stage::Stranger => {
                self.strangers.count(refusal.code);
                journal.tell(told(&refusal));
                self.audience.hear(journal.request(), &journal.take());
            }
            Stage::Known => {
                journal.tell(told(&refusal));
                let moments = journal.take();
                if self.world().stages.records() {
                    match self.log.note(Some(journal.request()), moments.clone()).await {
                        Ok(record) => kept = Some(record),
                        Err(why) => refusal = unrecorded(&why),
                    }
                }
                self.audience.hear(journal.request(), &moments);
            }
        }
        let mut response = response(&refusal, &journal, protocol);
        if let Some(receipt) = kept.as_ref().and_then(receipt) {
            response.headers_mut().insert("x-gatewright-receipt", receipt);
        }
        response
    }
}

fn told(refusal: &Refusal) -> Event {
    // A field's name may be one that the caller made up, which is text that a person wrote.
    let param = refusal.param.as_deref().filter(|param| {
        param.len() <= 64 && param.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-' | b'.'))
    });
    Event::Refused {
        code: refusal.code,
        param: param.map(|param| param.to_owned().into()),
        rule: refusal.rule.clone(),
        count: 1,
    }
}

/// SDKs wait no longer than this before they try again by themselves.
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);

fn response(refusal: &Refusal, journal: &Journal, protocol: &'static dyn Protocol) -> Response<Outbound> {
    let request = journal.request();
    let words = protocol.refusal(refusal, &request);
    let mut response = Response::new(Outbound::words(Bytes::from(words.body)));
    // INVARIANT: every code's status is a valid one; the golden file holds them.
    *response.status_mut() =
        StatusCode::from_u16(refusal.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(words.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::try_from(request.to_string()) {
        headers.insert("x-gatewright-request-id", id);
    }
    let decision = match refusal.code {
        Code::ApprovalPending | Code::ApprovalDenied | Code::ApprovalExpired | Code::ReasonRequired => "hold",
        _ => "deny",
    };
    headers.insert("x-gatewright-decision", HeaderValue::from_static(decision));
    // SDKs retry some statuses on their own; what will not change by itself soon is not worth a retry.
    let transient = match refusal.code {
        Code::UpstreamFailed | Code::UpstreamTimeout | Code::NotReady => true,
        Code::BudgetExhausted => refusal.retry_after.is_some_and(|wait| wait <= LONGEST_PATIENCE),
        _ => false,
    };
    if !transient {
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    if refusal.code == Code::Unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(wait) = refusal.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    allowances::tell(&refusal.allowances, headers);
    response
}
