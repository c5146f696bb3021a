use gatewright_model::Operation;

use crate::{BodyKind, Route, RouteId};

macro_rules! routes {
    ($($name:ident = $id:literal, $method:literal $path:literal, $operation:ident, $body:expr;)*) => {
        $(pub(super) const $name: RouteId = RouteId($id);)*

        /// Every request that the protocol owns. What is not here is refused: uploads in parts, fine-tuning, containers,
        /// assistants, pictures, sound, realtime, and everything about an organisation.
        pub(super) const ROUTES: &[Route] =
            &[$(Route::new($name, $method, $path, Operation::$operation, $body),)*];
    };
}

use BodyKind::{Form, Json, None, Query};

const PAGE: BodyKind = Query(&["limit", "order", "after"]);
const PAGE_BOTH_WAYS: BodyKind = Query(&["limit", "order", "after", "before"]);

// What a server keeps for a caller, files before all, is the operation `files`. A vector store that the configuration
// declares is a dataset, and then its routes are what they do with a dataset.
routes! {
    CHAT = "openai.chat", "POST" "/v1/chat/completions", Chat, Json;
    EMBEDDINGS = "openai.embeddings", "POST" "/v1/embeddings", Embed, Json;
    MODERATIONS = "openai.moderations", "POST" "/v1/moderations", Classify, Json;
    LIST_MODELS = "openai.models", "GET" "/v1/models", ListModels, None;
    DESCRIBE_MODEL = "openai.model", "GET" "/v1/models/{id}", DescribeModel, None;

    RESPONSES = "openai.responses", "POST" "/v1/responses", Chat, Json;
    RESPONSE = "openai.response", "GET" "/v1/responses/{id}", Files, None;
    DELETE_RESPONSE = "openai.response-delete", "DELETE" "/v1/responses/{id}", Files, None;
    CANCEL_RESPONSE = "openai.response-cancel", "POST" "/v1/responses/{id}/cancel", Files, None;
    RESPONSE_ITEMS = "openai.response-items", "GET" "/v1/responses/{id}/input_items", Files, PAGE;

    CREATE_CONVERSATION = "openai.conversation-create", "POST" "/v1/conversations", Files, Json;
    CONVERSATION = "openai.conversation", "GET" "/v1/conversations/{id}", Files, None;
    CHANGE_CONVERSATION = "openai.conversation-change", "POST" "/v1/conversations/{id}", Files, Json;
    DELETE_CONVERSATION = "openai.conversation-delete", "DELETE" "/v1/conversations/{id}", Files, None;
    ADD_CONVERSATION_ITEMS = "openai.conversation-add", "POST" "/v1/conversations/{id}/items", Files, Json;
    CONVERSATION_ITEMS = "openai.conversation-items", "GET" "/v1/conversations/{id}/items", Files, PAGE;
    CONVERSATION_ITEM = "openai.conversation-item", "GET" "/v1/conversations/{id}/items/{id}", Files, None;
    DELETE_CONVERSATION_ITEM =
        "openai.conversation-item-delete", "DELETE" "/v1/conversations/{id}/items/{id}", Files, None;

    UPLOAD_FILE = "openai.file-upload", "POST" "/v1/files", Files, Form;
    LIST_FILES = "openai.files", "GET" "/v1/files", Files, PAGE;
    FILE = "openai.file", "GET" "/v1/files/{id}", Files, None;
    DELETE_FILE = "openai.file-delete", "DELETE" "/v1/files/{id}", Files, None;
    FILE_CONTENT = "openai.file-content", "GET" "/v1/files/{id}/content", Files, None;

    CREATE_BATCH = "openai.batch-create", "POST" "/v1/batches", Batch, Json;
    LIST_BATCHES = "openai.batches", "GET" "/v1/batches", Batch, PAGE;
    BATCH = "openai.batch", "GET" "/v1/batches/{id}", Batch, None;
    CANCEL_BATCH = "openai.batch-cancel", "POST" "/v1/batches/{id}/cancel", Batch, None;

    CREATE_STORE = "openai.store-create", "POST" "/v1/vector_stores", Files, Json;
    LIST_STORES = "openai.stores", "GET" "/v1/vector_stores", Files, PAGE;
    STORE = "openai.store", "GET" "/v1/vector_stores/{id}", ReadDataset, None;
    CHANGE_STORE = "openai.store-change", "POST" "/v1/vector_stores/{id}", AdministerDataset, Json;
    DELETE_STORE = "openai.store-delete", "DELETE" "/v1/vector_stores/{id}", AdministerDataset, None;
    SEARCH_STORE = "openai.store-search", "POST" "/v1/vector_stores/{id}/search", ReadDataset, Json;
    STORE_FILES = "openai.store-files", "GET" "/v1/vector_stores/{id}/files", ReadDataset, PAGE_BOTH_WAYS;
    ADD_STORE_FILE = "openai.store-file-add", "POST" "/v1/vector_stores/{id}/files", WriteDataset, Json;
    STORE_FILE = "openai.store-file", "GET" "/v1/vector_stores/{id}/files/{id}", ReadDataset, None;
    CHANGE_STORE_FILE = "openai.store-file-change", "POST" "/v1/vector_stores/{id}/files/{id}", WriteDataset, Json;
    REMOVE_STORE_FILE = "openai.store-file-remove", "DELETE" "/v1/vector_stores/{id}/files/{id}", WriteDataset, None;
    STORE_FILE_CONTENT =
        "openai.store-file-content", "GET" "/v1/vector_stores/{id}/files/{id}/content", ExportDataset, None;
    ADD_STORE_BATCH = "openai.store-batch-add", "POST" "/v1/vector_stores/{id}/file_batches", WriteDataset, Json;
    STORE_BATCH = "openai.store-batch", "GET" "/v1/vector_stores/{id}/file_batches/{id}", ReadDataset, None;
    CANCEL_STORE_BATCH =
        "openai.store-batch-cancel", "POST" "/v1/vector_stores/{id}/file_batches/{id}/cancel", WriteDataset, None;
    STORE_BATCH_FILES =
        "openai.store-batch-files", "GET" "/v1/vector_stores/{id}/file_batches/{id}/files", ReadDataset, PAGE_BOTH_WAYS;
}
