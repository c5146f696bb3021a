use gatewright_masking::{Detectors, FieldPath, Masker, Minter, PseudonymKey, Treatments, Vault};
use gatewright_model::Channel;
use gatewright_protocols::{Blocked, Piece, Place, Words};

/// The masking engine behind the protocols' editors, one masker per channel.
pub(crate) struct Engine<'b> {
    pub(crate) detectors: &'b Detectors,
    pub(crate) treatments: Treatments,
    pub(crate) key: &'b PseudonymKey,
    pub(crate) open: Vec<(Channel, Masker)>,
}

impl Words for Engine<'_> {
    fn begin(&mut self, channel: Channel, place: Place<'_>) {
        let mut masker = Masker::new(self.treatments.clone());
        if let Place::Field(path) = place {
            let names = path.split(['.', '[', ']']).filter(|name| !name.is_empty() && *name != "$");
            let field = names.fold(FieldPath::root(), |field, name| match name.parse::<u64>() {
                Ok(_) => field.element(),
                Err(_) => field.key(name),
            });
            masker = masker.in_field(self.detectors, &field);
        }
        self.open.retain(|(open, _)| *open != channel);
        self.open.push((channel, masker));
    }

    fn push(&mut self, channel: Channel, text: &str, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        let (_, masker) = self.open.iter_mut().find(|(open, _)| *open == channel).ok_or(Blocked)?;
        let mut minter = Minter { vault: &mut Vault::new(), key: self.key };
        masker.push(self.detectors, &mut minter, text, &mut |piece| out(converted(piece))).map_err(|_| Blocked)
    }

    fn finish(&mut self, channel: Channel, out: &mut dyn FnMut(Piece<'_>)) -> Result<(), Blocked> {
        let at = self.open.iter().position(|(open, _)| *open == channel).ok_or(Blocked)?;
        let (_, mut masker) = self.open.swap_remove(at);
        let mut minter = Minter { vault: &mut Vault::new(), key: self.key };
        masker.finish(self.detectors, &mut minter, &mut |piece| out(converted(piece))).map_err(|_| Blocked)
    }
}

fn converted(piece: gatewright_masking::Piece<'_>) -> Piece<'_> {
    match piece {
        gatewright_masking::Piece::Kept(text) => Piece::Kept(text),
        gatewright_masking::Piece::Masked { original_len, replacement, .. } => {
            Piece::Masked { original_len, replacement }
        }
        gatewright_masking::Piece::Swallowed { original_len } => Piece::Swallowed { original_len },
    }
}
