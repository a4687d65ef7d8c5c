#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

use std::collections::HashSet;

use proptest::prelude::*;

use super::{compose, context, *};
use crate::{
    classification::{self, OwnText},
    level::{Platform, RiskLevel},
    settings::Branding,
    sms,
    time::Time,
};

fn issue(id: &str, device: &str, level: RiskLevel) -> Issue {
    let kind = classification::find(id);
    Issue { classification: id.into(), kind, device: device.into(), level, since: Time::EPOCH }
}

fn pixel() -> DeviceShown {
    DeviceShown { name: "Ada's Pixel".into(), platform: Platform::Android }
}

fn told(trigger: TemplateTrigger, locale: &str, issues: Vec<Issue>) -> Occasion {
    let now = issues.first().map_or(RiskLevel::None, |issue| issue.level);
    Occasion {
        trigger,
        user: "Ada".into(),
        locale: Some(locale.into()),
        devices: vec![pixel()],
        issues,
        status: (RiskLevel::None, now),
    }
}

fn two(trigger: TemplateTrigger, locale: &str) -> Occasion {
    let on = "Ada's Pixel";
    let issues = vec![issue("trojan", on, RiskLevel::High), issue("no_passcode", on, RiskLevel::Medium)];
    told(trigger, locale, issues)
}

fn acme() -> Branding {
    Branding { organisation_name: "Acme".into(), ..Branding::default() }
}

fn key(trigger: TemplateTrigger, channel: Channel, language: &str) -> TemplateKey {
    TemplateKey { trigger, channel, language: language.into() }
}

fn body(text: &str) -> TemplateText {
    TemplateText { body: text.into(), ..TemplateText::default() }
}

fn mail(subject: &str, text: &str, html: Option<&str>) -> TemplateText {
    TemplateText { subject: Some(subject.into()), body: text.into(), html: html.map(str::to_owned) }
}

#[test]
fn every_language_is_shipped_whole_and_passes_its_own_check() {
    for language in LANGUAGES {
        for key in TemplateKey::of_language(language) {
            let text = shipped(&key).unwrap_or_else(|| panic!("{key:?}"));
            let real = [two(key.trigger, language)];
            assert_eq!(problems(&key, text, &acme(), &real), [], "{key:?}");
            assert_eq!(problems(&key, text, &Branding::default(), &[]), [], "{key:?}");
        }
    }
    assert_eq!(TemplateKey::of_language("en").count(), 9);
}

#[test]
fn a_mail_says_what_where_and_what_to_do() {
    let mail = Templates::default().email(&acme(), &two(TemplateTrigger::Notify, "en-GB")).unwrap();
    assert_eq!(mail.subject, "Action needed: 2 security issues on your device");
    assert_eq!(
        mail.text,
        "Hello Ada,\n\n\
         Acme found 2 security issues on your device. Please put them right soon. Until then, some apps and services may \
         not be available to you.\n\n\
         Trojan (high risk) on Ada's Pixel\n\
         An app pretends to be useful but does harm. Uninstall it now and restart your phone.\n\n\
         No Passcode (medium risk) on Ada's Pixel\n\
         Your phone has no screen lock. Set a passcode in Settings.\n\n\
         When you are done there is nothing to report: your device will be checked again automatically, and what was \
         restricted comes back.\n\n\
         If you are unsure, ask your help desk.\n\n\
         Acme"
    );
    assert!(mail.html.contains("<html lang=\"en\" dir=\"ltr\">") && !mail.html.contains("http"));
    assert!(mail.html.contains("Trojan (high risk) on Ada&#39;s Pixel<br>\nAn app pretends"), "{}", mail.html);
}

#[test]
fn the_reader_is_written_to_in_their_language() {
    let templates = Templates::default();
    let mail = templates.email(&acme(), &two(TemplateTrigger::AccountStatus, "de-AT")).unwrap();
    assert_eq!(
        (mail.subject.as_str(), mail.language.as_str()),
        ("Bitte handeln: 2 Sicherheitsprobleme auf Ihrem Gerät", "de")
    );
    assert_eq!(
        mail.text,
        "Guten Tag Ada,\n\n\
         Acme hat 2 Sicherheitsprobleme auf Ihrem Gerät festgestellt. Bitte folgen Sie so bald wie möglich den Schritten \
         unten. Bis dahin stehen Ihnen manche Apps und Dienste vielleicht nicht zur Verfügung.\n\n\
         Trojaner (hohes Risiko) auf Ada's Pixel\n\
         Eine App gibt vor, nützlich zu sein, richtet aber Schaden an. Deinstallieren Sie sie sofort und starten Sie Ihr \
         Telefon neu.\n\n\
         Kein Sperrcode (mittleres Risiko) auf Ada's Pixel\n\
         Ihr Telefon hat keine Displaysperre. Richten Sie in den Einstellungen einen Code ein.\n\n\
         Wenn Sie fertig sind, müssen Sie nichts melden: Ihr Gerät wird automatisch erneut geprüft, und wir schreiben \
         Ihnen, wenn alles in Ordnung ist.\n\n\
         Wenn Sie unsicher sind, fragen Sie Ihren Helpdesk.\n\n\
         Acme"
    );
    let well = templates.email(&acme(), &told(TemplateTrigger::AllClear, "fr", vec![])).unwrap();
    assert_eq!((well.subject.as_str(), well.language.as_str()), ("All clear: no security issues on your device", "en"));
    let german = Branding { language: "de".into(), ..acme() };
    let well = templates.device_message(&german, &told(TemplateTrigger::AllClear, "fr", vec![])).unwrap();
    assert!(well.starts_with("Entwarnung: Auf diesem Gerät"), "{well}");
    let message = templates.device_message(&german, &two(TemplateTrigger::Device, "en")).unwrap();
    assert_eq!(
        message,
        "Please put this right on this device:\n\n\
         Trojan (high risk)\nAn app pretends to be useful but does harm. Uninstall it now and restart your phone.\n\n\
         No Passcode (medium risk)\nYour phone has no screen lock. Set a passcode in Settings.\n\n\
         If you are unsure, ask your help desk."
    );
}

#[test]
fn an_sms_has_the_advice_while_there_is_room() {
    let sms = |branding: &Branding, occasion: &Occasion| Templates::default().sms(branding, occasion).unwrap();
    let of = |ids: &[&str], device: &str, locale: &str| {
        let issues = ids.iter().map(|id| issue(id, device, RiskLevel::High)).collect();
        sms(&acme(), &told(TemplateTrigger::Notify, locale, issues))
    };
    let trojan = "An app pretends to be useful but does harm. Uninstall it now and restart your phone.";
    assert_eq!(of(&["trojan"], "Ada's Pixel", "en"), format!("Acme: Trojan on Ada's Pixel: {trojan}"));
    assert_eq!(of(&["trojan"; 3], "Ada's Pixel", "en"), format!("Acme: Trojan on Ada's Pixel: {trojan} +2 more"));
    let short = "Acme: Trojan on 📱 of Ada. Open the security app on your device.";
    assert_eq!(of(&["trojan"], "📱 of Ada", "en"), short);
    let long = "Ы".repeat(70);
    let count = "Acme: 2 security issues on your devices. Open the security app on your device.";
    assert_eq!(of(&["trojan", "bot"], &long, "en"), count);
    let branding = Branding { organisation_name: "🏢".repeat(60), ..Branding::default() };
    let one = told(TemplateTrigger::Notify, "de", vec![issue("trojan", &long, RiskLevel::High)]);
    assert_eq!(
        sms(&branding, &one),
        "1 Sicherheitsproblem auf Ihren Geräten. Öffnen Sie die Sicherheits-App auf Ihrem Gerät."
    );
    assert_eq!(
        of(&["trojan", "no_passcode"], "Pixel", "de"),
        "Acme: Trojaner auf Pixel. Kein Sperrcode auf Pixel. Öffnen Sie die Sicherheits-App auf Ihrem Gerät."
    );
    assert_eq!(of(&[], "Pixel", "en"), "Acme: There are no open security issues on your devices.");
    let clear = told(TemplateTrigger::AllClear, "de", vec![]);
    assert_eq!(
        sms(&acme(), &clear),
        "Acme: Entwarnung. Auf Ihren Geräten gibt es keine offenen Sicherheitsprobleme mehr."
    );
}

#[test]
fn a_template_that_goes_wrong_says_where_and_why() {
    let of = |text: &str| {
        let key = key(TemplateTrigger::Device, Channel::DeviceMessage, "en");
        let problems = problems(&key, &body(text), &acme(), &[]);
        problems.into_iter().map(|(pointer, detail)| format!("{pointer} {detail}")).collect::<Vec<_>>().join("; ")
    };
    let long = format!("{{{{ {}1 }}}}", "1-".repeat(300));
    let deep = "{% if count %}".repeat(300);
    let loops = "{% for a in issues %}{% for b in issues %}{% for c in issues %}{% for d in issues %}x\
                 {% endfor %}{% endfor %}{% endfor %}{% endfor %}";
    let explodes =
        format!("{{% for a in issues %}}{{% for b in issues %}}{}{{% endfor %}}{{% endfor %}}", "x".repeat(9000));
    let started = std::time::Instant::now();
    for (template, expected) in [
        ("", "/body must have text"),
        ("Hello\n{{ user.nme }}", "/body line 2: there is no \"user.nme\": see the list of variables"),
        ("{{ usr.name }}", "/body line 1: there is no \"usr\": see the list of variables"),
        (
            "a\n\n{% for issue in issues %}{{ issue.nme }}{% endfor %}",
            "/body line 3: issue.nme is not there: see the list of variables",
        ),
        ("{{ issues }}", "cannot be written as a whole"),
        ("{% if %}", "/body line 1: cannot be read: "),
        ("{{ user.name", "/body line 1: cannot be read: "),
        ("{{ user.name|shout }}", "see the list of filters"),
        ("{{ user.name ~ user.name }}", "/body line 1: an operator that makes texts longer (+, ~, *) cannot be used"),
        ("{{ 'x' * 100000000 }}", "cannot be used"),
        ("{% set x = [user, user] %}{{ x }}", "a list or map of anything but fixed values cannot be used"),
        ("{% set x %}a{% endset %}", "/body line 1: set with a block cannot be used"),
        ("{% filter upper %}a{% endfilter %}", "cannot be used"),
        ("{% autoescape false %}a{% endautoescape %}", "autoescape cannot be used"),
        ("{{ user.name|safe }}", "see the list of filters"),
        ("{{ range(1000000) }}", "a call cannot be used"),
        ("{{ user.name.upper() }}", "a call cannot be used"),
        ("{% for a in issues recursive %}x{% endfor %}", "a recursive for cannot be used"),
        ("{% include 'x' %}", "cannot be read"),
        ("{% macro m() %}{{ m() }}{% endmacro %}", "cannot be read"),
        (loops, "takes too long: it goes round too often"),
        (&explodes, "makes too long a text"),
        (&long, "has too long an expression"),
        (&deep, "has more than 200 tags"),
        (&"{".repeat(20_001), "must have at most 20000 characters"),
    ] {
        let said = of(template);
        assert!(said.contains(expected), "{template:.60}: {said}");
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(of("Hello {{ user.name|upper }}, {{ issues|length }} of {{ count }} {{ help or 'ask' }}"), "");
    assert_eq!(of("{% for issue in issues %}{{ loop.index }}. {{ issue.steps|join(' / ') }}\n{% endfor %}!"), "");
}

#[test]
fn the_parts_of_a_template_are_those_of_its_channel() {
    let checked = |channel, text: &TemplateText| {
        let found = problems(&key(TemplateTrigger::Notify, channel, "fr"), text, &acme(), &[]);
        found.into_iter().map(|(pointer, detail)| format!("{pointer} {detail}")).collect::<Vec<_>>()
    };
    assert_eq!(checked(Channel::Email, &body("x")), ["/subject a mail needs a subject"]);
    assert_eq!(
        checked(Channel::Sms, &mail("s", "x", Some("x"))),
        ["/subject is for email only", "/html is for email only"]
    );
    assert_eq!(checked(Channel::Email, &mail("{{ help }}", "x", None)), ["/subject comes out empty"]);
    assert_eq!(checked(Channel::Email, &mail("s", "x", Some("<p>{{ user.name }}</p>"))), Vec::<String>::new());
    for (html, word) in [
        ("<SCRIPT>1</SCRIPT>", "<script"),
        ("<p onClick = \"x\">", "onclick"),
        ("<a href='JavaScript:x'>", "javascript:"),
    ] {
        let said = checked(Channel::Email, &mail("s", "x", Some(html)));
        assert!(said.len() == 1 && said[0].contains(word), "{said:?}");
    }
    let long = checked(Channel::Sms, &body(&"a".repeat(161)));
    assert_eq!(long, ["/body is too long for an SMS: 161 of 160 characters"]);
    let wide = checked(Channel::Sms, &body(&"ą".repeat(71)));
    assert!(wide[0].starts_with("/body is too long for an SMS: 71 of 70 characters, because"), "{wide:?}");
    // What can be left out does not count, what cannot does.
    let stays = "{{ user.name }} {% for d in devices %}{{ d.name }} {% endfor %}";
    assert!(checked(Channel::Sms, &body(stays))[0].contains("too long"));
    let leaves = "{{ user.name }} {{ link }} {% for i in issues %}{{ i.device }} {{ i.advice }} {% endfor %}{{ more }}";
    assert_eq!(checked(Channel::Sms, &body(leaves)), Vec::<String>::new());
}

#[test]
fn a_tenants_own_template_stands_before_the_shipped_one() {
    let french = key(TemplateTrigger::Notify, Channel::Email, "fr");
    let own = mail("Bonjour {{ user.name }}", "{{ count }} problèmes", Some("<b>{{ user.name }}</b>"));
    let english = key(TemplateTrigger::Notify, Channel::Email, "en");
    let broken = mail("{{ issues[5].name }}", "x", None);
    let own = [(french.clone(), own), (english.clone(), broken)].into();
    let templates = Templates { own, logo: true, ..Templates::default() };
    let mut occasion = two(TemplateTrigger::Notify, "fr-CA");
    occasion.user = "<A&B>".into();
    let mail = templates.email(&acme(), &occasion).unwrap();
    assert_eq!(
        (mail.subject.as_str(), mail.text.as_str(), mail.language.as_str()),
        ("Bonjour <A&B>", "2 problèmes", "fr")
    );
    assert!(mail.html.contains("<b>&lt;A&amp;B&gt;</b>") && mail.html.contains("src=\"cid:logo\" alt=\"Acme\""));
    assert_eq!(templates.languages(), ["de", "en", "fr"]);
    // What goes wrong with the values of the day gives way to what is shipped.
    let mail = templates.email(&acme(), &two(TemplateTrigger::Notify, "en")).unwrap();
    assert_eq!(mail.subject, "Action needed: 2 security issues on your device");
}

#[test]
fn a_tenants_own_words_for_a_threat_are_used_and_leave_a_text_message_whole() {
    let mut templates = Templates::default();
    let own = |name: &str, user_text: &str| OwnText { name: name.into(), user_text: user_text.into() };
    templates.texts.set("trojan", "en", own("Nasty <app>", "Delete it. Then call us."));
    let occasion = two(TemplateTrigger::Notify, "en-GB");
    let mail = templates.email(&acme(), &occasion).unwrap();
    assert!(mail.text.contains("Nasty <app> (high risk) on Ada's Pixel\nDelete it. Then call us."), "{}", mail.text);
    assert!(mail.html.contains("Nasty &lt;app&gt;") && !mail.html.contains("<app>"));
    assert!(mail.text.contains("No Passcode"), "the others are as shipped: {}", mail.text);
    let french =
        [(key(TemplateTrigger::Notify, Channel::Sms, "fr"), body("{% for i in issues %}{{ i.name }} {% endfor %}"))];
    templates.own = french.into();
    templates.texts.set("trojan", "fr", own("Cheval de Troie", "Supprimez-le."));
    let german = Branding { language: "de".into(), ..acme() };
    let sms = templates.sms(&german, &two(TemplateTrigger::Notify, "fr-CA")).unwrap();
    let no_passcode = classification::find("no_passcode").unwrap().shipped("de").unwrap();
    assert_eq!(
        sms,
        format!("Cheval de Troie {}", no_passcode.name),
        "what is missing is in the organisation's language"
    );

    let longest = own(&"Ж".repeat(classification::LONGEST_NAME), &"Ы".repeat(classification::LONGEST_USER_TEXT));
    assert_eq!(longest.problems(), []);
    for kind in ["trojan", "no_passcode"] {
        templates.texts.set(kind, "en", longest.clone());
    }
    for trigger in [TemplateTrigger::Notify, TemplateTrigger::AccountStatus] {
        let sms = templates.sms(&acme(), &two(trigger, "en")).unwrap();
        assert!(sms::length(&sms).fits && sms.contains("security issue"), "{sms}");
    }
}

#[test]
fn names_of_the_other_direction_keep_to_themselves() {
    let mut occasion = two(TemplateTrigger::Notify, "en");
    occasion.user = "\u{202e}עדה\r\nBcc: eve@example.com".into();
    let mail = Templates::default().email(&acme(), &occasion).unwrap();
    assert!(mail.text.starts_with("Hello \u{2068}עדה Bcc: eve@example.com\u{2069},\n"), "{}", mail.text);
    let own = [(
        key(TemplateTrigger::Notify, Channel::Email, "he"),
        super::TemplateText {
            subject: Some("{{ user.name }}".into()),
            body: "שלום {{ user.name }}".into(),
            html: None,
        },
    )];
    let templates = Templates { own: own.into(), ..Templates::default() };
    let mail =
        templates.email(&acme(), &Occasion { user: "Ada".into(), ..two(TemplateTrigger::Notify, "he") }).unwrap();
    assert!(mail.html.contains("lang=\"he\" dir=\"rtl\"") && mail.text == "שלום \u{2068}Ada\u{2069}", "{}", mail.text);
}

#[test]
fn custom_words_are_escaped_and_kept_in_paragraphs() {
    let mail = Templates::default().custom_email(&acme(), Some("de"), "A & B", "One\ntwo\n\n<script>alert(1)</script>");
    assert!(mail.html.contains("<title>A &amp; B</title>") && mail.html.contains("lang=\"de\""));
    assert!(mail.html.contains("One<br>\ntwo</p>") && mail.html.contains("&lt;script&gt;"));
    assert!(!mail.html.contains("<script>"));
}

#[test]
fn a_long_subject_is_cut_between_words() {
    let mut occasion = two(TemplateTrigger::Notify, "en");
    occasion.user = "word ".repeat(100);
    let text = mail("For {{ user.name }}", "x", None);
    let voice = context::Voice { branding: &acme(), texts: &OwnTexts::default(), language: "en" };
    let made = compose::email(&text, voice, &occasion, false).unwrap();
    assert!(made.subject.ends_with(" word…") && made.subject.chars().count() <= LONGEST_SUBJECT, "{}", made.subject);
}

fn any_level() -> impl Strategy<Value = RiskLevel> {
    prop::sample::select(vec![RiskLevel::Low, RiskLevel::Medium, RiskLevel::High])
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z' ]{1,30}", "\\PC{1,100}", "[\\PC\r\n<>\"'&{}%\u{202e}\u{2069}עא]{0,60}", "Ы{60,100}"]
}

prop_compose! {
    fn any_issue()(known in any::<bool>(), row in 0..90_usize, name in any_name(), device in any_name(), level in any_level()) -> Issue {
        let kind = known.then(|| &classification::all()[row]);
        let classification = kind.map_or(name, |kind| kind.id.to_owned());
        Issue { classification, kind, device, level, since: Time::EPOCH }
    }
}

prop_compose! {
    fn any_occasion()(
        trigger in prop::sample::select(TemplateTrigger::ALL.to_vec()),
        user in any_name(),
        locale in prop::sample::select(vec!["en", "de", "de-CH", "ar", "nonsense!"]),
        names in prop::collection::vec(any_name(), 0..5),
        issues in prop::collection::vec(any_issue(), 0..60),
    ) -> Occasion {
        let devices = names.into_iter().map(|name| DeviceShown { name, platform: Platform::Ios }).collect();
        let issues = if trigger == TemplateTrigger::AllClear { vec![] } else { issues };
        Occasion { trigger, user, locale: Some(locale.into()), devices, issues, status: (RiskLevel::None, RiskLevel::High) }
    }
}

prop_compose! {
    fn any_branding()(organisation_name in "[\\PC]{0,60}", help in "\\PC{0,200}", link in any::<bool>()) -> Branding {
        let link = link.then(|| format!("https://example.com/{}", "x".repeat(150)));
        Branding { organisation_name, help, link, ..Branding::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_text_message_always_fits_and_cuts_no_word(occasion in any_occasion(), branding in any_branding()) {
        prop_assume!(occasion.trigger.channels().contains(&Channel::Sms));
        let text = Templates::default().sms(&branding, &occasion).unwrap();
        prop_assert!(sms::length(&text).fits, "{text}");
        prop_assert!(!text.is_empty() && !text.chars().any(char::is_control));
        // Each word is one of the template's, of a name or of an advice.
        let mut known = String::new();
        for language in LANGUAGES {
            let key = key(occasion.trigger, Channel::Sms, language);
            let plain: String = shipped(&key).unwrap().body.replace("{% if count > 1 %}", "").replace("{% endif %}", " ");
            known.push_str(&plain.replace(['{', '}', '%'], " "));
            // Where a condition ends within a word.
            known.push_str(" Sicherheitsproblem Sicherheitsprobleme issue issues more. weitere weitere. ");
            for issue in &occasion.issues {
                let texts = issue.kind.or(classification::find("unknown")).unwrap().shipped(language).unwrap();
                let name = issue.kind.map_or(context::one_line(&issue.classification), |_| texts.name.to_owned());
                let device = context::one_line(&issue.device);
                known.push_str(&format!(" {name} {device} {device}. {device}: {} ", texts.advice));
            }
        }
        known.push_str(&format!(" {0} {0}: : . ", context::one_line(&branding.organisation_name)));
        let known: HashSet<&str> = known.split_whitespace().collect();
        for word in text.split_whitespace() {
            let count = word.trim_start_matches('+').parse::<usize>().is_ok_and(|count| count <= occasion.issues.len());
            prop_assert!(count || known.contains(word), "{word:?} of {text:?}");
        }
    }

    #[test]
    fn a_mail_is_never_broken_by_what_is_in_names(occasion in any_occasion(), branding in any_branding()) {
        let templates = Templates { logo: true, ..Templates::default() };
        if occasion.trigger.channels().contains(&Channel::Email) {
            let mail = templates.email(&branding, &occasion).unwrap();
            prop_assert!(!mail.subject.chars().any(char::is_control) && !mail.subject.is_empty());
            prop_assert!(mail.subject.chars().count() <= LONGEST_SUBJECT);
            let harmless = |text: &str| text.replace(|c| "<>&\"'".contains(c), "x");
            let mut plain = occasion.clone();
            plain.user = harmless(&plain.user);
            plain.issues.iter_mut().for_each(|issue| {
                issue.device = harmless(&issue.device);
                issue.classification = harmless(&issue.classification);
            });
            let named = Branding { organisation_name: harmless(&branding.organisation_name), help: harmless(&branding.help), ..branding.clone() };
            let own = templates.email(&named, &plain).unwrap();
            prop_assert_eq!(mail.html.matches('<').count(), own.html.matches('<').count());
            prop_assert_eq!(mail.html.matches('>').count(), own.html.matches('>').count());
            for text in [&mail.text, &mail.html] {
                prop_assert_eq!(text.matches('\u{2068}').count(), text.matches('\u{2069}').count());
                let odd = |c: char| c == '\u{202e}' || (c.is_control() && c != '\n');
                prop_assert!(!text.chars().any(odd));
            }
        } else {
            let message = templates.device_message(&branding, &occasion).unwrap();
            prop_assert!(message.chars().count() <= LONGEST_DEVICE_MESSAGE);
            prop_assert!(!message.chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn no_template_panics_or_runs_away(source in "(\\{\\{|\\}\\}|\\{%|%\\}| for | in | if | issues | x | set | = |\\||endfor|endif|-|\\[|\\]|\"|[a-z.]{1,4}){0,40}") {
        let key = key(TemplateTrigger::Notify, Channel::Sms, "en");
        for (_, problem) in problems(&key, &body(&source), &Branding::default(), &[]) {
            prop_assert!(problem.chars().count() < 400, "{problem}");
        }
    }
}
