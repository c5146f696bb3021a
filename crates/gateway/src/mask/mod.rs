//! What goes out and what comes back, with sensitive values treated as policy decided; and beside each the masked view
//! that is recorded.
//!
//! `prepare` makes a [`Request`] of a permitted call; `reply` puts an answer behind its masker; `view` is the answer's
//! two sides, the one that is shown and the one that is recorded.

mod prepare;
mod reply;
mod request;
mod view;

use std::sync::Arc;

use gatewright_masking::Treatments;
use gatewright_model::Treatment;
use gatewright_policy::Decision;

pub(crate) use prepare::request;
pub use reply::Masked;
pub(crate) use reply::{Flow, reply};
pub(crate) use request::Destination;
pub use request::Request;
pub(crate) use view::View;

/// What the record shows in place of what this treatment keeps.
const fn recorded(treatment: Treatment) -> Treatment {
    match treatment {
        Treatment::Keep | Treatment::Alert => Treatment::Redact,
        Treatment::Partial | Treatment::Pseudonym | Treatment::Token | Treatment::Redact | Treatment::Block => {
            treatment
        }
    }
}

/// What happens to values in an answer.
struct Views {
    shown: Treatments,
    recorded: Treatments,
    /// To tokens in the arguments of tool calls, as they are shown.
    tools: Treatments,
}

impl Views {
    fn of(decision: &Decision) -> Self {
        // A token is for the way in: what an answer has of its own could not be restored by anybody.
        let shown: Vec<Treatment> = decision
            .reply
            .iter()
            .map(|treatment| if *treatment == Treatment::Token { Treatment::Redact } else { *treatment })
            .collect();
        Self {
            recorded: recorded_view(&shown),
            shown: Treatments::new(shown),
            tools: Treatments::new(Arc::clone(&decision.tools)),
        }
    }
}

fn recorded_view(treatments: &[Treatment]) -> Treatments {
    Treatments::new(treatments.iter().map(|treatment| recorded(*treatment)).collect::<Vec<_>>())
}
