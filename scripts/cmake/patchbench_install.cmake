# What `cmake --install` puts in place: the strategies as a library for other projects, found with
# find_package(patchbench) and linked as patchbench::strategies, and the tools with their man pages.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(patchbench_headers ${CMAKE_INSTALL_INCLUDEDIR}/patchbench/strategies)
set(patchbench_package ${CMAKE_INSTALL_LIBDIR}/cmake/patchbench)

add_library(patchbench::strategies ALIAS patchbench_strategies)
target_compile_features(patchbench_strategies PUBLIC cxx_std_20)
set_target_properties(patchbench_strategies PROPERTIES EXPORT_NAME strategies)

install(TARGETS patchbench_strategies EXPORT patchbench
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/strategies/ DESTINATION ${patchbench_headers}
  FILES_MATCHING PATTERN "*.hpp"
  PATTERN "*_test*" EXCLUDE
  PATTERN "example" EXCLUDE)
# The library depends on nothing, so that the exported targets are the whole package configuration.
install(EXPORT patchbench NAMESPACE patchbench:: FILE patchbench-config.cmake
  DESTINATION ${patchbench_package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/patchbench-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/patchbench-config-version.cmake DESTINATION ${patchbench_package})

cmake_path(SET patchbench_layouts NORMALIZE "${CMAKE_INSTALL_BINDIR}/../libexec/patchbench")
foreach(layout 1 2 3)
  if(TARGET bench-run-layout-${layout})
    install(TARGETS bench-run-layout-${layout} RUNTIME DESTINATION ${patchbench_layouts})
  endif()
endforeach()
foreach(tool bench-run bench-report bench-compare bench-probe)
  if(TARGET ${tool})
    install(TARGETS ${tool} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(FILES ${PROJECT_SOURCE_DIR}/docs/man/${tool}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  endif()
endforeach()
# bench-report holds these scripts, and so their licences go with it.
if(TARGET bench-report)
  install(FILES ${PROJECT_SOURCE_DIR}/analysis/vendor/vega.LICENSE
    ${PROJECT_SOURCE_DIR}/analysis/vendor/vega-lite.LICENSE
    ${PROJECT_SOURCE_DIR}/analysis/vendor/vega-embed.LICENSE
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
