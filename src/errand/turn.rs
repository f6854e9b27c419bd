//! Turns: where a call may use up the secret, one use of it at a time.

use std::{fmt, sync::Arc};

use super::{Awaited, Call, Errand, Failure, NoReply, Owed, Progress, Step, Then};
use crate::{
    name::Name,
    operation::{OperationError, Setting},
    vault::{NotUsed, material::Material, tokens::Tokens},
};

/// A recorded use that may use up its secret, so that it waits until no other one of the same
/// secret is under way.
#[must_use = "the use is recorded, so its outcome has to be too"]
pub struct Turn {
    pub(crate) owed: Owed,
    pub(crate) begin: Begin,
}

/// How a turn begins.
#[derive(Debug)]
pub enum InTurn {
    /// It is over already: the next may begin, whatever comes of this.
    Over(Progress),
    /// To be sent in it. If a version has to be kept next, that is done in it too.
    Errand(Box<Errand>),
}

/// What is done in a turn, with the secret opened for it.
pub(crate) type Begin = Box<dyn FnOnce(Opened<'_>) -> Result<Begun, OperationError> + Send>;

/// A secret in its turn.
#[derive(Clone, Copy)]
pub(crate) struct Opened<'a> {
    pub(crate) secret: &'a Name,
    pub(crate) material: &'a Material,
    pub(crate) setting: Setting<'a>,
    pub(crate) tokens: &'a Arc<Tokens>,
}

/// How a turn begins.
pub(crate) enum Begun {
    /// The turn is over: nothing had to be exchanged.
    Over(Step),
    /// This is sent in it, and what has to be kept of the reply is kept in it.
    Call(Box<Call>, Then),
}

impl Turn {
    /// Whose turn it is: of the uses of one secret, one at a time.
    pub fn secret(&self) -> &Name {
        &self.owed.secret
    }

    /// It will not come: the owner stopped it.
    pub fn cut_off(self, cause: NotUsed) -> Progress {
        self.owed.stopped(cause)
    }

    /// It did not come in time.
    pub fn give_up(self, why: NoReply) -> Progress {
        self.owed.progress(Err(Failure::from(why)))
    }
}

impl Owed {
    /// How a turn begins.
    pub(crate) fn begun(self, begun: Begun) -> InTurn {
        match begun {
            Begun::Over(step) => InTurn::Over(self.progress(Ok(step))),
            Begun::Call(call, then) => {
                let awaited = Awaited { owed: self, then };
                InTurn::Errand(Box::new(Errand { call, awaited }))
            }
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Turn").field(&self.owed).finish()
    }
}
