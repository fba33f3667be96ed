# shellcheck shell=bash disable=SC2034 # PHP is read by the suites
# Sourced by every `run`: where the demo is, whom to trust for it, and the tools that are not Debian packages.
# JETON_DEMO  file with the line that `jeton demo --json` prints
# JETON_CA    certificate of its authority, if its URL is https

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if [[ ! -s ${JETON_DEMO:-} ]]; then
    echo "set JETON_DEMO to a file with the line that 'jeton demo --json' prints" >&2
    exit 2
fi
export JETON_DEMO
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

PHP=(php)
if [[ -n ${JETON_CA:-} ]]; then
    export SSL_CERT_FILE=$JETON_CA CURL_CA_BUNDLE=$JETON_CA NODE_EXTRA_CA_CERTS=$JETON_CA REQUESTS_CA_BUNDLE=$JETON_CA
    PHP=(php -d "curl.cainfo=$JETON_CA")
fi

# demo FILTER: a value of the demo's line, by its jq filter
demo() {
    jq -er "$1" "$JETON_DEMO"
}

# Sets PYTHON to an interpreter that has the locked requests.
use_requests() {
    local venv=$ROOT/target/interop/venv lock=$ROOT/interop/requests/requirements.txt
    if ! cmp -s "$lock" "$venv/installed.txt"; then
        python3 -m venv --clear "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$lock"
        cp "$lock" "$venv/installed.txt"
    fi
    export PYTHON=$venv/bin/python
}

# Installs the locked axios beside its programs; others find it by NODE_PATH.
use_axios() {
    local folder=$ROOT/interop/axios
    if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/installed.json"; then
        npm ci --prefix "$folder" --silent --no-audit --no-fund
        cp "$folder/package-lock.json" "$folder/node_modules/installed.json"
    fi
    export NODE_PATH=$folder/node_modules
}
