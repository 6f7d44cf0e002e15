// Strict reading of YAML files that people write: tariffs and the server's configuration.
//
// A file is hostile input: every defect becomes a FileError with its place, as many of them in one
// run as can be found, and nothing is guessed. Beyond YAML's own rules these are refused: equal
// keys in one map, keys that nobody asked for, anchors and aliases, tags, more than one document,
// text that is not UTF-8, control characters, files over 16 MiB, over 64 levels or over 1,000,000
// values. (yaml-cpp by itself takes the first of two equal keys and expands aliases without bound.)
//
// Nodes own their text. Threads: no shared state.
#pragma once

#include "tariffs/file_error.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

struct YamlEntry;

// One value of a file.
struct YamlNode {
  enum class Kind : std::uint8_t {
    empty,
    scalar,
    sequence,
    map,
    refused,  // there is an error about it already
  };

  Kind kind = Kind::empty;
  FilePosition position;
  std::string text;                // of a scalar
  std::vector<YamlNode> items;     // of a sequence
  std::vector<YamlEntry> entries;  // of a map, in the order written; no two keys are equal
  std::uint16_t kilobyte = 0;  // what KB is in this file: 1000 or 1024; 0: the file does not say

  void set_kilobyte(std::uint16_t octets);  // of it and of all below it
};

struct YamlEntry {
  std::string key;
  FilePosition key_position;
  YamlNode value;
};

// The file's one document; nullopt where it cannot be read as one (the errors say why). There may
// be errors beside a value too (an equal key): whoever reads on adds theirs to them.
std::optional<YamlNode> read_yaml(std::string_view text, FileErrors& errors);

// A map read key by key; a key that was not asked for when finish() is called is an unknown one.
// The node and the errors must outlive it.
class YamlMap {
 public:
  // `what` names the map in messages: "the file", "service data". Nothing at all is a
  // map without keys. Any other node that is no map is an error, and then every key reads as
  // absent, without further errors.
  YamlMap(const YamlNode& node, std::string what, FileErrors& errors);

  const YamlNode* find(std::string_view key);                                // nullptr: absent
  const YamlNode* require(std::string_view key, std::string_view expected);  // absent: an error too
  void finish();

  // Where the key stands; where it is absent, the map.
  FilePosition key_position(std::string_view key) const;
  const std::string& what() const { return what_; }

 private:
  const YamlEntry* entry(std::string_view key) const;

  const YamlNode& node_;
  std::string what_;
  FileErrors& errors_;
  std::set<std::string, std::less<>> known_;
};

// Whether the node is of this kind; if not, and there is no error about it yet, there is now.
bool check_kind(const YamlNode& node, YamlNode::Kind kind, FileErrors& errors,
                std::string_view expected);

}  // namespace farthing::tariffs
