//! Whoever comes through the operators' door: known by the same issuers, judged by the same policy.

use std::sync::Arc;

use gatewright_identity::Verified;
use gatewright_model::{Code, Identity, Refusal, RoleName};
use gatewright_policy::{Permission, Roles};
use http::HeaderMap;

use crate::{Gateway, World};

/// Somebody who asks about the gateway rather than a model, and the world in which they are known.
pub struct Visit {
    verified: Arc<Verified>,
    roles: Vec<RoleName>,
}

impl Visit {
    /// Who.
    pub fn identity(&self) -> &Identity {
        &self.verified.identity
    }

    /// The roles that count now.
    pub fn roles(&self) -> &[RoleName] {
        &self.roles
    }
}

impl Gateway {
    /// Finds out who asks, by the rules that callers are known by.
    ///
    /// # Errors
    /// As for a call: nobody can be known to ask.
    pub async fn visit(&self, headers: &HeaderMap) -> Result<Visit, Refusal> {
        let world = self.world();
        let verified = world.identities.authenticate(headers).await?;
        let roles = self.roles_in(&world, &verified.identity).names(self.clock.now()).to_vec();
        Ok(Visit { verified, roles })
    }

    /// Asks the live policy whether somebody has an admin permission.
    pub fn permits_admin(&self, identity: &Identity, permission: &str) -> Permission {
        let world = self.world();
        let roles = self.roles_in(&world, identity);
        world.policy.permits_admin(identity, &roles, self.clock.now(), permission)
    }

    fn roles_in(&self, world: &World, identity: &Identity) -> Roles {
        let now = self.clock.now();
        match world.lent_to(identity, now) {
            lent if lent.is_empty() => world.policy.roles_of(identity, now),
            lent => world.roles_with(identity, &lent, now),
        }
    }

    /// A text that somebody wrote about a call, without its sensitive values.
    pub fn without_values(&self, text: &str) -> String {
        crate::hold::without_values(&self.world().detectors, text)
    }

    /// Counts a refusal of somebody whom nobody knows; the log is told in aggregate.
    pub fn count_stranger(&self, code: Code) {
        self.strangers.count(code);
    }
}
