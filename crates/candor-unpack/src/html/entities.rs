//! The entities that the normalised copies of HTML resolve: those that ClamAV resolves, found by asking it
//! for every name of HTML 5, and with the characters that it gives for them.

/// The character of an entity, by its exact name.
pub(super) fn character(name: &[u8]) -> Option<u16> {
    if name.len() > LONGEST {
        return None;
    }
    ENTITIES.get(KEYS.binary_search(&key(name)).ok()?).map(|&(_, character)| character)
}

/// A name as a number: these are in the order of the names.
const fn key(name: &[u8]) -> u64 {
    let (mut key, mut rest, mut left) = (0_u64, name, LONGEST);
    while let Some(next) = left.checked_sub(1) {
        left = next;
        key = match rest {
            [first, behind @ ..] => {
                rest = behind;
                key << 8 | *first as u64
            }
            [] => key << 8,
        };
    }
    key
}

/// The names of [`ENTITIES`].
static KEYS: [u64; 662] = {
    let mut keys = [0; 662];
    let mut index = 0;
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where it is an error")]
    while index < keys.len() {
        keys[index] = key(ENTITIES[index].0.as_bytes());
        index += 1;
    }
    keys
};

/// The longest name.
pub(super) const LONGEST: usize = 8;

#[rustfmt::skip]
const ENTITIES: [(&str, u16); 662] = [
    ("AElig", 0xc6), ("Aacute", 0xc1), ("Acirc", 0xc2), ("Acy", 0x410), ("Agrave", 0xc0), ("Alpha", 0x391),
    ("Aring", 0xc5), ("Atilde", 0xc3), ("Auml", 0xc4), ("Barwed", 0x2306), ("Bcy", 0x411), ("Beta", 0x392),
    ("CHcy", 0x427), ("Cap", 0x22d2), ("Ccedil", 0xc7), ("Chi", 0x3a7), ("Cup", 0x22d3), ("DJcy", 0x402),
    ("DScy", 0x405), ("DZcy", 0x40f), ("Dagger", 0x2021), ("Dcy", 0x414), ("Delta", 0x394), ("Dot", 0xa8),
    ("DotDot", 0x20dc), ("ETH", 0xd0), ("Eacute", 0xc9), ("Ecirc", 0xca), ("Ecy", 0x42d), ("Egrave", 0xc8),
    ("Epsilon", 0x395), ("Eta", 0x397), ("Euml", 0xcb), ("Fcy", 0x424), ("GJcy", 0x403), ("Gamma", 0x393),
    ("Gcy", 0x413), ("Gg", 0x22d9), ("Gt", 0x226b), ("HARDcy", 0x42a), ("IEcy", 0x415), ("IOcy", 0x401),
    ("Iacute", 0xcd), ("Icirc", 0xce), ("Icy", 0x418), ("Igrave", 0xcc), ("Iota", 0x399), ("Iukcy", 0x406),
    ("Iuml", 0xcf), ("Jcy", 0x419), ("Jsercy", 0x408), ("Jukcy", 0x404), ("KHcy", 0x425), ("KJcy", 0x40c),
    ("Kappa", 0x39a), ("Kcy", 0x41a), ("LJcy", 0x409), ("Lambda", 0x39b), ("Lcy", 0x41b), ("Ll", 0x22d8),
    ("Lt", 0x226a), ("Mcy", 0x41c), ("Mu", 0x39c), ("NJcy", 0x40a), ("Ncy", 0x41d), ("Ntilde", 0xd1),
    ("Nu", 0x39d), ("OElig", 0x152), ("Oacute", 0xd3), ("Ocirc", 0xd4), ("Ocy", 0x41e), ("Ograve", 0xd2),
    ("Omega", 0x3a9), ("Omicron", 0x39f), ("Oslash", 0xd8), ("Otilde", 0xd5), ("Ouml", 0xd6),
    ("Pcy", 0x41f), ("Phi", 0x3a6), ("Pi", 0x3a0), ("Prime", 0x2033), ("Psi", 0x3a8), ("Rcy", 0x420),
    ("Rho", 0x3a1), ("SHCHcy", 0x429), ("SHcy", 0x428), ("SOFTcy", 0x42c), ("Scaron", 0x160),
    ("Scy", 0x421), ("Sigma", 0x3a3), ("Sub", 0x22d0), ("Sup", 0x22d1), ("THORN", 0xde), ("TSHcy", 0x40b),
    ("TScy", 0x426), ("Tau", 0x3a4), ("Tcy", 0x422), ("Theta", 0x398), ("Uacute", 0xda), ("Ubrcy", 0x40e),
    ("Ucirc", 0xdb), ("Ucy", 0x423), ("Ugrave", 0xd9), ("Upsi", 0x3d2), ("Upsilon", 0x3a5), ("Uuml", 0xdc),
    ("Vcy", 0x412), ("Vdash", 0x22a9), ("Verbar", 0x2016), ("Vvdash", 0x22aa), ("Xi", 0x39e),
    ("YAcy", 0x42f), ("YIcy", 0x407), ("YUcy", 0x42e), ("Yacute", 0xdd), ("Ycy", 0x42b), ("Yuml", 0x178),
    ("ZHcy", 0x416), ("Zcy", 0x417), ("Zeta", 0x396), ("aacute", 0xe1), ("acirc", 0xe2), ("acute", 0xb4),
    ("acy", 0x430), ("aelig", 0xe6), ("agrave", 0xe0), ("alefsym", 0x2135), ("aleph", 0x2135),
    ("alpha", 0x3b1), ("amalg", 0x2a3f), ("amp", 0x26), ("and", 0x2227), ("ang", 0x2220),
    ("angmsd", 0x2221), ("angsph", 0x2222), ("angst", 0x212b), ("ap", 0x2248), ("ape", 0x224a),
    ("apos", 0x27), ("aring", 0xe5), ("ast", 0x2a), ("asymp", 0x2248), ("atilde", 0xe3), ("auml", 0xe4),
    ("barwed", 0x2305), ("bcong", 0x224c), ("bcy", 0x431), ("bdquo", 0x201e), ("becaus", 0x2235),
    ("bepsi", 0x3f6), ("bernou", 0x212c), ("beta", 0x3b2), ("beth", 0x2136), ("blank", 0x2423),
    ("blk12", 0x2592), ("blk14", 0x2591), ("blk34", 0x2593), ("block", 0x2588), ("bottom", 0x22a5),
    ("bowtie", 0x22c8), ("boxDL", 0x2557), ("boxDR", 0x2554), ("boxDl", 0x2556), ("boxDr", 0x2553),
    ("boxH", 0x2550), ("boxHD", 0x2566), ("boxHU", 0x2569), ("boxHd", 0x2564), ("boxHu", 0x2567),
    ("boxUL", 0x255d), ("boxUR", 0x255a), ("boxUl", 0x255c), ("boxUr", 0x2559), ("boxV", 0x2551),
    ("boxVH", 0x256c), ("boxVL", 0x2563), ("boxVR", 0x2560), ("boxVh", 0x256b), ("boxVl", 0x2562),
    ("boxVr", 0x255f), ("boxdL", 0x2555), ("boxdR", 0x2552), ("boxdl", 0x2510), ("boxdr", 0x250c),
    ("boxh", 0x2500), ("boxhD", 0x2565), ("boxhU", 0x2568), ("boxhd", 0x252c), ("boxhu", 0x2534),
    ("boxuL", 0x255b), ("boxuR", 0x2558), ("boxul", 0x2518), ("boxur", 0x2514), ("boxv", 0x2502),
    ("boxvH", 0x256a), ("boxvL", 0x2561), ("boxvR", 0x255e), ("boxvh", 0x253c), ("boxvl", 0x2524),
    ("boxvr", 0x251c), ("bprime", 0x2035), ("breve", 0x2d8), ("brvbar", 0xa6), ("bsim", 0x223d),
    ("bsime", 0x22cd), ("bsol", 0x5c), ("bull", 0x2022), ("bump", 0x224e), ("bumpe", 0x224f),
    ("cap", 0x2229), ("caret", 0x2041), ("caron", 0x2c7), ("ccedil", 0xe7), ("cedil", 0xb8), ("cent", 0xa2),
    ("chcy", 0x447), ("check", 0x2713), ("chi", 0x3c7), ("cir", 0x25cb), ("circ", 0x2c6), ("cire", 0x2257),
    ("clubs", 0x2663), ("colon", 0x3a), ("colone", 0x2254), ("comma", 0x2c), ("commat", 0x40),
    ("comp", 0x2201), ("compfn", 0x2218), ("cong", 0x2245), ("conint", 0x222e), ("coprod", 0x2210),
    ("copy", 0xa9), ("copysr", 0x2117), ("crarr", 0x21b5), ("cross", 0x2717), ("cuepr", 0x22de),
    ("cuesc", 0x22df), ("cup", 0x222a), ("curren", 0xa4), ("cuvee", 0x22ce), ("cuwed", 0x22cf),
    ("dArr", 0x21d3), ("dagger", 0x2020), ("daleth", 0x2138), ("darr", 0x2193), ("dash", 0x2010),
    ("dashv", 0x22a3), ("dblac", 0x2dd), ("dcy", 0x434), ("deg", 0xb0), ("delta", 0x3b4), ("diam", 0x22c4),
    ("diams", 0x2666), ("die", 0xa8), ("divide", 0xf7), ("divonx", 0x22c7), ("djcy", 0x452),
    ("dlcorn", 0x231e), ("dlcrop", 0x230d), ("dollar", 0x24), ("dot", 0x2d9), ("drcorn", 0x231f),
    ("drcrop", 0x230c), ("dscy", 0x455), ("dtri", 0x25bf), ("dtrif", 0x25be), ("dzcy", 0x45f),
    ("eDot", 0x2251), ("eacute", 0xe9), ("ecir", 0x2256), ("ecirc", 0xea), ("ecolon", 0x2255),
    ("ecy", 0x44d), ("efDot", 0x2252), ("egrave", 0xe8), ("egs", 0x2a96), ("ell", 0x2113), ("els", 0x2a95),
    ("empty", 0x2205), ("emsp", 0x2003), ("emsp13", 0x2004), ("emsp14", 0x2005), ("ensp", 0x2002),
    ("epsi", 0x3f5), ("epsilon", 0x3b5), ("epsiv", 0x3b5), ("equals", 0x3d), ("equiv", 0x2261),
    ("erDot", 0x2253), ("esdot", 0x2250), ("eta", 0x3b7), ("eth", 0xf0), ("euml", 0xeb), ("euro", 0x20ac),
    ("excl", 0x21), ("exist", 0x2203), ("fcy", 0x444), ("female", 0x2640), ("ffilig", 0xfb03),
    ("fflig", 0xfb00), ("ffllig", 0xfb04), ("filig", 0xfb01), ("flat", 0x266d), ("fllig", 0xfb02),
    ("fnof", 0x192), ("forall", 0x2200), ("fork", 0x22d4), ("frac12", 0xbd), ("frac13", 0x2153),
    ("frac14", 0xbc), ("frac15", 0x2155), ("frac16", 0x2159), ("frac18", 0x215b), ("frac23", 0x2154),
    ("frac25", 0x2156), ("frac34", 0xbe), ("frac35", 0x2157), ("frac38", 0x215c), ("frac45", 0x2158),
    ("frac56", 0x215a), ("frac58", 0x215d), ("frac78", 0x215e), ("frasl", 0x2044), ("frown", 0x2322),
    ("gE", 0x2267), ("gEl", 0x2a8c), ("gamma", 0x3b3), ("gammad", 0x3dd), ("gap", 0x2a86), ("gcy", 0x433),
    ("ge", 0x2265), ("gel", 0x22db), ("ges", 0x2a7e), ("gimel", 0x2137), ("gjcy", 0x453), ("gl", 0x2277),
    ("grave", 0x60), ("gsim", 0x2273), ("gt", 0x3e), ("hArr", 0x21d4), ("hairsp", 0x200a), ("half", 0xbd),
    ("hamilt", 0x210b), ("hardcy", 0x44a), ("harr", 0x2194), ("hearts", 0x2665), ("hellip", 0x2026),
    ("horbar", 0x2015), ("hybull", 0x2043), ("hyphen", 0x2010), ("iacute", 0xed), ("icirc", 0xee),
    ("icy", 0x438), ("iecy", 0x435), ("iexcl", 0xa1), ("iff", 0x21d4), ("igrave", 0xec), ("image", 0x2111),
    ("incare", 0x2105), ("infin", 0x221e), ("inodot", 0x131), ("int", 0x222b), ("intcal", 0x22ba),
    ("iocy", 0x451), ("iota", 0x3b9), ("iquest", 0xbf), ("isin", 0x2208), ("iukcy", 0x456), ("iuml", 0xef),
    ("jcy", 0x439), ("jsercy", 0x458), ("jukcy", 0x454), ("kappa", 0x3ba), ("kappav", 0x3f0),
    ("kcy", 0x43a), ("khcy", 0x445), ("kjcy", 0x45c), ("lArr", 0x21d0), ("lE", 0x2266), ("lEg", 0x2a8b),
    ("lagran", 0x2112), ("lambda", 0x3bb), ("lang", 0x2329), ("lap", 0x2a85), ("laquo", 0xab),
    ("larr", 0x2190), ("lceil", 0x2308), ("lcub", 0x7b), ("lcy", 0x43b), ("ldquo", 0x201c),
    ("ldquor", 0x201e), ("le", 0x2264), ("leg", 0x22da), ("les", 0x2a7d), ("lfloor", 0x230a),
    ("lg", 0x2276), ("lhblk", 0x2584), ("ljcy", 0x459), ("lowast", 0x2217), ("lowbar", 0x5f),
    ("loz", 0x25ca), ("lozf", 0x29eb), ("lpar", 0x28), ("lrm", 0x200e), ("lsaquo", 0x2039),
    ("lsim", 0x2272), ("lsqb", 0x5b), ("lsquo", 0x2018), ("lsquor", 0x201a), ("lt", 0x3c),
    ("lthree", 0x22cb), ("ltimes", 0x22c9), ("ltri", 0x25c3), ("ltrie", 0x22b4), ("ltrif", 0x25c2),
    ("macr", 0xaf), ("male", 0x2642), ("malt", 0x2720), ("marker", 0x25ae), ("mcy", 0x43c),
    ("mdash", 0x2014), ("micro", 0xb5), ("mid", 0x2223), ("middot", 0xb7), ("minus", 0x2212),
    ("minusb", 0x229f), ("mldr", 0x2026), ("mnplus", 0x2213), ("models", 0x22a7), ("mu", 0x3bc),
    ("nabla", 0x2207), ("natur", 0x266e), ("nbsp", 0xa0), ("ncy", 0x43d), ("ndash", 0x2013), ("ne", 0x2260),
    ("nexist", 0x2204), ("ni", 0x220b), ("njcy", 0x45a), ("nldr", 0x2025), ("not", 0xac), ("notin", 0x2209),
    ("nsub", 0x2284), ("ntilde", 0xf1), ("nu", 0x3bd), ("num", 0x23), ("numero", 0x2116), ("numsp", 0x2007),
    ("oS", 0x24c8), ("oacute", 0xf3), ("oast", 0x229b), ("ocir", 0x229a), ("ocirc", 0xf4), ("ocy", 0x43e),
    ("odash", 0x229d), ("odot", 0x2299), ("oelig", 0x153), ("ogon", 0x2db), ("ograve", 0xf2),
    ("ohm", 0x2126), ("oline", 0x203e), ("omega", 0x3c9), ("omicron", 0x3bf), ("ominus", 0x2296),
    ("oplus", 0x2295), ("or", 0x2228), ("order", 0x2134), ("ordf", 0xaa), ("ordm", 0xba), ("oslash", 0xf8),
    ("osol", 0x2298), ("otilde", 0xf5), ("otimes", 0x2297), ("ouml", 0xf6), ("par", 0x2225), ("para", 0xb6),
    ("part", 0x2202), ("pcy", 0x43f), ("percnt", 0x25), ("period", 0x2e), ("permil", 0x2030),
    ("perp", 0x22a5), ("phi", 0x3c6), ("phiv", 0x3c6), ("phmmat", 0x2133), ("phone", 0x260e), ("pi", 0x3c0),
    ("piv", 0x3d6), ("planck", 0x210f), ("plus", 0x2b), ("plusb", 0x229e), ("plusdo", 0x2214),
    ("plusmn", 0xb1), ("pound", 0xa3), ("pr", 0x227a), ("prap", 0x2ab7), ("pre", 0x2aaf), ("prime", 0x2032),
    ("prod", 0x220f), ("prop", 0x221d), ("prsim", 0x227e), ("psi", 0x3c8), ("puncsp", 0x2008),
    ("quest", 0x3f), ("quot", 0x22), ("rArr", 0x21d2), ("radic", 0x221a), ("rang", 0x232a), ("raquo", 0xbb),
    ("rarr", 0x2192), ("rceil", 0x2309), ("rcub", 0x7d), ("rcy", 0x440), ("rdquo", 0x201d),
    ("rdquor", 0x201d), ("real", 0x211c), ("rect", 0x25ad), ("reg", 0xae), ("rfloor", 0x230b),
    ("rho", 0x3c1), ("rhov", 0x3f1), ("ring", 0x2da), ("rlm", 0x200f), ("rpar", 0x29), ("rpargt", 0x2994),
    ("rsaquo", 0x203a), ("rsqb", 0x5d), ("rsquo", 0x2019), ("rsquor", 0x2019), ("rthree", 0x22cc),
    ("rtimes", 0x22ca), ("rtri", 0x25b9), ("rtrie", 0x22b5), ("rtrif", 0x25b8), ("rx", 0x211e),
    ("sbquo", 0x201a), ("sc", 0x227b), ("scap", 0x2ab8), ("scaron", 0x161), ("sccue", 0x227d),
    ("sce", 0x2ab0), ("scsim", 0x227f), ("scy", 0x441), ("sdot", 0x22c5), ("sdotb", 0x22a1), ("sect", 0xa7),
    ("semi", 0x3b), ("setmn", 0x2216), ("sext", 0x2736), ("sfrown", 0x2322), ("sharp", 0x266f),
    ("shchcy", 0x449), ("shcy", 0x448), ("shy", 0xad), ("sigma", 0x3c3), ("sigmaf", 0x3c2),
    ("sigmav", 0x3c2), ("sim", 0x223c), ("sime", 0x2243), ("smid", 0x2223), ("smile", 0x2323),
    ("softcy", 0x44c), ("sol", 0x2f), ("spades", 0x2660), ("spar", 0x2225), ("sqcap", 0x2293),
    ("sqcup", 0x2294), ("sqsub", 0x228f), ("sqsube", 0x2291), ("sqsup", 0x2290), ("sqsupe", 0x2292),
    ("squ", 0x25a1), ("square", 0x25a1), ("squf", 0x25aa), ("ssetmn", 0x2216), ("ssmile", 0x2323),
    ("sstarf", 0x22c6), ("star", 0x2606), ("starf", 0x2605), ("sub", 0x2282), ("subE", 0x2ac5),
    ("sube", 0x2286), ("sum", 0x2211), ("sung", 0x266a), ("sup", 0x2283), ("sup1", 0xb9), ("sup2", 0xb2),
    ("sup3", 0xb3), ("supE", 0x2ac6), ("supe", 0x2287), ("szlig", 0xdf), ("target", 0x2316), ("tau", 0x3c4),
    ("tcy", 0x442), ("tdot", 0x20db), ("telrec", 0x2315), ("there4", 0x2234), ("theta", 0x3b8),
    ("thetasym", 0x3d1), ("thetav", 0x3d1), ("thinsp", 0x2009), ("thkap", 0x2248), ("thksim", 0x223c),
    ("thorn", 0xfe), ("tilde", 0x2dc), ("times", 0xd7), ("timesb", 0x22a0), ("top", 0x22a4),
    ("tprime", 0x2034), ("trade", 0x2122), ("trie", 0x225c), ("tscy", 0x446), ("tshcy", 0x45b),
    ("twixt", 0x226c), ("uArr", 0x21d1), ("uacute", 0xfa), ("uarr", 0x2191), ("ubrcy", 0x45e),
    ("ucirc", 0xfb), ("ucy", 0x443), ("ugrave", 0xf9), ("uhblk", 0x2580), ("ulcorn", 0x231c),
    ("ulcrop", 0x230f), ("uml", 0xa8), ("uplus", 0x228e), ("upsi", 0x3c5), ("upsih", 0x3d2),
    ("upsilon", 0x3c5), ("urcorn", 0x231d), ("urcrop", 0x230e), ("utri", 0x25b5), ("utrif", 0x25b4),
    ("uuml", 0xfc), ("vDash", 0x22a8), ("vcy", 0x432), ("vdash", 0x22a2), ("veebar", 0x22bb),
    ("vellip", 0x22ee), ("verbar", 0x7c), ("vltri", 0x22b2), ("vprop", 0x221d), ("vrtri", 0x22b3),
    ("wedgeq", 0x2259), ("weierp", 0x2118), ("wreath", 0x2240), ("xcirc", 0x25ef), ("xdtri", 0x25bd),
    ("xi", 0x3be), ("xutri", 0x25b3), ("yacute", 0xfd), ("yacy", 0x44f), ("ycy", 0x44b), ("yen", 0xa5),
    ("yicy", 0x457), ("yucy", 0x44e), ("yuml", 0xff), ("zcy", 0x437), ("zeta", 0x3b6), ("zhcy", 0x436),
    ("zwj", 0x200d), ("zwnj", 0x200c),
];
