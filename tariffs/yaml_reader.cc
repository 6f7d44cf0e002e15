#include "tariffs/yaml_reader.h"

#include "engine/base/assert.h"
#include "tariffs/plain_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace farthing::tariffs {
namespace {

constexpr std::size_t file_bytes_max = 16 << 20;
constexpr std::size_t levels_max = 64;
constexpr std::size_t values_max = 1'000'000;

// Ends the reading of a file about which the error has been added already.
struct Stopped {};

FilePosition position_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

bool is_clean_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

// What follows the place in the text; columns count bytes.
std::string_view text_from(std::string_view text, FilePosition position) {
  for (std::uint32_t line = 1; line < position.line; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(std::min<std::size_t>(position.column - 1, text.size()));
}

// Whether a quoted scalar, with which the text begins, has its closing quote. Anything else has.
bool is_closed(std::string_view text) {
  if (text.empty() || (text.front() != '\'' && text.front() != '"')) return true;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != '\'') return true;
      ++i;
    }
  }
  return false;
}

// Builds the tree of nodes from yaml-cpp's events, each with its place.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(FileErrors& errors) : errors_(errors) {}

  bool has_root() const { return has_root_; }
  YamlNode take_root() { return std::move(root_); }
  FilePosition last_quoted() const { return last_quoted_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (has_root_) stop(position_of(mark), "a second document begins here", "one document a file");
  }
  void OnDocumentEnd() override {}

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    errors_.add(position_of(mark), fmt::format("the anchor {} is not allowed", in_quotes(name)),
                "the value itself, wherever it is used");
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    errors_.add(position_of(mark), "an alias is not allowed", "the value itself");
    put(make(YamlNode::Kind::refused, mark));
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    put(make(YamlNode::Kind::empty, mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    YamlNode node = make(YamlNode::Kind::scalar, mark);
    check_tag(mark, tag);
    if (tag == "!") last_quoted_ = node.position;
    // An escape ("\0") can bring in what the text of the file does not hold.
    if (!is_clean_text(value)) {
      errors_.add(node.position, "the text holds a control character", "printable characters");
      node.kind = YamlNode::Kind::refused;
    }
    node.text = value;
    put(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::sequence, mark, tag);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, tag);
  }
  void OnMapEnd() override { close(); }

 private:
  // A sequence or map whose end has not come yet.
  struct Open {
    YamlNode node;
    std::unordered_map<std::string, FilePosition> keys;  // of a map, those so far
    std::optional<YamlEntry> entry;  // of a map, the one that waits for its value
    bool entry_refused = false;
  };

  [[noreturn]] void stop(FilePosition position, std::string message, std::string_view expected) {
    errors_.add(position, std::move(message), expected);
    throw Stopped{};
  }

  YamlNode make(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (++values_ > values_max) stop(position_of(mark), "too many values", "at most 1,000,000");
    YamlNode node;
    node.kind = kind;
    node.position = position_of(mark);
    return node;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    const bool implied = tag.empty() || tag == "?" || tag == "!";
    if (!implied) {
      errors_.add(position_of(mark), fmt::format("the tag {} is not allowed", in_quotes(tag)),
                  "a value without a tag");
    }
  }

  bool waits_for_key() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::map && !open_.back().entry;
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    // yaml-cpp takes a bracket that is never closed for the beginning of such a key too.
    if (waits_for_key()) {
      stop(position_of(mark), "a list or a map as a key, or a bracket that is not closed",
           "a word");
    }
    if (open_.size() == levels_max) {
      stop(position_of(mark), "nested too deeply", "at most 64 levels");
    }
    check_tag(mark, tag);
    Open opened;
    opened.node = make(kind, mark);
    open_.push_back(std::move(opened));
  }

  void close() {
    FARTHING_ASSERT(!open_.empty());
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    put(std::move(node));
  }

  void put(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      has_root_ = true;
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::sequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.entry) {
      begin_entry(parent, std::move(node));
    } else {
      // yaml-cpp gives nothing the place of what comes after it.
      if (node.kind == YamlNode::Kind::empty) node.position = parent.entry->key_position;
      parent.entry->value = std::move(node);
      if (!parent.entry_refused) parent.node.entries.push_back(std::move(*parent.entry));
      parent.entry.reset();
    }
  }

  void begin_entry(Open& map, YamlNode key) {
    map.entry_refused = key.kind != YamlNode::Kind::scalar;
    if (key.kind == YamlNode::Kind::empty) errors_.add(key.position, "a key is empty", "a word");
    if (key.kind == YamlNode::Kind::scalar) {
      const auto [known, is_new] = map.keys.emplace(key.text, key.position);
      if (!is_new) {
        errors_.add(key.position,
                    fmt::format("the key {} is written twice, first in line {}",
                                in_quotes(key.text), known->second.line),
                    "each key once");
        map.entry_refused = true;
      }
    }
    map.entry = YamlEntry{std::move(key.text), key.position, {}};
  }

  FileErrors& errors_;
  std::vector<Open> open_;
  YamlNode root_;
  bool has_root_ = false;
  FilePosition last_quoted_{1, 1};
  std::size_t values_ = 0;
};

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::empty:
      return "nothing";
    case YamlNode::Kind::scalar:
      return "a single value";
    case YamlNode::Kind::sequence:
      return "a list";
    case YamlNode::Kind::map:
      return "a map";
    case YamlNode::Kind::refused:
      break;
  }
  FARTHING_ASSERT(false);
  return "";
}

}  // namespace

void YamlNode::set_kilobyte(std::uint16_t octets) {
  kilobyte = octets;
  for (YamlNode& item : items) item.set_kilobyte(octets);
  for (YamlEntry& entry : entries) entry.value.set_kilobyte(octets);
}

std::optional<YamlNode> read_yaml(std::string_view text, FileErrors& errors) {
  if (text.size() > file_bytes_max) {
    errors.add({}, fmt::format("the file has {} bytes", text.size()), "at most 16 MiB");
    return std::nullopt;
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  // yaml-cpp would replace what is no character silently.
  if (!check_characters(text, errors)) return std::nullopt;

  TreeBuilder builder(errors);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stopped&) {
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    errors.add(position_of(error.mark), fmt::format("this is not YAML: {}", error.msg));
    return std::nullopt;
  }
  // yaml-cpp takes the end of the file for the end of a quoted scalar.
  if (!is_closed(text_from(text, builder.last_quoted()))) {
    errors.add(builder.last_quoted(), "this is not YAML: a quote is opened and not closed");
    return std::nullopt;
  }
  if (!builder.has_root()) {
    errors.add({}, "the file is empty");
    return std::nullopt;
  }
  return builder.take_root();
}

bool check_kind(const YamlNode& node, YamlNode::Kind kind, FileErrors& errors,
                std::string_view expected) {
  if (node.kind == kind) return true;
  if (node.kind != YamlNode::Kind::refused) {
    errors.add(node.position, fmt::format("there is {} here", kind_name(node.kind)), expected);
  }
  return false;
}

YamlMap::YamlMap(const YamlNode& node, std::string what, FileErrors& errors)
    : node_(node), what_(std::move(what)), errors_(errors) {
  if (node.kind != YamlNode::Kind::empty) {
    check_kind(node, YamlNode::Kind::map, errors, fmt::format("the keys of {}", what_));
  }
}

const YamlEntry* YamlMap::entry(std::string_view key) const {
  for (const YamlEntry& entry : node_.entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

const YamlNode* YamlMap::find(std::string_view key) {
  known_.emplace(key);
  const YamlEntry* found = entry(key);
  return found == nullptr ? nullptr : &found->value;
}

const YamlNode* YamlMap::require(std::string_view key, std::string_view expected) {
  const YamlNode* found = find(key);
  const bool is_map = node_.kind == YamlNode::Kind::map || node_.kind == YamlNode::Kind::empty;
  if (found == nullptr && is_map) {
    errors_.add(node_.position, fmt::format("the key {} is missing in {}", in_quotes(key), what_),
                expected);
  }
  return found;
}

void YamlMap::finish() {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const YamlEntry& entry : node_.entries) {
    if (known_.contains(entry.key)) continue;
    errors_.add(entry.key_position,
                fmt::format("unknown key {} in {}{}", in_quotes(entry.key), what_,
                            did_you_mean(entry.key, known)),
                fmt::format("{}", fmt::join(known, ", ")));
  }
}

FilePosition YamlMap::key_position(std::string_view key) const {
  const YamlEntry* found = entry(key);
  return found == nullptr ? node_.position : found->key_position;
}

}  // namespace farthing::tariffs
