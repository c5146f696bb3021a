//! What a server's answer makes or ends is booked before anybody is shown it; lists are made of what is booked.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gatewright_json::{Limits, Object, Value, parse, to_bytes};
use gatewright_model::{Code, Delivery, Refusal, StoredKind};
use gatewright_protocols::{Fault, StoredEffect};
use gatewright_store::state::{Booked, Page, Thing};
use gatewright_upstream::AnswerBody;
use http::StatusCode;

use crate::forward::{Body, Head, Source, refused};
use crate::kept::{Kept, unkept};
use crate::{Gateway, Recording, Reply, Request};

/// The longest beginning of a stream that is read before anything of it is told.
const LONGEST_BEGINNING: usize = 8 << 20;

/// The longest description of one thing of a list.
const LONGEST_DESCRIPTION: usize = 1 << 20;

/// Things that a list may find gone at their server before it gives up.
const MOST_GONE: usize = 100;

impl Gateway {
    /// Books what an answer makes for the caller, and strikes off what it ended.
    pub(crate) async fn book(&self, reply: Reply, recording: &Recording) -> Result<Reply, Refusal> {
        let request = recording.request();
        let Some(kept) = request.kept() else { return Ok(reply) };
        match (reply.0, kept.effect) {
            (Source::Upstream(answer, body), StoredEffect::Makes) if answer.status.is_success() => {
                // Rare and large: it must not make every call's future as large.
                Box::pin(self.book_made(answer, body, request, kept)).await
            }
            (Source::Upstream(answer, body), StoredEffect::Ends) => {
                let over = answer.status.is_success() || answer.status == StatusCode::NOT_FOUND;
                if let (true, Some(thing)) = (over, kept.named.first()) {
                    self.strike(thing).await;
                }
                Ok(Reply(Source::Upstream(answer, body)))
            }
            (source, _) => Ok(Reply(source)),
        }
    }

    /// A thing that stays in the books though it is gone opens nothing.
    async fn strike(&self, thing: &Thing) {
        if let Err(why) = self.owned.strike(thing.connection.clone(), Arc::clone(&thing.id)).await {
            tracing::warn!(%why, "a thing that is gone could not be struck off");
        }
    }

    async fn book_made(&self, answer: Head, body: Body, request: &Request, kept: &Kept) -> Result<Reply, Refusal> {
        let (protocol, route) = (request.protocol(), request.route());
        let Body::Coming(first, mut rest) = body else {
            return Err(Refusal::new(Code::UpstreamFailed, "The model server's answer could not be read."));
        };
        let mut read = BytesMut::from(&first[..]);
        if request.delivery() == Delivery::Stream {
            let made = loop {
                match protocol.made_in_stream(route, &read).map_err(Fault::refusal)? {
                    Some(made) => break made,
                    None if more(&mut rest, &mut read, LONGEST_BEGINNING).await? => {}
                    None => return Err(Fault::Malformed.refusal()),
                }
            };
            self.write_down(&made, kept).await?;
            return Ok(Reply(Source::Upstream(answer, Body::Coming(read.freeze(), rest))));
        }
        let most = request.world().limits.answer;
        let read = whole(rest, read, most).await?;
        let made = protocol.made(route, &read).map_err(Fault::refusal)?;
        self.write_down(&made, kept).await?;
        Ok(Reply(Source::Upstream(answer, Body::Read(read))))
    }

    /// Books things for the caller. What is somebody else's already is an answer that must not be shown.
    async fn write_down(&self, made: &[(StoredKind, String)], kept: &Kept) -> Result<(), Refusal> {
        let now = self.clock.now();
        let things: Vec<Thing> = made
            .iter()
            .map(|(kind, id)| Thing {
                connection: kept.connection.clone(),
                id: id.as_str().into(),
                kind: *kind,
                made: now,
                note: Arc::clone(&kept.note),
            })
            .collect();
        if things.is_empty() {
            return Ok(());
        }
        match self.owned.book(kept.owner.clone(), things).await.map_err(|why| unkept(&why))? {
            Booked::Yours => Ok(()),
            Booked::Taken => {
                Err(Refusal::new(Code::UpstreamFailed, "The model server answered with what is not yours."))
            }
        }
    }

    /// Makes a list of the caller's things: which they are is asked of the books, and what they are of their server, one
    /// by one, so that nothing of another's is even read.
    pub(crate) async fn gather(&self, request: &Request, page: &Page) -> Result<Bytes, Refusal> {
        let Some(kept) = request.kept() else { return Ok(Bytes::new()) };
        let (wanted, begin) = (page.limit, page.after.clone());
        let mut page = Page { limit: page.limit + 1, ..page.clone() };
        let (mut shown, mut more) = (Vec::<Value>::new(), false);
        let mut gone = 0;
        'pages: loop {
            let things = self.owned.list(kept.owner.clone(), page.clone()).await.map_err(|why| unkept(&why))?;
            let last = things.len() < page.limit;
            for thing in things {
                if shown.len() == wanted {
                    more = true;
                    break 'pages;
                }
                match self.described(request, &thing).await? {
                    Some(value) => shown.push(value),
                    None => {
                        gone += 1;
                        self.strike(&thing).await;
                    }
                }
            }
            if last || gone >= MOST_GONE {
                break;
            }
            // What was struck off is no place to go on from: the list goes on behind the last thing that is there.
            page.after =
                shown.last().and_then(|value| value.get("id")?.as_str()).map(Arc::from).or_else(|| begin.clone());
        }
        let id = |value: Option<&Value>| value.and_then(|value| value.get("id")).cloned().unwrap_or(Value::Null);
        let (first, end) = (id(shown.first()), id(shown.last()));
        let list = Object::from_iter([
            ("object", Value::from("list")),
            ("data", shown.into()),
            ("first_id", first),
            ("last_id", end),
            ("has_more", Value::Bool(more)),
        ]);
        let list = Bytes::from(to_bytes(&list.into()));
        // What a list tells of for the first time is the caller's as well: a batch's results.
        let made = request.protocol().made(request.route(), &list).map_err(Fault::refusal)?;
        self.write_down(&made, kept).await?;
        Ok(list)
    }

    /// What a server says of one of the caller's things; `None` where the server does not have it any more.
    async fn described(&self, request: &Request, thing: &Thing) -> Result<Option<Value>, Refusal> {
        let Some(path) = request.protocol().stored_path(thing.kind, &thing.id) else { return Ok(None) };
        let answer = self.ask_about(request, path).await?;
        let malformed = || Fault::Malformed.refusal();
        match answer.status {
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::OK if answer.encoding.is_none() => {}
            _ => return Err(Refusal::new(Code::UpstreamFailed, "The model server refused or failed.")),
        }
        let read = whole(answer.body, BytesMut::new(), LONGEST_DESCRIPTION).await?;
        let limits = Limits { bytes: LONGEST_DESCRIPTION, ..Limits::default() };
        let value = parse(&read, &limits).map_err(|_| malformed())?;
        // It must speak of what it was asked for.
        match value.get("id").and_then(Value::as_str) {
            Some(id) if id == &*thing.id => Ok(Some(value)),
            Some(_) | None => Err(malformed()),
        }
    }
}

/// Reads the next piece of an answer behind what was read; whether there was one.
async fn more(rest: &mut AnswerBody, read: &mut BytesMut, most: usize) -> Result<bool, Refusal> {
    let Some(piece) = rest.piece().await else { return Ok(false) };
    let piece = piece.map_err(|failure| refused(&failure))?;
    if read.len() + piece.len() > most {
        return Err(Fault::TooLarge.refusal());
    }
    read.extend_from_slice(&piece);
    Ok(true)
}

async fn whole(mut rest: AnswerBody, mut read: BytesMut, most: usize) -> Result<Bytes, Refusal> {
    while more(&mut rest, &mut read, most).await? {}
    Ok(read.freeze())
}
