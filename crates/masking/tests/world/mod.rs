//! A corpus of its own: thirty countries and more, their words, values of all kinds, and forms that hide them. Made up here, by
//! a seed, apart from the texts and values that the detectors were developed on.

mod attack;
#[path = "../generate/checks.rs"]
mod checks;
#[path = "../generate/draw.rs"]
mod draw;
mod locale;
mod trap;
mod value;

pub(crate) use draw::Draw;
pub(crate) use locale::LOCALES;
pub(crate) use trap::traps;

use locale::Locale;
use value::Value;

/// A text with one value in it.
pub(crate) struct Sample {
    pub(crate) kind: &'static str,
    pub(crate) locale: &'static str,
    /// `plain`, or the form that hides it.
    pub(crate) form: &'static str,
    pub(crate) text: String,
    /// Where the value is, in bytes.
    pub(crate) place: std::ops::Range<usize>,
}

/// Frames that are of no language.
const FRAMES: &[&str] = &[
    "{}",
    "- {}\n- none\n",
    "<td>{}</td><td>ok</td>",
    "a={};b=1",
    "\"{}\",",
    "'{}'",
    "[{}](https://x.example/y)",
    "**{}**",
    "// see {}\n",
    "{\"value\": \"{}\", \"n\": 3}",
    "id\tvalue\n1\t{}\n",
    "level=info msg=\"got {}\" n=3",
    "({})",
    "| {} | yes |",
    "`{}`",
    "> {}\n\nBest,\nK",
];

fn sample(kind: &'static str, locale: &Locale, form: &'static str, frame: &str, value: &str) -> Sample {
    let (before, after) = frame.split_once("{}").unwrap_or((frame, ""));
    let place = before.len()..before.len() + value.len();
    Sample { kind, locale: locale.name, form, text: format!("{before}{value}{after}"), place }
}

/// Every sample of so many rounds.
pub(crate) fn samples(rounds: usize, draw: &mut Draw) -> Vec<Sample> {
    let mut samples = Vec::new();
    for round in 0..rounds {
        for (nth, locale) in LOCALES.iter().enumerate() {
            let place = round * LOCALES.len() + nth;
            for Value { kind, text, said } in value::values(locale, place, draw) {
                let frame = match (said, draw.below(2)) {
                    (Some(said), _) => said,
                    (None, 0) => draw.one(locale.around),
                    (None, _) => draw.one(FRAMES),
                };
                samples.push(sample(kind, locale, "plain", frame, &text));
                let mut forms = attack::attacks(kind, &text, draw);
                // Nothing in JSON of its own says what the value is that only the sentence around speaks of.
                forms.retain(|(form, _)| said.is_none() || *form != "base64 of JSON");
                if let Some((form, hidden)) = forms.get(draw.below(forms.len().max(1))) {
                    samples.push(sample(kind, locale, form, frame, hidden));
                }
            }
            let (before, key, after) = value::key(place, draw);
            samples.push(sample("key", locale, "plain", &format!("{before}{{}}{after}"), &key));
        }
    }
    samples
}
