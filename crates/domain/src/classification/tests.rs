#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

use std::collections::BTreeSet;

use super::*;

#[test]
fn ids_are_sorted_unique_and_snake_case() {
    let ids: Vec<_> = all().iter().map(|row| row.id).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "sorted and unique");
    assert!((75..=120).contains(&ids.len()), "{}", ids.len());
    for id in ids {
        let words = id.split('_').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
        assert!(words, "{id} is not snake_case");
        assert_eq!(find(id).unwrap().id, id);
    }
    assert!(find("Trojan").is_none() && find("").is_none());
}

#[test]
fn texts_are_whole_sentences_of_bounded_length() {
    let mut names = BTreeSet::new();
    for row in all() {
        for text in [row.user_text, row.admin_text] {
            assert!(text.len() > 20 && text.ends_with('.'), "{}: {text}", row.id);
            assert!(text.starts_with(|first: char| first.is_ascii_uppercase()), "{}: {text}", row.id);
        }
        assert!(row.user_text.chars().count() <= 200, "{}: user text is too long", row.id);
        assert!(names.insert(row.name), "{} twice", row.name);
        assert!(!row.platforms.is_empty(), "{}", row.id);
    }
}

#[test]
fn techniques_are_well_formed() {
    let mut titles = std::collections::BTreeMap::new();
    for technique in all().iter().filter_map(|row| row.technique) {
        let digits = technique.id.strip_prefix('T').unwrap();
        let (main, sub) = digits.split_once('.').unwrap_or((digits, "000"));
        assert!(main.len() == 4 && sub.len() == 3, "{}", technique.id);
        assert!(main.bytes().chain(sub.bytes()).all(|b| b.is_ascii_digit()), "{}", technique.id);
        assert_eq!(*titles.entry(technique.id).or_insert(technique.name), technique.name);
    }
    assert!(titles.len() > 20);
}

#[test]
fn the_vendors_documents_hold() {
    let level = |id| find(id).unwrap().default_level;
    assert_eq!(level("trojan"), RiskLevel::High);
    assert_eq!(level("man_in_the_middle"), RiskLevel::High);
    assert_eq!(level("out_of_date_os"), RiskLevel::Medium);
    assert_eq!(level(UNKNOWN), RiskLevel::Medium);
    assert_eq!(level("usb_debugging"), RiskLevel::Medium);
    assert_eq!(level("device_attestation_failed"), RiskLevel::High);
    for low in ["riskware", "smishing", "likely_unsafe_app", "developer_mode"] {
        assert_eq!(level(low), RiskLevel::Low, "{low}");
    }
    for advisory in ["port_scan", "pcp_paused", "out_of_date_security_patch", "vulnerability"] {
        assert_eq!(level(advisory), RiskLevel::Advisory, "{advisory}");
    }
    let silent: Vec<_> =
        all().iter().filter(|row| row.default_response == Response::DoNotAlert).map(|row| row.id).collect();
    assert_eq!(silent, ["non_app_store_signer", "sideloaded_app"]);
}

#[test]
fn what_the_user_did_decays() {
    let decaying: BTreeSet<_> = all().iter().filter(|row| row.behaviour).map(|row| row.id).collect();
    for id in ["blocked_url_access", "phishing_content", "repeated_non_compliance", "sim_change"] {
        assert!(decaying.contains(id), "{id}");
    }
    for id in ["trojan", "no_passcode", "man_in_the_middle", "smishing", "ceo_fraud"] {
        assert!(!decaying.contains(id), "{id}");
    }
}

#[test]
fn every_vendor_name_leads_to_its_row() {
    let lookout = "ADWARE APP_DROPPER BACKDOOR BLACKLISTED_APP DENYLISTED_APP BOT CHARGEWARE CLICK_FRAUD CONNECTIVITY \
        DATA_LEAK EXPLOIT NON_APP_STORE_SIGNER RISKWARE ROOT_ENABLER SIDELOADED_APP SPAM SPY SURVEILLANCE TOLL_FRAUD \
        TROJAN VIRUS VULNERABILITY WORM UNKNOWN OBJECTIONABLE_CONTENT MALICIOUS PHISHING BLACKLISTED ANALYSIS \
        OUT_OF_DATE_ASPL PCP_PAUSED agent_outdated PORT_SCAN MALICIOUS_CONTENT CEO_FRAUD EMBEDDED_PHISHING_URL \
        FRAUD_DETECTION URL_DETECTION";
    let pradeo = "ManInTheMiddle RogueAccessPoint RogueCellTower Root DebugMode DeviceNotEncrypted SystemNotUpToDate";
    let others = [
        "Abnormal Process Activity",
        "Always-on VPN App Set",
        "ADB Apps Not Verified",
        "ADB Wi-Fi Enabled",
        "App Debug Enabled",
        "App Pending Activation",
        "App Tampering",
        "ARP Scan",
        "IP Scan",
        "Captive Portal",
        "Danger Zone Connected",
        "Internal Network Access",
        "Vulnerable OS",
        "Risky/Suspicious Profile",
        "Screen Lock disabled",
        "Device Jailbroken",
        "SYSTEM TAMPERING",
        "Blocked URL Access (Secure Browser)",
        "Out of compliance (OOC) events",
        "SIM change detected on device",
        "Jail broken or Rooted State",
        "Device attestation status",
        "USB debugging enabled",
        "Developer debugging enabled",
        "Likely unsafe",
        "Unsafe",
        "Dangerous",
        "Insecure Wi-Fi",
        "Malware",
        "Malicious SMS received",
        "Malicious email received",
        "Excessive app permissions",
        "Risky app permissions",
        "App compliance state",
        "MITM",
        "fake SSL cert",
        "SSL strip",
        "rogue AP",
        "unsecured Wi-Fi",
        "malicious certs",
        "card data leak",
        "password leak",
        "e-mail leak",
        "COMPROMISED_OS",
        "HARDWARE_BACKED_EVALUATION_FAILED",
        "lost_integrity",
    ];
    for name in lookout.split_whitespace().chain(pradeo.split_whitespace()).chain(others) {
        assert!(find(canonical(name)).is_some(), "{name} leads nowhere");
        assert!(find(canonical(&name.to_uppercase())).is_some(), "{name} in capitals leads nowhere");
    }
    assert_eq!(canonical("BLACKLISTED_APP"), "denylisted_app");
    assert_eq!(canonical("OUT_OF_DATE_ASPL"), "out_of_date_security_patch");
    assert_eq!(canonical("ManInTheMiddle"), "man_in_the_middle");
    assert_eq!(canonical("SPY"), "spy");
    assert_eq!(canonical("SURVEILLANCE"), "surveillance");
}

#[test]
fn a_name_nobody_knows_stays_as_it_is() {
    for name in ["", "  ", "trojan木馬", "quantum_worm", "__", &"x".repeat(10_000)] {
        assert_eq!(canonical(name), name);
    }
}

#[test]
fn aliases_name_rows_that_exist_and_no_name_leads_to_two_rows() {
    let mut seen = std::collections::BTreeMap::new();
    let plain = |name: &str| name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    for row in all() {
        for name in [row.id, row.name] {
            assert_eq!(*seen.entry(plain(name)).or_insert(row.id), row.id, "{name}");
        }
    }
    for (id, names) in names::ALIASES {
        assert!(find(id).is_some(), "{id}");
        for name in *names {
            assert_eq!(seen.entry(plain(name)).or_insert(id), id, "{name}");
            assert_eq!(canonical(name), *id);
        }
    }
}

#[test]
fn translations_are_whole_and_fit_text_messages() {
    let ids: BTreeSet<_> = all().iter().map(|row| row.id).collect();
    for (language, rows) in translations::LANGUAGES.iter() {
        assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), ids, "{language}");
        let names: BTreeSet<_> = rows.values().map(|[name, _]| name).collect();
        assert_eq!(names.len(), ids.len(), "{language}: a name twice");
        for (id, [name, advice]) in rows {
            assert!((3..=40).contains(&name.chars().count()) && name.trim() == *name, "{language} {id}: {name}");
            assert!(advice.chars().count() <= 200 && advice.len() > 20 && advice.ends_with('.'), "{language} {id}");
            let length = crate::sms::length(&format!("{name} {advice}"));
            assert_eq!(length.alphabet, crate::sms::SmsAlphabet::Gsm7, "{language} {id}");
        }
    }
}

#[test]
fn what_a_tenant_says_stands_before_what_is_shipped() {
    let (trojan, spy) = (find("trojan").unwrap(), find("spy").unwrap());
    let own = |name: &str| OwnText { name: name.into(), user_text: "Odinstaluj ją.".into() };
    let mut texts = OwnTexts::default();
    texts.set("trojan", "pl", own("Trojan"));
    texts.set("trojan", "de", own("Böser Trojaner"));
    let name = |kind, reader: &str, organisation: &str| {
        texts.best(kind, &crate::template::language::chain(Some(reader), organisation)).name
    };
    assert_eq!((name(trojan, "pl-PL", "en"), name(trojan, "de-AT", "en")), ("Trojan", "Böser Trojaner"));
    assert_eq!((name(spy, "de-AT", "en"), name(spy, "pl", "de")), ("Spionage-App", "Spionage-App"), "shipped");
    assert_eq!((name(spy, "pl", "en"), name(trojan, "fr", "cs")), (spy.name, trojan.name), "in English");
    assert_eq!((texts.get(spy, "pl"), texts.get(trojan, "en").unwrap().advice), (None, trojan.user_text));
    assert_eq!(texts.languages().collect::<Vec<_>>(), ["de", "pl"]);
    assert!(texts.is_said(trojan, "pl-PL") && texts.is_said(spy, "de-AT") && !texts.is_said(spy, "pl"));
    assert_eq!(own("Trojan").problems(), []);
    for (bad, pointer) in [
        (own(""), "/name"),
        (own(&"x".repeat(61)), "/name"),
        (own("two\nlines"), "/name"),
        (OwnText { user_text: " x".into(), ..own("x") }, "/user_text"),
        (OwnText { user_text: "\u{202e}x".into(), ..own("x") }, "/user_text"),
        (OwnText { user_text: "x".repeat(501), ..own("x") }, "/user_text"),
    ] {
        assert_eq!(bad.problems().iter().map(|(at, _)| *at).collect::<Vec<_>>(), [pointer], "{bad:?}");
    }
}

#[test]
fn each_sentence_is_a_step() {
    let of = |advice| Texts { name: "", advice }.steps().collect::<Vec<_>>();
    assert_eq!(of("One two. Three e.g. four; five. Six."), ["One two.", "Three e.g. four; five.", "Six."]);
    assert_eq!(of("Update to 17.2 or no. 18. Restart!"), ["Update to 17.2 or no. 18.", "Restart!"]);
    assert_eq!(of("卸载该应用。重新启动手机。"), ["卸载该应用。", "重新启动手机。"]);
    assert_eq!(of("ऐप हटाएँ। फ़ोन फिर चालू करें।"), ["ऐप हटाएँ।", "फ़ोन फिर चालू करें।"]);
    assert_eq!(of("احذف التطبيق. أعد التشغيل."), ["احذف التطبيق.", "أعد التشغيل."]);
    assert_eq!(of(""), Vec::<&str>::new());
}
