complete -c clamav-milter -s h -l help -d 'Say what options there are' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -s c -l config-file -d 'As in ClamAV' -r -F
complete -c clamav-milter -s V -l version -d 'Say the version' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -l install-service -d 'No effect: it is for services of Windows' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -l uninstall-service -d 'No effect: it is for services of Windows' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -l service-mode -d 'No effect: it is for services of Windows' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -s d -l daemon -d 'No effect: it is for services of Windows' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -l candor-detached -d 'Candor\'s own' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -l candor-clamd-conf -d 'Candor\'s own' -r -F
complete -c clamav-milter -s l -l log -d 'As in ClamAV' -r -F
complete -c clamav-milter -l log-rotate -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -s p -l pid -d 'As in ClamAV' -r -F
complete -c clamav-milter -l tempdir -d 'As in ClamAV' -r -F
complete -c clamav-milter -s F -l foreground -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clamav-milter -l max-filesize -d 'As in ClamAV' -r
