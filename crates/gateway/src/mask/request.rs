use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use gatewright_masking::{PseudonymKey, Treatments, Vault};
use gatewright_model::{
    Allowance, ConnectionName, Delivery, Event, Operation, RequestId, RuleName, SessionId, Setting, Side, Tally, Trust,
    WhySet,
};
use gatewright_protocols::{Asked, Protocol, Route};
use http::Method;

use super::Views;
use crate::World;
use crate::budgets::{Held, Spending};
use crate::kept::Kept;
use crate::leash::Leash;
use crate::lend::{LentCall, Wanted};

/// A request as it will be sent, and as it will be recorded.
pub struct Request {
    pub(super) world: Arc<World>,
    pub(super) id: RequestId,
    pub(super) session: SessionId,
    pub(super) operation: Operation,
    pub(super) delivery: Delivery,
    pub(super) trust: Trust,
    pub(super) protocol: &'static dyn Protocol,
    pub(super) route: &'static Route,
    pub(super) destination: Destination,
    /// Ids in its path.
    pub(super) ids: Vec<String>,
    pub(super) kept: Option<Box<Kept>>,
    /// What is to be lent for it, until that is done; what is lent, until the story takes it.
    pub(super) wanted: Option<Box<Wanted>>,
    pub(super) lent: Option<Box<LentCall>>,
    pub(super) content_type: Cow<'static, str>,
    pub(super) sent: Bytes,
    pub(super) recorded: Bytes,
    pub(super) masked: Vec<Tally>,
    pub(super) alerted: Vec<Tally>,
    pub(super) settings: Vec<Setting>,
    /// What it is charged to, until that is reserved; what is reserved, until the story takes it; what was left then.
    pub(super) spending: Option<Box<Spending>>,
    pub(super) held: Option<Box<Held>>,
    pub(super) left: Vec<Allowance>,
    /// What it goes on depending on.
    pub(super) leash: Option<Box<Leash>>,
    /// What was moved into a dataset's bounds, as the caller is told of it.
    pub(super) moved: Vec<String>,
    pub(super) answer_rules: Vec<RuleName>,
    /// Those that only want to be told.
    pub(super) answer_alerts: Vec<RuleName>,
    /// What happens to each info type in the answer, as it is shown and as it is recorded.
    pub(super) reply: Views,
    pub(super) asked: Asked,
    pub(super) vault: Arc<Vault>,
    pub(super) pseudonyms: Arc<PseudonymKey>,
}

/// Where a request goes.
pub(crate) enum Destination {
    /// To a model server.
    Upstream { connection: ConnectionName, method: Method, path: String, upstream: Arc<str> },
    /// Nowhere: the gateway itself has the answer.
    Here(Bytes),
}

impl Request {
    pub(super) fn on(self, leash: Option<Box<Leash>>) -> Self {
        Self { leash, ..self }
    }

    /// What it goes on depending on while it runs; `None` for most.
    pub(crate) fn leash(&self) -> Option<&Leash> {
        self.leash.as_deref()
    }

    pub(crate) fn put_leash(&mut self, leash: Box<Leash>) {
        self.leash = Some(leash);
    }

    pub(crate) fn take_leash(&mut self) -> Option<Box<Leash>> {
        self.leash.take()
    }

    pub(crate) const fn world(&self) -> &Arc<World> {
        &self.world
    }

    pub(crate) const fn id(&self) -> RequestId {
        self.id
    }

    pub(crate) const fn session(&self) -> SessionId {
        self.session
    }

    pub(crate) const fn operation(&self) -> Operation {
        self.operation
    }

    pub(crate) const fn delivery(&self) -> Delivery {
        self.delivery
    }

    pub(crate) const fn trust(&self) -> Trust {
        self.trust
    }

    pub(crate) const fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The ids in its path.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.ids.iter().map(String::as_str).collect()
    }

    /// What it does with things that a server keeps.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.kept.as_deref()
    }

    pub(crate) fn take_wanted(&mut self) -> Option<Box<Wanted>> {
        self.wanted.take()
    }

    pub(crate) fn lent(&mut self, lent: Box<LentCall>) {
        self.lent = Some(lent);
    }

    /// What its model server is lent.
    pub(crate) fn take_lent(&mut self) -> Option<Box<LentCall>> {
        self.lent.take()
    }

    /// Whether its model server is lent something.
    pub(crate) const fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    /// The type of what is sent; empty where nothing is.
    pub(crate) const fn content_type(&self) -> &Cow<'static, str> {
        &self.content_type
    }

    pub(crate) const fn sent(&self) -> &Bytes {
        &self.sent
    }

    pub(crate) const fn recorded(&self) -> &Bytes {
        &self.recorded
    }

    pub(crate) fn masked(&self) -> &[Tally] {
        &self.masked
    }

    /// What passes to the model that policy wants to know of.
    pub(crate) fn alerted(&self) -> Option<Event> {
        let passed = self.alerted.clone();
        (!passed.is_empty()).then_some(Event::Alerted { side: Side::Request, passed })
    }

    /// What happens to tokens in the arguments of a tool call.
    pub(crate) const fn tools(&self) -> &Treatments {
        &self.reply.tools
    }

    pub(crate) const fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    pub(crate) const fn pseudonyms(&self) -> &Arc<PseudonymKey> {
        &self.pseudonyms
    }

    pub(crate) fn answer_rules(&self) -> &[RuleName] {
        &self.answer_rules
    }

    /// The rules over the answer that only want to be told.
    pub(crate) fn answer_alerts(&self) -> &[RuleName] {
        &self.answer_alerts
    }

    pub(crate) const fn protocol(&self) -> &'static dyn Protocol {
        self.protocol
    }

    pub(crate) fn take_spending(&mut self) -> Option<Box<Spending>> {
        self.spending.take()
    }

    pub(crate) fn hold(&mut self, held: Box<Held>) {
        self.held = Some(held);
    }

    pub(crate) fn take_held(&mut self) -> Option<Box<Held>> {
        self.held.take()
    }

    /// What the record says of the reservation, where there is one.
    pub(crate) fn charged(&self) -> Option<Event> {
        self.held.as_ref().map(|held| held.charged())
    }

    pub(crate) fn tell_left(&mut self, left: Vec<Allowance>) {
        self.left = left;
    }

    /// What is left of budgets.
    pub(crate) fn left(&self) -> &[Allowance] {
        &self.left
    }

    pub(crate) const fn route(&self) -> &'static Route {
        self.route
    }

    /// What the answer may be, for the `accept` header.
    pub(crate) fn accept(&self) -> &'static str {
        match self.delivery {
            Delivery::Whole => self.protocol.answer_type(self.route),
            Delivery::Stream => "text/event-stream",
        }
    }

    /// The parameters that policy moved into its range: `max_tokens=2048, temperature=1`; empty where it moved none.
    pub(crate) fn clamped(&self) -> String {
        let mut text = String::new();
        for setting in self.settings.iter().filter(|setting| setting.why == WhySet::Clamped) {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{}={}", setting.parameter.name(), setting.value);
        }
        for moved in &self.moved {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{moved}");
        }
        text
    }
}
