//! An administrator changes their own account, and has to give the password again for it.

use allclear_domain::{
    ids::Tenant,
    journal::{Actor, ActorKind},
    time::Span,
};
use serde_json::{Value, json};

use crate::{
    api::links,
    testing::{Answer, World, request},
};

const PASSWORD: &str = "a long enough password";

async fn call(world: &World, cookie: &str, method: &str, path: &str, body: Value) -> Answer {
    let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
    world.send(request(method, &format!("/api/v1/{path}"), "", Some(body), &headers)).await
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn ones_own_account_is_changed_within_minutes_of_the_password() {
    let world = World::new().await;
    let operator = Actor::new(ActorKind::Operator, "test");
    let token = links::set_up(&world.state.engine, operator, (Tenant(1), world.acme)).await.unwrap();
    let who = json!({"token": token, "password": PASSWORD, "user_name": "ada", "name": "Ada"});
    call(&world, "", "POST", "links/redeem", who).await.expect(200);
    let signed_in = call(&world, "", "POST", "session", json!({"user_name": "ada", "password": PASSWORD})).await;
    signed_in.expect(200);
    let session = cookie(&signed_in);
    let edited = call(&world, &session, "PATCH", "account", json!({"name": "Ada Lovelace"})).await.expect(200);
    assert_eq!((&edited["name"], &edited["user_name"]), (&json!("Ada Lovelace"), &json!("ada")));

    world.pass(Span::seconds(601));
    let late = call(&world, &session, "PATCH", "account", json!({"name": "Eve"})).await.expect(403);
    assert_eq!(late["type"], "/problems/password-needed");
    let confirmed = call(&world, &session, "POST", "session/confirm", json!({"password": PASSWORD})).await;
    confirmed.expect(204);
    let session = cookie(&confirmed);
    call(&world, &session, "PATCH", "account", json!({"name": "Countess"})).await.expect(200);
    let me = world.send(request("GET", "/api/v1/session", "", None, &[("cookie", &session)])).await;
    assert_eq!(me.expect(200)["admin"]["name"], "Countess");
    assert_eq!(world.noted("admin").await, ["created", "signed_in", "updated", "updated"]);
}
