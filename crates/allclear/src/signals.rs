//! Being told to stop.

use std::future::Future;

/// Begins to listen at once, and resolves when the process is told to stop: by SIGTERM or Ctrl-C. The next time the
/// process ends at once. Must be called within a tokio runtime.
pub fn stop() -> impl Future<Output = ()> + Send + 'static {
    let first = next();
    async move {
        first.await;
        let second = next();
        tokio::spawn(async move {
            second.await;
            // As a shell reports a process that was interrupted.
            std::process::exit(130);
        });
    }
}

#[cfg(unix)]
fn next() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        match signals {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            // Without handlers the system ends the process by itself.
            _ => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
fn next() -> impl Future<Output = ()> + Send + 'static {
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
