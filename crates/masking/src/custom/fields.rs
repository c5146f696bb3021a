//! JSON fields by name.

use std::fmt;

use crate::TypeIndex;

/// Where a string stands in a JSON document: the keys and list elements on the way to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Key(Box<str>),
    Element,
}

impl FieldPath {
    /// The document itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The member of this name.
    #[must_use]
    pub fn key(mut self, name: &str) -> Self {
        self.0.push(Step::Key(name.into()));
        self
    }

    /// An element of a list; which one does not matter to rules.
    #[must_use]
    pub fn element(mut self) -> Self {
        self.0.push(Step::Element);
        self
    }

    /// The nearest key, which tells what the value is about.
    pub fn name(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Key(name) => Some(&**name),
            Step::Element => None,
        })
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Key(name) => write!(f, ".{name}"),
            Step::Element => f.write_str("[*]"),
        })
    }
}

/// A compiled field rule.
pub(crate) struct FieldRule {
    anchored: bool,
    steps: Vec<Option<Step>>,
    pub(crate) info_type: TypeIndex,
}

impl FieldRule {
    /// Reads `$.customer.ssn`, `*.password`, `$.items[*].name`, `$.*.id`; the error says what is wrong.
    pub(crate) fn new(written: &str, info_type: TypeIndex) -> Result<Self, String> {
        let wrong = |why: &str| format!("field {written:?}: {why}");
        let (anchored, mut rest) = match (written.strip_prefix('$'), written.strip_prefix("*.")) {
            (Some(rest), _) => (true, rest.to_owned()),
            (None, Some(rest)) => (false, format!(".{rest}")),
            (None, None) => return Err(wrong("begin with $ for the root or *. for any depth")),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("[*]") {
                steps.push(Some(Step::Element));
                rest = after.to_owned();
                continue;
            }
            let Some(after) = rest.strip_prefix('.') else { return Err(wrong("expected .name or [*]")) };
            let end = after.find(['.', '[']).unwrap_or(after.len());
            match &after[..end] {
                "" => return Err(wrong("a name is empty")),
                "*" => steps.push(None),
                name => steps.push(Some(Step::Key(name.into()))),
            }
            rest = after[end..].to_owned();
        }
        if steps.is_empty() {
            return Err(wrong("it names no field"));
        }
        Ok(Self { anchored, steps, info_type })
    }

    /// Whether the rule is about the field at this path.
    pub(crate) fn covers(&self, path: &FieldPath) -> bool {
        let Some(skipped) = path.0.len().checked_sub(self.steps.len()) else { return false };
        let fits = |(step, rule): (&Step, &Option<Step>)| rule.as_ref().is_none_or(|rule| rule == step);
        (skipped == 0 || !self.anchored) && path.0[skipped..].iter().zip(&self.steps).all(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(rule: &str, path: &FieldPath) -> bool {
        FieldRule::new(rule, TypeIndex::new(0)).is_ok_and(|rule| rule.covers(path))
    }

    #[test]
    fn rules_and_paths() {
        let path = FieldPath::root().key("items").element().key("ssn");
        assert_eq!(path.to_string(), "$.items[*].ssn");
        assert!(covers("$.items[*].ssn", &path));
        assert!(covers("*.ssn", &path));
        assert!(covers("$.*[*].ssn", &path));
        assert!(!covers("$.ssn", &path));
        assert!(!covers("*.ss", &path));
        assert!(covers("*.ssn", &FieldPath::root().key("ssn")));
    }

    #[test]
    fn faults_are_told() {
        for bad in ["ssn", "$", "$..x", "$x", "*.", "$.a[0]"] {
            assert!(FieldRule::new(bad, TypeIndex::new(0)).is_err(), "{bad}");
        }
    }
}
