use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{
    ApprovalId, Code, ConnectionName, Delivery, Event, Fate, IssuerName, Kind, Moment, Operation, RuleName, SessionId,
    Side, Tally, Timestamp, Usage, Verdict,
};

/// A journey at a glance: what metrics count and the access log writes. Every field is one that the story may lack,
/// since a journey can end at every step.
#[derive(Debug, Default)]
pub(super) struct Summary<'m> {
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) client: Option<&'m str>,
    pub(super) method: &'m str,
    pub(super) path: &'m str,
    pub(super) caller: Option<(&'m IssuerName, &'m str, Kind)>,
    pub(super) protocol: Option<&'m str>,
    pub(super) operation: Option<Operation>,
    /// Only a model that the configuration knows: any other name was written by a stranger.
    pub(super) model: Option<&'m Arc<str>>,
    pub(super) connection: Option<&'m ConnectionName>,
    pub(super) delivery: Option<Delivery>,
    pub(super) verdict: Option<Verdict>,
    pub(super) rule: Option<&'m RuleName>,
    pub(super) approval: Option<ApprovalId>,
    pub(super) session: Option<SessionId>,
    pub(super) epoch: Option<u64>,
    pub(super) waited_for_disk: Option<Duration>,
    pub(super) attempts: u32,
    pub(super) first_byte: Option<Duration>,
    pub(super) refused: Option<Code>,
    /// How many refusals this story tells of.
    pub(super) refusals: u64,
    pub(super) fate: Option<Fate>,
    pub(super) status: Option<u16>,
    pub(super) bytes: u64,
    pub(super) chunks: u64,
    pub(super) masked_request: &'m [Tally],
    pub(super) masked_answer: &'m [Tally],
    pub(super) alerted_request: &'m [Tally],
    pub(super) alerted_answer: &'m [Tally],
    pub(super) noticed_request: &'m [RuleName],
    pub(super) noticed_answer: &'m [RuleName],
    pub(super) usage: Option<Usage>,
    /// In millionths of the configuration's currency; only of calls that were charged to a budget.
    pub(super) cost_micros: u64,
}

impl<'m> Summary<'m> {
    pub(super) fn of(moments: &'m [Moment]) -> Self {
        let mut summary = Self {
            began: moments.first().map_or_else(Timestamp::default, |moment| moment.at),
            ended: moments.last().map_or_else(Timestamp::default, |moment| moment.at),
            ..Self::default()
        };
        for moment in moments {
            summary.take(moment);
        }
        summary
    }

    /// The word for how it ended: a refusal's code, or the fate of an answer.
    pub(super) fn outcome(&self) -> &'static str {
        match (self.fate, self.refused) {
            (Some(Fate::Failed(code)), _) | (None, Some(code)) => code.name(),
            (Some(fate), _) => fate.name(),
            (None, None) => "unfinished",
        }
    }

    /// The HTTP status that the caller was given; 0 where none was.
    pub(super) fn http_status(&self) -> u16 {
        match (self.status, self.refused) {
            (Some(status), _) => status,
            (None, Some(code)) => code.http_status(),
            (None, None) => 0,
        }
    }

    pub(super) fn took(&self) -> Duration {
        self.ended.since(self.began)
    }

    fn take(&mut self, moment: &'m Moment) {
        match &moment.event {
            Event::Arrived { client, method, path } => {
                self.client = client.as_deref();
                self.method = method;
                self.path = path;
            }
            Event::Refused { code, param: _, rule, count } => {
                self.refused = Some(*code);
                self.refusals = *count;
                self.rule = rule.as_ref().or(self.rule);
            }
            Event::Authenticated { issuer, subject, kind } => self.caller = Some((issuer, subject, *kind)),
            Event::Identified {
                protocol,
                operation,
                model,
                connection,
                upstream: _,
                delivery,
                parameters: _,
                datasets: _,
            } => {
                self.protocol = Some(protocol);
                self.operation = Some(*operation);
                self.model = connection.as_ref().and(model.as_ref());
                self.connection = connection.as_ref();
                self.delivery = Some(*delivery);
            }
            Event::Decided { verdict, roles: _, rules, settings: _, epoch, catalogue: _, grounds: _ } => {
                self.verdict = Some(*verdict);
                self.rule = rules.first().map(|rule| &rule.name).or(self.rule);
                self.epoch = Some(*epoch);
            }
            Event::Held { rule, approval } => {
                self.rule = Some(rule);
                self.approval = Some(*approval);
            }
            Event::Settled { approval, verdict } => {
                self.approval = Some(*approval);
                self.verdict = Some(*verdict);
            }
            Event::Alerted { side: Side::Request, passed } => self.alerted_request = passed,
            Event::Alerted { side: Side::Answer, passed } => self.alerted_answer = passed,
            Event::Noticed { side: Side::Request, rules } => self.noticed_request = rules,
            Event::Noticed { side: Side::Answer, rules } => self.noticed_answer = rules,
            // What was reserved is of interest only while the call runs.
            Event::Charged { to: _, reserved: _ } => {}
            Event::Spent { used } => self.cost_micros = used.cost_micros,
            Event::Opened { session, request: _, masked } => {
                self.session = Some(*session);
                self.masked_request = masked;
            }
            Event::Durable { waited } => self.waited_for_disk = Some(Duration::from_micros(*waited)),
            Event::Forwarded { attempt } => self.attempts = *attempt,
            Event::FirstByte { status: _ } => self.first_byte = Some(moment.at.since(self.began)),
            Event::Closed { fate, status, answer, chunks, masked, usage } => {
                self.fate = Some(*fate);
                self.status = Some(*status);
                self.bytes = answer.length;
                self.chunks = *chunks;
                self.masked_answer = masked;
                self.usage = *usage;
            }
            // What was found is told by what was masked; each piece is told by their sum.
            Event::Examined { found: _ } | Event::Chunk { length: _ } => {}
            // The gateway's own events are no part of a journey.
            Event::Reloaded { .. }
            | Event::Reviewed { .. }
            | Event::Notified { .. }
            | Event::Visited { .. }
            | Event::Versioned { .. }
            | Event::Shadowed { .. }
            | Event::Doubted { .. }
            | Event::Granted { .. }
            | Event::Revoked { .. }
            | Event::Lapsed { .. }
            | Event::Leased { .. }
            | Event::RecordRead { .. }
            | Event::RecordErased { .. }
            | Event::Started { .. }
            | Event::Stopped { .. } => {}
        }
    }
}
