# libpfm4, which comes without CMake files: the target libpfm4::libpfm4 and libpfm4_VERSION.
find_path(libpfm4_INCLUDE_DIR perfmon/pfmlib_perf_event.h)
find_library(libpfm4_LIBRARY pfm)
# Its headers tell the 4 alone; the file's name has the rest: libpfm.so.4.13.0.
if(libpfm4_LIBRARY)
  file(REAL_PATH "${libpfm4_LIBRARY}" libpfm4_file)
  if(libpfm4_file MATCHES "libpfm\\.so\\.([0-9.]+)$")
    set(libpfm4_VERSION "${CMAKE_MATCH_1}")
  endif()
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(libpfm4 REQUIRED_VARS libpfm4_LIBRARY libpfm4_INCLUDE_DIR
  VERSION_VAR libpfm4_VERSION
  REASON_FAILURE_MESSAGE "install libpfm4-dev (for arm64: libpfm4-dev:arm64), as scripts/setup does")
mark_as_advanced(libpfm4_INCLUDE_DIR libpfm4_LIBRARY)
if(libpfm4_FOUND AND NOT TARGET libpfm4::libpfm4)
  add_library(libpfm4::libpfm4 UNKNOWN IMPORTED)
  set_target_properties(libpfm4::libpfm4 PROPERTIES
    IMPORTED_LOCATION "${libpfm4_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${libpfm4_INCLUDE_DIR}")
endif()
