complete -c freshclam -s h -l help -d 'Say what options there are' -r -f -a "yes\t''
no\t''"
complete -c freshclam -s V -l version -d 'Say the version' -r -f -a "yes\t''
no\t''"
complete -c freshclam -s v -l verbose -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l debug -d 'No effect: there are no debug messages; --verbose tells every step' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l quiet -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l no-warnings -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l stdout -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l show-progress -d 'No effect: files come by a program of their own, which says when they are there' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l config-file -d 'As in ClamAV' -r -F
complete -c freshclam -s l -l log -d 'As in ClamAV' -r -F
complete -c freshclam -s d -l daemon -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -s p -l pid -d 'As in ClamAV' -r -F
complete -c freshclam -s F -l foreground -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -s u -l user -d 'As in ClamAV' -r -F
complete -c freshclam -l no-dns -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -s c -l checks -d 'As in ClamAV' -r
complete -c freshclam -l datadir -d 'As in ClamAV' -r -F
complete -c freshclam -l daemon-notify -d 'As in ClamAV' -r
complete -c freshclam -s a -l local-address -d 'No effect: connections begin at the address that the system chooses' -r -F
complete -c freshclam -l on-update-execute -d 'As in ClamAV' -r -F
complete -c freshclam -l on-error-execute -d 'As in ClamAV' -r -F
complete -c freshclam -l on-outdated-execute -d 'No effect: the record in the name system speaks of ClamAV\'s versions, not of Candor\'s' -r -F
complete -c freshclam -l update-db -d 'As in ClamAV' -r -F
complete -c freshclam -l list-mirrors -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l cvdcertsdir -d 'As in ClamAV' -r -F
complete -c freshclam -l fips-limits -d 'No effect: MD5 alone is accepted or refused by --candor-refuse-md5' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l log-rotate -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l install-service -d 'No effect: services of Windows are not known here' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l uninstall-service -d 'No effect: services of Windows are not known here' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l service-mode -d 'No effect: services of Windows are not known here' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l http-proxy -d 'Ignored: ClamAV has given it up' -r -F
complete -c freshclam -l proxy-user -d 'Ignored: ClamAV has given it up' -r -F
complete -c freshclam -l log-verbose -d 'Ignored: ClamAV has given it up' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l candor-name-server -d 'Candor\'s own' -r -F
complete -c freshclam -l candor-refuse-md5 -d 'Candor\'s own' -r -f -a "yes\t''
no\t''"
complete -c freshclam -l candor-pause -d 'Candor\'s own' -r
