complete -c clamdscan -s h -l help -d 'Say what options there are' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -s c -l config-file -d 'As in ClamAV' -r -F
complete -c clamdscan -s V -l version -d 'Say the version' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -s v -l verbose -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -l quiet -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -l stdout -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -l reload -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -s m -l multiscan -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -l fdpass -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -l stream -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -s z -l allmatch -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -l no-summary -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -s f -l file-list -d 'As in ClamAV' -r -F
complete -c clamdscan -s i -l infected -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -s p -l ping -d 'As in ClamAV' -r -F
complete -c clamdscan -s w -l wait -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -l move -d 'As in ClamAV' -r -F
complete -c clamdscan -l copy -d 'As in ClamAV' -r -F
complete -c clamdscan -l remove -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -s l -l log -d 'As in ClamAV' -r -F
complete -c clamdscan -l memory -d 'No effect: it is for processes in memory, on Windows' -r -f -a "yes\t''
no\t''"
complete -c clamdscan -l kill -d 'No effect: it is for processes in memory, on Windows' -r -f -a "yes\t''
no\t''"
