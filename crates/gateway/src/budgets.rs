//! Budgets: what a call may come to need is reserved before it is sent, drawn further while its answer runs, and settled
//! when its story ends, however it ends.

use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{
    Allowance, Amounts, ChargedTo, Code, Effect, Event, Fate, Measure, Operation, Parameter, Refusal, RuleName,
    Timestamp, Usage,
};
use gatewright_policy::{BudgetWindow, Decision};
use gatewright_store::quotas::{Account, Ceilings, Quotas, Reserved};

use crate::exhausted::{ended, refused};
use crate::{Call, Gateway, Price, Request};

/// What is reserved for an answer where neither the request nor the role says how long it may be.
const USUAL_ANSWER: u64 = 1024;

/// So many bytes of a request are reckoned as one token, until the model server has counted.
const BYTES_PER_TOKEN: u64 = 4;

/// What a call falls under, before anything is reserved.
pub(crate) struct Spending {
    meters: Vec<Meter>,
    rate: Rate,
    /// The tokens that it may come to need.
    tokens: Usage,
}

/// A budget that a call falls under.
struct Meter {
    window: BudgetWindow,
    rule: RuleName,
    key: Arc<str>,
    ceilings: Ceilings,
}

/// How a call's tokens become its cost.
#[derive(Clone, Copy)]
struct Rate {
    price: Result<Price, Unpriced>,
    operation: Operation,
    /// How many pieces of what it makes are asked for.
    pieces: u64,
}

/// There is a model whose price nobody has said.
#[derive(Clone, Copy)]
struct Unpriced;

impl Rate {
    fn cost(&self, usage: Usage) -> u64 {
        // INVARIANT: a call without a price is in no budget of cost; what is on record of it then is no cost.
        self.price.map_or(0, |price| price.of(usage, self.operation, self.pieces))
    }
}

impl Spending {
    /// What an allowed call is charged to; `None`, and nearly for nothing, where there is no budget for it.
    pub(crate) fn of(decision: &Decision, call: &Call, sent: usize) -> Option<Box<Self>> {
        let counted = decision.datasets.iter().any(|terms| terms.calls_per_hour.is_some());
        if decision.budgets.is_empty() && !counted {
            return None;
        }
        let budgets = decision.budgets.iter().map(|charge| {
            let budget = &charge.budget;
            let ceilings = Ceilings {
                requests: budget.requests,
                tokens: budget.tokens,
                cost_micros: budget.cost_micros,
                answer_bytes: budget.answer_bytes,
            };
            // A budget whose window was changed is another one: it must not be held to what the longer window counted.
            let key = format!("{} per {}", charge.account, budget.window.name());
            Meter { window: budget.window, rule: budget.rule.name.clone(), key: key.into(), ceilings }
        });
        let person = &call.caller().identity;
        let calls = decision.datasets.iter().filter_map(|terms| {
            let ceilings = Ceilings { requests: Some(u64::from(terms.calls_per_hour?)), ..Ceilings::default() };
            // Quoted, so that no spelling of one name runs into another's account.
            let key = format!(
                "dataset {:?} person {:?} {:?}",
                terms.dataset.as_str(),
                person.issuer.as_str(),
                &*person.subject
            );
            Some(Meter { window: BudgetWindow::Hour, rule: terms.rule.name.clone(), key: key.into(), ceilings })
        });
        let meters = budgets.chain(calls).collect();
        let needed = Needed::of(decision, call, sent);
        let operation = call.terms().operation;
        let price = match (operation.effect(), call.model()) {
            (Effect::Inference, Some(model)) => model.price.ok_or(Unpriced),
            // What runs no model has no price.
            (Effect::Inference | Effect::Reading | Effect::Change, _) => Ok(Price::default()),
        };
        let rate = Rate { price, operation, pieces: needed.answers };
        Some(Box::new(Self { meters, rate, tokens: needed.tokens }))
    }
}

/// The most that a call is likely to need: what is sent, and the longest answer that it asks for.
struct Needed {
    tokens: Usage,
    answers: u64,
}

impl Needed {
    fn of(decision: &Decision, call: &Call, sent: usize) -> Self {
        let terms = call.terms();
        let effective = |parameter: Parameter| {
            let set =
                decision.settings.iter().find(|setting| setting.parameter == parameter).map(|setting| setting.value);
            let value = set.or_else(|| terms.parameters.get(parameter))?;
            u64::try_from(value.ceil_e6()).ok().map(|millionths| millionths.div_ceil(1_000_000))
        };
        let answers = effective(Parameter::N).unwrap_or(1).max(1);
        if terms.operation.effect() != Effect::Inference {
            return Self { tokens: Usage::default(), answers };
        }
        let output = match terms.operation {
            Operation::Chat | Operation::Complete => {
                effective(Parameter::MaxTokens).unwrap_or(USUAL_ANSWER).saturating_mul(answers)
            }
            _ => 0,
        };
        let input = (sent as u64).div_ceil(BYTES_PER_TOKEN);
        Self { tokens: Usage { input, output, cached: 0 }, answers }
    }
}

const fn total(usage: Usage) -> u64 {
    usage.input.saturating_add(usage.output)
}

/// A reservation. Dropped without an end, nothing but the request itself was used.
pub(crate) struct Held {
    quotas: Arc<dyn Quotas>,
    accounts: Vec<Account>,
    rules: Vec<RuleName>,
    rate: Rate,
    /// What is reserved, and drawn since.
    reserved: Amounts,
    used: Amounts,
    allowances: Vec<Allowance>,
}

impl Held {
    /// What the record says of it, before anything leaves.
    pub(crate) fn charged(&self) -> Event {
        let to = |account: &Account| ChargedTo { account: Arc::clone(&account.key), until: account.until };
        Event::Charged { to: self.accounts.iter().map(to).collect(), reserved: self.reserved }
    }

    /// What was left of each measure when it was made, itself taken off.
    pub(crate) fn allowances(&self) -> &[Allowance] {
        &self.allowances
    }

    fn counts(&self, measure: Measure) -> bool {
        self.accounts.iter().any(|account| account.ceilings.of(measure).is_some())
    }

    /// Whether the answer's bytes are counted.
    pub(crate) fn counts_bytes(&self) -> bool {
        self.counts(Measure::AnswerBytes)
    }

    /// Takes so many more bytes of the answer, and what the model server has counted beyond what is reserved.
    ///
    /// # Errors
    /// The refusal that ends the answer, since a budget is used up.
    pub(crate) fn draw(&mut self, bytes: u64, usage: Option<Usage>, now: Timestamp) -> Result<(), Refusal> {
        let beyond = |measure, counted: u64, reserved: u64| match self.counts(measure) {
            true => counted.saturating_sub(reserved),
            false => 0,
        };
        let usage = usage.unwrap_or_default();
        let more = Amounts {
            requests: 0,
            tokens: beyond(Measure::Tokens, total(usage), self.reserved.tokens),
            cost_micros: beyond(Measure::Cost, self.rate.cost(usage), self.reserved.cost_micros),
            answer_bytes: beyond(Measure::AnswerBytes, bytes, 0),
        };
        if more == Amounts::NOTHING {
            return Ok(());
        }
        self.quotas
            .draw(&self.accounts, &more)
            .map_err(|exhausted| ended(&exhausted, &self.accounts, &self.rules, now))?;
        self.reserved = self.reserved.plus(&more);
        Ok(())
    }

    /// The call is over. What the model server did not count, since the answer was cut, counts as reserved.
    pub(crate) fn settle(mut self, fate: Fate, usage: Option<Usage>, delivered: u64) -> Event {
        let (tokens, cost_micros) = match (fate, usage) {
            (_, Some(usage)) => (total(usage), self.rate.cost(usage)),
            // The model server gave nothing.
            (Fate::Failed(Code::UpstreamFailed | Code::UpstreamTimeout | Code::NotReady), None) if delivered == 0 => {
                (0, 0)
            }
            _ => (self.reserved.tokens, self.reserved.cost_micros),
        };
        let answer_bytes = if self.counts_bytes() { self.reserved.answer_bytes } else { delivered };
        self.used = Amounts { requests: self.reserved.requests, tokens, cost_micros, answer_bytes };
        Event::Spent { used: self.used }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.quotas.settle(&self.accounts, &self.reserved, &self.used);
    }
}

impl Gateway {
    /// Reserves what a request may come to need in every budget that it falls under, or refuses it.
    pub(crate) async fn reserve(&self, request: &mut Request, now: Timestamp) -> Result<(), Refusal> {
        let Some(spending) = request.take_spending() else { return Ok(()) };
        let currency = request.world().currency.clone();
        let Spending { meters, rate, tokens } = *spending;
        if let Err(Unpriced) = rate.price
            && let Some(meter) = meters.iter().find(|meter| meter.ceilings.cost_micros.is_some())
        {
            // A budget that cannot be counted must not be one without an end.
            let message = format!("The budget {} counts cost, and this model has no price here.", meter.rule);
            return Err(Refusal::new(Code::PermissionDenied, message).about("model").by(meter.rule.clone()));
        }
        let reserved = Amounts { requests: 1, tokens: total(tokens), cost_micros: rate.cost(tokens), answer_bytes: 0 };
        let (mut accounts, mut rules, mut windows) = (Vec::new(), Vec::new(), Vec::new());
        for Meter { window, rule, key, ceilings } in meters {
            let (from, until) = window.around(now);
            accounts.push(Account { key, ceilings, until });
            rules.push(rule);
            windows.push(until.since(from));
        }
        match self.quotas.reserve(&accounts, &reserved, now).await {
            Reserved::Held(amounts) => {
                let allowances = tightest(&accounts, &windows, &amounts, now);
                let used = Amounts { requests: 1, ..Amounts::NOTHING };
                let quotas = Arc::clone(&self.quotas);
                request.hold(Box::new(Held { quotas, accounts, rules, rate, reserved, used, allowances }));
                Ok(())
            }
            Reserved::Exhausted(exhausted) => {
                Err(refused(&exhausted, &reserved, (&accounts, &rules, &windows), currency.as_deref(), now))
            }
            Reserved::Full => {
                Err(Refusal::new(Code::NotReady, "The gateway cannot count this call, so it does not serve it."))
            }
        }
    }
}

/// Of each measure the account that has the least left.
fn tightest(accounts: &[Account], windows: &[Duration], amounts: &[Amounts], now: Timestamp) -> Vec<Allowance> {
    let of = |measure: Measure| {
        let bounded = accounts.iter().zip(windows).zip(amounts).filter_map(|((account, window), held)| {
            let most = account.ceilings.of(measure)?;
            let left = most.saturating_sub(held.of(measure));
            Some(Allowance { measure, most, left, window: *window, resets_in: account.until.since(now) })
        });
        bounded.min_by_key(|allowance| allowance.left)
    };
    Measure::ALL.into_iter().filter_map(of).collect()
}
