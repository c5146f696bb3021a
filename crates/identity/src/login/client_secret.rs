//! How a client proves itself to a token endpoint (RFC 6749, section 2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright_model::Secret;
use http::HeaderValue;

use super::LoginFault;
use crate::oidc::Discovery;

/// Where a client's secret stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretIn {
    /// In the form: `client_secret_post`.
    Form,
    /// In the `Authorization` header: `client_secret_basic`.
    Header,
}

impl SecretIn {
    /// The way that a provider takes; of both, the form. One that lists none takes the header (OpenID Connect Discovery
    /// 1.0, section 3).
    ///
    /// # Errors
    /// It takes neither.
    pub(crate) fn taken_by(discovery: &Discovery) -> Result<Self, LoginFault> {
        let lists = |method| discovery.lists("token_endpoint_auth_methods_supported", method);
        match (lists("client_secret_post"), lists("client_secret_basic")) {
            (Some(true), _) => Ok(Self::Form),
            (_, Some(true)) | (None, None) => Ok(Self::Header),
            (Some(false) | None, Some(false) | None) => {
                let words = "it takes a client's secret neither by `client_secret_post` nor by `client_secret_basic`";
                Err(LoginFault::Provider(words.to_owned()))
            }
        }
    }
}

/// The header of `client_secret_basic`: both parts as a form would write them, then base 64.
pub(crate) fn basic(client: &str, secret: &Secret<String>) -> Result<HeaderValue, LoginFault> {
    let written = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = Secret::new(format!("{}:{}", written(client), written(secret.expose())));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(both.expose())))
        .map_err(|_| LoginFault::Provider("the client's secret cannot be sent to it".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_that_of_the_standard() {
        let secret = Secret::new("gX1fBat3bV".to_owned());
        let header = basic("s6BhdRkqt3", &secret).expect("a header");
        assert_eq!(header.to_str().ok(), Some("Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"));
        assert!(header.is_sensitive());
        let odd = basic("a:b", &Secret::new("p%s s\u{e9}".to_owned())).expect("a header");
        assert_eq!(odd.to_str().ok(), Some(format!("Basic {}", STANDARD.encode("a%3Ab:p%25s+s%C3%A9")).as_str()));
    }
}
