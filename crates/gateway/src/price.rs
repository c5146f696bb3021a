use gatewright_model::{Operation, Usage};

/// What a model costs, in millionths of the configuration's currency. Exact: nothing is rounded before the sum, and the sum
/// upwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// A million tokens of requests, or of texts to be embedded.
    pub input: u64,
    /// A million tokens of requests that the model server had in its cache.
    pub cached: u64,
    /// A million tokens of answers.
    pub output: u64,
    /// A picture.
    pub image: u64,
}

impl Price {
    /// What these tokens cost, and what this operation makes besides.
    pub(crate) fn of(&self, usage: Usage, operation: Operation, pieces: u64) -> u64 {
        const MILLION: u128 = 1_000_000;
        let cached = usage.cached.min(usage.input);
        let tokens = [(usage.input - cached, self.input), (cached, self.cached), (usage.output, self.output)];
        let tokens: u128 = tokens.iter().map(|(count, price)| u128::from(*count) * u128::from(*price)).sum();
        let pictures = match operation {
            Operation::Image => u128::from(pieces) * u128::from(self.image),
            _ => 0,
        };
        u64::try_from(tokens.div_ceil(MILLION).saturating_add(pictures)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn usage(input: u64, output: u64, cached: u64) -> Usage {
        Usage { input, output, cached }
    }

    #[test]
    fn a_price_is_exact_and_rounded_upwards_once() {
        // 2.50 a million tokens of requests, 0.25 from the cache, 10.00 of answers; 0.04 a picture.
        let price = Price { input: 2_500_000, cached: 250_000, output: 10_000_000, image: 40_000 };
        let check = |usage, expected| assert_eq!(price.of(usage, Operation::Chat, 1), expected, "{usage:?}");
        check(usage(0, 0, 0), 0);
        check(usage(1_000_000, 1_000_000, 0), 12_500_000);
        check(usage(1_000_000, 0, 400_000), 1_600_000);
        // 2.5 millionths and 10: 12.5, of which the half is not given away.
        check(usage(1, 1, 0), 13);
        check(usage(1, 0, 1), 1);
        check(usage(1, 0, 7), 1);
        assert_eq!(price.of(usage(0, 0, 0), Operation::Image, 3), 120_000);
        let dear = Price { input: u64::MAX, ..Price::default() };
        assert_eq!(dear.of(usage(u64::MAX, 0, 0), Operation::Chat, 1), u64::MAX);
    }
}
