//! An AllowlistPolicy, from its events: what it lets boot at a moment. Its twin in Solidity is `AllowlistPolicy.isAppAllowed`.

use super::{Event, Place};
use alloy_primitives::B256;
use anyhow::Result;
use serde::Serialize;
use utoipa::ToSchema;

/// How an "any" that was given at creation stands in the contract: a moment long past.
const ALWAYS: u64 = 1;

/// A policy of ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Allowlist {
    /// Its first event was seen: this is an AllowlistPolicy, and not another policy of ours.
    #[serde(skip)]
    pub(crate) is_initialized: bool,
    /// What was approved before this place is not told; null: everything is.
    pub(crate) told_from: Option<Place>,
    pub(crate) grant_delay_seconds: u64,
    /// A shorter delay on its way.
    pub(crate) pending_grant_delay: Option<PendingDelay>,
    pub(crate) any_device: Any,
    pub(crate) any_measurement: Any,
    pub(crate) any_instance: Any,
    /// Any TCB status that AttestationRegistry accepts; else UpToDate alone.
    pub(crate) any_tcb: Any,
    pub(crate) codes: Vec<Entry>,
    pub(crate) devices: Vec<Entry>,
    pub(crate) measurements: Vec<Entry>,
    pub(crate) instances: Vec<Entry>,
}

/// A grant delay and when it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PendingDelay {
    pub(crate) grant_delay_seconds: u64,
    pub(crate) effective_at: u64,
}

/// Whether a list counts or anything will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Any {
    /// Zero: the list counts.
    pub(crate) effective_at: u64,
    pub(crate) is_any: bool,
}

/// What an entry of a list is at the moment told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    InForce,
    Pending,
    Revoked,
    /// Revoked before it counted.
    Cancelled,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Pending => "pending",
            Self::Revoked => "revoked",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One approval, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) state: State,
    pub(crate) approved: Place,
    pub(crate) effective_at: u64,
    /// Leads to the text behind the hash.
    pub(crate) uri: String,
    pub(crate) revoked: Option<Revoked>,
}

/// Where an approval ended, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Revoked {
    pub(crate) place: Place,
    pub(crate) reason: u64,
}

impl Allowlist {
    /// Takes in one event of this contract; events of other names change nothing.
    pub(crate) fn take(&mut self, event: &Event) -> Result<()> {
        let (args, place) = (&event.args, event.place);
        match event.name() {
            "PolicyInitialized" => {
                self.is_initialized = true;
                self.grant_delay_seconds = args.number("grantDelaySeconds")?;
                self.any_device.effective_at = always_if(args.flag("allowAnyDevice")?);
                self.any_tcb.effective_at = always_if(!args.flag("requireTcbUpToDate")?);
                self.any_measurement.effective_at = ALWAYS;
                self.any_instance.effective_at = ALWAYS;
            }
            "ComposeHashApproved" => {
                self.codes.push(Entry::new(event, "composeHash", args.text("uri")?)?);
            }
            "DeviceApproved" => self.devices.push(Entry::new(event, "deviceId", "")?),
            "MeasurementApproved" => {
                // Only a list that was given at creation begins so: later the contract says first that the list counts.
                if self.any_measurement.effective_at == ALWAYS {
                    self.any_measurement.effective_at = 0;
                }
                self.measurements.push(Entry::new(event, "mrSystem", "")?);
            }
            "InstanceApproved" => self.instances.push(Entry::new(event, "instanceId", "")?),
            "ComposeHashRevoked" => revoke(&mut self.codes, event, "composeHash")?,
            "DeviceRevoked" => revoke(&mut self.devices, event, "deviceId")?,
            "MeasurementRevoked" => revoke(&mut self.measurements, event, "mrSystem")?,
            "InstanceRevoked" => revoke(&mut self.instances, event, "instanceId")?,
            "AnyDeviceSet" => self.any_device.effective_at = args.number("effectiveAt")?,
            "AnyMeasurementSet" => {
                self.any_measurement.effective_at = args.number("effectiveAt")?
            }
            "AnyInstanceSet" => self.any_instance.effective_at = args.number("effectiveAt")?,
            "AnyTcbSet" => self.any_tcb.effective_at = args.number("effectiveAt")?,
            "GrantDelaySet" => {
                let pending = PendingDelay {
                    grant_delay_seconds: args.number("grantDelaySeconds")?,
                    effective_at: args.number("effectiveAt")?,
                };
                self.settle_delay(place.block_time);
                self.pending_grant_delay = Some(pending);
                self.settle_delay(place.block_time);
            }
            _ => {}
        }
        Ok(())
    }

    /// Says what counts at `now`.
    pub(crate) fn settle(&mut self, now: u64) {
        self.settle_delay(now);
        for any in [
            &mut self.any_device,
            &mut self.any_measurement,
            &mut self.any_instance,
            &mut self.any_tcb,
        ] {
            any.is_any = any.effective_at != 0 && any.effective_at <= now;
        }
        for list in
            [&mut self.codes, &mut self.devices, &mut self.measurements, &mut self.instances]
        {
            for entry in list {
                entry.state = match &entry.revoked {
                    Some(revoked) if revoked.place.block_time < entry.effective_at => {
                        State::Cancelled
                    }
                    Some(_) => State::Revoked,
                    None if entry.effective_at > now => State::Pending,
                    None => State::InForce,
                };
            }
        }
    }

    /// Leaves out what was approved before a place: it was not read whether that was revoked since.
    pub(crate) fn tell_from(&mut self, begin: Place) {
        self.told_from = Some(begin);
        let begin = (begin.block_number, begin.log_index);
        for list in
            [&mut self.codes, &mut self.devices, &mut self.measurements, &mut self.instances]
        {
            list.retain(|entry| (entry.approved.block_number, entry.approved.log_index) >= begin);
        }
    }

    /// Codes that may boot, as far as this list goes.
    pub(crate) fn codes_in_force(&self) -> Vec<&Entry> {
        self.codes.iter().filter(|code| code.state == State::InForce).collect()
    }

    /// The approval that let `code` boot at `time`.
    pub(crate) fn approval_at(&self, code: B256, time: u64) -> Option<&Entry> {
        let code = code.to_string();
        self.codes.iter().rfind(|entry| entry.id == code && entry.effective_at <= time)
    }

    fn settle_delay(&mut self, now: u64) {
        if let Some(pending) = self.pending_grant_delay
            && pending.effective_at <= now
        {
            self.grant_delay_seconds = pending.grant_delay_seconds;
            self.pending_grant_delay = None;
        }
    }
}

impl Entry {
    fn new(event: &Event, id: &str, uri: &str) -> Result<Self> {
        Ok(Self {
            id: event.args.text(id)?.to_owned(),
            state: State::Pending,
            approved: event.place,
            effective_at: event.args.number("effectiveAt")?,
            uri: uri.to_owned(),
            revoked: None,
        })
    }
}

fn revoke(list: &mut [Entry], event: &Event, id: &str) -> Result<()> {
    let id = event.args.text(id)?;
    if let Some(entry) = list.iter_mut().rfind(|entry| entry.id == id && entry.revoked.is_none()) {
        let reason = event.args.number("reason")?;
        entry.revoked = Some(Revoked { place: event.place, reason });
    }
    Ok(())
}

fn always_if(is_any: bool) -> u64 {
    if is_any { ALWAYS } else { 0 }
}
