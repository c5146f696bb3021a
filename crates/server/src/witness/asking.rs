use std::collections::HashMap;
use std::time::Duration;

use gatewright_dial::Dial;
use gatewright_ledger::{CosignerKey, WitnessPolicy};
use gatewright_store::log::{ToCosign, Witnessed};
use http::StatusCode;

/// How often the register is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// How long witnesses that gave no answer are left alone.
const PAUSE: Duration = Duration::from_secs(20);

/// Has each new state of the register cosigned by the witnesses of this policy that have an address. No call waits for
/// it; a witness that does not answer is said in the log and asked again.
pub async fn ask_witnesses(witnessed: Witnessed, policy: WitnessPolicy, dial: Dial) {
    let mut known = HashMap::new();
    let mut done = None;
    loop {
        if let Some(asked) = witnessed.present()
            && done.as_ref() != Some(&asked)
        {
            let mut lines = String::new();
            for (name, key, url) in policy.asked() {
                match ask(&witnessed, &asked, (key, url), known.entry(name.to_owned()).or_insert(0), &dial).await {
                    Ok(line) => lines.push_str(&line),
                    Err(why) => tracing::warn!(witness = name, %why, "the register was not cosigned"),
                }
            }
            if lines.is_empty() {
                tokio::time::sleep(PAUSE).await;
            } else {
                let (witnessed, of) = (witnessed.clone(), asked.clone());
                // It syncs a file.
                let kept = tokio::task::spawn_blocking(move || witnessed.keep(&of, &lines)).await;
                if let Ok(Err(error)) = kept {
                    tracing::error!(%error, "cosignatures cannot be kept");
                }
                done = Some(asked);
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Asks one witness; `known` is how many entries it has seen, as far as we know.
async fn ask(
    witnessed: &Witnessed,
    asked: &ToCosign,
    (key, url): (&CosignerKey, &str),
    known: &mut u64,
    dial: &Dial,
) -> Result<String, String> {
    let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
    for _ in 0..2 {
        let request = witnessed.request(asked, *known);
        let request = request.ok_or_else(|| format!("it has seen {known} entries, more than there are"))?;
        let reply = dial.post_text(&url, request.to_text()).await.map_err(|fault| fault.to_string())?;
        let body = std::str::from_utf8(reply.body()).map_err(|_| "its answer is not text".to_owned())?;
        match reply.status() {
            StatusCode::OK => {
                // A witness that does not sign with its own key is none.
                let note = format!("{}{body}", asked.note);
                if !matches!(key.cosigned(&note), Ok(Some(_))) {
                    return Err("its cosignature does not hold".to_owned());
                }
                *known = asked.size;
                return Ok(body.to_owned());
            }
            StatusCode::CONFLICT => {
                *known = body.trim().parse().map_err(|_| "it disagrees and does not say where".to_owned())?;
            }
            status => return Err(format!("it answered {status}")),
        }
    }
    Err("it has seen another history of this register".to_owned())
}
