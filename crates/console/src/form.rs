use std::collections::BTreeMap;

/// The most fields that a form or a query has here.
const MOST: usize = 32;

/// The fields of a form or a query, each at most once: two values for one name would be read one way here and another way
/// elsewhere.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads `a=b&c=d`; `None` where a name comes twice or there are too many.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            if fields.len() >= MOST || fields.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        Some(Self(fields))
    }

    /// The value of a field without blanks around it; an empty one counts as left out.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_once() {
        let form = Form::read(b"a=1&b=%20x%20&c=").expect("a form");
        assert_eq!((form.get("a"), form.get("b"), form.get("c"), form.get("d")), (Some("1"), Some("x"), None, None));
        assert_eq!(Form::read(b"a=1&a=2"), None);
        let fields = |count: usize| (0..count).map(|place| format!("f{place}=x&")).collect::<String>();
        assert!(Form::read(fields(MOST).as_bytes()).is_some());
        assert_eq!(Form::read(fields(MOST + 1).as_bytes()), None);
    }
}
