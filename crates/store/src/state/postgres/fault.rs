use deadpool::managed::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::state::StateError;

impl From<Error> for StateError {
    /// Tells a server's fault by its code: its message may repeat a value.
    fn from(error: Error) -> Self {
        let Some(told) = error.as_db_error() else {
            // A connection that broke, or never stood: what it says is the network's, without a value.
            return Self::unreachable(cause(&error));
        };
        let code = told.code();
        if *code == SqlState::UNIQUE_VIOLATION {
            return Self::Conflict("it is there already");
        }
        let of_a_race = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        if of_a_race.contains(code) {
            return Self::Conflict("another transaction was first");
        }
        // Connection exceptions, resources, operators that intervene (also a statement out of time), a lock not had,
        // and who is not let in: another attempt may find it otherwise.
        let passing = ["08", "53", "57", "55", "28"];
        let told = format!("its server answers {}", code.code());
        if passing.contains(&code.code().get(..2).unwrap_or_default()) {
            Self::unreachable(told)
        } else {
            Self::fault(told)
        }
    }
}

/// The innermost reason: the outer ones only say that there is one.
fn cause(error: &Error) -> String {
    let mut told: &dyn std::error::Error = error;
    while let Some(source) = told.source() {
        told = source;
    }
    told.to_string()
}

impl From<PoolError<StateError>> for StateError {
    fn from(error: PoolError<StateError>) -> Self {
        match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => Self::unreachable("no connection was free or came about in time"),
            PoolError::Closed => Self::unreachable("it is closed"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Self::fault("its pool is set up wrongly"),
        }
    }
}
