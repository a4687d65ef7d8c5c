//! A browser as far as sessions go: it keeps the cookie and says where requests come from.

use serde_json::{Value, json};

use super::client::{Answer, Client};

/// A browser that shows our pages.
pub struct Browser {
    client: Client,
    /// The session's cookie, `name=value`.
    pub cookie: Option<String>,
}

impl Browser {
    /// A browser without a cookie.
    pub fn new(client: &Client) -> Browser {
        Browser { client: client.with(""), cookie: None }
    }

    /// A browser in which somebody has signed in with a password alone.
    pub async fn signed_in(client: &Client, user_name: &str, password: &str) -> Browser {
        let mut browser = Browser::new(client);
        assert_eq!(browser.sign_in(user_name, password).await.expect(200), json!({ "state": "signed_in" }));
        browser
    }

    /// Gives a name and a password.
    pub async fn sign_in(&mut self, user_name: &str, password: &str) -> Answer {
        self.call("POST", "/api/v1/session", json!({ "user_name": user_name, "password": password })).await
    }

    /// A request of our own pages; null is no body.
    pub async fn call(&mut self, method: &str, path: &str, body: Value) -> Answer {
        self.call_with(method, path, &body, &[("sec-fetch-site", "same-origin")]).await
    }

    /// A request with these headers besides the cookie.
    pub async fn call_with(&mut self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.request(method, path);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = Client::send(request).await;
        if let Some(line) = answer.headers.get("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.cookie = Some(pair).filter(|pair| !pair.ends_with('='));
        }
        answer
    }

    /// GET.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    /// POST without a body.
    pub async fn poke(&mut self, path: &str) -> Answer {
        self.call("POST", path, Value::Null).await
    }
}
