use http::{HeaderMap, HeaderName, header};

use crate::oidc::LONGEST_TOKEN;
use crate::{Flaw, Rejection};

/// Where SDKs of OpenAI, Anthropic and Azure put what they call an API key. Cookies, query parameters and
/// `Proxy-Authorization` are no sources: they are sent by browsers and proxies on their own, or end in logs.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// The one token that a request carries, not looked into yet: a token that is remembered needs no look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a>(&'a [u8]);

impl<'a> Token<'a> {
    /// Finds it. Two sources are refused even when they agree: whatever comes after this gateway might read the other
    /// one.
    pub(crate) fn find(headers: &'a HeaderMap) -> Result<Self, Rejection> {
        let mut sources = [header::AUTHORIZATION, X_API_KEY, API_KEY].into_iter().flat_map(|name| {
            headers.get_all(&name).iter().map(move |value| (name == header::AUTHORIZATION, value.as_bytes()))
        });
        let Some((is_authorization, value)) = sources.next() else { return Err(Rejection::Absent) };
        if sources.next().is_some() {
            return Err(Rejection::Ambiguous);
        }
        let token = if is_authorization { bearer(value)? } else { value };
        // Before it is hashed: refusing a long token must cost less than sending it.
        if token.len() > LONGEST_TOKEN { Err(Flaw::TooLong.into()) } else { Ok(Self(token)) }
    }

    /// Its bytes.
    pub(crate) const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// It as text: one word of visible ASCII, so that a list of credentials is no token.
    pub(crate) fn text(self) -> Result<&'a str, Flaw> {
        let is_one_word = self.0.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',');
        let text = std::str::from_utf8(self.0).ok().filter(|_| is_one_word);
        text.ok_or(Flaw::NotOneWord)
    }
}

/// The one token of a request's headers, as text that nobody has looked into.
///
/// # Errors
/// As a caller's own token would be refused.
pub fn bearer_of(headers: &HeaderMap) -> Result<&str, Rejection> {
    Ok(Token::find(headers)?.text()?)
}

/// What follows `Bearer ` (RFC 6750, section 2.1); the scheme's case does not count (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Result<&[u8], Flaw> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len()).ok_or(Flaw::NotBearer)?;
    if scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty() { Ok(token) } else { Err(Flaw::NotBearer) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(lines: &[(&'static str, &'static [u8])]) -> Result<String, Rejection> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value).expect("a header value"));
        }
        Ok(Token::find(&headers)?.text()?.to_owned())
    }

    #[test]
    fn takes_a_token_from_each_place() {
        assert_eq!(of(&[("authorization", b"Bearer a.b.c")]), Ok("a.b.c".to_owned()));
        assert_eq!(of(&[("authorization", b"bEARER a.b.c")]), Ok("a.b.c".to_owned()));
        assert_eq!(of(&[("x-api-key", b"a.b.c")]), Ok("a.b.c".to_owned()));
        assert_eq!(of(&[("api-key", b"a.b.c")]), Ok("a.b.c".to_owned()));
    }

    #[test]
    fn two_sources_are_ambiguous_even_when_they_agree() {
        let pairs: [[(&str, &[u8]); 2]; 5] = [
            [("authorization", b"Bearer a.b.c"), ("authorization", b"Bearer a.b.c")],
            [("authorization", b"Bearer a.b.c"), ("x-api-key", b"a.b.c")],
            [("authorization", b"Basic dTpw"), ("api-key", b"a.b.c")],
            [("x-api-key", b"a.b.c"), ("api-key", b"a.b.c")],
            [("x-api-key", b"a.b.c"), ("x-api-key", b"")],
        ];
        for pair in pairs {
            assert_eq!(of(&pair), Err(Rejection::Ambiguous), "{pair:?}");
        }
    }

    #[test]
    fn other_places_do_not_count() {
        let lines: [(&str, &[u8]); 3] =
            [("cookie", b"token=a.b.c"), ("proxy-authorization", b"Bearer a.b.c"), ("x-user", b"alice")];
        for line in lines {
            assert_eq!(of(&[line]), Err(Rejection::Absent), "{line:?}");
        }
    }

    #[test]
    fn authorization_is_bearer_and_one_token() {
        let others: [&[u8]; 6] = [b"", b"Bearer", b"Bearer ", b"Basic dTpw", b"a.b.c", b"Bearer\ta.b.c"];
        for value in others {
            assert_eq!(of(&[("authorization", value)]), Err(Flaw::NotBearer.into()), "{value:?}");
        }
        let several: [&[u8]; 5] =
            [b"Bearer  a.b.c", b"Bearer a.b.c, Bearer d.e.f", b"Bearer a b", b"Bearer a,b", b"Bearer \xc3\xa9"];
        for value in several {
            assert_eq!(of(&[("authorization", value)]), Err(Flaw::NotOneWord.into()), "{value:?}");
        }
    }

    #[test]
    fn a_long_token_is_refused_before_anything_else() {
        let mut headers = HeaderMap::new();
        headers.insert("api-key", HeaderValue::from_bytes(&[b'a'; LONGEST_TOKEN + 1]).expect("a header value"));
        assert_eq!(Token::find(&headers), Err(Flaw::TooLong.into()));
    }
}
