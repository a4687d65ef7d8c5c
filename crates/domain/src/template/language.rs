//! Languages people are written to in: BCP 47 tags, what stands in for one that is missing, and which way it is read.

/// The language everything is written in.
pub const ENGLISH: &str = "en";

/// Whether a text is a language tag in the form of BCP 47, such as `de` or `pt-BR`. At most 35 bytes.
pub fn is_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    text.len() <= 35
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A tag in its usual spelling: `PT-br` is `pt-BR`, `ZH-hans` is `zh-Hans`.
pub fn normal(tag: &str) -> String {
    let mut subtags = tag.split('-').map(str::to_ascii_lowercase);
    let mut normal = subtags.next().unwrap_or_default();
    for subtag in subtags {
        normal.push('-');
        match subtag.len() {
            2 => normal.push_str(&subtag.to_ascii_uppercase()),
            4 => {
                normal.push_str(&subtag[..1].to_ascii_uppercase());
                normal.push_str(&subtag[1..]);
            }
            _ => normal.push_str(&subtag),
        }
    }
    normal
}

/// A language and what it is a variety of, the closest first: `zh-Hans-CN`, `zh-Hans`, `zh`.
pub fn family(tag: &str) -> impl Iterator<Item = &str> {
    let ends = tag.match_indices('-').map(|(end, _)| end).rev();
    std::iter::once(tag).chain(ends.map(move |end| &tag[..end]))
}

/// The languages to look for, best first: the reader's and what it is a variety of, the organisation's, English.
pub fn chain(reader: Option<&str>, organisation: &str) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    for tag in reader.into_iter().chain([organisation, ENGLISH]).filter(|tag| is_tag(tag)) {
        for one in family(&normal(tag)) {
            if !chain.iter().any(|known| known == one) {
                chain.push(one.to_owned());
            }
        }
    }
    chain
}

/// Whether a language is written from right to left.
pub fn is_right_to_left(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let language = subtags.next().unwrap_or_default();
    match subtags.find(|subtag| subtag.len() == 4 && subtag.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        Some(script) => ["Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm"].contains(&script),
        None => ["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"].contains(&language),
    }
}

/// Marks of Unicode that embed, override or isolate a direction.
pub(crate) fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_leads_to_its_family_the_organisations_and_english() {
        assert_eq!(chain(Some("DE-at"), "fr-CA"), ["de-AT", "de", "fr-CA", "fr", "en"]);
        assert_eq!(chain(Some("zh-hans-cn"), "en"), ["zh-Hans-CN", "zh-Hans", "zh", "en"]);
        assert_eq!(chain(None, "de"), ["de", "en"]);
        assert_eq!(chain(Some("no tag"), ""), ["en"]);
    }

    #[test]
    fn the_script_decides_which_way_a_language_is_read() {
        for (tag, expected) in [("he", true), ("ar-EG", true), ("az-Arab", true), ("ur-Latn", false), ("de", false)] {
            assert_eq!(is_right_to_left(tag), expected, "{tag}");
        }
    }
}
