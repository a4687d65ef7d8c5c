//! The quickstart's restrictions, each as a field of the policy.

use allclear_domain::{
    level::{Platform, RiskLevel},
    payload::{AppAction, Payload},
    quickstart::plan,
};
use serde_json::{Value, json};

use super::{
    Policy,
    schema::{problems, schemas},
};

#[test]
fn every_restriction_of_the_quickstart_is_in_the_policy() {
    let mut seen = 0;
    for profile in plan().profiles.into_iter().filter(|profile| profile.platform == Platform::Android) {
        let policy = Policy::in_force([Policy::of(&profile.payloads)]).to_json();
        for payload in &profile.payloads {
            match payload {
                Payload::Restrictions(restrictions) => {
                    for (key, value) in &restrictions.settings {
                        let mut expected = value.clone();
                        if let Value::Array(entries) = &mut expected {
                            entries.sort_by_key(ToString::to_string);
                        }
                        let found = policy.pointer(&format!("/{}", key.replace('.', "/")));
                        assert_eq!(found, Some(&expected), "{}: {key}", profile.name);
                        seen += 1;
                    }
                }
                Payload::ApplicationControl(control) => {
                    let apps = policy["applications"].as_array().unwrap();
                    assert_eq!(apps.len(), control.apps.len());
                    for rule in &control.apps {
                        assert_eq!(rule.action, AppAction::Disable);
                        let app = json!({ "packageName": rule.package_name, "disabled": true });
                        assert!(apps.contains(&app), "{}: {app}", profile.name);
                        seen += 1;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(policy["playStoreMode"], "BLACKLIST", "no app goes that nobody named");
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn google_knows_every_field_of_the_quickstart() {
    let Some(schemas) = schemas() else { return };
    for profile in plan().profiles.into_iter().filter(|profile| profile.platform == Platform::Android) {
        let policy = Policy::in_force([Policy::of(&profile.payloads)]).to_json();
        assert_eq!(problems(schemas, "Policy", &policy), [""; 0], "{}", profile.name);
    }
}

#[test]
fn a_higher_level_contains_the_lower_ones() {
    let of = |level| {
        let plan = plan().profiles.into_iter().find(|it| it.platform == Platform::Android && it.level == level);
        Policy::of(&plan.unwrap().payloads)
    };
    let high = of(RiskLevel::High);
    for lower in [RiskLevel::Low, RiskLevel::Medium] {
        assert_eq!(high.clone().merge(of(lower)), high);
    }
}
