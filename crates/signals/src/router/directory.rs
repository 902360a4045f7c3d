//! Where something is, by its hash: a table of numbers, with nothing else in it.
//!
//! Whoever looks several things up [touches](Directory::touch) all of them first. So memory brings
//! what is not in the cache at the same time, and not one after the other, which is most of what
//! looking something up in a large table takes. It is what a table of the standard library does not
//! let one do.
//!
//! Numbers are in groups of seven, with a byte of the hash for each, and how many numbers had to go
//! on to the next group because this one was full. These eight bytes are looked at as one word,
//! which mostly says at once that something is not there. They follow F14, by Bronson and Shi
//! (Facebook, 2019), which has groups of fourteen. What is removed leaves no mark.

/// Numbers in a group.
const GROUP: usize = 7;
/// Of seven places so many are used at most, on average: with more, many groups would be full.
const FULL: usize = 5;
/// Groups there are at least. With no more than these, memory is not given back: it would not show.
const FEWEST: usize = 16;
/// How many numbers that went on cannot be told any more, and are never forgotten.
const MANY: u8 = u8::MAX;
/// One bit of each byte, the lowest, and the highest.
const LOWEST: u64 = 0x0101_0101_0101_0101;
const HIGHEST: u64 = LOWEST << 7;
/// The bytes that are tags.
const TAGS: u64 = u64::MAX >> 8;

/// Numbers, each under a hash. Whoever has a number knows its hash.
#[derive(Debug)]
pub(super) struct Directory {
    /// A power of two of them, or none.
    words: Box<[Word]>,
    /// As many.
    numbers: Box<[[u32; GROUP]]>,
    used: usize,
}

/// From the lowest byte: seven tags, which are 0 where there is no number, and how many went on.
#[derive(Debug, Clone, Copy, Default)]
struct Word(u64);

/// Places in a group: the highest bit of the byte of each.
#[derive(Debug)]
struct Places(u64);

// === impl Directory ===

impl Directory {
    pub(super) fn new() -> Self {
        Self { words: Box::new([]), numbers: Box::new([]), used: 0 }
    }

    /// Has memory bring what [`Self::find`] will look at first. What it gives says nothing, and is
    /// there so that it is not left out.
    #[inline]
    pub(super) fn touch(&self, hash: u64) -> u64 {
        self.word(self.home(hash)).0
    }

    /// The number under that hash that is the right one.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut group = self.home(hash);
        // Were every group to say that some went on, it would have seen all of them by then.
        for _ in 0..self.words.len() {
            let word = self.word(group);
            for place in word.places_of(tag_of(hash)) {
                let number = self.number(group, place);
                if is_it(number) {
                    return Some(number);
                }
            }
            if word.went_on() == 0 {
                return None;
            }
            group = self.after(group);
        }
        None
    }

    /// Adds a number under a hash; `hash_of` gives that of a number that was added before.
    pub(super) fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        if self.used + 1 > FULL * self.words.len() {
            self.resize((2 * self.words.len()).max(FEWEST), hash_of);
        }
        self.used += 1;
        self.put(hash, number);
    }

    /// Removes a number that is there under that hash.
    pub(super) fn remove(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        let Some((group, place)) = self.place_of(hash, number) else { return };
        self.set(group, place, 0, 0);
        let mut before = self.home(hash);
        while before != group {
            self.change_went_on(before, |count| if count == MANY { MANY } else { count - 1 });
            before = self.after(before);
        }
        self.used -= 1;
        if self.words.len() > FEWEST && 8 * self.used < self.words.len() {
            self.resize(self.words.len() / 4, hash_of);
        }
    }

    fn place_of(&self, hash: u64, number: u32) -> Option<(usize, usize)> {
        let mut group = self.home(hash);
        for _ in 0..self.words.len() {
            let word = self.word(group);
            let mut places = word.places_of(tag_of(hash));
            if let Some(place) = places.find(|&place| self.number(group, place) == number) {
                return Some((group, place));
            }
            if word.went_on() == 0 {
                return None;
            }
            group = self.after(group);
        }
        None
    }

    fn resize(&mut self, groups: usize, hash_of: impl Fn(u32) -> u64) {
        let words = vec![Word::default(); groups.max(FEWEST)].into_boxed_slice();
        let numbers = vec![[0; GROUP]; words.len()].into_boxed_slice();
        let words = std::mem::replace(&mut self.words, words);
        let before = std::mem::replace(&mut self.numbers, numbers);
        for (word, numbers) in words.iter().zip(before) {
            for place in word.used() {
                let number = numbers.get(place).copied().unwrap_or_default();
                self.put(hash_of(number), number);
            }
        }
    }

    /// Puts a number where there is room, which there is.
    fn put(&mut self, hash: u64, number: u32) {
        let mut group = self.home(hash);
        loop {
            if let Some(place) = self.word(group).places_of(0).next() {
                return self.set(group, place, tag_of(hash), number);
            }
            self.change_went_on(group, |count| count.saturating_add(1));
            group = self.after(group);
        }
    }

    const fn mask(&self) -> usize {
        self.words.len().wrapping_sub(1)
    }

    /// The group to look into first, by the upper half of the hash, of which the tag is none.
    #[inline]
    const fn home(&self, hash: u64) -> usize {
        (hash >> 32) as usize & self.mask()
    }

    const fn after(&self, group: usize) -> usize {
        (group + 1) & self.mask()
    }

    /// The word of a group; an empty one when there are none.
    #[inline]
    fn word(&self, group: usize) -> Word {
        self.words.get(group).copied().unwrap_or_default()
    }

    #[inline]
    fn number(&self, group: usize, place: usize) -> u32 {
        self.numbers.get(group).and_then(|numbers| numbers.get(place)).copied().unwrap_or_default()
    }

    fn set(&mut self, group: usize, place: usize, tag: u8, number: u32) {
        let numbers = self.numbers.get_mut(group).and_then(|numbers| numbers.get_mut(place));
        if let (Some(word), Some(old)) = (self.words.get_mut(group), numbers) {
            word.set(place, tag);
            *old = number;
        }
    }

    fn change_went_on(&mut self, group: usize, change: impl Fn(u8) -> u8) {
        if let Some(word) = self.words.get_mut(group) {
            word.set(GROUP, change(word.went_on()));
        }
    }

    /// For how many numbers there is room.
    #[cfg(test)]
    fn capacity(&self) -> usize {
        FULL * self.words.len()
    }
}

/// A byte of the hash that has no part in where it is; never that of a place without a number.
#[inline]
const fn tag_of(hash: u64) -> u8 {
    let [tag, ..] = hash.to_le_bytes();
    if tag == 0 { 1 } else { tag }
}

// === impl Word ===

impl Word {
    /// The places with that tag: where what differs is 0, so that adding all bits but the highest
    /// does not carry into that.
    #[inline]
    const fn places_of(self, tag: u8) -> Places {
        let differs = self.0 ^ (LOWEST * tag as u64);
        let carries = (differs & !HIGHEST) + !HIGHEST;
        Places(!(carries | differs) & HIGHEST & TAGS)
    }

    /// The places with a number.
    fn used(self) -> impl Iterator<Item = usize> {
        let tags = self.0.to_le_bytes();
        (0..GROUP).filter(move |&place| tags.get(place).is_some_and(|tag| *tag != 0))
    }

    #[inline]
    const fn went_on(self) -> u8 {
        let [.., count] = self.0.to_le_bytes();
        count
    }

    fn set(&mut self, place: usize, byte: u8) {
        let shift = 8 * place;
        self.0 = self.0 & !(0xff << shift) | u64::from(byte) << shift;
    }
}

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let place = self.0.trailing_zeros() as usize / 8;
        self.0 &= self.0 - 1;
        Some(place)
    }
}

#[cfg(test)]
mod tests;
