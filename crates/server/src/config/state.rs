use gatewright_store::state::PostgresAddress;

use super::convert::Conversion;
use super::raw::{self, Raw};
use super::ready::{Postgres, Privacy, State};

/// How many connections to a database a gateway has where nothing is said.
const USUAL_CONNECTIONS: usize = 8;

impl Conversion<'_> {
    /// Where what replicas share is kept: a file, unless a database is named.
    pub(super) fn state(&mut self, raw: &Raw) -> Option<State> {
        let Some(written) = &raw.state else { return Some(State::Sqlite) };
        let postgres = self.required(written.postgres.as_ref(), written.mark, "postgres")?;
        self.postgres(postgres).map(Box::new).map(State::Postgres)
    }

    pub(super) fn postgres(&mut self, raw: &raw::Postgres) -> Option<Postgres> {
        let url = self.required(raw.url.as_ref(), raw.mark, "url");
        let credential = raw.credential.as_ref().and_then(|text| self.reference(text));
        let ca = raw.ca.as_ref().and_then(|path| self.authorities(path));
        let written = raw.connections.as_ref();
        let connections = self.count(written, USUAL_CONNECTIONS, 1, 100);
        let url = url?;
        let address = match PostgresAddress::parse(&url.value) {
            Ok(address) => address,
            Err(fault) => {
                self.faults.add(url.mark, fault.to_string());
                return None;
            }
        };
        let danger = raw.danger_plaintext.as_ref().filter(|danger| danger.value);
        let privacy = match (ca, danger, address.is_local()) {
            (Some(_), Some(danger), _) => {
                self.faults.add(danger.mark, "`danger_plaintext` and `ca` contradict each other");
                return None;
            }
            (Some(ca), None, _) => Privacy::Tls(Some(ca)),
            (None, None, false) => Privacy::Tls(None),
            (None, _, true) => Privacy::Plain,
            (None, Some(danger), false) => {
                self.warn(danger.mark, "the database is spoken to without TLS, as `danger_plaintext` asks");
                Privacy::Plain
            }
        };
        Some(Postgres { address, credential, privacy, connections })
    }
}
