//! ClamAV's two RSA schemes.
//!
//! Both write a number in digits of 6 bits, least significant first. The older one is textbook RSA
//! over an MD5 sum, as weak as that sounds; the newer one is RSASSA-PSS (RFC 8017) with SHA-256 and
//! 32 bytes of salt.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

/// A public key of RSA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    modulus: BigUint,
    exponent: u32,
}

/// The keys that containers are checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// For the sum in a header.
    pub header: PublicKey,
    /// For the list of members.
    pub list: PublicKey,
}

/// Modulus of the key that signs headers, 1024 bits. A public number, part of every ClamAV.
const HEADER_MODULUS: &[u8] =
    b"118640995551645342603070001658453189751527774412027743746599405743243142607464144767361060\
    640655844749760788890022283424922762488917565551002467771109669598189410434699034532232228\
    621591089508178591428456220796841621637175567590476666928698770143328137383952820383197532\
    047771780196576957695822641224262693037";
/// Modulus of the key that signs lists of members, 2047 bits.
const LIST_MODULUS: &[u8] =
    b"110888949830485454736595561066271949239289417917950476205916586974135810433227159121724968\
    065253810558809645206184002243333205346602992339837553417406795028668299096799557343913926\
    683783612215242053966310901051516412708572770803107343209516537005089417174191687239425078\
    907029047027075874516216910507543078503833998653464872037984641785373922114027864813598244\
    611972311028954150937703942166663244845939357624084685168266331921408266679234948220458053\
    478099328484548458869717064243605586678627758760720594377033653802091016977385775154769350\
    85469455279994113145977994084618328482151013142393373316337519977244732747977";
const HEADER_EXPONENT: u32 = 100_001_027;
const LIST_EXPONENT: u32 = 100_002_049;

/// Longer signatures than any of these keys makes are not worth a computation.
const MOST_DIGITS: usize = 700;
const SALT: usize = 32;
const HASH: usize = 32;

impl Keys {
    /// ClamAV's own.
    #[must_use]
    pub fn published() -> Self {
        Self {
            header: PublicKey::new(HEADER_MODULUS, HEADER_EXPONENT),
            list: PublicKey::new(LIST_MODULUS, LIST_EXPONENT),
        }
    }

    /// Whether `signature` is one of an MD5 sum.
    pub(super) fn verify_sum(&self, sum: &[u8; 16], signature: &[u8]) -> bool {
        self.header.recover(signature).is_some_and(|number| number == BigUint::from_bytes_be(sum))
    }

    /// Whether `signature` is one of these lines.
    pub(super) fn verify_list(&self, lines: &[u8], signature: &[u8]) -> bool {
        self.list.verify(lines, signature)
    }
}

impl PublicKey {
    /// A key with its modulus in decimal digits; one that nothing fits when they are no number.
    #[must_use]
    pub fn new(modulus: &[u8], exponent: u32) -> Self {
        Self { modulus: BigUint::parse_bytes(modulus, 10).unwrap_or_default(), exponent }
    }

    /// Whether `signature`, in ClamAV's digits, is one of `bytes` by RSASSA-PSS with SHA-256.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], signature: &[u8]) -> bool {
        self.recover(signature)
            .and_then(|number| pss_fits(&number, self.modulus.bits(), &Sha256::digest(bytes)))
            .unwrap_or(false)
    }

    /// The number that was signed.
    fn recover(&self, signature: &[u8]) -> Option<BigUint> {
        let number = decode(signature)?;
        (number < self.modulus).then(|| number.modpow(&BigUint::from(self.exponent), &self.modulus))
    }
}

/// A number in ClamAV's digits.
fn decode(digits: &[u8]) -> Option<BigUint> {
    let digits = digits.trim_ascii();
    if digits.is_empty() || digits.len() > MOST_DIGITS {
        return None;
    }
    let values = digits.iter().map(|digit| value(*digit)).collect::<Option<Vec<u8>>>()?;
    BigUint::from_radix_le(&values, 64)
}

/// `a`–`z`, `A`–`Z`, `0`–`9`, `+`, `/`: not the order of the usual base 64.
const fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'a'..=b'z' => digit.wrapping_sub(b'a'),
        b'A'..=b'Z' => digit.wrapping_sub(b'A').wrapping_add(26),
        b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// EMSA-PSS-VERIFY of RFC 8017, section 9.1.2, for a key of `bits` bits.
fn pss_fits(number: &BigUint, bits: u64, digest: &[u8]) -> Option<bool> {
    let encoded_bits = usize::try_from(bits.checked_sub(1)?).ok()?;
    let length = encoded_bits.div_ceil(8);
    let bytes = number.to_bytes_be();
    let mut encoded = vec![0; length.checked_sub(bytes.len())?];
    encoded.extend_from_slice(&bytes);
    let (trailer, encoded) = encoded.split_last()?;
    let (masked, hash) = encoded.split_at_checked(encoded.len().checked_sub(HASH)?)?;
    let mut data: Vec<u8> =
        masked.iter().zip(mask(hash, masked.len())).map(|(byte, mask)| byte ^ mask).collect();
    let unused_bits = u32::try_from(length.checked_mul(8)?.checked_sub(encoded_bits)?).ok()?;
    let leading = 0xff_u8.checked_shr(unused_bits)?;
    if masked.first()? & !leading != 0 {
        return Some(false);
    }
    *data.first_mut()? &= leading;
    let (padding, salt) = data.split_at_checked(data.len().checked_sub(SALT)?)?;
    let (one, zeros) = padding.split_last()?;
    let mut hasher = Sha256::new();
    hasher.update([0; 8]);
    hasher.update(digest);
    hasher.update(salt);
    let expected = hasher.finalize();
    Some(*trailer == 0xbc && *one == 1 && zeros.iter().all(|byte| *byte == 0) && expected.as_slice() == hash)
}

/// MGF1 of RFC 8017 with SHA-256.
fn mask(seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(length);
    for counter in 0_u32.. {
        if mask.len() >= length {
            break;
        }
        let mut hasher = Sha256::new();
        hasher.update(seed);
        hasher.update(counter.to_be_bytes());
        mask.extend_from_slice(&hasher.finalize());
    }
    mask.truncate(length);
    mask
}
