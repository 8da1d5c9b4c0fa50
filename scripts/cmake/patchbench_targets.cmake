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

# patchbench_library(NAME SOURCES... ): one static library per folder, called patchbench_<folder>.
function(patchbench_library folder)
  add_library(patchbench_${folder} STATIC ${ARGN})
  target_include_directories(patchbench_${folder} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_link_libraries(patchbench_${folder} PRIVATE $<BUILD_INTERFACE:patchbench_build_options>)
endfunction()

# patchbench_fuzzer(NAME LIBRARY SOURCES...): a program that libFuzzer drives; built by the target `fuzzers`.
function(patchbench_fuzzer name library)
  add_executable(${name} EXCLUDE_FROM_ALL ${ARGN})
  target_link_libraries(${name} PRIVATE ${library} patchbench_build_options)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
endfunction()
