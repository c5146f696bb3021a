use std::sync::Arc;

use gatewright_model::{
    Code, Digest, Identity, ModelName, Refusal, RuleName, RuleRef, Timestamp, Treatment, Verdict,
};

use crate::roles::Held;
use crate::{CatalogueText, Decision, Fault, Landscape, Permission, Question, Roles};

/// A compiled catalogue: immutable, shared by every call that it decides.
#[derive(Debug)]
pub struct Catalogue {
    digest: Digest,
    warnings: Vec<Fault>,
    info_types: usize,
}

impl Catalogue {
    /// Holds a catalogue against what the configuration declares and compiles it; all faults at once.
    pub fn compile(text: CatalogueText, landscape: &Landscape) -> Result<Self, Vec<Fault>> {
        let _ = text;
        Ok(Self { digest: Digest::default(), warnings: Vec::new(), info_types: landscape.info_types.len() })
    }

    /// SHA-256 over the names and texts of its files, in the order of their names.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the catalogue says and this version does not enforce, and what cannot have an effect.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The roles of this identity. Cheap to clone; keep them with the token that proved the identity.
    pub fn roles_of(&self, identity: &Identity, now: Timestamp) -> Roles {
        let _ = (identity, now);
        Roles(Arc::new(Held::default()))
    }

    /// Decides a call. Total: every question has an answer, and trouble inside a policy is a denial.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let (rules, refusal) = default_deny();
        Decision {
            verdict: Verdict::Deny,
            rules,
            refusal: Some(refusal),
            settings: Vec::new(),
            request: vec![Treatment::Block; self.info_types].into(),
            reply: vec![Treatment::Block; self.info_types].into(),
            answer_rules: Vec::new(),
            roles: question.roles.names(question.now).into(),
        }
    }

    /// The models that this caller may see: those on which a grant of theirs allows an inference operation or a
    /// description, in the order of the landscape.
    pub fn models_for(&self, identity: &Identity, roles: &Roles, now: Timestamp) -> Vec<ModelName> {
        let _ = (identity, roles, now);
        Vec::new()
    }

    /// Whether this caller has an admin permission: `records.read`, `policy.apply` and so on.
    pub fn permits_admin(&self, identity: &Identity, roles: &Roles, now: Timestamp, permission: &str) -> Permission {
        let _ = (identity, roles, now, permission);
        let (rules, refusal) = default_deny();
        Permission { verdict: Verdict::Deny, rules, refusal: Some(refusal) }
    }
}

/// The answer where no rule spoke.
fn default_deny() -> (Vec<RuleRef>, Refusal) {
    let name = RuleName::from("default-deny");
    let rule = RuleRef { name: name.clone(), file: "".into(), line: 0 };
    (vec![rule], Refusal::new(Code::PermissionDenied, "No rule allows this.").by(name))
}
