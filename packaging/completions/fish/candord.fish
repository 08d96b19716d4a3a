complete -c candord -s c -l config-file -d 'ClamAV\'s configuration file' -r -F
complete -c candord -l config -d 'What ClamAV\'s configuration file has no word for' -r -F
complete -c candord -s F -l foreground -d 'Stay in the foreground; it always does. For service files written for clamd' -r
complete -c candord -l check -d 'Read the configuration, say what is not honoured, and end'
complete -c candord -s h -l help -d 'Print help'
complete -c candord -s V -l version -d 'Print version'
