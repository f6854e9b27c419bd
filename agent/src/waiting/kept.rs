//! Answers that were given a moment ago: whose connection broke gets the same again.
//!
//! They are in memory only, as they went out: a secret answer is sealed in it. They are not many, not
//! large, and not kept for long.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use strongroom::{answer::Answer, name::Name};

/// How long an answer is kept.
const LASTS: Duration = Duration::from_secs(5 * 60);
/// The most bytes of one answer that is kept.
const LARGEST: usize = 1 << 20;
/// The most bytes of all of them.
const ALL: usize = 16 << 20;

/// The answers that are kept, the oldest first.
#[derive(Default)]
pub struct Kept(Mutex<VecDeque<One>>);

struct One {
    id: u64,
    service: Name,
    answer: Answer,
    since: Instant,
}

impl Kept {
    /// Keeps the answer to the request with this id, if it is not too large.
    pub fn keep(&self, id: u64, service: &Name, answer: &Answer) {
        self.keep_at(id, service, answer, Instant::now());
    }

    /// The answer, for the service that it was given to.
    pub fn find(&self, id: u64, service: &Name) -> Option<Answer> {
        self.find_at(id, service, Instant::now())
    }

    /// Gives up what is too old: called now and then, so that nothing stays for want of another.
    pub fn tidy(&self) {
        self.with(Instant::now(), |_| ());
    }

    /// Gives all of them up.
    pub fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn keep_at(&self, id: u64, service: &Name, answer: &Answer, now: Instant) {
        if answer.body.len() > LARGEST {
            return;
        }
        self.with(now, |kept| {
            let mut bytes: usize = kept.iter().map(|one| one.answer.body.len()).sum();
            while bytes.saturating_add(answer.body.len()) > ALL {
                let Some(oldest) = kept.pop_front() else {
                    break;
                };
                bytes = bytes.saturating_sub(oldest.answer.body.len());
            }
            kept.push_back(One {
                id,
                service: service.clone(),
                answer: answer.clone(),
                since: now,
            });
        });
    }

    fn find_at(&self, id: u64, service: &Name, now: Instant) -> Option<Answer> {
        self.with(now, |kept| {
            let mut kept = kept.iter();
            let one = kept.find(|one| one.id == id && one.service == *service)?;
            Some(one.answer.clone())
        })
    }

    fn with<T>(&self, now: Instant, work: impl FnOnce(&mut VecDeque<One>) -> T) -> T {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |one: &One| now.saturating_duration_since(one.since) >= LASTS;
        while kept.front().is_some_and(is_old) {
            kept.pop_front();
        }
        work(&mut kept)
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn answer(bytes: usize) -> Answer {
        Answer {
            body: vec![b'x'; bytes],
            ..Answer::json(StatusCode::OK, &"x")
        }
    }

    #[test]
    fn an_answer_is_given_again_for_a_while_to_its_service() {
        let kept = Kept::default();
        let (atlas, borg): (Name, Name) = ("atlas".parse().unwrap(), "borg".parse().unwrap());
        let now = Instant::now();
        kept.keep_at(12, &atlas, &answer(3), now);
        assert_eq!(kept.find_at(12, &atlas, now + LASTS / 2), Some(answer(3)));
        assert_eq!(kept.find_at(12, &borg, now), None);
        assert_eq!(kept.find_at(13, &atlas, now), None);
        assert_eq!(kept.find_at(12, &atlas, now + LASTS), None);
        kept.keep_at(12, &atlas, &answer(3), now);
        kept.forget();
        assert_eq!(kept.find_at(12, &atlas, now), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let kept = Kept::default();
        let atlas: Name = "atlas".parse().unwrap();
        let now = Instant::now();
        kept.keep_at(0, &atlas, &answer(LARGEST + 1), now);
        assert_eq!(kept.find_at(0, &atlas, now), None);
        for id in 1..=17 {
            kept.keep_at(id, &atlas, &answer(LARGEST), now);
        }
        // The oldest gives way.
        assert_eq!(kept.find_at(1, &atlas, now), None);
        for id in 2..=17 {
            assert!(kept.find_at(id, &atlas, now).is_some(), "{id}");
        }
    }
}
