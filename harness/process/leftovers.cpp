#include "harness/process/leftovers.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <sys/ipc.h>
#include <sys/shm.h>

namespace patchbench::harness {
namespace {

// proc(5), /proc/sysvipc/shm: key, shmid, perms, size, cpid, ...
std::vector<int> segments_of(pid_t process) {
  std::ifstream file("/proc/sysvipc/shm");
  std::string line;
  std::getline(file, line);  // the columns' names
  std::vector<int> ids;
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    long long key = 0;
    int id = 0;
    std::string mode;
    unsigned long long size = 0;
    pid_t creator = 0;
    if (columns >> key >> id >> mode >> size >> creator && creator == process) ids.push_back(id);
  }
  return ids;
}

// As strategies/mapping.cpp names them.
std::vector<std::filesystem::path> shared_memory_of(pid_t process) {
  std::vector<std::filesystem::path> paths;
  const std::string prefix = fmt::format("patchbench-{}-", process);
  std::error_code none;  // without /dev/shm nothing is left there
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", none)) {
    if (entry.path().filename().string().starts_with(prefix)) paths.push_back(entry.path());
  }
  return paths;
}

}  // namespace

std::vector<Leftover> find_leftovers(pid_t process) {
  std::vector<Leftover> left;
  for (const int id : segments_of(process)) {
    left.push_back({.what = "a System V segment", .name = fmt::format("shmid {}", id)});
  }
  for (const std::filesystem::path& path : shared_memory_of(process)) {
    left.push_back({.what = "a file in /dev/shm", .name = path.string()});
  }
  return left;
}

std::vector<Leftover> remove_leftovers(pid_t process) {
  std::vector<Leftover> left = find_leftovers(process);
  for (const int id : segments_of(process)) shmctl(id, IPC_RMID, nullptr);
  for (const std::filesystem::path& path : shared_memory_of(process)) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  return left;
}

}  // namespace patchbench::harness
