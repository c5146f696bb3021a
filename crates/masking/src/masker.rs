use std::sync::Arc;

use gatewright_model::{Tally, Treatment};

use crate::custom::FieldPath;
use crate::detect::token::TOKEN;
use crate::mask_findings::LITERAL;
use crate::render::{Rendered, render};
use crate::{Blocked, Detectors, Scanner, Span, Substitutes, Treatments, TypeIndex, Vault};

/// What comes out of a masker. In order, the originals' lengths add up to the text's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stays as it is.
    Kept(&'a str),
    /// A substitute for `original_len` bytes of the text: of a value, or, where a token was restored, of the token.
    Masked {
        /// How many bytes of the text it stands for.
        original_len: usize,
        /// What comes out instead.
        replacement: &'a str,
        /// What it was; for a restored token, the info type of the value.
        info_type: TypeIndex,
    },
    /// More of the value masked last; nothing comes out for it.
    Swallowed {
        /// How many bytes of the text.
        original_len: usize,
    },
}

impl<'a> Piece<'a> {
    /// The text that comes out.
    pub const fn text(self) -> &'a str {
        match self {
            Self::Kept(text) => text,
            Self::Masked { replacement, .. } => replacement,
            Self::Swallowed { .. } => "",
        }
    }

    /// How many bytes of the text went in for it.
    pub const fn original_len(self) -> usize {
        match self {
            Self::Kept(text) => text.len(),
            Self::Masked { original_len, .. } | Self::Swallowed { original_len } => original_len,
        }
    }
}

/// Masks one channel: text in, pieces out. After [`Blocked`] it gives nothing more.
pub struct Masker {
    scanner: Scanner,
    treatments: Treatments,
    tokens: TokensInAnswers,
    /// What became of the value that the scanner is swallowing.
    swallowing: Option<Treatment>,
    masked: Counts,
    alerted: Counts,
    blocked: Option<Blocked>,
}

/// Whether a masker gives back what tokens stand for.
enum TokensInAnswers {
    Stay,
    /// Those of this vault become their values again, where this treatment of the value's info type passes.
    Restored(Arc<Vault>, Treatments),
}

impl Masker {
    /// A masker at the beginning of a text. Tokens in it stay as they are.
    pub fn new(treatments: Treatments) -> Self {
        Self {
            scanner: Scanner::new(),
            treatments,
            tokens: TokensInAnswers::Stay,
            swallowing: None,
            masked: Counts::default(),
            alerted: Counts::default(),
            blocked: None,
        }
    }

    /// Replaces each token of this vault, however it is spelled, by its value where `revealed` lets values of its info type
    /// pass; never in a URL. For tool arguments, `revealed` is what policy allows there.
    #[must_use]
    pub fn restoring(mut self, vault: &Arc<Vault>, revealed: Treatments) -> Self {
        self.scanner = self.scanner.find_tokens(Arc::clone(vault));
        self.tokens = TokensInAnswers::Restored(Arc::clone(vault), revealed);
        self
    }

    /// Reads the text as the value of a JSON field.
    #[must_use]
    pub fn in_field(mut self, detectors: &Detectors, field: &FieldPath) -> Self {
        self.scanner = Scanner::in_field(detectors, field);
        if let TokensInAnswers::Restored(vault, _) = &self.tokens {
            self.scanner = self.scanner.find_tokens(Arc::clone(vault));
        }
        self
    }

    /// Takes the next piece of the text.
    ///
    /// # Errors
    ///
    /// When a value is found whose treatment is [`Treatment::Block`]; nothing of it came out.
    pub fn push(
        &mut self,
        detectors: &Detectors,
        substitutes: &mut dyn Substitutes,
        text: &str,
        out: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Blocked> {
        self.run(detectors, substitutes, out, |scanner, out| scanner.push(detectors, text, out))
    }

    /// Masks what is held, there being no more text.
    ///
    /// # Errors
    ///
    /// As [`Masker::push`].
    pub fn finish(
        &mut self,
        detectors: &Detectors,
        substitutes: &mut dyn Substitutes,
        out: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Blocked> {
        self.run(detectors, substitutes, out, |scanner, out| scanner.finish(detectors, out))
    }

    /// How many bytes of the text are held.
    pub fn held(&self) -> usize {
        self.scanner.held()
    }

    /// How many values of each info type were masked so far; those that were kept do not count.
    pub fn tally(&self, detectors: &Detectors) -> Vec<Tally> {
        self.masked.tally(detectors)
    }

    /// How many values of each info type passed so far whose treatment is [`Treatment::Alert`].
    pub fn alerted(&self, detectors: &Detectors) -> Vec<Tally> {
        self.alerted.tally(detectors)
    }

    fn run(
        &mut self,
        detectors: &Detectors,
        substitutes: &mut dyn Substitutes,
        out: &mut dyn FnMut(Piece<'_>),
        scan: impl FnOnce(&mut Scanner, &mut dyn FnMut(Span<'_>)),
    ) -> Result<(), Blocked> {
        if let Some(blocked) = &self.blocked {
            return Err(blocked.clone());
        }
        let mut scanner = std::mem::take(&mut self.scanner);
        scan(&mut scanner, &mut |span| {
            if self.blocked.is_none() {
                self.blocked = self.treat(detectors, substitutes, span, out).err();
            }
        });
        self.scanner = scanner;
        self.blocked.clone().map_or(Ok(()), Err)
    }

    fn treat(
        &mut self,
        detectors: &Detectors,
        substitutes: &mut dyn Substitutes,
        span: Span<'_>,
        out: &mut dyn FnMut(Piece<'_>),
    ) -> Result<(), Blocked> {
        match span {
            Span::Clean(text) => out(Piece::Kept(text)),
            Span::Swallowed { original, .. } => match self.swallowing {
                Some(treatment) if treatment.passes() => out(Piece::Kept(original)),
                _ => out(Piece::Swallowed { original_len: original.len() }),
            },
            Span::Found { info_type: TOKEN, original, .. } => self.restore(detectors, original, out),
            Span::Found { info_type, original, extent } => {
                let treatment = self.treatments.of(info_type);
                self.swallowing = Some(treatment);
                let Some(name) = detectors.info_type(info_type) else {
                    out(Piece::Swallowed { original_len: original.len() });
                    return Ok(());
                };
                match render(treatment, name, original, extent, substitutes)? {
                    Rendered::Kept => {
                        if treatment == Treatment::Alert {
                            self.alerted.add(info_type);
                        }
                        out(Piece::Kept(original));
                    }
                    Rendered::Replaced(replacement) => {
                        self.masked.add(info_type);
                        out(Piece::Masked { original_len: original.len(), replacement: &replacement, info_type });
                    }
                }
            }
        }
        Ok(())
    }

    fn restore(&mut self, detectors: &Detectors, token: &str, out: &mut dyn FnMut(Piece<'_>)) {
        let TokensInAnswers::Restored(vault, revealed) = &self.tokens else { return out(Piece::Kept(token)) };
        let Some((name, value)) = vault.restore(token) else { return out(Piece::Kept(token)) };
        if name.as_str() == LITERAL {
            return out(Piece::Masked { original_len: token.len(), replacement: value, info_type: TOKEN });
        }
        match detectors.index_of(name.as_str()) {
            Some(info_type) if revealed.of(info_type).passes() => {
                if revealed.of(info_type) == Treatment::Alert {
                    self.alerted.add(info_type);
                }
                out(Piece::Masked { original_len: token.len(), replacement: value, info_type });
            }
            Some(_) | None => out(Piece::Kept(token)),
        }
    }
}

/// How many values there were, by the place of their info type.
#[derive(Default)]
struct Counts(Vec<u32>);

impl Counts {
    fn add(&mut self, info_type: TypeIndex) {
        let place = info_type.place();
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] = self.0[place].saturating_add(1);
    }

    fn tally(&self, detectors: &Detectors) -> Vec<Tally> {
        let counted = self.0.iter().zip(detectors.info_types()).filter(|(count, _)| **count > 0);
        counted.map(|(count, info_type)| Tally { info_type: info_type.clone(), count: *count }).collect()
    }
}
