//! What the benchmarks share: the built agent on a vault made through its command line, this
//! program again as another process, a service that asks, and the figures of a round.

pub mod caller;
pub mod figures;
pub mod server;
pub mod vault;
