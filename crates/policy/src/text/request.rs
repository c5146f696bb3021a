//! `request:` of a role: who may ask to have it for a time, who decides, and for how long at most.

use std::time::Duration;

use gatewright_model::Identity;

use super::node::Node;
use super::reader::{Placed, Reader};
use super::{Approver, Place};

/// How long a role lasts where nobody says: one that people approve, and one that is taken.
const USUAL: Duration = Duration::from_secs(3_600);
const USUAL_TAKEN: Duration = Duration::from_secs(30 * 60);

/// The longest that the catalogue can say. What is needed for longer is a membership, and should look like one.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);
const LONGEST_TAKEN: Duration = Duration::from_secs(4 * 3_600);

/// What the decision is called that nobody makes. No approval of a catalogue has this name.
pub const BREAK_GLASS: &str = "break-glass";

/// How a role can be had for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requestable {
    /// Who may ask.
    pub by: Vec<Approver>,
    /// Who decides.
    pub through: Through,
    /// For how long at most.
    pub longest: Duration,
    /// Where it is declared.
    pub place: Place,
}

/// Who decides whether somebody gets a role for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// Whoever this approval names.
    Approval(String),
    /// Nobody: whoever may ask has it at once, says why, and everybody is told.
    BrokenGlass,
}

impl Requestable {
    /// Whether this identity may ask, by what its issuer says of it now.
    pub fn may_ask(&self, identity: &Identity) -> bool {
        self.by
            .iter()
            .any(|by| by.issuer == identity.issuer && identity.groups.iter().any(|group| **group == *by.group))
    }
}

/// Reads `request:`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Requestable> {
    let fields = reader.fields(node, &["by", "approval", "break_glass", "longest"]);
    let place = reader.place(node);
    let by: Vec<Approver> = fields.get("by").map_or(Vec::new(), |node| {
        reader.list(node).iter().filter_map(|item| super::sections::approver(reader, item)).collect()
    });
    if by.is_empty() {
        reader.fault(&place, "nobody could ask for this role: name the groups that may in `by`");
    }
    let approval: Option<Placed<String>> = fields.get("approval").and_then(|node| reader.text(node));
    let taken = fields.get("break_glass").and_then(|node| reader.truth(node)).unwrap_or(false);
    let through = match (approval, taken) {
        (Some(approval), false) => Through::Approval(approval.value),
        (None, true) => Through::BrokenGlass,
        _ => {
            reader.fault(&place, "`request` is decided by an `approval: NAME`, or by nobody with `break_glass: true`");
            return None;
        }
    };
    let (usual, most) = match through {
        Through::Approval(_) => (USUAL, LONGEST),
        Through::BrokenGlass => (USUAL_TAKEN, LONGEST_TAKEN),
    };
    let longest = fields.get("longest").and_then(|node| reader.duration(node)).unwrap_or(usual);
    if longest.is_zero() || longest > most {
        let message = format!("`longest` is between 1s and {}h here", most.as_secs() / 3_600);
        reader.fault(&place, message);
    }
    Some(Requestable { by, through, longest, place })
}
