//! Which seeds a random test runs with.
//!
//! A run of the checks uses the same few seeds every time, so that it is repeatable; a soak uses
//! many, and other ones in every round. The choice is pure ([`Seeds`]); only [`for_each_seed`]
//! reads the environment.

use std::num::NonZeroU32;

/// Names the one seed to run, in decimal or as `0x…`, in place of all others.
const ONE: &str = "JIDO_TEST_SEED";
/// Multiplies the number of cases of every random test; set by `cargo xtask soak`.
const SCALE: &str = "JIDO_TEST_SCALE";
/// Where the sequence of seeds begins; another base gives other seeds. Set by `cargo xtask soak`.
const BASE: &str = "JIDO_TEST_BASE";

/// The seeds of one random test: either a sequence that base and number determine, or one seed.
///
/// ```
/// use testkit::Seeds;
///
/// let few = Seeds::sequence(7, 3);
/// assert_eq!(few.collect::<Vec<_>>(), Seeds::sequence(7, 3).collect::<Vec<_>>());
/// assert_eq!(Seeds::only(42).collect::<Vec<_>>(), [42]);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Seeds {
    next: Next,
    left: u32,
}

#[derive(Debug, Clone)]
enum Next {
    Only(u64),
    Sequence(u64),
}

impl Seeds {
    /// `cases` seeds determined by `base`. A longer sequence begins with the shorter one.
    pub const fn sequence(base: u64, cases: u32) -> Self {
        Self { next: Next::Sequence(base), left: cases }
    }

    /// One seed, to repeat a run that failed.
    pub const fn only(seed: u64) -> Self {
        Self { next: Next::Only(seed), left: 1 }
    }

    /// What the three environment variables ask for, given as a lookup by name.
    ///
    /// # Errors
    ///
    /// The name and the value of a variable that is not a number.
    fn from_settings(
        cases: NonZeroU32,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let number = |name: &str| match lookup(name) {
            None => Ok(None),
            Some(value) => match parse(&value) {
                Some(number) => Ok(Some(number)),
                None => {
                    Err(format!("{name}={value}: not a number (decimal, or 0x and hexadecimal)"))
                }
            },
        };
        if let Some(seed) = number(ONE)? {
            return Ok(Self::only(seed));
        }
        let scale = number(SCALE)?.unwrap_or(1).max(1);
        let scaled = u64::from(cases.get()).saturating_mul(scale);
        Ok(Self::sequence(number(BASE)?.unwrap_or(0), u32::try_from(scaled).unwrap_or(u32::MAX)))
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        Some(match &mut self.next {
            Next::Only(seed) => *seed,
            Next::Sequence(state) => split_mix(state),
        })
    }
}

/// Runs `test` with `cases` seeds, or as many times more as a soak asks for, and prints each seed
/// before its run, so that the output of a failed test ends with the one to repeat.
///
/// ```
/// use std::num::NonZeroU32;
///
/// testkit::for_each_seed(NonZeroU32::new(8).unwrap(), |seed| {
///     let random = seed % 100;
///     assert!(random < 100);
/// });
/// ```
///
/// # Panics
///
/// When `test` does, and when one of the variables `JIDO_TEST_SEED`, `JIDO_TEST_SCALE` or
/// `JIDO_TEST_BASE` is set to something that is not a number.
pub fn for_each_seed(cases: NonZeroU32, mut test: impl FnMut(u64)) {
    #[expect(clippy::disallowed_methods, reason = "ban: std::env, a soak sets the seeds")]
    let seeds = Seeds::from_settings(cases, |name| std::env::var(name).ok());
    for seed in seeds.unwrap_or_else(|wrong| panic!("{wrong}")) {
        println!("seed {seed:#018x}; repeat with {ONE}={seed:#x}");
        test(seed);
    }
}

fn parse(value: &str) -> Option<u64> {
    match value.strip_prefix("0x") {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16).ok(),
        None => value.parse().ok(),
    }
}

/// `SplitMix64`: every state gives another output, so no seed of a sequence repeats.
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
const fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;
