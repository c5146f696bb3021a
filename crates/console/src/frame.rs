use maud::{DOCTYPE, Markup, html};

use crate::assets::{LIVE, MARK, STYLE_SHEET};
use crate::console::Guest;
use crate::session::{FORM_TOKEN, Session};
use crate::visible;

/// Which of the menu's places a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Approvals,
    Access,
    Elsewhere,
}

/// What a page tells of what was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Done,
    Wrong,
}

/// A page around its content, for somebody who is signed in.
pub(crate) fn page(title: &str, place: Place, guest: &Guest<'_>, content: Markup) -> Markup {
    let session = &guest.session;
    let link = |to: &str, words: &str, here: bool| {
        html! { a href=(to) aria-current=[here.then_some("page")] { (words) } }
    };
    let bar = html! {
        nav aria-label="Main" {
            (link("/approvals", "Approvals", place == Place::Approvals))
            (link("/access", "Access", place == Place::Access))
        }
        form.who method="post" action="/sign-out" {
            (form_token(session))
            span title={ (session.person.issuer) "/" (visible::plain(&session.person.subject)) } { (visible::line(&session.person.subject)) }
            button.quiet { "Sign out" }
        }
    };
    whole(title, bar, content)
}

/// A page for whoever comes.
pub(crate) fn open_page(title: &str, content: Markup) -> Markup {
    whole(title, html! {}, content)
}

fn whole(title: &str, bar: Markup, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Gatewright" }
                link rel="icon" href=(MARK.path);
                link rel="stylesheet" href=(STYLE_SHEET.path);
                script src=(LIVE.path) defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href="/" { "Gatewright" }
                    (bar)
                }
                main #main tabindex="-1" { (content) }
            }
        }
    }
}

/// The field that says that this very session gave out a form.
pub(crate) fn form_token(session: &Session) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(session.form_token); }
}

/// A line about what was done or went wrong, read out to those who do not see it.
pub(crate) fn notice(tone: Tone, words: &str) -> Markup {
    let (class, role) = match tone {
        Tone::Done => ("notice done", "status"),
        Tone::Wrong => ("notice wrong", "alert"),
    };
    html! { p class=(class) role=(role) { (visible::line(words)) } }
}
