//! What a caller is told whose budget has an end.

use std::time::Duration;

use gatewright_model::{Allowance, Amounts, Code, Measure, Quantity, Refusal, RuleName, Timestamp};
use gatewright_store::quotas::{Account, Exhausted};

/// The refusal of a call that has not begun.
pub(crate) fn refused(
    exhausted: &Exhausted,
    wanted: &Amounts,
    (accounts, rules, windows): (&[Account], &[RuleName], &[Duration]),
    currency: Option<&str>,
    now: Timestamp,
) -> Refusal {
    let Exhausted { account, measure, left } = *exhausted;
    let (name, needed) = (measure.name(), wanted.of(measure));
    // INVARIANT: what is exhausted is one of the accounts that were asked for, and has a ceiling for it.
    let Some(held) = accounts.get(account) else { return Refusal::new(Code::BudgetExhausted, "A budget is used up.") };
    let most = held.ceilings.of(measure).unwrap_or(0);
    let wait = held.until.since(now);
    let seconds = wait.as_secs().max(1);
    let told = |amount| told(measure, amount, currency);
    let (message, retry) = if needed > most {
        let (needed, most) = (told(needed), told(most));
        (format!("This call may need {needed} of {name}, which is more than your whole budget of {most}."), None)
    } else if left == 0 {
        (format!("Your budget of {name} is used up; it begins anew in {seconds} s."), Some(wait))
    } else {
        let left = told(left);
        let words = format!(
            "Of your budget of {name} there are {left} left, and this call may need more; it begins anew in {seconds} s."
        );
        (words, Some(wait))
    };
    let mut refusal = Refusal::new(Code::BudgetExhausted, message).about(name);
    refusal.retry_after = retry;
    refusal.rule = rules.get(account).cloned();
    let window = windows.get(account).copied().unwrap_or_default();
    refusal.allowances = vec![Allowance { measure, most, left, window, resets_in: wait }];
    refusal
}

/// The refusal that ends an answer which is under way.
pub(crate) fn ended(exhausted: &Exhausted, accounts: &[Account], rules: &[RuleName], now: Timestamp) -> Refusal {
    let name = exhausted.measure.name();
    let wait = accounts.get(exhausted.account).map_or(Duration::ZERO, |account| account.until.since(now));
    let seconds = wait.as_secs().max(1);
    let message = format!("Your budget of {name} ends within this answer; it begins anew in {seconds} s.");
    let mut refusal = Refusal::new(Code::BudgetExhausted, message).about(name).retry_after(wait);
    refusal.rule = rules.get(exhausted.account).cloned();
    refusal
}

/// An amount as people read it: of cost, in the currency's own unit.
fn told(measure: Measure, amount: u64, currency: Option<&str>) -> String {
    match measure {
        Measure::Requests | Measure::Tokens | Measure::AnswerBytes => amount.to_string(),
        Measure::Cost => {
            let micros = i64::try_from(amount).unwrap_or(i64::MAX);
            let whole = Quantity::from_neighbours(micros, micros).map(|cost| cost.to_string()).unwrap_or_default();
            format!("{whole} {}", currency.unwrap_or_default()).trim_end().to_owned()
        }
    }
}
