#include "child_process_test.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <sstream>
#include <system_error>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator_test.hpp"
#include "mapping.hpp"

namespace patchbench::testing {
namespace {

constexpr int kBodyReturned = 42;    // unlike the exit codes of sanitizers and of the C library
constexpr unsigned kPatience = 100;  // seconds

// Parent and child share these; unlike a pipe they need no reader while the child runs.
Fd shared_text(const char* name) {
  Fd file{memfd_create(name, MFD_CLOEXEC)};
  if (!file) throw_errno("memfd_create");
  return file;
}

std::string text_in(const Fd& file) {
  const off_t size = lseek(file.get(), 0, SEEK_END);
  std::string text(static_cast<std::size_t>(size), '\0');
  const ssize_t got = pread(file.get(), text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

void write_line(const Fd& file, std::string line) {
  line += '\n';
  if (write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    _exit(EXIT_FAILURE);
  }
}

Report report_of(const std::function<Report()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    return {std::string("threw ") + error.what()};
  }
}

// The test framework's handlers would report the child's death as its own.
void take_signals_as_the_kernel_does() {
  for (const int number : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGINT, SIGSEGV, SIGTERM}) {
    signal(number, SIG_DFL);
  }
}

[[noreturn]] void be_the_child(const std::function<Report()>& body, const Fd& report,
                               const Fd& errors) {
  const rlimit no_core_file{};
  setrlimit(RLIMIT_CORE, &no_core_file);
  take_signals_as_the_kernel_does();
  alarm(kPatience);
  dup2(errors.get(), STDERR_FILENO);
  for (const std::string& line : report_of(body)) write_line(report, line);
  _exit(kBodyReturned);
}

Report lines_of(const std::string& text) {
  Report lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::string text_of(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

bool ChildOutcome::finished() const noexcept {
  return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == kBodyReturned;
}

int ChildOutcome::signal() const noexcept {
  return WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
}

std::string ChildOutcome::ending() const {
  if (finished()) return "returned";
  if (signal() != 0) {
    return text_of({"killed by signal ", std::to_string(signal()), " (", strsignal(signal()), ")"});
  }
  return "exited with " + std::to_string(WEXITSTATUS(wait_status));
}

ChildOutcome run_in_child(const std::function<Report()>& body) {
  const Fd report = shared_text("report");
  const Fd errors = shared_text("errors");
  ChildOutcome outcome;
  outcome.pid = fork();
  if (outcome.pid < 0) throw_errno("fork");
  if (outcome.pid == 0) be_the_child(body, report, errors);
  while (waitpid(outcome.pid, &outcome.wait_status, 0) < 0) {
    if (errno != EINTR) throw_errno("waitpid");
  }
  outcome.report = lines_of(text_in(report));
  outcome.error_output = without_words_of_emulator(text_in(errors));
  return outcome;
}

}  // namespace patchbench::testing
