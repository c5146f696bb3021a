use http::{HeaderMap, HeaderName, header};

use crate::oidc::LONGEST_TOKEN;
use crate::{Flaw, Rejection};

/// Where SDKs of OpenAI, Anthropic and Azure put what they call an API key. Cookies, query parameters and
/// `Proxy-Authorization` are no sources: they are sent by browsers and proxies on their own, or end in logs.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// The one token that a request carries.
///
/// Two sources are refused even when they agree: whatever comes after this gateway might read the other one.
pub(crate) fn token(headers: &HeaderMap) -> Result<&str, Rejection> {
    let mut sources = [header::AUTHORIZATION, X_API_KEY, API_KEY]
        .into_iter()
        .flat_map(|name| headers.get_all(&name).iter().map(move |value| (name == header::AUTHORIZATION, value)));
    let Some((is_authorization, value)) = sources.next() else { return Err(Rejection::Absent) };
    if sources.next().is_some() {
        return Err(Rejection::Ambiguous);
    }
    // A value that is not visible ASCII cannot be a token; its bytes are looked at no further.
    let text = value.to_str().map_err(|_| Flaw::NotBase64)?;
    let token = if is_authorization { bearer(text)? } else { text };
    // Before it is hashed: refusing a long token must cost less than sending it.
    if token.len() > LONGEST_TOKEN { Err(Flaw::TooLong.into()) } else { Ok(token) }
}

/// The token of `Bearer TOKEN` (RFC 6750, section 2.1); the scheme's case does not count (RFC 9110, section 11.1).
fn bearer(text: &str) -> Result<&str, Flaw> {
    let (scheme, token) = text.split_once(' ').ok_or(Flaw::NotBearer)?;
    let is_one_token = !token.is_empty() && !token.contains([' ', '\t', ',']);
    if scheme.eq_ignore_ascii_case("bearer") && is_one_token { Ok(token) } else { Err(Flaw::NotBearer) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(lines: &[(&'static str, &'static str)]) -> Result<String, Rejection> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn takes_a_token_from_each_place() {
        assert_eq!(of(&[("authorization", "Bearer a.b.c")]), Ok("a.b.c".to_owned()));
        assert_eq!(of(&[("authorization", "bEARER a.b.c")]), Ok("a.b.c".to_owned()));
        assert_eq!(of(&[("x-api-key", "a.b.c")]), Ok("a.b.c".to_owned()));
        assert_eq!(of(&[("api-key", "a.b.c")]), Ok("a.b.c".to_owned()));
    }

    #[test]
    fn two_sources_are_ambiguous_even_when_they_agree() {
        let pairs = [
            [("authorization", "Bearer a.b.c"), ("authorization", "Bearer a.b.c")],
            [("authorization", "Bearer a.b.c"), ("x-api-key", "a.b.c")],
            [("authorization", "Basic dTpw"), ("api-key", "a.b.c")],
            [("x-api-key", "a.b.c"), ("api-key", "a.b.c")],
            [("x-api-key", "a.b.c"), ("x-api-key", "")],
        ];
        for pair in pairs {
            assert_eq!(of(&pair), Err(Rejection::Ambiguous), "{pair:?}");
        }
    }

    #[test]
    fn other_places_do_not_count() {
        for line in [("cookie", "token=a.b.c"), ("proxy-authorization", "Bearer a.b.c"), ("x-user", "alice")] {
            assert_eq!(of(&[line]), Err(Rejection::Absent), "{line:?}");
        }
    }

    #[test]
    fn authorization_is_bearer_and_one_token() {
        for value in
            ["", "Bearer", "Bearer ", "Bearer  a.b.c", "Basic dTpw", "a.b.c", "Bearer a.b.c, Bearer d.e.f", "Bearer a b"]
        {
            assert_eq!(of(&[("authorization", value)]), Err(Flaw::NotBearer.into()), "{value:?}");
        }
    }
}
