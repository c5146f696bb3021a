//! Which roles an identity has, found by what the identity says rather than by walking all roles.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gatewright_model::{Identity, RoleName, Standing, Timestamp};

use crate::resources::number;
use crate::roles::Membership;
use crate::text::{CatalogueText, Member};

/// How many groups of a caller a record lists.
const MOST_GROUPS: usize = 48;
/// How many claims of a caller a record lists.
const MOST_CLAIMS: usize = 16;
/// The longest group or claim that a record lists, in bytes.
const LONGEST: usize = 256;

/// Every member of every role, by issuer and by one of the member's tests.
#[derive(Debug, Default)]
pub(crate) struct Members {
    entries: Vec<Entry>,
    by_issuer: HashMap<String, Doors>,
    asked: Asked,
}

/// What the catalogue asks of whoever calls: by members, and by filters of datasets.
#[derive(Debug, Default)]
struct Asked {
    groups: HashSet<String>,
    claims: HashSet<String>,
}

#[derive(Debug)]
struct Entry {
    name: RoleName,
    role: u32,
    member: Member,
}

#[derive(Debug, Default)]
struct Doors {
    by_subject: HashMap<String, Vec<u32>>,
    by_group: HashMap<String, Vec<u32>>,
    by_claim: HashMap<String, HashMap<String, Vec<u32>>>,
    everyone: Vec<u32>,
}

impl Members {
    pub(crate) fn of(text: &CatalogueText) -> Self {
        let mut members = Self::default();
        members.asked.claims.extend(text.roles.iter().flat_map(|role| role.claims_in_filters()).map(str::to_owned));
        for (role, written) in text.roles.iter().enumerate() {
            for member in &written.members {
                let entry = number(members.entries.len());
                let doors = members.by_issuer.entry(member.issuer.value.clone()).or_default();
                // One test opens the door, the narrowest; all are held against the identity behind it.
                let door = match (&member.subject, &member.group, member.claims.first()) {
                    (Some(subject), _, _) => doors.by_subject.entry(subject.clone()).or_default(),
                    (None, Some(group), _) => doors.by_group.entry(group.clone()).or_default(),
                    (None, None, Some((pointer, value))) => {
                        doors.by_claim.entry(pointer.clone()).or_default().entry(value.clone()).or_default()
                    }
                    (None, None, None) => &mut doors.everyone,
                };
                door.push(entry);
                members.asked.groups.extend(member.group.clone());
                members.asked.claims.extend(member.claims.iter().map(|(pointer, _)| pointer.clone()));
                let mut member = member.clone();
                member.window = member.window.and(written.window);
                members.entries.push(Entry { name: written.name.clone(), role: number(role), member });
            }
        }
        members
    }

    /// What records keep of an identity: of its groups those that are asked for first, so that a record that is full
    /// lacks what mattered least.
    pub(crate) fn standing_of(&self, identity: &Identity) -> Standing {
        let fits = |text: &Arc<str>| text.len() <= LONGEST;
        let (asked, other): (Vec<&Arc<str>>, Vec<&Arc<str>>) =
            identity.groups.iter().partition(|group| self.asked.groups.contains(&***group));
        let listed = asked.into_iter().chain(other).filter(|group| fits(group)).take(MOST_GROUPS);
        let groups: Arc<[Arc<str>]> = listed.cloned().collect();
        let claims = identity.claims.iter();
        let claims = claims.filter(|(pointer, value)| self.asked.claims.contains(&**pointer) && fits(value));
        Standing {
            unlisted: u64::from(number(identity.groups.len() - groups.len())),
            groups,
            claims: claims.take(MOST_CLAIMS).cloned().collect(),
        }
    }

    /// The claims that some member or filter asks for, by JSON pointer.
    pub(crate) fn asked_claims(&self) -> impl Iterator<Item = &str> {
        self.asked.claims.iter().map(String::as_str)
    }

    /// The identity's memberships, sorted by name, without those that are over.
    pub(crate) fn roles_of(&self, identity: &Identity, now: Timestamp) -> Vec<Membership> {
        let Some(doors) = self.by_issuer.get(identity.issuer.as_str()) else { return Vec::new() };
        let by_subject = doors.by_subject.get(&*identity.subject).into_iter();
        let by_group = identity.groups.iter().filter_map(|group| doors.by_group.get(&**group));
        let claims = identity.claims.iter();
        let by_claim = claims.filter_map(|(pointer, value)| doors.by_claim.get(&**pointer)?.get(&**value));
        let candidates = by_subject.chain(by_group).chain(by_claim).chain([&doors.everyone]).flatten();
        let entries = candidates.filter_map(|entry| self.entries.get(usize::try_from(*entry).ok()?));
        let mut memberships: Vec<Membership> = entries
            .filter(|entry| holds(&entry.member, identity))
            .filter(|entry| entry.member.window.until.is_none_or(|until| now < until))
            .map(|entry| Membership { name: entry.name.clone(), role: entry.role, window: entry.member.window })
            .collect();
        memberships.sort_by(|left, right| {
            let order = |held: &Membership| (held.window.from, held.window.until);
            left.name.cmp(&right.name).then_with(|| order(left).cmp(&order(right)))
        });
        memberships.dedup();
        memberships
    }
}

/// Whether every test of a member holds; the issuer was looked up.
fn holds(member: &Member, identity: &Identity) -> bool {
    member.subject.as_ref().is_none_or(|subject| *subject == *identity.subject)
        && member.group.as_ref().is_none_or(|group| identity.groups.iter().any(|of| **of == **group))
        && member.claims.iter().all(|(pointer, value)| identity.claim(pointer) == Some(value))
        && member.kind.is_none_or(|kind| kind == identity.kind)
}
