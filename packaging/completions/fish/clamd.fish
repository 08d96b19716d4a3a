complete -c clamd -s h -l help -d 'Say what options there are' -r -f -a "yes\t''
no\t''"
complete -c clamd -s c -l config-file -d 'As in ClamAV' -r -F
complete -c clamd -s V -l version -d 'Say the version' -r -f -a "yes\t''
no\t''"
complete -c clamd -l install-service -d 'No effect: it is for services of Windows' -r -f -a "yes\t''
no\t''"
complete -c clamd -l uninstall-service -d 'No effect: it is for services of Windows' -r -f -a "yes\t''
no\t''"
complete -c clamd -l service-mode -d 'No effect: it is for services of Windows' -r -f -a "yes\t''
no\t''"
complete -c clamd -s d -l daemon -d 'No effect: it is for services of Windows' -r -f -a "yes\t''
no\t''"
complete -c clamd -l candor-detached -d 'Candor\'s own' -r -f -a "yes\t''
no\t''"
complete -c clamd -l candor-config -d 'Candor\'s own' -r -F
complete -c clamd -l detect-broken -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamd -l mail-follow-urls -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c clamd -l debug -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l gen-json -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-exceeds-max -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l cache-size -d 'As in ClamAV' -r
complete -c clamd -l prelude-enable -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l prelude-analyzer-name -d 'As in ClamAV' -r -F
complete -c clamd -s l -l log -d 'As in ClamAV' -r -F
complete -c clamd -l log-rotate -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -s p -l pid -d 'As in ClamAV' -r -F
complete -c clamd -l tempdir -d 'As in ClamAV' -r -F
complete -c clamd -l datadir -d 'As in ClamAV' -r -F
complete -c clamd -l cvdcertsdir -d 'As in ClamAV' -r -F
complete -c clamd -l official-db-only -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l fail-if-cvd-older-than -d 'As in ClamAV' -r
complete -c clamd -l max-dir-recursion -d 'As in ClamAV' -r
complete -c clamd -l cross-fs -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l disable-cache -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -s F -l foreground -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l json-store-html-uris -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l json-store-pdf-uris -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l json-store-extra-hashes -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l fips-limits -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l bytecode -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l bytecode-timeout -d 'As in ClamAV' -r
complete -c clamd -l bytecode-unsigned -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l bytecode-mode -d 'As in ClamAV' -r -F
complete -c clamd -l detect-pua -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l exclude-pua -d 'As in ClamAV' -r -F
complete -c clamd -l include-pua -d 'As in ClamAV' -r -F
complete -c clamd -l scan-pe -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-elf -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-mail -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l phishing-sigs -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l phishing-scan-urls -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l heuristic-alerts -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l heuristic-scan-precedence -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l detect-structured -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l structured-cc-count -d 'As in ClamAV' -r
complete -c clamd -l structured-ssn-count -d 'As in ClamAV' -r
complete -c clamd -l structured-cc-mode -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-html -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-ole2 -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-broken -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-broken-media -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-encrypted -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-encrypted-archive -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-encrypted-doc -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-macros -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-phishing-ssl -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-phishing-cloak -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l alert-partition-intersection -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-pdf -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-swf -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-xmldocs -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-hwp3 -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-onenote -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-archive -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-image -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l scan-image-fuzzy-hash -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l force-to-disk -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l max-scantime -d 'As in ClamAV' -r
complete -c clamd -l max-scansize -d 'As in ClamAV' -r
complete -c clamd -l max-filesize -d 'As in ClamAV' -r
complete -c clamd -l max-recursion -d 'As in ClamAV' -r
complete -c clamd -l max-files -d 'As in ClamAV' -r
complete -c clamd -l max-embeddedpe -d 'As in ClamAV' -r
complete -c clamd -l max-htmlnormalize -d 'As in ClamAV' -r
complete -c clamd -l max-htmlnotags -d 'As in ClamAV' -r
complete -c clamd -l max-scriptnormalize -d 'As in ClamAV' -r
complete -c clamd -l max-ziptypercg -d 'As in ClamAV' -r
complete -c clamd -l max-partitions -d 'As in ClamAV' -r
complete -c clamd -l max-iconspe -d 'As in ClamAV' -r
complete -c clamd -l max-rechwp3 -d 'As in ClamAV' -r
complete -c clamd -l pcre-match-limit -d 'As in ClamAV' -r
complete -c clamd -l pcre-recmatch-limit -d 'As in ClamAV' -r
complete -c clamd -l pcre-max-filesize -d 'As in ClamAV' -r
complete -c clamd -l dev-ac-only -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l dev-ac-depth -d 'As in ClamAV' -r
complete -c clamd -l dev-performance -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l dev-liblog -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l nocerts -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l algorithmic-detection -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l block-max -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l phishing-ssl -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l phishing-cloak -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l partition-intersection -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l block-macros -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamd -l block-encrypted -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
