use serde::{Deserialize, Serialize};

/// Somebody, as an issuer vouched for them. The pair is the key; a display name is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The issuer by its configured name.
    pub issuer: String,
    /// The issuer's own key for them.
    pub subject: String,
}

/// The answer of [`ME`](crate::ME).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Me {
    /// Who.
    pub person: Person,
    /// `person` or `workload`.
    pub kind: String,
    /// The roles that count now, granted ones included.
    pub roles: Vec<String>,
    /// The admin permissions that policy gives now.
    pub permissions: Vec<String>,
    /// Until when the token counts, RFC 3339.
    pub expires: String,
}
