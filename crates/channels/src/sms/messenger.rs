//! Who takes a tenant's text messages, made from what is set up; and the way back of what they report.

use std::sync::Arc;

use allclear_domain::ids::Tenant;
use allclear_engine::{
    Engine,
    channels::Secrets,
    outbox::{self, ReceiptState},
};
use futures_util::future::BoxFuture;
use reqwest::Url;

use super::{
    Receipt, Receipts, Taken, Text,
    gateway::Gateway,
    settings::{SmsProvider, SmsSettings},
    smpp::Smpp,
};
use crate::{delivery::Outgoing, outcome::Answer};

/// Where gateways post news of a tenant's messages, at the server's public address.
pub fn callback_url(public_url: &str, tenant: Tenant) -> Option<Url> {
    format!("{}/callbacks/sms/{}", public_url.trim_end_matches('/'), tenant.0).parse().ok()
}

/// Who takes a tenant's text messages.
#[derive(Debug)]
pub struct Messenger {
    label: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Smpp(Smpp),
    Gateway(Gateway),
}

impl Messenger {
    /// The provider as it is set up; the reason if it cannot be used. What it reports later is recorded by `engine`.
    pub fn open(
        settings: SmsSettings,
        secrets: &Secrets,
        outgoing: &Outgoing,
        engine: &Engine,
        tenant: Tenant,
    ) -> Result<Self, String> {
        let secret = secrets.get(&settings.provider.secret()).cloned();
        let secret = secret.ok_or_else(|| "the secret to sign in with is not set".to_owned())?;
        let label = settings.provider.label();
        let kind = match settings.provider {
            SmsProvider::Smpp(smpp) => {
                let (allow, source) = (outgoing.allow.clone(), Arc::clone(engine.source()));
                let receipts = Record { engine: engine.clone(), tenant, provider: label.clone() };
                let opened = Smpp::start(smpp, &secret, allow, source, Arc::new(receipts));
                Kind::Smpp(opened.map_err(|bad| bad.to_string())?)
            }
            SmsProvider::Gateway(gateway) => {
                let callback = outgoing.public_url.as_deref().and_then(|url| callback_url(url, tenant));
                Kind::Gateway(Gateway::new(outgoing.http.clone(), gateway, secret, callback)?)
            }
        };
        Ok(Self { label, kind })
    }

    /// Hands a message over.
    pub async fn send(&self, text: Text<'_>) -> Answer {
        let (outcome, reached) = match &self.kind {
            Kind::Smpp(smpp) => smpp.ask(text).await,
            Kind::Gateway(gateway) => gateway.ask(text).await,
        };
        Answer { provider: self.label.clone(), outcome, reached }
    }

    /// Asks whether the provider is there; the reason if it is not.
    pub async fn probe(&self) -> Result<(), String> {
        match &self.kind {
            Kind::Smpp(smpp) => smpp.probe().await,
            Kind::Gateway(gateway) => gateway.probe().await,
        }
    }

    /// Ends what is open. Later messages are deferred.
    pub async fn close(&self) {
        if let Kind::Smpp(smpp) = &self.kind {
            smpp.stop().await;
        }
    }
}

/// Writes a receipt down that `provider` gave.
pub async fn record(engine: &Engine, tenant: Tenant, provider: &str, receipt: Receipt) -> Taken {
    let receipt = outbox::Receipt {
        provider: provider.to_owned(),
        message_id: receipt.message_id,
        state: if receipt.delivered { ReceiptState::Delivered } else { ReceiptState::Failed },
        answer: receipt.answer,
    };
    match outbox::receipt(engine, tenant, receipt).await {
        Ok(true) => Taken::Recorded,
        Ok(false) => Taken::Unknown,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, provider, "a receipt is not on record yet");
            Taken::Later
        }
    }
}

struct Record {
    engine: Engine,
    tenant: Tenant,
    provider: String,
}

impl Receipts for Record {
    fn take(&self, receipt: Receipt) -> BoxFuture<'_, Taken> {
        Box::pin(record(&self.engine, self.tenant, &self.provider, receipt))
    }
}
