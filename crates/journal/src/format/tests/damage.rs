//! What cannot have been written is damage: no input makes anything here panic.

use proptest::prelude::*;

use super::round_trips::config;
use super::samples::{self, again};
use crate::append::Append;
use crate::format::envelope::{HEAD, MAGIC, split};
use crate::format::{Body, Damage, Header, Kind, head_of_group, open_group, place, seal, unseal};

const KINDS: [Kind; 12] = [
    Kind::Group,
    Kind::Append,
    Kind::Part,
    Kind::Events,
    Kind::Snapshot,
    Kind::Answer,
    Kind::Signal,
    Kind::Stream,
    Kind::Meta,
    Kind::Blob,
    Kind::Chunk,
    Kind::Hold,
];

/// Reads a row of the log wholly. Gives how many appends it has.
fn read_group(row: &[u8]) -> Result<usize, Damage> {
    let mut count = 0;
    // Whatever its head says: that has to be of the group is said elsewhere.
    let first = row.get(8..16).map_or(0, |at| u64::from_le_bytes(at.try_into().unwrap()));
    for record in open_group(row, first..=u64::MAX)? {
        let (_, body, ..) = record?;
        body.changes().try_for_each(|change| change.map(drop))?;
        count += 1;
    }
    Ok(count)
}

/// Reads bytes in every way that there is.
fn read_somehow(bytes: &[u8]) {
    for kind in KINDS {
        if let Ok((_, body)) = unseal(bytes, kind) {
            again(kind, body);
        }
        again(kind, bytes);
    }
    let appends = read_group(bytes);
    assert!(appends.is_err() || bytes.starts_with(&MAGIC));
}

#[test]
fn every_bit_that_is_flipped_is_noticed() {
    for (name, kind, record) in samples::all() {
        assert!(unseal(&record, kind).is_ok(), "{name}");
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(&flipped, kind).is_err(), "bit {bit} of {name}");
            read_somehow(&flipped);
        }
    }
}

#[test]
fn every_bit_that_is_flipped_in_a_group_is_noticed() {
    let group = samples::group();
    assert_eq!(read_group(&group), Ok(2));
    for bit in 0..group.len() * 8 {
        let mut flipped = group.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read_group(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn every_record_that_was_cut_off_or_goes_on_is_noticed() {
    for (name, kind, record) in samples::all() {
        for length in 0..record.len() {
            assert!(unseal(&record[..length], kind).is_err(), "{length} bytes of {name}");
            read_somehow(&record[..length]);
        }
        assert!(unseal(&[record.as_slice(), &[0]].concat(), kind).is_err(), "{name}");
    }
    let group = samples::group();
    for length in 0..group.len() {
        assert!(read_group(&group[..length]).is_err(), "{length} bytes");
    }
    assert!(read_group(&[group.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn every_body_that_was_cut_off_or_goes_on_is_noticed_although_its_checksum_is_right() {
    for (name, kind, record) in samples::all() {
        let (_, body) = unseal(&record, kind).unwrap();
        assert_eq!(again(kind, body).as_deref(), Some(body), "{name}");
        for length in 0..body.len() {
            assert_eq!(again(kind, &body[..length]), None, "{length} bytes of {name}");
        }
        assert_eq!(again(kind, &[body, &[0]].concat()), None, "{name}");
    }
}

#[test]
fn what_is_read_has_only_one_way_to_be_written() {
    for (name, kind, record) in samples::all() {
        let (_, body) = unseal(&record, kind).unwrap();
        for at in 0..body.len() {
            for byte in 0..=u8::MAX {
                let mut other = body.to_vec();
                other[at] = byte;
                if let Some(written) = again(kind, &other) {
                    assert_eq!(written, other, "byte {at} of {name}");
                }
            }
        }
    }
}

#[test]
fn a_record_of_another_kind_format_or_magic_is_refused() {
    let header = |kind| Header { kind, shard: 1, position: 2 };
    for kind in KINDS {
        let record = seal(header(kind), b"body");
        for other in KINDS {
            assert_eq!(unseal(&record, other).is_ok(), kind == other);
        }
        // Format, kind and magic that are not known, with checksums that are right.
        let is_new = matches!(kind, Kind::Blob | Kind::Chunk | Kind::Hold);
        // A format that is known, and that does not have the kind, or does not bring it. Of appends
        // there are several.
        let other = (kind != Kind::Append).then_some((4, if is_new { 1 } else { 2 }));
        let unknown = [(4, 0), (4, 3), (5, 0), (5, 13), (5, 255), (0, 0)];
        for (at, value) in unknown.into_iter().chain(other) {
            let mut record = record.clone();
            record[at] = value;
            place(&mut record, 2);
            assert!(unseal(&record, kind).is_err(), "{value} at {at}");
        }
    }
}

#[test]
fn a_group_that_is_not_as_its_head_says_is_damage() {
    let one = samples::record(&Append::new(), 1, 1);
    let part = samples::all().remove(1).2;
    let row = |count, bytes, records: &[&[u8]]| {
        [head_of_group(1, count, bytes), records.concat()].concat()
    };
    let length = one.len();
    assert_eq!(read_group(&row(0, 0, &[])), Ok(0));
    let mut two = one.clone();
    place(&mut two, 2);
    assert_eq!(read_group(&row(2, 2 * length, &[&one, &two])), Ok(2));
    let wrong = [
        row(1, 0, &[]),
        row(0, length, &[&one]),
        row(1, 2 * length, &[&one, &one]),
        row(3, 2 * length, &[&one, &one]),
        row(1, length + 1, &[&one]),
        row(1, length - 1, &[&one]),
        row(1, part.len(), &[&part]),
        one.clone(),
        seal(Header { kind: Kind::Group, shard: 0, position: 1 }, &[0; 7]),
        seal(Header { kind: Kind::Group, shard: 0, position: 1 }, &[0; 9]),
    ];
    for (n, row) in wrong.iter().enumerate() {
        assert!(read_group(row).is_err(), "the {n}-th");
    }
    // Of two at one position, or in another order, the second is none of the group.
    assert!(read_group(&row(2, 2 * length, &[&one, &one])).is_err());
    assert!(read_group(&row(2, 2 * length, &[&two, &one])).is_err());
    assert!(open_group(&row(0, 0, &[]), 2..=9).is_err(), "the head of another group");
    let behind = row(2, 2 * length, &[&one, &two]);
    assert!(open_group(&behind, 1..=1).unwrap().any(|record| record.is_err()), "behind its end");
    // After what is damaged nothing comes.
    let row = row(2, 2 * length, &[&vec![0; length], &one]);
    let read: Vec<_> = open_group(&row, 1..=9).unwrap().map(|record| record.is_ok()).collect();
    assert_eq!(read, [false]);
}

#[test]
fn changes_end_with_the_first_that_cannot_be_read() {
    let record = samples::record(&samples::whole(), 1, 1);
    let (_, body) = unseal(&record, Kind::Append).unwrap();
    let whole = Body::new(body).unwrap().changes().count();
    for length in 0..body.len() {
        let Ok(body) = Body::new(&body[..length]) else { continue };
        let read: Vec<_> = body.changes().collect();
        let (last, rest) = read.split_last().unwrap();
        assert!(last.is_err() && rest.iter().all(Result::is_ok) && read.len() <= whole);
    }
}

#[test]
fn counts_that_cannot_be_are_damage_and_reserve_no_memory() {
    let name = samples::stream();
    let mut events = Vec::new();
    events.extend(u16::try_from(name.key().len()).unwrap().to_le_bytes());
    events.extend(name.key());
    events.extend(u32::MAX.to_le_bytes());
    assert_eq!(again(Kind::Events, &events), None);
    // A body that says to be of four gigabytes.
    let mut record = seal(Header { kind: Kind::Part, shard: 0, position: 0 }, b"");
    record[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    place(&mut record, 0);
    assert!(unseal(&record, Kind::Part).is_err());
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        read_somehow(&bytes);
        for kind in KINDS {
            // The same with checksums that are right.
            let record = seal(Header { kind, shard: 0, position: 0 }, &bytes);
            read_somehow(&record);
            let (header, body, rest) = split(&record).unwrap();
            prop_assert_eq!((header.kind, body, rest.len()), (kind, bytes.as_slice(), 0));
        }
        let group = [head_of_group(0, 1, bytes.len()), bytes].concat();
        prop_assert!(read_group(&group).is_err());
    }

    #[test]
    fn records_with_some_bytes_changed_are_damage(
        which in 0..8_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=u8::MAX), 1..4),
        resealed in any::<bool>(),
    ) {
        let (_, kind, record) = samples::all().swap_remove(which);
        let (header, _) = unseal(&record, kind).unwrap();
        let mut changed = record.clone();
        for (at, mask) in changes {
            let at = at.index(changed.len());
            changed[at] ^= mask;
        }
        if resealed {
            changed = seal(header, &changed[HEAD..]);
        } else if changed != record {
            prop_assert!(unseal(&changed, kind).is_err());
        }
        read_somehow(&changed);
    }
}
