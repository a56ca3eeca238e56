# shellcheck shell=sh disable=SC2034
# The Debian packages that Shoal wants, in one place. Sourced by ops/run and ops/test.

BUILD_PACKAGES="cmake ninja-build gcc libc6-dev pkg-config libcbor-dev libcurl4-openssl-dev libmicrohttpd-dev
    libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libpcre2-dev libpq-dev libsecp256k1-dev libsodium-dev
    libsqlite3-dev libssl-dev libutf8proc-dev zlib1g-dev postgresql ca-certificates"

TEST_PACKAGES="g++ libcmocka-dev libjansson-dev clang clang-tidy clang-format libclang-rt-14-dev lld gcovr util-linux
    iproute2 procps openssl shellcheck systemd chromium"

# Unprivileged users install through sudo.
as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif command -v sudo > /dev/null; then
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    else
        echo "shoal: neither root nor sudo, so this must be done by hand: $*" >&2
        return 1
    fi
}

is_installed()
{
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

# Installs those of the named packages that are not there.
install_missing()
{
    missing=
    for package; do
        is_installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    command -v apt-get > /dev/null || {
        echo "shoal: not Debian; install what corresponds to:$missing" >&2
        return 1
    }
    echo "shoal: installing$missing"
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends $missing > /dev/null
}

# Compiles again only what changed, where ccache is there.
use_ccache()
{
    if [ -z "${CMAKE_C_COMPILER_LAUNCHER:-}" ] && command -v ccache > /dev/null; then
        export CMAKE_C_COMPILER_LAUNCHER=ccache
    fi
}
