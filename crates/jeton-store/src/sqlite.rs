//! The embedded engine: one file, read in place on the calling thread, written by one thread.

mod bind;
mod error;
pub(crate) mod migrate;
pub(crate) mod open;
mod readers;
mod stamp;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub(crate) use bind::cell;
pub(crate) use readers::Reading;
pub(crate) use stamp::Head;

use self::migrate::migrate;
use self::open::{connect, connect_reader, prepare_file};
use self::readers::Readers;
use self::stamp::Stamp;
use self::writer::Writer;
use crate::error::Error;
use crate::migrate::Taken;
use crate::step::{Reply, Step};

/// A store in one file. Any number of processes may have it open.
pub(crate) struct Sqlite {
    readers: Arc<Readers>,
    writer: Writer,
    stamp: Option<Stamp>,
}

impl Sqlite {
    /// Opens the file at `path`; makes it, its folders and its tables where they are missing.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        prepare_file(path)?;
        let open = || {
            let db = connect(path)?;
            migrate(&db)?;
            let readers = Arc::new(Readers::open(path)?);
            let stamp = Stamp::open(path);
            Ok(Self { readers, writer: Writer::start(path, db)?, stamp })
        };
        open().map_err(|error| match error {
            Error::Open(text) => Error::Open(format!("{}: {text}", path.display())),
            other => Error::Open(format!("cannot open the store {}: {other}", path.display())),
        })
    }

    /// The steps that the tables in the file were made by; none if there is no file. Changes nothing.
    pub(crate) fn taken(path: &Path) -> Result<Taken, Error> {
        if !path.exists() {
            return Ok(Taken::default());
        }
        migrate::taken(&connect_reader(path)?)
    }

    /// The state of the file as far as its commits tell.
    pub(crate) fn head(&self) -> Option<Head> {
        self.stamp.as_ref().and_then(Stamp::read)
    }

    /// One state of the store, to read from.
    pub(crate) fn reading(&self) -> Result<Reading, Error> {
        Readers::begin(&self.readers)
    }

    pub(crate) async fn write(&self, steps: Vec<Step>) -> Reply {
        self.writer.write(steps).await
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
    }
}
