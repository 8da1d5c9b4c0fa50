# What every target of this project has in common: the architecture, warnings, sanitizers, and where its headers are
# found.

# As files are named for it: publish_x86_64.cpp, calibration_aarch64.cpp.
string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" PATCHBENCH_ARCH)
string(REPLACE "amd64" "x86_64" PATCHBENCH_ARCH "${PATCHBENCH_ARCH}")
string(REPLACE "arm64" "aarch64" PATCHBENCH_ARCH "${PATCHBENCH_ARCH}")
if(NOT EXISTS ${PROJECT_SOURCE_DIR}/strategies/publish_${PATCHBENCH_ARCH}.cpp)
  message(FATAL_ERROR "patchbench does not know the architecture '${PATCHBENCH_ARCH}'. "
    "What a new one needs: CONTRIBUTING.md, \"Adding\".")
endif()

# Programs stand together, whatever folder they come from.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

add_library(patchbench_build_options INTERFACE)
target_compile_options(patchbench_build_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor
  -Wno-psabi)  # on AArch64 GCC notes wherever it passes a pair what it would have done before version 10
if(PATCHBENCH_SANITIZE)
  target_compile_options(patchbench_build_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(patchbench_build_options INTERFACE -fsanitize=address,undefined)
endif()
if(PATCHBENCH_FUZZ)
  target_compile_options(patchbench_build_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(patchbench_build_options INTERFACE -fsanitize=fuzzer-no-link)
  add_custom_target(fuzzers)
endif()
# Debug builds compare the bytes a patch replaces with the bytes it states (strategies/code_zone.hpp).
target_compile_definitions(patchbench_build_options INTERFACE
  $<$<CONFIG:Debug>:PATCHBENCH_CHECK_PATCHES=1>)

# patchbench_precompiled(NAME LIBRARIES... HEADERS...): headers of other projects, parsed once for all targets that then
# say patchbench_reuse(TARGET NAME). These must link the same libraries: their definitions are part of what was parsed.
# Only what most files include, and what costs nothing where it is not used: g++ instantiates what inline functions of
# CLI11 and nlohmann/json call in every file that has their headers, a second or more in each.
# Without clang, and so every file still includes what it uses: what clang precompiles has the path of its build inside,
# and ccache would hand that to another clone.
set(patchbench_standard_headers <algorithm> <array> <charconv> <chrono> <cmath> <filesystem> <fstream> <functional>
  <map> <memory> <optional> <random> <set> <span> <string> <string_view> <vector>)
set(patchbench_precompiled_options -fpch-preprocess)  # for ccache, with what scripts/common.sh sets for it
function(patchbench_precompiled name)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  cmake_parse_arguments(arg "" "" "LIBRARIES;HEADERS" ${ARGN})
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/${name}.cpp" CONTENT "")
  add_library(${name} STATIC EXCLUDE_FROM_ALL "${PROJECT_BINARY_DIR}/generated/${name}.cpp")
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} patchbench_build_options)
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
  target_compile_options(${name} PRIVATE ${patchbench_precompiled_options})
endfunction()
function(patchbench_reuse target precompiled)
  if(TARGET ${precompiled})
    target_precompile_headers(${target} REUSE_FROM ${precompiled})
    target_compile_options(${target} PRIVATE ${patchbench_precompiled_options})
  endif()
endfunction()

# patchbench_unity(TARGET APART sources...): headers are read once for several sources. Names in anonymous namespaces
# must differ within a target. `sources` stay alone: they take as long as others together.
function(patchbench_unity target)
  cmake_parse_arguments(arg "" "" "APART" ${ARGN})
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  set_source_files_properties(${arg_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# patchbench_library(NAME SOURCES... ): one static library per folder, called patchbench_<folder>.
function(patchbench_library folder)
  add_library(patchbench_${folder} STATIC ${ARGN})
  if(PATCHBENCH_UNITY STREQUAL "ALL")
    patchbench_unity(patchbench_${folder})
  endif()
  target_include_directories(patchbench_${folder} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(patchbench_${folder} PRIVATE $<BUILD_INTERFACE:patchbench_build_options>)
endfunction()

# patchbench_compiled_quickly(TARGET [EXCEPT sources...]): a release has at -O1 what never runs while something is timed.
# That takes two thirds of the time of -O3, for which whoever runs scripts/run for the first time waits. `sources` have
# all optimisation: they run in children that measure, or compute for minutes. context.flags of a run are theirs. Because
# of their flags CMake compiles them alone, also where the others are read together.
function(patchbench_compiled_quickly target)
  cmake_parse_arguments(arg "" "" "EXCEPT" ${ARGN})
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(PATCHBENCH_UNITY)
    patchbench_unity(${target})
  endif()
  if(arg_EXCEPT)
    set_source_files_properties(${arg_EXCEPT} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O3>)
  endif()
endfunction()

# patchbench_fuzzer(NAME LIBRARY SOURCES...): a program that libFuzzer drives; built by the target `fuzzers`.
function(patchbench_fuzzer name library)
  add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
  target_link_libraries(${name} PRIVATE ${library} patchbench_build_options)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
endfunction()
