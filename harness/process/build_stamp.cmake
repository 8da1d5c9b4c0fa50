# build_stamp.cmake - writes OUTPUT, a header with one name for everything that FILES (separated by |) contain.
string(REPLACE "|" ";" files "${FILES}")
set(hashes "")
foreach(file IN LISTS files)
  file(SHA256 "${file}" hash)
  string(APPEND hashes "${hash}\n")
endforeach()
string(SHA256 stamp "${hashes}")
file(WRITE "${OUTPUT}" "#pragma once\n#define PATCHBENCH_BUILD_STAMP \"${stamp}\"\n")
