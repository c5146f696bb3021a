//! The fields of requests about what a server keeps, and of responses.

use gatewright_model::{ChannelKind, Parameter, StoredKind};

use super::routes::{
    ADD_CONVERSATION_ITEMS, ADD_STORE_BATCH, ADD_STORE_FILE, CHANGE_CONVERSATION, CHANGE_STORE, CHANGE_STORE_FILE,
    CREATE_BATCH, CREATE_CONVERSATION, CREATE_STORE, MODERATIONS, RESPONSES, SEARCH_STORE,
};
use super::shape::{Member, Part, Strange, may, must, states};
use crate::RouteId;

/// More tokens than any model has.
const MOST_TOKENS: i64 = 100_000_000;

const STATUS: Part = Part::Word(&["in_progress", "completed", "incomplete"]);
const NOTHING: Part = Part::List(&Part::Never);

const SAID_PARTS: Part = Part::List(&Part::Tagged(
    Strange::Media,
    &[
        ("input_text", &[must("type", Part::Word(&["input_text"])), must("text", Part::Said)]),
        (
            "output_text",
            &[
                must("type", Part::Word(&["output_text"])),
                must("text", Part::Said),
                // What SDKs send back of an answer that had none.
                may("annotations", NOTHING),
                may("logprobs", NOTHING),
            ],
        ),
        ("refusal", &[must("type", Part::Word(&["refusal"])), must("refusal", Part::Said)]),
    ],
));

const MESSAGE: &[Member] = &[
    may("type", Part::Word(&["message"])),
    must("role", Part::Word(&["user", "assistant", "system", "developer"])),
    must("content", Part::Either(&[Part::Said, SAID_PARTS])),
    may("id", Part::Link),
    may("status", STATUS),
    may("phase", Part::Word(&["commentary", "final_answer"])),
];

const FUNCTION_CALL: &[Member] = &[
    must("type", Part::Word(&["function_call"])),
    must("call_id", Part::Link),
    must("name", Part::Text(ChannelKind::ToolName)),
    must("arguments", Part::Embedded(ChannelKind::ToolArguments)),
    may("id", Part::Link),
    may("status", STATUS),
];

const RESULT_PARTS: Part = Part::List(&Part::Tagged(
    Strange::Media,
    &[("input_text", &[must("type", Part::Word(&["input_text"])), must("text", Part::Text(ChannelKind::ToolResult))])],
));

const FUNCTION_RESULT: &[Member] = &[
    must("type", Part::Word(&["function_call_output"])),
    must("call_id", Part::Link),
    must("output", Part::Either(&[Part::Text(ChannelKind::ToolResult), RESULT_PARTS])),
    may("id", Part::Link),
    may("status", STATUS),
];

/// Items by value alone: one by reference could be another conversation's. So is a reasoning item, whose words servers
/// look up by its id.
const ITEMS: Part = Part::List(&Part::Tagged(
    Strange::Media,
    &[("", MESSAGE), ("message", MESSAGE), ("function_call", FUNCTION_CALL), ("function_call_output", FUNCTION_RESULT)],
));

const RANKING: Part = Part::Object(&[
    may("ranker", Part::Word(&["none", "auto", "default-2024-11-15"])),
    may("score_threshold", Part::Number("0", "1")),
]);

/// The most results of one search.
pub(super) const MOST_RESULTS: u64 = 50;
const RESULTS: Part = Part::Whole(1, MOST_RESULTS as i64);
const TOLD: ChannelKind = ChannelKind::ToolDefinition;

const WEB_SEARCH: &[Member] = &[
    must("type", Part::Word(&["web_search", "web_search_preview"])),
    may("search_context_size", Part::Word(&["low", "medium", "high"])),
    may("filters", Part::Object(&[may("allowed_domains", Part::List(&Part::Text(TOLD)))])),
    may(
        "user_location",
        Part::Object(&[
            may("type", Part::Word(&["approximate"])),
            may("city", Part::Text(TOLD)),
            may("country", Part::Text(TOLD)),
            may("region", Part::Text(TOLD)),
            may("timezone", Part::Text(TOLD)),
        ]),
    ),
];

const TOOLS: Part = Part::List(&Part::Tagged(
    Strange::Tool,
    &[
        (
            "function",
            &[
                must("type", Part::Word(&["function"])),
                must("name", Part::Text(TOLD)),
                may("description", Part::Text(TOLD)),
                may("parameters", Part::Free(TOLD)),
                may("strict", Part::Flag),
            ],
        ),
        (
            "file_search",
            &[
                must("type", Part::Word(&["file_search"])),
                must("vector_store_ids", Part::List(&Part::Reached)),
                may("max_num_results", RESULTS),
                may("ranking_options", RANKING),
                may("filters", Part::Filter),
            ],
        ),
        ("web_search", WEB_SEARCH),
        ("web_search_preview", WEB_SEARCH),
        (
            "code_interpreter",
            &[
                must("type", Part::Word(&["code_interpreter"])),
                // A container by its id could be another caller's.
                must(
                    "container",
                    Part::Object(&[
                        must("type", Part::Word(&["auto"])),
                        may("file_ids", Part::List(&Part::Stored(StoredKind::File))),
                        may("memory_limit", Part::Word(&["1g", "4g", "16g", "64g"])),
                    ]),
                ),
            ],
        ),
        (
            "mcp",
            &[
                must("type", Part::Word(&["mcp"])),
                must("server_label", Part::Text(TOLD)),
                may("server_url", Part::Reached),
                may("connector_id", Part::Reached),
                may("server_description", Part::Text(TOLD)),
                may("allowed_tools", Part::List(&Part::Text(TOLD))),
                may("require_approval", Part::Word(&["always", "never"])),
            ],
        ),
    ],
));

const TOOL_CHOICE: Part = Part::Either(&[
    Part::Word(&["none", "auto", "required"]),
    Part::Tagged(
        Strange::Tool,
        &[
            ("function", &[must("type", Part::Word(&["function"])), must("name", Part::Text(ChannelKind::ToolName))]),
            ("file_search", &[must("type", Part::Word(&["file_search"]))]),
            ("web_search_preview", &[must("type", Part::Word(&["web_search_preview"]))]),
            ("code_interpreter", &[must("type", Part::Word(&["code_interpreter"]))]),
        ],
    ),
]);

const FORMAT: Part = Part::Tagged(
    Strange::Shape,
    &[
        ("text", &[must("type", Part::Word(&["text"]))]),
        ("json_object", &[must("type", Part::Word(&["json_object"]))]),
        (
            "json_schema",
            &[
                must("type", Part::Word(&["json_schema"])),
                must("name", Part::Text(TOLD)),
                may("description", Part::Text(TOLD)),
                must("schema", Part::Free(TOLD)),
                may("strict", Part::Flag),
            ],
        ),
    ],
);

const CONVERSATION: Part = Part::Stored(StoredKind::Conversation);

const RESPONSES_FIELDS: &[Member] = &[
    must("model", Part::Model),
    // Without one it goes on from what was said before.
    may("input", Part::Either(&[Part::Said, ITEMS])),
    may("instructions", Part::Text(ChannelKind::System)),
    may("previous_response_id", Part::Stored(StoredKind::Response)),
    may("conversation", Part::Either(&[CONVERSATION, Part::Object(&[must("id", CONVERSATION)])])),
    may("store", Part::Flag),
    may("background", Part::Flag),
    may("stream", Part::Flag),
    may("stream_options", Part::Object(&[may("include_obfuscation", Part::Flag)])),
    states("max_output_tokens", Part::Whole(1, MOST_TOKENS), Parameter::MaxTokens),
    states("temperature", Part::Number("0", "2"), Parameter::Temperature),
    states("top_p", Part::Number("0", "1"), Parameter::TopP),
    states("top_logprobs", Part::Whole(0, 20), Parameter::TopLogprobs),
    may("max_tool_calls", Part::Whole(1, 128)),
    may("parallel_tool_calls", Part::Flag),
    may("tools", TOOLS),
    may("tool_choice", TOOL_CHOICE),
    may("text", Part::Object(&[may("format", FORMAT), may("verbosity", Part::Word(&["low", "medium", "high"]))])),
    may(
        "reasoning",
        Part::Object(&[
            may("effort", Part::Word(&["none", "minimal", "low", "medium", "high", "xhigh"])),
            may("summary", Part::Word(&["auto", "concise", "detailed"])),
        ]),
    ),
    may("include", Part::List(&Part::Word(&["file_search_call.results", "code_interpreter_call.outputs"]))),
    may("truncation", Part::Word(&["auto", "disabled"])),
    may("service_tier", Part::Word(&["auto", "default"])),
    may("user", Part::Text(ChannelKind::Other)),
    may("safety_identifier", Part::Text(ChannelKind::Other)),
    may("prompt_cache_key", Part::Text(ChannelKind::Other)),
    may("metadata", Part::Labels),
];

const FILE: Part = Part::Stored(StoredKind::File);
const CHUNKS: Part = Part::Tagged(
    Strange::Shape,
    &[
        ("auto", &[must("type", Part::Word(&["auto"]))]),
        (
            "static",
            &[
                must("type", Part::Word(&["static"])),
                must(
                    "static",
                    Part::Object(&[
                        must("max_chunk_size_tokens", Part::Whole(100, 4096)),
                        must("chunk_overlap_tokens", Part::Whole(0, 2048)),
                    ]),
                ),
            ],
        ),
    ],
);
const EXPIRES: Part =
    Part::Object(&[must("anchor", Part::Word(&["last_active_at"])), must("days", Part::Whole(1, 365))]);

const MODERATIONS_FIELDS: &[Member] = &[
    must("model", Part::Model),
    must("input", Part::Either(&[Part::Text(ChannelKind::Input), Part::List(&Part::Text(ChannelKind::Input))])),
];

const CREATE_BATCH_FIELDS: &[Member] = &[
    must("input_file_id", FILE),
    must("endpoint", Part::Word(super::upload::ENDPOINTS)),
    must("completion_window", Part::Word(&["24h"])),
    may("metadata", Part::Labels),
    may(
        "output_expires_after",
        Part::Object(&[must("anchor", Part::Word(&["created_at"])), must("seconds", Part::Whole(3600, 2_592_000))]),
    ),
];

const CREATE_CONVERSATION_FIELDS: &[Member] = &[may("metadata", Part::Labels), may("items", ITEMS)];

const CHANGE_CONVERSATION_FIELDS: &[Member] = &[must("metadata", Part::Labels)];

const ADD_CONVERSATION_ITEMS_FIELDS: &[Member] = &[must("items", ITEMS)];

const CREATE_STORE_FIELDS: &[Member] = &[
    may("name", Part::Text(ChannelKind::Other)),
    may("description", Part::Text(ChannelKind::Other)),
    may("file_ids", Part::List(&FILE)),
    may("expires_after", EXPIRES),
    may("chunking_strategy", CHUNKS),
    may("metadata", Part::Labels),
];

const CHANGE_STORE_FIELDS: &[Member] =
    &[may("name", Part::Text(ChannelKind::Other)), may("expires_after", EXPIRES), may("metadata", Part::Labels)];

const SEARCH_STORE_FIELDS: &[Member] = &[
    must("query", Part::Either(&[Part::Text(ChannelKind::Input), Part::List(&Part::Text(ChannelKind::Input))])),
    may("max_num_results", RESULTS),
    may("filters", Part::Filter),
    may("ranking_options", RANKING),
    may("rewrite_query", Part::Flag),
];

const ADD_STORE_FILE_FIELDS: &[Member] =
    &[must("file_id", FILE), may("attributes", Part::Attributes), may("chunking_strategy", CHUNKS)];

const CHANGE_STORE_FILE_FIELDS: &[Member] = &[must("attributes", Part::Attributes)];

const ADD_STORE_BATCH_FIELDS: &[Member] =
    &[must("file_ids", Part::List(&FILE)), may("attributes", Part::Attributes), may("chunking_strategy", CHUNKS)];

/// The fields of a route's requests; empty for routes that this page does not know.
pub(super) fn of(route: RouteId) -> &'static [Member] {
    match route {
        RESPONSES => RESPONSES_FIELDS,
        MODERATIONS => MODERATIONS_FIELDS,
        CREATE_BATCH => CREATE_BATCH_FIELDS,
        CREATE_CONVERSATION => CREATE_CONVERSATION_FIELDS,
        CHANGE_CONVERSATION => CHANGE_CONVERSATION_FIELDS,
        ADD_CONVERSATION_ITEMS => ADD_CONVERSATION_ITEMS_FIELDS,
        CREATE_STORE => CREATE_STORE_FIELDS,
        CHANGE_STORE => CHANGE_STORE_FIELDS,
        SEARCH_STORE => SEARCH_STORE_FIELDS,
        ADD_STORE_FILE => ADD_STORE_FILE_FIELDS,
        CHANGE_STORE_FILE => CHANGE_STORE_FILE_FIELDS,
        ADD_STORE_BATCH => ADD_STORE_BATCH_FIELDS,
        _ => &[],
    }
}
