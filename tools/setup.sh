# What the scripts of this folder share: the Debian packages, and setting up a build. Sourced, not run.
#
#   source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
#   install_packages                     # to build; more may be named
#   build_release farthingd farthing     # no target: everything
#
# Works from any folder, as root or with sudo, and again and again: what is there is not installed twice.

project_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

# To build everything, tests and benchmarks included. tzdata: time zones of tariffs; python3 and
# openssl, freediameter-extensions: tools/bench. patch: tools/campaign.
packages_build=(
  g++ cmake ninja-build ccache mold
  libboost1.81-dev libboost-json1.81-dev libboost-system1.81-dev librocksdb-dev libfmt-dev libspdlog-dev
  libyaml-cpp-dev libhowardhinnant-date-dev libcli11-dev libssl-dev libzstd-dev libxxhash-dev prometheus-cpp-dev
  tzdata python3 openssl patch
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev libfreediameter-dev freediameter-extensions
)
# What the tests run beside that: a dissector; tariffs against their JSON schema; the agent.
packages_run=(tshark python3-jsonschema python3-yaml freediameterd)

# What tools/campaign fuzz needs, and nothing else: libFuzzer, and names in what it reports.
packages_fuzz=(clang-16 libclang-rt-16-dev llvm-16)

say() { printf '== %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
  exit 1
}

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "not root and no sudo: as root, run: $*"
  fi
}

# install_packages [NAME...]: what a build needs and those named, where they are missing.
install_packages() {
  command -v apt-get >/dev/null || fail "no apt-get: this script sets up Debian 12"
  local package missing=()
  for package in "${packages_build[@]}" "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if [[ ${#missing[@]} -eq 0 ]]; then
    say "packages: all are here"
    return
  fi
  say "packages: installing ${missing[*]}"
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300
    -o Dpkg::Use-Pty=0 --no-install-recommends)
  as_root "${apt[@]}" update || fail "apt-get update failed"
  as_root "${apt[@]}" -y install "${missing[@]}" || fail "apt-get install failed"
}

# The folder that a preset builds in.
build_folder() {
  case $1 in
    release) echo "$project_root/build" ;;
    *) echo "$project_root/build-$1" ;;
  esac
}

# build_preset PRESET [TARGET...]: configures and builds with all cores.
build_preset() {
  local preset=$1
  shift
  local folder
  folder=$(build_folder "$preset")
  say "build: preset $preset, $(nproc) cores, in $folder"
  local configured
  configured=$(cd "$project_root" && cmake --preset "$preset" 2>&1) || {
    printf '%s\n' "$configured" >&2
    fail "cmake failed"
  }
  cmake --build "$folder" ${1:+--target "$@"} || fail "the build failed"
}

build_release() { build_preset release "$@"; }
