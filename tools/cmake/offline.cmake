# SPDX-License-Identifier: Apache-2.0
# stampede-offline: what holders of keys need on a machine without a network, in one static program. It has the
# modules that ceremonies need and nothing that reads or writes repositories; the same sources give the same
# bytes, wherever they are built with the same compiler and libraries.
set(OFFLINE_SOURCES)
foreach(module base hash cjson scheme keys verify ceremony)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/engine/${module}/*.c)
  list(APPEND OFFLINE_SOURCES ${sources})
endforeach()
foreach(name show sign export add status signature_file)
  list(APPEND OFFLINE_SOURCES ${CMAKE_SOURCE_DIR}/engine/run/ceremony/${name}.c)
endforeach()
foreach(name key public_key_file source)
  list(APPEND OFFLINE_SOURCES ${CMAKE_SOURCE_DIR}/engine/run/key/${name}.c)
endforeach()
foreach(name main verbs cli log stdout progress value hints passphrase key key_show ceremony ceremony_collect
    offline/absent)
  list(APPEND OFFLINE_SOURCES ${CMAKE_SOURCE_DIR}/engine/cli/${name}.c)
endforeach()

add_executable(stampede-offline ${OFFLINE_SOURCES})
set_target_properties(stampede-offline PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_compile_definitions(stampede-offline PRIVATE STP_OFFLINE=1)
target_compile_options(stampede-offline PRIVATE -ffunction-sections -fdata-sections)
target_include_directories(stampede-offline PRIVATE ${CMAKE_SOURCE_DIR}/engine ${CMAKE_SOURCE_DIR}/include)
foreach(library sodium crypto jansson)
  find_library(STP_STATIC_${library} lib${library}.a REQUIRED)
endforeach()
target_link_libraries(stampede-offline PRIVATE stp_flags Threads::Threads
  ${STP_STATIC_sodium} ${STP_STATIC_crypto} ${STP_STATIC_jansson} m)
# The linker warns of the C library's own dlopen, which is part of every static program and is never reached.
target_link_options(stampede-offline PRIVATE -static-pie LINKER:--gc-sections LINKER:--build-id=none)
