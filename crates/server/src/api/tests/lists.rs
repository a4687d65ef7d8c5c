//! Lists of what administrators set up: narrowed, sorted and read page by page.

use serde_json::{Value, json};

use super::Fleet;

/// The members of a list's items, page by page.
async fn all(fleet: &Fleet, token: &str, list: &str, member: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let base = format!("/api/v1/{list}{}limit=2", if list.contains('?') { '&' } else { '?' });
    let mut uri = base.clone();
    loop {
        let page = fleet.world.get(&uri, token).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2, "{page}");
        found.extend(items.iter().map(|item| item[member].clone()));
        match page["next_cursor"].as_str() {
            Some(cursor) => uri = format!("{base}&cursor={cursor}"),
            None => return found,
        }
    }
}

async fn names(fleet: &Fleet, list: &str) -> Vec<Value> {
    all(fleet, &fleet.admin, list, "name").await
}

async fn count(fleet: &Fleet, list: &str) -> usize {
    names(fleet, list).await.len()
}

/// Reversed, a list holds the same in the opposite order.
async fn both_ways(fleet: &Fleet, list: &str, sort: &str) {
    let up = all(fleet, &fleet.admin, &format!("{list}?sort={sort}"), "id").await;
    let mut down = all(fleet, &fleet.admin, &format!("{list}?sort=-{sort}"), "id").await;
    down.reverse();
    assert!(up.len() > 2, "{list} {sort}");
    assert_eq!(up, down, "{list} {sort}");
}

async fn refused(fleet: &Fleet, list: &str) {
    for wrong in ["q=", "sort=colour", "colour=red", &format!("q={}", "x".repeat(101))] {
        fleet.world.get(&format!("/api/v1/{list}?{wrong}"), &fleet.admin).await.expect(422);
    }
}

#[tokio::test]
async fn tags_smart_groups_and_profiles_are_found() {
    let fleet = Fleet::new().await;
    for name in ["pool", "Ärzte"] {
        fleet.post("/api/v1/tags", json!({ "name": name })).await.expect(201);
    }
    assert_eq!(names(&fleet, "tags?engine=false").await, ["pool", "Ärzte"]);
    assert_eq!(count(&fleet, "tags?engine=true").await, 12);
    assert_eq!(names(&fleet, "tags?q=RISK+high").await, ["MTD - High Risk"]);
    assert_eq!(names(&fleet, "tags?q=%C3%A4rz").await, ["Ärzte"]);
    both_ways(&fleet, "tags", "name").await;

    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.run_jobs().await;
    let (acme, north) = (fleet.world.acme, fleet.world.north);
    let mine = json!({ "name": "board", "organization_group_id": north });
    fleet.post("/api/v1/smart-groups", mine).await.expect(201);
    assert_eq!(names(&fleet, "smart-groups?q=mtd+LOW").await, ["MTD Low Risk"]);
    assert_eq!(names(&fleet, "smart-groups?used=unused").await, ["board"]);
    assert_eq!(count(&fleet, "smart-groups?used=assigned").await, 3);
    assert_eq!(count(&fleet, "smart-groups?used=excluded").await, 0);
    assert_eq!(names(&fleet, &format!("smart-groups?organization_group_id={north}")).await, ["board"]);
    assert_eq!(count(&fleet, &format!("smart-groups?organization_group_id={acme}")).await, 4);
    let high = all(&fleet, &fleet.admin, "tags?q=high", "id").await[0].clone();
    let with = format!("smart-groups?tag_id={}", high.as_str().unwrap());
    assert_eq!(names(&fleet, &with).await, ["MTD High Risk"]);
    fleet.run_jobs().await;
    assert_eq!(all(&fleet, &fleet.admin, "smart-groups?sort=-devices", "devices").await[..2], [1, 1]);
    for sort in ["name", "devices", "assignments", "exclusions"] {
        both_ways(&fleet, "smart-groups", sort).await;
    }
    assert_eq!(all(&fleet, &fleet.north, "smart-groups", "name").await, ["board"]);

    let draft = json!({ "name": "Kiosk", "platform": "ios", "spec": { "description": "for the reception" } });
    fleet.post("/api/v1/profiles", draft).await.expect(201);
    assert_eq!(names(&fleet, "profiles?q=reception").await, ["Kiosk"]);
    assert_eq!(names(&fleet, "profiles?state=draft").await, ["Kiosk"]);
    assert_eq!(count(&fleet, "profiles?state=draft&state=published").await, 7);
    assert_eq!(count(&fleet, "profiles?platform=android").await, 3);
    let group = all(&fleet, &fleet.admin, "smart-groups?q=high", "id").await[0].clone();
    let of_group = format!("profiles?smart_group_id={}", group.as_str().unwrap());
    assert_eq!(names(&fleet, &of_group).await, ["MTD High Risk Android", "MTD High Risk iOS"]);
    assert_eq!(names(&fleet, "profiles?sort=-updated_at").await[0], "Kiosk");
    assert_eq!(names(&fleet, "profiles?sort=state").await[0], "Kiosk", "drafts come first");
    for sort in ["name", "platform", "state", "updated_at"] {
        both_ways(&fleet, "profiles", sort).await;
    }
    for list in ["tags", "smart-groups", "profiles"] {
        refused(&fleet, list).await;
    }
}

#[tokio::test]
async fn the_protections_table_is_narrowed_and_sorted() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let edit = json!({ "risk_level": "low", "version": 0 });
    fleet.world.call("PATCH", "/api/v1/classifications/rooted", &fleet.admin, Some(edit)).await.expect(200);
    let ids = async |query: &str| all(&fleet, &fleet.admin, &format!("classifications?{query}"), "id").await;
    assert_eq!(ids("changed=true").await, ["rooted"]);
    let every = ids("sort=id").await.len();
    assert_eq!(ids("changed=false").await.len() + 1, every);
    assert_eq!(ids("sort=-open_threats").await[0], "trojan");
    assert!(ids("q=TROJAN").await.contains(&json!("trojan")));
    let network = all(&fleet, &fleet.admin, "classifications?family=network", "family").await;
    assert!(!network.is_empty() && network.iter().all(|family| family == "network"));
    let two = ids("family=network&family=os").await.len();
    assert_eq!(two, network.len() + ids("family=os").await.len());
    assert!(ids("platform=ios").await.len() < every);
    let low = all(&fleet, &fleet.admin, "classifications?risk_level=low", "risk_level").await;
    assert!(low.len() > 1 && low.iter().all(|level| level == "low"));
    let levels = all(&fleet, &fleet.admin, "classifications?sort=-risk_level", "risk_level").await;
    assert_eq!(levels[0], "high");
    let quiet = all(&fleet, &fleet.admin, "classifications?response=do_not_alert", "response").await;
    assert!(quiet.iter().all(|response| response == "do_not_alert"));
    for sort in ["id", "name", "family", "risk_level", "open_threats"] {
        both_ways(&fleet, "classifications", sort).await;
    }
    refused(&fleet, "classifications").await;
}

#[tokio::test]
async fn people_and_what_acts_for_them_are_found() {
    let fleet = Fleet::new().await;
    let north = fleet.world.north;
    let mut groups = Vec::new();
    for (name, place) in [("Sales", fleet.world.acme), ("Board", north), ("Night shift", north)] {
        let body = json!({ "name": name, "organization_group_id": place });
        let made = fleet.post("/api/v1/user-groups", body).await.expect(201);
        groups.push(made["id"].as_str().unwrap().to_owned());
    }
    let add = json!({ "add": [fleet.ada] });
    fleet.post(&format!("/api/v1/user-groups/{}/members", groups[2]), add).await.expect(200);
    assert_eq!(names(&fleet, "user-groups?q=SHIFT").await, ["Night shift"]);
    assert_eq!(names(&fleet, &format!("user-groups?organization_group_id={north}")).await, ["Board", "Night shift"]);
    assert_eq!(all(&fleet, &fleet.admin, "user-groups?sort=-members", "members").await, [1, 0, 0]);
    assert_eq!(all(&fleet, &fleet.north, "user-groups", "name").await, ["Board", "Night shift"]);
    both_ways(&fleet, "user-groups", "name").await;
    both_ways(&fleet, "user-groups", "members").await;

    let rights = json!({ "name": "Watch", "rights": ["view", "notify"] });
    let role = fleet.post("/api/v1/roles", rights).await.expect(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(names(&fleet, "roles?built_in=false").await, ["Watch"]);
    assert_eq!(names(&fleet, "roles?q=level+2").await, ["Administrator Level 2"]);
    assert_eq!(count(&fleet, "roles?right=notify").await, 5);
    both_ways(&fleet, "roles", "name").await;

    for (name, reach, role, expires) in
        [("Feed", fleet.world.acme, "read_only", None), ("Script", north, &*role, Some("2099-01-01T00:00:00Z"))]
    {
        let body = json!({ "name": name, "role": role, "organization_group_id": reach, "expires_at": expires });
        fleet.post("/api/v1/api-tokens", body).await.expect(201);
    }
    assert_eq!(names(&fleet, "api-tokens?q=fee").await, ["Feed"]);
    assert_eq!(names(&fleet, &format!("api-tokens?role={role}")).await, ["Script"]);
    assert_eq!(count(&fleet, &format!("api-tokens?organization_group_id={north}")).await, 2, "the test's own too");
    assert_eq!(names(&fleet, "api-tokens?sort=expires_at").await[0], "Script");
    for sort in ["created_at", "name", "expires_at", "last_used_at"] {
        both_ways(&fleet, "api-tokens", sort).await;
    }
    fleet.world.get("/api/v1/api-tokens?role=king", &fleet.admin).await.expect(422);

    for (user_name, name, reach) in
        [("bea", "Zoë Bea", fleet.world.acme), ("ada", "Ada Nowak", north), ("Cem", "Cem Aksoy", north)]
    {
        let body = json!({ "user_name": user_name, "name": name, "role": "read_only", "organization_group_id": reach });
        fleet.post("/api/v1/admins", body).await.expect(201);
    }
    let admins = async |query: &str| all(&fleet, &fleet.admin, &format!("admins?{query}"), "user_name").await;
    assert_eq!(admins("sort=user_name").await, ["ada", "bea", "Cem"]);
    assert_eq!(admins("sort=name").await, ["ada", "Cem", "bea"]);
    assert_eq!(admins("sort=-created_at").await, ["Cem", "ada", "bea"]);
    assert_eq!(admins("q=ZO%C3%8B").await, ["bea"]);
    assert_eq!(admins("q=a+nowak").await, ["ada"]);
    assert_eq!(admins(&format!("organization_group_id={north}")).await, ["ada", "Cem"]);
    both_ways(&fleet, "admins", "last_signed_in_at").await;

    for (name, enabled) in [("West", true), ("East", false), ("Lab", false)] {
        let body = json!({ "kind": "lookout", "name": name, "base_url": "https://feed.example.com",
            "application_key": "key", "enabled": enabled });
        fleet.post("/api/v1/integrations", body).await.expect(201);
    }
    assert_eq!(names(&fleet, "integrations?enabled=false").await, ["East", "Lab"]);
    assert_eq!(names(&fleet, "integrations?q=we").await, ["West"]);
    assert_eq!(count(&fleet, "integrations?kind=lookout&q=feed.example").await, 3);
    both_ways(&fleet, "integrations", "name").await;
    for list in ["user-groups", "roles", "api-tokens", "admins", "integrations"] {
        refused(&fleet, list).await;
    }
}
