//! Apps in a policy. What a policy says of all apps at once, it says of each one that it does not name, too: so a list
//! of the only apps that may be used keeps out what another profile names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rules::{Object, Of, members, name, stricter};

/// Ways to have an app, from the freest.
pub(super) const INSTALL_TYPES: &[&str] =
    &["AVAILABLE", "PREINSTALLED", "FORCE_INSTALLED", "REQUIRED_FOR_SETUP", "CUSTOM", BLOCKED];
pub(super) const CREDENTIALS: &[&str] = &["CREDENTIAL_PROVIDER_ALLOWED", "CREDENTIAL_PROVIDER_DISALLOWED"];
pub(super) const LOCKDOWN: &[&str] = &["VPN_LOCKDOWN_EXEMPTION", "VPN_LOCKDOWN_ENFORCED"];
pub(super) const WIDGETS: &[&str] = &["WORK_PROFILE_WIDGETS_ALLOWED", "WORK_PROFILE_WIDGETS_DISALLOWED"];

/// The way not to have an app.
pub(super) const BLOCKED: &str = "BLOCKED";

/// What a policy says of apps it does not name, or of parts of what it says of an app that it leaves open.
#[derive(Clone, Debug, Default)]
struct Unnamed {
    /// Only the apps it names may be used.
    blocked: bool,
    /// Members of an app's entry that stand for what the policy says of all apps.
    members: Object,
    /// Permissions that all apps are granted or denied.
    grants: BTreeMap<String, Value>,
}

impl Unnamed {
    fn of(policy: &Object) -> Self {
        let word = |key: &str| policy.get(key).and_then(Value::as_str);
        let mut said = Object::new();
        let credentials =
            word("credentialProviderPolicyDefault").map(|it| CREDENTIALS[usize::from(!it.ends_with("_ALLOWED"))]);
        let widgets = policy.get("crossProfilePolicies").and_then(|it| it.get("workProfileWidgetsDefault"));
        let widgets = widgets.and_then(Value::as_str).map(|it| WIDGETS[usize::from(!it.ends_with("_ALLOWED"))]);
        let lockdown = policy.get("alwaysOnVpnPackage").and_then(|it| it.get("lockdownEnabled"));
        let lockdown = lockdown.filter(|it| **it == Value::Bool(true)).map(|_| LOCKDOWN[1]);
        for (key, word) in [
            ("alwaysOnVpnLockdownExemption", lockdown),
            ("credentialProviderPolicy", credentials),
            ("defaultPermissionPolicy", word("defaultPermissionPolicy")),
            ("workProfileWidgets", widgets),
        ] {
            said.extend(word.map(|word| (key.to_owned(), word.into())));
        }
        Unnamed { blocked: word("playStoreMode") == Some("WHITELIST"), members: said, grants: grants(policy) }
    }
}

/// The entries of a list by the app they are about.
fn named(list: Option<&Value>) -> BTreeMap<String, Object> {
    let mut found: BTreeMap<String, Object> = BTreeMap::new();
    for entry in list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
        let app = name(entry, "packageName");
        let entry = match found.get(&app) {
            Some(held) => members("applications[]", held, entry, Of::OneProfile),
            None => entry.clone(),
        };
        found.insert(app, entry);
    }
    found
}

fn grants(of: &Object) -> BTreeMap<String, Value> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for grant in of.get("permissionGrants").and_then(Value::as_array).into_iter().flatten() {
        let (Some(permission), Some(policy)) = (grant.get("permission").and_then(Value::as_str), grant.get("policy"))
        else {
            continue;
        };
        let said = found.get(permission).into_iter().chain([policy]);
        if let Some(policy) = strictest_grant(said, Of::OneProfile) {
            found.insert(permission.to_owned(), policy);
        }
    }
    found
}

fn listed(grants: BTreeMap<String, Value>) -> Value {
    let grant = |(permission, policy): (String, Value)| {
        let members = [("permission", permission.into()), ("policy", policy)];
        Value::Object(members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
    };
    grants.into_iter().map(grant).collect()
}

/// Puts the apps of two policies together, and what the policies say of all apps about permissions; everything else in
/// `all` is put together already.
pub(super) fn merge(one: &Object, other: &Object, of: Of, all: &mut Object) {
    let sides = [one, other].map(|policy| {
        let unnamed = if of == Of::Several { Unnamed::of(policy) } else { Unnamed::default() };
        (named(policy.get("applications")), unnamed)
    });
    let everywhere = grants_of_all(one, other, of);
    let apps: BTreeSet<&String> = sides.iter().flat_map(|(apps, _)| apps.keys()).collect();
    let apps: Vec<Value> = apps.into_iter().map(|app| Value::Object(entry(app, &sides, &everywhere, of))).collect();
    for (key, list, given) in [
        ("applications", Value::Array(apps), [one, other].iter().any(|it| it.contains_key("applications"))),
        ("permissionGrants", listed(everywhere.clone()), !everywhere.is_empty()),
    ] {
        if given {
            all.insert(key.to_owned(), list);
        }
    }
}

/// The permissions that all apps are granted or denied; what a policy leaves to its default counts as that.
fn grants_of_all(one: &Object, other: &Object, of: Of) -> BTreeMap<String, Value> {
    let sides = [one, other].map(|policy| {
        let default = policy.get("defaultPermissionPolicy").filter(|_| of == Of::Several);
        (grants(policy), default.cloned())
    });
    let permissions: BTreeSet<&String> = sides.iter().flat_map(|(grants, _)| grants.keys()).collect();
    let policy = |permission: &String| {
        let said = sides.iter().filter_map(|(grants, default)| grants.get(permission).or(default.as_ref()));
        Some((permission.clone(), strictest_grant(said, of)?))
    };
    permissions.into_iter().filter_map(policy).collect()
}

fn strictest_grant<'a>(mut said: impl Iterator<Item = &'a Value>, of: Of) -> Option<Value> {
    let first = said.next()?.clone();
    Some(said.fold(first, |held, policy| stricter("permissionGrants[].policy", &held, policy, of)))
}

type Side = (BTreeMap<String, Object>, Unnamed);

/// What two policies together say of an app that one of them names.
fn entry(app: &str, sides: &[Side; 2], everywhere: &BTreeMap<String, Value>, of: Of) -> Object {
    let mut entries = sides.each_ref().map(|(apps, unnamed)| {
        let entry = apps.get(app).cloned();
        let blocked = entry.is_none() && unnamed.blocked;
        let mut entry = entry.unwrap_or_default();
        entry.insert("packageName".to_owned(), app.into());
        if blocked {
            entry.insert("installType".to_owned(), BLOCKED.into());
        }
        entry
    });
    let own: Vec<BTreeMap<String, Value>> = entries.iter().map(grants).collect();
    let defaults = entries.each_ref().map(|entry| entry.get("defaultPermissionPolicy").cloned());
    for key in
        ["alwaysOnVpnLockdownExemption", "credentialProviderPolicy", "defaultPermissionPolicy", "workProfileWidgets"]
    {
        if entries.iter().any(|entry| entry.contains_key(key)) {
            for (entry, (_, unnamed)) in entries.iter_mut().zip(sides) {
                if let (false, Some(said)) = (entry.contains_key(key), unnamed.members.get(key)) {
                    entry.insert(key.to_owned(), said.clone());
                }
            }
        }
    }
    let [one, other] = &entries;
    let mut all = members("applications[]", one, other, of);
    // A grant to all apps goes before the default of one, a grant to one before both: an app with a word of its own needs
    // one about each permission that has any.
    let apart = own.iter().any(|grants| !grants.is_empty()) || defaults.iter().any(Option::is_some);
    if apart && of == Of::Several {
        let permissions: BTreeSet<&String> = own.iter().flat_map(BTreeMap::keys).chain(everywhere.keys()).collect();
        let policy = |permission: &String| {
            let said = sides.iter().zip(&own).zip(&defaults).filter_map(|(((_, unnamed), own), default)| {
                own.get(permission)
                    .or_else(|| unnamed.grants.get(permission))
                    .or(default.as_ref())
                    .or_else(|| unnamed.members.get("defaultPermissionPolicy"))
            });
            Some((permission.clone(), strictest_grant(said, of)?))
        };
        let grants: BTreeMap<_, _> = permissions.into_iter().filter_map(policy).collect();
        if !grants.is_empty() {
            all.insert("permissionGrants".to_owned(), listed(grants));
        }
    }
    all
}

/// What a policy says of an app, in words about that app alone; none if it says nothing of it.
pub(super) fn effective(policy: &Object, app: &str) -> Object {
    let unnamed = Unnamed::of(policy);
    let named = named(policy.get("applications")).remove(app);
    let mut entry = unnamed.members;
    if named.is_none() && unnamed.blocked {
        entry.insert("installType".to_owned(), BLOCKED.into());
    }
    entry.extend(named.unwrap_or_default());
    entry
}

/// Whether what is said of the personal side keeps an app out by not naming it among the only ones.
pub(super) fn left_out(personal: &Object, app: &str) -> bool {
    name(personal, "personalPlayStoreMode") == "ALLOWLIST" && !named(personal.get(PERSONAL)).contains_key(app)
}

const PERSONAL: &str = "personalApplications";

/// Puts together what is said of the personal side, whose apps have a list of their own.
pub(super) fn personal(one: &Object, other: &Object, of: Of) -> Object {
    let mut all = members("personalUsagePolicies", one, other, of);
    let sides = [one, other].map(|policy| {
        let only = of == Of::Several && name(policy, "personalPlayStoreMode") == "ALLOWLIST";
        (named(policy.get(PERSONAL)), Unnamed { blocked: only, ..Unnamed::default() })
    });
    let apps: BTreeSet<&String> = sides.iter().flat_map(|(apps, _)| apps.keys()).collect();
    let apps: Vec<Value> =
        apps.into_iter().map(|app| Value::Object(entry(app, &sides, &BTreeMap::new(), of))).collect();
    if one.contains_key(PERSONAL) || other.contains_key(PERSONAL) {
        all.insert(PERSONAL.to_owned(), Value::Array(apps));
    }
    all
}
