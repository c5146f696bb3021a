//! What the web console needs of this process: where people sign in, the clock, the randomness, who signed out.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use gatewright_admin::Admin;
use gatewright_console::{Begun, Closed, Console, Door, Later, Parts, Started, Surroundings, Token};
use gatewright_dial::{Dial, Roots};
use gatewright_identity::login::{Attempt, LoginFault, WebSignIn};
use gatewright_model::{Clock, Entropy, IssuerName};

use crate::config::ready::Issuer;
use crate::config::{Ready, secrets};
use crate::keys::write_private;
use crate::start_fault::StartFault;
use crate::telemetry::AdminSide;

/// The admin API, and the console over it.
pub(crate) fn operators_side(
    api: Admin,
    ready: &Ready,
    key: [u8; 32],
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<(Arc<LiveDoor>, AdminSide), StartFault> {
    let dial = Dial::new(&Roots::System)?;
    let door = Arc::new(LiveDoor::new(ready.issuers.clone(), dial, Arc::clone(clock), Arc::clone(entropy)));
    let unusable = |error: io::Error| StartFault::Data { path: ready.data.clone(), reason: error.to_string() };
    let around = LiveSurroundings::open(&ready.data, Arc::clone(clock), Arc::clone(entropy)).map_err(unusable)?;
    let (around, ended) = (Arc::new(around.0), around.1);
    let url = ready.admin_listener.url.clone();
    let side = AdminSide::new(api).with_console(|api| {
        let door = Arc::clone(&door) as Arc<dyn Door>;
        Console::new(Parts { key, door, api, around, url, ended })
    });
    Ok((door, side))
}

/// Sign-in at the issuers that have a `login_client`.
pub(crate) struct LiveDoor {
    issuers: ArcSwap<BTreeMap<IssuerName, Issuer>>,
    dial: Dial,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl LiveDoor {
    pub(crate) fn new(
        issuers: BTreeMap<IssuerName, Issuer>,
        dial: Dial,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { issuers: ArcSwap::from_pointee(issuers), dial, clock, entropy }
    }

    /// From now on these, as the configuration says.
    pub(crate) fn replace(&self, issuers: BTreeMap<IssuerName, Issuer>) {
        self.issuers.store(Arc::new(issuers));
    }

    fn sign_in(&self, issuer: &str, redirect_uri: &str) -> Result<WebSignIn, Closed> {
        let issuers = self.issuers.load();
        let issuer = issuers.get(&IssuerName::from(issuer)).ok_or(Closed::UnknownIssuer)?;
        let client = issuer.login_client.clone().ok_or(Closed::UnknownIssuer)?;
        // Read each time, so that a secret that was replaced counts at once.
        let secret = issuer.login_secret.as_ref().map(secrets::resolve).transpose().map_err(|fault| {
            tracing::error!(%fault, "the secret of a login client cannot be read");
            Closed::Provider("the gateway cannot read its client secret".to_owned())
        })?;
        Ok(WebSignIn { issuer: issuer.tokens.url.clone(), client, secret, redirect_uri: redirect_uri.to_owned() })
    }
}

impl Door for LiveDoor {
    fn issuers(&self) -> Vec<String> {
        let issuers = self.issuers.load();
        let open = issuers.iter().filter(|(_, issuer)| issuer.login_client.is_some());
        open.map(|(name, _)| name.as_str().to_owned()).collect()
    }

    fn begin<'a>(&'a self, issuer: &'a str, redirect_uri: &'a str) -> Later<'a, Result<Begun, Closed>> {
        Box::pin(async move {
            let sign_in = self.sign_in(issuer, redirect_uri)?;
            let (url, attempt) = sign_in.begin(&self.dial, &*self.entropy).await.map_err(closed)?;
            let Attempt { state, nonce, verifier } = attempt;
            Ok(Begun { url, started: Started { issuer: issuer.to_owned(), state, nonce, verifier } })
        })
    }

    fn finish<'a>(
        &'a self,
        started: &'a Started,
        redirect_uri: &'a str,
        query: &'a str,
    ) -> Later<'a, Result<Token, Closed>> {
        Box::pin(async move {
            let sign_in = self.sign_in(&started.issuer, redirect_uri)?;
            let Started { state, nonce, verifier, .. } = started.clone();
            let attempt = Attempt { state, nonce, verifier };
            let tokens = sign_in.finish(&attempt, query, &self.dial, &*self.clock).await.map_err(closed)?;
            Ok(Token { text: tokens.token.expose().clone(), expires: tokens.expires.seconds() })
        })
    }
}

fn closed(fault: LoginFault) -> Closed {
    match fault {
        LoginFault::Unasked => Closed::NotThisSignIn,
        other => Closed::Provider(other.to_string()),
    }
}

/// This machine's clock and randomness, and the file of sessions that were ended.
pub(crate) struct LiveSurroundings {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    ended: Mutex<File>,
}

impl LiveSurroundings {
    /// Opens the file of ended sessions, and reads which of them could still open: `ID UNTIL`, one a line.
    pub(crate) fn open(
        folder: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> io::Result<(Self, Vec<(String, u64)>)> {
        let path = folder.join("console-ended");
        let written = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let now = clock.now().seconds();
        // A line that a crash cut in two names no session; its sign-out was never confirmed either.
        let lines =
            written.lines().filter_map(|line| line.split_once(' ')?.1.parse().ok().map(|until: u64| (line, until)));
        let ended: Vec<(String, u64)> = lines
            .filter(|(_, until)| now < *until)
            .filter_map(|(line, until)| Some((line.split_once(' ')?.0.to_owned(), until)))
            .collect();
        let kept: String = ended.iter().map(|(id, until)| format!("{id} {until}\n")).collect();
        write_private(&path, kept.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path)?;
        Ok((Self { clock, entropy, ended: Mutex::new(file) }, ended))
    }
}

impl Surroundings for LiveSurroundings {
    fn now(&self) -> u64 {
        self.clock.now().seconds()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.entropy.fill(bytes);
    }

    fn keep_ended(&self, id: &str, until: u64) {
        let mut file = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(format!("{id} {until}\n").as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            tracing::error!(%error, "a sign-out cannot be written down; it holds until this process ends");
        }
    }
}

#[cfg(test)]
mod tests {
    use gatewright_model::Timestamp;

    use super::*;
    use crate::system::SystemEntropy;

    struct At(u64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0)
        }
    }

    fn open(folder: &Path, now: u64) -> (LiveSurroundings, Vec<(String, u64)>) {
        LiveSurroundings::open(folder, Arc::new(At(now)), Arc::new(SystemEntropy)).expect("opened")
    }

    #[test]
    fn who_signed_out_stays_signed_out_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let (around, ended) = open(folder.path(), 100);
        assert_eq!(ended, []);
        around.keep_ended("one", 200);
        around.keep_ended("two", 150);
        drop(around);
        let (around, ended) = open(folder.path(), 120);
        assert_eq!(ended, [("one".to_owned(), 200), ("two".to_owned(), 150)]);
        around.keep_ended("three", 300);
        drop(around);
        fs::write(folder.path().join("console-ended"), "one 200\ntwo 150\nthree 300\nfou").expect("written");
        assert_eq!(open(folder.path(), 150).1, [("one".to_owned(), 200), ("three".to_owned(), 300)]);
    }
}
