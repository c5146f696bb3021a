use maud::{Markup, html};

use crate::frame::{self, Tone};

/// Where one can sign in.
pub(crate) fn choose(issuers: &[String], to: &str, signed_out: bool) -> Markup {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
    let content = html! {
        div.narrow-page {
            h1 { "Sign in" }
            @if signed_out { (frame::notice(Tone::Done, "You are signed out.")) }
            @if issuers.is_empty() {
                p { "Nobody can sign in here yet: no issuer in the configuration has a " code { "login_client" } "." }
            } @else {
                p { "Who you are is asked of your organisation's own identity provider." }
                ul.plain { @for issuer in issuers {
                    li { a.go.button.wide href={ "/sign-in/with/" (issuer) "?" (query) } { "Sign in with " b { (issuer) } } }
                } }
            }
        }
    };
    frame::open_page("Sign in", content)
}
