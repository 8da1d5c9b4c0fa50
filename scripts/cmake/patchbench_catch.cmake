# Catch2 v2 (Debian 12) and v3 differ in header and targets; tests include <patchbench_catch.hpp> and link
# patchbench_catch, and never learn which one it is.
find_package(Catch2 REQUIRED)
include(Catch)
set(patchbench_catch_dir "${PROJECT_BINARY_DIR}/generated")
add_library(patchbench_catch INTERFACE)
target_include_directories(patchbench_catch SYSTEM INTERFACE "${patchbench_catch_dir}")
if(Catch2_VERSION VERSION_GREATER_EQUAL 3)
  file(WRITE "${patchbench_catch_dir}/patchbench_catch.hpp"
    "#pragma once\n#include <catch2/catch_all.hpp>\nusing Catch::Approx;\n")
  target_link_libraries(patchbench_catch INTERFACE Catch2::Catch2WithMain)
else()
  file(WRITE "${patchbench_catch_dir}/patchbench_catch.hpp"
    "#pragma once\n#include <catch2/catch.hpp>\n")
  if(CMAKE_CROSSCOMPILING)
    # Debian's package holds the compiled half for the machine that builds.
    file(WRITE "${patchbench_catch_dir}/patchbench_catch_main.cpp"
      "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
    add_library(patchbench_catch_main STATIC "${patchbench_catch_dir}/patchbench_catch_main.cpp")
    target_link_libraries(patchbench_catch INTERFACE Catch2::Catch2 patchbench_catch_main)
  else()
    target_link_libraries(patchbench_catch INTERFACE Catch2::Catch2WithMain)
  endif()
  set(patchbench_catch_arguments --warn NoTests)
endif()

if(PATCHBENCH_TOOLS)
  # What such a test is for stands in a library: optimising the test's own macros would take half of the compiler's time.
  add_library(patchbench_text_test INTERFACE)
  target_link_libraries(patchbench_text_test INTERFACE fmt::fmt)
  target_compile_options(patchbench_text_test INTERFACE $<$<CONFIG:Release>:-O0>)
  patchbench_precompiled(patchbench_test_precompiled LIBRARIES patchbench_catch patchbench_text_test
    HEADERS ${patchbench_standard_headers} <patchbench_catch.hpp> <fmt/format.h> <fmt/ranges.h>)
endif()
patchbench_precompiled(patchbench_optimised_test_precompiled
  LIBRARIES patchbench_catch HEADERS ${patchbench_standard_headers} <patchbench_catch.hpp>)

# patchbench_test(NAME [PURE | FEW] [PORTABLE] [OPTIMISED] SOURCES... [APART sources...] LIBRARIES... [LABEL label]):
# one executable, one CTest entry per test case. Of APART: patchbench_unity().
# PURE: its cases compute and compare, and leave nothing in the process that the next one could see. Where starting a
# process is slow (PATCHBENCH_WHOLE_SUITES: sanitizers, an emulator), such a suite is one entry, without its [trials]:
# seconds of arithmetic in Release are minutes there.
# FEW: its cases start programs several times each, and what they test is the same in every configuration. Where starting
# a process is slow, those tagged [everywhere] stand for all.
# PORTABLE: nothing in it knows the architecture, so that it is not there when another one's is built and emulated.
# OPTIMISED: compiled like the tools, because templates that are measured are instantiated in it, or because it computes
# for minutes. The others have fmt, and are not optimised.
# An entry that finds no test case of its name is red (version 3 needs no argument for that): a semicolon splits a name
# in two that do not exist.
function(patchbench_test name)
  cmake_parse_arguments(arg "PURE;FEW;PORTABLE;OPTIMISED" "LABEL" "SOURCES;LIBRARIES;APART" ${ARGN})
  if(arg_PORTABLE AND CMAKE_CROSSCOMPILING)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES} ${arg_APART})
  if(PATCHBENCH_UNITY)
    patchbench_unity(${name} APART ${arg_APART})
  endif()
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} patchbench_catch patchbench_build_options)
  if(arg_OPTIMISED)
    patchbench_reuse(${name} patchbench_optimised_test_precompiled)
  else()
    target_link_libraries(${name} PRIVATE patchbench_text_test)
    patchbench_reuse(${name} patchbench_test_precompiled)
  endif()
  if(arg_LABEL)
    set(labels LABELS ${arg_LABEL})
  endif()
  if(arg_PURE AND PATCHBENCH_WHOLE_SUITES)
    add_test(NAME "${name}" COMMAND ${name} "~[trials]~[.]")
    set_tests_properties("${name}" PROPERTIES TIMEOUT 1200 ${labels})
    return()
  endif()
  if(arg_FEW AND PATCHBENCH_WHOLE_SUITES)
    set(few TEST_SPEC "[everywhere]")
  endif()
  catch_discover_tests(${name} ${few} TEST_PREFIX "${name}: " EXTRA_ARGS ${patchbench_catch_arguments}
    PROPERTIES TIMEOUT 600 ${labels})
endfunction()
