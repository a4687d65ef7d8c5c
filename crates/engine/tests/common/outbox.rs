//! People, and what they are told by.

use std::sync::Arc;

use allclear_domain::{
    ids::UserId,
    notification::{Channel, Transport},
};
use allclear_engine::{
    Engine,
    channels::{self, NewSetting, Secrets},
    notifications::{self, Order},
    source::Source,
};
use allclear_store::{
    notifications::{self as stored, Notification, NotificationFilter},
    users::{self, User},
};
use serde_json::json;

use super::{Fixture, TENANT, admin};

/// Switches a transport on or off.
pub async fn set_up(fixture: &Fixture, transport: Transport, enabled: bool) {
    let (sealer, source) = (fixture.engine.sealer().clone(), Arc::clone(&fixture.source));
    let set = fixture.engine.edit(TENANT, admin(), move |work| {
        let secrets = Secrets::from([("password".to_owned(), "very secret".to_owned())]);
        let before = channels::get(work.tx, &sealer, TENANT, transport)?;
        let version = before.map_or(0, |before| before.version);
        let new = NewSetting { transport, enabled, config: json!({ "relays": [] }), secrets, version };
        channels::set(work, &sealer, &*source, &new)
    });
    set.await.unwrap();
}

/// A user with a mail address, and a number if one is given.
pub async fn user(fixture: &Fixture, name: &'static str, phone: Option<&'static str>) -> UserId {
    let root = fixture.root;
    let made = fixture.engine.edit(TENANT, admin(), move |work| {
        let id = UserId(work.source.id());
        let user = User {
            id,
            organization_group: root,
            user_name: name.into(),
            display_name: None,
            email: Some(format!("{name}@example.com")),
            phone: phone.map(str::to_owned),
            locale: None,
            version: 1,
            created_at: work.now,
            devices: 0,
            score: 0,
            incidents: [0; 3],
        };
        users::insert(work.tx, TENANT, &user)?;
        Ok(id)
    });
    made.await.unwrap()
}

/// An administrator notifies a user.
pub async fn notify(fixture: &Fixture, user: UserId, cause: &str, channels: &[Channel]) -> Vec<Notification> {
    let (root, cause) = (fixture.root, cause.to_owned());
    let order = Order { channels: channels.to_vec(), ..Order::default() };
    let told =
        fixture.engine.edit(TENANT, admin(), move |work| notifications::notify_user(work, root, user, &cause, &order));
    told.await.unwrap()
}

/// Every notification there is, up to 500.
pub async fn all(fixture: &Fixture) -> Vec<Notification> {
    let all = NotificationFilter::default();
    fixture.engine.db().read(move |tx| stored::list(tx, TENANT, &all, false, None, 500)).await.unwrap()
}

/// Another node on the same database.
pub async fn another_node(fixture: &Fixture) -> Engine {
    let source = Arc::clone(&fixture.source) as Arc<dyn Source>;
    Engine::open(fixture.database.db.clone(), source, [1; 32]).await.unwrap()
}
