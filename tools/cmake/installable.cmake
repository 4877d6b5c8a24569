# SPDX-License-Identifier: Apache-2.0
# cmake --install and cpack refuse a test build before they put anything in place: STAMPEDE_* variables, or
# ASAN_OPTIONS of a sanitizer, would let anyone who starts the program decide what it signs and writes.
if(STP_TEST_HOOKS OR STP_SANITIZE)
  install(CODE [[message(FATAL_ERROR "stampede: this is a test build (STP_TEST_HOOKS or STP_SANITIZE): variables of "
    "the environment can make it publish wrong signatures. Nothing was installed; install the release build: "
    "cmake --workflow --preset release && cmake --install build/release")]] ALL_COMPONENTS)
endif()
