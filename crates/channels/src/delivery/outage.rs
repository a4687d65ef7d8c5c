//! While nobody can be reached who takes a channel's messages, it is looked now and then whether there is somebody again,
//! in place of an attempt with each message.
//!
//! A message that reached nobody raises the suspicion. If there is somebody, it was about that message; if not, the
//! channel rests and the message has lost nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use allclear_engine::source::Source;
use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::provider::Provider;

/// How long it takes to look again, at first and at most; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a message that reached nobody is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// There is somebody: it may be tried, or has been.
    Somebody,
    /// There is nobody: it is to be given back.
    Nobody,
}

/// What those who send know of it.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    ask: mpsc::Sender<oneshot::Sender<Found>>,
    is_on: Arc<AtomicBool>,
}

impl Doubt {
    /// Whether nothing is to be tried for now.
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Waits until it is known whether there is anybody.
    pub(super) async fn ask(&self) -> Found {
        let (asking, found) = oneshot::channel();
        // Nobody listens any more when the channel is at its end.
        let _ = self.ask.send(asking).await;
        found.await.unwrap_or(Found::Nobody)
    }
}

/// Whether there is anybody, and who asks.
pub(super) struct Outage {
    asked: mpsc::Receiver<oneshot::Sender<Found>>,
    asking: Vec<oneshot::Sender<Found>>,
    doubt: Doubt,
    /// Looking now.
    probe: Option<BoxFuture<'static, Result<(), String>>>,
    /// Looking again then, once it is certain that there was nobody.
    again: Option<Instant>,
    pause: Duration,
}

impl Outage {
    pub(super) fn new() -> Self {
        let (ask, asked) = mpsc::channel(16);
        let doubt = Doubt { ask, is_on: Arc::default() };
        Self { asked, asking: Vec::new(), doubt, probe: None, again: None, pause: FIRST_PAUSE }
    }

    /// For those who send.
    pub(super) fn doubt(&self) -> Doubt {
        self.doubt.clone()
    }

    /// Whether nothing is to be taken in hand or begun.
    pub(super) fn is_on(&self) -> bool {
        self.doubt.is_on()
    }

    /// Waits until it was looked, which begins when somebody asks, and is repeated while there is nobody. Says what was
    /// found, and why if there is nobody. May be dropped and called again.
    pub(super) async fn looked(&mut self, provider: &Provider, source: &dyn Source) -> Result<(), String> {
        loop {
            let found = match (&mut self.probe, self.again) {
                (Some(probe), _) => tokio::select! {
                    found = probe => Some(found),
                    Some(asking) = self.asked.recv() => { self.heard(asking); None }
                },
                (None, Some(again)) => tokio::select! {
                    () = sleep_until(again) => { self.look(provider); None }
                    Some(asking) = self.asked.recv() => { self.heard(asking); None }
                },
                (None, None) => {
                    // There is always a sender: our own.
                    if let Some(asking) = self.asked.recv().await {
                        self.heard(asking);
                        self.look(provider);
                    }
                    None
                }
            };
            if let Some(found) = found {
                self.probe = None;
                self.settle(found.is_ok(), source);
                return found;
            }
        }
    }

    fn heard(&mut self, asking: oneshot::Sender<Found>) {
        if self.again.is_some() {
            // Whoever asked may have been stopped.
            let _ = asking.send(Found::Nobody);
        } else {
            self.asking.push(asking);
        }
    }

    fn look(&mut self, provider: &Provider) {
        self.doubt.is_on.store(true, Ordering::Relaxed);
        let provider = provider.clone();
        self.probe = Some(Box::pin(async move { provider.probe().await }));
    }

    fn settle(&mut self, is_there: bool, source: &dyn Source) {
        if is_there {
            (self.again, self.pause) = (None, FIRST_PAUSE);
        } else {
            // Give or take a quarter, so that nodes do not come together.
            let [chance, ..] = source.secret();
            let pause = self.pause - self.pause / 4 + self.pause / 2 * u32::from(chance) / 255;
            self.again = Some(Instant::now() + pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        self.doubt.is_on.store(!is_there, Ordering::Relaxed);
        let found = if is_there { Found::Somebody } else { Found::Nobody };
        for asking in self.asking.drain(..) {
            let _ = asking.send(found);
        }
    }
}
