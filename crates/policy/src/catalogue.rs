use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::EntityUid;
use gatewright_model::{
    DatasetName, Delivery, Digest, Identity, InfoType, ModelName, Operation, Parameters, RoleName, RuleName, Standing,
    Terms, Timestamp, Trust, Verdict,
};

use crate::action::Action;
use crate::answers::{ForCall, TextRules};
use crate::ask::{About, Asking, By, Side, principal};
use crate::cedar::uid;
use crate::compile::{Compiled, compile};
use crate::decide::{self, Access};
use crate::earlier::Reusable;
use crate::exposure::{Conditional, treatments};
use crate::index::{Effect, Rule};
use crate::masking::Masking;
use crate::members::Members;
use crate::permissions::admin_index;
use crate::roles::{Lent, Membership, Window};
use crate::text::{ApprovalText, Requestable};
use crate::{CatalogueText, Decision, Earlier, Fault, Landscape, ModelFacts, Permission, Question, Roles, words};

/// A compiled catalogue: immutable, shared by every call that it decides.
#[derive(Debug)]
pub struct Catalogue {
    /// Known by its address to the roles that it numbered.
    pub(crate) token: Arc<()>,
    digest: Digest,
    pub(crate) compiled: Compiled,
    actions: Vec<EntityUid>,
    pub(crate) models: Vec<Listed>,
    /// Where each model stands in `models`.
    pub(crate) by_name: HashMap<ModelName, usize>,
    pub(crate) datasets: Vec<DatasetName>,
    pub(crate) info_types: Vec<InfoType>,
    /// As it was written, for those who explain and compare.
    pub(crate) text: CatalogueText,
    members: Members,
    pub(crate) role_names: Vec<RoleName>,
    masking: Masking,
    conditional: Conditional,
    prompt_rules: HashSet<RuleName>,
    text_rules: TextRules,
    approvals: Vec<ApprovalText>,
    /// The roles that can be had for a time, by name, with their numbers.
    requestable: HashMap<RoleName, u32>,
}

/// A model that a list may show.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) facts: ModelFacts,
    pub(crate) trust: Trust,
    resource: u32,
}

impl Listed {
    fn of(facts: &ModelFacts, landscape: &Landscape, compiled: &Compiled) -> Option<Self> {
        let (_, trust) = landscape.connections.iter().find(|(name, _)| *name == facts.connection)?;
        let resource = compiled.resources.model(facts.name.as_str())?;
        Some(Self { facts: facts.clone(), trust: *trust, resource })
    }
}

impl Catalogue {
    /// Holds a catalogue against what the configuration declares and compiles it; all faults at once.
    pub fn compile(text: CatalogueText, landscape: &Landscape) -> Result<Self, Vec<Fault>> {
        Self::build(text, landscape, None)
    }

    /// Like [`compile`](Self::compile), and much faster where little changed: what `earlier` made of a role is used again
    /// where neither the role's text nor the landscape differ. The outcome is the same.
    pub fn compile_after(text: CatalogueText, landscape: &Landscape, earlier: &Earlier) -> Result<Self, Vec<Fault>> {
        Self::build(text, landscape, Some(&earlier.0))
    }

    fn build(text: CatalogueText, landscape: &Landscape, earlier: Option<&Reusable>) -> Result<Self, Vec<Fault>> {
        let compiled = compile(&text, landscape, earlier)?;
        let named = landscape.models.iter();
        let models: Vec<Listed> = named.filter_map(|model| Listed::of(model, landscape, &compiled)).collect();
        let by_name = models.iter().enumerate().map(|(at, listed)| (listed.facts.name.clone(), at));
        let with_prompt = text.content_rules().iter().filter(|rule| rule.prompt.is_some());
        Ok(Self {
            token: Arc::new(()),
            digest: text.digest,
            actions: Action::all().map(|action| uid("Action", action.name())).collect(),
            by_name: by_name.collect(),
            models,
            datasets: landscape.datasets.iter().map(|dataset| dataset.name.clone()).collect(),
            info_types: landscape.info_types.clone(),
            members: Members::of(&text),
            role_names: text.roles.iter().map(|role| role.name.clone()).collect(),
            masking: Masking::of(&text, &compiled.resources),
            conditional: Conditional::of(&compiled),
            prompt_rules: with_prompt.map(|rule| rule.name.clone()).collect(),
            text_rules: TextRules::of(&text, &compiled.resources),
            approvals: text.approvals().to_vec(),
            requestable: (0..)
                .zip(&text.roles)
                .filter(|(_, role)| role.request.is_some())
                .map(|(number, role)| (role.name.clone(), number))
                .collect(),
            text,
            compiled,
        })
    }

    /// What the next reading and compilation can use again.
    pub fn earlier(&self) -> Earlier {
        Earlier(Arc::new(self.compiled.reusable(self.text.files.clone())))
    }

    /// SHA-256 over the names and texts of its files, in the order of their names.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the catalogue says and this version does not enforce, and what cannot have an effect.
    pub fn warnings(&self) -> &[Fault] {
        &self.compiled.warnings
    }

    /// Every role, in the order of the catalogue.
    pub fn roles(&self) -> &[RoleName] {
        &self.role_names
    }

    /// Whether a rule looks at prompts, so that it speaks only where its patterns matched.
    pub fn looks_at_prompts(&self, rule: &RuleName) -> bool {
        self.prompt_rules.contains(rule)
    }

    /// The rules over prompts of which nobody knows what they would have matched while `old` was in force, since it has no
    /// such rule or looks for something else by that name.
    pub fn untried_content_rules<'a>(&'a self, old: &'a Self) -> impl Iterator<Item = &'a RuleName> {
        let rules = self.text.content_rules().iter().filter(|rule| rule.prompt.is_some());
        let untried = rules.filter(|rule| {
            let same = old.text.content_rules().iter().find(|other| other.name == rule.name);
            same.is_none_or(|same| same.prompt != rule.prompt)
        });
        untried.map(|rule| &rule.name)
    }

    /// The info types that it masks or lets through.
    pub fn info_types(&self) -> &[InfoType] {
        &self.info_types
    }

    /// Whether this info type is one that is masked or let through by this catalogue.
    pub fn knows(&self, info_type: &InfoType) -> bool {
        self.info_types.contains(info_type)
    }

    /// The approval of this name.
    pub fn approval(&self, name: &str) -> Option<&ApprovalText> {
        self.approvals.iter().find(|approval| approval.name == name)
    }

    /// The approval that lifts a rule's hold; `None` where there is no such rule or it holds nothing.
    pub fn approval_of(&self, rule: &RuleName) -> Option<&ApprovalText> {
        let rule = self.compiled.all_rules().find(|known| known.reference.name == *rule && known.approval.is_some())?;
        self.approvals.iter().find(|approval| Some(&approval.name) == rule.approval.as_ref())
    }

    /// The roles of this identity. Cheap to clone; keep them with the token that proved the identity.
    pub fn roles_of(&self, identity: &Identity, now: Timestamp) -> Roles {
        Roles::new(self.token.clone(), identity, principal(identity), self.members.roles_of(identity, now))
    }

    /// The roles of this identity, and those that were lent to it: each that the catalogue still has, that can still be
    /// had for a time, and for which this identity, as its issuer describes it now, could still ask.
    pub fn roles_with<'l>(
        &self,
        identity: &Identity,
        lent: impl IntoIterator<Item = &'l Lent>,
        now: Timestamp,
    ) -> Roles {
        let mut memberships = self.members.roles_of(identity, now);
        for Lent { role: name, from, until } in lent {
            let Some(request) = self.requestable(name).filter(|request| request.may_ask(identity)) else { continue };
            let Some(role) = self.requestable.get(name).copied() else { continue };
            // Never longer than the catalogue says now, whatever it said when it was lent.
            let window = Window { from: Some(*from), until: Some((*until).min(from.plus(request.longest))) };
            let own = self.text.roles.get(role as usize).map(|role| role.window).unwrap_or_default();
            memberships.push(Membership { name: name.clone(), role, window: window.and(own) });
        }
        memberships.sort_by(Membership::in_order);
        memberships.dedup();
        Roles::new(self.token.clone(), identity, principal(identity), memberships)
    }

    /// How a role can be had for a time; `None` where there is no such role or it cannot.
    pub fn requestable(&self, role: &RoleName) -> Option<&Requestable> {
        let number = *self.requestable.get(role)?;
        self.text.roles.get(number as usize)?.request.as_ref()
    }

    /// The roles that can be had for a time, in the order of the catalogue.
    pub fn requestables(&self) -> impl Iterator<Item = (&RoleName, &Requestable)> {
        self.text.roles.iter().filter_map(|role| Some((&role.name, role.request.as_ref()?)))
    }

    /// What a record keeps of this identity's groups and claims, so that what is decided of it can be decided again.
    pub fn standing_of(&self, identity: &Identity) -> Standing {
        self.members.standing_of(identity)
    }

    /// The claims that a caller's roles or the filter of a dataset depend on, by JSON pointer.
    pub fn asked_claims(&self) -> impl Iterator<Item = &str> {
        self.members.asked_claims()
    }

    /// These roles where this catalogue numbered them for this caller, else the caller's own.
    pub(crate) fn own(&self, roles: &Roles, identity: &Identity, now: Timestamp) -> Roles {
        match roles.belong_to(&self.token, identity) {
            true => roles.clone(),
            false => self.roles_of(identity, now),
        }
    }

    /// Decides a call. Total: every question has an answer, and trouble inside a policy is a denial.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let roles = self.own(question.roles, question.identity, question.now);
        self.decide_by(question, &roles, By::Index)
    }

    /// Decides by who says which rules hold.
    pub(crate) fn decide_by(&self, question: &Question<'_>, roles: &Roles, by: By<'_>) -> Decision {
        let numbers = roles.numbers(question.now);
        let model = question.model.and_then(|model| self.compiled.resources.model(model.name.as_str()));
        let about = About::Call(question, model);
        let asking = Asking { by, ..self.asking(about, &roles.0.principal, &numbers) };
        let access = if !self.understands(question) {
            Access::denied(words::default_deny(), words::stale())
        } else if decide::is_list(question) {
            self.list(question.identity, roles, question.now)
        } else {
            decide::access(&asking, question, model)
        };
        let exposed = treatments(&asking, question, roles, &self.conditional, &self.masking, &access.settings);
        let names = roles.names(question.now);
        let ForCall { answer_rules, answer_alerts, prompt_alerts } = self.text_rules.for_call(question, &names);
        let budgets = match access.verdict {
            Verdict::Deny => Vec::new(),
            Verdict::Allow | Verdict::Hold => {
                let name = question.model.map_or("", |model| model.name.as_str());
                self.compiled.charges(question.identity, &access.granting, model, name)
            }
        };
        Decision {
            verdict: access.verdict,
            rules: access.rules,
            refusal: access.refusal,
            settings: access.settings,
            request: exposed.request,
            reply: exposed.reply,
            tools: exposed.tools,
            answer_rules,
            answer_alerts,
            prompt_alerts,
            datasets: access.datasets,
            budgets,
            roles: names,
        }
    }

    /// Whether the call was examined by this catalogue's rules and detectors; what a rule found that is not known here
    /// cannot be judged, and must not count as nothing found.
    fn understands(&self, question: &Question<'_>) -> bool {
        let types = self.compiled.resources.info_types();
        question.matched.iter().all(|rule| self.prompt_rules.contains(rule))
            && question.found.iter().all(|index| u32::from(*index) < types)
    }

    /// The list of models is open to whoever may see at least one.
    fn list(&self, identity: &Identity, roles: &Roles, now: Timestamp) -> Access {
        let visible = self.visible(identity, roles, now);
        match visible.first().and_then(|(_, rule)| self.compiled.rule(*rule)) {
            Some(rule) => {
                let rules = vec![rule.reference.clone()];
                Access::by(rules)
            }
            None => {
                let refusal = words::not_permitted(Operation::ListModels, words::Subject::Nothing);
                Access::denied(words::default_deny(), refusal)
            }
        }
    }

    /// The models that this caller may see, in the order of the landscape: those on which some rule of theirs could allow
    /// an inference operation or a description, unless a rule forbids that operation outright or listing them at all.
    pub fn models_for(&self, identity: &Identity, roles: &Roles, now: Timestamp) -> Vec<ModelName> {
        let roles = self.own(roles, identity, now);
        self.visible(identity, &roles, now).into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// The visible models, each with a rule that makes it so.
    fn visible(&self, identity: &Identity, roles: &Roles, now: Timestamp) -> Vec<(&ModelName, u32)> {
        let numbers = roles.numbers(now);
        let terms = Terms {
            operation: Operation::ListModels,
            model: None,
            datasets: Vec::new(),
            parameters: Parameters::new(),
            delivery: Delivery::Whole,
        };
        let (list, describe) = (Action::Operation(Operation::ListModels), Action::Operation(Operation::DescribeModel));
        let listed = self.models.iter().filter_map(|Listed { facts, trust, resource }| {
            let mut actions = Action::all().filter(|action| action.is_inference()).chain([list, describe]);
            let rule = actions.find_map(|action| self.could(action, *resource, &numbers))?;
            let question = Question {
                identity,
                roles,
                now,
                terms: &terms,
                model: Some(facts),
                trust: *trust,
                matched: &[],
                found: &[],
                approvals: &[],
            };
            let about = About::Call(&question, Some(*resource));
            let forbids = self.asking(about, &roles.0.principal, &numbers).forbids(list, *resource, &Side::with(&[]));
            (forbids.fired.is_empty() && forbids.broken.is_none()).then_some((&facts.name, rule))
        });
        listed.collect()
    }

    /// A permit that could allow this, whatever its conditions, unless an unconditional rule forbids it.
    fn could(&self, action: Action, resource: u32, roles: &[u32]) -> Option<u32> {
        let groups = self.compiled.resources.groups.get(resource as usize)?;
        let own = roles.iter().flat_map(|role| self.compiled.shelves(*role));
        let shelves: Vec<_> = std::iter::once(self.compiled.common()).chain(own).collect();
        let candidates =
            |effect| shelves.iter().flat_map(move |shelf| shelf.candidates(action.index(), effect, resource, groups));
        let mut forbids = candidates(Effect::Forbid).filter_map(|number| self.compiled.rule(number));
        if forbids.any(Rule::is_unconditional) {
            return None;
        }
        candidates(Effect::Permit).next()
    }

    /// Whether this caller has an admin permission: `records.read`, `policy.apply` and so on. One that is not known is
    /// denied.
    pub fn permits_admin(&self, identity: &Identity, roles: &Roles, now: Timestamp, permission: &str) -> Permission {
        let roles = self.own(roles, identity, now);
        let numbers = roles.numbers(now);
        let asking = self.asking(About::Visit(identity, now), &roles.0.principal, &numbers);
        let access = match admin_index(permission) {
            Some(at) => decide::visit(&asking, Action::Admin(at)),
            None => Access::denied(words::default_deny(), words::no_admin_permission(permission)),
        };
        Permission { verdict: access.verdict, rules: access.rules, refusal: access.refusal }
    }

    pub(crate) fn asking<'a>(&'a self, about: About<'a>, principal: &'a EntityUid, roles: &'a [u32]) -> Asking<'a> {
        Asking { compiled: &self.compiled, actions: &self.actions, about, principal, roles, by: By::Index }
    }
}
