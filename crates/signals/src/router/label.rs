//! Texts of patterns, kept where they are compared.

/// So many bytes of text are kept in place, so that comparing them looks at the node only.
const SHORT: usize = 30;

/// A segment, what is literal in a pattern, or a wildcard.
#[derive(Debug)]
pub(super) enum Label {
    /// `*`
    One,
    /// `**`
    Many,
    Short {
        length: u8,
        bytes: [u8; SHORT],
    },
    Long(Box<str>),
}

impl Label {
    pub(super) fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }

    /// Whether it is that text, which is not empty.
    #[inline]
    pub(super) fn is(&self, text: &str) -> bool {
        self.bytes() == text.as_bytes()
    }

    /// Its bytes; of a wildcard none.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(long) => long.as_bytes(),
            Self::One | Self::Many => &[],
        }
    }
}
