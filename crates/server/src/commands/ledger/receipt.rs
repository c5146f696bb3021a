//! `gatewright receipt verify`

use std::path::Path;

use gatewright_ledger::{BadReceipt, Receipt};
use gatewright_model::to_hex;
use gatewright_store::verify::{Anchors, verify_folder};
use serde_json::json;

use super::{trusted, trusted_or_beside, typed};
use crate::commands::{Format, Outcome, answer, complain};

/// Checks a receipt with the root key alone, and, where a data folder is given, that the folder keeps its promise.
pub fn verify(text: &str, trust: Option<&str>, data: Option<&Path>, format: Format) -> Outcome {
    let root = match (trust, data) {
        (Some(text), _) => trusted(text),
        (None, Some(data)) => trusted_or_beside(None, data),
        (None, None) => Err("give --trust KEY, or --data DIR with the key in it".to_owned()),
    };
    let root = match root {
        Ok(root) => root,
        Err(words) => return complain(Outcome::Usage, &words),
    };
    let text = typed(text);
    let receipt = match Receipt::open(&text, &root) {
        Ok(receipt) => receipt,
        Err(bad) => return refused(bad, format),
    };
    let finding = match data {
        None => None,
        Some(data) => {
            let anchors = Anchors { trust: Some(root), receipts: vec![text], ..Anchors::default() };
            match verify_folder(data, &anchors, &mut |_| {}) {
                Ok(report) => report.finding,
                Err(error) => return complain(Outcome::Finding, &format!("{}: {error}", data.display())),
            }
        }
    };
    let holds = finding.is_none();
    let promised = receipt.promised();
    let request = promised.request.map(|request| request.to_string());
    match format {
        Format::Json => {
            let value = json!({
                "holds": holds,
                "origin": receipt.origin(),
                "index": promised.index,
                "leaf": to_hex(&promised.leaf),
                "request": request,
                "at": receipt.at().to_string(),
                "size": receipt.state_then().0,
                "root": to_hex(receipt.state_then().1),
                "compared": data.is_some(),
                "finding": finding.as_ref().map(ToString::to_string),
            });
            answer(&format!("{value}\n"));
        }
        Format::Text => {
            answer(&format!(
                "{} promised at {}: record {} is {}{}\n",
                receipt.origin(),
                receipt.at(),
                promised.index,
                to_hex(&promised.leaf),
                request.map(|request| format!(", of {request}")).unwrap_or_default(),
            ));
            answer(&match (&finding, data) {
                (Some(finding), _) => format!("THE PROMISE IS NOT KEPT: {finding}\n"),
                (None, Some(_)) => "the log keeps the promise, and everything in it holds\n".to_owned(),
                (None, None) => "the signatures hold; with --data DIR the log itself is asked\n".to_owned(),
            });
        }
    }
    if holds { Outcome::Holds } else { Outcome::Finding }
}

fn refused(bad: BadReceipt, format: Format) -> Outcome {
    if format == Format::Json {
        answer(&format!("{}\n", json!({ "holds": false, "finding": bad.to_string() })));
    }
    complain(Outcome::Finding, &format!("the receipt binds nobody: {bad}"))
}
