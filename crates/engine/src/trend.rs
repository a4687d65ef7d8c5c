//! The dashboard's days: each tenant is counted about once an hour and shortly before a day of UTC ends, by one node.
//!
//! Counting only reads, so nothing waits for it.

use std::time::Duration;

use allclear_domain::{
    ids::Tenant,
    time::{Span, Time},
};
use allclear_store::{tenants, trend};

use crate::{Engine, Error};

/// How often it is looked whether somebody is to be counted.
const TICK: Duration = Duration::from_secs(10);
/// A tenant is counted this often.
const EVERY: Span = Span::seconds(3600);
/// So long before the end of a day it is counted once more.
const BEFORE_THE_END: Span = Span::seconds(30);

/// The day of UTC a time lies in, counted from 1970.
pub fn day(at: Time) -> i64 {
    at.as_micros().div_euclid(Span::days(1).as_micros())
}

/// Runs for ever.
pub(crate) async fn run(engine: &Engine) {
    loop {
        match tick(engine).await {
            Ok(()) | Err(Error::Busy | Error::Closed) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the day could not be counted"),
        }
        tokio::time::sleep(TICK).await;
    }
}

async fn tick(engine: &Engine) -> Result<(), Error> {
    let now = engine.source().now();
    let read = engine.db().read(|tx| {
        let mut tenants = tenants::list(tx)?;
        tenants.retain(|tenant| *tenant != Tenant::SERVER);
        tenants
            .into_iter()
            .map(|tenant| Ok((tenant, trend::counted_at(tx, tenant)?)))
            .collect::<Result<Vec<_>, Error>>()
    });
    for (tenant, counted) in read.await? {
        if is_due(now, counted) && claim(engine, tenant, counted, now).await? {
            write(engine, tenant, now).await?;
        }
    }
    Ok(())
}

/// Counts a tenant now, whoever counted it last.
pub async fn count(engine: &Engine, tenant: Tenant) -> Result<(), Error> {
    let now = engine.source().now();
    let counted = engine.db().read(move |tx| Ok::<_, Error>(trend::counted_at(tx, tenant)?)).await?;
    claim(engine, tenant, counted, now).await?;
    write(engine, tenant, now).await
}

async fn claim(engine: &Engine, tenant: Tenant, seen: Option<Time>, now: Time) -> Result<bool, Error> {
    let claim = engine.db().write(move |tx| {
        tenants::lock(tx, tenant)?;
        Ok::<_, Error>(trend::claim(tx, tenant, seen, now)?)
    });
    claim.await
}

async fn write(engine: &Engine, tenant: Tenant, now: Time) -> Result<(), Error> {
    let counts = engine.db().read(move |tx| Ok::<_, Error>(trend::count(tx, tenant)?)).await?;
    let write = engine.db().write(move |tx| {
        tenants::lock(tx, tenant)?;
        Ok::<_, Error>(trend::write(tx, tenant, day(now), &counts)?)
    });
    write.await
}

fn is_due(now: Time, counted: Option<Time>) -> bool {
    let Some(counted) = counted else { return true };
    let end = Time::from_micros((day(now) + 1) * Span::days(1).as_micros()).minus(BEFORE_THE_END);
    day(now) != day(counted) || now.since(counted) >= EVERY || (now >= end && counted < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_counted_by_the_hour_and_at_its_end() {
        let at = |text: &str| text.parse::<Time>().unwrap_or_default();
        for (now, counted, due) in [
            ("2026-03-01T10:00:00Z", "2026-03-01T09:00:01Z", false),
            ("2026-03-01T10:00:00Z", "2026-03-01T09:00:00Z", true),
            ("2026-03-01T23:59:29Z", "2026-03-01T23:30:00Z", false),
            ("2026-03-01T23:59:30Z", "2026-03-01T23:30:00Z", true),
            ("2026-03-01T23:59:40Z", "2026-03-01T23:59:30Z", false),
            ("2026-03-02T00:00:00Z", "2026-03-01T23:59:30Z", true),
        ] {
            assert_eq!(is_due(at(now), Some(at(counted))), due, "{now} {counted}");
        }
        assert!(is_due(Time::EPOCH, None));
        assert_eq!(day(at("1970-01-02T00:00:00Z")), 1);
        assert_eq!(day(at("1969-12-31T23:59:59Z")), -1);
    }
}
