//! What happens on one connection: whether it is idle, and whether the head of a request dawdles.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What happens on one connection, seen by the stream and by the requests.
pub(super) struct Activity {
    /// Reads and writes that moved bytes.
    moved: AtomicU64,
    /// Requests being worked on.
    in_flight: AtomicUsize,
    /// Requests ever begun.
    requests: AtomicU64,
    /// Whether the head of a request is on its way. A body left unread by its handler can set it, too:
    /// such a connection then ends a little earlier than an idle one.
    in_head: AtomicBool,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            moved: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            in_head: AtomicBool::new(true),
        }
    }

    /// Completes when nothing has happened for `span`.
    pub(super) async fn idle(&self, span: Duration) {
        const TICKS: u32 = 4;
        let mut seen = 0;
        let mut quiet = 0;
        while quiet < TICKS {
            sleep(span / TICKS).await;
            let moved = self.moved.load(Ordering::Relaxed);
            let still = moved == seen && self.in_flight.load(Ordering::Relaxed) == 0;
            quiet = if still { quiet + 1 } else { 0 };
            seen = moved;
        }
    }
}

/// Counts a request as being worked on until it is dropped, also when the peer went away.
pub(super) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        activity.requests.fetch_add(1, Ordering::Relaxed);
        activity.in_head.store(false, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that tells its [`Activity`], and fails when the head of a request dawdles.
pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
    head_limit: Option<Duration>,
    /// The time for the head that follows this many requests.
    head_deadline: Option<(u64, Pin<Box<Sleep>>)>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>, head_limit: Option<Duration>) -> Self {
        Self { stream, activity, head_limit, head_deadline: None }
    }

    fn poll_head_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(limit) = self.head_limit.filter(|_| self.activity.in_head.load(Ordering::Relaxed)) else {
            self.head_deadline = None;
            return Poll::Pending;
        };
        let requests = self.activity.requests.load(Ordering::Relaxed);
        self.head_deadline.take_if(|(since, _)| *since != requests);
        let (_, deadline) = self.head_deadline.get_or_insert_with(|| (requests, Box::pin(sleep(limit))));
        deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.activity.moved.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_pending() {
            return this.poll_head_deadline(context);
        }
        if buffer.filled().len() > before {
            this.activity.moved.fetch_add(1, Ordering::Relaxed);
            if this.activity.in_flight.load(Ordering::Relaxed) == 0 {
                this.activity.in_head.store(true, Ordering::Relaxed);
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.wrote(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
