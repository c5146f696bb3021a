//! Roles of a PostgreSQL database that exist for the length of a call.
//!
//! A role has a name and a secret that nobody can guess, may log in until a moment, a few times at once, and may do what
//! the groups may that it is put in: nothing else is granted to it. The server is told a verifier of the secret, never the
//! secret (RFC 5802), so it stands in no log of the server's. The end of a role is more than its expiry: `VALID UNTIL` keeps
//! nobody out who is in, so its sessions are terminated, what it made is dropped, and then it is dropped itself.
//!
//! Who a role stands for is not told to the database in a setting, since a session may set its settings as it likes: rows are
//! to be told apart by `current_user` and what groups it is in.

mod name;
mod scram;
mod server;

pub use name::LentRole;
pub use scram::RolePassword;
pub use server::{NewRole, RoleFault, RoleServer};
