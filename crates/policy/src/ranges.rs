//! Parameter ranges: what a grant says of a parameter, as a Cedar condition on what the request states, and as the
//! settings that bring the effective value into the range.
//!
//! A range applies to the *effective* value, so an omitted parameter is given a value that the range allows:
//!
//! 1. the range's `default`, where it has one;
//! 2. nothing, where every API agrees on what an omitted parameter means (one answer, no log-probabilities, no
//!    penalty) and the range allows it;
//! 3. the value that changes nothing (1 for `temperature` and `top_p`), moved into the range: the model server's own
//!    default is unknown, and `max: 2.0` must not turn every plain call into noise;
//! 4. else the bound: `max` where there is one, else `min`.
//!
//! Each is told as a [`WhySet::Default`] setting. A parameter that the operation does not take is not given a value;
//! stated nevertheless, it is judged. Numbers that servers read as "without limit" (`max_tokens: -1`, `0`) are below
//! the lowest value of their parameter and are refused whatever `over` says.

use gatewright_model::{Operation, Parameter, Quantity, Setting, WhySet};

use crate::cedar::entity;

/// What happens to a stated value outside the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The call is refused.
    Refuse,
    /// The nearest allowed value is sent in its place, and the caller is told.
    Clamp,
}

/// What a grant says of one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) parameter: Parameter,
    pub(crate) min: Option<Quantity>,
    pub(crate) max: Option<Quantity>,
    pub(crate) default: Option<Quantity>,
    pub(crate) over: Over,
}

/// What an omitted parameter means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Omitted {
    /// Every API says the same.
    Agreed(i64),
    /// The value that changes nothing; servers have defaults of their own.
    Neutral(i64),
    /// Whatever the server likes.
    Unknown,
}

/// What is true of a parameter whatever a role says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    /// It has no fractions.
    pub(crate) whole: bool,
    /// The lowest value with a meaning; below it, servers read "without limit".
    pub(crate) lowest: Option<i64>,
    /// It is counted from the request, so it cannot be set.
    pub(crate) measured: bool,
    omitted: Omitted,
}

/// The traits of a parameter.
pub(crate) const fn traits(parameter: Parameter) -> Traits {
    const fn of(whole: bool, lowest: Option<i64>, omitted: Omitted) -> Traits {
        Traits { whole, lowest, measured: false, omitted }
    }
    match parameter {
        Parameter::MaxTokens | Parameter::TopK | Parameter::Dimensions => of(true, Some(1), Omitted::Unknown),
        Parameter::Temperature | Parameter::TopP => of(false, Some(0), Omitted::Neutral(1)),
        Parameter::N => of(true, Some(1), Omitted::Agreed(1)),
        Parameter::FrequencyPenalty | Parameter::PresencePenalty => of(false, None, Omitted::Agreed(0)),
        Parameter::Logprobs | Parameter::TopLogprobs => of(true, Some(0), Omitted::Agreed(0)),
        Parameter::Seed => of(true, None, Omitted::Unknown),
        Parameter::Tools => Traits { whole: true, lowest: Some(0), measured: true, omitted: Omitted::Agreed(0) },
        Parameter::Inputs => Traits { whole: true, lowest: Some(0), measured: true, omitted: Omitted::Unknown },
    }
}

/// Whether calls of this operation take this parameter, so that an omitted one is given a value.
const fn takes(operation: Operation, parameter: Parameter) -> bool {
    match operation {
        Operation::Chat => !matches!(parameter, Parameter::Dimensions | Parameter::Inputs),
        Operation::Complete => !matches!(parameter, Parameter::Dimensions | Parameter::Inputs | Parameter::Tools),
        Operation::Embed => matches!(parameter, Parameter::Dimensions | Parameter::Inputs),
        Operation::Rerank | Operation::Classify => matches!(parameter, Parameter::Inputs),
        Operation::Transcribe => matches!(parameter, Parameter::Temperature),
        Operation::Image => matches!(parameter, Parameter::N),
        Operation::Speak
        | Operation::Infer
        | Operation::ListModels
        | Operation::DescribeModel
        | Operation::LoadModel
        | Operation::UnloadModel
        | Operation::PullModel
        | Operation::CreateModel
        | Operation::CopyModel
        | Operation::DeleteModel
        | Operation::ManageAdapters
        | Operation::ConfigureModel
        | Operation::ExportWeights
        | Operation::FineTune
        | Operation::Batch
        | Operation::Files
        | Operation::ReadDataset
        | Operation::WriteDataset
        | Operation::AdministerDataset
        | Operation::ExportDataset => false,
    }
}

impl Range {
    /// The bounds outside which a stated value is refused. What is clamped is refused below its lowest meaning only.
    fn refused_outside(&self) -> (Option<Quantity>, Option<Quantity>) {
        let lowest = traits(self.parameter).lowest.and_then(Quantity::whole);
        match self.over {
            Over::Refuse => (self.min.max(lowest), self.max),
            Over::Clamp => (lowest, None),
        }
    }

    /// The Cedar condition on what the request states; `None` where nothing is refused.
    pub(crate) fn condition(&self) -> Option<String> {
        let name = self.parameter.name();
        let (lower, upper) = self.refused_outside();
        let lower = lower.map(|bound| format!("context.parameters.{name}.at_least >= {}", long(bound.ceil_e6())));
        let upper = upper.map(|bound| format!("context.parameters.{name}.at_most <= {}", long(bound.floor_e6())));
        let bounds: Vec<String> = lower.into_iter().chain(upper).collect();
        if bounds.is_empty() {
            return None;
        }
        let needing: Vec<String> = Operation::ALL
            .iter()
            .filter(|operation| !self.passes_omitted(**operation))
            .map(|operation| entity("Action", operation.name()))
            .collect();
        let omitted = match &needing[..] {
            [] => "true".to_owned(),
            _ => format!("!(action in [{}])", needing.join(", ")),
        };
        Some(format!("if context.parameters has {name} then {} else {omitted}", bounds.join(" && ")))
    }

    /// Whether a call that does not state the parameter can be let past. What is counted from the request cannot be set
    /// later: where its omission means a number, that number is judged, and where nobody counted, nobody can judge.
    fn passes_omitted(&self, operation: Operation) -> bool {
        let traits = traits(self.parameter);
        if !traits.measured || !takes(operation, self.parameter) {
            return true;
        }
        match traits.omitted {
            Omitted::Agreed(agreed) => Quantity::whole(agreed).is_some_and(|agreed| agreed.within(self.min, self.max)),
            Omitted::Neutral(_) | Omitted::Unknown => self.min.is_none() && self.max.is_none(),
        }
    }

    /// Whether a call of this operation would be let past; says natively what [`condition`](Self::condition) says.
    pub(crate) fn lets_past(&self, operation: Operation, stated: Option<Quantity>) -> bool {
        let (lower, upper) = self.refused_outside();
        match stated {
            Some(value) => value.within(lower, upper),
            None => self.passes_omitted(operation),
        }
    }

    /// What must be set so that the effective value lies in the range.
    pub(crate) fn settle(&self, operation: Operation, stated: Option<Quantity>) -> Option<Setting> {
        let set = |value, why| Some(Setting { parameter: self.parameter, value, why });
        match stated {
            Some(value) if value.within(self.min, self.max) => None,
            Some(value) => set(self.nearest(value), WhySet::Clamped),
            None if traits(self.parameter).measured || !takes(operation, self.parameter) => None,
            None => match (self.default, traits(self.parameter).omitted) {
                (Some(default), _) => set(default, WhySet::Default),
                (None, Omitted::Agreed(agreed)) => {
                    let agreed = Quantity::whole(agreed)?;
                    let fits = agreed.within(self.min, self.max);
                    if fits { None } else { set(self.nearest(agreed), WhySet::Default) }
                }
                (None, Omitted::Neutral(neutral)) => set(self.nearest(Quantity::whole(neutral)?), WhySet::Default),
                (None, Omitted::Unknown) => set(self.max.or(self.min)?, WhySet::Default),
            },
        }
    }

    /// The value of the range that is nearest.
    fn nearest(&self, value: Quantity) -> Quantity {
        match (self.min, self.max) {
            (_, Some(max)) if !value.within(None, Some(max)) => max,
            (Some(min), _) if !value.within(Some(min), None) => min,
            _ => value,
        }
    }

    /// The range in words: `between 1 and 2048`.
    pub(crate) fn in_words(&self) -> String {
        let (lower, upper) = self.refused_outside();
        match (lower, upper) {
            (Some(lower), Some(upper)) => format!("between {lower} and {upper}"),
            (Some(lower), None) => format!("at least {lower}"),
            (None, Some(upper)) => format!("at most {upper}"),
            (None, None) => "anything".to_owned(),
        }
    }
}

/// A number as Cedar writes it: a negative literal is in parentheses.
fn long(value: i64) -> String {
    if value < 0 { format!("({value})") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(parameter: Parameter, min: Option<&str>, max: Option<&str>, default: Option<&str>, over: Over) -> Range {
        let number = |text: Option<&str>| text.and_then(Quantity::parse);
        Range { parameter, min: number(min), max: number(max), default: number(default), over }
    }

    fn check(range: Range, operation: Operation, stated: Option<&str>, expected: Option<(&str, WhySet)>) {
        let stated = stated.and_then(Quantity::parse);
        let set = range.settle(operation, stated).map(|setting| (setting.value.to_string(), setting.why));
        assert_eq!(set, expected.map(|(value, why)| (value.to_owned(), why)), "{range:?} {stated:?}");
    }

    #[test]
    fn an_omitted_value_is_filled_with_one_that_the_range_allows() {
        let tokens = range(Parameter::MaxTokens, None, Some("2048"), None, Over::Refuse);
        check(tokens, Operation::Chat, None, Some(("2048", WhySet::Default)));
        check(tokens, Operation::Embed, None, None);
        let tokens = range(Parameter::MaxTokens, None, Some("2048"), Some("512"), Over::Clamp);
        check(tokens, Operation::Chat, None, Some(("512", WhySet::Default)));
        let heat = range(Parameter::Temperature, None, Some("0.4"), None, Over::Refuse);
        check(heat, Operation::Chat, None, Some(("0.4", WhySet::Default)));
        let heat = range(Parameter::Temperature, None, Some("2.0"), None, Over::Refuse);
        check(heat, Operation::Chat, None, Some(("1", WhySet::Default)));
        let answers = range(Parameter::N, None, Some("4"), None, Over::Refuse);
        check(answers, Operation::Chat, None, None);
        let answers = range(Parameter::N, Some("2"), Some("4"), None, Over::Refuse);
        check(answers, Operation::Chat, None, Some(("2", WhySet::Default)));
    }

    #[test]
    fn a_stated_value_is_kept_clamped_or_refused() {
        let past = |range: Range, stated: &str| range.lets_past(Operation::Chat, Quantity::parse(stated));
        let tokens = range(Parameter::MaxTokens, Some("16"), Some("2048"), None, Over::Clamp);
        check(tokens, Operation::Chat, Some("100"), None);
        check(tokens, Operation::Chat, Some("2048.0000001"), Some(("2048", WhySet::Clamped)));
        check(tokens, Operation::Chat, Some("99999"), Some(("2048", WhySet::Clamped)));
        check(tokens, Operation::Chat, Some("1"), Some(("16", WhySet::Clamped)));
        assert!(!past(tokens, "0"), "servers read 0 as without limit");
        assert!(!past(tokens, "-1"), "servers read -1 as without limit");
        let tokens = range(Parameter::MaxTokens, None, Some("2048"), None, Over::Refuse);
        assert!(past(tokens, "2048"));
        assert!(!past(tokens, "2048.0000001"));
    }

    #[test]
    fn what_cannot_be_set_is_judged_or_refused_when_omitted() {
        let none = range(Parameter::Tools, None, Some("0"), None, Over::Refuse);
        assert!(none.lets_past(Operation::Chat, None), "no tools are no tools");
        assert!(none.lets_past(Operation::Chat, Quantity::whole(0)));
        assert!(!none.lets_past(Operation::Chat, Quantity::whole(1)));
        let some = range(Parameter::Tools, Some("1"), None, None, Over::Refuse);
        assert!(!some.lets_past(Operation::Chat, None));
        let inputs = range(Parameter::Inputs, None, Some("100"), None, Over::Refuse);
        assert!(!inputs.lets_past(Operation::Embed, None), "nobody counted them");
        assert!(inputs.lets_past(Operation::Chat, None), "a chat has none");
    }

    #[test]
    fn the_effective_value_always_lies_in_the_range() {
        for parameter in Parameter::ALL {
            for (min, max) in [(None, Some("3")), (Some("2"), None), (Some("2"), Some("3"))] {
                let range = range(*parameter, min, max, None, Over::Clamp);
                for stated in [None, Some("1"), Some("2.5"), Some("2.0000001"), Some("1000000")] {
                    let stated = stated.and_then(Quantity::parse);
                    let effective = range.settle(Operation::Chat, stated).map(|setting| setting.value).or(stated);
                    assert!(effective.is_none_or(|value| value.within(range.min, range.max)), "{range:?} {stated:?}");
                }
            }
        }
    }
}
