//! A client that shows everything of an answer.

use std::{
    sync::{Arc, Once},
    time::Duration,
};

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// Longer than the longest long poll.
const TIMEOUT: Duration = Duration::from_secs(75);

/// A server and a credential for it. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<str>,
    token: Arc<str>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Method and path of the request.
    pub request: String,
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: not JSON: {:?}", self.request, self.text))
    }

    /// The body of an answer that must have this status; null if it is empty.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    /// A client for a server; without a credential if the token is empty.
    pub fn new(base: &str, token: &str) -> Client {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Another test of this process may have been first.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        let http = http.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Client { http, base: base.into(), token: token.into() }
    }

    /// The credential.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The same server with another credential.
    pub fn with(&self, token: &str) -> Client {
        Client { token: token.into(), ..self.clone() }
    }

    /// The same credential at the server that another client speaks to.
    pub fn at(&self, other: &Client) -> Client {
        Client { token: Arc::clone(&self.token), ..other.clone() }
    }

    /// A request to be sent with [`Client::send`]. `path` begins with a slash.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// Sends a request; an error if no whole answer came. A stream of events has no end: its text is left out.
    pub async fn try_send(request: RequestBuilder) -> reqwest::Result<Answer> {
        let (client, request) = request.build_split();
        let request = request?;
        let name = format!("{} {}", request.method(), request.url().path());
        let response = client.execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let endless = headers.get("content-type").is_some_and(|media| media == "text/event-stream");
        let text = if endless { String::new() } else { response.text().await? };
        Ok(Answer { request: name, status, headers, text })
    }

    /// Sends a request.
    pub async fn send(request: RequestBuilder) -> Answer {
        Client::try_send(request).await.unwrap()
    }

    /// Sends a JSON body.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        Client::send(self.request(method, path).json(body)).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        Client::send(self.request("GET", path)).await
    }

    /// GET of what must be there.
    pub async fn read(&self, path: &str) -> Value {
        self.get(path).await.expect(200)
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &body).await
    }

    /// POST without a body.
    pub async fn poke(&self, path: &str) -> Answer {
        Client::send(self.request("POST", path)).await
    }

    /// PATCH.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, &body).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        Client::send(self.request("DELETE", path)).await
    }

    /// All items of a list, page by page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let mut page = self.read(&format!("{path}{joint}limit=500{cursor}")).await;
            items.append(page["items"].as_array_mut().expect("a list"));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}
