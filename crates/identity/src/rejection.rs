use gatewright_model::{Code, IssuerName, Refusal};

/// What is wrong with the form of a token, before anything that it says counts. Each is one sentence for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Flaw {
    /// `Authorization` of another scheme, or nothing after it.
    #[error("the Authorization header must be `Bearer` and one token")]
    NotBearer,
    /// Spaces, commas or other characters that no token has.
    #[error("it is not one word of plain characters")]
    NotOneWord,
    /// Longer than any honest token.
    #[error("it is longer than 16 KiB")]
    TooLong,
    /// Not `header.payload.signature`; a provider's API key looks like this, and so does an encrypted token.
    #[error("it is not a signed JWT (this gateway takes identity tokens, not API keys of a provider)")]
    NotThreeSegments,
    /// A segment is not canonical base64url without padding.
    #[error("a part of it is not base64url")]
    NotBase64,
    /// The header is not a small JSON object.
    #[error("its header is not a strict JSON object")]
    HeaderNotJson,
    /// The header says something that must not decide how a token is verified.
    #[error("its header has a field that is not accepted")]
    HeaderField,
    /// The algorithm is none, symmetric, or unknown.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// `kid` is not a short text.
    #[error("its key id is not a short text")]
    KeyId,
    /// `typ` says that it is another kind of token.
    #[error("its type is not that of an access or identity token")]
    TokenType,
    /// The payload is not a small JSON object.
    #[error("its claims are not a strict JSON object")]
    ClaimsNotJson,
}

/// Why a request has no identity. What the sender of an honest but stale or misdirected token needs to know, and no
/// more: that a token expired or was meant for somebody else is said only of a token whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No token at all.
    #[error("no identity token; send one as `Authorization: Bearer TOKEN`, or where an SDK calls it an API key")]
    Absent,
    /// More than one place, or one place twice.
    #[error("more than one identity: send one token in exactly one of authorization, x-api-key and api-key")]
    Ambiguous,
    /// Not a token of the accepted form.
    #[error("the identity token is not accepted: {0}")]
    Malformed(Flaw),
    /// No configured issuer has this `iss`.
    #[error("the identity token is of an issuer that this gateway does not know")]
    UnknownIssuer,
    /// No key of the issuer fits, or the signature does not hold; deliberately one answer.
    #[error("the identity token's signature could not be verified with the issuer's present keys")]
    BadSignature,
    /// `exp` is past.
    #[error("the identity token has expired; get a new one")]
    Expired,
    /// `nbf` or `iat` is still to come.
    #[error("the identity token is not valid yet; check the clock of the machine that issued it")]
    NotYetValid,
    /// `aud` names others.
    #[error("the identity token is not meant for this gateway (its audience is another)")]
    WrongAudience,
    /// `azp` is not one of the configured clients.
    #[error("the identity token was issued to a client that is not accepted here")]
    WrongClient,
    /// The token is valid for longer than the issuer's configured limit.
    #[error("the identity token is valid for longer than is accepted here")]
    LivesTooLong,
    /// A claim is missing, of another type, or too long. Carries the claim's name, which is ours.
    #[error("the identity token's claim `{0}` is missing or not of the expected form")]
    BadClaim(&'static str),
    /// More claims than anybody writes a role for.
    #[error("the identity token has more claims than are accepted here")]
    TooManyClaims,
    /// The issuer left the groups out because there are too many (Entra ID's overage), which is not the same as none.
    #[error(
        "the issuer left this caller's groups out of the token because there are too many; ask an administrator to assign app roles or to limit the groups in the token"
    )]
    GroupsOverage,
    /// There is no one to verify it with.
    #[error("the keys of issuer `{0}` are not available at the moment")]
    NotReady(IssuerName),
}

impl Rejection {
    /// The code of the refusal.
    pub const fn code(&self) -> Code {
        match self {
            Self::Ambiguous => Code::AmbiguousRequest,
            Self::NotReady(_) => Code::NotReady,
            Self::Absent
            | Self::Malformed(_)
            | Self::UnknownIssuer
            | Self::BadSignature
            | Self::Expired
            | Self::NotYetValid
            | Self::WrongAudience
            | Self::WrongClient
            | Self::LivesTooLong
            | Self::BadClaim(_)
            | Self::TooManyClaims
            | Self::GroupsOverage => Code::Unauthenticated,
        }
    }

    /// A word of its own for each kind, for metrics and logs; bounded, since a token's sender chooses it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Ambiguous => "ambiguous",
            Self::Malformed(_) => "malformed",
            Self::UnknownIssuer => "unknown_issuer",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongAudience => "wrong_audience",
            Self::WrongClient => "wrong_client",
            Self::LivesTooLong => "lives_too_long",
            Self::BadClaim(_) => "bad_claim",
            Self::TooManyClaims => "too_many_claims",
            Self::GroupsOverage => "groups_overage",
            Self::NotReady(_) => "not_ready",
        }
    }
}

impl From<Flaw> for Rejection {
    fn from(flaw: Flaw) -> Self {
        Self::Malformed(flaw)
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        let text = rejection.to_string();
        let mut characters = text.chars();
        let message: String = match characters.next() {
            Some(first) => first.to_uppercase().chain(characters).chain(['.']).collect(),
            None => String::new(),
        };
        Self::new(rejection.code(), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn becomes_a_refusal_in_words() {
        let refusal = Refusal::from(Rejection::Expired);
        assert_eq!(refusal.code, Code::Unauthenticated);
        assert_eq!(refusal.message, "The identity token has expired; get a new one.");
        assert_eq!(Refusal::from(Rejection::Ambiguous).code.http_status(), 400);
        assert_eq!(Refusal::from(Rejection::NotReady("corp".into())).code.http_status(), 503);
    }
}
