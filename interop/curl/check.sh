# shellcheck shell=bash disable=SC2034 # what call() sets is read by the realms' files
# One call by curl and what came of it; checks, and their count.

URL=$(demo .url)
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
PASSED=0
FAILED=0

# call CURL-ARGUMENT…: sets STATUS, REASON and BODY
call() {
    STATUS=$(curl --silent --show-error --max-time 30 --http1.1 \
        --dump-header "$FOLDER/head" --output "$FOLDER/body" --write-out '%{http_code}' "$@")
    # Of several heads (a 100 Continue before the answer) the last one counts.
    REASON=$(grep '^HTTP/' "$FOLDER/head" | tail -n 1 | tr -d '\r' | cut -d ' ' -f 3-)
    BODY=$(cat "$FOLDER/body" 2>/dev/null || true)
}

# header NAME: its value in the last answer
header() {
    tr -d '\r' <"$FOLDER/head" | sed -n "s/^$1: //Ip" | tail -n 1
}

# member FILTER: a value of the last body, as compact JSON
member() {
    jq -c "$1" <<<"$BODY" 2>/dev/null || echo 'not JSON'
}

# text FILTER: a string of the last body, without its quotes
text() {
    jq -r "$1" <<<"$BODY" 2>/dev/null || echo 'not JSON'
}

# shape FILTER: names and types of an object's members, in order
shape() {
    text "$1 | to_entries | map(.key + \":\" + (.value | type)) | join(\" \")"
}

# same NAME ACTUAL EXPECTED
same() {
    if [[ $2 == "$3" ]]; then
        PASSED=$((PASSED + 1))
    else
        FAILED=$((FAILED + 1))
        printf 'FAIL %s\n  is        %s\n  should be %s\n' "$1" "$2" "$3"
    fi
}

# differ NAME ACTUAL OTHER
differ() {
    same "$1" "$([[ $2 != "$3" ]] && echo different || echo equal)" different
}

# finish SUITE: the closing line; fails if a check failed or none ran
finish() {
    echo "$1: $PASSED passed, $FAILED failed"
    ((FAILED == 0 && PASSED > 0))
}
