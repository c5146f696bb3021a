//! A store in memory that is out of reach, loses answers, or refuses, when it is told to.

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What goes wrong with what is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Trouble {
    Nothing = 0,
    /// Every request times out and has no effect.
    Outage = 1,
    /// Everything that is put arrives, and the answer is lost.
    LostAnswers = 2,
    /// Every third request times out.
    Wavering = 3,
}

#[derive(Debug, Default)]
pub(crate) struct Flaky {
    pub(crate) store: InMemory,
    trouble: AtomicU8,
    requests: AtomicU64,
    lost: AtomicU64,
}

impl Flaky {
    pub(crate) fn set(&self, trouble: Trouble) {
        self.trouble.store(trouble as u8, Ordering::SeqCst);
    }

    /// How many requests were lost on their way.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::SeqCst)
    }

    fn is(&self, trouble: Trouble) -> bool {
        self.trouble.load(Ordering::SeqCst) == trouble as u8
    }

    fn reach(&self) -> Result<()> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let lost = self.is(Trouble::Outage) || (self.is(Trouble::Wavering) && number.is_multiple_of(3));
        if !lost {
            return Ok(());
        }
        self.lost.fetch_add(1, Ordering::SeqCst);
        Err(timeout())
    }
}

fn timeout() -> Error {
    Error::Generic { store: "flaky", source: "the request timed out".into() }
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flaky")
    }
}

#[async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.reach()?;
        let put = self.store.put_opts(path, payload, options).await?;
        if self.is(Trouble::LostAnswers) { Err(timeout()) } else { Ok(put) }
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.reach()?;
        self.store.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.reach()?;
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
