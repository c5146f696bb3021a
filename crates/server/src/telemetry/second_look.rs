use std::fmt;
use std::sync::Arc;

use gatewright_gateway::SecondLook;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

/// What came of decisions that were looked at a second time, read when somebody asks.
pub(super) struct SecondLooks(pub(super) Arc<SecondLook>);

impl fmt::Debug for SecondLooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecondLooks")
    }
}

impl Collector for SecondLooks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let rechecks = self.0.rechecks();
        let results = [
            ("agreed", rechecks.agreed),
            ("doubted", rechecks.doubted),
            ("not_asked", rechecks.not_asked),
            ("dropped", rechecks.dropped),
        ];
        let help = "Decisions that Cedar's authorizer made again, by what came of it";
        family(&mut encoder, "decisions_rechecked", help, &results)?;
        let Some(candidate) = self.0.candidate() else { return Ok(()) };
        let tally = candidate.tally();
        let results = [
            ("agreed", tally.agreed),
            ("newly_permitted", tally.permitted),
            ("newly_refused", tally.refused),
            ("on_other_terms", tally.on_other_terms),
            ("dropped", candidate.dropped()),
        ];
        let help = "Decisions that the present candidate made along, by how they compare";
        family(&mut encoder, "shadow_decisions", help, &results)
    }
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    results: &[(&'static str, u64)],
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (result, count) in results {
        ConstCounter::new(*count).encode(family.encode_family(&[("result", *result)])?)?;
    }
    Ok(())
}
