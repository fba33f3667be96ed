//! What the servers of this test process have logged, at every level.

use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, Once, PoisonError};

use tracing_subscriber::filter::LevelFilter;

static WRITTEN: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);
static STARTED: Once = Once::new();

/// Everything logged so far by any test of this process.
///
/// Tests run beside each other, so look for something that only one of them can have caused.
pub(crate) fn logs() -> String {
    String::from_utf8_lossy(&WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// Logs at trace level into the buffer from now on. The first call counts.
pub(super) fn start() {
    STARTED.call_once(|| {
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false).with_writer(|| Buffer).init();
    });
}

struct Buffer;

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
