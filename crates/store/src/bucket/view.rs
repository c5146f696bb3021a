use std::any::Any;
use std::io;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::runtime::Handle;

use super::Bucket;
use super::objects::{BucketFault, Objects};
use super::pieces::{Part, part_of, piece_name, state_name};
use crate::disk::{Access, Disk, DiskFile, Privacy};

/// A bucket as the data folder that it is a copy of, to be read: verified, exported, proved from. Its methods block on the
/// bucket and must not be called on the runtime's own threads.
pub struct BucketDisk {
    objects: Objects,
    runtime: Handle,
}

impl BucketDisk {
    /// What this bucket holds; requests run on this runtime.
    pub fn new(bucket: &Bucket, runtime: Handle) -> Self {
        Self { objects: bucket.objects.clone(), runtime }
    }
}

impl Disk for BucketDisk {
    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn DiskFile>> {
        if access == Access::Write {
            return Err(read_only());
        }
        let (objects, _) = self.runtime.block_on(self.objects.list(path)).map_err(failed)?;
        let mut parts: Vec<(Part, u64)> =
            objects.iter().filter_map(|(name, length)| Some((part_of(name)?, *length))).collect();
        let newest = parts.iter().filter_map(|(part, length)| match part {
            Part::State(number) => Some((*number, *length)),
            Part::Piece(_) => None,
        });
        let there = !parts.is_empty();
        let pieces = match newest.max() {
            Some((number, length)) => vec![Piece { start: 0, length, name: state_name(path, number) }],
            None => {
                parts.sort_unstable_by_key(|(part, _)| match part {
                    Part::Piece(offset) | Part::State(offset) => *offset,
                });
                let mut pieces: Vec<Piece> = Vec::new();
                for (part, length) in parts {
                    let end = pieces.last().map_or(0, |piece| piece.start + piece.length);
                    // Where a piece is missing the file ends: what is behind it is read as not there.
                    if part != Part::Piece(end) {
                        break;
                    }
                    pieces.push(Piece { start: end, length, name: piece_name(path, end) });
                }
                pieces
            }
        };
        // A file whose beginning is missing is there, and has nothing in it: that is a finding, not an error.
        if !there {
            return Err(io::ErrorKind::NotFound.into());
        }
        let (objects, runtime) = (self.objects.clone(), self.runtime.clone());
        Ok(Box::new(BucketFile { objects, runtime, pieces, held: Mutex::default() }))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let (_, mut folders) = self.runtime.block_on(self.objects.list(path)).map_err(failed)?;
        if folders.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        folders.sort_unstable();
        Ok(folders)
    }

    fn create_dir(&self, _: &str) -> io::Result<()> {
        Err(read_only())
    }

    fn create(&self, _: &str, _: Privacy) -> io::Result<Box<dyn DiskFile>> {
        Err(read_only())
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        Err(read_only())
    }

    fn remove_dir(&self, _: &str) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_dir(&self, _: &str) -> io::Result<()> {
        Err(read_only())
    }

    fn lock(&self, _: &str) -> io::Result<Box<dyn Any + Send + Sync>> {
        Err(read_only())
    }
}

struct Piece {
    start: u64,
    length: u64,
    name: String,
}

struct BucketFile {
    objects: Objects,
    runtime: Handle,
    pieces: Vec<Piece>,
    /// The piece that was read last, by its place in the list.
    held: Mutex<Option<(usize, Bytes)>>,
}

impl DiskFile for BucketFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(at) = self.pieces.iter().rposition(|piece| piece.start <= offset) else { return Ok(0) };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match &*held {
            Some((place, bytes)) if *place == at => bytes.clone(),
            Some(_) | None => {
                let got = self.runtime.block_on(self.objects.get(&self.pieces[at].name)).map_err(failed)?;
                let (bytes, _) = got.ok_or(io::ErrorKind::NotFound)?;
                *held = Some((at, bytes.clone()));
                bytes
            }
        };
        let within = usize::try_from(offset - self.pieces[at].start).unwrap_or(usize::MAX);
        let rest = bytes.get(within..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.pieces.last().map_or(0, |piece| piece.start + piece.length))
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn sync(&self) -> io::Result<()> {
        Err(read_only())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(read_only())
    }
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "a bucket is only read here")
}

fn failed(fault: BucketFault) -> io::Error {
    io::Error::other(fault.to_string())
}
