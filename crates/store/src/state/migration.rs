use super::StateError;

/// One step of the tables. A step that was released is never edited: the next one corrects it.
pub(super) struct Migration {
    /// From 1, without a gap.
    pub(super) number: i64,
    /// What it is about; the same in every backend.
    pub(super) name: &'static str,
    /// Its statements.
    pub(super) sql: &'static str,
}

/// Lists a backend's steps: the files `migrations/NUMBER_NAME.sql` beside it.
macro_rules! migrations {
    ($($number:literal $name:literal,)*) => {
        &[$($crate::state::migration::Migration {
            number: $number,
            name: $name,
            sql: include_str!(concat!("migrations/", $number, "_", $name, ".sql")),
        },)*]
    };
}
pub(super) use migrations;

/// The steps that tables which have come to `present` still lack.
pub(super) fn missing(all: &'static [Migration], present: i64) -> Result<&'static [Migration], StateError> {
    let done = usize::try_from(present).unwrap_or(usize::MAX);
    all.get(done..).ok_or_else(|| {
        let known = all.len();
        StateError::fault(format!("its tables are of step {present}, made by a newer gateway; this one knows {known}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_take_the_same_steps() {
        let steps = |all: &'static [Migration]| all.iter().map(|step| (step.number, step.name)).collect::<Vec<_>>();
        let sqlite = steps(super::super::sqlite::MIGRATIONS);
        assert_eq!(sqlite, steps(super::super::postgres::MIGRATIONS));
        let numbers: Vec<i64> = sqlite.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<i64>>(), "without a gap");
    }

    #[test]
    fn tables_of_a_newer_gateway_are_left_alone() {
        let all = super::super::sqlite::MIGRATIONS;
        let newest = i64::try_from(all.len()).expect("few");
        assert!(missing(all, newest).is_ok_and(<[Migration]>::is_empty));
        assert!(missing(all, newest + 1).is_err());
        assert_eq!(missing(all, 0).expect("all").len(), all.len());
    }
}
