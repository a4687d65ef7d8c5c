//! People, phones and threats as they occur in a company, for the demo and the simulation. All invented: mail
//! addresses end in example.com, telephone numbers are from the ranges that regulators keep free for fiction.
//!
//! Everything is drawn from the random numbers handed in, so that the same ones give the same company.

use allclear_domain::{
    level::Platform::{self, Android, Ios},
    time::{Span, Time},
};
use rand::{RngExt, rngs::StdRng};
use serde_json::{Map, Value, json};

/// Somebody.
#[derive(Clone, Debug)]
pub struct Person {
    /// Given and family name.
    pub name: String,
    /// What they sign in with, unique for each number.
    pub user_name: String,
    /// Where mail reaches them.
    pub email: String,
    /// Where SMS reach them.
    pub phone: String,
    /// The language they read.
    pub locale: &'static str,
}

/// A kind of phone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Model {
    /// Its operating system.
    pub platform: Platform,
    /// Its maker.
    pub manufacturer: &'static str,
    /// What it is sold as.
    pub name: &'static str,
    /// Versions found on it, the newest last.
    pub versions: &'static [&'static str],
}

/// A kind of threat and how it usually goes.
#[derive(Clone, Copy, Debug)]
pub struct ThreatKind {
    /// The row of Protections.
    pub classification: &'static str,
    /// Where it occurs; both if `None`.
    pub platform: Option<Platform>,
    /// How often, compared with the others.
    weight: u32,
    /// How many hours it usually stays.
    pub hours: (u32, u32),
    details: fn(&mut StdRng) -> Value,
}

/// Given names by the language people write to them in.
const GIVEN: &[(&str, &[&str])] = &[
    (
        "de",
        &[
            "Anika", "Clara", "Elif", "Emil", "Felix", "Hannah", "Jonas", "Julia", "Lars", "Lina", "Mehmet", "Mia",
            "Nils", "Paul", "Sven", "Viktor", "Yusuf",
        ],
    ),
    (
        "en",
        &[
            "Aisha",
            "Anders",
            "Ben",
            "Charlotte",
            "Daniel",
            "David",
            "Emma",
            "Farah",
            "Finn",
            "Grace",
            "Hana",
            "Ibrahim",
            "Ingrid",
            "James",
            "Kofi",
            "Liam",
            "Mina",
            "Noah",
            "Oliver",
            "Omar",
            "Priya",
            "Ruth",
            "Samuel",
            "Tara",
            "Tom",
            "Wei",
            "Zoe",
        ],
    ),
    ("es", &["Alejandro", "Beatriz", "Carlos", "Elena", "Isabel", "Javier", "Laura", "Maria", "Rafael", "Valeria"]),
    ("fr", &["Amelie", "Antoine", "Camille", "Hugo", "Ines", "Karim", "Leila", "Nadia", "Theo", "Yara"]),
    ("it", &["Chiara", "Giulia", "Luca", "Lucia", "Marco", "Paolo", "Rosa", "Sara", "Sofia"]),
    ("pl", &["Ada", "Jakub", "Jan", "Katarzyna", "Magda", "Maja", "Mateusz", "Natalia", "Olga", "Piotr", "Zofia"]),
];

const FAMILY: &[&str] = &[
    "Abara",
    "Adeyemi",
    "Ahmed",
    "Alvarez",
    "Andersen",
    "Bakker",
    "Banerjee",
    "Bauer",
    "Becker",
    "Bernard",
    "Bianchi",
    "Brandt",
    "Brown",
    "Campos",
    "Castillo",
    "Chen",
    "Conti",
    "Costa",
    "Dahl",
    "Demir",
    "Diallo",
    "Dubois",
    "Duarte",
    "Eriksen",
    "Esposito",
    "Evans",
    "Farrell",
    "Fernandez",
    "Fischer",
    "Fontana",
    "Garcia",
    "Gallo",
    "Girard",
    "Green",
    "Hansen",
    "Haddad",
    "Hoffmann",
    "Hughes",
    "Ivanova",
    "Jansen",
    "Jensen",
    "Johnson",
    "Jung",
    "Kaya",
    "Keller",
    "Khan",
    "Klein",
    "Kowalski",
    "Krawczyk",
    "Kumar",
    "Lambert",
    "Larsen",
    "Lehmann",
    "Lewandowski",
    "Lindqvist",
    "Lombardi",
    "Lopez",
    "Malik",
    "Marino",
    "Martin",
    "Mazur",
    "Mensah",
    "Meyer",
    "Moreau",
    "Moreno",
    "Murphy",
    "Navarro",
    "Neumann",
    "Nguyen",
    "Nowak",
    "Okafor",
    "Olsen",
    "Ortega",
    "Osei",
    "Park",
    "Patel",
    "Peeters",
    "Petit",
    "Pinto",
    "Popescu",
    "Ramos",
    "Reid",
    "Richter",
    "Rossi",
    "Roux",
    "Ruiz",
    "Santos",
    "Sato",
    "Schmidt",
    "Schneider",
    "Shah",
    "Silva",
    "Singh",
    "Taylor",
    "Torres",
    "Tran",
    "Vidal",
    "Vogel",
    "Wagner",
    "Walsh",
    "Weber",
    "Wilson",
    "Winter",
    "Wright",
    "Yilmaz",
    "Zajac",
    "Zhang",
    "Zielinski",
];

const MODELS: &[(u32, Model)] = &[
    (9, android("Google", "Pixel 7a", &["14", "15", "16"])),
    (14, android("Google", "Pixel 8", &["14", "15", "16"])),
    (6, android("Google", "Pixel 8 Pro", &["15", "16"])),
    (9, android("Google", "Pixel 9", &["15", "16"])),
    (6, android("Google", "Pixel 9a", &["15", "16"])),
    (10, android("samsung", "Galaxy A54", &["14", "15", "16"])),
    (8, android("samsung", "Galaxy A55", &["14", "15", "16"])),
    (8, android("samsung", "Galaxy S23", &["14", "15", "16"])),
    (10, android("samsung", "Galaxy S24", &["15", "16"])),
    (4, android("samsung", "Galaxy XCover7", &["14", "15"])),
    (3, android("samsung", "Galaxy Tab Active5", &["14", "15"])),
    (4, android("Fairphone", "Fairphone 5", &["14", "15"])),
    (3, android("motorola", "moto g84", &["14", "15"])),
    (3, android("Nokia", "XR21", &["13", "14"])),
    (2, android("Sony", "Xperia 10 VI", &["14", "15"])),
    (6, ios("iPhone 12", &["18.6.2", "18.7.2", "26.0.1", "26.1"])),
    (11, ios("iPhone 13", &["18.6.2", "18.7.2", "26.0.1", "26.1"])),
    (12, ios("iPhone 14", &["18.7.2", "26.0.1", "26.1"])),
    (7, ios("iPhone 14 Pro", &["18.7.2", "26.0.1", "26.1"])),
    (14, ios("iPhone 15", &["18.7.2", "26.0.1", "26.1"])),
    (9, ios("iPhone 15 Pro", &["18.7.2", "26.0.1", "26.1"])),
    (10, ios("iPhone 16", &["18.7.2", "26.0.1", "26.1"])),
    (6, ios("iPhone 16e", &["26.0.1", "26.1"])),
    (5, ios("iPhone SE (3rd generation)", &["18.6.2", "18.7.2", "26.1"])),
    (5, ios("iPad (10th generation)", &["18.7.2", "26.0.1", "26.1"])),
    (4, ios("iPad Air (M2)", &["26.0.1", "26.1"])),
];

const fn android(manufacturer: &'static str, name: &'static str, versions: &'static [&'static str]) -> Model {
    Model { platform: Android, manufacturer, name, versions }
}

const fn ios(name: &'static str, versions: &'static [&'static str]) -> Model {
    Model { platform: Ios, manufacturer: "Apple", name, versions }
}

const KINDS: &[ThreatKind] = &[
    kind("adware", Some(Android), 9, (2, 60), adware),
    kind("app_dropper", Some(Android), 2, (1, 20), trojan),
    kind("denylisted_app", None, 8, (2, 90), denylisted),
    kind("developer_mode", Some(Android), 6, (4, 200), nothing),
    kind("malicious_content", None, 4, (1, 4), page),
    kind("malicious_profile", Some(Ios), 2, (2, 30), profile),
    kind("man_in_the_middle", None, 4, (1, 6), network),
    kind("no_passcode", None, 4, (3, 90), nothing),
    kind("open_wifi", None, 14, (1, 9), network),
    kind("out_of_date_os", None, 16, (24, 500), version),
    kind("out_of_date_security_patch", Some(Android), 12, (24, 500), version),
    kind("pcp_disabled", None, 3, (4, 100), nothing),
    kind("pcp_paused", None, 5, (1, 10), nothing),
    kind("phishing_content", None, 10, (1, 4), page),
    kind("riskware", Some(Android), 7, (4, 120), riskware),
    kind("rogue_access_point", None, 2, (1, 5), network),
    kind("rooted", Some(Android), 1, (10, 200), nothing),
    kind("jailbroken", Some(Ios), 1, (10, 200), nothing),
    kind("smishing", None, 8, (2, 48), message),
    kind("spyware", Some(Android), 2, (1, 30), trojan),
    kind("trojan", Some(Android), 5, (1, 40), trojan),
    kind("usb_debugging", Some(Android), 5, (3, 160), nothing),
    kind("vulnerability", None, 8, (48, 400), version),
];

const fn kind(
    classification: &'static str,
    platform: Option<Platform>,
    weight: u32,
    hours: (u32, u32),
    details: fn(&mut StdRng) -> Value,
) -> ThreatKind {
    ThreatKind { classification, platform, weight, hours, details }
}

/// One of a list, which must not be empty.
fn pick<'a, T>(random: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}

fn hash(random: &mut StdRng) -> String {
    (0..32).map(|_| format!("{:02x}", random.random::<u8>())).collect()
}

fn app(random: &mut StdRng, apps: &[(&str, &str)]) -> Value {
    let (package, name) = *pick(random, apps);
    json!({"package_name": package, "application_name": name, "sha256": hash(random)})
}

fn nothing(_: &mut StdRng) -> Value {
    json!({})
}

fn adware(random: &mut StdRng) -> Value {
    app(random, &[("com.example.brightflash", "Bright Flash"), ("com.example.dailyquotes", "Daily Quotes")])
}

fn riskware(random: &mut StdRng) -> Value {
    app(random, &[("com.example.remoteview", "Remote View"), ("com.example.cleanmaster", "Phone Cleaner")])
}

fn denylisted(random: &mut StdRng) -> Value {
    app(random, &[("com.example.freevpn", "Totally Free VPN"), ("com.example.filedrop", "File Drop")])
}

fn trojan(random: &mut StdRng) -> Value {
    app(
        random,
        &[
            ("com.example.parceltrack", "Parcel Tracking"),
            ("com.example.systemupdate", "System Update"),
            ("com.example.qrreader", "QR Reader Pro"),
        ],
    )
}

fn page(random: &mut StdRng) -> Value {
    let host =
        pick(random, &["login-portal.example", "parcel-fee.example", "prize-draw.example", "bank-check.example"]);
    json!({"url": format!("https://{host}/{:x}", random.random::<u32>()), "blocked": random.random_bool(0.8)})
}

fn message(random: &mut StdRng) -> Value {
    let text = pick(random, &["Your parcel is held at customs", "New voicemail", "Unusual sign-in to your account"]);
    json!({"category": "PHISHING_URL", "message": text})
}

fn profile(_: &mut StdRng) -> Value {
    json!({"profile_name": "Free Streaming", "profile_identifier": "com.example.streaming"})
}

fn network(random: &mut StdRng) -> Value {
    let name = pick(random, &["Airport Free WiFi", "Hotel Guest", "Coffee House", "Conference 2", "Train WiFi"]);
    let [a, b, c]: [u8; 3] = random.random();
    // A locally administered address belongs to nobody.
    json!({"ssid": name, "bssid": format!("02:00:00:{a:02x}:{b:02x}:{c:02x}")})
}

fn version(random: &mut StdRng) -> Value {
    json!({"days_behind": random.random_range(30..220)})
}

/// Somebody; different for each number.
pub fn person(random: &mut StdRng, number: usize) -> Person {
    let (locale, names) = *pick(random, GIVEN);
    let given = *pick(random, names);
    let family = *pick(random, FAMILY);
    let user_name = format!("{}.{}{number}", given.to_lowercase(), family.to_lowercase());
    let phone = if random.random_bool(0.5) {
        format!("+447700900{:03}", random.random_range(0..1000))
    } else {
        format!("+33639980{:03}", random.random_range(0..1000))
    };
    Person { name: format!("{given} {family}"), email: format!("{user_name}@example.com"), user_name, phone, locale }
}

/// A kind of phone, of a platform if one is given, as often as they occur.
pub fn model(random: &mut StdRng, platform: Option<Platform>) -> Model {
    let fits = |model: &Model| platform.is_none_or(|platform| platform == model.platform);
    let found = MODELS.iter().filter(|(_, model)| fits(model)).map(|(weight, model)| (*weight, *model));
    weighted(random, &found.collect::<Vec<_>>())
}

/// A kind of threat for a platform, as often as they occur.
pub fn threat(random: &mut StdRng, platform: Platform) -> ThreatKind {
    let fits = |kind: &&ThreatKind| kind.platform.is_none_or(|of| of == platform);
    let found = KINDS.iter().filter(fits).map(|kind| (kind.weight, *kind));
    weighted(random, &found.collect::<Vec<_>>())
}

/// Facts of an inventory that show a threat when they are so: the kind of threat, the member, and its value then.
pub const SHOWN: &[(&str, &str, bool)] = &[
    ("no_passcode", "passcode_present", false),
    ("developer_mode", "developer_mode", true),
    ("usb_debugging", "usb_debugging", true),
    ("rooted", "rooted", true),
    ("jailbroken", "rooted", true),
];

fn weighted<T: Copy>(random: &mut StdRng, from: &[(u32, T)]) -> T {
    let mut left = random.random_range(0..from.iter().map(|(weight, _)| weight).sum::<u32>().max(1));
    for (weight, one) in from {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return *one,
        }
    }
    // Both tables have kinds for either platform.
    from[0].1
}

impl Model {
    /// The version on one of them: mostly the newest.
    pub fn version(&self, random: &mut StdRng) -> &'static str {
        let newest = self.versions.len() - 1;
        let behind = if random.random_bool(0.6) { 0 } else { random.random_range(0..=newest) };
        self.versions[newest - behind]
    }

    /// Android's security patch level on one of them at a time: of one of the months before.
    pub fn patch_level(&self, random: &mut StdRng, now: Time) -> Option<String> {
        let most = if random.random_bool(0.8) { 2 } else { 9 };
        let days = 30 * random.random_range(1..=most);
        let month = now.minus(Span::days(days)).to_jiff().strftime("%Y-%m").to_string();
        (self.platform == Android).then(|| format!("{month}-05"))
    }

    /// Whether it is a tablet, which more people share.
    pub fn is_tablet(&self) -> bool {
        self.name.contains("Tab") || self.name.contains("iPad")
    }
}

impl ThreatKind {
    /// Evidence for one of them.
    pub fn details(&self, random: &mut StdRng) -> Map<String, Value> {
        match (self.details)(random) {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use std::collections::BTreeSet;

    use allclear_domain::classification;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_people() {
        let people = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            (0..500).map(|number| person(&mut random, number)).map(|it| it.user_name).collect::<Vec<_>>()
        };
        assert_eq!(people(1), people(1));
        assert_ne!(people(1), people(2));
        assert_eq!(people(3).into_iter().collect::<BTreeSet<_>>().len(), 500, "user names differ");
    }

    #[test]
    fn nobody_real_can_be_reached() {
        let mut random = StdRng::seed_from_u64(4);
        for number in 0..500 {
            let it = person(&mut random, number);
            assert!(it.email.ends_with("@example.com") && it.email.is_ascii(), "{}", it.email);
            assert!(it.phone.starts_with("+447700900") || it.phone.starts_with("+33639980"), "{}", it.phone);
            assert!(it.phone[1..].bytes().all(|byte| byte.is_ascii_digit()) && it.phone.len() <= 16);
        }
    }

    #[test]
    fn threats_are_rows_of_protections_on_platforms_they_occur_on() {
        for kind in KINDS {
            let row = classification::find(kind.classification).unwrap();
            let platforms = kind.platform.map_or(vec![Android, Ios], |platform| vec![platform]);
            assert!(platforms.iter().all(|of| row.platforms.contains(of)), "{}", kind.classification);
            assert!(kind.hours.0 < kind.hours.1);
        }
        let mut random = StdRng::seed_from_u64(5);
        for platform in [Android, Ios] {
            for _ in 0..200 {
                assert_eq!(model(&mut random, Some(platform)).platform, platform);
                assert!(threat(&mut random, platform).platform.is_none_or(|of| of == platform));
            }
        }
    }

    #[test]
    fn what_shows_in_an_inventory_can_be_caught() {
        for (classification, _, _) in SHOWN {
            assert!(KINDS.iter().any(|kind| kind.classification == *classification), "{classification}");
        }
    }

    #[test]
    fn patch_levels_are_dates_before_now() {
        let mut random = StdRng::seed_from_u64(6);
        let now: Time = "2026-03-10T00:00:00Z".parse().unwrap();
        for _ in 0..100 {
            let level = MODELS[0].1.patch_level(&mut random, now).unwrap();
            let at: Time = format!("{level}T00:00:00Z").parse().unwrap();
            assert!(at < now && now.since(at) < Span::days(310), "{level}");
        }
        assert_eq!(MODELS.last().unwrap().1.patch_level(&mut random, now), None);
    }
}
