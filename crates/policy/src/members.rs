//! Which roles an identity has, found by what the identity says rather than by walking all roles.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gatewright_model::{Identity, Standing, Timestamp};

use crate::resources::number;
use crate::roles::Membership;
use crate::text::{CatalogueText, Member, RoleText};

/// How many groups of a caller a record lists.
const MOST_GROUPS: usize = 48;
/// How many claims of a caller a record lists.
const MOST_CLAIMS: usize = 16;
/// The longest group or claim that a record lists, in bytes.
const LONGEST: usize = 256;

/// Every member of every role, by issuer and by one of the member's tests.
#[derive(Debug, Default)]
pub(crate) struct Members {
    roles: Vec<Arc<RoleText>>,
    entries: Vec<Entry>,
    by_issuer: HashMap<String, Doors>,
    /// The claims that members and filters of datasets ask for.
    claims: HashSet<Arc<str>>,
}

/// A member, by where it stands.
#[derive(Clone, Copy, Debug)]
struct Entry {
    role: u32,
    member: u32,
}

#[derive(Debug, Default)]
struct Doors {
    by_subject: HashMap<Arc<str>, Vec<u32>>,
    by_group: HashMap<Arc<str>, Vec<u32>>,
    by_claim: HashMap<Arc<str>, HashMap<Arc<str>, Vec<u32>>>,
    everyone: Vec<u32>,
    /// Groups that are asked for behind another door.
    other_groups: HashSet<Arc<str>>,
}

impl Members {
    /// Shares all text with the roles: this is done anew for every catalogue, however little changed.
    pub(crate) fn of(text: &CatalogueText) -> Self {
        let mut members = Self { roles: text.roles.clone(), ..Self::default() };
        for (role, written) in (0..).zip(&text.roles) {
            for pointer in written.claims_in_filters() {
                members.asks_for(pointer);
            }
            for (at, member) in (0..).zip(&written.members) {
                members.add(Entry { role, member: at }, member);
            }
        }
        members
    }

    fn add(&mut self, entry: Entry, member: &Member) {
        let at = number(self.entries.len());
        self.entries.push(entry);
        for (pointer, _) in &member.claims {
            self.asks_for(pointer);
        }
        let issuer = member.issuer.value.as_str();
        if !self.by_issuer.contains_key(issuer) {
            self.by_issuer.insert(issuer.to_owned(), Doors::default());
        }
        let Some(doors) = self.by_issuer.get_mut(issuer) else { return };
        // One test opens the door, the narrowest; all are held against the identity behind it.
        let door = match (&member.subject, &member.group, member.claims.first()) {
            (Some(subject), group, _) => {
                doors.other_groups.extend(group.clone());
                doors.by_subject.entry(subject.clone()).or_default()
            }
            (None, Some(group), _) => doors.by_group.entry(group.clone()).or_default(),
            (None, None, Some((pointer, value))) => {
                doors.by_claim.entry(pointer.clone()).or_default().entry(value.clone()).or_default()
            }
            (None, None, None) => &mut doors.everyone,
        };
        door.push(at);
    }

    fn asks_for(&mut self, pointer: &str) {
        if !self.claims.contains(pointer) {
            self.claims.insert(pointer.into());
        }
    }

    /// The role and the member that an entry stands for.
    fn at(&self, entry: u32) -> Option<(u32, &RoleText, &Member)> {
        let Entry { role, member } = *self.entries.get(entry as usize)?;
        let text = self.roles.get(role as usize)?;
        Some((role, text, text.members.get(member as usize)?))
    }

    /// What records keep of an identity: of its groups those that are asked for first, so that a record that is full
    /// lacks what mattered least.
    pub(crate) fn standing_of(&self, identity: &Identity) -> Standing {
        let fits = |text: &Arc<str>| text.len() <= LONGEST;
        let doors = self.by_issuer.get(identity.issuer.as_str());
        let is_asked = |group: &&Arc<str>| {
            doors.is_some_and(|doors| doors.by_group.contains_key(*group) || doors.other_groups.contains(*group))
        };
        let (asked, other): (Vec<&Arc<str>>, Vec<&Arc<str>>) = identity.groups.iter().partition(is_asked);
        let listed = asked.into_iter().chain(other).filter(|group| fits(group)).take(MOST_GROUPS);
        let groups: Arc<[Arc<str>]> = listed.cloned().collect();
        let claims = identity.claims.iter();
        let claims = claims.filter(|(pointer, value)| self.claims.contains(pointer) && fits(value));
        Standing {
            unlisted: u64::from(number(identity.groups.len() - groups.len())),
            groups,
            claims: claims.take(MOST_CLAIMS).cloned().collect(),
        }
    }

    /// The claims that some member or filter asks for, by JSON pointer.
    pub(crate) fn asked_claims(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(|pointer| &**pointer)
    }

    /// The identity's memberships, sorted by name, without those that are over.
    pub(crate) fn roles_of(&self, identity: &Identity, now: Timestamp) -> Vec<Membership> {
        let Some(doors) = self.by_issuer.get(identity.issuer.as_str()) else { return Vec::new() };
        let by_subject = doors.by_subject.get(&identity.subject).into_iter();
        let by_group = identity.groups.iter().filter_map(|group| doors.by_group.get(group));
        let claims = identity.claims.iter();
        let by_claim = claims.filter_map(|(pointer, value)| doors.by_claim.get(pointer)?.get(value));
        let candidates = by_subject.chain(by_group).chain(by_claim).chain([&doors.everyone]).flatten();
        let members = candidates.filter_map(|entry| self.at(*entry)).filter(|(_, _, member)| holds(member, identity));
        let mut memberships: Vec<Membership> = members
            .map(|(role, text, member)| Membership {
                name: text.name.clone(),
                role,
                window: member.window.and(text.window),
            })
            .filter(|membership| membership.window.until.is_none_or(|until| now < until))
            .collect();
        memberships.sort_by(Membership::in_order);
        memberships.dedup();
        memberships
    }
}

/// Whether every test of a member holds; the issuer was looked up.
fn holds(member: &Member, identity: &Identity) -> bool {
    member.subject.as_ref().is_none_or(|subject| *subject == identity.subject)
        && member.group.as_ref().is_none_or(|group| identity.groups.iter().any(|of| **of == **group))
        && member.claims.iter().all(|(pointer, value)| identity.claim(pointer) == Some(&**value))
        && member.kind.is_none_or(|kind| kind == identity.kind)
}
