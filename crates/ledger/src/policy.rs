use std::collections::{BTreeMap, BTreeSet};

use crate::cosignature::CosignerKey;

/// Which witnesses must have cosigned (C2SP tlog-policy): `witness NAME KEY [URL]`, `group NAME any|all|N MEMBER…`,
/// `quorum NAME|none`, one a line, `#` for comments; `log` lines are passed over.
#[derive(Clone, Debug, Default)]
pub struct WitnessPolicy {
    witnesses: BTreeMap<String, (CosignerKey, Option<String>)>,
    groups: BTreeMap<String, (usize, Vec<String>)>,
    quorum: Option<String>,
}

/// A line of a policy that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct BadPolicy {
    /// Which, from 1.
    pub line: usize,
    /// Why.
    pub why: &'static str,
}

impl WitnessPolicy {
    /// Reads a policy. A name must be known before it is used, so that no group contains itself.
    pub fn parse(text: &str) -> Result<Self, BadPolicy> {
        let mut policy = Self::default();
        let mut decided = false;
        for (number, line) in text.lines().enumerate() {
            let bad = |why| BadPolicy { line: number + 1, why };
            let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            match words.as_slice() {
                [] | ["log", ..] => {}
                ["witness", name, key, rest @ ..] if rest.len() < 2 => {
                    let key = key.parse().map_err(|_| bad("this is no witness key"))?;
                    policy.check_new(name).map_err(bad)?;
                    let url = rest.first().map(|url| (*url).to_owned());
                    policy.witnesses.insert((*name).to_owned(), (key, url));
                }
                ["group", name, need, members @ ..] if !members.is_empty() => {
                    policy.check_new(name).map_err(bad)?;
                    let mut distinct = BTreeSet::new();
                    for member in members {
                        if !policy.knows(member) || !distinct.insert(*member) {
                            return Err(bad("a member is unknown or named twice"));
                        }
                    }
                    let need = match *need {
                        "any" => 1,
                        "all" => members.len(),
                        count => count.parse().map_err(|_| bad("how many must agree is any, all or a number"))?,
                    };
                    if need == 0 || need > members.len() {
                        return Err(bad("more must agree than there are, or none"));
                    }
                    let members = members.iter().map(|member| (*member).to_owned()).collect();
                    policy.groups.insert((*name).to_owned(), (need, members));
                }
                ["quorum", name] if !decided => {
                    decided = true;
                    if *name != "none" {
                        if !policy.knows(name) {
                            return Err(bad("the quorum is unknown"));
                        }
                        policy.quorum = Some((*name).to_owned());
                    }
                }
                _ => return Err(bad("this is no line of a policy")),
            }
        }
        if decided { Ok(policy) } else { Err(BadPolicy { line: text.lines().count(), why: "there is no quorum" }) }
    }

    fn knows(&self, name: &str) -> bool {
        self.witnesses.contains_key(name) || self.groups.contains_key(name)
    }

    fn check_new(&self, name: &str) -> Result<(), &'static str> {
        if self.knows(name) || name == "none" { Err("the name is taken") } else { Ok(()) }
    }

    /// The witnesses that it names.
    pub fn witnesses(&self) -> impl Iterator<Item = (&str, &CosignerKey)> {
        self.witnesses.iter().map(|(name, (key, _))| (name.as_str(), key))
    }

    /// The witnesses that have an address, with it.
    pub fn asked(&self) -> impl Iterator<Item = (&str, &CosignerKey, &str)> {
        let named = self.witnesses.iter();
        named.filter_map(|(name, (key, url))| Some((name.as_str(), key, url.as_deref()?)))
    }

    /// Whether these witnesses are enough.
    pub fn is_met_by(&self, cosigned: &BTreeSet<&str>) -> bool {
        self.quorum.as_ref().is_none_or(|quorum| self.holds(quorum, cosigned))
    }

    /// How many must agree at its top.
    pub fn need(&self) -> usize {
        match &self.quorum {
            None => 0,
            Some(name) => self.groups.get(name).map_or(1, |(need, _)| *need),
        }
    }

    fn holds(&self, name: &str, cosigned: &BTreeSet<&str>) -> bool {
        match self.groups.get(name) {
            // INVARIANT: members were known before their group, so this ends.
            Some((need, members)) => members.iter().filter(|member| self.holds(member, cosigned)).count() >= *need,
            None => cosigned.contains(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use gatewright_model::Secret;

    use super::*;
    use crate::cosignature::Cosigner;

    #[test]
    fn two_of_three_are_enough_and_one_is_not() {
        let key = |seed| {
            let name = format!("w{seed}.example");
            Cosigner::from_seed(&name, Secret::new([seed; 32])).expect("a good name").public().to_string()
        };
        let text = format!(
            "# ours\nlog x\nwitness a {}\nwitness b {} https://b.example\nwitness c {}\ngroup g 2 a b c\nquorum g\n",
            key(1),
            key(2),
            key(3)
        );
        let policy = WitnessPolicy::parse(&text).expect("a policy");
        assert_eq!((policy.need(), policy.witnesses().count()), (2, 3));
        assert!(policy.is_met_by(&BTreeSet::from(["a", "c"])));
        assert!(!policy.is_met_by(&BTreeSet::from(["b", "somebody else"])));
        for (from, to) in [("2 a b c", "4 a b c"), ("2 a b c", "2 a b d"), ("2 a b c", "2 a a"), ("quorum g", "")] {
            assert!(WitnessPolicy::parse(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
        assert!(WitnessPolicy::parse("quorum none\n").expect("a policy").is_met_by(&BTreeSet::new()));
    }
}
