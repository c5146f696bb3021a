//! What goes out and what comes back, with sensitive values treated as policy decided; and beside each the masked view
//! that is recorded.
//!
//! `prepare` makes a [`Request`] of a permitted call; `reply` puts an answer behind its masker; `view` is the answer's
//! two sides, the one that is shown and the one that is recorded.

mod prepare;
mod reply;
mod request;
mod view;

use gatewright_masking::Treatments;
use gatewright_model::Treatment;

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

/// The two views of an answer.
struct Views {
    shown: Treatments,
    recorded: Treatments,
}

impl Views {
    fn of(decided: &[Treatment]) -> Self {
        // A token is for the way in: what an answer has of its own could not be restored by anybody.
        let shown: Vec<Treatment> = decided
            .iter()
            .map(|treatment| if *treatment == Treatment::Token { Treatment::Redact } else { *treatment })
            .collect();
        Self { recorded: recorded_view(&shown), shown: Treatments::new(shown) }
    }
}

fn recorded_view(treatments: &[Treatment]) -> Treatments {
    Treatments::new(treatments.iter().map(|treatment| recorded(*treatment)).collect::<Vec<_>>())
}
