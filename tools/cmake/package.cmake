# SPDX-License-Identifier: Apache-2.0
# A Debian package: cpack --config build/release/CPackConfig.cmake -B build/package
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  ${CMAKE_SOURCE_DIR}/SECURITY.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME stampede)
set(CPACK_PACKAGE_VENDOR "the stampede authors")
set(CPACK_PACKAGE_CONTACT "the stampede authors <stampede@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "signs a whole package index with TUF")
set(CPACK_PACKAGE_DESCRIPTION "Hashes every distribution file of a package index at the speed of the
hardware, builds TUF hashed-bin metadata (PEP 458), signs it with Ed25519 and publishes one
consistent snapshot that TUF clients accept.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
find_program(STP_DPKG_SHLIBDEPS dpkg-shlibdeps)
find_program(STP_FILE file)
if(STP_DPKG_SHLIBDEPS AND STP_FILE)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS systemd)
foreach(script postinst prerm postrm triggers)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/tools/cmake/debian/${script})
endforeach()
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
