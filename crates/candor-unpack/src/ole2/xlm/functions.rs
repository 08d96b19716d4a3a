//! The names of functions and commands by their numbers: MS-XLS 2.5.198.17 (`Ftab`) and 2.5.198.4 (`Cetab`).

/// Functions from number 0 on, `-` where there is none. A number behind a name says how many arguments it
/// has where a formula does not say so itself.
const FUNCTIONS: &str = "COUNT IF ISNA/1 ISERROR/1 SUM AVERAGE MIN MAX ROW COLUMN NA/0 NPV STDEV DOLLAR FIXED \
SIN/1 COS/1 TAN/1 ATAN/1 PI/0 SQRT/1 EXP/1 LN/1 LOG10/1 ABS/1 INT/1 SIGN/1 ROUND/2 LOOKUP INDEX REPT/2 MID/3 \
LEN/1 VALUE/1 TRUE/0 FALSE/0 AND OR NOT/1 MOD/2 DCOUNT/3 DSUM/3 DAVERAGE/3 DMIN/3 DMAX/3 DSTDEV/3 VAR DVAR/3 \
TEXT/2 LINEST TREND LOGEST GROWTH GOTO/1 HALT RETURN PV FV NPER PMT RATE MIRR/3 IRR RAND/0 MATCH DATE/3 TIME/3 \
DAY/1 MONTH/1 YEAR/1 WEEKDAY HOUR/1 MINUTE/1 SECOND/1 NOW/0 AREAS/1 ROWS/1 COLUMNS/1 OFFSET ABSREF/2 RELREF/2 \
ARGUMENT SEARCH TRANSPOSE/1 ERROR STEP/0 TYPE/1 ECHO SET.NAME CALLER/0 DEREF/1 WINDOWS SERIES DOCUMENTS \
ACTIVE.CELL/0 SELECTION/0 RESULT ATAN2/2 ASIN/1 ACOS/1 CHOOSE HLOOKUP VLOOKUP LINKS INPUT ISREF/1 GET.FORMULA/1 \
GET.NAME SET.VALUE/2 LOG EXEC CHAR/1 LOWER/1 UPPER/1 PROPER/1 LEFT RIGHT EXACT/2 TRIM/1 REPLACE/4 SUBSTITUTE \
CODE/1 NAMES DIRECTORY FIND CELL ISERR/1 ISTEXT/1 ISNUMBER/1 ISBLANK/1 T/1 N/1 FOPEN FCLOSE/1 FSIZE/1 FREADLN/1 \
FREAD/2 FWRITELN/2 FWRITE/2 FPOS DATEVALUE/1 TIMEVALUE/1 SLN/3 SYD/4 DDB GET.DEF REFTEXT TEXTREF INDIRECT \
REGISTER CALL ADD.BAR ADD.MENU ADD.COMMAND ENABLE.COMMAND CHECK.COMMAND RENAME.COMMAND SHOW.BAR DELETE.MENU \
DELETE.COMMAND GET.CHART.ITEM DIALOG.BOX/1 CLEAN/1 MDETERM/1 MINVERSE/1 MMULT/2 FILES IPMT PPMT COUNTA \
CANCEL.KEY FOR WHILE/1 BREAK/0 NEXT/0 INITIATE/2 REQUEST/2 POKE/3 EXECUTE/2 TERMINATE/1 RESTART HELP GET.BAR \
PRODUCT FACT/1 GET.CELL GET.WORKSPACE/1 GET.WINDOW GET.DOCUMENT DPRODUCT/3 ISNONTEXT/1 GET.NOTE NOTE STDEVP \
VARP DSTDEVP/3 DVARP/3 TRUNC ISLOGICAL/1 DCOUNTA/3 DELETE.BAR/1 UNREGISTER/1 - - USDOLLAR FINDB SEARCHB \
REPLACEB/4 LEFTB RIGHTB MIDB/3 LENB/1 ROUNDUP/2 ROUNDDOWN/2 ASC/1 DBCS/1 RANK - - ADDRESS DAYS360 TODAY/0 VDB \
ELSE/0 ELSE.IF/1 END.IF/0 FOR.CELL MEDIAN SUMPRODUCT SINH/1 COSH/1 TANH/1 ASINH/1 ACOSH/1 ATANH/1 DGET/3 \
CREATE.OBJECT VOLATILE LAST.ERROR/0 CUSTOM.UNDO CUSTOM.REPEAT FORMULA.CONVERT GET.LINK.INFO TEXT.BOX INFO/1 \
GROUP/0 GET.OBJECT DB PAUSE - - RESUME FREQUENCY/2 ADD.TOOLBAR DELETE.TOOLBAR/1 - RESET.TOOLBAR/1 EVALUATE/1 \
GET.TOOLBAR GET.TOOL SPELLING.CHECK ERROR.TYPE/1 APP.TITLE WINDOW.TITLE SAVE.TOOLBAR ENABLE.TOOL/3 PRESS.TOOL/3 \
REGISTER.ID GET.WORKBOOK AVEDEV BETADIST GAMMALN/1 BETAINV BINOMDIST/4 CHIDIST/2 CHIINV/2 COMBIN/2 CONFIDENCE/3 \
CRITBINOM/3 EVEN/1 EXPONDIST/3 FDIST/3 FINV/3 FISHER/1 FISHERINV/1 FLOOR/2 GAMMADIST/4 GAMMAINV/3 CEILING/2 \
HYPGEOMDIST/4 LOGNORMDIST/3 LOGINV/3 NEGBINOMDIST/3 NORMDIST/4 NORMSDIST/1 NORMINV/3 NORMSINV/1 STANDARDIZE/3 \
ODD/1 PERMUT/2 POISSON/3 TDIST/3 WEIBULL/4 SUMXMY2/2 SUMX2MY2/2 SUMX2PY2/2 CHITEST/2 CORREL/2 COVAR/2 \
FORECAST/3 FTEST/2 INTERCEPT/2 PEARSON/2 RSQ/2 STEYX/2 SLOPE/2 TTEST/4 PROB DEVSQ GEOMEAN HARMEAN SUMSQ KURT \
SKEW ZTEST LARGE/2 SMALL/2 QUARTILE/2 PERCENTILE/2 PERCENTRANK MODE TRIMMEAN/2 TINV/2 - MOVIE.COMMAND GET.MOVIE \
CONCATENATE POWER/2 PIVOT.ADD.DATA GET.PIVOT.TABLE GET.PIVOT.FIELD GET.PIVOT.ITEM RADIANS/1 DEGREES/1 SUBTOTAL \
SUMIF COUNTIF/2 COUNTBLANK/1 SCENARIO.GET OPTIONS.LISTS.GET/1 ISPMT/4 DATEDIF/3 DATESTRING/1 NUMBERSTRING/2 \
ROMAN OPEN.DIALOG SAVE.DIALOG VIEW.GET GETPIVOTDATA HYPERLINK PHONETIC/1 AVERAGEA MAXA MINA STDEVPA VARPA \
STDEVA VARA BAHTTEXT/1 THAIDAYOFWEEK/1 THAIDIGIT/1 THAIMONTHOFYEAR/1 THAINUMSOUND/1 THAINUMSTRING/1 \
THAISTRINGLENGTH/1 ISTHAIDIGIT/1 ROUNDBAHTDOWN/1 ROUNDBAHTUP/1 THAIYEAR/1 RTD";

/// The commands that macros of attackers give, and some around them.
const COMMANDS: &[(u16, &str)] = &[
    (0x00, "BEEP"),
    (0x01, "OPEN"),
    (0x02, "OPEN.LINKS"),
    (0x03, "CLOSE.ALL"),
    (0x04, "SAVE"),
    (0x05, "SAVE.AS"),
    (0x06, "FILE.DELETE"),
    (0x0a, "QUIT"),
    (0x0b, "NEW.WINDOW"),
    (0x0d, "WINDOW.SIZE"),
    (0x0e, "WINDOW.MOVE"),
    (0x10, "CLOSE"),
    (0x11, "RUN"),
    (0x1c, "PROTECT.DOCUMENT"),
    (0x1f, "CALCULATE.NOW"),
    (0x20, "CALCULATION"),
    (0x2f, "COLUMN.WIDTH"),
    (0x31, "CUT"),
    (0x32, "COPY"),
    (0x33, "PASTE"),
    (0x34, "CLEAR"),
    (0x36, "EDIT.DELETE"),
    (0x37, "INSERT"),
    (0x3d, "DEFINE.NAME"),
    (0x3f, "FORMULA.GOTO"),
    (0x40, "FORMULA.FIND"),
    (0x5d, "HIDE"),
    (0x5e, "UNHIDE"),
    (0x5f, "WORKSPACE"),
    (0x60, "FORMULA"),
    (0x61, "FORMULA.FILL"),
    (0x62, "FORMULA.ARRAY"),
    (0x67, "ACTIVATE"),
    (0x6d, "SELECT"),
    (0x6e, "DELETE.NAME"),
    (0x76, "ALERT"),
    (0x77, "NEW"),
    (0x7a, "MESSAGE"),
    (0x7d, "APP.ACTIVATE"),
    (0x7f, "ROW.HEIGHT"),
    (0x82, "FORMULA.REPLACE"),
    (0x83, "SEND.KEYS"),
    (0x148, "VBA.INSERT.FILE"),
    (0x153, "MAIL.LOGON"),
    (0x162, "WORKBOOK.INSERT"),
    (0x179, "MAIL.FORWARD"),
    (0x17f, "WORKBOOK.HIDE"),
    (0x180, "WORKBOOK.UNHIDE"),
    (0x181, "WORKBOOK.DELETE"),
    (0x182, "WORKBOOK.NAME"),
    (0x190, "RENAME.OBJECT"),
    (0x1a1, "WORKBOOK.PROTECT"),
];

/// The names of functions, in the order of their numbers, with the count of their arguments.
pub(super) struct Functions(Vec<(&'static str, Option<usize>)>);

impl Functions {
    pub(super) fn new() -> Self {
        let parsed = |word: &'static str| match word.split_once('/') {
            Some((name, count)) => (name, count.parse().ok()),
            None => (word, None),
        };
        Self(FUNCTIONS.split_ascii_whitespace().map(parsed).collect())
    }

    /// Name and, where it is always the same, count of arguments.
    pub(super) fn function(&self, number: u16) -> Option<(&'static str, Option<usize>)> {
        self.0.get(usize::from(number)).copied().filter(|(name, _)| *name != "-")
    }
}

/// The name of a command.
pub(super) fn command(number: u16) -> Option<&'static str> {
    let index = COMMANDS.binary_search_by_key(&number, |&(number, _)| number).ok()?;
    COMMANDS.get(index).map(|&(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_their_numbers() {
        let functions = Functions::new();
        let expected = [
            (0x36, ("HALT", None)),
            (0x6e, ("EXEC", None)),
            (0x6f, ("CHAR", Some(1))),
            (0x95, ("REGISTER", None)),
            (0x96, ("CALL", None)),
            (0xba, ("GET.WORKSPACE", Some(1))),
            (0xe0, ("ELSE.IF", Some(1))),
            (0x101, ("EVALUATE", Some(1))),
            (0x10b, ("REGISTER.ID", None)),
            (0x150, ("CONCATENATE", None)),
            (0x17b, ("RTD", None)),
        ];
        for (number, entry) in expected {
            assert_eq!(functions.function(number), Some(entry), "{number:#x}");
        }
        for number in [0xca, 0xda, 0xfa, 0xff, 0x14d, 0x17c] {
            assert_eq!(functions.function(number), None, "{number:#x}");
        }
        assert!(COMMANDS.is_sorted_by_key(|&(number, _)| number));
        assert_eq!(command(0x60), Some("FORMULA"));
        assert_eq!(command(0x0c), None);
    }
}
