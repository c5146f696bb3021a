//! Budgets: what a call may come to need is reserved before it is sent, and settled when its story ends, however it ends.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{Code, Effect, Fate, Operation, Parameter, Refusal, RuleName, Timestamp, Usage};
use gatewright_policy::{BudgetWindow, Decision};
use gatewright_store::quotas::{Account, Amounts, Ceilings, Exhausted, Measure, Quotas, Reserved};

use crate::{Call, Gateway, Request};

/// What is reserved for an answer where neither the request nor the role says how long it may be.
const USUAL_ANSWER: u64 = 1024;

/// So many bytes of a request are reckoned as one token, until the model server has counted.
const BYTES_PER_TOKEN: u64 = 4;

/// What a call falls under, before anything is reserved.
pub(crate) struct Spending {
    accounts: Vec<(BudgetWindow, RuleName, Arc<str>, Ceilings)>,
    /// The tokens that it may come to need.
    tokens: u64,
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
            (budget.window, budget.rule.name.clone(), Arc::from(charge.account.as_str()), ceilings)
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
            Some((BudgetWindow::Hour, terms.rule.name.clone(), key.into(), ceilings))
        });
        Some(Box::new(Self { accounts: budgets.chain(calls).collect(), tokens: tokens(decision, call, sent) }))
    }
}

/// The most tokens that a call is likely to need: what is sent, and the longest answer that it asks for.
fn tokens(decision: &Decision, call: &Call, sent: usize) -> u64 {
    let terms = call.terms();
    if terms.operation.effect() != Effect::Inference {
        return 0;
    }
    let effective = |parameter: Parameter| {
        let set = decision.settings.iter().find(|setting| setting.parameter == parameter).map(|setting| setting.value);
        let value = set.or_else(|| terms.parameters.get(parameter))?;
        u64::try_from(value.ceil_e6()).ok().map(|millionths| millionths.div_ceil(1_000_000))
    };
    let answer = match terms.operation {
        Operation::Chat | Operation::Complete => {
            let answers = effective(Parameter::N).unwrap_or(1).max(1);
            effective(Parameter::MaxTokens).unwrap_or(USUAL_ANSWER).saturating_mul(answers)
        }
        _ => 0,
    };
    answer.saturating_add((sent as u64).div_ceil(BYTES_PER_TOKEN))
}

/// A reservation. Dropped without an end, nothing but the request itself was used.
pub(crate) struct Held {
    quotas: Arc<dyn Quotas>,
    accounts: Vec<Account>,
    reserved: Amounts,
    used: Amounts,
    left: Vec<Left>,
}

/// How much of a budget is left, for the answer's headers: of each measure the account with the least.
struct Left {
    measure: Measure,
    most: u64,
    left: u64,
    until: Timestamp,
}

impl Held {
    /// The call is over. What the model server did not count, since the answer was cut, counts as reserved.
    pub(crate) fn settle(mut self, fate: Fate, usage: Option<Usage>, delivered: u64) {
        let tokens = match (fate, usage) {
            (_, Some(usage)) => usage.input.saturating_add(usage.output),
            (Fate::Failed(_), None) if delivered == 0 => 0,
            (Fate::Ended, None) if self.reserved.tokens == 0 => 0,
            _ => self.reserved.tokens,
        };
        self.used = Amounts { requests: self.reserved.requests, tokens, answer_bytes: delivered, cost_micros: 0 };
    }

    /// What is left, as the headers of programs and of RFC drafts say it.
    pub(crate) fn headers(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let mut told = Vec::new();
        let mut ratelimit = String::new();
        for left in &self.left {
            let seconds = left.until.since(now).as_secs().max(1);
            let comma = if ratelimit.is_empty() { "" } else { ", " };
            let _ = write!(ratelimit, "{comma}\"{}\";r={};t={seconds}", left.measure.name(), left.left);
            let names = match left.measure {
                Measure::Requests => {
                    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"]
                }
                Measure::Tokens => {
                    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"]
                }
                Measure::Cost | Measure::AnswerBytes => continue,
            };
            told.extend(names.into_iter().zip([left.most.to_string(), left.left.to_string(), format!("{seconds}s")]));
        }
        told.push(("ratelimit", ratelimit));
        told
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.quotas.settle(&self.accounts, &self.reserved, &self.used);
    }
}

impl Gateway {
    /// Reserves what a request may come to need in every budget that it falls under, or refuses it.
    pub(crate) fn reserve(&self, request: &mut Request, now: Timestamp) -> Result<(), Refusal> {
        let Some(spending) = request.take_spending() else { return Ok(()) };
        let Spending { accounts, tokens } = *spending;
        if let Some((_, rule, ..)) = accounts.iter().find(|(.., ceilings)| ceilings.cost_micros.is_some()) {
            // Nobody has said what a token costs; a budget that cannot be counted must not be one without an end.
            let message = format!("The budget {rule} counts cost, and no model has a price here.");
            return Err(Refusal::new(Code::BudgetExhausted, message).about(Measure::Cost.name()).by(rule.clone()));
        }
        let named: Vec<RuleName> = accounts.iter().map(|(_, rule, ..)| rule.clone()).collect();
        let accounts: Vec<Account> = accounts
            .into_iter()
            .map(|(window, _, key, ceilings)| Account { key, ceilings, until: window.around(now).1 })
            .collect();
        let reserved = Amounts { requests: 1, tokens, ..Amounts::default() };
        match self.quotas.reserve(&accounts, &reserved, now) {
            Reserved::Held(amounts) => {
                let used = Amounts { requests: 1, ..Amounts::default() };
                let left = least_left(&accounts, &amounts);
                let quotas = Arc::clone(&self.quotas);
                request.hold(Box::new(Held { quotas, accounts, reserved, used, left }));
                Ok(())
            }
            Reserved::Exhausted(exhausted) => Err(refused(&exhausted, &accounts, &named, now)),
            Reserved::Full => {
                Err(Refusal::new(Code::NotReady, "The gateway cannot count this call, so it does not serve it."))
            }
        }
    }
}

/// Of each measure the account that has the least left.
fn least_left(accounts: &[Account], amounts: &[Amounts]) -> Vec<Left> {
    let left = |measure: Measure| {
        let bounded = accounts.iter().zip(amounts).filter_map(|(account, held)| {
            let most = account.ceilings.of(measure)?;
            Some(Left { measure, most, left: most.saturating_sub(held.of(measure)), until: account.until })
        });
        bounded.min_by_key(|left| left.left)
    };
    Measure::ALL.into_iter().filter_map(left).collect()
}

fn refused(exhausted: &Exhausted, accounts: &[Account], named: &[RuleName], now: Timestamp) -> Refusal {
    let measure = exhausted.measure.name();
    let wait = accounts.get(exhausted.account).map_or(Duration::from_secs(1), |account| account.until.since(now));
    let message = match exhausted.left {
        0 => format!("Your budget of {measure} is used up; it begins anew in {} s.", wait.as_secs().max(1)),
        left => format!(
            "Of your budget of {measure} there are {left} left, and this call may need more; it begins anew in {} s.",
            wait.as_secs().max(1)
        ),
    };
    let refusal = Refusal::new(Code::BudgetExhausted, message).about(measure).retry_after(wait);
    match named.get(exhausted.account) {
        Some(rule) => refusal.by(rule.clone()),
        None => refusal,
    }
}
