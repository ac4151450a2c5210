//! Which attestation roots and OS images count, from AttestationRegistry's events. Whether a root is software is decided by
//! the code's table, never by the label on chain. [EXP-3] Prevents: A22.

use super::{AsOf, Event, Place, event::label};
use crate::{decode::Kind, http::shape, store::Store};
use alloy_primitives::B256;
use anyhow::Result;
use serde::Serialize;
use utoipa::ToSchema;

/// Facts about machines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Roots {
    pub(crate) roots: Vec<Root>,
    pub(crate) os_images: Vec<OsImage>,
}

/// An attestation root.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Root {
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) root: B256,
    /// The code's name for a root that it knows, else the registry's label.
    pub(crate) vendor: String,
    /// The code does not know it: whoever has its key makes machines out of nothing.
    pub(crate) is_software: bool,
    pub(crate) is_open: bool,
    pub(crate) platform: u64,
    pub(crate) least_tcb_evaluation_data_number: u64,
    pub(crate) max_collateral_age_seconds: u64,
    #[schema(value_type = Vec<String>)]
    pub(crate) accepted_tcb_statuses: Vec<&'static str>,
    pub(crate) denied_advisories: Vec<String>,
    pub(crate) opened: Place,
    pub(crate) closed: Option<Place>,
}

/// An OS image that every app may run on.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct OsImage {
    #[schema(schema_with = shape::hash_schema)]
    pub(crate) os_image_hash: B256,
    pub(crate) uri: String,
    pub(crate) approved: Place,
    pub(crate) revoked: Option<Place>,
}

/// By bit of `RootRules.acceptedTcbStatuses`.
const TCB_STATUSES: [&str; 8] = [
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "TDRelaunchAdvised",
    "TDRelaunchAdvisedConfigurationNeeded",
];

impl Roots {
    pub(crate) async fn load(store: &Store, as_of: &AsOf, up_to: u64) -> Result<Self> {
        let rows = store.facts_of(Kind::AttestationRegistry, up_to).await?;
        Self::fold(&Event::all(&rows, as_of))
    }

    /// From the registry's events, in the chain's order.
    pub(crate) fn fold(events: &[Event]) -> Result<Self> {
        let mut roots = Self::default();
        for event in events {
            roots.take(event)?;
        }
        Ok(roots)
    }

    /// Roots that count and are software.
    pub(crate) fn software(&self) -> Vec<&Root> {
        self.roots.iter().filter(|root| root.is_open && root.is_software).collect()
    }

    pub(crate) fn of(&self, root: B256) -> Option<&Root> {
        self.roots.iter().find(|known| known.root == root)
    }

    /// Whether a vendor's label stands for software: all roots under it are.
    pub(crate) fn is_software_vendor(&self, vendor: &str) -> bool {
        self.roots.iter().any(|root| root.vendor == vendor && root.is_software)
    }

    fn take(&mut self, event: &Event) -> Result<()> {
        let (args, place) = (&event.args, event.place);
        match event.name() {
            "RootOpened" => {
                let hash = args.hash("root")?;
                let known = evidence::known_vendor(hash);
                self.roots.retain(|root| root.root != hash);
                self.roots.push(Root {
                    root: hash,
                    vendor: label(known.unwrap_or(args.hash("vendor")?)),
                    is_software: known.is_none(),
                    is_open: true,
                    platform: args.number("platform")?,
                    least_tcb_evaluation_data_number: 0,
                    max_collateral_age_seconds: 0,
                    accepted_tcb_statuses: Vec::new(),
                    denied_advisories: Vec::new(),
                    opened: place,
                    closed: None,
                });
                self.rules(event)?;
            }
            "RootRulesSet" => self.rules(event)?,
            "RootClosed" => {
                let hash = args.hash("root")?;
                if let Some(root) = self.find(hash) {
                    root.is_open = false;
                    root.closed = Some(place);
                }
            }
            "AdvisoryDenied" => {
                let advisory = args.text("advisoryId")?.to_owned();
                if let Some(root) = self.find(args.hash("root")?) {
                    root.denied_advisories.push(advisory);
                }
            }
            "AdvisoryAccepted" => {
                let advisory = args.text("advisoryId")?;
                if let Some(root) = self.find(args.hash("root")?) {
                    root.denied_advisories.retain(|denied| denied != advisory);
                }
            }
            "OsImageApproved" => self.os_images.push(OsImage {
                os_image_hash: args.hash("osImageHash")?,
                uri: args.text("uri")?.to_owned(),
                approved: place,
                revoked: None,
            }),
            "OsImageRevoked" => {
                let hash = args.hash("osImageHash")?;
                let found = self.os_images.iter_mut().rfind(|image| image.os_image_hash == hash);
                if let Some(image) = found {
                    image.revoked = Some(place);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn rules(&mut self, event: &Event) -> Result<()> {
        let rules = event.args.inner("rules")?;
        let bits = rules.number("acceptedTcbStatuses")?;
        let Some(root) = self.find(event.args.hash("root")?) else { return Ok(()) };
        root.least_tcb_evaluation_data_number = rules.number("leastTcbEvaluationDataNumber")?;
        root.max_collateral_age_seconds = rules.number("maxCollateralAgeSeconds")?;
        let named = (0u32..).zip(TCB_STATUSES).filter(|(bit, _)| (bits >> bit) & 1 == 1);
        root.accepted_tcb_statuses = named.map(|(_, word)| word).collect();
        Ok(())
    }

    fn find(&mut self, hash: B256) -> Option<&mut Root> {
        self.roots.iter_mut().find(|root| root.root == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::event::Args;
    use alloy_primitives::Address;
    use serde_json::json;

    fn opened(root: B256, vendor: &str) -> Event {
        let mut word = B256::ZERO;
        word[..vendor.len()].copy_from_slice(vendor.as_bytes());
        let rules = json!({
            "leastTcbEvaluationDataNumber": 17, "leastCrlIssuedAt": 0,
            "maxCollateralAgeSeconds": 60, "acceptedTcbStatuses": 3,
        });
        let args = json!({ "root": root, "vendor": word, "platform": 1, "rules": rules });
        crate::views::app::tests::event(
            Kind::AttestationRegistry,
            Address::ZERO,
            "RootOpened",
            args,
            1,
        )
    }

    #[test]
    fn a_root_that_the_code_does_not_know_is_software_whatever_its_label() {
        // [EXP-3]
        let (intel, other) = (evidence::INTEL_ROOT_SHA256, B256::repeat_byte(7));
        let roots = Roots::fold(&[opened(intel, "intel"), opened(other, "intel")]).unwrap();
        assert_eq!(roots.software().iter().map(|root| root.root).collect::<Vec<_>>(), [other]);
        assert!(roots.is_software_vendor("intel"), "one of its roots is");
        assert_eq!(roots.roots[0].accepted_tcb_statuses, ["UpToDate", "SWHardeningNeeded"]);
        assert_eq!(roots.roots[0].least_tcb_evaluation_data_number, 17);
    }

    #[test]
    fn a_known_root_has_the_codes_vendor_and_no_other() {
        // [EXP-3]
        let roots = Roots::fold(&[opened(evidence::INTEL_ROOT_SHA256, "soft-a")]).unwrap();
        assert_eq!((roots.roots[0].vendor.as_str(), roots.software().len()), ("intel", 0));
    }

    #[test]
    fn a_closed_root_is_software_still_and_counts_no_more() {
        let other = B256::repeat_byte(7);
        let mut closed = opened(other, "soft-a");
        closed.name = Some("RootClosed".into());
        closed.args = Args(json!({ "root": other, "reason": 1 }).as_object().unwrap().clone());
        let roots = Roots::fold(&[opened(other, "soft-a"), closed]).unwrap();
        assert!(roots.software().is_empty() && roots.roots[0].is_software);
    }
}
