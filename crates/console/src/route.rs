/// A place of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// `/`
    Home,
    /// `/sign-in`
    SignIn,
    /// `/sign-in/with/{issuer}`
    SignInWith(&'p str),
    /// `/sign-in/callback`
    Callback,
    /// `/sign-out`
    SignOut,
    /// `/approvals`
    Approvals,
    /// `/approvals/{id}`
    Approval(&'p str),
    /// `/approvals/{id}/decision`
    Decide(&'p str),
    /// `/approvals/{id}/original`
    Original(&'p str),
    /// `/notifications`
    Notifications,
    /// `/access`
    Access,
    /// `/access/{id}/revoke`
    Revoke(&'p str),
    /// `/assets/…`
    Asset,
}

/// Where the browser comes back to from an identity provider.
pub(crate) const CALLBACK: &str = "/sign-in/callback";

impl<'p> Route<'p> {
    /// What a path is; `None` where it is none of the console's.
    pub(crate) fn of(path: &'p str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        Some(match *parts.as_slice() {
            [""] => Self::Home,
            ["sign-in"] => Self::SignIn,
            ["sign-in", "with", issuer] if is_word(issuer) => Self::SignInWith(issuer),
            ["sign-in", "callback"] => Self::Callback,
            ["sign-out"] => Self::SignOut,
            ["approvals"] => Self::Approvals,
            ["approvals", id] if is_word(id) => Self::Approval(id),
            ["approvals", id, "decision"] if is_word(id) => Self::Decide(id),
            ["approvals", id, "original"] if is_word(id) => Self::Original(id),
            ["notifications"] => Self::Notifications,
            ["access"] => Self::Access,
            ["access", id, "revoke"] if is_word(id) => Self::Revoke(id),
            ["assets", _] => Self::Asset,
            _ => return None,
        })
    }

    /// The methods that it answers to.
    pub(crate) const fn methods(self) -> &'static str {
        match self {
            Self::Home | Self::SignIn | Self::SignInWith(_) | Self::Callback | Self::Approvals | Self::Approval(_) => {
                "GET, HEAD"
            }
            Self::Asset | Self::Notifications => "GET, HEAD",
            Self::SignOut | Self::Decide(_) | Self::Original(_) | Self::Revoke(_) => "POST",
            Self::Access => "GET, HEAD, POST",
        }
    }
}

/// Ids and names that need no escape in a path.
fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(plain) && !text.bytes().all(|byte| byte == b'.')
}

/// Where to go on after signing in: a page of ours, never another site (open redirect). `//evil.example` and
/// `/\evil.example` name another host to browsers; here neither is a path that leads to a page.
pub(crate) fn local(target: &str) -> Option<&str> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.~=&%+".contains(&byte);
    let is_page = matches!(
        Route::of(path)?,
        Route::Home | Route::Approvals | Route::Approval(_) | Route::Access | Route::Notifications
    );
    (is_page && target.len() <= 512 && query.bytes().all(plain)).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_to_pages_of_ours_alone() {
        for good in ["/", "/approvals", "/approvals?state=all&q=a%20b", "/approvals/apr_0198", "/access"] {
            assert_eq!(local(good), Some(good));
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/approvals/../../x",
            "/approvals/..",
            "/approvals//evil",
            "/approvals?x=\r\nset-cookie: a=b",
            "/approvals?q=//evil.example",
            "/approvals#x",
            "/sign-out",
            "/sign-in",
            "/metrics",
            " /approvals",
            "/@evil.example",
        ] {
            assert_eq!(local(bad), None, "{bad}");
        }
    }
}
