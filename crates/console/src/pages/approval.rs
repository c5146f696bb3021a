use gatewright_api::{ApprovalShown, ApprovalState, Choice, Problem, Text, Wish};
use http::StatusCode;
use maud::{Markup, html};

use super::decision;
use super::texts::{self, Extent, Wanted};
use super::{person, state, wish, wish_in_words, word};
use crate::console::{Guest, Paged};
use crate::form::Form;
use crate::frame::{self, Place, Tone};
use crate::headers;
use crate::{times, visible};

/// The permission that lets somebody see what was masked.
const ORIGINAL: &str = "records.original";

/// Whose eyes the texts are for.
#[derive(Clone, Copy)]
enum Shown<'t> {
    Masked(&'t [Text]),
    Original(&'t [Text]),
}

/// GET: an approval as its approvers see it.
pub(crate) async fn show(guest: &Guest<'_>, id: &str) -> Paged {
    let told = match guest.query.get("done") {
        Some("approve") => {
            Some((Tone::Done, "Approved. The caller's next try goes through; one that still waits goes on now."))
        }
        Some("granted") => {
            Some((Tone::Done, "Approved. The role counts from now on; Access has a button that ends it."))
        }
        Some("refused") => Some((Tone::Done, "Denied. Whoever asked is told, with your reason.")),
        Some("deny") => Some((Tone::Done, "Denied. The caller is told, with your reason.")),
        Some("revoke") => Some((Tone::Done, "Taken back.")),
        Some("asked") => Some((Tone::Done, "Asked. Those who decide see it now; this page says when they have.")),
        Some(_) | None => None,
    };
    let told = told.map(|(tone, words)| frame::notice(tone, words));
    render(guest, id, told, &Form::default(), StatusCode::OK).await
}

/// POST: decides, and goes back to the page.
pub(crate) async fn decide(guest: &Guest<'_>, id: &str, form: &Form) -> Paged {
    let decide = match decision::read(form) {
        Ok(decide) => decide,
        Err(words) => {
            let told = Some(frame::notice(Tone::Wrong, words));
            return render(guest, id, told, form, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    match guest.api().decide(id, &decide).await {
        Ok(approval) => {
            let done = match (decide.verdict, approval.wish) {
                (Choice::Approve, Wish::Call) => "approve",
                (Choice::Approve, Wish::Access) => "granted",
                (Choice::Deny, Wish::Call) => "deny",
                (Choice::Deny, Wish::Access) => "refused",
                (Choice::Revoke, Wish::Call | Wish::Access) => "revoke",
            };
            Ok(headers::go(&format!("/approvals/{}?done={done}", approval.id)))
        }
        // Somebody else was faster, or a number does not fit: the page says so, with what was typed.
        Err(problem) if matches!(problem.status, 400 | 403 | 409 | 422) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT);
            let told = Some(frame::notice(Tone::Wrong, &problem.detail));
            render(guest, id, told, form, status).await
        }
        Err(problem) => Err(problem),
    }
}

/// POST: the page with the prompt as it was sent. Being shown it is recorded, so it is asked for by a form and never kept.
pub(crate) async fn original(guest: &Guest<'_>, id: &str) -> Paged {
    let api = guest.api();
    let shown = api.approval(id).await?;
    let original = api.original(id).await?;
    let told = frame::notice(Tone::Done, "This is the original. That you were shown it is on record.");
    let content = content(guest, &shown, Shown::Original(&original.texts), false, Some(told), &Form::default());
    Ok(finished(guest, &shown, content, StatusCode::OK))
}

async fn render(guest: &Guest<'_>, id: &str, told: Option<Markup>, typed: &Form, status: StatusCode) -> Paged {
    let api = guest.api();
    let shown = api.approval(id).await?;
    let may_see_original = shown.has_original && sees_originals(guest).await?;
    let content = content(guest, &shown, Shown::Masked(&shown.texts), may_see_original, told, typed);
    Ok(finished(guest, &shown, content, status))
}

async fn sees_originals(guest: &Guest<'_>) -> Result<bool, Problem> {
    let me = guest.api().me().await?;
    Ok(me.permissions.iter().any(|permission| permission == ORIGINAL))
}

fn finished(guest: &Guest<'_>, shown: &ApprovalShown, content: Markup, status: StatusCode) -> headers::Answer {
    let approval = &shown.approval;
    let title = format!("{} ({})", wish_in_words(approval), word(approval.state));
    headers::page(status, frame::page(&title, Place::Approvals, guest, content))
}

fn content(
    guest: &Guest<'_>,
    shown: &ApprovalShown,
    texts: Shown<'_>,
    may_see_original: bool,
    told: Option<Markup>,
    typed: &Form,
) -> Markup {
    let approval = &shown.approval;
    let (Shown::Masked(seen) | Shown::Original(seen)) = texts;
    let wanted = match (guest.query.get("texts"), texts) {
        (Some("all"), _) | (_, Shown::Original(_)) => Wanted::All,
        _ => Wanted::Beginning,
    };
    let extent = texts::extent(seen, wanted);
    html! {
        p.back { a href="/approvals" { "← All approvals" } }
        @if let Some(told) = told { (told) }
        div.head #state data-live="8" data-state=(approval.state.name()) {
            h1 { (wish(approval)) }
            p.meta {
                (state(approval.state))
                @if approval.state == ApprovalState::Pending { (times::left(&approval.expires, guest.now)) }
                span { "asked " (times::moment(&approval.created, guest.now)) }
                @if approval.need > 1 { span { (agreed(shown)) " of " (approval.need) " agreed" } }
            }
        }
        (why(shown, seen))
        @if approval.wish == Wish::Call { (what_runs(guest, shown, texts, extent, may_see_original)) }
        (details(shown, guest.now))
        (spoken(shown, guest.now))
        (similar(shown, guest.now))
        (decision::form(guest, approval, extent, typed))
    }
}

fn agreed(shown: &ApprovalShown) -> usize {
    shown.approval.votes.iter().filter(|vote| vote.verdict == Choice::Approve).count()
}

fn why(shown: &ApprovalShown, seen: &[Text]) -> Markup {
    let approval = &shown.approval;
    let marked = texts::marked(seen, &approval.rule);
    html! {
        section.why {
            h2 { @if approval.wish == Wish::Call { "Why it was held" } @else { "Why it is asked" } }
            p {
                @if approval.wish == Wish::Call { "Rule " b { (visible::line(&approval.rule)) } }
                @else { "Approval policy " b { (visible::line(&approval.policy)) } }
                @if !marked.is_empty() {
                    " found "
                    @for (place, words) in marked.iter().enumerate() {
                        @if place > 0 { ", " }
                        mark { (visible::line(words)) }
                    }
                }
                "."
            }
            @match &approval.reason {
                Some(reason) => p.said { span.faint { (visible::line(&approval.caller.subject)) " says: " } "“" bdi { (visible::line(reason)) } "”" },
                None => p.faint { "The caller gave no reason." },
            }
            @if approval.trust.as_deref() == Some("external") {
                p.leaves { "It leaves your own network: connection "
                    b { (visible::line(approval.connection.as_deref().unwrap_or("unknown"))) } " is external." }
            }
        }
    }
}

fn what_runs(
    guest: &Guest<'_>,
    shown: &ApprovalShown,
    texts: Shown<'_>,
    extent: Extent,
    may_see_original: bool,
) -> Markup {
    let id = &shown.approval.id;
    let (Shown::Masked(seen) | Shown::Original(seen)) = texts;
    html! {
        section.runs {
            div.head {
                h2 { (heading(shown.approval.state)) }
                @match texts {
                    Shown::Original(_) => { a.quiet href={ "/approvals/" (id) } { "Show masked" } }
                    Shown::Masked(_) if may_see_original => {
                        form method="post" action={ "/approvals/" (id) "/original" } {
                            (frame::form_token(&guest.session))
                            button.quiet { "Show original (recorded)" }
                        }
                    }
                    Shown::Masked(_) => {}
                }
            }
            @if !shown.found.is_empty() {
                p.found { "Found: " @for (place, count) in shown.found.iter().enumerate() {
                    @if place > 0 { ", " } (count.count) " " (visible::line(&count.info_type))
                } }
            }
            (texts::show(seen, extent))
            @if let Extent::Cut(rest) = extent {
                p.cut role="note" {
                    b { (rest) " more characters are not shown." } " What is approved is all of it. "
                    a href={ "/approvals/" (id) "?texts=all" } { "Show everything" }
                }
            }
            @if !shown.tools.is_empty() {
                h3 { "Tools that the model may call" }
                ul.tools { @for tool in &shown.tools { li { (visible::line(tool)) } } }
            }
            @if !shown.parameters.is_empty() {
                h3 { "Parameters" }
                dl.facts { @for (name, value) in &shown.parameters { div { dt { (visible::line(name)) } dd { (visible::line(value)) } } } }
            }
        }
    }
}

const fn heading(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Pending => "What runs if you approve",
        ApprovalState::Approved => "What may run",
        ApprovalState::Used => "What ran",
        ApprovalState::Denied | ApprovalState::Expired | ApprovalState::Revoked => "What was asked",
    }
}

fn details(shown: &ApprovalShown, now: u64) -> Markup {
    let approval = &shown.approval;
    let one = |name: &str, value: Option<&str>| {
        html! { @if let Some(value) = value { div { dt { (name) } dd { (visible::line(value)) } } } }
    };
    let several = |name: &str, values: &[String]| {
        html! { @if !values.is_empty() { div { dt { (name) } dd { (visible::line(&values.join(", "))) } } } }
    };
    html! {
        section {
            h2 { "Details" }
            dl.facts {
                div { dt { "Who" } dd { (person(&approval.caller)) } }
                (several(if approval.roles.len() == 1 { "Role" } else { "Roles" }, &approval.roles))
                (one("Operation", approval.operation.as_deref()))
                (one("Model", approval.model.as_deref()))
                (several("Data", &approval.datasets))
                @if let Some(connection) = &approval.connection {
                    div { dt { "Connection" } dd { (visible::line(connection))
                        @if let Some(trust) = &approval.trust { " (" (visible::line(trust)) ")" } } }
                }
                @if let Some(asked) = &approval.access {
                    div { dt { "Role asked for" } dd { (visible::line(&asked.role)) } }
                    div { dt { "For" } dd { (times::exact(asked.for_s)) } }
                }
                div { dt { "Decided by" } dd { (visible::line(&approval.policy)) ", " (approval.need) " needed" } }
                @if approval.wish == Wish::Call {
                    div { dt { "Counts for" } dd { (approval.uses.of) " " (if approval.uses.of == 1 { "call" } else { "calls" })
                        @if approval.uses.left != approval.uses.of { ", " (approval.uses.left) " left" } } }
                }
                @match approval.state {
                    ApprovalState::Pending => div { dt { "To be decided" } dd { (times::moment(&approval.expires, now)) } },
                    ApprovalState::Approved => div { dt { "Counts until" } dd { (times::moment(&approval.expires, now)) } },
                    ApprovalState::Denied | ApprovalState::Expired | ApprovalState::Used | ApprovalState::Revoked => {}
                }
                @if let Some(narrowed) = &approval.narrowed {
                    @if let Some(tokens) = narrowed.max_tokens { div { dt { "Narrowed to" } dd { (tokens) " tokens" } } }
                    @if let Some(seconds) = narrowed.for_s { div { dt { "Narrowed to" } dd { (times::exact(seconds)) } } }
                }
            }
            dl.facts.ids {
                (one("Session", approval.session.as_deref()))
                (one("Request", approval.request.as_deref()))
                div { dt { "Approval" } dd { (visible::line(&approval.id)) } }
            }
        }
    }
}

fn spoken(shown: &ApprovalShown, now: u64) -> Markup {
    let votes = &shown.approval.votes;
    html! {
        @if !votes.is_empty() {
            section {
                h2 { "Who has spoken" }
                ul.rows { @for vote in votes {
                    li.row {
                        span { (person(&vote.by)) " " @match vote.verdict {
                            Choice::Approve => "approved",
                            Choice::Deny => "denied",
                            Choice::Revoke => "took it back",
                        } }
                        @if let Some(reason) = &vote.reason { span.said { "“" bdi { (visible::line(reason)) } "”" } }
                        span.faint.when { (times::moment(&vote.at, now)) }
                    }
                } }
            }
        }
    }
}

fn similar(shown: &ApprovalShown, now: u64) -> Markup {
    html! {
        @if !shown.similar.is_empty() {
            section {
                h2 { "Similar, earlier" }
                ul.rows { @for one in &shown.similar {
                    li.row {
                        (state(one.state))
                        a.cover href={ "/approvals/" (one.id) } {
                            (person(&one.caller)) @if let Some(model) = &one.model { span.faint { " with " } (visible::line(model)) }
                        }
                        span.faint.when { (times::moment(&one.created, now)) }
                    }
                } }
            }
        }
    }
}
