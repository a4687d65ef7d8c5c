//! The client against a feed that misbehaves: nothing is lost, the order is kept, every position is durable.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use allclear_connectors::{
    lookout::{ApplicationKey, FeedState, Limits, LookoutConfig, Sink, SinkError, run},
    testing::{Behaviour, FakeFeed, FeedOptions},
};
use allclear_domain::detection::SourceEvent;
use allclear_guard::{GuardOptions, GuardedClient};
use serde_json::{Value, json};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn id(n: usize) -> String {
    format!("0195b1c0-0000-7000-8000-{n:012}")
}

fn event(n: usize) -> Value {
    json!({
        "id": id(n), "created_time": "2026-03-02T08:00:00.000+00:00", "type": "THREAT", "change_type": "CREATED",
        "threat": {"guid": format!("threat-{n}"), "status": "OPEN", "severity": "LOW", "type": "APPLICATION",
                   "classifications": ["RISKWARE"], "details": {"application_name": "Fährplan 🚋"}},
        "actor": {"guid": "device-1", "type": "DEVICE"}, "target": {"guid": "device-1", "type": "THREAT"}
    })
}

fn events(numbers: std::ops::Range<usize>) -> Vec<Value> {
    numbers.map(event).collect()
}

/// A database in memory, which commits events and position together.
#[derive(Debug)]
struct Memory {
    kept: watch::Sender<Kept>,
    failures: Mutex<Failures>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    /// Each delivery: the events' ids, the position that came with it, when.
    batches: Vec<(Vec<String>, Option<String>)>,
    position: Option<String>,
    unmapped: Vec<String>,
    states: Vec<FeedState>,
}

/// How often the next calls fail.
#[derive(Debug, Default)]
struct Failures {
    position: usize,
    deliver: usize,
}

impl Kept {
    /// Every event in the order it came.
    fn ids(&self) -> Vec<String> {
        self.batches.iter().flat_map(|(ids, _)| ids.clone()).collect()
    }

    /// The same, each event where it came first.
    fn distinct(&self) -> Vec<String> {
        let mut seen = Vec::new();
        for id in self.ids() {
            if !seen.contains(&id) {
                seen.push(id);
            }
        }
        seen
    }

    fn has(&self, state: impl Fn(&FeedState) -> bool) -> bool {
        self.states.iter().any(state)
    }
}

impl Memory {
    fn new() -> Arc<Self> {
        Arc::new(Self { kept: watch::Sender::default(), failures: Mutex::default() })
    }

    fn kept(&self) -> Kept {
        self.kept.borrow().clone()
    }

    /// Waits until what is kept is as wanted.
    async fn until(&self, wanted: impl Fn(&Kept) -> bool) -> Kept {
        let mut receiver = self.kept.subscribe();
        let waited = timeout(PATIENCE, receiver.wait_for(|kept| wanted(kept))).await;
        let Ok(kept) = waited else { panic!("in vain: {:#?}", self.kept()) };
        kept.unwrap().clone()
    }

    async fn until_events(&self, count: usize) -> Kept {
        self.until(|kept| kept.distinct().len() >= count).await
    }
}

fn fails(count: &mut usize) -> Result<(), SinkError> {
    if *count > 0 {
        *count -= 1;
        return Err(SinkError::new("the disk is full"));
    }
    Ok(())
}

impl Sink for Memory {
    async fn position(&self) -> Result<Option<String>, SinkError> {
        fails(&mut self.failures.lock().unwrap().position)?;
        Ok(self.kept().position)
    }

    async fn deliver(&self, events: Vec<SourceEvent>, position: Option<String>) -> Result<(), SinkError> {
        fails(&mut self.failures.lock().unwrap().deliver)?;
        // As a commit would, so that requests and deliveries overlap.
        tokio::task::yield_now().await;
        self.kept.send_modify(|kept| {
            let mut ids = Vec::new();
            for event in events {
                match event {
                    SourceEvent::Detection(detection) => ids.push(detection.event_id),
                    SourceEvent::Unmapped(unmapped) => kept.unmapped.push(unmapped.reason),
                    other => panic!("not sent by these tests: {other:?}"),
                }
            }
            kept.position = position.clone().or(kept.position.take());
            kept.batches.push((ids, position));
        });
        Ok(())
    }

    fn health(&self, state: FeedState) {
        self.kept.send_modify(|kept| kept.states.push(state));
    }
}

/// A running client; stops when told or dropped.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        timeout(PATIENCE, &mut self.task).await.unwrap().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn config(feed: &FakeFeed) -> LookoutConfig {
    LookoutConfig {
        limits: Limits {
            silence: Duration::from_secs(5),
            backoff_min: Duration::from_millis(1),
            backoff_max: Duration::from_millis(20),
            ..Limits::default()
        },
        ..LookoutConfig::new(feed.url().parse().unwrap(), ApplicationKey::new(FakeFeed::KEY))
    }
}

fn start(config: LookoutConfig, sink: &Arc<Memory>) -> Running {
    let options = GuardOptions { allow: "127.0.0.1".parse().unwrap(), ..GuardOptions::default() };
    let (stop, stopped) = oneshot::channel();
    let http = GuardedClient::new(options).unwrap();
    let task = tokio::spawn(run(config, http, Arc::clone(sink), async move {
        stopped.await.ok();
    }));
    Running { stop: Some(stop), task }
}

fn all_ids(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(id).collect()
}

#[tokio::test]
async fn old_and_new_events_arrive_in_order_with_their_positions() {
    let feed = FakeFeed::start(events(0..10)).await.unwrap();
    let sink = Memory::new();
    let running = start(config(&feed), &sink);
    sink.until_events(10).await;
    feed.push(events(10..13));
    let kept = sink.until_events(13).await;
    assert_eq!(kept.ids(), all_ids(0..13), "once each");
    for (ids, position) in &kept.batches {
        assert_eq!(ids.last(), position.as_ref(), "the position is saved with the event");
    }
    assert_eq!(kept.states[..2], [FeedState::Connecting, FeedState::Connected]);
    let asked = feed.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].types.as_deref(), Some("THREAT,DEVICE,AUDIT,SMISHING_ALERT"));
    assert_eq!((&asked[0].id, &asked[0].start_time), (&None, &None));

    running.stop().await;
    assert_eq!(sink.kept().states.last(), Some(&FeedState::Stopped));
    // Another process later.
    feed.push(events(13..15));
    let _running = start(config(&feed), &sink);
    assert_eq!(sink.until_events(15).await.ids(), all_ids(0..15));
    assert_eq!(feed.asked()[1].id, Some(id(12)));
}

#[tokio::test]
async fn the_first_start_is_where_the_configuration_says() {
    let feed = FakeFeed::start(events(0..1)).await.unwrap();
    let sink = Memory::new();
    let start_time = "2026-03-01T00:00:00Z";
    let config =
        LookoutConfig { types: vec!["THREAT".to_owned()], start: Some(start_time.parse().unwrap()), ..config(&feed) };
    feed.script([Behaviour::Close(1)]);
    let _running = start(config, &sink);
    sink.until(|kept| kept.states.iter().filter(|state| **state == FeedState::Connected).count() == 2).await;
    let asked = feed.asked();
    assert_eq!((&asked[0].id, asked[0].start_time.as_deref()), (&None, Some(start_time)));
    assert_eq!((&asked[1].id, &asked[1].start_time), (&Some(id(0)), &None), "later the position decides");
    assert_eq!(asked[1].types.as_deref(), Some("THREAT"));
}

#[tokio::test]
async fn a_wrong_key_is_said_and_tried_again() {
    let feed = FakeFeed::start(events(0..1)).await.unwrap();
    let sink = Memory::new();
    let config = LookoutConfig { application_key: ApplicationKey::new("wrong"), ..config(&feed) };
    let _running = start(config, &sink);
    let refused =
        |state: &&FeedState| matches!(state, FeedState::Unauthorised { why, .. } if why.contains("not valid"));
    let kept = sink.until(|kept| kept.states.iter().filter(refused).count() >= 2).await;
    assert!(feed.asked().is_empty() && kept.batches.is_empty());
    assert!(!format!("{:?}", kept.states).contains("wrong"), "no secret in what people read");
}

#[tokio::test]
async fn a_key_that_is_no_header_is_wrong() {
    let feed = FakeFeed::start(Vec::new()).await.unwrap();
    let sink = Memory::new();
    let config = LookoutConfig { application_key: ApplicationKey::new("two\nlines"), ..config(&feed) };
    let _running = start(config, &sink);
    sink.until(|kept| kept.has(|state| matches!(state, FeedState::Unauthorised { .. }))).await;
    assert!(feed.token_requests().is_empty());
}

#[tokio::test]
async fn a_revoked_token_is_replaced_at_once() {
    let feed = FakeFeed::start(events(0..2)).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::CutInside(1), Behaviour::Refuse(401, None)]);
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(2).await;
    let statuses: Vec<_> = feed.asked().iter().map(|asked| asked.status).collect();
    assert_eq!(statuses, [200, 401, 200]);
    assert_eq!(feed.token_requests().len(), 2);
    assert!(!kept.has(|state| matches!(state, FeedState::Unauthorised { .. })), "nothing to worry about");
}

#[tokio::test]
async fn access_withdrawn_is_said_and_mended_by_itself() {
    let feed = FakeFeed::start(events(0..1)).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::Refuse(403, None), Behaviour::Refuse(401, None), Behaviour::Refuse(401, None)]);
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(1).await;
    let count = kept.states.iter().filter(|state| matches!(state, FeedState::Unauthorised { .. })).count();
    assert_eq!(count, 2, "once for 403, once for a new token that is refused like the old one");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let options = FeedOptions { token_seconds: 2, ..FeedOptions::default() };
    let feed = FakeFeed::start_with(events(0..2), options).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::Close(1)]);
    let config = config(&feed);
    // The second connection comes after half of the lifetime, the margin being longer than that.
    let wait = Duration::from_millis(1_100);
    let config = LookoutConfig { limits: Limits { backoff_min: wait, backoff_max: wait, ..config.limits }, ..config };
    let _running = start(config, &sink);
    sink.until_events(2).await;
    assert_eq!(feed.token_requests().len(), 2);
    assert!(feed.asked().iter().all(|asked| asked.status == 200));
}

#[tokio::test]
async fn a_token_is_used_again_while_it_holds() {
    let feed = FakeFeed::start(events(0..4)).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::Close(1), Behaviour::Close(1), Behaviour::Close(1)]);
    let _running = start(config(&feed), &sink);
    sink.until_events(4).await;
    assert_eq!((feed.asked().len(), feed.token_requests().len()), (4, 1));
}

#[tokio::test]
async fn a_connection_cut_inside_an_event_loses_nothing() {
    let feed = FakeFeed::start(events(0..12)).await.unwrap();
    let sink = Memory::new();
    feed.script([0, 3, 1, 0, 2].map(Behaviour::CutInside));
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(12).await;
    assert_eq!(kept.ids(), all_ids(0..12));
    let asked: Vec<_> = feed.asked().into_iter().map(|asked| asked.id).collect();
    assert_eq!(asked, [None, None, Some(id(2)), Some(id(3)), Some(id(3)), Some(id(5))]);
    assert!(kept.has(|state| matches!(state, FeedState::Reconnecting { why, .. } if why.contains("broke off"))));
}

#[tokio::test]
async fn failures_in_a_row_are_counted_until_the_stream_is_back() {
    let feed = FakeFeed::start(events(0..1)).await.unwrap();
    let sink = Memory::new();
    feed.script([500, 404, 302].map(|status| Behaviour::Refuse(status, None)));
    feed.script([Behaviour::Close(0)]);
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(1).await;
    let attempts: Vec<_> = kept
        .states
        .iter()
        .filter_map(
            |state| if let FeedState::Reconnecting { why, attempt, .. } = state { Some((*attempt, why)) } else { None },
        )
        .collect();
    let numbers: Vec<_> = attempts.iter().map(|(attempt, _)| *attempt).collect();
    assert_eq!(numbers, [1, 2, 3, 1], "{attempts:?}");
    assert_eq!(attempts[0].1, "the feed answered 500 Internal Server Error: refused by the script");
    assert_eq!(attempts[3].1, "the feed closed the stream");
}

#[tokio::test]
async fn events_sent_again_come_in_order_behind_the_position() {
    let feed = FakeFeed::start(events(0..8)).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::Close(5), Behaviour::Replay(3)]);
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(8).await;
    let mut expected = all_ids(0..5);
    expected.extend(all_ids(2..8));
    assert_eq!(kept.ids(), expected);
    assert_eq!(kept.distinct(), all_ids(0..8));
    assert_eq!(kept.position, Some(id(7)));
}

#[tokio::test]
async fn reconnect_and_end_are_in_good_order() {
    let feed = FakeFeed::start(events(0..6)).await.unwrap();
    let sink = Memory::new();
    let retry = Duration::from_millis(600);
    feed.script([Behaviour::Reconnect(2, Some(retry)), Behaviour::Reconnect(1, None), Behaviour::End(1)]);
    let config = config(&feed);
    let limits = Limits { backoff_max: 2 * retry, ..config.limits };
    let _running = start(LookoutConfig { limits, ..config }, &sink);
    let kept = sink.until_events(6).await;
    assert_eq!(kept.ids(), all_ids(0..6));
    assert_eq!(kept.states.iter().filter(|state| **state == FeedState::Resuming).count(), 3);
    assert!(!kept.has(|state| matches!(state, FeedState::Reconnecting { .. })));
    let asked = feed.asked();
    assert!(asked[1].at - asked[0].at >= retry, "as long as the feed asks for");
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let feed = FakeFeed::start(events(0..1)).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::Refuse(429, Some("1".to_owned())), Behaviour::Refuse(503, Some("1".to_owned()))]);
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(1).await;
    let second = Duration::from_secs(1);
    for pair in feed.asked().windows(2) {
        assert!(pair[1].at - pair[0].at >= second);
    }
    assert!(kept.states.contains(&FeedState::RateLimited { retry_in: second }));
    assert!(kept.has(|state| matches!(state, FeedState::Reconnecting { retry_in, .. } if *retry_in == second)));
}

#[tokio::test]
async fn silence_is_noticed() {
    let feed = FakeFeed::start(events(0..3)).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::Silence(1)]);
    let config = config(&feed);
    let silence = Duration::from_millis(300);
    let _running = start(LookoutConfig { limits: Limits { silence, ..config.limits }, ..config }, &sink);
    let kept = sink.until_events(3).await;
    assert_eq!(kept.ids(), all_ids(0..3));
    let asked = feed.asked();
    assert!(asked[1].at - asked[0].at >= silence);
    assert!(kept.has(|state| matches!(state, FeedState::Reconnecting { why, .. } if why.contains("heartbeat"))));
}

#[tokio::test]
async fn heartbeats_keep_a_quiet_stream() {
    let feed = FakeFeed::start(events(0..1)).await.unwrap();
    let sink = Memory::new();
    let config = config(&feed);
    let silence = Duration::from_secs(2);
    let _running = start(LookoutConfig { limits: Limits { silence, ..config.limits }, ..config }, &sink);
    sink.until_events(1).await;
    tokio::time::sleep(silence + silence / 4).await;
    feed.push(events(1..2));
    sink.until_events(2).await;
    assert_eq!(feed.asked().len(), 1, "still the same stream");
}

#[tokio::test]
async fn what_could_not_be_stored_comes_again() {
    let feed = FakeFeed::start(events(0..5)).await.unwrap();
    let sink = Memory::new();
    *sink.failures.lock().unwrap() = Failures { position: 2, deliver: 2 };
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(5).await;
    assert_eq!(kept.ids(), all_ids(0..5), "nothing of a failed delivery counts");
    let asked: Vec<_> = feed.asked().into_iter().map(|asked| asked.id).collect();
    assert_eq!(asked, [None, None, None], "nothing was asked for until the position was known");
    let stored =
        |state: &FeedState| matches!(state, FeedState::Reconnecting { why, .. } if why.contains("the disk is full"));
    assert!(kept.has(stored));
}

#[tokio::test]
async fn batches_are_bounded_and_a_position_never_runs_ahead() {
    let options = FeedOptions { events_per_message: 10, ..FeedOptions::default() };
    let feed = FakeFeed::start_with(events(0..25), options).await.unwrap();
    let sink = Memory::new();
    let config = config(&feed);
    let _running = start(LookoutConfig { limits: Limits { batch: 4, ..config.limits }, ..config }, &sink);
    let kept = sink.until(|kept| kept.position == Some(id(24))).await;
    assert_eq!(kept.ids(), all_ids(0..25));
    let mut delivered = 0;
    for (ids, position) in &kept.batches {
        assert!(ids.len() <= 4);
        delivered += ids.len();
        let complete = if delivered == 25 { 25 } else { delivered / 10 * 10 };
        if let Some(position) = position {
            assert_eq!(*position, id(complete - 1), "the end of a whole message");
        }
    }
}

#[tokio::test]
async fn a_feed_without_message_ids_is_resumed_by_its_events_ids() {
    let options = FeedOptions { events_per_message: 2, message_ids: false, ..FeedOptions::default() };
    let feed = FakeFeed::start_with(events(0..8), options).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::CutInside(1), Behaviour::Close(2)]);
    let _running = start(config(&feed), &sink);
    assert_eq!(sink.until_events(8).await.ids(), all_ids(0..8));
    let asked: Vec<_> = feed.asked().into_iter().map(|asked| asked.id).collect();
    assert_eq!(asked, [None, Some(id(1)), Some(id(5))]);
}

#[tokio::test]
async fn an_event_that_is_too_long_does_not_stop_the_feed() {
    let mut long = event(1);
    long["threat"]["details"]["url"] = json!("x".repeat(20_000));
    let feed = FakeFeed::start(vec![event(0), long, event(2)]).await.unwrap();
    let sink = Memory::new();
    let config = config(&feed);
    let _running = start(LookoutConfig { limits: Limits { message: 10_000, ..config.limits }, ..config }, &sink);
    let kept = sink.until_events(2).await;
    assert_eq!(kept.ids(), [id(0), id(2)]);
    assert_eq!(kept.unmapped, ["events: too long"]);
    assert_eq!(feed.asked().len(), 1);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the feed's answers are dated by the machine's clock")]
async fn a_position_the_feed_no_longer_knows_is_said_and_reading_goes_on() {
    let feed = FakeFeed::start(events(0..3)).await.unwrap();
    let sink = Memory::new();
    let forgotten = "long-ago".to_owned();
    sink.kept.send_modify(|kept| kept.position = Some(forgotten.clone()));
    feed.script([Behaviour::Refuse(400, None)]);
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(3).await;
    assert!(kept.has(|state| matches!(state, FeedState::PositionLost { position, .. } if *position == forgotten)));
    let asked = feed.asked();
    assert_eq!(asked[0].id, Some(forgotten));
    assert_eq!(asked[1].id, None);
    let start: allclear_domain::time::Time = asked[1].start_time.as_ref().unwrap().parse().unwrap();
    let ago = allclear_domain::time::Time::from(jiff::Timestamp::now()).since(start).as_seconds();
    assert!((9 * 86_400..10 * 86_400).contains(&ago), "within what the feed keeps: {ago} s");
    assert_eq!(kept.position, Some(id(2)));
}

#[tokio::test]
async fn requests_of_every_kind_keep_to_the_pace() {
    let feed = FakeFeed::start(Vec::new()).await.unwrap();
    let sink = Memory::new();
    feed.script(std::iter::repeat_n(Behaviour::Close(0), 8));
    let config = config(&feed);
    let span = Duration::from_millis(300);
    let limits = Limits { pace: 3, pace_span: span, backoff_max: Duration::from_millis(1), ..config.limits };
    let before = Instant::now();
    let _running = start(LookoutConfig { limits, ..config }, &sink);
    sink.until(|kept| kept.states.iter().filter(|state| **state == FeedState::Connected).count() >= 9).await;
    let mut starts = feed.token_requests();
    starts.extend(feed.asked().iter().map(|asked| asked.at));
    starts.sort_unstable();
    assert!(starts.len() >= 10);
    // Three at once, so that the tenth has to wait for three spans.
    assert!(starts[9] - before >= span * 3, "{starts:?}");
}

#[tokio::test]
async fn another_servers_page_is_not_taken_for_the_feed() {
    let feed = FakeFeed::start(events(0..1)).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::Page]);
    let _running = start(config(&feed), &sink);
    let kept = sink.until_events(1).await;
    assert!(kept.has(|state| {
        matches!(state, FeedState::Reconnecting { why, .. } if why == "the feed did not answer with an event stream")
    }));

    let app = axum::Router::new().fallback(|| async { axum::response::Html("<h1>Sign in to the network</h1>") });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let sink = Memory::new();
    let _running = start(LookoutConfig { base_url: url.parse().unwrap(), ..config(&feed) }, &sink);
    sink.until(|kept| {
        kept.has(|state| matches!(state, FeedState::Reconnecting { why, .. } if why.contains("not a token")))
    })
    .await;
}

#[tokio::test]
async fn a_feed_out_of_bounds_is_refused_and_nobody_there_is_waited_for() {
    let feed = FakeFeed::start(Vec::new()).await.unwrap();
    for (url, expected) in [
        ("https://10.0.0.1".to_owned(), "is not on the allow list"),
        ("http://feed.example".to_owned(), "over https"),
        ("data:x".to_owned(), "cannot have a path"),
        (free_port().await, "asking for a token"),
    ] {
        let sink = Memory::new();
        let _running = start(LookoutConfig { base_url: url.parse().unwrap(), ..config(&feed) }, &sink);
        let said = |state: &FeedState| matches!(state, FeedState::Reconnecting { why, .. } if why.contains(expected));
        sink.until(|kept| kept.has(said)).await;
    }
}

/// The URL of a port nobody listens on.
async fn free_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn shutting_down_does_not_wait() {
    let feed = FakeFeed::start(Vec::new()).await.unwrap();
    let sink = Memory::new();
    feed.script([Behaviour::Refuse(503, Some("3000".to_owned()))]);
    let running = start(config(&feed), &sink);
    sink.until(|kept| kept.has(|state| matches!(state, FeedState::Reconnecting { .. }))).await;
    running.stop().await;
    assert_eq!(sink.kept().states.last(), Some(&FeedState::Stopped));
}
