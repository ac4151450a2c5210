//! Unix seconds as a date in UTC, and how long before or after another they are. Time is block time.

/// `2026-11-21 13:05:09`, by the proleptic Gregorian calendar.
pub(super) fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Days since 1970-01-01 as year, month, day. The year is taken to begin in March, so that the leap day is its last.
fn civil(days: u64) -> (u64, u64, u64) {
    // 719468 days lie between 0000-03-01 and 1970-01-01; 146097 days are 400 years.
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era.saturating_mul(400) + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// `3 min ago`, `in 2 h`, `now`.
pub(super) fn relative(seconds: u64, now: u64) -> String {
    match seconds.cmp(&now) {
        std::cmp::Ordering::Equal => "now".to_owned(),
        std::cmp::Ordering::Less => format!("{} ago", span(now - seconds)),
        std::cmp::Ordering::Greater => format!("in {}", span(seconds - now)),
    }
}

/// A length of time in its largest unit that is at least two, or the one below.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_795_266_309, "2026-11-21 13:05:09"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(date(seconds), expected);
        }
        assert!(date(u64::MAX).len() > 19, "no panic");
    }

    #[test]
    fn spans_have_two_digits_or_a_smaller_unit() {
        assert_eq!(relative(10, 100), "90 s ago");
        assert_eq!(relative(100, 100), "now");
        assert_eq!(relative(7300, 100), "in 2 h");
        assert_eq!(span(86_400 * 3), "3 days");
    }
}
