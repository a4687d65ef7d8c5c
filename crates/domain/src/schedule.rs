//! Weekly windows in a time zone.

use jiff::{ToSpan, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days need no words")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<civil::Weekday> for Weekday {
    fn from(day: civil::Weekday) -> Self {
        match day {
            civil::Weekday::Monday => Weekday::Monday,
            civil::Weekday::Tuesday => Weekday::Tuesday,
            civil::Weekday::Wednesday => Weekday::Wednesday,
            civil::Weekday::Thursday => Weekday::Thursday,
            civil::Weekday::Friday => Weekday::Friday,
            civil::Weekday::Saturday => Weekday::Saturday,
            civil::Weekday::Sunday => Weekday::Sunday,
        }
    }
}

/// A weekly window in which a profile may be installed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstallSchedule {
    /// The days on which the window opens; at least one.
    pub days: Vec<Weekday>,
    /// When it opens, local time, `HH:MM`.
    pub from: String,
    /// When it closes, local time, `HH:MM`; at or before `from` means on the next day.
    pub until: String,
    /// IANA time zone, for example `Europe/Berlin`.
    pub time_zone: String,
}

/// Where a moment stands to a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    /// Open; closes then.
    OpenUntil(Time),
    /// Closed; opens then.
    ClosedUntil(Time),
}

impl InstallSchedule {
    /// What is wrong with it: JSON pointer and reason.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.days.is_empty() {
            problems.push(("/days".into(), "must name at least one day".into()));
        }
        for (name, text) in [("from", &self.from), ("until", &self.until)] {
            if clock(text).is_none() {
                problems.push((format!("/{name}"), "must be a local time such as 22:30".into()));
            }
        }
        if TimeZone::get(&self.time_zone).is_err() {
            problems.push(("/time_zone".into(), "must be an IANA time zone such as Europe/Berlin".into()));
        }
        problems
    }

    /// Where `now` stands to the window. A schedule that makes no sense is always open: it must not keep an
    /// enforcement from a device for ever.
    pub fn at(&self, now: Time) -> Window {
        self.window(now).unwrap_or(Window::OpenUntil(Time::from_micros(i64::MAX)))
    }

    fn window(&self, now: Time) -> Option<Window> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let (from, until) = (clock(&self.from)?, clock(&self.until)?);
        let today = now.to_jiff().to_zoned(zone.clone()).date();
        let mut next = None;
        for offset in -1..=8 {
            let date = today.checked_add(offset.days()).ok()?;
            if !self.days.contains(&date.weekday().into()) {
                continue;
            }
            let end_date = if until <= from { date.tomorrow().ok()? } else { date };
            let opens: Time = date.to_datetime(from).to_zoned(zone.clone()).ok()?.timestamp().into();
            let closes: Time = end_date.to_datetime(until).to_zoned(zone.clone()).ok()?.timestamp().into();
            if opens <= now && now < closes {
                return Some(Window::OpenUntil(closes));
            }
            if opens > now && next.is_none() {
                next = Some(opens);
            }
        }
        next.map(Window::ClosedUntil)
    }
}

fn clock(text: &str) -> Option<civil::Time> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    civil::Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_over_midnight_opens_and_closes_in_its_zone() {
        let schedule = InstallSchedule {
            days: vec![Weekday::Friday],
            from: "22:00".into(),
            until: "05:00".into(),
            time_zone: "Europe/Berlin".into(),
        };
        assert!(schedule.problems().is_empty());
        let opens = at("2026-01-09T21:00:00Z");
        let closes = at("2026-01-10T04:00:00Z");
        assert_eq!(schedule.at(at("2026-01-09T20:59:59Z")), Window::ClosedUntil(opens));
        assert_eq!(schedule.at(opens), Window::OpenUntil(closes));
        assert_eq!(schedule.at(at("2026-01-10T03:59:59Z")), Window::OpenUntil(closes));
        assert_eq!(schedule.at(closes), Window::ClosedUntil(at("2026-01-16T21:00:00Z")));
    }

    #[test]
    fn a_schedule_that_makes_no_sense_is_open_and_says_what_is_wrong() {
        let schedule =
            InstallSchedule { days: vec![], from: "25:00".into(), until: "1:00".into(), time_zone: "Mars".into() };
        assert_eq!(schedule.problems().len(), 4);
        assert!(matches!(schedule.at(Time::EPOCH), Window::OpenUntil(_)));
    }
}
