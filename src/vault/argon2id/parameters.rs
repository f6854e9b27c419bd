//! How much work a passphrase takes, as a PHC string without the hash.

use std::{fmt, str::FromStr};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::Problem;
use crate::vault::Passphrase;

pub(super) const SALT_LEN: usize = 16;

/// How much work a guess takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    kibibytes: u32,
    passes: u32,
    lanes: u32,
}

/// Parameters that this program does not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitParameters {
    /// Guessing would be cheap.
    #[error("the passphrase is protected with less work ({0}) than this version accepts (at least {floor})", floor = Parameters::FLOOR)]
    TooLow(Parameters),
    /// The machine would be busy for minutes.
    #[error("the passphrase is protected with more work ({0}) than this version accepts (at most {ceiling})", ceiling = Parameters::CEILING)]
    TooHigh(Parameters),
}

impl Parameters {
    /// RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes.
    pub const DEFAULT: Self = Self {
        kibibytes: 64 * 1024,
        passes: 3,
        lanes: 4,
    };
    /// The least that is accepted: OWASP's minimum, 19 MiB and 2 passes.
    pub const FLOOR: Self = Self {
        kibibytes: 19 * 1024,
        passes: 2,
        lanes: 1,
    };
    /// The most that is accepted: 1 GiB, 16 passes, 16 lanes.
    pub const CEILING: Self = Self {
        kibibytes: 1024 * 1024,
        passes: 16,
        lanes: 16,
    };

    /// This much memory in KiB, so many passes over it, so many lanes at once.
    pub fn new(kibibytes: u32, passes: u32, lanes: u32) -> Result<Self, UnfitParameters> {
        let parameters = Self {
            kibibytes,
            passes,
            lanes,
        };
        let any = |beyond: fn(&u32, &u32) -> bool, bound: Self| {
            beyond(&kibibytes, &bound.kibibytes)
                || beyond(&passes, &bound.passes)
                || beyond(&lanes, &bound.lanes)
        };
        if any(u32::lt, Self::FLOOR) {
            Err(UnfitParameters::TooLow(parameters))
        } else if any(u32::gt, Self::CEILING) {
            Err(UnfitParameters::TooHigh(parameters))
        } else {
            Ok(parameters)
        }
    }

    /// The key for one file. The memory that it was made in is wiped.
    pub(super) fn derive(
        self,
        passphrase: &Passphrase,
        salt: &[u8; SALT_LEN],
    ) -> Result<Zeroizing<[u8; 32]>, Problem> {
        let params = Params::new(self.kibibytes, self.passes, self.lanes, Some(32))
            .map_err(|_| Problem::Stanza)?;
        let blocks = params.block_count();
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(blocks)
            .map_err(|_| Problem::NoMemory(self))?;
        memory.resize(blocks, Block::new());
        let mut memory = Zeroizing::new(memory);
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.expose_secret().as_bytes(),
                salt,
                &mut *key,
                &mut memory[..],
            )
            .map_err(|_| Problem::Stanza)?;
        Ok(key)
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.kibibytes, self.passes, self.lanes)
    }
}

/// The stanza's argument; it has one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The work that the passphrase takes.
    pub parameters: Parameters,
    /// Random, and so another key for each file.
    pub salt: [u8; SALT_LEN],
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$argon2id$v=19${}${}",
            self.parameters,
            STANDARD_NO_PAD.encode(self.salt)
        )
    }
}

impl FromStr for Argument {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let read = || {
            let (parameters, salt) = text.strip_prefix("$argon2id$v=19$m=")?.split_once('$')?;
            let (kibibytes, rest) = parameters.split_once(",t=")?;
            let (passes, lanes) = rest.split_once(",p=")?;
            let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
            Some((
                kibibytes.parse().ok()?,
                passes.parse().ok()?,
                lanes.parse().ok()?,
                salt,
            ))
        };
        let (kibibytes, passes, lanes, salt) = read().ok_or(Problem::Stanza)?;
        let parameters = Parameters::new(kibibytes, passes, lanes).map_err(Problem::Parameters)?;
        let argument = Self { parameters, salt };
        // One text per meaning, as everywhere in age.
        if argument.to_string() == text {
            Ok(argument)
        } else {
            Err(Problem::Stanza)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the reference implementation gives (through argon2-cffi), at floor and default.
    #[test]
    fn the_key_is_argon2ids() {
        let passphrase = Passphrase::from("correct horse");
        for (parameters, expected) in [
            (
                Parameters::FLOOR,
                "aeb7724ee8e2ba77dcbc553967ccb7780b4bfa2c2b9e2f881c05b63b90cd7f36",
            ),
            (
                Parameters::DEFAULT,
                "e1847cf680261a5f104b74e3390a26fd6b2b5d1b69bb271a6ec284e550e2aa6e",
            ),
        ] {
            let key = parameters.derive(&passphrase, &[5; SALT_LEN]).unwrap();
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{parameters}");
        }
    }

    #[test]
    fn parameters_have_a_floor_and_a_ceiling() {
        for (m, t, p) in [
            (19 * 1024 - 1, 2, 1),
            (64 * 1024, 1, 4),
            (64 * 1024, 3, 0),
            (0, 0, 0),
        ] {
            assert!(
                matches!(Parameters::new(m, t, p), Err(UnfitParameters::TooLow(_))),
                "{m} {t} {p}"
            );
        }
        for (m, t, p) in [
            (1024 * 1024 + 1, 2, 1),
            (64 * 1024, 17, 4),
            (64 * 1024, 3, 17),
            (u32::MAX, 3, 4),
        ] {
            assert!(
                matches!(Parameters::new(m, t, p), Err(UnfitParameters::TooHigh(_))),
                "{m} {t} {p}"
            );
        }
        assert_eq!(Parameters::new(64 * 1024, 3, 4), Ok(Parameters::DEFAULT));
    }

    #[test]
    fn an_argument_has_one_text() {
        let good = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(good.parse::<Argument>().unwrap().to_string(), good);
        for bad in [
            "",
            "$argon2id$v=19$m=065536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=+65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=16$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2i$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$t=3,m=65536,p=4$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
            "$argon2id$v=19$m=65536,t=3,p=4$AAAA",
        ] {
            assert_eq!(bad.parse::<Argument>(), Err(Problem::Stanza), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,80}", m: u32, t: u32, p: u32) {
            let _ = text.parse::<Argument>();
            let _ = format!("$argon2id$v=19$m={m},t={t},p={p}${text}").parse::<Argument>();
        }
    }
}
