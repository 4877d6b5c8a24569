# SPDX-License-Identifier: Apache-2.0
# What other programs are built with: headers, both libraries, a CMake package and a pkg-config file.
#
#   find_package(stampede 0.1 REQUIRED)                      stampede::stampede, shared
#   find_package(stampede 0.1 REQUIRED COMPONENTS static)    stampede::stampede_static besides
#   pkg-config --cflags --libs stampede                      shared; with --static the other
include(CMakePackageConfigHelpers)
set(STP_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/stampede)
install(DIRECTORY include/stampede DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Each in a file of its own: only who links the static library needs what stands behind it.
install(TARGETS stampede_lib EXPORT stampede-static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT stampede-static NAMESPACE stampede:: DESTINATION ${STP_PACKAGE_DIR})
if(TARGET stampede_shared)
  install(TARGETS stampede_shared EXPORT stampede-shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT stampede-shared NAMESPACE stampede:: DESTINATION ${STP_PACKAGE_DIR})
endif()
configure_package_config_file(tools/cmake/stampedeConfig.cmake.in ${CMAKE_BINARY_DIR}/stampedeConfig.cmake
  INSTALL_DESTINATION ${STP_PACKAGE_DIR} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/stampedeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/stampedeConfig.cmake ${CMAKE_BINARY_DIR}/stampedeConfigVersion.cmake
  DESTINATION ${STP_PACKAGE_DIR})

# Relative to the file itself, so that it is right wherever a package puts it.
file(RELATIVE_PATH STP_PC_TO_PREFIX /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
configure_file(tools/cmake/stampede.pc.in stampede.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/stampede.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
