//! The shared engine: one PostgreSQL, or a relative that speaks its protocol, under any number of nodes.

mod bind;
pub(crate) mod connect;
mod error;
mod migrate;
mod pool;
mod read;
mod tls;
mod watch;
mod write;

pub(crate) use bind::cell;
pub(crate) use read::Reading;

use self::pool::Pool;
use self::watch::Watch;
use crate::cache::Head;
use crate::error::Error;
use crate::migrate::Taken;
use crate::step::{Reply, Step};

/// A store in one schema of a database.
pub(crate) struct Postgres {
    pool: Pool,
    watch: Watch,
}

impl Postgres {
    /// Connects, and brings the tables up to date: one node at a time, whichever comes first.
    pub(crate) async fn open(place: &connect::Postgres) -> Result<Self, Error> {
        // Whatever is wrong with the place is best told by a connection of its own.
        let _connected = place.connect().await?;
        let pool = Pool::new(place)?;
        migrate::migrate(&pool).await?;
        Ok(Self { pool, watch: Watch::start(place) })
    }

    /// The steps that the tables at `place` were made by. Changes nothing.
    pub(crate) async fn taken(place: &connect::Postgres) -> Result<Taken, Error> {
        Ok(migrate::taken(&Pool::new(place)?.get().await?).await?)
    }

    /// What was told by other nodes so far; nothing if that is too long ago to answer from memory.
    pub(crate) fn head(&self) -> Option<Head> {
        self.watch.head()
    }

    /// One state of the store, to read from.
    pub(crate) async fn reading(&self) -> Result<Reading, Error> {
        Reading::begin(&self.pool).await
    }

    pub(crate) async fn write(&self, steps: Vec<Step>) -> Reply {
        write::write(&self.pool, steps).await
    }

    /// Takes no more work. What was begun is finished.
    pub(crate) async fn close(&self) {
        self.watch.stop();
        self.pool.close();
    }
}
