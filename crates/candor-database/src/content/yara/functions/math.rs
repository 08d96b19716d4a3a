//! `math`: statistics over bytes, and a little arithmetic.
#![expect(clippy::cast_precision_loss, reason = "counts of bytes become floating-point numbers, as in YARA")]

use std::borrow::Cow;

use super::{Call, Modules, Steps, Undecided, Value, chosen};
use crate::content::yara::modules::count_bytes;

pub(super) fn call<'m>(
    call: &Call<'_, 'm, '_>,
    modules: &'m Modules<'_>,
    steps: &mut Steps,
) -> Result<Option<Value<'m>>, Undecided> {
    let arguments = call.arguments;
    let integer = |number: usize| arguments.get(number).and_then(Value::integer);
    let float = |number: usize| arguments.get(number).and_then(Value::float);
    Ok(match call.name {
        "in_range" => match (float(0), float(1), float(2)) {
            (Some(value), Some(low), Some(high)) => {
                Some(Value::Integer(i64::from(low <= value && value <= high)))
            }
            _ => None,
        },
        "max" | "min" => match (integer(0), integer(1)) {
            // Compared as numbers without a sign, as in YARA.
            (Some(left), Some(right)) => {
                let (left, right) = (left.cast_unsigned(), right.cast_unsigned());
                let chosen = if call.name == "max" { left.max(right) } else { left.min(right) };
                Some(Value::Integer(chosen.cast_signed()))
            }
            _ => None,
        },
        "abs" => integer(0).map(|value| Value::Integer(value.wrapping_abs())),
        "to_number" => {
            let truth = arguments.first().and_then(Value::truth);
            truth.map(|truth| Value::Integer(i64::from(truth)))
        }
        "to_string" => integer(0).and_then(|value| written(value, integer(1).unwrap_or(10))),
        "count" | "percentage" => {
            let byte = integer(0).and_then(|byte| u8::try_from(byte).ok());
            let counts = histogram(call, 1, modules, steps)?;
            match (byte, counts) {
                (Some(byte), Some(counts)) => {
                    let count = counts.get(usize::from(byte)).copied().unwrap_or(0);
                    let total = sum(&counts);
                    if call.name == "count" {
                        i64::try_from(count).ok().map(Value::Integer)
                    } else {
                        // In single precision, as in YARA.
                        let share = (count as f32) / (total as f32);
                        (total > 0).then(|| Value::Float(f64::from(share)))
                    }
                }
                _ => None,
            }
        }
        "mode" => histogram(call, 0, modules, steps)?.and_then(|counts| {
            // The first of those that are most.
            let most = counts.iter().max()?;
            let place = counts.iter().position(|count| count == most)?;
            i64::try_from(place).ok().map(Value::Integer)
        }),
        "entropy" => histogram(call, 0, modules, steps)?.and_then(|counts| entropy(&counts)),
        "mean" => histogram(call, 0, modules, steps)?.and_then(|counts| mean(&counts)),
        "deviation" => {
            let around = arguments.last().and_then(Value::float);
            match (histogram(call, 0, modules, steps)?, around) {
                (Some(counts), Some(around)) => deviation(&counts, around),
                _ => None,
            }
        }
        "serial_correlation" => over_bytes(call, steps)?.map(serial_correlation),
        "monte_carlo_pi" => over_bytes(call, steps)?.and_then(monte_carlo_pi),
        _ => None,
    })
}

fn over_bytes<'c>(call: &'c Call<'_, '_, '_>, steps: &mut Steps) -> Result<Option<&'c [u8]>, Undecided> {
    let Some((bytes, _)) = chosen(call, 0) else { return Ok(None) };
    steps.spend(bytes.len())?;
    Ok(Some(bytes))
}

/// How often each byte is in what the arguments from `skip` on name, which without any is the layer.
fn histogram<'m>(
    call: &Call<'_, 'm, '_>,
    skip: usize,
    modules: &'m Modules<'_>,
    steps: &mut Steps,
) -> Result<Option<Cow<'m, [u64; 256]>>, Undecided> {
    let (bytes, is_whole) = if call.arguments.len() <= skip {
        (call.bytes, true)
    } else {
        let Some(chosen) = chosen(call, skip) else { return Ok(None) };
        chosen
    };
    if is_whole {
        steps.spend(64)?;
        return Ok(Some(Cow::Borrowed(modules.histogram(call.bytes))));
    }
    steps.spend(bytes.len().saturating_add(64))?;
    Ok(Some(Cow::Owned(count_bytes(bytes))))
}

fn sum(counts: &[u64; 256]) -> u64 {
    counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

fn entropy<'m>(counts: &[u64; 256]) -> Option<Value<'m>> {
    let total = sum(counts);
    let bits = |count: &u64| {
        let share = *count as f64 / total as f64;
        -share * share.log2()
    };
    // Of nothing it is nothing, where other measures have no value.
    Some(Value::Float(counts.iter().filter(|count| **count > 0).map(bits).sum::<f64>().max(0.0)))
}

fn mean<'m>(counts: &[u64; 256]) -> Option<Value<'m>> {
    let total = sum(counts);
    let weighted: f64 = (0_u8..=255).zip(counts).map(|(byte, count)| f64::from(byte) * *count as f64).sum();
    (total > 0).then(|| Value::Float(weighted / total as f64))
}

fn deviation<'m>(counts: &[u64; 256], around: f64) -> Option<Value<'m>> {
    let total = sum(counts);
    let away = |(byte, count): (u8, &u64)| (f64::from(byte) - around).abs() * *count as f64;
    (total > 0).then(|| Value::Float((0_u8..=255).zip(counts).map(away).sum::<f64>() / total as f64))
}

fn serial_correlation<'m>(bytes: &[u8]) -> Value<'m> {
    let (mut products, mut all, mut squares, mut last) = (0.0, 0.0, 0.0, 0.0);
    for byte in bytes {
        let value = f64::from(*byte);
        products += last * value;
        all += value;
        squares += value * value;
        last = value;
    }
    products += last * last;
    let count = bytes.len() as f64;
    let squared = all * all;
    let below = count * squares - squared;
    Value::Float(if below == 0.0 { -100_000.0 } else { (count * products - squared) / below })
}

fn monte_carlo_pi<'m>(bytes: &[u8]) -> Option<Value<'m>> {
    let whole = bytes.chunks_exact(6);
    let points = whole.len();
    let place = |bytes: &[u8]| bytes.iter().fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte));
    let radius = 256_f64.powi(3) - 1.0;
    let is_inside = |point: &&[u8]| {
        point.split_at_checked(3).is_some_and(|(x, y)| place(x).powi(2) + place(y).powi(2) <= radius.powi(2))
    };
    let inside = whole.filter(is_inside).count();
    let guess = 4.0 * (inside as f64 / points as f64);
    (points > 0).then(|| Value::Float(((guess - std::f64::consts::PI) / std::f64::consts::PI).abs()))
}

fn written<'m>(value: i64, base: i64) -> Option<Value<'m>> {
    let text = match base {
        8 => format!("{value:o}"),
        10 => value.to_string(),
        16 => format!("{value:x}"),
        _ => return None,
    };
    Some(Value::text(text.into_bytes()))
}
