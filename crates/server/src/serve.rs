//! Runs a router on a socket: HTTP/1.1 and HTTP/2 with every limit set, and an orderly end.

use std::{
    convert::Infallible,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, http::Request, response::Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tower::ServiceExt;

use crate::access::ClientAddress;

/// Longest head of a request in bytes. Its number of headers is limited to 100 by default; setting that costs memory.
const HEAD_BYTES: u32 = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 256;
/// How often a silent HTTP/2 client is asked whether it is there, and how long it has to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Pause after the system refused a connection for lack of something.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// How long the server waits for others.
#[derive(Clone, Copy)]
struct Patience {
    /// For a request's head to arrive; an idle HTTP/1.1 connection or one without any request stays as long.
    head: Duration,
    /// For requests to end once the server stops.
    drain: Duration,
}

const PATIENCE: Patience = Patience { head: Duration::from_secs(10), drain: Duration::from_secs(20) };

/// Serves until `shutdown` resolves, then takes no more connections and gives the requests that are running 20 seconds.
///
/// Whoever resolves `shutdown` also cancels [`crate::app::AppState::stopping`], so that what waits answers at once.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    run(listener, router, shutdown, PATIENCE).await;
}

async fn run(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>, patience: Patience) {
    let builder = builder(patience.head);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(connection(&builder, &graceful, patience.head, stream, peer.ip(), router.clone()));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
    drop(listener);
    let open = graceful.count();
    if tokio::time::timeout(patience.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(open, "connections were cut that did not end in time");
    }
    connections.shutdown().await;
}

fn builder(head: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    builder
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection to its end.
fn connection(
    builder: &auto::Builder<TokioExecutor>,
    graceful: &GracefulShutdown,
    head: Duration,
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
) -> impl Future<Output = ()> + use<> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let begun = Arc::new(AtomicBool::new(false));
    let service = {
        let begun = Arc::clone(&begun);
        service_fn(move |request| {
            begun.store(true, Ordering::Relaxed);
            answer(router.clone(), peer, request)
        })
    };
    let serving = graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
    async move {
        // Nothing else bounds how long a client may take until it is clear which HTTP it speaks.
        let silent = async {
            tokio::time::sleep(head).await;
            if begun.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            result = serving => {
                if let Err(error) = result {
                    tracing::debug!(error, "a connection ended early");
                }
            }
            () = silent => {}
        }
    }
}

async fn answer(router: Router, peer: IpAddr, request: Request<Incoming>) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ClientAddress(peer));
    router.oneshot(request).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use std::{net::SocketAddr, time::Instant};

    use axum::{Extension, extract::State, routing};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        task::JoinHandle,
    };
    use tokio_util::sync::CancellationToken;

    use super::*;

    struct Running {
        address: SocketAddr,
        stop: CancellationToken,
        server: JoinHandle<()>,
    }

    /// A server whose `/wait` answers only when it stops, as a long poll does, and whose `/work` takes 300 ms.
    async fn start(patience: Patience) -> Running {
        let stop = CancellationToken::new();
        let router = Router::new()
            .route("/who", routing::get(async |Extension(client): Extension<ClientAddress>| client.0.to_string()))
            .route(
                "/work",
                routing::get(async || {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    "done"
                }),
            )
            .route(
                "/wait",
                routing::get(async |State(stop): State<CancellationToken>| {
                    stop.cancelled().await;
                    "nothing happened"
                }),
            )
            .with_state(stop.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = stop.clone();
        let server = tokio::spawn(run(listener, router, async move { stopped.cancelled().await }, patience));
        Running { address, stop, server }
    }

    async fn send(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn read(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    fn get(path: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    #[tokio::test]
    async fn handlers_know_the_clients_address() {
        let running = start(PATIENCE).await;
        let request = "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = read(send(running.address, request).await).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("127.0.0.1"), "{answer}");
    }

    #[tokio::test]
    async fn the_end_waits_for_what_is_running_and_wakes_what_waits() {
        let running = start(PATIENCE).await;
        let work = tokio::spawn(read(send(running.address, &get("/work")).await));
        let wait = tokio::spawn(read(send(running.address, &get("/wait")).await));
        let idle = tokio::spawn(read(send(running.address, &get("/who")).await));
        let silent = tokio::spawn(read(send(running.address, "").await));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        running.stop.cancel();
        running.server.await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "nothing was waited for in vain");
        assert!(work.await.unwrap().ends_with("done"));
        assert!(wait.await.unwrap().ends_with("nothing happened"));
        assert!(idle.await.unwrap().ends_with("127.0.0.1"));
        assert_eq!(silent.await.unwrap(), "");
        assert!(TcpStream::connect(running.address).await.is_err(), "no more connections are taken");
    }

    #[tokio::test]
    async fn heads_are_bounded() {
        let running = start(PATIENCE).await;
        let long = format!("GET /who HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "a".repeat(HEAD_BYTES as usize));
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        // The server may hang up before everything is written.
        let _ = stream.write_all(long.as_bytes()).await;
        let mut start = [0; 12];
        if stream.read_exact(&mut start).await.is_ok() {
            assert_eq!(&start, b"HTTP/1.1 431");
        }
        let many = format!("GET /who HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-Many: a\r\n".repeat(200));
        assert!(read(send(running.address, &many).await).await.starts_with("HTTP/1.1 431"));
    }

    #[tokio::test]
    async fn who_does_not_finish_a_head_is_hung_up_on() {
        let head = Duration::from_millis(300);
        let running = start(Patience { head, ..PATIENCE }).await;
        let started = Instant::now();
        // One says nothing, one leaves open which HTTP it speaks, one does not finish, one stays after its request.
        let streams = ["".to_owned(), "P".to_owned(), "GET /who HTTP/1.1\r\nHost:".to_owned(), get("/who")]
            .map(|start| tokio::spawn(async move { read(send(running.address, &start).await).await }));
        for stream in streams {
            stream.await.unwrap();
        }
        assert!(started.elapsed() >= head && started.elapsed() < PATIENCE.head, "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn the_end_does_not_wait_for_ever() {
        let running = start(Patience { drain: Duration::from_millis(50), ..PATIENCE }).await;
        let work = tokio::spawn(read(send(running.address, &get("/work")).await));
        tokio::time::sleep(Duration::from_millis(100)).await;
        running.stop.cancel();
        running.server.await.unwrap();
        assert_eq!(work.await.unwrap(), "", "cut off");
    }

    #[tokio::test]
    async fn http_2_is_spoken_on_the_same_port() {
        let running = start(PATIENCE).await;
        let stream = TokioIo::new(TcpStream::connect(running.address).await.unwrap());
        let (mut client, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = |path: &str| Request::get(format!("http://a{path}")).body(Body::empty()).unwrap();
        let work = client.send_request(request("/work"));
        let who = client.send_request(request("/who")).await.unwrap();
        assert_eq!((who.status().as_u16(), who.version()), (200, axum::http::Version::HTTP_2));
        running.stop.cancel();
        assert_eq!(work.await.unwrap().status(), 200, "what was running ends");
        drop(client);
        connection.await.unwrap().unwrap();
        running.server.await.unwrap();
    }
}
