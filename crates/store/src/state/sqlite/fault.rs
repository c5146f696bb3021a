use rusqlite::{Error, ErrorCode, ffi};

use crate::state::StateError;

impl From<Error> for StateError {
    fn from(error: Error) -> Self {
        let Error::SqliteFailure(failure, _) = &error else { return Self::fault(error) };
        match (failure.code, failure.extended_code) {
            (_, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE) => {
                Self::Conflict("it is there already")
            }
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Self::unreachable("its file is locked"),
            // The code's own words and nothing of the statement.
            _ => Self::fault(failure),
        }
    }
}
