use gatewright_api::ApprovalState;
use http::StatusCode;
use maud::{Markup, html};

use crate::console::{Guest, Paged};
use crate::frame::{self, Place};
use crate::headers;
use crate::{Access, times, visible};

/// The first page: what waits, who one is, where things are.
pub(crate) async fn show(guest: &Guest<'_>) -> Paged {
    let api = guest.api();
    let me = api.me().await?;
    let waiting = match api.approvals(Some(ApprovalState::Pending)).await {
        Ok(pending) => waiting(pending.iter().filter(|approval| approval.may_decide.is_none()).count()),
        // Who one is can be said by a gateway that holds nothing for approval, too.
        Err(problem) if problem.status == 404 => html! { "This gateway holds nothing for approval." },
        Err(problem) => return Err(problem),
    };
    let list = |values: &[String]| -> Markup {
        html! { @if values.is_empty() { span.faint { "none" } } @else { (visible::line(&values.join(", "))) } }
    };
    let content = html! {
        h1 { "Hello, " bdi { (visible::line(&me.person.subject)) } }
        ul.cards #home data-live="30" {
            li.card {
                a.cover #to-approvals href="/approvals" { "Approvals" }
                p { (waiting) }
            }
            @if guest.console.access == Access::Offered {
                li.card {
                    a.cover #to-access href="/access" { "Access for a time" }
                    p { "Ask for a role, see what is granted, end it." }
                }
            }
        }
        section {
            h2 { "You" }
            dl.facts {
                div { dt { "Signed in as" } dd { (super::person(&me.person)) } }
                div { dt { "Roles" } dd { (list(&me.roles)) } }
                div { dt { "Admin permissions" } dd { (list(&me.permissions)) } }
                div { dt { "Signed in until" } dd { (times::moment(&me.expires, guest.now)) } }
            }
        }
    };
    Ok(headers::page(StatusCode::OK, frame::page("Home", Place::Elsewhere, guest, content)))
}

fn waiting(mine: usize) -> Markup {
    html! {
        @match mine {
            0 => "Nothing waits for you.",
            1 => b { "1 waits for your decision." },
            _ => b { (mine) " wait for your decision." },
        }
    }
}
