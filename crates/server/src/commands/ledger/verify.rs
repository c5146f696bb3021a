//! `gatewright ledger verify`

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatewright_ledger::WitnessPolicy;
use gatewright_model::{Clock, Timestamp, to_hex};
use gatewright_store::bucket::BucketDisk;
use gatewright_store::disk::Disk;
use gatewright_store::verify::{Anchors, KeySource, Progress, Report, Tail, VerifyError, verify_folder};
use serde_json::json;

use super::{trusted, typed};
use crate::commands::{Format, Outcome, answer, complain};
use crate::system::SystemClock;

/// What was typed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// A bucket in the folder's place.
    pub bucket: Option<InBucket<'a>>,
    /// The root key, kept elsewhere.
    pub trust: Option<&'a str>,
    /// Checkpoints and receipts, kept elsewhere: themselves, or files that hold them.
    pub since: &'a [String],
    /// A file that says which witnesses must have cosigned.
    pub witnesses: Option<&'a Path>,
    /// How long ago at most.
    pub max_age: Duration,
}

/// A bucket as it was typed.
#[derive(Clone, Copy, Debug)]
pub struct InBucket<'a> {
    /// `s3://NAME/PREFIX`.
    pub url: &'a str,
    /// The URL of the store's API, where it is not AWS.
    pub endpoint: Option<&'a str>,
    /// The region that requests are signed for.
    pub region: &'a str,
}

/// Checks every record of a data folder, offline. Holds only when everything does.
pub fn verify(wanted: Wanted<'_>, format: Format) -> Outcome {
    let anchors = match anchors(&wanted) {
        Ok(anchors) => anchors,
        Err(words) => return complain(Outcome::Usage, &words),
    };
    let mut bar = Bar::new();
    let place = wanted.bucket.map_or_else(|| wanted.data.display().to_string(), |bucket| bucket.url.to_owned());
    let verified = match wanted.bucket {
        None => verify_folder(wanted.data, &anchors, &mut |progress| bar.show(progress)),
        Some(bucket) => match in_bucket(bucket, &anchors, &mut |progress| bar.show(progress)) {
            Ok(verified) => verified,
            Err(words) => return complain(Outcome::Usage, &words),
        },
    };
    bar.clear();
    let report = match verified {
        Ok(report) => report,
        Err(error) => {
            let outcome = match error {
                VerifyError::Disk(_) => Outcome::Internal,
                VerifyError::NoLog
                | VerifyError::NoKey
                | VerifyError::Key(_)
                | VerifyError::Checkpoint(_)
                | VerifyError::Receipt(_)
                | VerifyError::OlderFormat => Outcome::Finding,
            };
            return complain(outcome, &format!("{place}: {error}"));
        }
    };
    match format {
        Format::Json => answer(&format!("{}\n", in_json(&report))),
        Format::Text => answer(&in_words(&report)),
    }
    if report.holds() { Outcome::Holds } else { Outcome::Finding }
}

fn in_bucket(
    typed: InBucket<'_>,
    anchors: &Anchors,
    progress: &mut dyn FnMut(Progress),
) -> Result<Result<Report, VerifyError>, String> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let bucket = crate::bucket::typed(typed.url, typed.endpoint, typed.region)?;
    let disk: Arc<dyn Disk> = Arc::new(BucketDisk::new(&bucket, runtime.handle().clone()));
    Ok(gatewright_store::verify::verify(&disk, anchors, progress))
}

fn anchors(wanted: &Wanted<'_>) -> Result<Anchors, String> {
    let mut anchors = Anchors { trust: wanted.trust.map(trusted).transpose()?, ..Anchors::default() };
    for text in wanted.since {
        let text = typed(text);
        // A checkpoint is a signed note, which has an empty line in it; a receipt is one word.
        if text.contains("\n\n") { anchors.checkpoints.push(text) } else { anchors.receipts.push(text) }
    }
    if let Some(path) = wanted.witnesses {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let policy = WitnessPolicy::parse(&text).map_err(|bad| format!("{}: {bad}", path.display()))?;
        let age = u64::try_from(wanted.max_age.as_micros()).unwrap_or(u64::MAX);
        let since = Timestamp::from_micros(SystemClock.now().micros().saturating_sub(age));
        anchors.witnesses = Some((policy, since));
    }
    Ok(anchors)
}

/// A bar on a terminal, where somebody watches.
struct Bar(Option<u64>);

impl Bar {
    fn new() -> Self {
        Self(std::io::stderr().is_terminal().then_some(u64::MAX))
    }

    #[allow(clippy::print_stderr, reason = "a bar belongs on the terminal, not into the answer")]
    fn show(&mut self, progress: Progress) {
        let Some(shown) = &mut self.0 else { return };
        let percent = (progress.bytes * 100).checked_div(progress.of_bytes).unwrap_or(100).min(100);
        if percent != *shown {
            *shown = percent;
            let full = usize::try_from(percent / 4).unwrap_or(25);
            eprint!("\r[{}{}] {percent:3}% {} records", "#".repeat(full), " ".repeat(25 - full), progress.records);
        }
    }

    #[allow(clippy::print_stderr, reason = "a bar belongs on the terminal, not into the answer")]
    fn clear(&self) {
        if self.0.is_some_and(|shown| shown != u64::MAX) {
            eprint!("\r\u{1b}[K");
        }
    }
}

fn in_json(report: &Report) -> serde_json::Value {
    let unfinished = match report.tail {
        Tail::Clean => 0,
        Tail::Unfinished { bytes } => bytes,
    };
    json!({
        "holds": report.holds(),
        "origin": report.origin,
        "records": report.records,
        "logs": report.logs,
        "log": report.log,
        "size": report.size,
        "root": to_hex(&report.root),
        "register": report.register,
        "published": report.published,
        "witnesses": report.cosigned.iter().map(|(name, at)| {
            json!({ "name": name, "cosigned": at.map(|at| at.to_string()) })
        }).collect::<Vec<_>>(),
        "vouched": report.vouched,
        "checkpoints": report.checkpoints,
        "bodies": report.bodies,
        "open": report.open,
        "unfinished_bytes": unfinished,
        "key": report.key,
        "key_given": report.key_source == KeySource::Given,
        "anchored": report.anchored,
        "flaw": report.finding.as_ref().map(|finding| finding.flaw.name()),
        "record": report.finding.as_ref().map(|finding| finding.first),
        "finding": report.finding.as_ref().map(ToString::to_string),
    })
}

fn in_words(report: &Report) -> String {
    let mut text = format!(
        "{}: {} records in {} logs, {} bodies, {} checkpoints (signed up to record {})\nregister: {} entries; {} published files fit\nlast log {}: {} records, root {}\n",
        report.origin,
        report.records,
        report.logs,
        report.bodies,
        report.checkpoints,
        report.vouched,
        report.register,
        report.published,
        report.log,
        report.size,
        to_hex(&report.root)
    );
    for (name, at) in &report.cosigned {
        match at {
            Some(at) => text.push_str(&format!("cosigned by {name} at {at}\n")),
            None => text.push_str(&format!("not cosigned by {name}\n")),
        }
    }
    if report.open > 0 {
        text.push_str(&format!("{} calls are open: under way, or cut off by a crash\n", report.open));
    }
    if let Tail::Unfinished { bytes } = report.tail {
        text.push_str(&format!(
            "{bytes} bytes behind the last record are unfinished: a write under way, or torn by a crash\n"
        ));
    }
    match report.key_source {
        KeySource::Given => text.push_str("checked with the key that you gave\n"),
        KeySource::BesideTheLog => text.push_str(
            "checked with the key beside the log: whoever could change the log could have replaced it too; give --trust KEY to exclude that\n",
        ),
    }
    if report.anchored == 0 {
        text.push_str(
            "without a checkpoint or a receipt kept elsewhere (--since), going back to an older state of the whole folder, and a history that the root key's holder wrote anew, cannot be seen\n",
        );
    }
    match &report.finding {
        None => text.push_str("everything holds\n"),
        Some(finding) => text.push_str(&format!("DOES NOT HOLD: {finding}\n")),
    }
    text
}
