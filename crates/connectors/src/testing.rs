//! A threat feed to test against: the Mobile Risk API v2 on a port of this machine, well-behaved or not, by script.
//!
//! Must not know the client: it speaks HTTP like the vendor's server does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fake for tests stops at the first surprise")]

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

/// What the feed does with one request for the stream. After the script it serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Behaviour {
    /// Sends everything after the position, then what is pushed, with heartbeats, for as long as the client stays.
    Serve,
    /// Sends so many messages and half of the next one, then cuts the connection.
    CutInside(usize),
    /// Sends so many messages, then ends the answer without a word.
    Close(usize),
    /// Sends so many messages, then asks to connect again, after so long where given.
    Reconnect(usize, Option<Duration>),
    /// Sends so many messages, then ends the stream in good order.
    End(usize),
    /// Sends so many messages, then nothing more, not even heartbeats.
    Silence(usize),
    /// Sends so many events again that were sent before the position, then goes on as usual.
    Replay(usize),
    /// Answers with a web page, as a network's sign-in page does.
    Page,
    /// Answers with this status and, where given, `Retry-After`.
    Refuse(u16, Option<String>),
}

/// One request for the stream as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When it came.
    pub at: Instant,
    /// The position to resume after.
    pub id: Option<String>,
    /// The time to start from.
    pub start_time: Option<String>,
    /// The types of events.
    pub types: Option<String>,
    /// The status of the answer.
    pub status: u16,
}

/// How the feed is set up.
#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// Between two heartbeats. Default 20 ms.
    pub heartbeat: Duration,
    /// Events in one server-sent event. Default 1.
    pub events_per_message: usize,
    /// What is said about the lifetime of tokens, in seconds. Default 1,799.
    pub token_seconds: u64,
    /// Whether server-sent events have an id. Default yes.
    pub message_ids: bool,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self { heartbeat: Duration::from_millis(20), events_per_message: 1, token_seconds: 1_799, message_ids: true }
    }
}

/// A running feed; stops when dropped.
#[derive(Debug)]
pub struct FakeFeed {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    options: FeedOptions,
    inner: Mutex<Inner>,
    /// How many events there are, for the streams that wait for more.
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Inner {
    events: Vec<Value>,
    script: VecDeque<Behaviour>,
    tokens: Vec<String>,
    tokens_issued: usize,
    token_requests: Vec<Instant>,
    asked: Vec<Asked>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeFeed {
    /// The application key that gives access.
    pub const KEY: &'static str = "fake-application-key";

    /// Starts a feed on a free port of 127.0.0.1 that has these events, oldest first.
    pub async fn start(events: Vec<Value>) -> io::Result<Self> {
        Self::start_with(events, FeedOptions::default()).await
    }

    /// The same with options.
    pub async fn start_with(events: Vec<Value>, options: FeedOptions) -> io::Result<Self> {
        let (count, _) = watch::channel(events.len());
        let shared = Arc::new(Shared { options, inner: Mutex::new(Inner { events, ..Inner::default() }), count });
        let app = Router::new()
            .route("/oauth2/token", post(token))
            .route("/mra/stream/v2/events", get(events_stream))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("serving never ends") });
        Ok(Self { url, shared, server })
    }

    /// The base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Adds what the next requests for the stream will meet, one behaviour each.
    pub fn script(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.lock().script.extend(behaviours);
    }

    /// Adds events, which open streams send at once.
    pub fn push(&self, events: impl IntoIterator<Item = Value>) {
        let mut inner = self.shared.lock();
        inner.events.extend(events);
        self.shared.count.send_replace(inner.events.len());
    }

    /// Makes every token handed out so far invalid.
    pub fn revoke_tokens(&self) {
        self.shared.lock().tokens.clear();
    }

    /// Every request for the stream so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.lock().asked.clone()
    }

    /// When each request for a token came.
    pub fn token_requests(&self) -> Vec<Instant> {
        self.shared.lock().token_requests.clone()
    }
}

impl Drop for FakeFeed {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let mut inner = shared.lock();
    inner.token_requests.push(Instant::now());
    if bearer(&headers) != Some(FakeFeed::KEY) || body != "grant_type=client_credentials" {
        let answer = json!({"error": "invalid_client", "error_description": "the application key is not valid"});
        return (StatusCode::UNAUTHORIZED, Json(answer)).into_response();
    }
    inner.tokens_issued += 1;
    let token = format!("token-{}", inner.tokens_issued);
    inner.tokens.push(token.clone());
    Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": shared.options.token_seconds}))
        .into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn events_stream(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let (behaviour, from) = {
        let mut inner = shared.lock();
        let is_known = bearer(&headers).is_some_and(|token| inner.tokens.iter().any(|known| known == token));
        let behaviour =
            if is_known { inner.script.pop_front().unwrap_or(Behaviour::Serve) } else { Behaviour::Refuse(401, None) };
        let status = if let Behaviour::Refuse(status, _) = &behaviour { *status } else { 200 };
        inner.asked.push(Asked {
            at: Instant::now(),
            id: query.get("id").cloned(),
            start_time: query.get("start_time").cloned(),
            types: query.get("types").cloned(),
            status,
        });
        let position = query.get("id").and_then(|id| inner.events.iter().position(|event| event["id"] == **id));
        (behaviour, position.map_or(0, |position| position + 1))
    };
    if let Behaviour::Refuse(status, retry_after) = behaviour {
        let status = StatusCode::from_u16(status).expect("a script names real statuses");
        let headers =
            retry_after.map(|value| (header::RETRY_AFTER, value.parse().expect("a script names header values")));
        return (status, HeaderMap::from_iter(headers), "refused by the script").into_response();
    }
    if behaviour == Behaviour::Page {
        return axum::response::Html("<h1>Sign in to the network</h1>").into_response();
    }
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(write(shared, behaviour, from, sender));
    let pieces = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)));
    ([(header::CONTENT_TYPE, "text/event-stream;charset=utf-8")], Body::from_stream(pieces)).into_response()
}

type Pieces = mpsc::Sender<io::Result<String>>;

/// Writes a stream until the script or the client ends it.
async fn write(shared: Arc<Shared>, behaviour: Behaviour, from: usize, pieces: Pieces) -> Option<()> {
    let send = async |text: String| pieces.send(Ok(text)).await.ok();
    let mut count = shared.count.subscribe();
    let mut next = if let Behaviour::Replay(again) = behaviour { from.saturating_sub(again) } else { from };
    let mut messages = 0;
    send("event:heartbeat\ndata:{}\n\n".to_owned()).await?;
    loop {
        match behaviour {
            Behaviour::Close(after) if messages == after => return None,
            Behaviour::Reconnect(after, retry) if messages == after => {
                let retry = retry.map(|retry| format!("retry:{}\n", retry.as_millis())).unwrap_or_default();
                send(format!("event:reconnect\n{retry}\n")).await?;
                // The client is expected to leave.
                pieces.closed().await;
                return None;
            }
            Behaviour::End(after) if messages == after => {
                send("event:end\ndata:{}\n\n".to_owned()).await?;
                pieces.closed().await;
                return None;
            }
            Behaviour::Silence(after) if messages == after => {
                pieces.closed().await;
                return None;
            }
            _ => {}
        }
        let events: Vec<Value> = {
            let inner = shared.lock();
            inner.events.iter().skip(next).take(shared.options.events_per_message).cloned().collect()
        };
        if events.is_empty() {
            let more = async { count.wait_for(|count| *count > next).await.map(drop) };
            if timeout(shared.options.heartbeat, more).await.is_err() {
                send("event:heartbeat\ndata:{}\n\n".to_owned()).await?;
            }
            continue;
        }
        next += events.len();
        let text = message(&events, messages, shared.options.message_ids);
        if behaviour == Behaviour::CutInside(messages) {
            let half = text.floor_char_boundary(text.len() / 2);
            send(text.get(..half).unwrap_or_default().to_owned()).await?;
            pieces.send(Err(io::Error::other("cut by the script"))).await.ok()?;
            return None;
        }
        messages += 1;
        send(text).await?;
    }
}

/// A server-sent event, in each of the shapes in turn that data may have.
fn message(events: &[Value], number: usize, with_id: bool) -> String {
    let data = match (number % 3, events) {
        (0, [event]) => event.to_string(),
        (1, events) => json!(events).to_string(),
        (_, events) => json!({"events": events}).to_string(),
    };
    let id = events.last().and_then(|event| event["id"].as_str()).filter(|_| with_id);
    let id = id.map(|id| format!("id:{id}\n")).unwrap_or_default();
    format!("{id}event:events\ndata:{data}\n\n")
}
