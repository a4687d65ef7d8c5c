//! What is told to Google about one device: its policy, commands, and that it is let go.

use allclear_domain::{
    device_command::Answered,
    ids::{CommandId, DeviceId},
    profile::ResultStatus,
    time::Span,
};
use allclear_engine::{
    Error,
    android::{Assigned, Assignments, PARTING},
    device_commands,
    ingest::Fact,
};
use allclear_store::{
    android_devices::{self as stored, AndroidDevice, AndroidOperation, ManagedState},
    device_commands as queue, json,
};
use serde_json::{Value, json};

use super::{
    Failure,
    client::{self, DeviceChange},
    enrollment, intake,
    keeper::{Keeper, UNUSED},
    look::{self, Look, NewPolicy, Parting, Waiting},
    operation::Command,
    policy::Policy,
    requests,
    schedule::Looked,
    status,
};

/// How long a device has to give itself to its person.
const TO_RELINQUISH: Span = Span::days(90);

impl Keeper {
    /// Gives a device another policy.
    pub(super) async fn assign(&self, row: &AndroidDevice, new: NewPolicy) -> Result<(), Failure> {
        let NewPolicy { id, content, profiles, applied, commands } = new;
        if let Err(failure) = self.put_policy(&id, &content).await {
            if let Failure::Google(client::Error::Refused { message, .. }) = &failure {
                let why = format!("Google does not take the policy: {message}");
                let answer = |command| Fact::Answered {
                    device: row.device,
                    command,
                    status: ResultStatus::Error,
                    detail: Some(why.clone()),
                };
                self.submit(commands.into_iter().map(answer).collect()).await?;
            }
            return Err(failure);
        }
        let mut assignments = Assignments::of(row)?;
        if assignments.push(Assigned { policy: id.clone(), profiles }, applied.as_deref()) {
            let assigned = json::encode(&assignments).map_err(Error::from)?;
            let (tenant, device) = (self.tenant, row.device);
            self.write(move |tx| stored::set_assigned(tx, tenant, device, &assigned)).await?;
        }
        let patched = self.ask(self.client.patch_device(&row.name, DeviceChange::Policy(&id))).await;
        let device = match patched {
            Ok(device) => device,
            Err(client::Error::NotFound { message }) => match self.ask(self.client.get_device(&row.name)).await {
                Err(client::Error::NotFound { .. }) => {
                    return Ok(intake::gone(&self.engine, self.tenant, &row.name).await?);
                }
                _ => return Err(self.without_policy(&id, client::Error::NotFound { message }).await?),
            },
            Err(error @ client::Error::Refused { .. }) => return Err(self.without_policy(&id, error).await?),
            Err(error) => return Err(error.into()),
        };
        let (tenant, name) = (self.tenant, row.name.clone());
        self.write(move |tx| stored::set_policy(tx, tenant, &name, &id)).await?;
        Ok(intake::reported(&self.engine, self.tenant, &device, false).await?)
    }

    /// Forgets that Google has a policy: the next attempt makes sure.
    pub(super) async fn without_policy(&self, id: &str, why: client::Error) -> Result<Failure, Failure> {
        let (tenant, id, now) = (self.tenant, id.to_owned(), self.engine.source().now());
        self.write(move |tx| stored::forget_policy(tx, tenant, &id, now.plus(UNUSED))).await?;
        Ok(why.into())
    }

    /// Makes sure that Google has a policy.
    pub(super) async fn put_policy(&self, id: &str, content: &Value) -> Result<(), Failure> {
        let patch = self.ask(self.client.patch_policy(id, content));
        enrollment::put_policy(&self.engine, self.tenant, id, patch).await
    }

    /// Hands a command of an administrator over.
    pub(super) async fn hand_over(&self, row: &AndroidDevice, waiting: &Waiting) -> Result<(), Failure> {
        let (tenant, device, id, source) = (self.tenant, row.device, waiting.id, self.engine.source().clone());
        if !self.write(move |tx| queue::send(tx, tenant, id, source.now())).await? {
            return Ok(());
        }
        let lasts = waiting.expires_at.since(self.engine.source().now());
        let handed = match requests::command(&waiting.payload, &waiting.organisation)? {
            Some(command) => self.ask(self.client.issue_command(&row.name, &command, Some(lasts))).await,
            None => Err(client::Error::Permanent { reason: "Google knows no such command".to_owned() }),
        };
        let why = match handed {
            Ok(operation) => {
                self.note_operation(&operation.name, id, device).await?;
                intake::operation(&self.engine, tenant, &operation).await?;
                return Ok(());
            }
            Err(client::Error::NotFound { .. }) => return Ok(intake::gone(&self.engine, tenant, &row.name).await?),
            Err(client::Error::Refused { message, .. } | client::Error::Permanent { reason: message }) => message,
            Err(error) => return Err(error.into()),
        };
        let sealer = self.engine.sealer().clone();
        let answered = self.engine.edit(tenant, intake::actor(), move |work| {
            let said = json!({ "error": why }).to_string();
            device_commands::answer(work, &sealer, device, id, Answered::Error, Some(&why), said.as_bytes())
        });
        answered.await?;
        Ok(())
    }

    pub(super) async fn note_operation(&self, name: &str, command: CommandId, device: DeviceId) -> Result<(), Failure> {
        let issued_at = self.engine.source().now();
        let (tenant, one) = (self.tenant, AndroidOperation { name: name.to_owned(), command, device, issued_at });
        self.write(move |tx| stored::insert_operation(tx, tenant, &one)).await
    }

    /// Takes a command back that Google has taken over. The device may have carried it out all the same.
    pub(super) async fn take_back(&self, operation: &AndroidOperation) -> Result<(), Failure> {
        match self.ask(self.client.cancel_operation(&operation.name)).await {
            Ok(()) | Err(client::Error::NotFound { .. } | client::Error::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.ask_what_became(operation).await?;
        self.forget_operation(&operation.name).await
    }

    pub(super) async fn forget_operation(&self, name: &str) -> Result<(), Failure> {
        let (tenant, name) = (self.tenant, name.to_owned());
        self.write(move |tx| stored::forget_operation(tx, tenant, &name)).await
    }

    pub(super) async fn ask_what_became(&self, operation: &AndroidOperation) -> Result<(), Failure> {
        match self.ask(self.client.get_operation(&operation.name)).await {
            Ok(operation) => {
                intake::operation(&self.engine, self.tenant, &operation).await.map(|_| ()).map_err(Failure::from)
            }
            Err(client::Error::NotFound { .. }) => self.forget_operation(&operation.name).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Asks Google for a device, and what became of its commands.
    pub(super) async fn ask_for(&self, device: DeviceId) -> Result<(), Failure> {
        let tenant = self.tenant;
        let read = self.engine.db().read(move |tx| {
            Ok::<_, Error>((stored::get(tx, tenant, device)?, stored::operations(tx, tenant, device)?))
        });
        let (Some(row), operations) = read.await? else { return Ok(()) };
        if row.state == ManagedState::Ended {
            return Ok(());
        }
        for operation in &operations {
            self.ask_what_became(operation).await?;
        }
        match self.ask(self.client.get_device(&row.name)).await {
            Ok(said) if row.state == ManagedState::Managed => {
                Ok(intake::reported(&self.engine, tenant, &said, false).await?)
            }
            Ok(_) => Ok(()),
            Err(client::Error::NotFound { .. }) => Ok(intake::gone(&self.engine, tenant, &row.name).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the management off a device.
    pub(super) async fn part(&self, look: &Look, parting: Parting) -> Result<Looked, Failure> {
        let (row, waits) = (&look.row, Looked::Rest { acted: false, pending: true, until: None });
        let gone = || async {
            intake::gone(&self.engine, self.tenant, &row.name).await?;
            Ok::<_, Failure>(Looked::Gone)
        };
        let parting = if parting == Parting::Ask {
            match self.ask(self.client.get_device(&row.name)).await {
                Ok(device) => look::parting(Some(&status::read(&device))),
                Err(client::Error::NotFound { .. }) => return gone().await,
                Err(error) => return Err(error.into()),
            }
        } else {
            parting
        };
        match parting {
            Parting::Delete => match self.ask(self.client.delete_device(&row.name, &[], None)).await {
                Ok(()) | Err(client::Error::NotFound { .. }) => gone().await,
                Err(error) => Err(error.into()),
            },
            Parting::Relinquish if look.operations.iter().any(|one| one.command == PARTING) => Ok(waits),
            Parting::Relinquish => {
                let command = Command::RelinquishOwnership;
                match self.ask(self.client.issue_command(&row.name, &command, Some(TO_RELINQUISH))).await {
                    Ok(operation) => {
                        self.note_operation(&operation.name, PARTING, row.device).await?;
                        intake::operation(&self.engine, self.tenant, &operation).await?;
                        Ok(waits)
                    }
                    Err(client::Error::NotFound { .. }) => gone().await,
                    Err(error) => Err(error.into()),
                }
            }
            Parting::Ask | Parting::Release => {
                let base = Policy::base();
                let id = base.id();
                self.put_policy(&id, &base.to_json()).await?;
                match self.ask(self.client.patch_device(&row.name, DeviceChange::Policy(&id))).await {
                    Ok(_) | Err(client::Error::NotFound { .. }) => gone().await,
                    Err(error) => Err(error.into()),
                }
            }
        }
    }
}
