use gatewright_json::Value;
use gatewright_model::{Code, Parameter, Quantity, Refusal};

use crate::Dialect;

/// What a top-level field's value must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Code of its own reads it.
    Own,
    /// `true` or `false`.
    Flag,
    /// `false` only: `true` would make the model server keep what was said.
    Off,
    /// A number within these bounds.
    Number(&'static str, &'static str),
    /// A whole number within these bounds.
    Whole(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// An object of texts, whose keys the caller chooses.
    Labels,
    /// A list of token ids.
    Wholes,
    /// Any JSON; all of it is searched.
    Free,
    /// An object from token ids to numbers.
    Biases,
}

/// A top-level field that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// The parameter that it states.
    pub(super) parameter: Option<Parameter>,
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, parameter: None }
}

const fn states(name: &'static str, shape: Shape, parameter: Parameter) -> Field {
    Field { name, shape, parameter: Some(parameter) }
}

/// No vocabulary is larger; longer numbers could be somebody's.
const MOST_TOKEN_ID: i64 = 9_999_999;
/// More tokens, dimensions or choices than any model has.
const MOST_TOKENS: i64 = 100_000_000;

const CHAT: &[Field] = &[
    field("model", Shape::Own),
    field("messages", Shape::Own),
    field("stream", Shape::Flag),
    field("stream_options", Shape::Own),
    states("max_tokens", Shape::Whole(1, MOST_TOKENS), Parameter::MaxTokens),
    states("max_completion_tokens", Shape::Whole(1, MOST_TOKENS), Parameter::MaxTokens),
    states("temperature", Shape::Number("0", "2"), Parameter::Temperature),
    states("top_p", Shape::Number("0", "1"), Parameter::TopP),
    states("n", Shape::Whole(1, 128), Parameter::N),
    states("frequency_penalty", Shape::Number("-2", "2"), Parameter::FrequencyPenalty),
    states("presence_penalty", Shape::Number("-2", "2"), Parameter::PresencePenalty),
    states("seed", Shape::Whole(-MOST_SEED, MOST_SEED), Parameter::Seed),
    states("logprobs", Shape::Flag, Parameter::Logprobs),
    states("top_logprobs", Shape::Whole(0, 20), Parameter::TopLogprobs),
    field("logit_bias", Shape::Biases),
    field("stop", Shape::Texts),
    field("response_format", Shape::Own),
    field("prediction", Shape::Own),
    field("tools", Shape::Own),
    field("tool_choice", Shape::Own),
    field("functions", Shape::Own),
    field("function_call", Shape::Own),
    field("parallel_tool_calls", Shape::Flag),
    field("modalities", Shape::Own),
    field("reasoning_effort", Shape::Choice(&["none", "minimal", "low", "medium", "high", "xhigh"])),
    field("verbosity", Shape::Choice(&["low", "medium", "high"])),
    field("service_tier", Shape::Choice(&["auto", "default"])),
    field("store", Shape::Off),
    field("user", Shape::Text),
    field("safety_identifier", Shape::Text),
    field("prompt_cache_key", Shape::Text),
    field("metadata", Shape::Labels),
];

/// A quantity holds no more; no sampler tells larger seeds apart in every language.
const MOST_SEED: i64 = 9_007_199_254_740;

const EMBEDDINGS: &[Field] = &[
    field("model", Shape::Own),
    field("input", Shape::Own),
    field("encoding_format", Shape::Choice(&["float", "base64"])),
    states("dimensions", Shape::Whole(1, 65_536), Parameter::Dimensions),
    field("user", Shape::Text),
];

pub(super) const VLLM: &str = "vllm";
const LLAMA_CPP: &str = "llama.cpp";

const VLLM_CHAT: &[Field] = &[
    states("top_k", Shape::Whole(-1, 1_000_000), Parameter::TopK),
    field("min_p", Shape::Number("0", "1")),
    field("repetition_penalty", Shape::Number("0", "10")),
    field("length_penalty", Shape::Number("-10", "10")),
    field("min_tokens", Shape::Whole(0, MOST_TOKENS)),
    field("skip_special_tokens", Shape::Flag),
    field("spaces_between_special_tokens", Shape::Flag),
    field("include_stop_str_in_output", Shape::Flag),
    field("include_reasoning", Shape::Flag),
    field("add_generation_prompt", Shape::Flag),
    field("continue_final_message", Shape::Flag),
    field("stop_token_ids", Shape::Wholes),
    field("guided_json", Shape::Free),
    field("guided_choice", Shape::Texts),
    field("chat_template_kwargs", Shape::Free),
];

const LLAMA_CPP_CHAT: &[Field] = &[
    states("top_k", Shape::Whole(-1, 1_000_000), Parameter::TopK),
    field("min_p", Shape::Number("0", "1")),
    field("typical_p", Shape::Number("0", "1")),
    field("repeat_penalty", Shape::Number("0", "10")),
    field("repeat_last_n", Shape::Whole(-1, 1_000_000)),
    field("mirostat", Shape::Whole(0, 2)),
    field("mirostat_tau", Shape::Number("0", "100")),
    field("mirostat_eta", Shape::Number("0", "100")),
    field("min_keep", Shape::Whole(0, 1_000_000)),
    field("cache_prompt", Shape::Flag),
    field("json_schema", Shape::Free),
    field("reasoning_format", Shape::Choice(&["none", "auto", "deepseek", "deepseek-legacy"])),
    field("chat_template_kwargs", Shape::Free),
];

/// The dialects that the protocol knows by name; `openai` is the vendor's own.
pub(super) fn dialect(name: &str) -> Option<Dialect> {
    match name {
        "openai" => Some(Dialect::Vendor),
        VLLM => Some(Dialect::Named(VLLM)),
        LLAMA_CPP => Some(Dialect::Named(LLAMA_CPP)),
        _ => None,
    }
}

const fn further(dialect: Dialect) -> &'static [Field] {
    match dialect {
        Dialect::Vendor => &[],
        Dialect::Named(name) => match name.as_bytes() {
            b"vllm" => VLLM_CHAT,
            b"llama.cpp" => LLAMA_CPP_CHAT,
            _ => &[],
        },
    }
}

/// The fields of a chat request in this dialect.
pub(super) fn chat(dialect: Dialect) -> impl Iterator<Item = &'static Field> {
    CHAT.iter().chain(further(dialect))
}

/// The fields of a chat request in any dialect, which agree on the shape of those that they share.
pub(super) fn chat_in_any_dialect() -> impl Iterator<Item = &'static Field> {
    CHAT.iter().chain(VLLM_CHAT).chain(LLAMA_CPP_CHAT)
}

/// The fields of an embeddings request.
pub(super) fn embeddings() -> impl Iterator<Item = &'static Field> {
    EMBEDDINGS.iter()
}

/// The most texts in one list, and members in one object of biases.
const MOST_ITEMS: usize = 1024;

impl Field {
    /// Checks a value, and gives the quantity that it states where it states a parameter.
    pub(super) fn check(&self, value: &Value) -> Result<Option<Quantity>, Refusal> {
        let fits = match self.shape {
            Shape::Own | Shape::Free => true,
            Shape::Flag => value.as_bool().is_some(),
            Shape::Off => value.as_bool() == Some(false),
            Shape::Number(least, most) => quantity(value).is_some_and(|it| between(it, least, most)),
            Shape::Whole(least, most) => whole(value).is_some_and(|it| (least..=most).contains(&it)),
            Shape::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Shape::Text => value.as_str().is_some(),
            Shape::Texts => value.as_str().is_some() || is_list(value, |item| item.as_str().is_some()),
            Shape::Labels => is_map(value, |_, label| label.as_str().is_some()),
            Shape::Wholes => is_list(value, |item| whole(item).is_some_and(|it| (0..=MOST_TOKEN_ID).contains(&it))),
            Shape::Biases => is_map(value, |key, bias| {
                let digits = key.bytes().all(|byte| byte.is_ascii_digit());
                let token = digits && key.parse().is_ok_and(|id: i64| id <= MOST_TOKEN_ID);
                token && quantity(bias).is_some_and(|it| between(it, "-100", "100"))
            }),
        };
        if !fits {
            return Err(self.refused());
        }
        Ok(match (self.parameter, value) {
            (None, _) => None,
            (Some(_), Value::Bool(truth)) => Quantity::whole(i64::from(*truth)),
            (Some(_), other) => quantity(other),
        })
    }

    fn refused(&self) -> Refusal {
        let name = self.name;
        let wanted = match self.shape {
            Shape::Own | Shape::Free => "of another shape".to_owned(),
            Shape::Flag => "true or false".to_owned(),
            Shape::Off => "false, since answers must not be kept by the model server".to_owned(),
            Shape::Number(least, most) => format!("a number from {least} to {most}"),
            Shape::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Shape::Choice(words) => format!("one of {}", words.join(", ")),
            Shape::Text => "a string".to_owned(),
            Shape::Texts => format!("a string or a list of at most {MOST_ITEMS} strings"),
            Shape::Labels => "an object of strings".to_owned(),
            Shape::Wholes => "a list of token ids".to_owned(),
            Shape::Biases => "an object from token ids to numbers from -100 to 100".to_owned(),
        };
        Refusal::new(Code::InvalidRequest, format!("The field `{name}` must be {wanted}.")).about(name)
    }
}

fn quantity(value: &Value) -> Option<Quantity> {
    Quantity::parse(value.as_number()?.as_str())
}

fn between(it: Quantity, least: &str, most: &str) -> bool {
    it.within(Quantity::parse(least), Quantity::parse(most))
}

/// A number that is written as a whole one: what `1.0` means, parsers disagree about.
fn whole(value: &Value) -> Option<i64> {
    value.as_number()?.as_i64()
}

fn is_list(value: &Value, item: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.len() <= MOST_ITEMS && items.iter().all(item))
}

fn is_map(value: &Value, member: impl Fn(&str, &Value) -> bool) -> bool {
    value.as_object().is_some_and(|object| object.len() <= MOST_ITEMS && object.iter().all(|(k, v)| member(k, v)))
}
