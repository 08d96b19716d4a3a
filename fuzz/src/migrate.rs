//! Any bytes can be read as settings of another product; what is said of them can be taken, and every setting becomes
//! something or says why not.

use std::sync::OnceLock;

use candor_policy::matching::Matcher;
use candor_policy::migrate::proposal::propose;
use candor_policy::migrate::record::{self, Record};
use candor_policy::policy::Policy;

pub(crate) fn settings(bytes: &[u8]) {
    static MATCHER: OnceLock<Matcher> = OnceLock::new();
    let matcher = MATCHER.get_or_init(|| Matcher::new(&Policy::built_in().expect("the built-in policy")));
    let mut settings = Vec::new();
    let last = record::settings(bytes, None, &[], &mut |said| match Record::decode(said) {
        Some(Record::Setting(setting)) => settings.push(setting),
        _ => panic!("a record that cannot be taken"),
    });
    let Some(Record::Outcome(outcome)) = Record::decode(&last) else { panic!("no last word") };
    assert_eq!(outcome.settings, settings.len() as u64);
    let Some(format) = outcome.format else { return };
    for setting in settings.into_iter().take(200) {
        let proposal = propose("file", format, setting, &[(r"C:\".to_owned(), "/c".to_owned())], matcher);
        assert_ne!(proposal.becomes.is_some(), proposal.nothing.is_some());
    }
    let mut noted = 0;
    let last = record::quarantine(bytes, None, &[], &mut |said| match Record::decode(said) {
        Some(Record::Noted(_)) => noted += 1,
        _ => panic!("a record that cannot be taken"),
    });
    assert!(matches!(Record::decode(&last), Some(Record::Outcome(outcome)) if outcome.settings == noted));
}

/// A piece of every format.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    use candor_fixtures::registry::{Key, hive};
    let key =
        Key::new("ROOT").at(r"Microsoft\Windows Defender\Exclusions", Key::new("Paths").number(r"C:\a", 0));
    vec![
        b"SizeLimit=1\n[ExcludedFromScanScope.item_0000]\nUseScanArea=Yes\nPath=/tmp\nAreaMask.item_0000=*.sh\n".to_vec(),
        br#"{"SizeLimit":1,"ScanScope":[{"Path":"/srv","AreaMask":["*"]}]}"#.to_vec(),
        br#"<ESET><ITEM NAME="ScannerExcludes"><NODE NAME="FullPath" VALUE="C:\a\*.*"/></ITEM></ESET>"#.to_vec(),
        b"<a><ObjectMask>C:\\a\\*.bak</ObjectMask><Trusted><Path>a.exe</Path></Trusted></a>".to_vec(),
        b"LocalSocket /run/a\nExcludePath ^/a\n".to_vec(),
        hive(&key),
    ]
}
