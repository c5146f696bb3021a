use crate::Value;

impl Value {
    /// The value at a JSON pointer (RFC 6901): the empty pointer is this value itself.
    ///
    /// `None` where nothing is there, and for a text that is no pointer.
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        let mut value = self;
        for step in steps(pointer)? {
            value = match value {
                Self::Object(object) => object.get(&unescaped(step)?)?,
                Self::Array(items) => items.get(index(step)?)?,
                Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => return None,
            };
        }
        Some(value)
    }

    /// The value at a JSON pointer, to be changed; as [`Value::pointer`].
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Value> {
        let mut value = self;
        for step in steps(pointer)? {
            value = match value {
                Self::Object(object) => object.get_mut(&unescaped(step)?)?,
                Self::Array(items) => items.get_mut(index(step)?)?,
                Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => return None,
            };
        }
        Some(value)
    }
}

fn steps(pointer: &str) -> Option<std::iter::Skip<std::str::Split<'_, char>>> {
    (pointer.is_empty() || pointer.starts_with('/')).then(|| pointer.split('/').skip(1))
}

fn unescaped(step: &str) -> Option<std::borrow::Cow<'_, str>> {
    if !step.contains('~') {
        return Some(step.into());
    }
    let mut plain = String::with_capacity(step.len());
    let mut characters = step.chars();
    while let Some(character) = characters.next() {
        match character {
            '~' => plain.push(match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            }),
            other => plain.push(other),
        }
    }
    Some(plain.into())
}

/// RFC 6901, section 4: digits without a leading zero.
fn index(step: &str) -> Option<usize> {
    let canonical = step == "0" || !step.starts_with('0');
    (canonical && step.bytes().all(|byte| byte.is_ascii_digit())).then(|| step.parse().ok())?
}
