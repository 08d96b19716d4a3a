complete -c clambc -s h -l help -d 'Say what options there are' -r -f -a "yes\t''
no\t''"
complete -c clambc -s V -l version -d 'Say the version' -r -f -a "yes\t''
no\t''"
complete -c clambc -l debug -d 'No effect: bytecode is not run' -r -f -a "yes\t''
no\t''"
complete -c clambc -s f -l force-interpreter -d 'No effect: bytecode is not run' -r -f -a "yes\t''
no\t''"
complete -c clambc -s t -l trust-bytecode -d 'No effect: bytecode is not run' -r -f -a "yes\t''
no\t''"
complete -c clambc -s i -l info -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clambc -s p -l printsrc -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clambc -s c -l printbcir -d 'As in ClamAV' -r -f -a "yes\t''
no\t''"
complete -c clambc -s r -l input -d 'As in ClamAV' -r -F
complete -c clambc -s T -l trace -d 'No effect: bytecode is not run' -r
complete -c clambc -s s -l no-trace-showsource -d 'No effect: bytecode is not run' -r -f -a "yes\t''
no\t''"
complete -c clambc -l statistics -d 'No effect: bytecode is not run' -r -F
