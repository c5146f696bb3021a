use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use gatewright_masking::PseudonymKey;
use gatewright_model::{Clock, Entropy, Event, Refusal, RequestId};
use gatewright_store::log::{Log, Unrecorded};
use gatewright_store::quotas::Quotas;
use gatewright_store::state::Owned;
use http::{Method, request};

use crate::authenticate::authenticate;
use crate::collections::Collections;
use crate::decide::decide;
use crate::examine::examine;
use crate::hold::{Holds, give_back};
use crate::identify::{identify, is_claimed, protocol_of};
use crate::journal::Stage;
use crate::settle::settle;
use crate::{
    Arrival, Audience, Decided, Departure, Drain, Inbound, Journal, Lending, Outbound, Permit, Recording, SecondLook,
    Strangers, Threads, World, mask,
};

/// The gateway: what every journey shares.
pub struct Gateway {
    world: ArcSwap<World>,
    pub(crate) log: Log,
    pub(crate) threads: Threads,
    pub(crate) strangers: Strangers,
    pub(crate) audience: Arc<dyn Audience>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) pseudonyms: Arc<PseudonymKey>,
    pub(crate) collections: Collections,
    pub(crate) quotas: Arc<dyn Quotas>,
    pub(crate) owned: Arc<dyn Owned>,
    pub(crate) holds: Option<Arc<Holds>>,
    pub(crate) lending: Option<Arc<Lending>>,
    pub(crate) second_look: Option<Arc<SecondLook>>,
}

/// What a gateway is made of.
pub struct Parts {
    /// The first world.
    pub world: World,
    /// The recorder.
    pub log: Log,
    /// Which conversation a call continues.
    pub threads: Threads,
    /// Who hears how journeys went.
    pub audience: Arc<dyn Audience>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Where budgets are counted.
    pub quotas: Arc<dyn Quotas>,
    /// Whose the things are that model servers keep.
    pub owned: Arc<dyn Owned>,
    /// Where people lift holds; `None`: nowhere, so a hold is a denial.
    pub holds: Option<Arc<Holds>>,
    /// What model servers are lent for the length of a call; `None`: nothing.
    pub lending: Option<Arc<Lending>>,
    /// Who looks at decisions a second time; `None`: nobody.
    pub second_look: Option<Arc<SecondLook>>,
    /// The key of pseudonyms: the same key, the same pseudonyms.
    pub pseudonym_key: [u8; 32],
}

impl Gateway {
    /// A gateway of these parts.
    pub fn new(parts: Parts) -> Self {
        Self {
            world: ArcSwap::from_pointee(parts.world),
            log: parts.log,
            threads: parts.threads,
            strangers: Strangers::default(),
            audience: parts.audience,
            clock: parts.clock,
            entropy: parts.entropy,
            pseudonyms: Arc::new(PseudonymKey::new(&parts.pseudonym_key)),
            collections: Collections::new(&parts.pseudonym_key),
            quotas: parts.quotas,
            owned: parts.owned,
            holds: parts.holds,
            lending: parts.lending,
            second_look: parts.second_look,
        }
    }

    /// The present world.
    pub fn world(&self) -> Arc<World> {
        self.world.load_full()
    }

    /// Puts a new world in the old one's place; journeys under way end in the one that they began in.
    pub fn replace_world(&self, world: World) {
        self.world.store(Arc::new(world));
    }

    /// Tells the log of the strangers refused since the last time, without an fsync of its own.
    pub fn tell_strangers(&self) -> Result<(), Unrecorded> {
        let moments = self.strangers.tell(self.clock.now());
        if moments.is_empty() { Ok(()) } else { self.log.note_lazily(None, moments) }
    }

    /// Serves one request.
    pub async fn serve(
        &self,
        head: request::Parts,
        body: Inbound,
        peer: SocketAddr,
        drain: &Drain,
    ) -> http::Response<Outbound> {
        let world = self.world.load_full();
        let request = RequestId::new(self.clock.now(), &*self.entropy);
        let mut journal = Journal::new(request, Arc::clone(&self.clock));
        let protocol = protocol_of(head.uri.path());
        let arrived = match Arrival::admit(head, body, peer, &world.proxies) {
            Ok(arrival) if self.lends_at(arrival.path()) => return self.lend_at(arrival).await,
            Ok(arrival) => self.journey(&world, arrival, &mut journal, drain).await,
            Err(refusal) => Err(refusal),
        };
        match arrived {
            Ok(departure) => departure.into_response(),
            Err(refusal) => self.refuse(refusal, journal, protocol).await,
        }
    }

    /// The journey, from top to bottom.
    async fn journey(
        &self,
        world: &Arc<World>,
        mut arrival: Arrival,
        journal: &mut Journal,
        drain: &Drain,
    ) -> Result<Departure, Refusal> {
        journal.tell(arrived(world, &arrival));
        let caller = authenticate(self, world, &arrival, journal).await?;
        let caller = journal.note(caller);
        journal.reached(Stage::Known);
        let call = journal.note(identify(self, world, caller, &mut arrival).await?);
        let known = journal.note(examine(call, self.holds.as_deref()));
        let decided = self.decided(decide(known, Vec::new(), journal.now()), journal);
        let permit = settle(self, decided, arrival, journal).await?;
        let mut recording = self.recorded(permit, journal, drain).await?;
        let reply = match self.forward(&mut recording).await {
            Ok(reply) => reply,
            Err(refusal) => return Err(recording.failed(refusal)),
        };
        let reply = match self.book(reply, &recording).await {
            Ok(reply) => reply,
            Err(refusal) => return Err(recording.failed(refusal)),
        };
        let masked = match mask::reply(reply, &recording).await {
            Ok(masked) => masked,
            Err(refusal) => return Err(recording.failed(refusal)),
        };
        recording.follow(masked).await
    }

    /// Tells of a decision, and lets those know who look at some a second time.
    pub(crate) fn decided(&self, decided: Decided, journal: &mut Journal) -> Decided {
        if let Some(second_look) = &self.second_look {
            second_look.look(journal.request(), &decided);
        }
        let decided = journal.note(decided);
        if let Some(noticed) = decided.noticed() {
            journal.tell(noticed);
        }
        decided
    }
}

impl Gateway {
    /// Masks a permitted call, reserves what it needs and opens its record. A call that is refused here has used nothing
    /// of what people approved: the use goes back.
    async fn recorded(&self, permit: Permit, journal: &mut Journal, drain: &Drain) -> Result<Recording, Refusal> {
        let taken = permit.taken().to_vec();
        let recording = self.open_masked(permit, journal, drain).await;
        if recording.is_err()
            && !taken.is_empty()
            && let Some(holds) = &self.holds
        {
            Box::pin(give_back(self, holds, taken, journal)).await;
        }
        recording
    }

    async fn open_masked(&self, permit: Permit, journal: &mut Journal, drain: &Drain) -> Result<Recording, Refusal> {
        let mut request = mask::request(permit, journal.request(), &self.pseudonyms)?;
        self.reserve(&mut request, journal.now()).await?;
        if let Some(charged) = request.charged() {
            journal.tell(charged);
        }
        if let Some(alerted) = request.alerted() {
            journal.tell(alerted);
        }
        self.lend(&mut request, journal).await?;
        self.open(journal, drain, request).await
    }
}

/// The longest path that is recorded of a route that nobody knows.
const SHOWN_PATH: usize = 128;

fn arrived(world: &World, arrival: &Arrival) -> Event {
    let method = match *arrival.method() {
        Method::GET => Cow::Borrowed("GET"),
        Method::POST => Cow::Borrowed("POST"),
        Method::DELETE => Cow::Borrowed("DELETE"),
        Method::PUT => Cow::Borrowed("PUT"),
        Method::HEAD => Cow::Borrowed("HEAD"),
        Method::OPTIONS => Cow::Borrowed("OPTIONS"),
        // A method that is none of these is text that somebody made up.
        _ => Cow::Borrowed("OTHER"),
    };
    let path = arrival.path();
    let path = if is_claimed(arrival) { path.to_owned() } else { without_values(world, path) };
    Event::Arrived { client: Some(arrival.client()), method, path: path.into() }
}

/// A path that no route claims is text that somebody made up: what is sensitive in it is not recorded.
fn without_values(world: &World, path: &str) -> String {
    // INVARIANT: an admitted path is plain ASCII, so any byte is a character boundary.
    let path = &path[..path.len().min(SHOWN_PATH)];
    let (mut shown, mut at) = (String::new(), 0);
    for finding in world.detectors.find(path) {
        shown.push_str(&path[at..finding.start]);
        shown.push_str("[VALUE]");
        at = finding.end;
    }
    shown.push_str(&path[at..]);
    shown
}
