# cmake -Dwhat=library|everything -Dsource=DIR -Dbuild=DIR -Dcompiler=PATH -Dgenerator=NAME
#   [-Dtoolchain=FILE -Demulator=PATH] -P install_test.cmake
#
# Installs into a fresh prefix, then builds and runs strategies/example against what is there.
#   library     the library alone, from sources, with every other package hidden: a compiler must be enough
#   everything  the build that runs this test, with its tools
cmake_minimum_required(VERSION 3.25)
set(work "${build}/install-test/${what}")
set(prefix "${work}/prefix")
file(REMOVE_RECURSE "${work}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(require_equal what found expected)
  if(NOT found STREQUAL expected)
    message(FATAL_ERROR "${what}: found\n${found}\ninstead of\n${expected}")
  endif()
endfunction()

function(configure_and_build from to)
  run(${CMAKE_COMMAND} -S ${from} -B ${to} -G ${generator} -DCMAKE_CXX_COMPILER=${compiler}
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE=${toolchain} ${ARGN})
  run(${CMAKE_COMMAND} --build ${to})
endfunction()

if(what STREQUAL "library")
  set(hidden asmjit benchmark Boost Catch2 CLI11 fmt nlohmann_json Python3)
  list(TRANSFORM hidden REPLACE "(.+)" "-DCMAKE_DISABLE_FIND_PACKAGE_\\1=ON")
  configure_and_build(${source} ${work}/library -DPATCHBENCH_TOOLS=OFF ${hidden})
  run(${CMAKE_COMMAND} --install ${work}/library --prefix ${prefix})
  file(GLOB tools ${prefix}/bin/*)
  require_equal("tools beside the library alone" "${tools}" "")
else()
  run(${CMAKE_COMMAND} --install ${build} --prefix ${prefix})
  run(${emulator} ${prefix}/bin/bench-run --version)
  run(${emulator} ${prefix}/bin/bench-report --version)
  run(${emulator} ${prefix}/bin/bench-probe --version)
  run(${emulator} ${prefix}/bin/bench-compare --version)
  file(GLOB pages RELATIVE ${prefix}/share/man/man1 ${prefix}/share/man/man1/*)
  require_equal("man pages" "${pages}" "bench-compare.1;bench-probe.1;bench-report.1;bench-run.1")
endif()

# Every header of strategies/ but the tests' is installed, and each compiles without the source tree.
file(GLOB headers RELATIVE ${source}/strategies ${source}/strategies/*.hpp)
list(FILTER headers EXCLUDE REGEX "_test")
file(GLOB_RECURSE installed RELATIVE ${prefix}/include/patchbench/strategies
  ${prefix}/include/patchbench/strategies/*)
require_equal("installed headers" "${installed}" "${headers}")
set(includes "")
foreach(header IN LISTS headers)
  string(APPEND includes "#include <patchbench/strategies/${header}>\n")
endforeach()
file(WRITE ${work}/every_header.cpp "${includes}")
run(${compiler} -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I${prefix}/include ${work}/every_header.cpp)

configure_and_build(${source}/strategies/example ${work}/example -DCMAKE_PREFIX_PATH=${prefix})
run(${emulator} ${work}/example/lift_a_code_zone)
require_equal("what the example prints" "${output}" "before: 1\nafter: 2\n")

# A virtual machine may be a shared library: every object of the installed one goes into one.
file(GLOB_RECURSE archive ${prefix}/lib*/libpatchbench_strategies.a)
file(WRITE ${work}/shared.cpp
  "#include <patchbench/strategies/memfd_dual.hpp>\n"
  "std::size_t reserve() { return patchbench::MemfdDualZone{{.size = 4096}}.size(); }\n")
run(${compiler} -std=c++20 -fPIC -shared -I${prefix}/include ${work}/shared.cpp
  -Wl,--whole-archive ${archive} -Wl,--no-whole-archive -Wl,-z,defs -o ${work}/libvm.so)
