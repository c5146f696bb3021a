//! Kinds of keys that are known by their first characters.

use super::{View, is_alnum};
use crate::text::More;

/// What a key is made of after its prefix.
#[derive(Clone, Copy)]
pub(crate) enum Alphabet {
    /// Letters and digits.
    Alnum,
    /// Capital letters and digits.
    Upper,
    /// Hexadecimal digits.
    Hex,
    /// Letters, digits, `_` and `-`.
    Url,
    /// The same and points.
    Dotted,
}

impl Alphabet {
    pub(super) const fn has(self, unit: u8) -> bool {
        match self {
            Self::Alnum => is_alnum(unit),
            Self::Upper => unit.is_ascii_uppercase() || unit.is_ascii_digit(),
            Self::Hex => unit.is_ascii_hexdigit(),
            Self::Url => is_alnum(unit) || matches!(unit, b'_' | b'-'),
            Self::Dotted => is_alnum(unit) || matches!(unit, b'_' | b'-' | b'.'),
        }
    }
}

/// A kind of key that is known by its first characters, as its issuer documents them.
pub(crate) struct Prefixed {
    /// What it begins with: characters that an e-mail's local part may have, so that a cut-off one is held.
    pub(crate) prefix: &'static str,
    pub(super) alphabet: Alphabet,
    /// How many characters follow the prefix at least.
    pub(super) fewest: usize,
}

impl Prefixed {
    /// How long a key of this kind is at least.
    #[cfg(test)]
    pub(crate) const fn shortest(&self) -> usize {
        self.prefix.len() + self.fewest
    }
}

const fn key(prefix: &'static str, alphabet: Alphabet, fewest: usize) -> Prefixed {
    Prefixed { prefix, alphabet, fewest }
}

/// Kinds by issuer. A prefix that another one begins with stands after it: the last that fits counts.
pub(crate) const PREFIXED: &[Prefixed] = {
    use Alphabet::{Alnum, Dotted, Hex, Upper, Url};
    &[
        // Amazon Web Services
        key("AKIA", Upper, 16),
        key("ASIA", Upper, 16),
        key("ABIA", Upper, 16),
        key("ACCA", Upper, 16),
        // Code hosting, packages, containers
        key("ghp_", Alnum, 30),
        key("gho_", Alnum, 30),
        key("ghu_", Alnum, 30),
        key("ghs_", Alnum, 30),
        key("ghr_", Alnum, 30),
        key("github_pat_", Url, 22),
        key("glpat-", Url, 20),
        key("gldt-", Url, 20),
        key("glrt-", Url, 20),
        key("glptt-", Url, 20),
        key("npm_", Alnum, 30),
        key("pypi-", Url, 50),
        key("dckr_pat_", Url, 20),
        key("rubygems_", Hex, 40),
        key("ATATT3", Url, 40),
        key("ATCTT3", Url, 40),
        key("glagent-", Url, 40),
        key("glsoat-", Url, 20),
        key("glcbt-", Url, 20),
        key("glimt-", Url, 20),
        key("glft-", Url, 20),
        key("oy2", Alnum, 43),
        key("ATBB", Alnum, 28),
        key("BBDC-", Url, 40),
        key("AKCp", Alnum, 60),
        key("cio", Alnum, 32),
        key("squ_", Hex, 40),
        key("sqp_", Hex, 40),
        key("sqa_", Hex, 40),
        key("pnu_", Alnum, 36),
        key("ico-", Alnum, 32),
        // Google, Azure, other clouds
        key("cfut_", Alnum, 36),
        key("cfat_", Alnum, 36),
        key("cfk_", Alnum, 36),
        key("nfp_", Alnum, 36),
        key("rnd_", Alnum, 28),
        key("fm2_", Alnum, 80),
        key("sb_secret_", Url, 30),
        key("SWMTKN-1-", Alnum, 60),
        key("IQoJb3JpZ2lu", Alnum, 40),
        key("AKLT", Alnum, 40),
        key("AQVN", Url, 35),
        key("y0_", Url, 50),
        key("t1.", Dotted, 80),
        key("zpka_", Alnum, 32),
        key("dor_v1_", Hex, 40),
        key("vercel_blob_rw_", Url, 30),
        key("napi_", Alnum, 40),
        key("akab-", Url, 30),
        key("AIza", Url, 30),
        key("ya29.", Dotted, 20),
        key("GOCSPX-", Url, 24),
        key("dop_v1_", Hex, 40),
        key("doo_v1_", Hex, 40),
        key("dapi", Hex, 32),
        key("LTAI", Alnum, 16),
        key("AKID", Alnum, 30),
        key("hvs.", Url, 24),
        key("hvb.", Url, 24),
        key("pscale_", Dotted, 30),
        key("tskey-", Url, 20),
        key("sbp_", Hex, 36),
        key("fo1_", Url, 30),
        key("HRKU-", Url, 30),
        // Models
        key("sk-", Url, 20),
        key("sk_", Alnum, 40),
        key("hf_", Alnum, 30),
        key("gsk_", Alnum, 40),
        key("r8_", Alnum, 30),
        key("xai-", Alnum, 60),
        key("pplx-", Alnum, 32),
        key("lsv2_", Url, 32),
        key("pcsk_", Url, 40),
        key("sk.eyJ", Dotted, 30),
        key("nvapi-", Url, 40),
        key("tvly-", Url, 20),
        key("jina_", Alnum, 40),
        key("fw_", Alnum, 20),
        key("tgp_v1_", Url, 30),
        key("rpa_", Alnum, 36),
        key("wandb_v1_", Alnum, 40),
        key("e2b_", Hex, 36),
        key("fc-", Hex, 32),
        key("ABSK", Alnum, 60),
        key("bedrock-api-key-", Url, 40),
        key("sess-", Alnum, 40),
        key("pa-", Url, 40),
        key("csk-", Alnum, 40),
        key("esecret_", Alnum, 20),
        key("ctx7sk-", Url, 30),
        key("bb_live_", Url, 20),
        key("api_org_", Alnum, 30),
        // Chat
        key("xoxb-", Url, 16),
        key("xoxp-", Url, 16),
        key("xoxa-", Url, 16),
        key("xoxr-", Url, 16),
        key("xoxs-", Url, 16),
        key("xoxe-", Url, 16),
        key("xoxe.", Dotted, 16),
        key("xoxc-", Url, 16),
        key("xoxd-", Url, 16),
        key("xapp-", Url, 20),
        // Payment and commerce
        key("rzp_live_", Alnum, 14),
        key("rzp_test_", Alnum, 14),
        key("FLWSECK-", Hex, 30),
        key("FLWSECK_TEST-", Alnum, 12),
        key("EAAA", Url, 56),
        key("EAAC", Alnum, 60),
        key("EAAG", Alnum, 60),
        key("EAAB", Alnum, 60),
        key("EZAK", Alnum, 54),
        key("EZTK", Alnum, 54),
        key("xnd_production_", Alnum, 40),
        key("xnd_development_", Alnum, 40),
        key("pdl_live_", Url, 30),
        key("duffel_live_", Url, 40),
        key("access-production-", Url, 36),
        key("access-sandbox-", Url, 36),
        key("shippo_live_", Hex, 40),
        key("shippo_test_", Hex, 40),
        key("live_", Alnum, 30),
        key("p8e-", Alnum, 32),
        key("sk_prod_", Alnum, 20),
        key("sk_live_", Alnum, 10),
        key("sk_test_", Alnum, 10),
        key("rk_live_", Alnum, 10),
        key("rk_test_", Alnum, 10),
        key("whsec_", Alnum, 16),
        key("sq0atp-", Url, 20),
        key("sq0csp-", Url, 30),
        key("shpat_", Hex, 30),
        key("shpca_", Hex, 30),
        key("shppa_", Hex, 30),
        key("shpss_", Hex, 30),
        // Mail, monitoring, work
        key("phc_", Alnum, 36),
        key("pat", Dotted, 79),
        key("re_", Url, 30),
        key("mlsn.", Hex, 50),
        key("dt0c01.", Dotted, 80),
        key("hcaik_", Alnum, 50),
        key("pat-na1-", Url, 32),
        key("pat-eu1-", Url, 32),
        key("ops_", Url, 200),
        key("bkua_", Hex, 40),
        key("CCIPAT_", Url, 40),
        key("CCIPRJ_", Url, 40),
        key("dp.st.", Dotted, 40),
        key("dp.sa.", Dotted, 40),
        key("dp.ct.", Dotted, 40),
        key("figu_", Url, 36),
        key("lin_oauth_", Alnum, 40),
        key("CFPAT-", Url, 40),
        key("tfp_", Url, 36),
        key("rdme_", Alnum, 60),
        key("sgp_", Url, 40),
        key("NRII-", Alnum, 24),
        key("NRJS-", Alnum, 16),
        key("atlasv1.", Dotted, 50),
        key("sl.", Dotted, 120),
        key("gAAAAA", Url, 80),
        key("SG.", Dotted, 40),
        key("key-", Hex, 32),
        key("SK", Hex, 32),
        key("xkeysib-", Url, 60),
        key("glsa_", Url, 30),
        key("glc_", Alnum, 40),
        key("NRAK-", Alnum, 24),
        key("sntrys_", Dotted, 40),
        key("sntryu_", Hex, 40),
        key("lin_api_", Alnum, 36),
        key("ntn_", Alnum, 36),
        key("secret_", Alnum, 36),
        key("PMAK-", Url, 40),
        key("dp.pt.", Alnum, 36),
        key("figd_", Url, 36),
        key("phx_", Alnum, 36),
        key("pul-", Hex, 36),
        key("AGE-SECRET-KEY-1", Upper, 50),
        // Bots: the number of the bot, in base64, comes first
        key("MD", Dotted, 50),
        key("MT", Dotted, 50),
        key("Mj", Dotted, 50),
        key("Mz", Dotted, 50),
        key("ND", Dotted, 50),
        key("NT", Dotted, 50),
        key("Nj", Dotted, 50),
        key("Nz", Dotted, 50),
        key("OD", Dotted, 50),
        key("OT", Dotted, 50),
        // Signed and armoured
        key("eyJ", Dotted, 17),
        key("-----BEGIN", Dotted, 0),
    ]
};

/// The kind of key that could begin at `start`, where no letter or digit stands before it.
pub(crate) fn begun_at(view: View<'_>, start: usize) -> Option<u16> {
    let found = prefix_at(&view.units[start..])?;
    let kind = &PREFIXED[usize::from(found)];
    if kind.fewest == 0 {
        return Some(found);
    }
    let before = view.before(start);
    // A dash that no word stands before is none of a name's.
    let tied = matches!(kind.alphabet, Alphabet::Url | Alphabet::Dotted)
        && kind.alphabet.has(before)
        && (before != b'-' || is_alnum(view.before(start - 1)));
    let body = start + kind.prefix.len();
    let here = |place: usize| match view.units.get(body + place) {
        Some(unit) => kind.alphabet.has(*unit),
        None => view.more == More::Possible,
    };
    (!tied && here(3.min(kind.fewest - 1)) && here(kind.fewest - 1) && here(kind.fewest / 2)).then_some(found)
}

/// The kind with the longest prefix that stands at the start of these units.
pub(crate) fn prefix_at(units: &[u8]) -> Option<u16> {
    let [first, second, ..] = units else { return None };
    let mut place = *BY_FIRST_TWO.0.get(usize::from(*first))?.get(usize::from(*second))?;
    let mut longest: Option<u16> = None;
    while place != NO_PREFIX {
        let prefix = PREFIXED[usize::from(place)].prefix.as_bytes();
        let longer = longest.is_none_or(|longest| PREFIXED[usize::from(longest)].prefix.len() < prefix.len());
        if longer && units.starts_with(prefix) {
            longest = Some(place);
        }
        place = BY_FIRST_TWO.1[usize::from(place)];
    }
    longest
}

const NO_PREFIX: u16 = u16::MAX;

/// Where the kinds with each first two characters begin, and which one of the same two comes after each.
static BY_FIRST_TWO: ([[u16; 128]; 128], [u16; PREFIXED.len()]) = {
    let (mut first, mut next) = ([[NO_PREFIX; 128]; 128], [NO_PREFIX; PREFIXED.len()]);
    let mut place = PREFIXED.len();
    while place > 0 {
        place -= 1;
        let prefix = PREFIXED[place].prefix.as_bytes();
        let kinds = &mut first[prefix[0] as usize][prefix[1] as usize];
        next[place] = *kinds;
        *kinds = place as u16;
    }
    (first, next)
};
