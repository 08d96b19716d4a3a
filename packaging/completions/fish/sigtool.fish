complete -c sigtool -s h -l help -d 'Say what options there are' -r -f -a "yes\t''
no\t''"
complete -c sigtool -s V -l version -d 'Say the version' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l debug -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l quiet -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -s v -l verbose -d 'No effect: reasons are always told' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l stdout -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l gen-json -d 'No effect: `clamscan --gen-json` writes metadata' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l hex-dump -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l md5 -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l sha1 -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l sha256 -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l sha2-256 -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l mdb -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l imp -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l fuzzy-img -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l html-normalise -d 'As in ClamAV' -r -F
complete -c sigtool -l ascii-normalise -d 'As in ClamAV' -r -F
complete -c sigtool -l utf16-decode -d 'As in ClamAV' -r -F
complete -c sigtool -s i -l info -d 'As in ClamAV' -r -F
complete -c sigtool -s b -l build -d 'As in ClamAV' -r -F
complete -c sigtool -l max-bad-sigs -d 'As in ClamAV' -r
complete -c sigtool -l flevel -d 'As in ClamAV' -r
complete -c sigtool -l cvd-version -d 'As in ClamAV' -r
complete -c sigtool -l no-cdiff -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l unsigned -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l hybrid -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l print-certs -d 'As in ClamAV' -r -F
complete -c sigtool -l server -d 'As in ClamAV' -r -F
complete -c sigtool -l datadir -d 'As in ClamAV' -r -F
complete -c sigtool -s u -l unpack -d 'As in ClamAV' -r -F
complete -c sigtool -l unpack-current -d 'As in ClamAV' -r -F
complete -c sigtool -s l -l list-sigs -d 'As in ClamAV' -r
complete -c sigtool -s f -l find-sigs -d 'As in ClamAV' -r -F
complete -c sigtool -l decode-sigs -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l test-sigs -d 'As in ClamAV' -r -F
complete -c sigtool -l vba -d 'As in ClamAV' -r -F
complete -c sigtool -l vba-hex -d 'As in ClamAV' -r -F
complete -c sigtool -s d -l diff -d 'As in ClamAV' -r -F
complete -c sigtool -s c -l compare -d 'As in ClamAV' -r -F
complete -c sigtool -s r -l run-cdiff -d 'As in ClamAV' -r -F
complete -c sigtool -l verify-cdiff -d 'As in ClamAV' -r -F
complete -c sigtool -l tempdir -d 'No effect: nothing is written to temporary files' -r -F
complete -c sigtool -l leave-temps -d 'No effect: nothing is written to temporary files' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l sign -d 'As in ClamAV' -r -F
complete -c sigtool -l verify -d 'As in ClamAV' -r -F
complete -c sigtool -l key -d 'As in ClamAV' -r -F
complete -c sigtool -l cert -d 'As in ClamAV' -r -F
complete -c sigtool -l append -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c sigtool -l cvdcertsdir -d 'As in ClamAV' -r -F
complete -c sigtool -l fips-limits -d 'No effect: containers are signed by MD5 sums' -r -f -a "yes\t''
no\t''"
