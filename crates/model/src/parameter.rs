use std::fmt;

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A parameter under the one canonical name of its meaning, whatever a protocol calls it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Parameter { $($(#[$doc])* $name,)* }

        impl Parameter {
            /// Every parameter there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name that catalogues, Cedar contexts, records and messages use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The parameter of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

parameters! {
    /// The most tokens that the answer may have, reasoning included.
    MaxTokens = "max_tokens",
    /// Sampling temperature.
    Temperature = "temperature",
    /// Nucleus sampling's share.
    TopP = "top_p",
    /// How many candidates sampling looks at.
    TopK = "top_k",
    /// How many answers.
    N = "n",
    /// Penalty for tokens that were said often.
    FrequencyPenalty = "frequency_penalty",
    /// Penalty for tokens that were said at all.
    PresencePenalty = "presence_penalty",
    /// Whether log-probabilities are asked for: 0 or 1.
    Logprobs = "logprobs",
    /// How many alternatives with their log-probabilities, for each token.
    TopLogprobs = "top_logprobs",
    /// The sampling seed.
    Seed = "seed",
    /// How many tools the request offers.
    Tools = "tools",
    /// How many numbers an embedding has.
    Dimensions = "dimensions",
    /// How many texts the request carries to be embedded, ranked or classified.
    Inputs = "inputs",
}

/// An exact decimal from a request, kept as the two neighbours on a grid of millionths: equal when it lies on it.
///
/// A lower bound is compared with [`floor`](Self::floor_e6) and an upper bound with [`ceil`](Self::ceil_e6), so that
/// no rounding lets a value past a range.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    floor_e6: i64,
    ceil_e6: i64,
}

impl Quantity {
    /// A whole number; `None` beyond ±9.2e12.
    pub const fn whole(value: i64) -> Option<Self> {
        match value.checked_mul(1_000_000) {
            Some(scaled) => Some(Self { floor_e6: scaled, ceil_e6: scaled }),
            None => None,
        }
    }

    /// The value with these two neighbours on the grid, as a record keeps them; `None` unless they are equal or adjacent.
    pub const fn from_neighbours(floor_e6: i64, ceil_e6: i64) -> Option<Self> {
        match ceil_e6.checked_sub(floor_e6) {
            Some(0 | 1) => Some(Self { floor_e6, ceil_e6 }),
            Some(_) | None => None,
        }
    }

    /// The value of a JSON number's text (RFC 8259, section 6); `None` where it is none or lies beyond ±9.2e12.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() || !mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.') || mantissa.len() > 400 {
            return None;
        }
        // The digits with the point moved to the grid: everything left of `point` counts, the rest only rounds.
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
        let point = i64::try_from(whole.len()).ok()? + i64::from(exponent) + 6;
        let mut scaled: i64 = 0;
        for position in 0..point.min(i64::try_from(digits.len()).ok()?).max(0) {
            scaled = scaled.checked_mul(10)?.checked_add(i64::from(digits[usize::try_from(position).ok()?]))?;
        }
        for _ in i64::try_from(digits.len()).ok()?..point {
            if scaled == 0 {
                break;
            }
            scaled = scaled.checked_mul(10)?;
        }
        let rest = usize::try_from(point.max(0)).ok()?.min(digits.len());
        let exact = digits[rest..].iter().all(|digit| *digit == 0);
        let beyond = if exact { scaled } else { scaled.checked_add(1)? };
        Some(if negative {
            Self { floor_e6: -beyond, ceil_e6: -scaled }
        } else {
            Self { floor_e6: scaled, ceil_e6: beyond }
        })
    }

    /// The largest multiple of a millionth that is not above the value, in millionths.
    pub const fn floor_e6(self) -> i64 {
        self.floor_e6
    }

    /// The smallest multiple of a millionth that is not below the value, in millionths.
    pub const fn ceil_e6(self) -> i64 {
        self.ceil_e6
    }

    /// Whether it lies within these bounds, both included; a missing bound bounds nothing.
    pub fn within(self, min: Option<Self>, max: Option<Self>) -> bool {
        min.is_none_or(|min| self.floor_e6 >= min.ceil_e6) && max.is_none_or(|max| self.ceil_e6 <= max.floor_e6)
    }
}

/// A decimal without superfluous zeros; a value off the grid prints its neighbour nearer to zero.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let near = if self.floor_e6 < 0 { self.ceil_e6 } else { self.floor_e6 };
        let (sign, size) = (if near < 0 { "-" } else { "" }, near.unsigned_abs());
        write!(f, "{sign}{}", size / 1_000_000)?;
        let fraction = format!("{:06}", size % 1_000_000);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { Ok(()) } else { write!(f, ".{fraction}") }
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The parameters that a request states. An absent one is omitted, not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(Parameter, Quantity)>);

impl Parameters {
    /// None stated.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// States a parameter, in place of an earlier statement.
    pub fn set(&mut self, parameter: Parameter, quantity: Quantity) {
        match self.0.iter_mut().find(|(name, _)| *name == parameter) {
            Some(entry) => entry.1 = quantity,
            None => self.0.push((parameter, quantity)),
        }
    }

    /// What the request states for this parameter.
    pub fn get(&self, parameter: Parameter) -> Option<Quantity> {
        self.0.iter().find(|(name, _)| *name == parameter).map(|(_, quantity)| *quantity)
    }

    /// All that is stated, in the order of statement.
    pub fn iter(&self) -> impl Iterator<Item = (Parameter, Quantity)> + '_ {
        self.0.iter().copied()
    }
}

/// A parameter that policy sets in place of what the request said or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Which parameter.
    pub parameter: Parameter,
    /// Its new value.
    pub value: Quantity,
    /// Why it is set.
    pub why: WhySet,
}

/// Why policy sets a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhySet {
    /// The request left it out and the role has a default.
    Default,
    /// The request went beyond the role's range, which says `over: clamp`.
    Clamped,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(text: &str) -> Option<(i64, i64)> {
        Quantity::parse(text).map(|quantity| (quantity.floor_e6(), quantity.ceil_e6()))
    }

    #[test]
    fn exact_values_have_one_neighbour() {
        assert_eq!(grid("2048"), Some((2_048_000_000, 2_048_000_000)));
        assert_eq!(grid("0.7"), Some((700_000, 700_000)));
        assert_eq!(grid("-0.5"), Some((-500_000, -500_000)));
        assert_eq!(grid("1e3"), Some((1_000_000_000, 1_000_000_000)));
        assert_eq!(grid("1.5E-3"), Some((1_500, 1_500)));
        assert_eq!(grid("0e999"), Some((0, 0)));
    }

    #[test]
    fn values_off_the_grid_have_two() {
        assert_eq!(grid("1.0000001"), Some((1_000_000, 1_000_001)));
        assert_eq!(grid("-1.0000001"), Some((-1_000_001, -1_000_000)));
        assert_eq!(grid("1e-30"), Some((0, 1)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for bad in ["1e999", "9223372036854775808", "", "-", "x", ".5", "1e", "1e99999999999"] {
            assert_eq!(grid(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_range_lets_nothing_past_by_rounding() {
        let one = Quantity::whole(1);
        assert!(Quantity::parse("1.0").is_some_and(|q| q.within(one, one)));
        assert!(Quantity::parse("1.00000001").is_some_and(|q| !q.within(None, one)));
        assert!(Quantity::parse("0.99999999").is_some_and(|q| !q.within(one, None)));
    }

    #[test]
    fn prints_as_people_write() {
        assert_eq!(Quantity::parse("0.70").map(|q| q.to_string()).as_deref(), Some("0.7"));
        assert_eq!(Quantity::parse("-2.25").map(|q| q.to_string()).as_deref(), Some("-2.25"));
        assert_eq!(Quantity::whole(512).map(|q| q.to_string()).as_deref(), Some("512"));
    }
}
