use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use gatewright_model::DatasetName;

use crate::Connection;

/// A dataset that callers can reach.
pub struct Dataset {
    /// Where it lies.
    pub connection: Arc<Connection>,
    /// Its place there, as its protocol writes it.
    pub place: Arc<str>,
}

/// The datasets, by the name that callers use.
#[derive(Default)]
pub struct Datasets {
    by_name: HashMap<DatasetName, Dataset>,
    /// Made at the first use, since a world that nobody asks for a dataset needs none.
    by_id: OnceLock<HashMap<String, DatasetName>>,
    by_place: OnceLock<HashMap<Arc<str>, Vec<DatasetName>>>,
}

impl Datasets {
    /// These datasets.
    pub fn new(datasets: impl IntoIterator<Item = (DatasetName, Dataset)>) -> Self {
        Self { by_name: datasets.into_iter().collect(), by_id: OnceLock::new(), by_place: OnceLock::new() }
    }

    pub(crate) fn knows(&self, name: &DatasetName) -> bool {
        self.by_name.contains_key(name)
    }

    pub(crate) fn named(&self, name: &str) -> Option<(&DatasetName, &Dataset)> {
        self.by_name.get_key_value(name)
    }

    /// The dataset that goes by this id, as `id_of` makes them.
    pub(crate) fn by_id(&self, id: &str, id_of: impl Fn(&DatasetName) -> String) -> Option<(&DatasetName, &Dataset)> {
        let ids = || self.by_name.keys().map(|name| (id_of(name), name.clone())).collect();
        self.named(self.by_id.get_or_init(ids).get(id)?.as_str())
    }

    /// The datasets at this place, each at another connection or under another name, in the order of their names.
    pub(crate) fn at(&self, place: &str) -> impl Iterator<Item = (&DatasetName, &Dataset)> {
        let places = self.by_place.get_or_init(|| {
            let mut places: HashMap<Arc<str>, Vec<DatasetName>> = HashMap::new();
            for (name, dataset) in self.sorted() {
                places.entry(Arc::clone(&dataset.place)).or_default().push(name.clone());
            }
            places
        });
        places.get(place).into_iter().flatten().filter_map(|name| self.named(name.as_str()))
    }

    /// All of them, in the order of their names.
    pub(crate) fn sorted(&self) -> Vec<(&DatasetName, &Dataset)> {
        let mut all: Vec<_> = self.by_name.iter().collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }
}
