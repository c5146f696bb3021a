//! An index that is wrong, for the test that must see it noticed. Never in a release.

use gatewright_model::{RuleName, RuleRef};

use super::Compiled;
use crate::Catalogue;
use crate::action::Action;
use crate::index::{Effect, Origin, Rule, Seat};
use crate::resources::number;

impl Catalogue {
    /// The same catalogue, but that its index lets everybody run every model, whatever is written.
    #[must_use]
    pub fn danger_with_wrong_index(mut self) -> Self {
        self.compiled.permit_everything();
        self
    }
}

impl Compiled {
    fn permit_everything(&mut self) {
        let reference = RuleRef { name: RuleName::from("wrong-index"), file: "".into(), line: 0 };
        let rule = number(self.rules.len());
        self.rules.push(Rule {
            reference,
            role: None,
            origin: Origin::Plain,
            approval: None,
            trigger: None,
            tests: [].into(),
            condition: None,
        });
        for action in Action::all().filter(|action| action.is_inference()) {
            self.global.seat(action.index(), Effect::Permit, &Seat::Any, rule);
        }
        self.global.sort();
    }
}
