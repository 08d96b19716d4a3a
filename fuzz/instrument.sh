#!/bin/sh
# Calls the compiler with CANDOR_FUZZ_FLAGS for what is Candor's own: everything else stays as the tests have built it.
case " $* " in
*" --crate-name candor_"* | *" --crate-name any "*)
    # One word each.
    # shellcheck disable=SC2086
    exec "$@" $CANDOR_FUZZ_FLAGS
    ;;
esac
exec "$@"
