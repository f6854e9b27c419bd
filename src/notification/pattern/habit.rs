//! What one service usually does with one secret.

use super::{
    OperationName, VecDeque,
    calendar::{Day, Hour},
};

/// Fewer uses, or uses on fewer days, make no habit of a time of day.
const USES_OF_A_HABIT: u64 = 50;
const DAYS_OF_A_HABIT: usize = 7;
/// Uses on fewer days before today say nothing of a rate.
const DAYS_OF_A_RATE: usize = 3;
/// So many times the highest number in an hour are an unusual rate,
const TIMES_THE_HIGHEST: u32 = 3;
/// but fewer uses than this never are.
const LEAST_OF_A_RATE: u32 = 20;

/// What one service usually does with one secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Habit {
    operations: Vec<Done>,
    /// The days with uses; the newest is the last.
    days: VecDeque<Uses>,
    /// The last day with a use at each hour of the day.
    hours: [Option<Day>; 24],
    /// The newest hour with a use, and how many it has.
    hour: Hour,
    in_hour: u32,
}

#[derive(Clone, Copy, Debug)]
struct Done {
    operation: OperationName,
    last: Day,
    /// How often on that day.
    times: u64,
}

#[derive(Clone, Copy, Debug)]
struct Uses {
    day: Day,
    uses: u64,
    /// The most in one of its hours, but for the newest hour.
    highest: u32,
}

impl Habit {
    /// Whether this was never done.
    pub(super) fn is_new(&self, operation: OperationName) -> bool {
        self.operations
            .iter()
            .all(|done| done.operation != operation)
    }

    /// Whether it has a habit, and that leaves this hour of the day and those beside it out.
    pub(super) fn is_unusual_hour(&self, today: Day, hour: Hour) -> bool {
        let before = || self.days.iter().filter(|of| of.day < today);
        if before().count() < DAYS_OF_A_HABIT
            || before().map(|of| of.uses).sum::<u64>() < USES_OF_A_HABIT
        {
            return false;
        }
        let is_used = |hour: Hour| {
            let of_day = usize::try_from(hour.rem_euclid(24)).unwrap_or_default();
            self.hours.get(of_day).is_some_and(Option::is_some)
        };
        !(hour - 1..=hour + 1).any(is_used)
    }

    /// Counts a use: the how-manieth of its kind it is today, how many there were in this hour, and
    /// whether this is the one by which they became too many.
    pub(super) fn count(
        &mut self,
        operation: OperationName,
        today: Day,
        hour: Hour,
    ) -> (u64, u32, bool) {
        if hour > self.hour {
            // The newest hour is over: it counts as one of its day's.
            let over = self.hour.div_euclid(24);
            if let Some(of) = self.days.back_mut().filter(|of| of.day == over) {
                of.highest = of.highest.max(self.in_hour);
            }
            (self.hour, self.in_hour) = (hour, 0);
        }
        self.in_hour = self.in_hour.saturating_add(1);
        match self.days.back_mut().filter(|of| of.day == today) {
            Some(of) => of.uses += 1,
            None => self.days.push_back(Uses {
                day: today,
                uses: 1,
                highest: 0,
            }),
        }
        let of_day = usize::try_from(hour.rem_euclid(24)).unwrap_or_default();
        if let Some(last) = self.hours.get_mut(of_day) {
            *last = Some(today);
        }
        let highest = self.days.iter().map(|of| of.highest).max().unwrap_or(0);
        let too_many = (highest.saturating_mul(TIMES_THE_HIGHEST) + 1).max(LEAST_OF_A_RATE);
        let is_known = self.days.len() > DAYS_OF_A_RATE;
        (
            self.times(operation, today),
            self.in_hour,
            is_known && self.in_hour == too_many,
        )
    }

    fn times(&mut self, operation: OperationName, today: Day) -> u64 {
        let known = (self.operations.iter_mut()).find(|done| done.operation == operation);
        match known {
            Some(done) => {
                done.times = if done.last == today {
                    done.times + 1
                } else {
                    1
                };
                done.last = today;
                done.times
            }
            None => {
                self.operations.push(Done {
                    operation,
                    last: today,
                    times: 1,
                });
                1
            }
        }
    }

    /// Forgets what is older; `false` if nothing is left.
    pub(super) fn forget(&mut self, begin: Day) -> bool {
        self.operations.retain(|done| done.last >= begin);
        self.days.retain(|of| of.day >= begin);
        for last in &mut self.hours {
            *last = last.filter(|last| *last >= begin);
        }
        !self.days.is_empty()
    }
}
