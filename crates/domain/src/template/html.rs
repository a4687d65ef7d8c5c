//! The page around a mail: one column that fits phones, in light and dark, with nothing loaded from anywhere.

use super::language;
use crate::settings::Branding;

/// The line above a mail where the tenant has not chosen a colour.
const ACCENT: &str = "#1c5fd4";

/// A text as paragraphs of HTML: an empty line parts them.
pub(super) fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()).map(|paragraph| {
        let lines: Vec<String> = paragraph.lines().map(escaped).collect();
        format!("<p style=\"margin:0 0 16px\">{}</p>\n", lines.join("<br>\n"))
    });
    paragraphs.collect()
}

/// A whole page around `body`, which is HTML already. With `logo`, the mail has to bring one along as `cid:logo`.
pub(super) fn page(branding: &Branding, tag: &str, title: &str, body: &str, logo: bool) -> String {
    let accent = branding.accent_colour.as_deref().unwrap_or(ACCENT);
    let (tag, title, organisation) = (escaped(tag), escaped(title), escaped(&branding.organisation_name));
    let direction = if language::is_right_to_left(&tag) { "rtl" } else { "ltr" };
    let logo = if logo {
        format!(
            "<img src=\"cid:logo\" alt=\"{organisation}\" height=\"40\" \
             style=\"display:block;height:40px;width:auto;max-width:100%;margin:0 0 8px\">\n"
        )
    } else {
        String::new()
    };
    format!(
        "<!doctype html>\n<html lang=\"{tag}\" dir=\"{direction}\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n:root{{color-scheme:light dark}}\n\
         @media (prefers-color-scheme:dark){{.around{{background:#15181d!important}}\
         .card{{background:#1f242b!important;color:#e8eaed!important}}.quiet{{color:#a8b0ba!important}}}}\n\
         @media (max-width:480px){{.inner{{padding:16px!important}}}}\n</style></head>\n\
         <body class=\"around\" style=\"margin:0;padding:0;background:#f3f5f8\">\n\
         <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>\
         <td align=\"center\" style=\"padding:16px 8px\">\n\
         <table role=\"presentation\" class=\"card\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"max-width:600px;background:#ffffff;color:#1b1f24;border-top:4px solid {accent}\"><tr>\
         <td class=\"inner\" dir=\"{direction}\" style=\"padding:24px;text-align:start;overflow-wrap:anywhere;\
         font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">\n\
         {logo}<p class=\"quiet\" style=\"margin:0 0 16px;font-size:14px;color:#545d69\">{organisation}</p>\n\
         <h1 style=\"font-size:20px;line-height:1.3;margin:0 0 16px\">{title}</h1>\n{body}</td></tr></table>\n\
         </td></tr></table>\n</body></html>\n"
    )
}

pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}
