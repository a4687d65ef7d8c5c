//! Templates and logos on both databases: kept whole, apart for each tenant, and part of the rules.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use allclear_domain::{
    classification::{self, OwnText},
    ids::Tenant,
    logo::Logo,
    notification::Channel,
    template::{TemplateKey, TemplateText, TemplateTrigger},
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS, classification_texts as texts,
    db::migrate,
    logos, rules,
    templates::{self, Stored},
    tenants,
    testing::for_each_database,
};

const TENANT: Tenant = Tenant(1);

fn stored(trigger: TemplateTrigger, channel: Channel, language: &str, version: i64) -> Stored {
    let mail = channel == Channel::Email;
    Stored {
        key: TemplateKey { trigger, channel, language: language.into() },
        text: TemplateText {
            subject: mail.then(|| format!("Subject {version}")),
            body: "Grüße, {{ user.name }}\n\n📱".into(),
            html: mail.then(|| "<p>\"{{ count }}\"</p>".into()),
        },
        version,
        changed_at: Time::EPOCH.plus(Span::seconds(version)),
        changed_by: "Grace".into(),
    }
}

#[tokio::test]
async fn a_template_is_kept_changed_and_taken_away() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let mail = stored(TemplateTrigger::AllClear, Channel::Email, "pt-BR", 1);
        let all = [mail.clone(), stored(TemplateTrigger::Device, Channel::DeviceMessage, "de", 3)];
        db.write(move |tx| {
            tenants::create(tx, TENANT, Time::EPOCH)?;
            all.iter().try_for_each(|one| templates::set(tx, TENANT, one))?;
            templates::set(tx, Tenant(2), &Stored { version: 9, ..all[0].clone() })
        })
        .await
        .unwrap();
        let wanted = mail.clone();
        let found = db.read(move |tx| templates::get(tx, TENANT, &wanted.key)).await.unwrap();
        assert_eq!(found, Some(mail.clone()));
        let list = db.read(|tx| templates::list(tx, TENANT)).await.unwrap();
        let shown: Vec<_> = list.iter().map(|one| (one.key.language.as_str(), one.version)).collect();
        assert_eq!(shown, [("de", 3), ("pt-BR", 1)]);

        let changed = stored(TemplateTrigger::AllClear, Channel::Email, "pt-BR", 2);
        let written = changed.clone();
        db.write(move |tx| templates::set(tx, TENANT, &written)).await.unwrap();
        let rules = db.read(|tx| rules::load(tx, TENANT, 1)).await.unwrap();
        assert_eq!(rules.templates.own.len(), 2);
        assert_eq!(rules.templates.get(&mail.key), Some(&changed.text));
        assert!(!rules.templates.logo);

        let (gone, theirs) = (mail.key.clone(), mail.key.clone());
        db.write(move |tx| templates::delete(tx, TENANT, &gone)).await.unwrap();
        assert_eq!(db.read(|tx| templates::list(tx, TENANT)).await.unwrap().len(), 1);
        let theirs = db.read(move |tx| templates::get(tx, Tenant(2), &theirs)).await.unwrap();
        assert_eq!(theirs.unwrap().version, 9);
    })
    .await;
}

#[tokio::test]
async fn a_tenants_texts_of_classifications_are_part_of_its_rules() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let own = |name: &str| OwnText { name: name.into(), user_text: "Odinstaluj ją. 📱".into() };
        let (first, second, other) = (own("Trojan"), own("Koń trojański"), own("other"));
        let found = db.write::<_, Error>(move |tx| {
            tenants::create(tx, TENANT, Time::EPOCH)?;
            texts::set(tx, TENANT, "trojan", "pl", &first, 1)?;
            texts::set(tx, TENANT, "trojan", "pl", &second, 2)?;
            texts::set(tx, TENANT, "spy", "cs", &first, 1)?;
            texts::set(tx, Tenant(2), "trojan", "pl", &other, 7)?;
            assert_eq!(texts::get(tx, TENANT, "trojan", "pl")?, Some((second.clone(), 2)));
            assert_eq!(texts::versions(tx, TENANT, "trojan")?, [("pl".to_owned(), 2)]);
            let found = rules::load(tx, TENANT, 1)?.templates.texts;
            texts::delete(tx, TENANT, "trojan", "pl")?;
            assert_eq!(texts::get(tx, TENANT, "trojan", "pl")?, None);
            assert_eq!(texts::get(tx, Tenant(2), "trojan", "pl")?, Some((other.clone(), 7)));
            Ok(found)
        });
        let found = found.await.unwrap();
        assert_eq!(found.languages().collect::<Vec<_>>(), ["cs", "pl"]);
        let trojan = classification::find("trojan").unwrap();
        assert_eq!(found.get(trojan, "pl").map(|texts| texts.name), Some("Koń trojański"));
    })
    .await;
}

#[tokio::test]
async fn a_logo_is_each_tenants_own() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let logo = |width: u8| {
            let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0".to_vec();
            bytes.extend([width, 0, 0, 0, 40, 0xff, 0x00]);
            Logo::read(bytes).unwrap()
        };
        db.write(move |tx| {
            logos::set(tx, TENANT, &logo(10), Time::EPOCH)?;
            logos::set(tx, TENANT, &logo(20), Time::EPOCH)?;
            logos::set(tx, Tenant(2), &logo(30), Time::EPOCH)
        })
        .await
        .unwrap();
        let found = db.read(|tx| Ok::<_, Error>((logos::get(tx, TENANT)?, logos::exists(tx, TENANT)?)));
        assert_eq!(found.await.unwrap(), (Some(logo(20)), true));
        db.write(|tx| logos::delete(tx, TENANT)).await.unwrap();
        let found = db.read(|tx| Ok::<_, Error>((logos::get(tx, TENANT)?, logos::exists(tx, Tenant(2))?)));
        assert_eq!(found.await.unwrap(), (None, true));
    })
    .await;
}
