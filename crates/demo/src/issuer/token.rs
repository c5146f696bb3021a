use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use gatewright_json::{Object, Value};
use http::{Response, StatusCode};
use http_body_util::Full;

use super::form::Form;
use super::key::base64url;
use super::{CLIENT, Issuer, LIFETIME, Person, pages};

impl Issuer {
    /// The token endpoint (RFC 6749, sections 4.1.3 and 6), for a client that has no secret.
    pub(crate) fn exchange(&self, body: &[u8]) -> Response<Full<Bytes>> {
        let Some(form) = Form::read(body) else { return refusal("invalid_request") };
        if form.get("client_id") != Some(CLIENT) {
            return refusal("invalid_client");
        }
        match form.get("grant_type") {
            Some("authorization_code") => self.redeem_code(&form),
            Some("refresh_token") => self.redeem_refresh(&form),
            Some(_) => refusal("unsupported_grant_type"),
            None => refusal("invalid_request"),
        }
    }

    fn redeem_code(&self, form: &Form) -> Response<Full<Bytes>> {
        let (Some(code), Some(verifier)) = (form.get("code"), form.get("code_verifier")) else {
            return refusal("invalid_request");
        };
        let Some((grant, family)) = self.inner.grants.take_code(code, self.inner.clock.now()) else {
            return refusal("invalid_grant");
        };
        // The code is spent now, whatever follows: a wrong verifier is an attack, not a typing error.
        if form.get("redirect_uri") != Some(&grant.redirect_uri) || !is_verified(verifier, &grant.challenge) {
            return refusal("invalid_grant");
        }
        self.grant(grant.person, family, Some(self.mint_id_token(grant.person, grant.nonce.as_deref())))
    }

    fn redeem_refresh(&self, form: &Form) -> Response<Full<Bytes>> {
        let Some(token) = form.get("refresh_token") else { return refusal("invalid_request") };
        match self.inner.grants.take_refresh(token, self.inner.clock.now()) {
            Some((person, family)) => self.grant(person, family, None),
            None => refusal("invalid_grant"),
        }
    }

    fn grant(&self, person: Person, family: u64, id_token: Option<String>) -> Response<Full<Bytes>> {
        let refresh = self.inner.random_text();
        self.inner.grants.put_refresh(&refresh, person, family, self.inner.clock.now());
        let mut answer = Object::new();
        answer.set("access_token", self.mint(person));
        answer.set("token_type", "Bearer");
        answer.set("expires_in", LIFETIME.as_secs());
        answer.set("refresh_token", refresh);
        answer.set("scope", "openid");
        if let Some(id_token) = id_token {
            answer.set("id_token", id_token);
        }
        pages::json(StatusCode::OK, &Value::Object(answer))
    }
}

/// RFC 7636, sections 4.1 and 4.6.
fn is_verified(verifier: &str, challenge: &str) -> bool {
    let is_well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    is_well_formed && base64url(digest(&SHA256, verifier.as_bytes()).as_ref()) == challenge
}

fn refusal(error: &str) -> Response<Full<Bytes>> {
    pages::json(StatusCode::BAD_REQUEST, &Value::Object(Object::from_iter([("error", error)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_the_example_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(is_verified(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(!is_verified(verifier, verifier), "the plain method is no method");
        assert!(!is_verified("short", &base64url(digest(&SHA256, b"short").as_ref())));
    }
}
