//! Who is asking: bearer tokens of OIDC issuers to an Identity.
