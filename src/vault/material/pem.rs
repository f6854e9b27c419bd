//! PEM (RFC 7468, and RFC 1421 as OpenSSL writes it) in memory that is wiped.
//!
//! The `pem` crate decodes through buffers that it frees as they are; these blocks are private
//! keys, so every buffer here is wiped, and reserved whole, because growing leaves a copy behind.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::MaterialError;

/// One `-----BEGIN …-----` block, decoded.
pub(super) struct Block<'a> {
    pub(super) label: &'a [u8],
    /// Under a passphrase by OpenSSL's old scheme (RFC 1421 headers).
    pub(super) encrypted: bool,
    pub(super) der: Zeroizing<Vec<u8>>,
}

struct Open<'a> {
    label: &'a [u8],
    encrypted: bool,
    lines: Vec<&'a [u8]>,
}

/// Whether there is a block in the text at all.
pub(super) fn is_in(text: &[u8]) -> bool {
    lines(text).any(|line| boundary(line, b"-----BEGIN ").is_some())
}

/// All blocks of a text. What stands between blocks is skipped, as the RFCs say.
pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block<'_>>, MaterialError> {
    let mut blocks = Vec::new();
    let mut open: Option<Open<'_>> = None;
    for line in lines(text) {
        open = match open {
            None => boundary(line, b"-----BEGIN ").map(|label| Open {
                label,
                encrypted: false,
                lines: Vec::new(),
            }),
            Some(mut block) => match boundary(line, b"-----END ") {
                Some(label) if label == block.label => {
                    blocks.push(block.decode()?);
                    None
                }
                Some(_) => return Err(malformed("its `END` line has another label")),
                None => {
                    block.line(line);
                    Some(block)
                }
            },
        };
    }
    match open {
        Some(_) => Err(malformed("its `END` line is missing")),
        None => Ok(blocks),
    }
}

/// A block with lines of 64 characters.
pub(super) fn write(label: &str, der: &[u8]) -> Zeroizing<Vec<u8>> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let whole = base64.len() + base64.len() / 64 + 2 * label.len() + 64;
    let mut text = Zeroizing::new(Vec::with_capacity(whole));
    text.extend_from_slice(format!("-----BEGIN {label}-----\n").as_bytes());
    for line in base64.as_bytes().chunks(64) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.extend_from_slice(format!("-----END {label}-----\n").as_bytes());
    debug_assert!(text.len() <= whole);
    text
}

impl<'a> Open<'a> {
    fn line(&mut self, line: &'a [u8]) {
        // A colon is in no base64: this is a header.
        if line.contains(&b':') {
            self.encrypted |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED");
        } else {
            self.lines.push(line);
        }
    }

    fn decode(self) -> Result<Block<'a>, MaterialError> {
        let len = self.lines.iter().map(|line| line.len()).sum();
        let mut base64 = Zeroizing::new(Vec::with_capacity(len));
        self.lines
            .iter()
            .for_each(|line| base64.extend_from_slice(line));
        let mut der = Zeroizing::new(Vec::with_capacity(len + 4));
        STANDARD
            .decode_vec(&*base64, &mut der)
            .map_err(|_| malformed("what is between `BEGIN` and `END` is not base64"))?;
        Ok(Block {
            label: self.label,
            encrypted: self.encrypted,
            der,
        })
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}

fn boundary<'a>(line: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(start)?.strip_suffix(b"-----")
}

fn malformed(problem: &'static str) -> MaterialError {
    MaterialError::Malformed {
        format: "PEM",
        problem,
    }
}
