use gatewright_api::Problem;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use maud::{Markup, html};

use crate::attempts::TooMany;
use crate::console::Guest;
use crate::door::Closed;
use crate::frame::{self, Place};
use crate::headers::{self, Answer};
use crate::visible;

fn words(title: &str, sentence: &str, way_on: Markup) -> Markup {
    html! { div.narrow-page { h1 { (title) } p { (visible::line(sentence)) } p { (way_on) } } }
}

fn open(status: StatusCode, title: &str, sentence: &str) -> Answer {
    let home = html! { a href="/" { "To the console" } };
    headers::page(status, frame::open_page(title, words(title, sentence, home)))
}

/// There is nothing here.
pub(crate) fn not_found() -> Answer {
    open(StatusCode::NOT_FOUND, "Nothing here", "There is nothing at this address.")
}

/// The page exists, but not for this.
pub(crate) fn wrong_method() -> Answer {
    open(StatusCode::METHOD_NOT_ALLOWED, "Not like this", "This address is not asked this way.")
}

/// A form from somewhere else.
pub(crate) fn foreign_form() -> Answer {
    let sentence = "This form was not sent from a page of this console, so nothing was done.";
    open(StatusCode::FORBIDDEN, "Nothing was done", sentence)
}

/// A form of another session.
pub(crate) fn stale_form() -> Answer {
    let sentence = "This form is from an earlier sign-in, so nothing was done. Load its page again.";
    open(StatusCode::FORBIDDEN, "Nothing was done", sentence)
}

/// A form that cannot be read.
pub(crate) fn unreadable_form() -> Answer {
    open(StatusCode::BAD_REQUEST, "Nothing was done", "What was sent is not a form that can be read one way only.")
}

/// Somebody is not let in.
pub(crate) fn closed(why: &Closed) -> Answer {
    let status = match why {
        Closed::UnknownIssuer => StatusCode::NOT_FOUND,
        Closed::NotThisSignIn => StatusCode::BAD_REQUEST,
        Closed::Provider(_) => StatusCode::BAD_GATEWAY,
    };
    let sentence = format!("You are not signed in: {why}.");
    let again = html! { a.go.button href="/sign-in" { "Try again" } };
    headers::page(status, frame::open_page("Not signed in", words("Not signed in", &sentence, again)))
}

/// Somebody tries too often.
pub(crate) fn too_many(TooMany(seconds): TooMany) -> Answer {
    let sentence = format!("Too many sign-ins were begun from here. Try again in {seconds} seconds.");
    let mut answer = open(StatusCode::TOO_MANY_REQUESTS, "Too many tries", &sentence);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// The admin API said no.
pub(crate) fn problem(guest: &Guest<'_>, problem: &Problem) -> Answer {
    let status = StatusCode::from_u16(problem.status).ok().filter(|status| status.as_u16() >= 400);
    let title = match problem.status {
        403 => "You may not",
        404 => "Nothing here",
        409 => "Too late",
        503 => "Not ready",
        _ => "This did not work",
    };
    let way_on = html! {
        @if !problem.rules.is_empty() { span.faint { "Decided by: " (visible::line(&problem.rules.join(", "))) } br; }
        a href="/approvals" { "To the approvals" }
    };
    let content = words(title, &problem.detail, way_on);
    headers::page(status.unwrap_or(StatusCode::BAD_GATEWAY), frame::page(title, Place::Elsewhere, guest, content))
}
