complete -c clamconf -s h -l help -d 'Say what options there are' -r -f -a "yes\t''
no\t''"
complete -c clamconf -s V -l version -d 'Say the version' -r -f -a "yes\t''
no\t''"
complete -c clamconf -s c -l config-dir -d 'As in ClamAV' -r -F
complete -c clamconf -s n -l non-default -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamconf -s g -l generate-config -d 'As in ClamAV' -r -F
