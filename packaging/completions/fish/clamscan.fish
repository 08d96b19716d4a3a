complete -c clamscan -s h -l help -d 'Say what options there are' -r -f -a "yes\t''
no\t''"
complete -c clamscan -s V -l version -d 'Say the version' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l debug -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l gen-json -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -s v -l verbose -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l dumpcerts -d 'No effect: `candor unpack` tells of certificates' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l quiet -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l leave-temps -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l stdout -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -s z -l allmatch -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l normalize -d 'No effect: what signatures for text are compared with is always normalised' -r -f -a "yes\t''
no\t''"
complete -c clamscan -s d -l database -d 'As in ClamAV' -r -F
complete -c clamscan -s r -l recursive -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l gen-mdb -d 'No effect: `sigtool --mdb` makes signatures of sections' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l follow-dir-symlinks -d 'As in ClamAV' -r
complete -c clamscan -l follow-file-symlinks -d 'As in ClamAV' -r
complete -c clamscan -l bell -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-summary -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -s f -l file-list -d 'As in ClamAV' -r -F
complete -c clamscan -s i -l infected -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -s o -l suppress-ok-results -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l move -d 'As in ClamAV' -r -F
complete -c clamscan -l copy -d 'As in ClamAV' -r -F
complete -c clamscan -l remove -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l exclude -d 'As in ClamAV' -r -F
complete -c clamscan -l exclude-dir -d 'As in ClamAV' -r -F
complete -c clamscan -l include -d 'As in ClamAV' -r -F
complete -c clamscan -l include-dir -d 'As in ClamAV' -r -F
complete -c clamscan -l structured-ssn-format -d 'As in ClamAV' -r
complete -c clamscan -l hash-hint -d 'No effect: digests are always computed from what is read' -r -F
complete -c clamscan -l hash-alg -d 'No effect: digests are always computed from what is read' -r -F
complete -c clamscan -l file-type-hint -d 'No effect: the type is always told from the content' -r -F
complete -c clamscan -l log-hash -d 'No effect: `candor explain` shows digests' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l log-file-type -d 'No effect: `candor scan --json` shows types' -r -f -a "yes\t''
no\t''"
complete -c clamscan -s a -l archive-verbose -d 'No effect: `candor scan` shows where in an archive something is' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l memory -d 'No effect: it is for processes in memory, on Windows' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l kill -d 'No effect: it is for processes in memory, on Windows' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l unload -d 'No effect: it is for processes in memory, on Windows' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-exceeds-max -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l cache-size -d 'No effect: no verdict is kept from one file to the next' -r
complete -c clamscan -s l -l log -d 'As in ClamAV' -r -F
complete -c clamscan -l tempdir -d 'As in ClamAV' -r -F
complete -c clamscan -l cvdcertsdir -d 'As in ClamAV' -r -F
complete -c clamscan -l official-db-only -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l fail-if-cvd-older-than -d 'As in ClamAV' -r
complete -c clamscan -l yara-rules -d 'As in ClamAV' -r -F
complete -c clamscan -l max-dir-recursion -d 'As in ClamAV' -r
complete -c clamscan -l cross-fs -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l disable-cache -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l json-store-html-uris -d 'No effect: addresses are not written to metadata' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l json-store-pdf-uris -d 'No effect: addresses are not written to metadata' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l json-store-extra-hashes -d 'No effect: metadata have MD5 sums alone' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l fips-limits -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l bytecode -d 'No effect: bytecode signatures are not run' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l bytecode-timeout -d 'No effect: bytecode signatures are not run' -r
complete -c clamscan -l bytecode-unsigned -d 'No effect: bytecode signatures are not run' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l bytecode-mode -d 'No effect: bytecode signatures are not run' -r -f -a "Auto\t''
ForceJIT\t''
ForceInterpreter\t''
Test\t''"
complete -c clamscan -l statistics -d 'No effect: no statistics are kept' -r -f -a "none\t''
bytecode\t''
pcre\t''"
complete -c clamscan -l detect-pua -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l exclude-pua -d 'As in ClamAV' -r -F
complete -c clamscan -l include-pua -d 'As in ClamAV' -r -F
complete -c clamscan -l scan-pe -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-elf -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-mail -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l phishing-sigs -d 'No effect: signatures for mail are always in force' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l phishing-scan-urls -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l heuristic-alerts -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l heuristic-scan-precedence -d 'No effect: signatures come before heuristics' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l detect-structured -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l structured-cc-count -d 'As in ClamAV' -r
complete -c clamscan -l structured-ssn-count -d 'As in ClamAV' -r
complete -c clamscan -l scan-html -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-ole2 -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-broken -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-broken-media -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-encrypted -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l structured-cc-mode -d 'No effect: all cards count' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-encrypted-archive -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-encrypted-doc -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-macros -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-phishing-ssl -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-phishing-cloak -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l alert-partition-intersection -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-pdf -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-swf -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-xmldocs -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-hwp3 -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-onenote -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-archive -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-image -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l scan-image-fuzzy-hash -d 'No effect: every format is looked into' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l force-to-disk -d 'No effect: nothing is written to temporary files' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l max-scantime -d 'As in ClamAV' -r
complete -c clamscan -l max-scansize -d 'As in ClamAV' -r
complete -c clamscan -l max-filesize -d 'As in ClamAV' -r
complete -c clamscan -l max-recursion -d 'As in ClamAV' -r
complete -c clamscan -l max-files -d 'As in ClamAV' -r
complete -c clamscan -l max-embeddedpe -d 'No effect: the limits on whole files bound it' -r
complete -c clamscan -l max-htmlnormalize -d 'As in ClamAV' -r
complete -c clamscan -l max-htmlnotags -d 'No effect: the limits on whole files bound it' -r
complete -c clamscan -l max-scriptnormalize -d 'As in ClamAV' -r
complete -c clamscan -l max-ziptypercg -d 'No effect: the limits on whole files bound it' -r
complete -c clamscan -l max-partitions -d 'No effect: the limits on whole files bound it' -r
complete -c clamscan -l max-iconspe -d 'No effect: the limits on whole files bound it' -r
complete -c clamscan -l max-rechwp3 -d 'No effect: the limits on whole files bound it' -r
complete -c clamscan -l pcre-match-limit -d 'No effect: steps are counted in another way' -r
complete -c clamscan -l pcre-recmatch-limit -d 'No effect: steps are counted in another way' -r
complete -c clamscan -l pcre-max-filesize -d 'As in ClamAV' -r
complete -c clamscan -l dev-ac-only -d 'No effect: there is one matcher' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l dev-ac-depth -d 'No effect: there is one matcher' -r
complete -c clamscan -l dev-performance -d 'No effect: `cargo bench` measures' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l nocerts -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l algorithmic-detection -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l block-max -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l phishing-ssl -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l phishing-cloak -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l partition-intersection -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l block-macros -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l block-encrypted -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamscan -s t -l bytecode-trust-all -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l force -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l disable-summary -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l disable-archive -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-archive -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-pe -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-elf -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-ole2 -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-pdf -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-html -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-mail -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-phishing-sigs -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-phishing-scan-urls -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-algorithmic -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l no-phishing-restrictedscan -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l max-ratio -d 'Ignored: ClamAV has given it up' -r
complete -c clamscan -l max-space -d 'Ignored: ClamAV has given it up' -r
complete -c clamscan -l timelimit -d 'Ignored: ClamAV has given it up' -r
complete -c clamscan -l detect-broken -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l mail-follow-urls -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamscan -l candor-cache-dir -d 'Candor\'s own' -r -F
complete -c clamscan -l candor-jobs -d 'Candor\'s own' -r
complete -c clamscan -l unzip -d 'Ignored: ClamAV has given it up'
complete -c clamscan -l unrar -d 'Ignored: ClamAV has given it up'
complete -c clamscan -l arj -d 'Ignored: ClamAV has given it up'
complete -c clamscan -l unzoo -d 'Ignored: ClamAV has given it up'
complete -c clamscan -l lha -d 'Ignored: ClamAV has given it up'
complete -c clamscan -l jar -d 'Ignored: ClamAV has given it up'
complete -c clamscan -l tar -d 'Ignored: ClamAV has given it up'
complete -c clamscan -l tgz -d 'Ignored: ClamAV has given it up'
complete -c clamscan -l deb -d 'Ignored: ClamAV has given it up'
