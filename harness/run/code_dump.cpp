#include "harness/run/code_dump.hpp"

#include <algorithm>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "harness/base/exit_code.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/machine/machine.hpp"
#include "harness/plan/arena.hpp"
#include "harness/plan/parameters.hpp"
#include "harness/process/denial.hpp"
#include "harness/run/output_directory.hpp"
#include "results/model.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr std::uintptr_t kFar = std::uintptr_t{1} << 20U;

std::vector<const CodePiece*> by_address(const CodeSnapshot& snapshot) {
  std::vector<const CodePiece*> pieces;
  for (const CodePiece& piece : snapshot.pieces) pieces.push_back(&piece);
  std::ranges::stable_sort(pieces, {}, [](const CodePiece* piece) { return piece->address; });
  return pieces;
}

const CodeImage& image_of(const std::vector<CodeImage>& images, const CodePiece& piece) {
  return *std::ranges::find_if(images, [&](const CodeImage& image) {
    return piece.address >= image.address &&
           piece.address + piece.bytes.size() <= image.address + image.bytes.size();
  });
}

const CellFactory& factory_of(const Catalogue& catalogue, const ParsedCell& cell) {
  const CellFactory* factory = catalogue.find_cell(cell.strategy->info.id, cell.workload->id);
  if (factory == nullptr || factory->make == nullptr) {
    throw UsageError(fmt::format(
        "strategy '{}' does not run workload '{}'{}{}", cell.strategy->info.id, cell.workload->id,
        factory == nullptr ? "" : ": ", factory == nullptr ? "" : factory->unsupported));
  }
  if (factory->dump == nullptr) {
    throw UsageError(
        fmt::format("workload '{}' sends nothing: it has no code to show", cell.workload->id));
  }
  return *factory;
}

std::vector<CodeSnapshot> take_snapshots(const CellFactory& factory, const ParsedCell& cell,
                                         const Options& options) {
  SeededRandom random(options.seed);
  CellRequest request;
  request.params = cell.params;
  request.seed = options.seed;
  request.zone = options.zone;
  request.arena = find_arena().value_or(&no_arena)(random);
  return factory.dump(request);
}

std::string symbol_list(const CodeSnapshot& snapshot, const std::vector<CodeImage>& images) {
  std::string text = "# address size name file offset\n";
  for (const CodePiece* piece : by_address(snapshot)) {
    const CodeImage& image = image_of(images, *piece);
    text += fmt::format("{:#x} {} {} {} {}\n", piece->address, piece->bytes.size(), piece->name,
                        image.file, piece->address - image.address);
  }
  return text;
}

std::string script_for(const CodeSnapshot& snapshot, const std::vector<CodeImage>& images) {
  std::string text;
  for (const CodePiece* piece : by_address(snapshot)) {
    const CodeImage& image = image_of(images, *piece);
    text += fmt::format("echo '{}: {}'\n{} --start-address={:#x} --stop-address={:#x} | sed 1,6d\n",
                        snapshot.moment, piece->name, objdump_command(image), piece->address,
                        piece->address + piece->bytes.size());
  }
  return text;
}

void write_text(const fs::path& file, const std::string& text) {
  write_new_file(file, text.data(), text.size());
}

void write_snapshots(const std::vector<CodeSnapshot>& snapshots, const fs::path& directory) {
  std::string script =
      "#!/bin/sh\n# Written by bench-run --dump-code: every piece of code with its name.\n"
      "cd \"$(dirname \"$0\")\" || exit 1\n";
  for (const CodeSnapshot& snapshot : snapshots) {
    const std::vector<CodeImage> images = to_images(snapshot);
    for (const CodeImage& image : images) {
      write_new_file(directory / image.file, image.bytes.data(), image.bytes.size());
      say(stdout, "  {}\n", objdump_command(image));
    }
    write_text(directory / (as_file_name(snapshot.moment) + ".symbols"),
               symbol_list(snapshot, images));
    script += script_for(snapshot, images);
  }
  write_text(directory / "disassemble.sh", script);
}

}  // namespace

std::vector<CodeImage> to_images(const CodeSnapshot& snapshot) {
  std::vector<CodeImage> images;
  for (const CodePiece* piece : by_address(snapshot)) {
    const bool near = !images.empty() &&
                      piece->address < images.back().address + images.back().bytes.size() + kFar;
    if (!near) {
      const std::string number =
          images.empty() ? std::string() : fmt::format("-{}", images.size() + 1);
      images.push_back({.file = as_file_name(snapshot.moment) + number + ".bin",
                        .address = piece->address,
                        .bytes = {}});
    }
    CodeImage& image = images.back();
    const std::size_t offset = piece->address - image.address;
    image.bytes.resize(std::max(image.bytes.size(), offset + piece->bytes.size()));
    std::ranges::copy(piece->bytes, image.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  return images;
}

std::string objdump_command(const CodeImage& image) {
  return fmt::format("objdump -D -b binary -m {} --adjust-vma={:#x} {}", objdump_machine(),
                     image.address, image.file);
}

int dump_code(const Catalogue& catalogue, const Options& options) {
  const ParsedCell cell = parse_cell_id(catalogue, *options.dump_code);
  const CellFactory& factory = factory_of(catalogue, cell);
  const std::string id = results::cell_id(cell.workload->id, cell.strategy->info.id,
                                          shown_params(*cell.workload, cell.params));
  std::string name = "code-" + id;
  std::ranges::replace(name, '/', '-');
  const fs::path directory = options.out.value_or(name);
  try {
    const std::vector<CodeSnapshot> snapshots = take_snapshots(factory, cell, options);
    make_directory(directory);
    say(stdout, "{} in {}; sh {} shows it piece by piece, or in that directory:\n", id,
        directory.string(), (directory / "disassemble.sh").string());
    write_snapshots(snapshots, directory);
    return kDone;
  } catch (const std::system_error& error) {
    say(stderr, "bench-run: --dump-code={}: {}\n", id, explain(error).reason);
    return kFailed;
  }
}

}  // namespace patchbench::harness
