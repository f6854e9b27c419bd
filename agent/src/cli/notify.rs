//! `strongroom notify …`, and how the health of a channel reads.

use anyhow::bail;
use jiff::{Timestamp, tz::TimeZone};

use super::{Notify, door::Door};
use crate::{
    administration::Command,
    notify::{ChannelRow, State, Tested},
    show::{self, BAD, GOOD, MILD, say},
};

pub async fn notify(door: &Door, command: Notify, json: bool) -> anyhow::Result<()> {
    match command {
        Notify::List => {
            let rows: Vec<ChannelRow> = door.ask(|| Command::ListChannels).await?;
            if json {
                return show::json(&rows);
            }
            if rows.is_empty() {
                show::remark(
                    "no channels; add a `[[notify]]` to `agent.toml`, where they are shown in comments",
                );
                return Ok(());
            }
            let now = Timestamp::now();
            show::table(
                &["name", "kind", "delivered", "behind", "last", "health"],
                rows.into_iter().map(|row| {
                    vec![
                        row.name.clone(),
                        row.kind.clone(),
                        row.delivered.to_string(),
                        row.behind.to_string(),
                        row.last
                            .map_or_else(|| "-".to_owned(), |last| clock(last, now)),
                        health(&row, now),
                    ]
                }),
            )
        }
        Notify::Test { channel } => {
            let tested: Vec<Tested> = door
                .ask(|| Command::TestChannels {
                    channel: channel.clone(),
                })
                .await?;
            if json {
                show::json(&tested)?;
            } else {
                for row in &tested {
                    match &row.problem {
                        None => say!("{GOOD}delivered{GOOD:#}  {}", row.name)?,
                        Some(problem) => say!(
                            "{BAD}failed{BAD:#}     {}: {}",
                            row.name,
                            problem.escape_debug()
                        )?,
                    }
                }
            }
            if tested.iter().any(|row| row.problem.is_some()) {
                bail!("not every channel took the test");
            }
            Ok(())
        }
    }
}

/// A channel's line in `strongroom status`.
pub fn status_line(row: &ChannelRow, now: Timestamp) -> anyhow::Result<()> {
    let ChannelRow { name, kind, .. } = row;
    let health = health(row, now);
    match &row.state {
        State::Trying { .. } | State::Waiting => {
            say!("channel     {name} ({kind}): {BAD}{health}{BAD:#}")?;
        }
        State::Well => say!("channel     {name} ({kind}): {health}")?,
        State::Idle => say!("channel     {name} ({kind}): {MILD}{health}{MILD:#}")?,
    }
    Ok(())
}

/// How a channel does, in words.
pub fn health(row: &ChannelRow, now: Timestamp) -> String {
    let state = state(row, now);
    match &row.remark {
        None => state,
        Some(remark) => format!("{state}; but {}", remark.escape_debug()),
    }
}

fn state(row: &ChannelRow, now: Timestamp) -> String {
    let behind = row.behind;
    let state = match &row.state {
        State::Idle => "no agent runs".to_owned(),
        State::Well => match row.holds {
            Some(until) if behind > 0 => {
                return format!("well, holds {behind} until {}", clock(until, now));
            }
            _ => "well".to_owned(),
        },
        State::Trying {
            problem,
            since,
            tries,
            next,
        } => format!(
            "failing since {}, tried {}, again at {}: {}",
            clock(*since, now),
            if *tries == 1 {
                "once".to_owned()
            } else {
                format!("{tries} times")
            },
            clock(*next, now),
            problem.escape_debug()
        ),
        State::Waiting => "waits until the vault is unlocked".to_owned(),
    };
    match behind {
        0 => state,
        _ => format!("{behind} behind, {state}"),
    }
}

/// A time on the clock here; with its date where that is not today.
fn clock(time: Timestamp, now: Timestamp) -> String {
    let zone = TimeZone::system();
    let (time, now) = (time.to_zoned(zone.clone()), now.to_zoned(zone));
    let form = if time.date() == now.date() {
        "%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    time.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_reads_as_a_person_would_say_it() {
        let now = Timestamp::now();
        let at = clock(now, now);
        let row = |state, behind, holds| ChannelRow {
            name: "ops".to_owned(),
            kind: "mail".to_owned(),
            state,
            delivered: 7,
            behind,
            last: None,
            holds,
            remark: None,
        };
        let trying = |tries| State::Trying {
            problem: "the receiver\u{1b}[2J answered 503".to_owned(),
            since: now,
            tries,
            next: now,
        };
        for (row, said) in [
            (row(State::Well, 0, None), "well".to_owned()),
            (row(State::Well, 3, None), "3 behind, well".to_owned()),
            (row(State::Well, 0, Some(now)), "well".to_owned()),
            (
                row(State::Well, 42, Some(now)),
                format!("well, holds 42 until {at}"),
            ),
            (
                row(State::Idle, 2, None),
                "2 behind, no agent runs".to_owned(),
            ),
            (
                row(State::Waiting, 5, None),
                "5 behind, waits until the vault is unlocked".to_owned(),
            ),
            (
                row(trying(1), 1, None),
                format!(
                    "1 behind, failing since {at}, tried once, again at {at}: the receiver\\u{{1b}}[2J answered 503"
                ),
            ),
            (
                row(trying(12), 1, None),
                format!(
                    "1 behind, failing since {at}, tried 12 times, again at {at}: the receiver\\u{{1b}}[2J answered 503"
                ),
            ),
        ] {
            assert_eq!(health(&row, now), said);
        }
        let remark = Some("somebody is refused\u{7}".to_owned());
        let row = ChannelRow {
            remark,
            ..row(State::Well, 0, None)
        };
        assert_eq!(health(&row, now), "well; but somebody is refused\\u{7}");
    }
}
