use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Where a database is, and as whom it is reached; never with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresAddress(Config);

/// Why a text is no address of a database; it does not repeat the text, in which a password may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPostgresAddress {
    /// It is no connection URL.
    #[error("expected a URL such as postgres://user@host:5432/database")]
    Malformed,
    /// A secret is a reference.
    #[error("a password stands in it; say where it lies by `credential`")]
    Password,
    /// It names no user.
    #[error("it names no user, as in postgres://user@host:5432/database")]
    NoUser,
    /// It names no host.
    #[error("it names no host, as in postgres://user@host:5432/database")]
    NoHost,
    /// It names no database.
    #[error("it names no database, as in postgres://user@host:5432/database")]
    NoDatabase,
    /// It speaks of TLS, which is not left to it.
    #[error("TLS is not chosen by `sslmode`: it is required but for this machine's own addresses")]
    SslMode,
}

impl PostgresAddress {
    /// Reads a connection URL, as libpq has it.
    pub fn parse(url: &str) -> Result<Self, BadPostgresAddress> {
        let config: Config = url.parse().map_err(|_| BadPostgresAddress::Malformed)?;
        if config.get_password().is_some() {
            return Err(BadPostgresAddress::Password);
        }
        if config.get_ssl_mode() != SslMode::Prefer {
            return Err(BadPostgresAddress::SslMode);
        }
        if config.get_user().is_none() {
            return Err(BadPostgresAddress::NoUser);
        }
        if config.get_hosts().is_empty() {
            return Err(BadPostgresAddress::NoHost);
        }
        if config.get_dbname().is_none() {
            return Err(BadPostgresAddress::NoDatabase);
        }
        Ok(Self(config))
    }

    /// Whether what is sent there stays on this machine.
    pub fn is_local(&self) -> bool {
        let here = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            Host::Unix(_) => true,
        };
        // Where addresses are given beside the names, they are what is dialled.
        let dialled = self.0.get_hostaddrs();
        self.0.get_hosts().iter().all(here) && dialled.iter().all(IpAddr::is_loopback)
    }

    /// Where it is, for others who are to find it: host, port and database. Of several hosts the first.
    pub fn place(&self) -> (String, u16, String) {
        let host = match self.0.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => String::new(),
        };
        let port = self.0.get_ports().first().copied().unwrap_or(5_432);
        (host, port, self.0.get_dbname().unwrap_or_default().to_owned())
    }

    pub(super) const fn config(&self) -> &Config {
        &self.0
    }
}

/// How bytes travel to the database.
#[derive(Clone)]
pub enum Transport {
    /// In the clear.
    Plain,
    /// Over TLS, by these settings; the server's name is held against its certificate.
    Tls(Arc<ClientConfig>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_no_secret_and_leaves_nothing_open() {
        let check = |url: &str| PostgresAddress::parse(url).map(|_| ());
        assert_eq!(check("postgres://g@db.example/g"), Ok(()));
        assert_eq!(check("postgresql://g@a.example,b.example:5433/g?target_session_attrs=read-write"), Ok(()));
        assert_eq!(check("postgres://g:secret@db.example/g"), Err(BadPostgresAddress::Password));
        assert_eq!(check("postgres://g@db.example/g?password=secret"), Err(BadPostgresAddress::Password));
        assert_eq!(check("postgres://g@db.example/g?sslmode=disable"), Err(BadPostgresAddress::SslMode));
        assert_eq!(check("postgres://db.example/g"), Err(BadPostgresAddress::NoUser));
        assert_eq!(check("postgres://g@db.example"), Err(BadPostgresAddress::NoDatabase));
        assert_eq!(check("http://g@db.example/g"), Err(BadPostgresAddress::Malformed));
        assert_eq!(check(""), Err(BadPostgresAddress::NoUser));
    }

    #[test]
    fn only_this_machine_is_local() {
        let local = |url: &str| PostgresAddress::parse(url).is_ok_and(|address| address.is_local());
        for url in [
            "postgres://g@127.0.0.1/g",
            "postgres://g@[::1]:5432/g",
            "postgres://g@localhost/g",
            "postgres://g@%2Frun%2Fpostgresql/g",
        ] {
            assert!(local(url), "{url}");
        }
        for url in [
            "postgres://g@db.example/g",
            "postgres://g@10.0.0.5/g",
            "postgres://g@127.0.0.1,db.example/g",
            "postgres://g@localhost/g?hostaddr=10.0.0.5",
            "postgres://g@localhost.example/g",
        ] {
            assert!(!local(url), "{url}");
        }
    }
}
