# Sourced by the scripts of this folder: where the tree is, and how compilations
# are cached. Hits must not depend on where the tree lies.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
export CCACHE_BASEDIR=$root
export CCACHE_NOHASHDIR=1
# With a precompiled header, its defines and time stamps are no part of the key.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
