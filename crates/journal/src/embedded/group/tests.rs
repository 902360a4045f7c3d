//! Groups are whole, few, and waste little.

use fastrand::Rng;

use super::*;

/// Pages that the store gives these groups.
fn pages(sizes: &[usize], counts: &[usize]) -> usize {
    let mut rest = sizes;
    let mut pages = 0;
    for count in counts {
        let (group, behind) = rest.split_at(*count);
        let bytes: usize = group.iter().sum::<usize>() + AROUND + 36;
        pages += bytes.next_power_of_two().max(PAGE) / PAGE;
        rest = behind;
    }
    pages
}

#[test]
fn nothing_is_no_group_and_little_is_one() {
    assert!(split(&[]).is_empty());
    assert_eq!(split(&[1]), [1]);
    assert_eq!(split(&[500; 8]), [8]);
    assert_eq!(split(&[SMALL]), [1]);
    assert_eq!(split(&[1 << 26]), [1], "one append is never parted");
    assert_eq!(split(&[10, 1 << 26, 10]), [1, 1, 1]);
}

#[test]
fn much_is_in_pages_that_are_nearly_full() {
    // 34 KiB: in one page that would be 64.
    let sizes = [540; 64];
    let counts = split(&sizes);
    assert_eq!(counts, [60, 4]);
    assert_eq!(pages(&sizes, &counts), 8 + 1);
}

#[test]
fn every_append_is_in_one_group_and_of_the_pages_most_is_used() {
    testkit::for_each_seed(std::num::NonZeroU32::new(300).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let most = 1 << random.u32(5..13);
        let sizes: Vec<_> = (0..random.usize(1..2000)).map(|_| random.usize(30..=most)).collect();
        let counts = split(&sizes);
        assert_eq!(counts.iter().sum::<usize>(), sizes.len());
        assert!(counts.iter().all(|count| *count > 0));
        let bytes: usize = sizes.iter().sum();
        assert!(counts.len() <= 12, "{} groups of {bytes} bytes", counts.len());
        let given = pages(&sizes, &counts) * PAGE;
        // What does not fit any more at the end of a page, of each group; and the last, small one.
        let wasted = bytes * 8 / WELL + counts.len() * (most + 100) + SMALL;
        assert!(given <= wasted, "{given} bytes of pages for {bytes} of appends");
    });
}
