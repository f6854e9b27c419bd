//! Who may say yes to a request that policy permits only with an approval.

pub mod approver;

pub use approver::{Approver, ApproverKey, BadApproverKey};
