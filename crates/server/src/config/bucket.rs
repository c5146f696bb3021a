use std::time::Duration;

use gatewright_store::bucket::BucketAddress;

use super::convert::Conversion;
use super::raw::Raw;
use super::read::At;
use super::ready::Bucket;

/// The region of AWS that needs no name, and what other stores take where nothing is said.
const USUAL_REGION: &str = "us-east-1";

/// How often the copy is brought up to date where nothing is said.
const USUAL_EVERY: Duration = Duration::from_secs(10);

/// How many bytes may wait for the bucket where nothing is said, and at most.
const USUAL_SPOOL: usize = 1 << 30;
const MOST_SPOOL: usize = 1 << 40;

impl Conversion<'_> {
    /// The bucket that is given a copy of the records.
    pub(super) fn bucket(&mut self, raw: &Raw) -> Option<Bucket> {
        let raw = raw.records.as_ref()?.bucket.as_ref()?;
        let name = self.required(raw.name.as_ref(), raw.mark, "name").and_then(|name| self.bucket_name(name));
        let prefix = self.required(raw.prefix.as_ref(), raw.mark, "prefix").and_then(|prefix| self.prefix(prefix));
        let key = self.required(raw.key.as_ref(), raw.mark, "key").and_then(|text| self.reference(text));
        let secret = self.required(raw.secret.as_ref(), raw.mark, "secret").and_then(|text| self.reference(text));
        let ca = raw.ca.as_ref().and_then(|path| self.authorities(path));
        let endpoint = raw.endpoint.as_ref().and_then(|endpoint| self.endpoint(endpoint));
        let every = self.duration(raw.every.as_ref(), USUAL_EVERY);
        let spool = self.bytes(raw.spool.as_ref(), USUAL_SPOOL, 1 << 20, MOST_SPOOL) as u64;
        let region = raw.region.as_ref().map_or(USUAL_REGION, |region| &region.value).to_owned();
        Some(Bucket { endpoint, region, name: name?, prefix: prefix?, key: key?, secret: secret?, ca, every, spool })
    }

    fn endpoint(&mut self, written: &At<String>) -> Option<String> {
        match BucketAddress::check_endpoint(&written.value) {
            Ok(()) => Some(written.value.clone()),
            Err(bad) => {
                self.faults.add(written.mark, bad.to_string());
                None
            }
        }
    }

    fn bucket_name(&mut self, written: &At<String>) -> Option<String> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        if (3..=63).contains(&written.value.len()) && written.value.bytes().all(letter) {
            return Some(written.value.clone());
        }
        self.faults.add(written.mark, "a bucket's name is 3 to 63 of a-z 0-9 - .");
        None
    }

    /// Every data folder needs a place of its own, so that there is no usual one.
    fn prefix(&mut self, written: &At<String>) -> Option<String> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let parts = written.value.split('/').all(|part| !part.is_empty() && part.bytes().all(letter));
        if parts && written.value.len() <= 200 {
            return Some(written.value.clone());
        }
        self.faults
            .add(written.mark, "expected parts of A-Z a-z 0-9 - _ with `/` between them, such as `gateways/one`");
        None
    }
}
