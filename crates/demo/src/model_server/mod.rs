//! A model server in the process, in the style of OpenAI's: chat, whole and streamed, tool calls, embeddings and a list
//! of models. Its answers hold made-up personal data, so that masking shows.
//!
//! It understands nothing: an answer is a letter from a stock of sentences that says the question's subject again. It
//! serves loopback addresses only, and asks for no credential.

mod answer;
mod chat;
mod embeddings;
mod serve;

pub use serve::{ModelServer, ServeFault};
