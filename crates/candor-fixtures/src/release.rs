//! Databases as ClamAV publishes them, signed with keys that belong to tests: containers, and patches from one version
//! to the next.
//!
//! The moduli have as many digits as ClamAV's own. So a test can give a copy of ClamAV's library these keys
//! instead, and compare what freshclam does with what Candor does.

use std::fmt::Write as _;
use std::io::Write as _;

use candor_signature::clamav::{Keys, PublicKey};
use candor_update::clamav::{OldSignature, Trust};
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::Md5;
use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

/// A key that signs.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The modulus in decimal digits.
    pub modulus: &'static [u8],
    secret: &'static [u8],
    exponent: u32,
}

/// Signs the sums in headers.
pub const HEADER_KEY: Key = Key {
    modulus: b"1402263449537478357663282324560685582846698478598379505111579279287594027804529301561509139987466863\
    7558438866563407289929238642875295578370302012831537117649644933158907076484266465652007466403154865\
    2828153330362916683233658489887503858687040318035456248820171707608506719825327163023159449238463997\
    375362873",
    secret: b"1219337719412601960797845655674851589734532570022642712192863501178172160357980696663048972141761807\
    7001572712842702359707428658072223595977539410525227355722853276799613921070624768184816523519668818\
    5431803093680526709569728278741044568404707968471960965946775658921316968210721057467879760262011198\
    945500763",
    exponent: 100_001_027,
};

/// Signs lists of members.
pub const LIST_KEY: Key = Key {
    modulus: b"2500551812982711289967056777778375755720992080331866860749292304944607224128488948975862287596968552\
    7891565865388959966620145234464750589573100706665519167761878942757461636435583650103531395905726789\
    2205090789810065781535311653776557838287499916471341917152446691856914599536235821903274395631787162\
    5313313606878538762658995490126245395611941234360600756286562680947503564203349751093098634114398971\
    7855403420602228038732101983792505156628796664046993375369096450090205701826337569520338516046684917\
    8397677565895206426836938506356124770279819240728472654974955304212294336062646930609345855557630805\
    70300134524979679",
    secret: b"1932676904533571386518467893046222558508622473087311647527242177976339302052196114988231467017539356\
    5661677114648894225717491222646405141849126217196896048669803180653154635048773423135981016146849878\
    0631574811928940379612768676560179260064782558044749372323161585702387962685793814606929936779733789\
    7697141260905182096884720102178241557166577096935916917847780085983506004315597097850589462100709545\
    3304221492009255926773886112459529970559066078064543622485079859976805075651244738617491524189875266\
    9124674871141468613696444335086257689037982447195213014724962789223980570658991708921340202079186499\
    9809872548564289",
    exponent: 100_002_049,
};

/// Signs patches.
pub const PATCH_KEY: Key = Key {
    modulus: b"2112662834459278918839782585491004662117050458002360079411603467954774472394491441513586865717387996\
    8156561069909797640298969742074823631858286930197089734910746454903165387532312333536970387231304395\
    3475547020031552279124435010979646162606263285643179939617631354700359225878683339021802104492500192\
    2018324926226044763082203461696511840141126871868921714392565822836534900574644330835205861774163960\
    6127878847865828480925712736458367476118871522639655581858104489709985661311694362616530032873310684\
    2155977091495137186388328680787152260441042376775423081518235410475595164456701725229799355138695213\
    78514697659739363",
    secret: b"1383380427196280324322992054523960972427580582929143266248460308263728353759269185101011610168094192\
    5437426195257587968123225482148603940946055683802706659602066926481662871959871223863975868183003464\
    2828591622113681194131399908849886970663996963877945986629256178916598336667477790686033407690889344\
    8238953539605516985754564309520961474879324009992281474056617143316693668868803674022370723621086138\
    3652168846493090596925304559968587189582199141176610557061450439627086402653465055969030017448949630\
    3365269216307158801095048431590771185621088687359890584487826735760057845053161307794326162475209293\
    82205616655884573",
    exponent: 100_002_053,
};

/// A database of some version.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its name, such as `daily`.
    pub name: &'static str,
    /// Its number.
    pub version: u64,
    /// When it was made, in seconds since 1970.
    pub seconds: u64,
    /// Its files.
    pub members: Vec<(String, Vec<u8>)>,
}

impl Key {
    /// The part that everybody may know.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::new(self.modulus, self.exponent)
    }

    /// Signs a number, in ClamAV's digits.
    ///
    /// # Panics
    /// The key is none.
    #[must_use]
    pub fn sign(&self, number: &BigUint) -> String {
        let parse = |digits| BigUint::parse_bytes(digits, 10).expect("digits");
        let signed = number.modpow(&parse(self.secret), &parse(self.modulus));
        let digits = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
        signed.to_radix_le(64).into_iter().map(|value| char::from(digits[usize::from(value)])).collect()
    }

    /// Signs bytes by RSASSA-PSS with SHA-256 and a salt that is always the same.
    ///
    /// # Panics
    /// The key is none.
    #[must_use]
    pub fn sign_bytes(&self, bytes: &[u8]) -> String {
        let bits = BigUint::parse_bytes(self.modulus, 10).expect("digits").bits() - 1;
        let length = usize::try_from(bits.div_ceil(8)).expect("a length");
        let salt = [7_u8; 32];
        let hash = Sha256::new()
            .chain_update([0; 8])
            .chain_update(Sha256::digest(bytes))
            .chain_update(salt)
            .finalize();
        let mut data = vec![0; length - 32 - 32 - 2];
        data.push(1);
        data.extend_from_slice(&salt);
        let mut mask = Vec::new();
        for counter in 0_u32.. {
            if mask.len() >= data.len() {
                break;
            }
            mask.extend_from_slice(
                &Sha256::new().chain_update(hash).chain_update(counter.to_be_bytes()).finalize(),
            );
        }
        let mut encoded: Vec<u8> = data.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        let unused = u32::try_from(u64::try_from(length).expect("a length") * 8 - bits).expect("a few bits");
        encoded[0] &= 0xff_u8 >> unused;
        encoded.extend_from_slice(&hash);
        encoded.push(0xbc);
        self.sign(&BigUint::from_bytes_be(&encoded))
    }
}

/// The public parts of the keys that sign containers.
#[must_use]
pub fn keys() -> Keys {
    Keys { header: HEADER_KEY.public(), list: LIST_KEY.public() }
}

/// Whom a program for tests believes: these keys in place of ClamAV's.
#[must_use]
pub fn trust() -> Trust {
    Trust {
        containers: keys(),
        patches: PATCH_KEY.public(),
        certificates: Vec::new(),
        old_signature: OldSignature::Warn,
    }
}

impl Release {
    /// A database with these files.
    #[must_use]
    pub fn new(name: &'static str, version: u64, members: &[(&str, &str)]) -> Self {
        let members =
            members.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        Self { name, version, seconds: 1_700_000_000 + version, members }
    }

    fn signatures(&self) -> usize {
        self.members.iter().flat_map(|(_, bytes)| bytes).filter(|byte| **byte == b'\n').count()
    }

    fn header(&self, sum: &str, signature: &str) -> String {
        let Self { version, seconds, .. } = self;
        let signatures = self.signatures();
        format!(
            "ClamAV-VDB:14 Nov 2023 22-13 +0000:{version}:{signatures}:90:{sum}:{signature}:tests:{seconds}"
        )
    }

    /// The signed list of members.
    #[must_use]
    pub fn list(&self) -> String {
        let mut lines = self.header("X", "X") + "\n";
        for (name, bytes) in &self.members {
            let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = writeln!(lines, "{name}:{}:{sum}", bytes.len());
        }
        let signature = LIST_KEY.sign_bytes(lines.as_bytes());
        lines + "DSIG:" + &signature + "\n"
    }

    fn archive(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut add = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_size(u64::try_from(bytes.len()).expect("a length"));
            header.set_mode(0o644);
            archive.append_data(&mut header, name, bytes).expect("a tar file in memory");
        };
        add("COPYING", b"for tests\n");
        add(&format!("{}.info", self.name), self.list().as_bytes());
        for (name, bytes) in &self.members {
            add(name, bytes);
        }
        archive.into_inner().expect("a tar file in memory")
    }

    /// A `cvd`.
    ///
    /// # Panics
    /// There is no memory.
    #[must_use]
    pub fn container(&self) -> Vec<u8> {
        let body = compressed(&self.archive());
        let digest: [u8; 16] = Md5::digest(&body).into();
        let sum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = HEADER_KEY.sign(&BigUint::from_bytes_be(&digest));
        with_header(&self.header(&sum, &signature), &body)
    }

    /// A `cld`, not compressed.
    #[must_use]
    pub fn patched_container(&self) -> Vec<u8> {
        with_header(&self.header("X", "X"), &self.archive())
    }

    /// The patch that leads from `before` to this version: `commands`, and those that exchange the list of members.
    #[must_use]
    pub fn patch(&self, before: &Self, commands: &str) -> Vec<u8> {
        let mut script = String::from(commands);
        let _ = writeln!(script, "OPEN {}.info", self.name);
        for (number, line) in before.list().lines().enumerate() {
            let start: String = line.chars().take(24).collect();
            let _ = writeln!(script, "DEL {} {start}", number + 1);
        }
        for line in self.list().lines() {
            let _ = writeln!(script, "ADD {line}");
        }
        script.push_str("CLOSE\n");
        signed_patch(self.version, &script)
    }
}

/// A signed patch with this script.
#[must_use]
pub fn signed_patch(version: u64, script: &str) -> Vec<u8> {
    let body = compressed(script.as_bytes());
    let mut patch = format!("ClamAV-Diff:{version}:{}:", body.len()).into_bytes();
    patch.extend_from_slice(&body);
    let signature = PATCH_KEY.sign_bytes(&patch);
    patch.push(b':');
    patch.extend_from_slice(signature.as_bytes());
    patch
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn with_header(header: &str, body: &[u8]) -> Vec<u8> {
    let mut file = format!("{header:512}").into_bytes();
    file.extend_from_slice(body);
    file
}
