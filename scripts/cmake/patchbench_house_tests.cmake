# Tests of the house itself: its layout, its scripts, and what it installs.
set(scripts "${PROJECT_SOURCE_DIR}/scripts")

# Of what is not compiled, and so the same in every configuration and for another architecture (label `once`).
function(patchbench_house_test name)
  add_test(NAME "house: ${name}" COMMAND ${ARGN})
  set_tests_properties("house: ${name}" PROPERTIES LABELS once)
endfunction()
if(NOT CMAKE_CROSSCOMPILING)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(python Python3::Interpreter)
  patchbench_house_test("includes run one way"
    ${python} "${scripts}/check_layering.py" "${PROJECT_SOURCE_DIR}")
  patchbench_house_test("the layering test can fail" ${python} "${scripts}/check_layering.py" --selftest)
  patchbench_house_test("one handwriting" ${python} "${scripts}/check_handwriting.py")
  patchbench_house_test("the handwriting test can fail" ${python} "${scripts}/check_handwriting.py" --selftest)
  patchbench_house_test("setup installs what is missing and nothing else" "${scripts}/setup_test")
  patchbench_house_test("unpack takes backports from where the release comes from" "${scripts}/unpack_test")
  patchbench_house_test("tune-host restores what it changed, whenever it is killed" "${scripts}/tune-host_test")
  patchbench_house_test("the end of a log shows the tests that failed" "${scripts}/failed_tests_test")
  patchbench_house_test("the README's figure is what the reference runs say" ${python} "${scripts}/draw_ratios" --check)
  patchbench_house_test("the test of the docs can fail" ${python} "${scripts}/check_docs.py" --selftest)
  patchbench_house_test("examples in docs/results-format.md print what is shown"
    ${python} "${scripts}/check_examples.py")
  patchbench_house_test("the test of these examples can fail" ${python} "${scripts}/check_examples.py" --selftest)
  set_tests_properties("house: examples in docs/results-format.md print what is shown"
    "house: the test of these examples can fail" PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
  patchbench_house_test("no measurement is typed in the paper" ${python} "${scripts}/check_paper.py")
  patchbench_house_test("the test of the paper can fail" ${python} "${scripts}/check_paper.py" --selftest)
  patchbench_house_test("help becomes man pages" ${python} "${scripts}/write_options" --selftest)
  if(TARGET bench-run)
    patchbench_house_test("links lead somewhere, and commands in README and docs work"
      ${python} "${scripts}/check_docs.py" --commands $<TARGET_FILE_DIR:bench-run>)
    if(PATCHBENCH_ARCH STREQUAL "x86_64")  # what --publish does is in its help, and the pages have that of one architecture
      patchbench_house_test("the pages of options are what --help says"
        ${python} "${scripts}/write_options" --check $<TARGET_FILE_DIR:bench-run>)
    endif()
    patchbench_house_test("the tables of README and docs are what bench-run knows"
      ${python} "${scripts}/readme" --check $<TARGET_FILE:bench-run>)
    patchbench_house_test("the paper is built from its run, and not where it does not hold"
      "${scripts}/paper_test" $<TARGET_FILE_DIR:bench-run>)
    set_tests_properties("house: the paper is built from its run, and not where it does not hold"
      PROPERTIES SKIP_RETURN_CODE 77)
    patchbench_house_test("recorders write traces, and the programs read them"
      ${python} "${scripts}/record_trace_test.py" $<TARGET_FILE_DIR:bench-run>)
    patchbench_house_test("ids stand where they are declared"
      ${python} "${scripts}/one_line" --ids $<TARGET_FILE:bench-run>)
  endif()
  patchbench_house_test("a strategy and a workload are a header and an entry each" ${python} "${scripts}/one_line")
  patchbench_house_test("the mutation test can fail" ${python} "${scripts}/mutants" --selftest)
  patchbench_house_test("every mutant turns a test red" ${python} "${scripts}/mutants")
  set_tests_properties("house: every mutant turns a test red"
    "house: a strategy and a workload are a header and an entry each" PROPERTIES
    LABELS slow TIMEOUT 7200 RUN_SERIAL ON)
endif()

# An installed library with sanitizers in it would need them in every project that links it.
if(NOT PATCHBENCH_SANITIZE)
  foreach(what library everything)
    add_test(NAME "install: ${what}, and the example built against it"
      COMMAND ${CMAKE_COMMAND} -Dwhat=${what} -Dsource=${PROJECT_SOURCE_DIR}
        -Dbuild=${PROJECT_BINARY_DIR} -Dcompiler=${CMAKE_CXX_COMPILER} -Dgenerator=${CMAKE_GENERATOR}
        -Dtoolchain=${CMAKE_TOOLCHAIN_FILE} -Demulator=${CMAKE_CROSSCOMPILING_EMULATOR}
        -P ${scripts}/cmake/install_test.cmake)
    set_tests_properties("install: ${what}, and the example built against it" PROPERTIES
      LABELS install TIMEOUT 600)
  endforeach()
endif()

# A kernel of another architecture, where programs for one are built. A minute to seven each, so that only the first is
# no `slow` one.
function(patchbench_guest_test name class label)
  add_test(NAME "guest: ${name}"
    COMMAND "${scripts}/guest_test.py" $<TARGET_FILE:bench-run> $<TARGET_FILE:count_self>
      $<TARGET_FILE:harness_test> ${class})
  set_tests_properties("guest: ${name}" PROPERTIES LABELS "${label}" TIMEOUT 600)
endfunction()
# SELinux is enforced in a machine of its own; what survives there is what the table in docs/policies.md is made from.
if(TARGET bench-probe AND NOT PATCHBENCH_SANITIZE)
  if(PATCHBENCH_ARCH STREQUAL "x86_64")
    set(guest_architecture x86-64)
    set(guest_label slow)
  else()
    set(guest_architecture arm64)
    set(guest_label guest)
  endif()
  add_test(NAME "guest: strategies survive as recorded, under SELinux too"
    COMMAND "${scripts}/selinux-guest" ${guest_architecture} $<TARGET_FILE:bench-probe>
      "--check=${PROJECT_SOURCE_DIR}/results/reference/policies/${PATCHBENCH_ARCH}.json")
  set_tests_properties("guest: strategies survive as recorded, under SELinux too" PROPERTIES
    LABELS ${guest_label} TIMEOUT 900)
endif()
if(TARGET count_self)
  patchbench_guest_test("output, status and files come back" ThePassage guest)
  patchbench_guest_test("every strategy works under a real kernel" EveryStrategy slow)
  patchbench_guest_test("perf_event counts, and instructions repeat" Counters slow)
  # Refusals, policies and single steps are a kernel's. Zones of 1 GiB are reserved there, which the kernel refuses where
  # that is more than the machine's memory.
  foreach(suite strategies_test send_test)
    add_test(NAME "guest: ${suite} under a real kernel"
      COMMAND "${scripts}/guest" arm64 --memory=2560 -- $<TARGET_FILE:${suite}>)
    set_tests_properties("guest: ${suite} under a real kernel" PROPERTIES LABELS slow TIMEOUT 600)
  endforeach()
  # qemu-user has the pages of the machine that it runs on, and only these. Without the tests that say that they are
  # the same with pages of any size, half of the time.
  foreach(suite strategies_test workload_test)
    add_test(NAME "guest: ${suite} with pages of 16 KiB"
      COMMAND "${scripts}/guest" arm64 --memory=2560 --pages=16k -- $<TARGET_FILE:${suite}> "~[any-page-size]")
    set_tests_properties("guest: ${suite} with pages of 16 KiB" PROPERTIES LABELS slow TIMEOUT 1200)
  endforeach()
endif()
