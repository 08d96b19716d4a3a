//! One spelling for names of companies: Latin letters without marks, lower-case, without legal forms.
//!
//! Cyrillic is spelled in Latin letters; the few Chinese and Japanese names that matter are data, as their
//! romanisation follows no rule that a program could apply.

/// Legal forms, and words that stand beside them. They say nothing about which company it is.
const FORMS: [&str; 62] = [
    "ab",
    "ag",
    "ao",
    "as",
    "asa",
    "bhd",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gk",
    "gmbh",
    "group",
    "holding",
    "holdings",
    "inc",
    "incorporated",
    "jsc",
    "kft",
    "kg",
    "kk",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "mbh",
    "nv",
    "oao",
    "ojsc",
    "ooo",
    "oy",
    "oyj",
    "pao",
    "pjsc",
    "plc",
    "private",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "sas",
    "sdn",
    "se",
    "shareholding",
    "sia",
    "spa",
    "spol",
    "sro",
    "srl",
    "tbk",
    "tov",
    "uab",
    "zao",
    "zrt",
    "joint",
    "stock",
    "gesellschaft",
    "the",
];

/// Names whose romanisation is a fact, not a rule; longest first where one begins another.
const ROMANISED: [(&str, &str); 34] = [
    ("卡巴斯基实验室", "kaspersky lab"),
    ("卡巴斯基", "kaspersky"),
    ("カスペルスキー", "kaspersky"),
    ("카스퍼스키", "kaspersky"),
    ("华为技术有限公司", "huawei technologies"),
    ("華為技術有限公司", "huawei technologies"),
    ("华为技术", "huawei technologies"),
    ("华为", "huawei"),
    ("華為", "huawei"),
    ("ファーウェイ", "huawei"),
    ("화웨이", "huawei"),
    ("中兴通讯股份有限公司", "zte"),
    ("中兴通讯", "zte"),
    ("中興通訊", "zte"),
    ("杭州海康威视数字技术股份有限公司", "hangzhou hikvision digital technology"),
    ("海康威视", "hikvision"),
    ("海康威視", "hikvision"),
    ("浙江大华技术股份有限公司", "zhejiang dahua technology"),
    ("大华股份", "dahua technology"),
    ("大华技术", "dahua technology"),
    ("大華", "dahua"),
    ("海能达通信股份有限公司", "hytera communications"),
    ("海能达", "hytera"),
    ("北京字节跳动科技有限公司", "beijing bytedance technology"),
    ("字节跳动", "bytedance"),
    ("字節跳動", "bytedance"),
    ("腾讯控股有限公司", "tencent"),
    ("腾讯", "tencent"),
    ("騰訊", "tencent"),
    ("奇虎360", "qihoo 360"),
    ("奇虎", "qihoo"),
    ("中芯国际", "smic"),
    ("长鑫存储", "changxin memory technologies"),
    ("长江存储", "yangtze memory technologies"),
];

/// What Chinese and Japanese names of companies end with.
const FORMS_OF_HAN: [&str; 7] =
    ["股份有限公司", "有限责任公司", "有限公司", "株式会社", "公司", "集团", "控股"];

/// The longest name that is looked at.
const LONGEST: usize = 1024;

/// Words of a name in one spelling. When all of them are legal forms they stay: a company may be called "Limited".
pub(crate) fn normal(name: &str) -> Vec<String> {
    let end =
        name.char_indices().map(|(at, _)| at).chain([name.len()]).take_while(|at| *at <= LONGEST).last();
    let mut name = name.get(..end.unwrap_or(0)).unwrap_or_default().to_owned();
    if !name.is_ascii() {
        for (written, romanised) in ROMANISED {
            if name.contains(written) {
                name = name.replace(written, &format!(" {romanised} "));
            }
        }
        for form in FORMS_OF_HAN {
            if name.contains(form) {
                name = name.replace(form, " ");
            }
        }
    }
    let mut words = vec![String::new()];
    let mut last = ' ';
    for character in name.chars().flat_map(char::to_lowercase) {
        let word = words.last_mut();
        match (latin(character, last), word) {
            // A dot, an apostrophe and a mark belong to their word: S.A., O'Neill.
            (Some(text), Some(word)) => word.push_str(text),
            (None, Some(word)) if character.is_alphanumeric() => word.push(character),
            (None, Some(word)) if !word.is_empty() => words.push(String::new()),
            (None, _) | (_, None) => {}
        }
        last = character;
    }
    words.retain(|word| !word.is_empty());
    let mut kept: Vec<String> = words
        .iter()
        .map(|word| if word == "and" { String::from("&") } else { word.clone() })
        .filter(|word| word != "&" && !FORMS.contains(&word.as_str()))
        .collect();
    if kept.is_empty() {
        kept = words;
    }
    kept
}

/// A character in Latin letters; nothing for one that is a letter already, or that ends a word.
fn latin(character: char, last: char) -> Option<&'static str> {
    let text = match character {
        '.' | '\'' | '’' | '`' | 'ʹ' | '«' | '»' | '"' | '“' | '”' | '\u{300}'..='\u{36f}' => "",
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ґ' => "g",
        'д' => "d",
        // At the beginning of a word, and after a vowel or a sign, it is spelled with a y by English writers;
        // names of companies are rarely written so, and the plain letter is nearer to all spellings.
        'е' | 'ё' | 'э' | 'є' => "e",
        'ж' => "zh",
        'з' => "z",
        'и' | 'і' | 'ї' => "i",
        // "-ский" is written -sky in most names.
        'й' if last == 'и' => "",
        'й' | 'ы' => "y",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "shch",
        'ъ' | 'ь' => "",
        'ю' => "yu",
        'я' => "ya",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ł' | 'ļ' | 'ľ' => "l",
        'ñ' | 'ń' | 'ň' | 'ņ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ő' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ţ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn one_spelling() {
        for (name, words) in [
            ("AO Kaspersky Lab", "kaspersky lab"),
            ("Kaspersky Lab, Inc.", "kaspersky lab"),
            ("KASPERSKY LAB ZAO", "kaspersky lab"),
            ("卡巴斯基", "kaspersky"),
            ("华为技术有限公司", "huawei technologies"),
            ("Huawei Technologies Co., Ltd.", "huawei technologies"),
            ("Société Générale S.A.", "societe generale"),
            ("Müller & Söhne GmbH", "mueller soehne"),
            ("АО «Лаборатория Касперского»", "laboratoriya kasperskogo"),
            ("Limited", "limited"),
            ("", ""),
        ] {
            assert_eq!(normal(name).join(" "), words, "{name}");
        }
    }
}
