# The license and the pages beside the programs, and what `cpack` makes of all that is installed: a Debian package, which
# scripts/try-package tries.
if(NOT PATCHBENCH_TOOLS)
  return()
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR}
  FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "man" EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "patchbench contributors <contributors@patchbench.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# What is loaded or started where it is there, and named where it is not: names of events, figures, simulated counts.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libpfm4, gnuplot-nox, valgrind")
if(PATCHBENCH_ARCH STREQUAL "aarch64")
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
  # Read by cpack itself: dpkg-shlibdeps takes the libraries of this architecture.
  set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_BINARY_DIR}/package_for_arm64.cmake)
  file(WRITE ${CPACK_PROJECT_CONFIG_FILE} "set(ENV{DEB_HOST_ARCH} arm64)\n")
else()
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE amd64)
endif()
include(CPack)
