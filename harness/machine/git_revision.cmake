# Runs at every build: writes ${OUTPUT} with the revision of ${SOURCE}, and touches it only when that changed.
cmake_minimum_required(VERSION 3.25)
set(revision "")
find_package(Git QUIET)
if(Git_FOUND)
  execute_process(
    COMMAND ${GIT_EXECUTABLE} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(revision ${found})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"// Written by harness/machine/git_revision.cmake.
#pragma once

#include <string_view>

namespace patchbench::harness {

inline constexpr std::string_view kGitRevision = \"@revision@\";

}  // namespace patchbench::harness
" @ONLY)
