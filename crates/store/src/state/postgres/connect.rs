use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use gatewright_model::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, NoTls, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{CONNECT, PostgresOptions, STATEMENT, Transport};
use crate::state::StateError;

/// Looks up the present password; why it cannot be had is said without it.
pub type Password = Arc<dyn Fn() -> Result<Arc<Secret<String>>, String> + Send + Sync>;

/// How long a lock may be waited for, and a transaction may rest between two statements.
const LOCK: Duration = Duration::from_secs(3);
const REST: Duration = Duration::from_secs(10);

/// Makes connections, for the pool and for the listener.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Config,
    password: Option<Password>,
    transport: Transport,
}

impl Connector {
    pub(crate) fn new(options: &PostgresOptions) -> Self {
        let mut config = options.address.config().clone();
        let given = config.get_options().unwrap_or_default().to_owned();
        let bounds = format!(
            "{given} -c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={}",
            STATEMENT.as_millis(),
            LOCK.as_millis(),
            REST.as_millis(),
        );
        config
            .options(bounds.trim_start())
            .application_name("gatewright")
            .connect_timeout(CONNECT)
            // A peer that vanished without a word is noticed.
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(20))
            .ssl_mode(match options.transport {
                Transport::Plain => SslMode::Disable,
                Transport::Tls(_) => SslMode::Require,
            });
        Self { config, password: options.password.clone(), transport: options.transport.clone() }
    }

    /// A connection for a few questions, which ends with it.
    pub(crate) async fn client(&self) -> Result<ClientWrapper, StateError> {
        let (client, driven) = self.connect(|_| {}).await?;
        Ok(ClientWrapper::new(client, driven))
    }

    /// A connection, and the task that drives it until it ends; `hear` is given what other connections announce.
    pub(super) async fn connect(
        &self,
        hear: impl Fn(&str) + Send + 'static,
    ) -> Result<(Client, JoinHandle<()>), StateError> {
        let mut config = self.config.clone();
        if let Some(password) = &self.password {
            let password = password().map_err(StateError::unreachable)?;
            config.password(password.expose());
        }
        let connected = match &self.transport {
            Transport::Plain => begin(&config, NoTls, hear).await,
            Transport::Tls(tls) => begin(&config, MakeRustlsConnect::new((**tls).clone()), hear).await,
        };
        Ok(connected?)
    }
}

async fn begin<T>(
    config: &Config,
    tls: T,
    hear: impl Fn(&str) + Send + 'static,
) -> Result<(Client, JoinHandle<()>), Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    Ok((client, tokio::spawn(drive(connection, hear))))
}

async fn drive<T>(mut connection: Connection<Socket, T>, hear: impl Fn(&str))
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    // Whoever waits for an answer of this connection is told of its end there.
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message {
            hear(notification.payload());
        }
    }
}

impl Manager for Connector {
    type Type = ClientWrapper;
    type Error = StateError;

    async fn create(&self) -> Result<ClientWrapper, StateError> {
        self.client().await
    }

    async fn recycle(&self, client: &mut ClientWrapper, _: &Metrics) -> RecycleResult<StateError> {
        if client.is_closed() { Err(RecycleError::message("it was closed")) } else { Ok(()) }
    }
}
