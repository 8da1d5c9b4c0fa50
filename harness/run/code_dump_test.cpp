#include "harness/run/code_dump.hpp"

#include <patchbench_catch.hpp>

namespace patchbench::harness {
namespace {

CodePiece piece(std::string name, std::uintptr_t address, std::size_t size, int value) {
  return {.name = std::move(name),
          .address = address,
          .bytes = std::vector<std::byte>(size, static_cast<std::byte>(value))};
}

}  // namespace

TEST_CASE("pieces that lie together share an image, with nothing but zeros between them") {
  const auto images = to_images(
      {.moment = "linked", .pieces = {piece("b", 0x1010, 4, 2), piece("a", 0x1000, 3, 1)}});
  REQUIRE(images.size() == 1);
  CHECK(images[0].file == "linked.bin");
  CHECK(images[0].address == 0x1000);
  REQUIRE(images[0].bytes.size() == 0x14);
  CHECK(images[0].bytes[2] == std::byte{1});
  CHECK(images[0].bytes[3] == std::byte{0});
  CHECK(images[0].bytes[0x10] == std::byte{2});
}

TEST_CASE("pieces far from each other have images of their own") {
  const auto images = to_images(
      {.moment = "linked", .pieces = {piece("a", 0x1000, 16, 1), piece("b", 0x7000'0000, 16, 2)}});
  REQUIRE(images.size() == 2);
  CHECK(images[1].file == "linked-2.bin");
  CHECK(images[1].address == 0x7000'0000);
  CHECK(images[1].bytes.size() == 16);
}

TEST_CASE("pieces inside others do not shorten them") {
  const auto images = to_images(
      {.moment = "pic", .pieces = {piece("whole", 0x1000, 64, 1), piece("part", 0x1010, 4, 1)}});
  REQUIRE(images.size() == 1);
  CHECK(images[0].bytes == std::vector<std::byte>(64, std::byte{1}));
}

TEST_CASE("no pieces, no image") { CHECK(to_images({.moment = "empty", .pieces = {}}).empty()); }

TEST_CASE("objdump gets the addresses at which the code ran") {
  const CodeImage image{.file = "linked.bin", .address = 0x2000'0000, .bytes = {}};
  const std::string command = objdump_command(image);
  CHECK(command.starts_with("objdump -D -b binary -m "));
  CHECK(command.ends_with(" --adjust-vma=0x20000000 linked.bin"));
}

}  // namespace patchbench::harness
