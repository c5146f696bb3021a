//! Which treatment a value gets that may not be seen: by way, by info type, by role.

use std::collections::HashMap;

use gatewright_model::{InfoType, Treatment};

use crate::compile::RolePart;
use crate::resources::Resources;
use crate::text::{CatalogueText, MaskingText, Way};

/// The catalogue's `masking:` and those of its roles, compiled.
///
/// What is said of a single info type goes before what is said of all, and what a role says before what the catalogue
/// says. Of several roles that say something the one that hides most counts: a second role never shows more of a value
/// by accident; to show it is what `disclose` and `reveal` are for.
#[derive(Debug)]
pub(crate) struct Masking {
    catalogue: Layer,
}

/// What one place says: the catalogue, or a role.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    all: [Option<Treatment>; Way::COUNT],
    single: HashMap<(u16, usize), Treatment>,
}

impl Layer {
    pub(crate) fn of(text: &MaskingText, resources: &Resources) -> Self {
        let index = |info_type: &InfoType| resources.info_type_index(info_type.as_str());
        let mut single = HashMap::new();
        for (info_type, by_way) in &text.single {
            let Some(index) = index(&info_type.value) else { continue };
            for (way, treatment) in by_way.iter().enumerate() {
                single.extend(treatment.map(|treatment| ((index, way), treatment)));
            }
        }
        Self { all: text.all, single }
    }

    fn single(&self, info_type: u32, way: Way) -> Option<Treatment> {
        self.single.get(&(u16::try_from(info_type).ok()?, way.index())).copied()
    }
}

impl Masking {
    /// Compiles what is written.
    pub(crate) fn of(text: &CatalogueText, resources: &Resources) -> Self {
        Self { catalogue: Layer::of(&text.masking, resources) }
    }

    /// What happens to a value of this info type, for a caller with these roles.
    pub(crate) fn treatment(&self, roles: &[&RolePart], info_type: u32, way: Way) -> Treatment {
        let strictest =
            |said: &dyn Fn(&Layer) -> Option<Treatment>| roles.iter().map(|role| &role.masking).filter_map(said).max();
        strictest(&|role| role.single(info_type, way))
            .or_else(|| self.catalogue.single(info_type, way))
            .or_else(|| strictest(&|role| role.all[way.index()]))
            .or(self.catalogue.all[way.index()])
            .unwrap_or_else(|| way.default_treatment())
    }
}
