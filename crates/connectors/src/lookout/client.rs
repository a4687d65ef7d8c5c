//! Keeps a stream of events open and hands them on, in order, each with the position to resume from.
//!
//! Level-triggered: whatever goes wrong (the network, the feed, the sink), the stream is dropped and opened again from
//! the position the sink saved last. So an event may be delivered twice, but none is passed over. The one place where
//! events can be missing is a position the feed no longer knows; that is said as [`FeedState::PositionLost`].
//!
//! Must not know what an event means, nor how the sink keeps it.

use std::{error::Error as StdError, future::Future, time::Duration};

use allclear_domain::{
    detection::SourceEvent,
    time::{Span, Time},
};
use allclear_guard::{GuardedClient, Refused, http_date, read_body, retry_after, words};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderValue},
};
use tokio::time::{Instant, sleep, timeout};

use super::{
    answer,
    config::LookoutConfig,
    map::SOURCE,
    pace::{Pace, jittered},
    sse::{Message, Parser},
};
use crate::feed::{FeedState, Sink, SinkError};

/// How far back the feed goes, less an hour for clocks that differ.
const OLDEST: Span = Span::seconds(10 * 86_400 - 3_600);
/// The longest wait a feed may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// The most read of an answer that is not a stream, in bytes.
const ANSWER: usize = 64 * 1024;

/// Reads the feed until `shutdown` is ready. Returns at once then, also in the middle of a delivery, which the sink
/// finishes or not; the next run begins where the saved position says.
pub async fn run<S: Sink>(
    config: LookoutConfig,
    http: GuardedClient,
    sink: S,
    shutdown: impl Future<Output = ()> + Send,
) {
    let mut feed = Feed {
        pace: Pace::new(config.limits.pace, config.limits.pace_span),
        config,
        http,
        sink: &sink,
        token: None,
        failures: 0,
        refused: None,
    };
    tokio::select! {
        biased;
        () = shutdown => {}
        () = feed.read_forever() => {}
    }
    sink.health(FeedState::Stopped);
}

struct Feed<'a, S> {
    config: LookoutConfig,
    http: GuardedClient,
    sink: &'a S,
    pace: Pace,
    token: Option<Token>,
    /// How often in a row no stream could be opened or none brought anything.
    failures: u32,
    /// A position the feed refused, and the time to start from instead.
    refused: Option<(String, Option<Time>)>,
}

struct Token {
    authorization: HeaderValue,
    renew_at: Instant,
}

/// Why a stream ended, or was not opened.
enum Ended {
    /// In good order; the feed may say how long to wait.
    Resume(Option<Duration>),
    Failed(String),
    Unauthorised(String),
    /// The feed answered with a status that means later.
    Later {
        why: String,
        status: StatusCode,
        retry_after: Option<Duration>,
    },
    PositionLost,
}

impl Ended {
    fn failed(what: &str, error: &(dyn StdError + 'static)) -> Self {
        Ended::Failed(format!("{what}: {}", words(error)))
    }
}

impl From<SinkError> for Ended {
    fn from(error: SinkError) -> Self {
        Self::failed("storing", &error)
    }
}

impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Self::failed("the address is refused", &refused)
    }
}

impl<S: Sink> Feed<'_, S> {
    async fn read_forever(&mut self) {
        loop {
            self.sink.health(FeedState::Connecting);
            let ended = match self.open().await {
                Ok(stream) => self.follow(stream).await,
                Err(ended) => ended,
            };
            let wait = self.wait_after(ended);
            sleep(wait).await;
        }
    }

    /// Says how the stream ended and how long to wait before the next.
    fn wait_after(&mut self, ended: Ended) -> Duration {
        let (min, max) = (self.config.limits.backoff_min, self.config.limits.backoff_max);
        if !matches!(ended, Ended::Resume(_) | Ended::PositionLost) {
            self.failures = self.failures.saturating_add(1);
            metrics::counter!("allclear_feed_failures_total", "source" => SOURCE).increment(1);
        }
        let backoff = jittered(min, max, self.failures);
        let (state, wait) = match ended {
            Ended::Resume(retry) => (FeedState::Resuming, retry.unwrap_or(backoff).min(max)),
            Ended::PositionLost => return backoff,
            Ended::Failed(why) => (FeedState::Reconnecting { why, attempt: self.failures, retry_in: backoff }, backoff),
            Ended::Unauthorised(why) => (FeedState::Unauthorised { why, retry_in: backoff }, backoff),
            Ended::Later { why, status, retry_after } => {
                let wait = retry_after.unwrap_or_default().clamp(backoff, RETRY_AFTER_MAX.max(backoff));
                if status == StatusCode::TOO_MANY_REQUESTS {
                    (FeedState::RateLimited { retry_in: wait }, wait)
                } else {
                    (FeedState::Reconnecting { why, attempt: self.failures, retry_in: wait }, wait)
                }
            }
        };
        if state == FeedState::Resuming {
            tracing::debug!(feed.source = SOURCE, "feed ended the stream in good order");
        } else {
            tracing::warn!(feed.source = SOURCE, feed.state = ?state, "feed disconnected");
        }
        self.sink.health(state);
        wait
    }

    /// Opens a stream at the sink's position.
    async fn open(&mut self) -> Result<Response, Ended> {
        let position = self.sink.position().await?;
        let url = self.stream_url(position.as_deref())?;
        let mut response = self.ask(&url).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            // The token has ended early or was revoked.
            self.token = None;
            response = self.ask(&url).await?;
        }
        let status = response.status();
        if status.is_success() {
            return if answer::is_event_stream(response.headers()) {
                Ok(response)
            } else {
                Err(Ended::Failed("the feed did not answer with an event stream".to_owned()))
            };
        }
        if let Some(position) = position.filter(|position| self.refuses_position(status, position)) {
            // By the feed's own clock; without it, from wherever it begins by itself.
            let start = http_date(response.headers(), &DATE).map(|now| Time::from(now).minus(OLDEST));
            let why = self.explain(response).await;
            tracing::warn!(
                feed.source = SOURCE,
                feed.position = position,
                feed.answer = why,
                "feed refuses the position"
            );
            self.sink.health(FeedState::PositionLost { position: position.clone(), why });
            self.refused = Some((position, start));
            return Err(Ended::PositionLost);
        }
        Err(self.declined(response).await)
    }

    /// Whether an answer can mean that the feed does not know the position, and it has not been given up yet.
    fn refuses_position(&self, status: StatusCode, position: &str) -> bool {
        let speaks_of_it = matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::UNPROCESSABLE_ENTITY
        );
        speaks_of_it && self.refused.as_ref().is_none_or(|(refused, _)| refused != position)
    }

    fn stream_url(&self, position: Option<&str>) -> Result<Url, Ended> {
        let mut url = self.url(&["mra", "stream", "v2", "events"])?;
        let (id, start) = match (position, &self.refused) {
            (Some(position), Some((refused, start))) if position == refused => (None, *start),
            (Some(position), _) => (Some(position), None),
            (None, _) => (None, self.config.start),
        };
        let mut query = url.query_pairs_mut();
        if !self.config.types.is_empty() {
            query.append_pair("types", &self.config.types.join(","));
        }
        if let Some(id) = id {
            query.append_pair("id", id);
        }
        if let Some(start) = start {
            query.append_pair("start_time", &start.to_string());
        }
        drop(query);
        Ok(url)
    }

    fn url(&self, path: &[&str]) -> Result<Url, Ended> {
        let mut url = self.config.base_url.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(Ended::Failed("the base URL cannot have a path".to_owned())),
        };
        Ok(url)
    }

    /// Asks for the stream, with a token that still holds; the answer may be anything.
    async fn ask(&mut self, url: &Url) -> Result<Response, Ended> {
        let authorization = self.token().await?;
        let request = self.http.request(Method::GET, url.clone())?;
        let request = request
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "text/event-stream")
            .header(CACHE_CONTROL, "no-cache");
        self.send("opening the stream", request).await
    }

    /// The token, or a new one if it is about to end.
    async fn token(&mut self) -> Result<HeaderValue, Ended> {
        if let Some(token) = self.token.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.authorization.clone());
        }
        let request = self.http.request(Method::POST, self.url(&["oauth2", "token"])?)?;
        let key = answer::bearer(&self.config.application_key.0)
            .ok_or_else(|| Ended::Unauthorised("the application key has characters no key has".to_owned()))?;
        let request = request
            .header(AUTHORIZATION, key)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .timeout(self.config.limits.request)
            .body("grant_type=client_credentials");
        let asked_at = Instant::now();
        let response = self.send("asking for a token", request).await?;
        if !response.status().is_success() {
            // A wrong key is a bad request to some authorisation servers.
            let is_wrong_key = response.status() == StatusCode::BAD_REQUEST;
            return Err(match self.declined(response).await {
                Ended::Failed(why) if is_wrong_key => Ended::Unauthorised(why),
                ended => ended,
            });
        }
        let body = read_body(response, ANSWER).await.map_err(|error| Ended::failed("reading the token", &error))?;
        let (authorization, lifetime) =
            answer::token(&body).ok_or_else(|| Ended::Failed("the answer is not a token".to_owned()))?;
        let renew_at = asked_at + lifetime - self.config.limits.token_margin.min(lifetime / 2);
        self.token = Some(Token { authorization: authorization.clone(), renew_at });
        Ok(authorization)
    }

    async fn send(&mut self, what: &str, request: RequestBuilder) -> Result<Response, Ended> {
        self.pace.wait().await;
        match timeout(self.config.limits.request, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Ended::failed(what, &error)),
            Err(_) => Err(Ended::Failed(format!("{what}: no answer"))),
        }
    }

    /// What an answer other than success means.
    async fn declined(&self, response: Response) -> Ended {
        let status = response.status();
        let retry_after = retry_after(response.headers(), None);
        let why = self.explain(response).await;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ended::Unauthorised(why),
            status if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                Ended::Later { why, status, retry_after }
            }
            _ => Ended::Failed(why),
        }
    }

    /// The status and the beginning of the answer, for people.
    async fn explain(&self, response: Response) -> String {
        let status = response.status();
        let body = timeout(self.config.limits.request, read_body(response, ANSWER)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        answer::explain(status, &body)
    }

    /// Hands on what the stream brings until it ends.
    async fn follow(&mut self, mut stream: Response) -> Ended {
        let mut parser = Parser::new(self.config.limits.message);
        let mut messages = Vec::new();
        let mut is_connected = false;
        loop {
            let piece = match timeout(self.config.limits.silence, stream.chunk()).await {
                Err(_) => return Ended::Failed("neither an event nor a heartbeat came".to_owned()),
                Ok(Err(error)) => return Ended::failed("the stream broke off", &error),
                Ok(Ok(None)) => return Ended::Failed("the feed closed the stream".to_owned()),
                Ok(Ok(Some(piece))) => piece,
            };
            parser.push(&piece, &mut messages);
            if !messages.is_empty() && !std::mem::replace(&mut is_connected, true) {
                self.failures = 0;
                tracing::info!(feed.source = SOURCE, "feed connected");
                self.sink.health(FeedState::Connected);
            }
            match self.hand_on(messages.drain(..)).await {
                Ok(None) => {}
                Ok(Some(ended)) | Err(ended) => return ended,
            }
        }
    }

    /// Delivers the events of these messages; `Some` when the feed says that the stream ends here.
    async fn hand_on(&self, messages: impl Iterator<Item = Message>) -> Result<Option<Ended>, Ended> {
        let mut batch = Batch::default();
        let mut ended = None;
        for message in messages {
            match message.event.as_str() {
                "heartbeat" => continue,
                "reconnect" | "end" => {
                    ended = Some(Ended::Resume(message.retry));
                    break;
                }
                _ => {}
            }
            let (events, position) = answer::read(&message);
            for event in events {
                if batch.events.len() >= self.config.limits.batch {
                    self.deliver(&mut batch).await?;
                }
                batch.events.push(event);
            }
            // Only now: until its last event is delivered, the whole message has to come again.
            batch.position = position.or(batch.position.take());
        }
        self.deliver(&mut batch).await?;
        Ok(ended)
    }

    async fn deliver(&self, batch: &mut Batch) -> Result<(), Ended> {
        let Batch { events, position } = std::mem::take(batch);
        if events.is_empty() && position.is_none() {
            return Ok(());
        }
        let count = events.len() as u64;
        let unmapped = events.iter().filter(|event| matches!(event, SourceEvent::Unmapped(_))).count() as u64;
        self.sink.deliver(events, position).await?;
        metrics::counter!("allclear_feed_events_total", "source" => SOURCE).increment(count);
        metrics::counter!("allclear_feed_unmapped_total", "source" => SOURCE).increment(unmapped);
        Ok(())
    }
}

/// Events not delivered yet, and the position after those of them whose message is complete.
#[derive(Default)]
struct Batch {
    events: Vec<SourceEvent>,
    position: Option<String>,
}
