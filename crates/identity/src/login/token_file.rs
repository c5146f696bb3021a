use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gatewright_json::{Object, Value, parse, to_bytes};
use gatewright_model::{Secret, Timestamp};
use zeroize::Zeroizing;

use super::{LoginFault, Tokens};
use crate::oidc;

const NAME: &str = "login.json";
const LOCK: &str = "login.lock";
/// Longer than any tokens that a provider gives.
const LONGEST: u64 = 256 << 10;
/// The version that this program writes and reads.
const VERSION: u64 = 1;

/// The file that keeps a sign-in: JSON, mode 0600, replaced as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFile {
    folder: PathBuf,
}

impl TokenFile {
    /// The file in this folder, which is the person's own.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`LoginFault::NotSignedIn`] where there is none, [`LoginFault::Exposed`] where others may read it,
    /// [`LoginFault::Unreadable`] where it holds something else.
    pub fn load(&self) -> Result<Tokens, LoginFault> {
        let path = self.path();
        let fault = |fault: std::io::Error| LoginFault::File { path: path.clone(), fault };
        let file = match File::open(&path) {
            Err(missing) if missing.kind() == ErrorKind::NotFound => return Err(LoginFault::NotSignedIn),
            opened => opened.map_err(fault)?,
        };
        // Asked of the open file, not of the path, so that the answer is about what is read.
        let metadata = file.metadata().map_err(fault)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(LoginFault::Exposed(path));
        }
        if !metadata.is_file() || metadata.len() > LONGEST {
            return Err(LoginFault::Unreadable(path));
        }
        let mut text = Zeroizing::new(Vec::new());
        file.take(LONGEST).read_to_end(&mut text).map_err(fault)?;
        read(&text).ok_or(LoginFault::Unreadable(path))
    }

    /// Writes it: a new file beside it, on disk before it takes the old one's place. The folder is made where it is
    /// missing, for its owner alone.
    ///
    /// # Errors
    /// [`LoginFault::File`].
    pub fn save(&self, tokens: &Tokens) -> Result<(), LoginFault> {
        let path = self.path();
        let fault = |fault| LoginFault::File { path: path.clone(), fault };
        self.make_folder().map_err(fault)?;
        let new = self.folder.join(format!(".{NAME}.{}", std::process::id()));
        // One that a crash left behind may be of any mode.
        let _ = fs::remove_file(&new);
        let text = Zeroizing::new(write(tokens));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| File::open(&self.folder)?.sync_all());
        written.inspect_err(|_| drop(fs::remove_file(&new))).map_err(fault)
    }

    /// Removes it; whether there was one.
    ///
    /// # Errors
    /// [`LoginFault::File`].
    pub fn remove(&self) -> Result<bool, LoginFault> {
        match fs::remove_file(self.path()) {
            Ok(()) => Ok(true),
            Err(missing) if missing.kind() == ErrorKind::NotFound => Ok(false),
            Err(fault) => Err(LoginFault::File { path: self.path(), fault }),
        }
    }

    /// The lock that one of several processes holds while it refreshes: a refresh token that rotates is good once, and
    /// providers end the sign-in of who uses it twice. `None` while another one holds it.
    pub(crate) fn try_lock(&self) -> Result<Option<File>, LoginFault> {
        let path = self.folder.join(LOCK);
        let fault = |fault| LoginFault::File { path: path.clone(), fault };
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(fault(error)),
        }
    }

    fn make_folder(&self) -> std::io::Result<()> {
        let folder: &Path = &self.folder;
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }
}

fn write(tokens: &Tokens) -> Vec<u8> {
    let mut object = Object::new();
    object.set("version", VERSION);
    object.set("issuer", tokens.issuer.as_str());
    object.set("client", tokens.client.as_str());
    object.set("token", tokens.token.expose().as_str());
    if let Some(refresh) = &tokens.refresh {
        object.set("refresh_token", refresh.expose().as_str());
    }
    object.set("expires", tokens.expires.seconds());
    let mut text = to_bytes(&Value::Object(object));
    text.push(b'\n');
    text
}

fn read(text: &[u8]) -> Option<Tokens> {
    let value = parse(text, &oidc::limits(256 << 10, 100)).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| value.get(name).and_then(Value::as_number).and_then(|number| number.as_u64());
    if number("version") != Some(VERSION) {
        return None;
    }
    Some(Tokens {
        issuer: text("issuer")?,
        client: text("client")?,
        token: Secret::new(text("token")?),
        refresh: text("refresh_token").map(Secret::new),
        expires: Timestamp::from_seconds(number("expires")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens {
            issuer: "https://idp.example".to_owned(),
            client: "gatewright-cli".to_owned(),
            token: Secret::new("a.b.c".to_owned()),
            refresh: Some(Secret::new("r".to_owned())),
            expires: Timestamp::from_seconds(1_800_000_000),
        }
    }

    #[test]
    fn comes_back_as_it_was_and_for_its_owner_alone() {
        let parent = tempfile::tempdir().expect("a folder");
        let file = TokenFile::in_folder(parent.path().join("new/folder"));
        assert!(matches!(file.load(), Err(LoginFault::NotSignedIn)));
        file.save(&tokens()).expect("saved");
        file.save(&tokens()).expect("replaced");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&file.path()), mode(&file.folder)), (0o600, 0o700));
        let loaded = file.load().expect("loaded");
        assert_eq!(loaded.token.expose(), "a.b.c");
        assert_eq!(loaded.refresh.map(|refresh| refresh.expose().clone()).as_deref(), Some("r"));
        assert_eq!(loaded.expires, tokens().expires);
        assert_eq!(fs::read_dir(&file.folder).expect("listed").count(), 1, "nothing is left beside it");
        assert!(file.remove().expect("removed"));
        assert!(!file.remove().expect("gone already"));
    }

    #[test]
    fn the_format_is_version_1() {
        let text = br#"{"version":1,"issuer":"https://idp.example","client":"c","token":"a.b.c","expires":5}"#;
        assert_eq!(read(text).map(|tokens| tokens.expires), Some(Timestamp::from_seconds(5)));
        assert!(read(br#"{"version":2,"issuer":"i","client":"c","token":"a.b.c","expires":5}"#).is_none());
        assert_eq!(
            String::from_utf8(write(&tokens())).expect("text"),
            "{\"version\":1,\"issuer\":\"https://idp.example\",\"client\":\"gatewright-cli\",\"token\":\"a.b.c\",\
             \"refresh_token\":\"r\",\"expires\":1800000000}\n"
        );
    }

    #[test]
    fn what_others_can_read_or_somebody_else_wrote_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = TokenFile::in_folder(folder.path());
        file.save(&tokens()).expect("saved");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).expect("changed");
        assert!(matches!(file.load(), Err(LoginFault::Exposed(_))));
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).expect("changed");
        fs::write(file.path(), b"{}").expect("written");
        assert!(matches!(file.load(), Err(LoginFault::Unreadable(_))));
    }

    #[test]
    fn one_process_at_a_time_refreshes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = TokenFile::in_folder(folder.path());
        let held = file.try_lock().expect("locked");
        assert!(held.is_some());
        assert!(file.try_lock().expect("asked").is_none());
        drop(held);
        assert!(file.try_lock().expect("asked").is_some());
    }

    #[test]
    fn debug_says_nothing_of_the_tokens() {
        let shown = format!("{:?}", tokens());
        assert!(!shown.contains("a.b.c") && !shown.contains("\"r\""), "{shown}");
    }
}
