# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_candor_global_optspecs
    string join \n color= h/help V/version
end

function __fish_candor_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_candor_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_candor_using_subcommand
    set -l cmd (__fish_candor_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c candor -n "__fish_candor_needs_command" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_needs_command" -s V -l version -d 'Print version'
complete -c candor -n "__fish_candor_needs_command" -f -a "scan" -d 'Scan files and directories'
complete -c candor -n "__fish_candor_needs_command" -f -a "explain" -d 'Show all about one file: its layers, what was found and which bytes it was found by'
complete -c candor -n "__fish_candor_needs_command" -f -a "unpack" -d 'Take one file apart: show the layers in it, and write them out if wanted'
complete -c candor -n "__fish_candor_needs_command" -f -a "compile" -d 'Compile signature databases into one image'
complete -c candor -n "__fish_candor_needs_command" -f -a "database" -d 'Look into signature databases'
complete -c candor -n "__fish_candor_needs_command" -f -a "doctor" -d 'Show how the processes that look at files are confined, as the kernel says it'
complete -c candor -n "__fish_candor_needs_command" -f -a "update" -d 'Bring signatures up to date, try them out, and take them back'
complete -c candor -n "__fish_candor_needs_command" -f -a "audit" -d 'Find products of prohibited vendors, and say what each rule says of them on a date'
complete -c candor -n "__fish_candor_needs_command" -f -a "migrate" -d 'Move from another product: a plan, its settings, its quarantine'
complete -c candor -n "__fish_candor_needs_command" -f -a "trust" -d 'Show why the signatures in force are believed, and what a release changed'
complete -c candor -n "__fish_candor_needs_command" -f -a "publish" -d 'Publish signatures as a feed that several people sign, and that is logged'
complete -c candor -n "__fish_candor_needs_command" -f -a "witness" -d 'Cosign a feed\'s log, if it has only grown'
complete -c candor -n "__fish_candor_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand scan" -s f -l file-list -d 'Also scan the paths in this file, one a line; `-` reads them from standard input' -r -F
complete -c candor -n "__fish_candor_using_subcommand scan" -s e -l exclude -d 'Leave out files and directories that match; may be given more than once' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l cross-filesystems -d 'Which file systems below a directory to enter' -r -f -a "real\t'All but those that the kernel makes up, such as /proc and /sys'
same\t'Only the one that the directory itself is on'
all\t'All'"
complete -c candor -n "__fish_candor_using_subcommand scan" -s d -l database -d 'Signatures to scan with, in place of the active generation or the built-in ones' -r -F
complete -c candor -n "__fish_candor_using_subcommand scan" -l state-dir -d 'Where generations are kept; the one in force is used unless a database is named' -r -F
complete -c candor -n "__fish_candor_using_subcommand scan" -l cache-dir -d 'Where compiled databases are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand scan" -l potentially-unwanted -d 'Also look for potentially unwanted applications, of all categories or of these' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l password-file -d 'Passwords to try on encrypted archives and documents, one a line' -r -F
complete -c candor -n "__fish_candor_using_subcommand scan" -l heuristic-alerts -d 'Whether to tell of anything that no signature names' -r -f -a "no\t'No'
yes\t'Yes'"
complete -c candor -n "__fish_candor_using_subcommand scan" -l structured-ssn-count -d 'Numbers of social security from which on they are told' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l structured-ssn-format -d 'Numbers of social security that count: 0 with hyphens, 1 without, 2 both' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l structured-cc-count -d 'Numbers of credit cards from which on they are told' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l max-file-size -d 'Largest file, or member of an archive, to look into' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l max-scan-size -d 'Most bytes to look at for one file, everything unpacked from it included' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l max-depth -d 'Most layers inside one another' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l max-files -d 'Most members to unpack from one file, at all depths together' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l max-ratio -d 'How many times larger than its compressed form a member may be' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l max-growth -d 'How many times larger than the file itself all that is unpacked from it may be' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l max-memory -d 'Most memory for what is unpacked from a file and not yet looked at' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l max-time -d 'Most seconds for one file; 0 for any time' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -s j -l jobs -d 'Processes to scan with [default: one a processor]' -r
complete -c candor -n "__fish_candor_using_subcommand scan" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand scan" -s 0 -l null -d 'Paths in the file list end with a NUL byte, as `find -print0` writes them'
complete -c candor -n "__fish_candor_using_subcommand scan" -s L -l follow -d 'Follow symbolic links inside directories. Paths on the command line are always followed'
complete -c candor -n "__fish_candor_using_subcommand scan" -l no-cache -d 'Compile databases anew and keep nothing'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-broken -d 'Tell of executables whose headers cannot be true'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-broken-media -d 'Tell of damaged images'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-encrypted -d 'Tell of encrypted archives and documents'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-encrypted-archive -d 'Tell of encrypted archives'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-encrypted-doc -d 'Tell of encrypted documents'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-macros -d 'Tell of macros in documents'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-exceeds-max -d 'Tell of files that a limit kept from being looked at as a whole'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-phishing-ssl -d 'Tell of links that show a secure address and lead to another'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-phishing-cloak -d 'Tell of links that hide where they lead'
complete -c candor -n "__fish_candor_using_subcommand scan" -l alert-partition-intersection -d 'Tell of disk images whose partitions lie over one another'
complete -c candor -n "__fish_candor_using_subcommand scan" -l detect-structured -d 'Tell of numbers of credit cards and of social security in text'
complete -c candor -n "__fish_candor_using_subcommand scan" -s a -l all-matches -d 'Report every signature that matches, not only the first strong one'
complete -c candor -n "__fish_candor_using_subcommand scan" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand scan" -l json -d 'Print one JSON object a line: one for each file, and a summary at the end'
complete -c candor -n "__fish_candor_using_subcommand scan" -l show-clean -d 'Print lines for clean files, too'
complete -c candor -n "__fish_candor_using_subcommand scan" -l only-findings -d 'Print nothing but findings: no incomplete files, no summary'
complete -c candor -n "__fish_candor_using_subcommand scan" -s q -l quiet -d 'Print nothing on standard output; the exit status says what was found'
complete -c candor -n "__fish_candor_using_subcommand scan" -l no-progress -d 'Show no progress bar'
complete -c candor -n "__fish_candor_using_subcommand scan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand explain" -s d -l database -d 'Signatures to scan with, in place of the active generation or the built-in ones' -r -F
complete -c candor -n "__fish_candor_using_subcommand explain" -l state-dir -d 'Where generations are kept; the one in force is used unless a database is named' -r -F
complete -c candor -n "__fish_candor_using_subcommand explain" -l cache-dir -d 'Where compiled databases are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand explain" -l potentially-unwanted -d 'Also look for potentially unwanted applications, of all categories or of these' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l password-file -d 'Passwords to try on encrypted archives and documents, one a line' -r -F
complete -c candor -n "__fish_candor_using_subcommand explain" -l heuristic-alerts -d 'Whether to tell of anything that no signature names' -r -f -a "no\t'No'
yes\t'Yes'"
complete -c candor -n "__fish_candor_using_subcommand explain" -l structured-ssn-count -d 'Numbers of social security from which on they are told' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l structured-ssn-format -d 'Numbers of social security that count: 0 with hyphens, 1 without, 2 both' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l structured-cc-count -d 'Numbers of credit cards from which on they are told' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l max-file-size -d 'Largest file, or member of an archive, to look into' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l max-scan-size -d 'Most bytes to look at for one file, everything unpacked from it included' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l max-depth -d 'Most layers inside one another' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l max-files -d 'Most members to unpack from one file, at all depths together' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l max-ratio -d 'How many times larger than its compressed form a member may be' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l max-growth -d 'How many times larger than the file itself all that is unpacked from it may be' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l max-memory -d 'Most memory for what is unpacked from a file and not yet looked at' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l max-time -d 'Most seconds for one file; 0 for any time' -r
complete -c candor -n "__fish_candor_using_subcommand explain" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand explain" -l no-cache -d 'Compile databases anew and keep nothing'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-broken -d 'Tell of executables whose headers cannot be true'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-broken-media -d 'Tell of damaged images'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-encrypted -d 'Tell of encrypted archives and documents'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-encrypted-archive -d 'Tell of encrypted archives'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-encrypted-doc -d 'Tell of encrypted documents'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-macros -d 'Tell of macros in documents'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-exceeds-max -d 'Tell of files that a limit kept from being looked at as a whole'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-phishing-ssl -d 'Tell of links that show a secure address and lead to another'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-phishing-cloak -d 'Tell of links that hide where they lead'
complete -c candor -n "__fish_candor_using_subcommand explain" -l alert-partition-intersection -d 'Tell of disk images whose partitions lie over one another'
complete -c candor -n "__fish_candor_using_subcommand explain" -l detect-structured -d 'Tell of numbers of credit cards and of social security in text'
complete -c candor -n "__fish_candor_using_subcommand explain" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand explain" -l json -d 'Print one JSON object'
complete -c candor -n "__fish_candor_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand unpack" -s o -l output -d 'Write the layers into this directory, which is made if it is not there' -r -F
complete -c candor -n "__fish_candor_using_subcommand unpack" -l password-file -d 'Passwords to try on encrypted archives and documents, one a line' -r -F
complete -c candor -n "__fish_candor_using_subcommand unpack" -l max-file-size -d 'Largest file, or member of an archive, to look into' -r
complete -c candor -n "__fish_candor_using_subcommand unpack" -l max-scan-size -d 'Most bytes to look at for one file, everything unpacked from it included' -r
complete -c candor -n "__fish_candor_using_subcommand unpack" -l max-depth -d 'Most layers inside one another' -r
complete -c candor -n "__fish_candor_using_subcommand unpack" -l max-files -d 'Most members to unpack from one file, at all depths together' -r
complete -c candor -n "__fish_candor_using_subcommand unpack" -l max-ratio -d 'How many times larger than its compressed form a member may be' -r
complete -c candor -n "__fish_candor_using_subcommand unpack" -l max-growth -d 'How many times larger than the file itself all that is unpacked from it may be' -r
complete -c candor -n "__fish_candor_using_subcommand unpack" -l max-memory -d 'Most memory for what is unpacked from a file and not yet looked at' -r
complete -c candor -n "__fish_candor_using_subcommand unpack" -l max-time -d 'Most seconds for one file; 0 for any time' -r
complete -c candor -n "__fish_candor_using_subcommand unpack" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand unpack" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand unpack" -l json -d 'Print one JSON object'
complete -c candor -n "__fish_candor_using_subcommand unpack" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand compile" -s o -l output -d 'The image to write. It is replaced in one step, or not at all' -r -F
complete -c candor -n "__fish_candor_using_subcommand compile" -l certificates -d 'Certificates of those who may sign a container by a `.sign` beside it' -r -F
complete -c candor -n "__fish_candor_using_subcommand compile" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand compile" -l strict -d 'Write no image when a line cannot be used'
complete -c candor -n "__fish_candor_using_subcommand compile" -l refuse-md5 -d 'Use no `.cvd` that RSA over an MD5 sum alone vouches for'
complete -c candor -n "__fish_candor_using_subcommand compile" -l all-diagnostics -d 'Show all diagnostics, not only the first 20'
complete -c candor -n "__fish_candor_using_subcommand compile" -s q -l quiet -d 'Print nothing but errors'
complete -c candor -n "__fish_candor_using_subcommand compile" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand compile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand database; and not __fish_seen_subcommand_from info list find check help" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand database; and not __fish_seen_subcommand_from info list find check help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand database; and not __fish_seen_subcommand_from info list find check help" -f -a "info" -d 'Show what a database is made of'
complete -c candor -n "__fish_candor_using_subcommand database; and not __fish_seen_subcommand_from info list find check help" -f -a "list" -d 'List all signatures: name, language, source, line'
complete -c candor -n "__fish_candor_using_subcommand database; and not __fish_seen_subcommand_from info list find check help" -f -a "find" -d 'Find signatures by name'
complete -c candor -n "__fish_candor_using_subcommand database; and not __fish_seen_subcommand_from info list find check help" -f -a "check" -d 'Check that a database is sound'
complete -c candor -n "__fish_candor_using_subcommand database; and not __fish_seen_subcommand_from info list find check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from info" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from info" -l cache-dir -d 'Where compiled databases are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from info" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from info" -l json -d 'Print JSON'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from info" -l no-cache -d 'Compile databases anew and keep nothing'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from info" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from list" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from list" -l cache-dir -d 'Where compiled databases are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from list" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from list" -l no-cache -d 'Compile databases anew and keep nothing'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from list" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from find" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from find" -l cache-dir -d 'Where compiled databases are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from find" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from find" -l json -d 'Print JSON'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from find" -l no-cache -d 'Compile databases anew and keep nothing'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from find" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from find" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from check" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from check" -l cache-dir -d 'Where compiled databases are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from check" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from check" -l json -d 'Print JSON'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from check" -l no-cache -d 'Compile databases anew and keep nothing'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from check" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from help" -f -a "info" -d 'Show what a database is made of'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from help" -f -a "list" -d 'List all signatures: name, language, source, line'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from help" -f -a "find" -d 'Find signatures by name'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check that a database is sound'
complete -c candor -n "__fish_candor_using_subcommand database; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand doctor" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand doctor" -l prove -d 'Have workers attempt everything that they must not be able to do, and show each refusal'
complete -c candor -n "__fish_candor_using_subcommand doctor" -l json -d 'Print one JSON object'
complete -c candor -n "__fish_candor_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -l sources -d 'The list of sources [default: /etc/candor/sources.toml, if it is there]' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -l every -d 'Stay, and look again and again: so many seconds after each time, and up to a tenth of them more by chance' -r
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -l settings -d 'What is said about trying out and watching [default: /etc/candor/update.toml, if it is there]' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -l accept-clock -d 'Go on although the clock is far behind what was written down'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "init" -d 'Make a place for generations'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "import" -d 'Take signatures over from a directory, such as a stick or what freshclam fills'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "status" -d 'Show what is in force, and what is held back'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "log" -d 'Show which entries of transparency logs vouch for what is in force'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "history" -d 'Show all that was decided, and that nothing of it was changed since'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "rollback" -d 'Go back to the generation before'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "hold" -d 'Hold a version back, let one go, or hold all new findings back'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "verify" -d 'Compare every byte of what is in force with what was verified'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "mirror" -d 'Write what is in force to a directory that `import` takes elsewhere'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "watch" -d 'Compare what is in force with the generation before over files, and go back if it misbehaves'
complete -c candor -n "__fish_candor_using_subcommand update; and not __fish_seen_subcommand_from init import status log history rollback hold verify mirror watch help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from init" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from init" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from init" -l accept-lost-state -d 'Begin anew although the state is lost or damaged: versions that were seen before are not known any more'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from init" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -s s -l source -d 'The name of the source that it is' -r
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -l digests -d 'What the directory must hold, as `sha256sum` writes it' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -l key -d 'A key of minisign or Ed25519, in base64: beside each file there must be a signature by it' -r
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -l settings -d 'What is said about trying out and watching [default: /etc/candor/update.toml, if it is there]' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -l accept-clock -d 'Go on although the clock is far behind what was written down'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from status" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from status" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from status" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from log" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from log" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from log" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from history" -s n -l last -d 'Only the last so many entries' -r
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from history" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from history" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from history" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from rollback" -l reason -d 'Why; it is written down' -r
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from rollback" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from rollback" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from rollback" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from hold" -l reason -d 'Why; it is written down' -r
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from hold" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from hold" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from hold" -l findings -d 'Do not act upon what only the active generation finds: the one before is in force meanwhile'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from hold" -l release -d 'Let it go again'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from hold" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from hold" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from verify" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from verify" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from verify" -l offline -d 'Ask nobody: look at what is on this machine. There is no other way; the option is for scripts that say it'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from verify" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from mirror" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from mirror" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from mirror" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from mirror" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from watch" -l settings -d 'What is said about trying out and watching [default: /etc/candor/update.toml, if it is there]' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from watch" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from watch" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from watch" -l accept-clock -d 'Go on although the clock is far behind what was written down'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from watch" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from watch" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "init" -d 'Make a place for generations'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "import" -d 'Take signatures over from a directory, such as a stick or what freshclam fills'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show what is in force, and what is held back'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "log" -d 'Show which entries of transparency logs vouch for what is in force'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "history" -d 'Show all that was decided, and that nothing of it was changed since'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "rollback" -d 'Go back to the generation before'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "hold" -d 'Hold a version back, let one go, or hold all new findings back'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Compare every byte of what is in force with what was verified'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "mirror" -d 'Write what is in force to a directory that `import` takes elsewhere'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "watch" -d 'Compare what is in force with the generation before over files, and go back if it misbehaves'
complete -c candor -n "__fish_candor_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l inventory -d 'An inventory in JSON that was taken before; can be given several times' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l profile -d 'Whom the rules are asked for; without it every rule answers' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l as-of -d 'The date that the answers are about: YYYY-MM-DD, or a moment with its zone [default: now]' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l policy -d 'A folder of own vendors, rules and profiles, which are added to the built-in ones or take their place' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -s f -l format -d 'The form of the report' -r -f -a "text\t'For people, on a terminal'
json\t'Everything, for programs: `docs/reference/audit.schema.json`'
csv\t'A table'
html\t'A page for browsers and paper'
sarif\t'SARIF 2.1.0'
cyclonedx\t'CycloneDX 1.6'
junit\t'JUnit'
oscal\t'OSCAL assessment results'
bod-17-01\t'The report of BOD 17-01, in Markdown'
far-52.204-23\t'The report of FAR 52.204-23, in Markdown'
far-52.204-30\t'The report of FAR 52.204-30, in Markdown'"
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -s o -l output -d 'Where the report goes [default: standard output]' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l chain -d 'Add the report to a chain: a file in which each entry holds the digest of the one before' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l key -d 'Sign the entry of the chain with this key (Ed25519, PKCS #8 in PEM)' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l fail-on -d 'End with 1 from this on' -r -f -a "lead\t'Also leads, which a person has to look at'
found\t'What is sure, and of which some rule says more than "exempt" or "not covered"'
prohibited\t'Only what is sure and prohibited, be it the supply of it'"
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -s j -l jobs -d 'Threads that look at files [default: one for each processor]' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -a "block" -d 'Export what keeps prohibited vendors away: lists of hosts, rules for firewalls and for what may run'
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -a "party" -d 'Compare names of suppliers with listed parties'
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -a "policy" -d 'Show vendors, rules and profiles'
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -a "verify" -d 'Make sure that a chain of reports holds, and that a report is in it'
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -a "watch" -d 'Write databases for the scanner, by which what comes of a prohibited vendor is a finding'
complete -c candor -n "__fish_candor_using_subcommand audit; and not __fish_seen_subcommand_from block party policy verify watch help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from block" -l profile -d 'Whom the rules are asked for; without it every rule counts' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from block" -l as-of -d 'The date that it is for: YYYY-MM-DD, or a moment with its zone [default: now]' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from block" -l policy -d 'A folder of own vendors, rules and profiles, which are added to the built-in ones or take their place' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from block" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from block" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from party" -l file -d 'A file with one name a line; `-` is standard input' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from party" -l list -d 'A list of parties beside those of the policy: one name a line, or a table with a column `name` and perhaps `aliases` (between semicolons), as published lists of parties have it' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from party" -l score -d 'The least score that is told, from 0 to 1' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from party" -l policy -d 'A folder of own vendors, rules and profiles, which are added to the built-in ones or take their place' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from party" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from party" -l json -d 'Print one JSON object for each name'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from party" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from policy" -l policy -d 'A folder of own vendors, rules and profiles, which are added to the built-in ones or take their place' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from policy" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from policy" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from policy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from verify" -l last -d 'The digest of the last entry, as it was told before; entries may have come after it' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from verify" -l public-key -d 'The key that must have signed every entry (Ed25519, in PEM)' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from verify" -l policy -d 'A folder of own vendors, rules and profiles, which are added to the built-in ones or take their place' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from verify" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from watch" -s o -l output -d 'The directory that the databases are written to; it is made when it is not there' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from watch" -l profile -d 'Whom the rules are asked for; without it every rule counts' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from watch" -l as-of -d 'The date that it is for: YYYY-MM-DD, or a moment with its zone [default: now]' -r
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from watch" -l policy -d 'A folder of own vendors, rules and profiles, which are added to the built-in ones or take their place' -r -F
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from watch" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "block" -d 'Export what keeps prohibited vendors away: lists of hosts, rules for firewalls and for what may run'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "party" -d 'Compare names of suppliers with listed parties'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "policy" -d 'Show vendors, rules and profiles'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Make sure that a chain of reports holds, and that a report is in it'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "watch" -d 'Write databases for the scanner, by which what comes of a prohibited vendor is a finding'
complete -c candor -n "__fish_candor_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand migrate; and not __fish_seen_subcommand_from plan import quarantine verify help" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand migrate; and not __fish_seen_subcommand_from plan import quarantine verify help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand migrate; and not __fish_seen_subcommand_from plan import quarantine verify help" -f -a "plan" -d 'Write a plan: what to remove, in which order, with whose uninstaller, and what is lost meanwhile'
complete -c candor -n "__fish_candor_using_subcommand migrate; and not __fish_seen_subcommand_from plan import quarantine verify help" -f -a "import" -d 'Read settings of the product that goes, and propose what becomes of them'
complete -c candor -n "__fish_candor_using_subcommand migrate; and not __fish_seen_subcommand_from plan import quarantine verify help" -f -a "quarantine" -d 'Open the quarantine of the product that goes, and look at what is in it again'
complete -c candor -n "__fish_candor_using_subcommand migrate; and not __fish_seen_subcommand_from plan import quarantine verify help" -f -a "verify" -d 'Make sure that an archive of a quarantine holds what was put into it: every file, every entry, the signature'
complete -c candor -n "__fish_candor_using_subcommand migrate; and not __fish_seen_subcommand_from plan import quarantine verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from plan" -l inventory -d 'An inventory in JSON that was taken before; can be given several times' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from plan" -l policy -d 'A folder of own vendors and own ways to remove products (`removal/*.toml`)' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from plan" -s f -l format -d 'The form of the plan' -r -f -a "text\t'For people, on a terminal'
json\t'Everything, for programs'
markdown\t'To be filed'"
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from plan" -s o -l output -d 'Where the plan goes [default: standard output]' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from plan" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from plan" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -l map -d 'Where a folder of the old system is here: `--map \'D:\\=/srv/d\'`; can be given several times' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -l write -d 'Write what was accepted into this new file, and into files beside it that begin like it' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -l accept -d 'Accept these proposals, by their ids' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -l policy -d 'A folder of own vendors, whose places and hosts are known then' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -s f -l format -d 'The form of the proposals' -r -f -a "text\t'For people, on a terminal'
json\t'Everything, for programs'
markdown\t'To be filed'"
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -l accept-low-risk -d 'Accept all proposals whose risk is low'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l export -d 'Put the files into this new archive: a ZIP under the password `infected`, with a manifest' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l key -d 'Sign the manifest of the archive with this key (Ed25519, PKCS #8 in PEM)' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -s d -l database -d 'Signatures to scan with, in place of the active generation or the built-in ones' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l state-dir -d 'Where generations are kept; the one in force is used unless a database is named' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l cache-dir -d 'Where compiled databases are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l max-file-size -d 'Largest file, or member of an archive, to look into' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l max-scan-size -d 'Most bytes to look at for one file, everything unpacked from it included' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l max-depth -d 'Most layers inside one another' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l max-files -d 'Most members to unpack from one file, at all depths together' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l max-ratio -d 'How many times larger than its compressed form a member may be' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l max-growth -d 'How many times larger than the file itself all that is unpacked from it may be' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l max-memory -d 'Most memory for what is unpacked from a file and not yet looked at' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l max-time -d 'Most seconds for one file; 0 for any time' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l no-cache -d 'Compile databases anew and keep nothing'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from quarantine" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l last -d 'The last digest, as it was printed when the archive was made' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l public-key -d 'The key that must have signed it (Ed25519, in PEM)' -r -F
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l max-file-size -d 'Largest file, or member of an archive, to look into' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l max-scan-size -d 'Most bytes to look at for one file, everything unpacked from it included' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l max-depth -d 'Most layers inside one another' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l max-files -d 'Most members to unpack from one file, at all depths together' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l max-ratio -d 'How many times larger than its compressed form a member may be' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l max-growth -d 'How many times larger than the file itself all that is unpacked from it may be' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l max-memory -d 'Most memory for what is unpacked from a file and not yet looked at' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l max-time -d 'Most seconds for one file; 0 for any time' -r
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "plan" -d 'Write a plan: what to remove, in which order, with whose uninstaller, and what is lost meanwhile'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "import" -d 'Read settings of the product that goes, and propose what becomes of them'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "quarantine" -d 'Open the quarantine of the product that goes, and look at what is in it again'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Make sure that an archive of a quarantine holds what was put into it: every file, every entry, the signature'
complete -c candor -n "__fish_candor_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand trust; and not __fish_seen_subcommand_from diff help" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand trust; and not __fish_seen_subcommand_from diff help" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand trust; and not __fish_seen_subcommand_from diff help" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand trust; and not __fish_seen_subcommand_from diff help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand trust; and not __fish_seen_subcommand_from diff help" -a "diff" -d 'Show what one generation changed against another, signature by signature'
complete -c candor -n "__fish_candor_using_subcommand trust; and not __fish_seen_subcommand_from diff help" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand trust; and __fish_seen_subcommand_from diff" -l state-dir -d 'Where generations are kept' -r -F
complete -c candor -n "__fish_candor_using_subcommand trust; and __fish_seen_subcommand_from diff" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand trust; and __fish_seen_subcommand_from diff" -l no-sandbox -d 'Scan in this process, without a jail'
complete -c candor -n "__fish_candor_using_subcommand trust; and __fish_seen_subcommand_from diff" -l json -d 'Print one JSON object a line'
complete -c candor -n "__fish_candor_using_subcommand trust; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand trust; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Show what one generation changed against another, signature by signature'
complete -c candor -n "__fish_candor_using_subcommand trust; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "key" -d 'Make a key, or show the public half of one'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "init" -d 'Begin a feed, and prepare its first root'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "root" -d 'Prepare the next root from feed.toml as it is now'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "add" -d 'Pack an archive, and make it part of the next release'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "sign" -d 'Sign what waits in `staging`, on whatever machine it was carried to'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "release" -d 'Collect signatures and cosignatures, and publish what has enough of them; otherwise sign anew what is there'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "cosign" -d 'Agree with a release of another feed, after verifying it: a second repository for policies that want one'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "serve-check" -d 'Look at a feed as a customer would'
complete -c candor -n "__fish_candor_using_subcommand publish; and not __fish_seen_subcommand_from key init root add sign release cosign serve-check help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from key" -l key -d 'The file of the key' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from key" -l token -d 'A key in a token, as pkcs11:token=LABEL;object=LABEL?module-path=FILE. `candor-token` speaks to it' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from key" -l password-file -d 'A file whose first line is the password of the key, or the PIN of the token' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from key" -l log -d 'Show it as the key of a log of this name' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from key" -l witness -d 'Show it as the key of a witness of this name' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from key" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from key" -l make -d 'Make the key; the file must not be there'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -l feed -d 'The feed\'s name: an address without `https://`' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -l root -d 'A key of the root role, in hexadecimal. Once for each person' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -l root-threshold -d 'Signatures that a root needs' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -l content -d 'A key of those who release. Once for each' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -l content-threshold -d 'Signatures that a release needs' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -l online -d 'The key of the machine that says what is newest' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -l log-policy -d 'A file with the log, the witnesses and the quorum, as customers are told them (c2sp.org/tlog-policy)' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from root" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from root" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from add" -l archive -d 'The name of the archive. Archives that are not named again stay as they are' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from add" -l must-find -d 'A file in which a signature must be found, as FILE=SIGNATURE' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from add" -l must-not-find -d 'A file in which nothing may be found' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from add" -l ring -d 'Who the release is for: canary, early or broad' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from add" -l withdraw -d 'An earlier release that is not to be used any more' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from add" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from sign" -l key -d 'The file of the key' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from sign" -l token -d 'A key in a token, as pkcs11:token=LABEL;object=LABEL?module-path=FILE. `candor-token` speaks to it' -r
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from sign" -l password-file -d 'A file whose first line is the password of the key, or the PIN of the token' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from sign" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from sign" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from release" -l online-key -d 'The file of the key of this machine' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from release" -l log-key -d 'The file of the key of the log' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from release" -l password-file -d 'A file whose first line is the password of both' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from release" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from release" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from cosign" -l of -d 'The files of the other feed' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from cosign" -l root -d 'Its root, had by another way than the feed' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from cosign" -l policy -d 'The policy that its release must meet' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from cosign" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from cosign" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from serve-check" -l policy -d 'The policy of the customer' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from serve-check" -l root -d 'The root that the customer has; otherwise the feed\'s first' -r -F
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from serve-check" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from serve-check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "key" -d 'Make a key, or show the public half of one'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "init" -d 'Begin a feed, and prepare its first root'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "root" -d 'Prepare the next root from feed.toml as it is now'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "add" -d 'Pack an archive, and make it part of the next release'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "sign" -d 'Sign what waits in `staging`, on whatever machine it was carried to'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "release" -d 'Collect signatures and cosignatures, and publish what has enough of them; otherwise sign anew what is there'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "cosign" -d 'Agree with a release of another feed, after verifying it: a second repository for policies that want one'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "serve-check" -d 'Look at a feed as a customer would'
complete -c candor -n "__fish_candor_using_subcommand publish; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand witness" -l key -d 'The file of the key' -r -F
complete -c candor -n "__fish_candor_using_subcommand witness" -l password-file -d 'A file whose first line is the password of the key' -r -F
complete -c candor -n "__fish_candor_using_subcommand witness" -l name -d 'The witness\'s name, as in the policies of customers' -r
complete -c candor -n "__fish_candor_using_subcommand witness" -l log -d 'The key of the log that is watched, as in the policies of customers' -r
complete -c candor -n "__fish_candor_using_subcommand witness" -l state -d 'Where the witness remembers what it cosigned last. It is written before anything is signed' -r -F
complete -c candor -n "__fish_candor_using_subcommand witness" -l files -d 'The files of the log, which show how it has grown' -r -F
complete -c candor -n "__fish_candor_using_subcommand witness" -l color -d 'When to use colours' -r -f -a "always\t'Always'
auto\t'On a terminal, unless `NO_COLOR` is set'
never\t'Never'"
complete -c candor -n "__fish_candor_using_subcommand witness" -l request -d 'Take a request that brings its own proof (c2sp.org/tlog-witness) instead of a checkpoint'
complete -c candor -n "__fish_candor_using_subcommand witness" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "scan" -d 'Scan files and directories'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "explain" -d 'Show all about one file: its layers, what was found and which bytes it was found by'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "unpack" -d 'Take one file apart: show the layers in it, and write them out if wanted'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "compile" -d 'Compile signature databases into one image'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "database" -d 'Look into signature databases'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "doctor" -d 'Show how the processes that look at files are confined, as the kernel says it'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "update" -d 'Bring signatures up to date, try them out, and take them back'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "audit" -d 'Find products of prohibited vendors, and say what each rule says of them on a date'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "migrate" -d 'Move from another product: a plan, its settings, its quarantine'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "trust" -d 'Show why the signatures in force are believed, and what a release changed'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "publish" -d 'Publish signatures as a feed that several people sign, and that is logged'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "witness" -d 'Cosign a feed\'s log, if it has only grown'
complete -c candor -n "__fish_candor_using_subcommand help; and not __fish_seen_subcommand_from scan explain unpack compile database doctor update audit migrate trust publish witness help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from database" -f -a "info" -d 'Show what a database is made of'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from database" -f -a "list" -d 'List all signatures: name, language, source, line'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from database" -f -a "find" -d 'Find signatures by name'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from database" -f -a "check" -d 'Check that a database is sound'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "init" -d 'Make a place for generations'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "import" -d 'Take signatures over from a directory, such as a stick or what freshclam fills'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "status" -d 'Show what is in force, and what is held back'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "log" -d 'Show which entries of transparency logs vouch for what is in force'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "history" -d 'Show all that was decided, and that nothing of it was changed since'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "rollback" -d 'Go back to the generation before'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "hold" -d 'Hold a version back, let one go, or hold all new findings back'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "verify" -d 'Compare every byte of what is in force with what was verified'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "mirror" -d 'Write what is in force to a directory that `import` takes elsewhere'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "watch" -d 'Compare what is in force with the generation before over files, and go back if it misbehaves'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "block" -d 'Export what keeps prohibited vendors away: lists of hosts, rules for firewalls and for what may run'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "party" -d 'Compare names of suppliers with listed parties'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "policy" -d 'Show vendors, rules and profiles'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "verify" -d 'Make sure that a chain of reports holds, and that a report is in it'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "watch" -d 'Write databases for the scanner, by which what comes of a prohibited vendor is a finding'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from migrate" -f -a "plan" -d 'Write a plan: what to remove, in which order, with whose uninstaller, and what is lost meanwhile'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from migrate" -f -a "import" -d 'Read settings of the product that goes, and propose what becomes of them'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from migrate" -f -a "quarantine" -d 'Open the quarantine of the product that goes, and look at what is in it again'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from migrate" -f -a "verify" -d 'Make sure that an archive of a quarantine holds what was put into it: every file, every entry, the signature'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from trust" -f -a "diff" -d 'Show what one generation changed against another, signature by signature'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from publish" -f -a "key" -d 'Make a key, or show the public half of one'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from publish" -f -a "init" -d 'Begin a feed, and prepare its first root'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from publish" -f -a "root" -d 'Prepare the next root from feed.toml as it is now'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from publish" -f -a "add" -d 'Pack an archive, and make it part of the next release'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from publish" -f -a "sign" -d 'Sign what waits in `staging`, on whatever machine it was carried to'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from publish" -f -a "release" -d 'Collect signatures and cosignatures, and publish what has enough of them; otherwise sign anew what is there'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from publish" -f -a "cosign" -d 'Agree with a release of another feed, after verifying it: a second repository for policies that want one'
complete -c candor -n "__fish_candor_using_subcommand help; and __fish_seen_subcommand_from publish" -f -a "serve-check" -d 'Look at a feed as a customer would'
