//! Everything that a question may be about, numbered, with the groups that each belongs to.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression, Schema};
use gatewright_model::{DatasetName, ModelName, Trust};

use crate::action::Target;
use crate::cedar::{uid, uid_expression};
use crate::{Fault, Landscape};

/// The resources of a landscape.
#[derive(Debug)]
pub(crate) struct Resources {
    pub(crate) uids: Vec<EntityUid>,
    targets: Vec<Target>,
    /// By resource: its groups (tags, connection), sorted.
    pub(crate) groups: Vec<Box<[u32]>>,
    /// The models, datasets, info types and the gateway, as static Cedar entities.
    pub(crate) entities: Entities,
    models: HashMap<ModelName, u32>,
    /// Which groups have members of which kind.
    inhabited: HashSet<(Target, u32)>,
    datasets: HashMap<DatasetName, u32>,
    first_info_type: u32,
    info_types: u32,
    by_entity: HashMap<(Target, String), u32>,
    group_by_entity: HashMap<(String, String), u32>,
}

/// What a Cedar entity literal names.
pub(crate) enum Named {
    Resource(u32),
    Group(u32),
    Nothing,
}

impl Resources {
    /// Numbers what the landscape declares. A name that stands twice is a fault of the configuration.
    pub(crate) fn of(landscape: &Landscape, schema: &Schema) -> Result<Self, Vec<Fault>> {
        let mut building = Building::default();
        let connections: HashMap<&str, Trust> =
            landscape.connections.iter().map(|(name, trust)| (name.as_str(), *trust)).collect();
        let mut models = HashMap::new();
        for model in &landscape.models {
            let Some(trust) = connections.get(model.connection.as_str()) else {
                building.fault(format!("the model {} has no connection of the configuration", model.name));
                continue;
            };
            let groups = model.tags.iter().map(|tag| ("Tag", tag.as_str()));
            let groups = groups.chain([("Connection", model.connection.as_str())]).collect();
            let attributes = HashMap::from([
                ("connection".to_owned(), RestrictedExpression::new_string(model.connection.as_str().to_owned())),
                ("trust".to_owned(), RestrictedExpression::new_string(trust.name().to_owned())),
                ("tags".to_owned(), strings(&model.tags)),
            ]);
            models.insert(model.name.clone(), building.add(Target::Model, model.name.as_str(), groups, attributes));
        }
        let mut datasets = HashMap::new();
        for dataset in &landscape.datasets {
            let groups = dataset.tags.iter().map(|tag| ("Tag", tag.as_str()));
            let groups = groups.chain([("Connection", dataset.connection.as_str())]).collect();
            let attributes = HashMap::from([
                ("connection".to_owned(), RestrictedExpression::new_string(dataset.connection.as_str().to_owned())),
                ("tags".to_owned(), strings(&dataset.tags)),
            ]);
            let number = building.add(Target::Dataset, dataset.name.as_str(), groups, attributes);
            datasets.insert(dataset.name.clone(), number);
        }
        let first_info_type = number(building.uids.len());
        for info_type in &landscape.info_types {
            building.add(Target::InfoType, info_type.as_str(), Vec::new(), HashMap::new());
        }
        building.add(Target::Gateway, "gateway", Vec::new(), HashMap::new());
        building.finish(schema).map(|done| Self {
            models,
            datasets,
            first_info_type,
            info_types: number(landscape.info_types.len()),
            ..done
        })
    }

    /// What kind of thing a resource is.
    pub(crate) fn target(&self, resource: u32) -> Option<Target> {
        self.targets.get(usize::try_from(resource).ok()?).copied()
    }

    pub(crate) fn model(&self, name: &str) -> Option<u32> {
        self.models.get(name).copied()
    }

    pub(crate) fn dataset(&self, name: &str) -> Option<u32> {
        self.datasets.get(name).copied()
    }

    /// The resource of the info type with this index of the landscape.
    pub(crate) fn info_type(&self, index: u32) -> Option<u32> {
        (index < self.info_types).then(|| self.first_info_type + index)
    }

    /// The landscape's index of this resource, where it is an info type.
    pub(crate) fn index_of_info_type(&self, resource: u32) -> Option<u32> {
        resource.checked_sub(self.first_info_type).filter(|index| *index < self.info_types)
    }

    /// The landscape's index of the info type with this name.
    pub(crate) fn info_type_index(&self, name: &str) -> Option<u16> {
        let resource = self.by_entity.get(&(Target::InfoType, name.to_owned()))?;
        u16::try_from(resource - self.first_info_type).ok()
    }

    pub(crate) fn info_types(&self) -> u32 {
        self.info_types
    }

    pub(crate) fn gateway(&self) -> u32 {
        self.first_info_type + self.info_types
    }

    /// Whether this group (a tag, a connection) has a member of this kind; a dataset's tags are no models'.
    pub(crate) fn has_member(&self, target: Target, entity_type: &str, id: &str) -> bool {
        match self.named(entity_type, id) {
            Named::Group(group) => self.inhabited.contains(&(target, group)),
            Named::Resource(_) | Named::Nothing => false,
        }
    }

    /// The resources of this kind that belong to this group.
    pub(crate) fn members(&self, target: Target, group: u32) -> impl Iterator<Item = u32> + '_ {
        let all = self.groups.iter().enumerate();
        let of = all.filter(move |(at, groups)| self.targets.get(*at) == Some(&target) && groups.contains(&group));
        of.map(|(at, _)| number(at))
    }

    pub(crate) fn named(&self, entity_type: &str, id: &str) -> Named {
        let target = match entity_type {
            "Model" => Target::Model,
            "Dataset" => Target::Dataset,
            "InfoType" => Target::InfoType,
            "Gateway" => Target::Gateway,
            _ => {
                let group = self.group_by_entity.get(&(entity_type.to_owned(), id.to_owned()));
                return group.map_or(Named::Nothing, |group| Named::Group(*group));
            }
        };
        let resource = self.by_entity.get(&(target, id.to_owned()));
        resource.map_or(Named::Nothing, |resource| Named::Resource(*resource))
    }
}

fn strings(texts: &[String]) -> RestrictedExpression {
    RestrictedExpression::new_set(texts.iter().map(|text| RestrictedExpression::new_string(text.clone())))
}

pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[derive(Default)]
struct Building {
    uids: Vec<EntityUid>,
    targets: Vec<Target>,
    groups: Vec<Box<[u32]>>,
    inhabited: HashSet<(Target, u32)>,
    entities: Vec<Entity>,
    by_entity: HashMap<(Target, String), u32>,
    group_by_entity: HashMap<(String, String), u32>,
    faults: Vec<Fault>,
}

impl Building {
    fn fault(&mut self, message: String) {
        self.faults.push(Fault { file: "configuration".into(), line: 0, column: 0, message });
    }

    fn group(&mut self, entity_type: &str, id: &str) -> u32 {
        let next = number(self.group_by_entity.len());
        *self.group_by_entity.entry((entity_type.to_owned(), id.to_owned())).or_insert(next)
    }

    fn add(
        &mut self,
        target: Target,
        id: &str,
        groups: Vec<(&str, &str)>,
        attributes: HashMap<String, RestrictedExpression>,
    ) -> u32 {
        let resource = number(self.uids.len());
        let this = uid(target.entity_type(), id);
        if self.by_entity.insert((target, id.to_owned()), resource).is_some() {
            self.fault(format!("the {} {id:?} is declared twice", target.entity_type()));
            return resource;
        }
        let numbers: BTreeSet<u32> = groups.iter().map(|(entity_type, id)| self.group(entity_type, id)).collect();
        let parents: HashSet<EntityUid> = groups.iter().map(|(entity_type, id)| uid(entity_type, id)).collect();
        match Entity::new(this.clone(), attributes, parents) {
            Ok(entity) => self.entities.push(entity),
            Err(error) => self.fault(format!("{} {id:?}: {error}", target.entity_type())),
        }
        self.inhabited.extend(numbers.iter().map(|group| (target, *group)));
        self.uids.push(this);
        self.targets.push(target);
        self.groups.push(numbers.into_iter().collect());
        resource
    }

    fn finish(mut self, schema: &Schema) -> Result<Resources, Vec<Fault>> {
        let groups: Vec<EntityUid> =
            self.group_by_entity.keys().map(|(entity_type, id)| uid(entity_type, id)).collect();
        let groups = groups.into_iter().map(|group| Entity::new_no_attrs(group, HashSet::new()));
        let entities = std::mem::take(&mut self.entities).into_iter().chain(groups);
        match Entities::from_entities(entities, Some(schema)) {
            Ok(entities) if self.faults.is_empty() => Ok(Resources {
                uids: self.uids,
                targets: self.targets,
                groups: self.groups,
                entities,
                models: HashMap::new(),
                inhabited: self.inhabited,
                datasets: HashMap::new(),
                first_info_type: 0,
                info_types: 0,
                by_entity: self.by_entity,
                group_by_entity: self.group_by_entity,
            }),
            Ok(_) => Err(self.faults),
            Err(error) => {
                self.fault(format!("the landscape is no Cedar entity store: {error}"));
                Err(self.faults)
            }
        }
    }
}

/// An info type as a Cedar value.
pub(crate) fn info_type_value(resources: &Resources, index: u16) -> Option<RestrictedExpression> {
    let resource = resources.info_type(u32::from(index))?;
    Some(uid_expression(&resources.uids[usize::try_from(resource).ok()?]))
}
