//! The conditions of `strongroom grant`, as they are typed.

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use strongroom::{
    notification::Urgency,
    policy::{
        GrantOptions, Particulars,
        grant::{Days, Hours, Times},
    },
};

/// What may stand on any grant, and what only some operations have.
#[derive(Debug, Args)]
pub struct Conditions {
    /// Only until then: a time (2026-11-23T10:00Z), a day, or a while from now (15m, 2h, 7d)
    #[arg(long, value_name = "WHEN")]
    pub until: Option<String>,
    /// Only between these full hours in UTC: 9-17, or 22-6 over midnight
    #[arg(long, value_name = "H-H")]
    pub hours: Option<Hours>,
    /// Only on these days in UTC: mon-fri, or sat,sun
    #[arg(long, value_name = "DAYS")]
    pub days: Option<Days>,
    /// So many uses at most: '20 per hour', '5 per 10 minutes', or '20 per hour, 100 per day'; each service, secret and alias counts apart (and with conditions on what an operation looks like, each operation)
    #[arg(long, value_name = "N per TIME")]
    pub limit: Option<String>,
    /// How soon you should look at a use
    #[arg(long, value_enum)]
    pub notify: Option<Notify>,
    /// Only once so many of a group said yes: '1 of security' (see `strongroom approver`)
    #[arg(long, value_name = "N of GROUP")]
    pub approve: Option<String>,
    /// http, aws-sign: only this method; may be given several times
    #[arg(
        long = "method",
        value_name = "METHOD",
        help_heading = "What the operation looks like"
    )]
    pub methods: Vec<String>,
    /// http, aws-sign: only to a host like this; `*` stands for anything
    #[arg(
        long = "host",
        value_name = "PATTERN",
        help_heading = "What the operation looks like"
    )]
    pub hosts: Vec<String>,
    /// http, aws-sign: only a path like this; `*` stands for anything without a slash, `**` for anything; may be given several times
    #[arg(
        long = "path",
        value_name = "PATTERN",
        help_heading = "What the operation looks like"
    )]
    pub paths: Vec<String>,
    /// http, aws-sign: only with this parameter; there may be others too; may be given several times, then all must hold
    #[arg(
        long,
        value_name = "NAME=PATTERN",
        help_heading = "What the operation looks like"
    )]
    pub query: Vec<String>,
    /// http: only with this member in the JSON body, by its JSON pointer; there may be others too; may be given several times, then all must hold
    #[arg(
        long,
        value_name = "/POINTER=PATTERN",
        help_heading = "What the operation looks like"
    )]
    pub body: Vec<String>,
    /// ssh-sign: only for a namespace like this (git, file); may be given several times
    #[arg(
        long = "namespace",
        value_name = "PATTERN",
        help_heading = "What the operation looks like"
    )]
    pub namespaces: Vec<String>,
    /// ssh-certificate: only for this user name; given several times, for any of them
    #[arg(
        long = "principal",
        value_name = "NAME",
        help_heading = "What the operation looks like"
    )]
    pub principals: Vec<String>,
    /// token: only for an audience like this; may be given several times
    #[arg(
        long = "audience",
        value_name = "PATTERN",
        help_heading = "What the operation looks like"
    )]
    pub audiences: Vec<String>,
    /// token: only with this scope; given several times, with any of them
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        help_heading = "What the operation looks like"
    )]
    pub scopes: Vec<String>,
    /// aws-sign: only in this region; may be given several times
    #[arg(
        long = "region",
        value_name = "REGION",
        help_heading = "What the operation looks like"
    )]
    pub regions: Vec<String>,
    /// aws-sign: only for this service of AWS (s3, ec2); may be given several times
    #[arg(
        long = "aws-service",
        value_name = "SERVICE",
        help_heading = "What the operation looks like"
    )]
    pub aws_services: Vec<String>,
    /// token, ssh-certificate: only if it is good for so long at most (15m, 8h)
    #[arg(
        long,
        value_name = "TIME",
        help_heading = "What the operation looks like"
    )]
    pub lifetime: Option<String>,
}

/// How soon a person should look.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Notify {
    /// Now
    Urgent,
    /// Today
    Normal,
    /// Whenever
    Quiet,
}

impl Conditions {
    /// Adds these conditions to a grant.
    pub fn add_to(self, options: GrantOptions, now: Timestamp) -> anyhow::Result<GrantOptions> {
        let until = self.until.map(|text| until(&text, now)).transpose()?;
        let lifetime = self.lifetime.map(|text| seconds(&text)).transpose()?;
        Ok(GrantOptions {
            particulars: Particulars {
                methods: self.methods,
                hosts: self.hosts,
                paths: self.paths,
                query: self.query,
                body: self.body,
                namespaces: self.namespaces,
                principals: self.principals,
                audiences: self.audiences,
                scopes: self.scopes,
                regions: self.regions,
                aws_services: self.aws_services,
                lifetime,
            },
            times: Times {
                until,
                hours: self.hours,
                days: self.days,
            },
            limit: self.limit,
            notify: self.notify.map(|notify| match notify {
                Notify::Urgent => Urgency::Urgent,
                Notify::Normal => Urgency::Normal,
                Notify::Quiet => Urgency::Quiet,
            }),
            approve: self.approve,
            ..options
        })
    }
}

/// A time, the beginning of a day, or a while from now.
fn until(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let until = match super::super::since(text, now) {
        // `since` counts a while back from now.
        Ok(_) if duration(text).is_some() => duration(text).and_then(|d| now.checked_add(d).ok()),
        other => other.ok(),
    };
    let until = until.ok_or_else(|| {
        anyhow::anyhow!(
            "`{}` is not a time; write 2026-11-23T10:00:00Z, 2026-11-23, 15m, 2h or 7d",
            text.escape_debug()
        )
    })?;
    if until <= now {
        anyhow::bail!(
            "`{}` is over already; the grant would allow nothing",
            text.escape_debug()
        );
    }
    Ok(until)
}

fn seconds(text: &str) -> anyhow::Result<u32> {
    let whole = text
        .parse()
        .ok()
        .or_else(|| u32::try_from(duration(text)?.as_secs()).ok());
    whole.filter(|seconds| *seconds > 0).ok_or_else(|| {
        anyhow::anyhow!(
            "`{}` is not a while; write 900, 15m, 8h or 7d",
            text.escape_debug()
        )
    })
}

fn duration(text: &str) -> Option<SignedDuration> {
    text.parse().ok().or_else(|| {
        let days = text.strip_suffix('d')?.parse::<i64>().ok()?;
        Some(SignedDuration::from_hours(days.checked_mul(24)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_takes_times_days_and_whiles() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"),
            ("2026-11-24", "2026-11-24T00:00:00Z"),
            ("15m", "2026-11-23T12:15:00Z"),
            ("7d", "2026-11-30T12:00:00Z"),
        ] {
            assert_eq!(
                until(text, now).unwrap(),
                expected.parse().unwrap(),
                "{text}"
            );
        }
        for bad in [
            "tomorrow",
            "",
            "2026-11-23",
            "2026-11-23T11:59:59Z",
            "-2h",
            "0m",
        ] {
            assert!(until(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_lifetime_is_in_seconds_or_said() {
        for (text, expected) in [("900", 900), ("15m", 900), ("8h", 28_800), ("1d", 86_400)] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for bad in ["0", "-1", "", "long", "-5m", "0s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
