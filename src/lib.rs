//! Strongroom: secrets that stay with their owner.
//!
//! This library is everything that must be right and touches no socket: time and storage come
//! in as arguments. The modules stand in the order in which a request passes through them:
//!
//! ```text
//! bytes → Request → Authenticated → Permit → Recorded → Outcome → Answer
//!         parse     signature,      policy,   durable    key is    signed, sealed,
//!         once      freshness       approval  + unique   used      with receipt
//! ```
//!
//! Each step's output is the next step's only input. [`service::Authenticated`],
//! [`policy::Permit`] and [`audit::Recorded`] are proof types: private fields, one constructor
//! each (and one more for what waited for an [`approval`]), spent by value. Using a key without a permit, or answering a use that was not recorded,
//! does not compile. [`manual`] tells the whole story.

// In reading order; the empty lines keep rustfmt from sorting them.

// What everything is called by.
pub mod name;

// bytes → Request
pub mod request;

// Request → Authenticated
pub mod service;

// Authenticated → Permit
pub mod policy;

// Who says yes where policy asks for it.
pub mod approval;

// Permit → Recorded
pub mod audit;

// Recorded → Outcome: where the keys are.
pub mod vault;

// What the owner says that a secret is for.
pub mod binding;

// What can be done with a key.
pub mod operation;

// What takes a provider's answer too: Recorded → Errand → Outcome.
pub mod errand;

// What goes out to a provider, and what comes back.
pub mod outgoing;

// Outcome → Answer
pub mod answer;

// Who answers.
pub mod identity;

// What the owner is told.
pub mod notification;

// Where all of it is kept.
pub mod store;

// The other side of the wire.
pub mod client;

// All of it in prose.
pub mod manual;
