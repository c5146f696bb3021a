use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};

/// Why something cannot be put into the bucket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BucketFault {
    /// It may go better later.
    #[error("the bucket is out of reach: {0}")]
    OutOfReach(String),
    /// The bucket holds other bytes under a name of ours. Nothing is written over.
    #[error("the bucket holds another history: {0}")]
    Forked(String),
    /// Somebody else has moved the pointer.
    #[error("another gateway writes to this place of the bucket")]
    Fenced,
    /// The bucket holds more than the data folder.
    #[error("the data folder was put back to an older state: the bucket holds {bucket} records, the folder {folder}")]
    RolledBack {
        /// How many records the bucket holds.
        bucket: u64,
        /// How many the folder.
        folder: u64,
    },
    /// The local disk.
    #[error("reading the data folder: {0}")]
    Disk(String),
}

/// What came of creating an object.
pub(super) enum Created {
    /// It is there now.
    New,
    /// One of this name was there already: these are its bytes.
    There(Bytes),
}

/// What came of putting something in an object's place.
pub(super) enum Swapped {
    /// It is there now, as this version.
    Now(UpdateVersion),
    /// The object was not at that version: this is there.
    Not(Option<(Bytes, UpdateVersion)>),
}

/// The objects of one data folder.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

impl Objects {
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { store, prefix: prefix.trim_matches('/').to_owned() }
    }

    fn path(&self, name: &str) -> Path {
        if self.prefix.is_empty() { Path::from(name) } else { Path::from(format!("{}/{name}", self.prefix)) }
    }

    /// Creates an object; one that is there stays as it is. Where the answer was lost, the next try finds it there.
    pub(super) async fn create(&self, name: &str, bytes: Bytes) -> Result<Created, BucketFault> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&self.path(name), PutPayload::from(bytes), options).await {
            Ok(_) => Ok(Created::New),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                let (there, _) = self.get(name).await?.ok_or(BucketFault::Fenced)?;
                Ok(Created::There(there))
            }
            Err(error) => Err(out_of_reach(&error)),
        }
    }

    /// Puts bytes in the place of an object's that is still at this version, or creates it.
    pub(super) async fn swap(
        &self,
        name: &str,
        version: Option<UpdateVersion>,
        bytes: Bytes,
    ) -> Result<Swapped, BucketFault> {
        let mode = version.map_or(PutMode::Create, PutMode::Update);
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.store.put_opts(&self.path(name), PutPayload::from(bytes), options).await {
            Ok(put) => Ok(Swapped::Now(put.into())),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. }) => {
                self.get(name).await.map(Swapped::Not)
            }
            Err(error) => Err(out_of_reach(&error)),
        }
    }

    /// An object's bytes and version; `None` where there is none.
    pub(super) async fn get(&self, name: &str) -> Result<Option<(Bytes, UpdateVersion)>, BucketFault> {
        let got = match self.store.get(&self.path(name)).await {
            Ok(got) => got,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(out_of_reach(&error)),
        };
        let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
        let bytes = got.bytes().await.map_err(|error| out_of_reach(&error))?;
        Ok(Some((bytes, version)))
    }

    /// The names of what lies in this folder: objects with their lengths, and folders.
    pub(super) async fn list(&self, folder: &str) -> Result<(Vec<(String, u64)>, Vec<String>), BucketFault> {
        let listed =
            self.store.list_with_delimiter(Some(&self.path(folder))).await.map_err(|error| out_of_reach(&error))?;
        let objects =
            listed.objects.iter().filter_map(|object| Some((object.location.filename()?.to_owned(), object.size)));
        let folders = listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned));
        Ok((objects.collect(), folders.collect()))
    }
}

/// The client's words name the address and the status, never a key.
fn out_of_reach(error: &Error) -> BucketFault {
    let mut words = error.to_string();
    words.truncate(words.floor_char_boundary(400));
    BucketFault::OutOfReach(words)
}
