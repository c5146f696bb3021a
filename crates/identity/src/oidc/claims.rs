use std::sync::Arc;

use gatewright_json::{Object, Value};
use gatewright_model::{Identity, Kind, Timestamp};

use super::{IssuerConfig, KindRule};
use crate::Rejection;

/// Bounds of what becomes part of an identity. A token's size bounds everything else.
const LONGEST_SUBJECT: usize = 512;
const LONGEST_GROUP: usize = 256;
const MOST_GROUPS: usize = 1_000;
const LONGEST_CLAIM: usize = 1_024;
const MOST_CLAIMS: usize = 256;

/// A claim by its pointer, as text.
type Scalar = (Arc<str>, Arc<str>);

/// A token's payload, an object.
pub(crate) struct Claims<'a>(&'a Object);

impl<'a> Claims<'a> {
    /// The claims of a payload; `None` where it is no object.
    pub(crate) fn of(payload: &'a Value) -> Option<Self> {
        payload.as_object().map(Self)
    }

    /// `iss`, exactly as written.
    pub(crate) fn issuer(&self) -> Result<&'a str, Rejection> {
        self.text("iss", LONGEST_CLAIM)
    }

    fn text(&self, name: &'static str, longest: usize) -> Result<&'a str, Rejection> {
        let text = self.0.get(name).and_then(Value::as_str).ok_or(Rejection::BadClaim(name))?;
        if is_plain(text, longest) { Ok(text) } else { Err(Rejection::BadClaim(name)) }
    }

    /// A NumericDate (RFC 7519, section 2), of which only whole seconds are taken: `null`, a text, a fraction or an
    /// exponent is no time, and a time that cannot be read is never taken as absent.
    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Rejection> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let digits = value.as_number().map(|number| number.as_str()).ok_or(Rejection::BadClaim(name))?;
        let seconds = digits.parse::<i64>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).ok_or(Rejection::BadClaim(name))?;
        Ok(Some(Timestamp::from_seconds(seconds)))
    }

    fn required_time(&self, name: &'static str) -> Result<Timestamp, Rejection> {
        self.time(name)?.ok_or(Rejection::BadClaim(name))
    }
}

/// Checks the claims of a token whose signature holds, and makes an identity of them.
pub(crate) fn check(claims: &Claims<'_>, config: &IssuerConfig, now: Timestamp) -> Result<Identity, Rejection> {
    if claims.issuer()? != config.url {
        return Err(Rejection::UnknownIssuer);
    }
    check_audience(claims, config)?;
    let expires = check_times(claims, config, now)?;
    who(claims, config, expires)
}

/// Whom the claims of a payload are about, without a look at what makes a token of them: for tools that ask what a caller
/// might do. Nobody is let in by it.
pub fn whom_claims_describe(payload: &Value, config: &IssuerConfig, expires: Timestamp) -> Result<Identity, Rejection> {
    let claims = Claims::of(payload).ok_or(Rejection::BadClaim("claims"))?;
    who(&claims, config, expires)
}

fn who(claims: &Claims<'_>, config: &IssuerConfig, expires: Timestamp) -> Result<Identity, Rejection> {
    let subject = claims.text("sub", LONGEST_SUBJECT)?;
    Ok(Identity {
        issuer: config.name.clone(),
        subject: subject.into(),
        kind: kind(claims, &config.kind),
        groups: groups(claims, config.groups.as_deref())?,
        claims: scalars(claims)?,
        expires,
    })
}

fn check_audience(claims: &Claims<'_>, config: &IssuerConfig) -> Result<(), Rejection> {
    let is_ours = match claims.0.get("aud") {
        Some(Value::String(one)) => *one == config.audience,
        Some(Value::Array(several)) => {
            let texts: Option<Vec<&str>> = several.iter().map(Value::as_str).collect();
            texts.ok_or(Rejection::BadClaim("aud"))?.contains(&config.audience.as_str())
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            return Err(Rejection::BadClaim("aud"));
        }
    };
    if !is_ours {
        return Err(Rejection::WrongAudience);
    }
    if !config.authorized_parties.is_empty() {
        let party = claims.text("azp", LONGEST_CLAIM)?;
        if !config.authorized_parties.iter().any(|accepted| accepted == party) {
            return Err(Rejection::WrongClient);
        }
    }
    Ok(())
}

/// The end of validity, leeway included, so that what is accepted now has not ended already for those who look later.
fn check_times(claims: &Claims<'_>, config: &IssuerConfig, now: Timestamp) -> Result<Timestamp, Rejection> {
    let (expires, issued) = (claims.required_time("exp")?, claims.required_time("iat")?);
    let begins = claims.time("nbf")?.unwrap_or(issued).max(issued);
    if expires <= issued {
        return Err(Rejection::BadClaim("exp"));
    }
    if expires.since(issued) > config.max_lifetime {
        return Err(Rejection::LivesTooLong);
    }
    let end = expires.plus(config.leeway);
    if end <= now {
        return Err(Rejection::Expired);
    }
    if begins.since(now) > config.leeway {
        return Err(Rejection::NotYetValid);
    }
    Ok(end)
}

fn kind(claims: &Claims<'_>, rule: &KindRule) -> Kind {
    match rule {
        KindRule::Always(kind) => *kind,
        KindRule::WorkloadWhere { pointer, is } => {
            let found = resolve(claims.0, pointer).and_then(Value::as_str);
            if found == Some(is) { Kind::Workload } else { Kind::Person }
        }
    }
}

/// The groups at the configured place. A text is one group, also with commas in it: who splits it gives `a,admins` the
/// groups of an administrator.
fn groups(claims: &Claims<'_>, pointer: Option<&str>) -> Result<Arc<[Arc<str>]>, Rejection> {
    let Some(pointer) = pointer else { return Ok(Arc::new([])) };
    check_overage(claims.0, pointer)?;
    let bad = Rejection::BadClaim("groups");
    let texts: Vec<&str> = match resolve(claims.0, pointer) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => {
            several.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(|| bad.clone())?
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => return Err(bad),
    };
    if texts.len() > MOST_GROUPS || !texts.iter().all(|text| is_plain(text, LONGEST_GROUP)) {
        return Err(bad);
    }
    Ok(texts.into_iter().map(Arc::from).collect())
}

/// Entra ID leaves the groups out where there are more than 200, and names a URL to ask instead (`_claim_names`) or
/// only says so (`hasgroups`). That URL is never followed, and absence must not mean "in no group": rules that deny by
/// group would be escaped by joining more groups.
fn check_overage(claims: &Object, pointer: &str) -> Result<(), Rejection> {
    let first = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
    let elsewhere = claims.get("_claim_names").is_some_and(|names| names.get(first).is_some());
    let withheld = claims.get("hasgroups").is_some_and(|told| told.as_bool() != Some(false));
    if elsewhere || withheld { Err(Rejection::GroupsOverage) } else { Ok(()) }
}

/// The value at a pointer, whose first step is looked up here since the claims are an object and not a value.
fn resolve<'a>(claims: &'a Object, pointer: &str) -> Option<&'a Value> {
    let rest = pointer.strip_prefix('/')?;
    let (first, deeper) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    claims.get(&first.replace("~1", "/").replace("~0", "~"))?.pointer(deeper)
}

/// Every text, number and truth value by its pointer, sorted. Lists are left out: their places mean nothing. Texts
/// longer than any that a role could be written for are left out as well.
fn scalars(claims: &Claims<'_>) -> Result<Arc<[Scalar]>, Rejection> {
    let mut found = Vec::new();
    collect(claims.0, "", &mut found);
    if found.len() > MOST_CLAIMS {
        return Err(Rejection::TooManyClaims);
    }
    // An address that nobody verified is whatever its owner typed. Only the boolean says so: `"true"` and 1 do not.
    if claims.0.get("email_verified").and_then(Value::as_bool) != Some(true) {
        found.retain(|(pointer, _)| &**pointer != "/email");
    }
    found.sort_unstable();
    Ok(found.into())
}

fn collect(object: &Object, path: &str, found: &mut Vec<Scalar>) {
    for (key, value) in object.iter() {
        let text = match value {
            Value::String(text) => text.as_str(),
            Value::Number(number) => number.as_str(),
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Object(inner) => {
                collect(inner, &step(path, key), found);
                continue;
            }
            Value::Null | Value::Array(_) => continue,
        };
        if text.len() <= LONGEST_CLAIM && found.len() <= MOST_CLAIMS {
            found.push((step(path, key).into(), text.into()));
        }
    }
}

/// A pointer one step deeper (RFC 6901, section 3).
fn step(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Neither empty nor too long, and without control characters, which have no place in a name and forge lines in logs.
fn is_plain(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use gatewright_json::{Limits, parse};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn config() -> IssuerConfig {
        let mut config = IssuerConfig::new("corp", "https://idp.example", "gatewright");
        config.groups = Some("/groups".to_owned());
        config
    }

    fn outcome(payload: &str, config: &IssuerConfig) -> Result<Identity, Rejection> {
        let payload = parse(payload.as_bytes(), &Limits::default()).expect("JSON in a test");
        check(&Claims::of(&payload).expect("an object"), config, Timestamp::from_seconds(NOW))
    }

    /// A good payload with one claim replaced, or left out where the text is empty, or added.
    fn with(claim: &str, value: &str) -> String {
        let good = [
            ("iss", "\"https://idp.example\"".to_owned()),
            ("aud", "\"gatewright\"".to_owned()),
            ("sub", "\"alice\"".to_owned()),
            ("iat", (NOW - 60).to_string()),
            ("exp", (NOW + 3_600).to_string()),
            ("groups", "[\"analysts\"]".to_owned()),
        ];
        let mut members: Vec<String> =
            good.iter().filter(|(name, _)| *name != claim).map(|(name, value)| format!("\"{name}\":{value}")).collect();
        if !value.is_empty() {
            members.push(format!("\"{claim}\":{value}"));
        }
        format!("{{{}}}", members.join(","))
    }

    fn refused(claim: &'static str, value: &str) -> Rejection {
        outcome(&with(claim, value), &config()).expect_err(&format!("{claim}: {value}"))
    }

    #[test]
    fn a_good_token_is_its_caller() {
        let identity = outcome(&with("repository_id", "456789"), &config()).expect("good");
        assert_eq!((&*identity.subject, identity.kind), ("alice", Kind::Person));
        assert_eq!(identity.groups.as_ref(), [Arc::from("analysts")]);
        assert_eq!(identity.claim("/repository_id"), Some("456789"));
        assert_eq!(identity.expires, Timestamp::from_seconds(NOW + 3_630));
    }

    #[test]
    fn every_required_claim_is_required_and_typed() {
        for claim in ["iss", "aud", "sub", "iat", "exp"] {
            for value in ["", "null", "true", "{}", "[1]", "[null]", "-1", "1e400".trim_end_matches("e400")] {
                if matches!((claim, value), ("iat" | "exp", "1")) {
                    continue;
                }
                assert_eq!(refused(claim, value), Rejection::BadClaim(claim), "{claim}: {value}");
            }
        }
    }

    #[test]
    fn times_are_whole_seconds() {
        for claim in ["exp", "iat", "nbf"] {
            for value in [
                "\"1800003600\"",
                "1800003600.0",
                "1800003600.5",
                "1.8e9",
                "18E8",
                "-0",
                "-5",
                "9223372036854775808",
                "1e300",
                "null",
                "[]",
                "true",
            ] {
                assert_eq!(refused(claim, value), Rejection::BadClaim(claim), "{claim}: {value}");
            }
        }
        assert_eq!(refused("exp", "9223372036854775807"), Rejection::LivesTooLong);
    }

    #[test]
    fn time_has_its_limits_and_thirty_seconds_of_leeway() {
        let at = |claim, seconds: u64| outcome(&with(claim, &seconds.to_string()), &config()).err();
        assert_eq!(at("exp", NOW - 29), None);
        assert_eq!(at("exp", NOW - 30), Some(Rejection::Expired));
        assert_eq!(at("iat", NOW + 30), None);
        assert_eq!(at("iat", NOW + 31), Some(Rejection::NotYetValid));
        assert_eq!(at("nbf", NOW + 30), None);
        assert_eq!(at("nbf", NOW + 31), Some(Rejection::NotYetValid));
        assert_eq!(at("exp", NOW - 60), Some(Rejection::BadClaim("exp")), "no earlier than it was issued");
        assert_eq!(at("exp", NOW - 60 + 24 * 3_600), None);
        assert_eq!(at("exp", NOW - 60 + 24 * 3_600 + 1), Some(Rejection::LivesTooLong));
    }

    #[test]
    fn the_issuer_is_compared_as_written() {
        for other in ["https://idp.example/", "https://IDP.example", "https://idp.example:443", "https://idp.examplе"]
        {
            assert_eq!(refused("iss", &format!("\"{other}\"")), Rejection::UnknownIssuer, "{other}");
        }
    }

    #[test]
    fn the_audience_contains_ours() {
        assert!(outcome(&with("aud", r#"["other","gatewright"]"#), &config()).is_ok());
        for other in [r#""Gatewright""#, r#""gatewright ""#, r#""other""#, "[]", r#"["other"]"#, r#""""#] {
            assert_eq!(refused("aud", other), Rejection::WrongAudience, "{other}");
        }
        for mixed in [r#"["gatewright",1]"#, r#"["gatewright",null]"#, r#"{"gatewright":true}"#, r#"[["gatewright"]]"#]
        {
            assert_eq!(refused("aud", mixed), Rejection::BadClaim("aud"), "{mixed}");
        }
    }

    #[test]
    fn the_client_counts_where_clients_are_configured() {
        let mut config = config();
        config.authorized_parties = vec!["cli".to_owned()];
        assert!(outcome(&with("azp", "\"cli\""), &config).is_ok());
        assert_eq!(outcome(&with("azp", "\"other\""), &config), Err(Rejection::WrongClient));
        assert_eq!(outcome(&with("azp", ""), &config), Err(Rejection::BadClaim("azp")));
        assert_eq!(outcome(&with("azp", "[\"cli\"]"), &config), Err(Rejection::BadClaim("azp")));
    }

    #[test]
    fn groups_are_a_text_or_texts_and_never_split() {
        let groups = |value: &str| {
            let identity = outcome(&with("groups", value), &config()).expect(value);
            identity.groups.iter().map(|group| group.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(groups(r#""analysts""#), ["analysts"]);
        assert_eq!(groups(r#""analysts,ml-admins""#), ["analysts,ml-admins"]);
        assert_eq!(
            groups(r#"["/parent/child","Analysts","admin\u200b"]"#),
            ["/parent/child", "Analysts", "admin\u{200b}"]
        );
        assert_eq!(groups(""), [""; 0]);
        assert_eq!(groups("null"), [""; 0]);
        let long = format!("\"{}\"", "g".repeat(257));
        let many = format!("[{}\"g\"]", "\"g\",".repeat(MOST_GROUPS));
        for bad in ["1", "true", "{}", "[1]", r#"["a",null]"#, r#"[["a"]]"#, r#""""#, r#"["a\u0000"]"#, &long, &many] {
            assert_eq!(refused("groups", bad), Rejection::BadClaim("groups"), "{}", &bad[..bad.len().min(20)]);
        }
    }

    #[test]
    fn groups_may_lie_deeper() {
        let mut config = config();
        config.groups = Some("/realm_access/roles".to_owned());
        let identity = outcome(&with("realm_access", r#"{"roles":["a"]}"#), &config).expect("good");
        assert_eq!(identity.groups.as_ref(), [Arc::from("a")]);
        config.groups = Some("/https:~1~1gatewright~1groups".to_owned());
        let identity = outcome(&with("https://gatewright/groups", r#"["b"]"#), &config).expect("good");
        assert_eq!(identity.groups.as_ref(), [Arc::from("b")]);
    }

    #[test]
    fn groups_that_were_left_out_are_not_no_groups() {
        let names = r#"{"groups":"src1"}"#;
        assert_eq!(refused("_claim_names", names), Rejection::GroupsOverage);
        assert_eq!(refused("hasgroups", "true"), Rejection::GroupsOverage);
        assert_eq!(refused("hasgroups", "\"true\""), Rejection::GroupsOverage);
        assert!(outcome(&with("_claim_names", r#"{"address":"src1"}"#), &config()).is_ok());
    }

    #[test]
    fn subjects_are_plain_texts() {
        let long = format!("\"{}\"", "s".repeat(513));
        for bad in ["\"\"", "\"a\\u0000\"", "\"a\\nb\"", "7", &long] {
            assert_eq!(refused("sub", bad), Rejection::BadClaim("sub"));
        }
    }

    #[test]
    fn scalars_are_flattened_and_sorted() {
        let payload = with("z", r#"{"b":{"~/":true},"a":1.50,"list":["x"],"none":null}"#);
        let identity = outcome(&payload, &config()).expect("good");
        assert_eq!(identity.claim("/z/a"), Some("1.50"));
        assert_eq!(identity.claim("/z/b/~0~1"), Some("true"));
        assert_eq!(identity.claim("/z/list/0"), None);
        assert!(identity.claims.is_sorted());
        let many: Vec<String> = (0..300).map(|n| format!("\"k{n}\":1")).collect();
        assert_eq!(refused("z", &format!("{{{}}}", many.join(","))), Rejection::TooManyClaims);
    }

    #[test]
    fn an_address_counts_only_when_verified() {
        let email = |verified: &str| {
            let payload = with("email", "\"a@b.example\"").replacen('{', &format!("{{{verified}"), 1);
            outcome(&payload, &config()).expect("good").claim("/email").map(str::to_owned)
        };
        assert_eq!(email("\"email_verified\":true,").as_deref(), Some("a@b.example"));
        for verified in ["", "\"email_verified\":\"true\",", "\"email_verified\":1,", "\"email_verified\":false,"] {
            assert_eq!(email(verified), None, "{verified}");
        }
    }

    #[test]
    fn programs_are_told_from_people_by_a_claim() {
        let mut config = config();
        config.kind = KindRule::WorkloadWhere { pointer: "/idtyp".to_owned(), is: "app".to_owned() };
        assert_eq!(outcome(&with("idtyp", "\"app\""), &config).map(|it| it.kind), Ok(Kind::Workload));
        assert_eq!(outcome(&with("idtyp", ""), &config).map(|it| it.kind), Ok(Kind::Person));
    }
}
