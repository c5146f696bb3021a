use std::sync::Arc;

use gatewright_api::{ME, Me, Person, Problem};
use gatewright_model::Verdict;
use gatewright_policy::ADMIN_PERMISSIONS;

use crate::{Asked, Authority, Given, Part, Pending, Visitor};

/// Says to visitors who they are here.
pub struct WhoAmI {
    authority: Arc<dyn Authority>,
}

impl WhoAmI {
    /// With what `authority` knows.
    pub fn new(authority: Arc<dyn Authority>) -> Self {
        Self { authority }
    }

    fn me(&self, visitor: &Visitor) -> Me {
        let has = |permission: &str| self.authority.permits(visitor, permission).verdict == Verdict::Allow;
        Me {
            person: person(visitor),
            kind: visitor.identity.kind.name().to_owned(),
            roles: visitor.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            permissions: ADMIN_PERMISSIONS.iter().filter(|name| has(name)).map(|name| (*name).to_owned()).collect(),
            expires: visitor.identity.expires.to_string(),
        }
    }
}

/// A visitor as the API names people.
pub(crate) fn person(visitor: &Visitor) -> Person {
    let identity = &visitor.identity;
    Person { issuer: identity.issuer.as_str().to_owned(), subject: identity.subject.to_string() }
}

impl Part for WhoAmI {
    fn endpoints(&self) -> Vec<&'static str> {
        vec![ME.name]
    }

    fn answer<'a>(&'a self, asked: Asked<'a>) -> Pending<'a, Result<Given, Problem>> {
        Box::pin(async move { Given::json(&self.me(asked.visitor)) })
    }
}
