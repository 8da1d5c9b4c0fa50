// Where file-dual puts its file, what it says about that, and what stays of it: nothing.
#include "file_dual.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <patchbench_catch.hpp>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "child_findings_test.hpp"
#include "conformance_test.hpp"

namespace patchbench::testing {
namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "patchbench-test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw_errno("mkdtemp");
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool is_empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::string path_;
};

void use_only(const std::string& directory) { setenv("PATCHBENCH_EXEC_DIR", directory.c_str(), 1); }

// Tried before every other directory.
void prefer(const std::string& first, const std::string& second) {
  unsetenv("PATCHBENCH_EXEC_DIR");
  setenv("XDG_RUNTIME_DIR", first.c_str(), 1);
  setenv("TMPDIR", second.c_str(), 1);
}

const ZoneRequest kRequest{.size = kMiB};

// In a mount namespace of this process alone. False where there is no right to.
bool mount_tmpfs(const std::string& directory, unsigned long flags, const char* options) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", directory.c_str(), "tmpfs", flags, options) == 0;
}

Report no_right_to_mount() { return {text_of({kSkipped, "no right to mount"})}; }

TEST_CASE("file-dual uses PATCHBENCH_EXEC_DIR and says so") {
  const TemporaryDirectory directory;
  check_found_nothing(run_in_child([&] {
    use_only(directory.path());
    FileDualZone zone{kRequest};
    Violations found;
    found.expect(zone.describe().starts_with(directory.path() + " ("), zone.describe());
    found.expect(patches_and_executes(zone, zone.exec()), "it does not work");
    found.expect(directory.is_empty(), "its file has a name");
    return found.take();
  }));
}

TEST_CASE("file-dual names the file system") {
  const TemporaryDirectory directory;
  check_found_nothing(run_in_child([&] {
    if (!mount_tmpfs(directory.path(), 0, "size=4m")) return no_right_to_mount();
    use_only(directory.path());
    Violations found;
    found.expect(FileDualZone{kRequest}.describe() == directory.path() + " (tmpfs)", "it does not");
    return found.take();
  }));
}

TEST_CASE("file-dual tries nothing but PATCHBENCH_EXEC_DIR where that is set") {
  const TemporaryDirectory directory;
  const std::string missing = directory.path() + "/missing";
  check_found_nothing(run_in_child([&] {
    use_only(missing);
    Violations found;
    std::string what;
    const int error = errno_of_refusal<FileDualZone>(kRequest, &what);
    found.expect(error == ENOENT, "errno ", std::to_string(error));
    found.expect(what.starts_with("open ") && what.find(missing) != std::string::npos, what);
    return found.take();
  }));
}

TEST_CASE("file-dual goes on to the next directory") {
  const TemporaryDirectory directory;
  check_found_nothing(run_in_child([&] {
    prefer(directory.path() + "/missing", directory.path());
    Violations found;
    const std::string place = FileDualZone{kRequest}.describe();
    found.expect(place.starts_with(directory.path() + " ("), place);
    return found.take();
  }));
}

TEST_CASE("file-dual tells what a directory refuses rather than which cannot be opened") {
  check_found_nothing(run_in_child([] {
    prefer("/nowhere/first", "/nowhere/second");
    if (chdir("/proc") != 0) {  // "." is tried last, and no file can be made there
      throw_errno("chdir");
    }
    const SoftLimit limit{RLIMIT_FSIZE, 64 * kKiB};
    Violations found;
    std::string what;
    const int error = errno_of_refusal<FileDualZone>(kRequest, &what);
    found.expect(error == EFBIG, "errno ", std::to_string(error));
    found.expect(what.starts_with("ftruncate "), what);
    found.expect(what.find("/nowhere/second: open: ") != std::string::npos, what);
    return found.take();
  }));
}

// qemu-user executes nothing in place: its own mappings of a program's code are never executable.
Report noexec_refuses_nothing() {
  return {text_of({kSkipped, "qemu-user asks no file system whether it may execute"})};
}

TEST_CASE("file-dual is refused on a file system mounted noexec") {
  const TemporaryDirectory directory;
  check_found_nothing(run_in_child([&] {
    if (in_qemu_user()) return noexec_refuses_nothing();
    if (!mount_tmpfs(directory.path(), MS_NOEXEC, "size=4m")) return no_right_to_mount();
    use_only(directory.path());
    Violations found;
    const Holdings before = holdings();
    std::string what;
    const int error = errno_of_refusal<FileDualZone>(kRequest, &what);
    found.expect(error == EPERM, "errno ", std::to_string(error));
    found.expect(what.starts_with("mmap ") && what.find(directory.path()) != std::string::npos,
                 what);
    found.expect_nothing_gained_since(before, "being refused");
    return found.take();
  }));
}

TEST_CASE("file-dual passes over a directory that is mounted noexec") {
  const TemporaryDirectory noexec;
  const TemporaryDirectory usable;
  check_found_nothing(run_in_child([&] {
    if (in_qemu_user()) return noexec_refuses_nothing();
    if (!mount_tmpfs(noexec.path(), MS_NOEXEC, "size=4m")) return no_right_to_mount();
    prefer(noexec.path(), usable.path());
    Violations found;
    const std::string place = FileDualZone{kRequest}.describe();
    found.expect(place.starts_with(usable.path() + " ("), place);
    return found.take();
  }));
}

TEST_CASE("file-dual on a file system that is too small is an error and not SIGBUS") {
  const TemporaryDirectory directory;
  check_found_nothing(run_in_child([&] {
    if (!mount_tmpfs(directory.path(), 0, "size=64k")) return no_right_to_mount();
    use_only(directory.path());
    Violations found;
    std::string what;
    const int error = errno_of_refusal<FileDualZone>(kRequest, &what);
    found.expect(error == ENOSPC, "errno ", std::to_string(error));
    found.expect(what.starts_with("fallocate "), what);
    return found.take();
  }));
}

TEST_CASE("file-dual leaves no file when its process is killed") {
  const TemporaryDirectory directory;
  const ChildOutcome outcome = run_in_child([&]() -> Report {
    use_only(directory.path());
    FileDualZone zone{kRequest};
    const bool works = patches_and_executes(zone, zone.exec());
    raise(works ? SIGKILL : SIGABRT);
    return {};
  });
  CHECK(outcome.signal() == SIGKILL);
  CHECK(directory.is_empty());
}

TEST_CASE("of a zone larger than its file system what is committed works, and more is refused") {
  const TemporaryDirectory directory;
  check_found_nothing(run_in_child([&] {
    if (!mount_tmpfs(directory.path(), 0, "size=256k")) return no_right_to_mount();
    use_only(directory.path());
    Violations found;
    FileDualZone zone{ZoneRequest{.size = kMiB, .committed = 64 * 1024}};
    found.expect(patches_and_executes(zone, zone.exec()), "it does not work");
    commit(zone, 128 * 1024);
    found.expect(patches_and_executes(zone, zone.exec() + 100 * 1024), "more does not work");
    try {
      commit(zone, kMiB);
      found.expect(false, "more than there is is granted");
    } catch (const std::system_error& refused) {
      found.expect(refused.code().value() == ENOSPC, refused.what());
    }
    found.expect(call(zone.exec()) == 2, "the code is gone");
    return found.take();
  }));
}

}  // namespace
}  // namespace patchbench::testing
