//! The only crate that sees a model's credential: lends it, reaches the model, hands back the answer.
