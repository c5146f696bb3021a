//! `roles:`: who they belong to and what they allow.

use std::sync::Arc;

use gatewright_model::{InfoType, Kind, RoleName};

use super::Place;
use super::budget::{self, BudgetText};
use super::dataset::{self, DatasetGrant};
use super::grant::{self, Grant};
use super::masking::{self, MaskingText};
use super::node::{Key, Node};
use super::reader::{Placed, Reader, quoted};
use super::request::{self, Requestable};
use super::window::window;
use crate::limits::Wanted;
use crate::permissions::{ADMIN_PERMISSIONS, admin_index};
use crate::roles::Window;

/// A role as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleText {
    pub(crate) name: RoleName,
    pub(crate) place: Place,
    pub(crate) window: Window,
    pub(crate) members: Vec<Member>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) datasets: Vec<DatasetGrant>,
    pub(crate) reveal: Vec<Placed<InfoType>>,
    pub(crate) reveal_to_tools: Vec<Placed<InfoType>>,
    pub(crate) disclose: Vec<Placed<InfoType>>,
    pub(crate) masking: MaskingText,
    pub(crate) admin: Vec<Placed<usize>>,
    pub(crate) budgets: Vec<BudgetText>,
    /// How it can be had for a time.
    pub(crate) request: Option<Requestable>,
}

/// Whose identities have a role: all tests of one member must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) issuer: Placed<String>,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) subject: Option<Arc<str>>,
    pub(crate) claims: Vec<(Arc<str>, Arc<str>)>,
    pub(crate) kind: Option<Kind>,
    pub(crate) window: Window,
}

impl RoleText {
    /// The claims that filters of its datasets ask for.
    pub(crate) fn claims_in_filters(&self) -> impl Iterator<Item = &str> {
        self.datasets.iter().flat_map(|dataset| &dataset.limits.filter).filter_map(|clause| match &clause.wanted {
            Wanted::Claim(pointer) => Some(pointer.as_str()),
            Wanted::Values(_) => None,
        })
    }
}

/// Reads one entry of `roles:`.
pub(super) fn read(reader: &mut Reader, key: &Key, node: &Node) -> RoleText {
    let known = [
        "description",
        "members",
        "grants",
        "datasets",
        "reveal",
        "reveal_to_tools",
        "disclose",
        "masking",
        "admin",
        "budget",
        "valid",
        "request",
    ];
    let fields = reader.fields(node, &known);
    let place = reader.key_place(key);
    reader.name(&key.name, &place, "role");
    if let Some(node) = fields.get("description") {
        reader.text(node);
    }
    let members = fields.get("members").map_or(Vec::new(), |node| list_of(reader, node, member));
    let grants = fields.get("grants").map_or(Vec::new(), |node| list_of(reader, node, grant::read));
    let datasets = fields.get("datasets").map_or(Vec::new(), |node| dataset::read(reader, node));
    let reveal = fields.get("reveal").map_or(Vec::new(), |node| info_types(reader, node));
    let reveal_to_tools = fields.get("reveal_to_tools").map_or(Vec::new(), |node| info_types(reader, node));
    let masking = fields.get("masking").map(|node| masking::read(reader, node)).unwrap_or_default();
    let disclose = fields.get("disclose").map_or(Vec::new(), |node| info_types(reader, node));
    let admin = fields.get("admin").map_or(Vec::new(), |node| permissions(reader, node));
    let budgets = fields.get("budget").map_or(Vec::new(), |node| budget::of_role(reader, node));
    let window = window(reader, fields.get("valid"));
    let request = fields.get("request").and_then(|node| request::read(reader, node));
    if fields.get("members").is_none() && fields.get("request").is_none() {
        reader.warn(&place, format!("nobody has the role {}: it has no `members`", quoted(&key.name)));
    }
    RoleText {
        name: RoleName::new(key.name.as_str()),
        place,
        window,
        members,
        grants,
        datasets,
        reveal,
        reveal_to_tools,
        disclose,
        masking,
        admin,
        budgets,
        request,
    }
}

fn list_of<T>(reader: &mut Reader, node: &Node, read: fn(&mut Reader, &Node) -> Option<T>) -> Vec<T> {
    reader.list(node).iter().filter_map(|item| read(reader, item)).collect()
}

fn info_types(reader: &mut Reader, node: &Node) -> Vec<Placed<InfoType>> {
    reader.list(node).iter().filter_map(|item| reader.info_type(item)).collect()
}

/// One entry of `members:`. A member without a test would be everybody of an issuer, so that has to be said.
fn member(reader: &mut Reader, node: &Node) -> Option<Member> {
    let fields = reader.fields(node, &["issuer", "group", "subject", "claims", "kind", "everyone", "valid"]);
    let place = reader.place(node);
    let group = fields.get("group").and_then(|node| reader.text(node)).map(|text| text.value.into());
    let subject = fields.get("subject").and_then(|node| reader.text(node)).map(|text| text.value.into());
    let claims = fields.get("claims").map_or(Vec::new(), |node| claims(reader, node));
    let kinds = [("person", Kind::Person), ("workload", Kind::Workload)];
    let kind = fields.get("kind").and_then(|node| reader.one_of(node, "kind", &kinds));
    let everyone = fields.get("everyone").and_then(|node| reader.truth(node)).unwrap_or(false);
    let window = window(reader, fields.get("valid"));
    let Some(issuer) = fields.get("issuer") else {
        reader.fault(&place, "a member needs its `issuer`, since a group or a claim means nothing without one");
        return None;
    };
    let issuer = reader.text(issuer)?;
    let is_narrowed = ["group", "subject", "claims"].iter().any(|name| fields.key(name).is_some());
    let has_test = group.is_some() || subject.is_some() || !claims.is_empty();
    if everyone && is_narrowed {
        reader.fault(&place, "`everyone` and a narrower test contradict each other");
        return None;
    }
    if !everyone && !has_test {
        let message = "a member needs `group`, `subject` or `claims`; for every caller of the issuer, `everyone: true`";
        reader.fault(&place, message);
        return None;
    }
    // A test that could not be read is a fault already, so it cannot widen the member.
    Some(Member { issuer, group, subject, claims, kind, window })
}

fn claims(reader: &mut Reader, node: &Node) -> Vec<(Arc<str>, Arc<str>)> {
    let mut claims = Vec::new();
    for (key, value) in reader.entries(node) {
        let place = reader.key_place(key);
        if !key.name.starts_with('/') {
            let message = format!("{} is not a JSON pointer; a top-level claim is written /name", quoted(&key.name));
            reader.fault(&place, message);
        }
        if let Some(text) = reader.scalar(value) {
            claims.push((key.name.as_str().into(), text.into()));
        }
    }
    claims
}

fn permissions(reader: &mut Reader, node: &Node) -> Vec<Placed<usize>> {
    let mut permissions = Vec::new();
    for text in reader.texts(node) {
        match admin_index(&text.value) {
            Some(value) => permissions.push(Placed { value, place: text.place }),
            None => {
                let message = format!(
                    "unknown admin permission {}; known: {}",
                    quoted(&text.value),
                    ADMIN_PERMISSIONS.join(", ")
                );
                reader.fault(&text.place, message);
            }
        }
    }
    permissions
}
