#include "tariffs/validity.h"

#include "tariffs/file_error.h"
#include "tariffs/tariff_values.h"
#include "tariffs/yaml_reader.h"
#include "tariffs/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::tariffs {

namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr std::size_t steps_max = 16;
constexpr seconds extension_max = days(3650);

std::optional<seconds> read_extension(const YamlNode& node, FileErrors& errors) {
  return read_duration(node, errors, days(1), extension_max);
}

std::optional<TopUpValidity::Step> read_step(const YamlNode& node, FileErrors& errors) {
  YamlMap map(node, "a step of the validity", errors);
  const YamlNode* const from = map.require("from", "the least amount of a top-up, such as 10.00");
  const YamlNode* const extends = map.require("extends", "by how much it extends, such as 30 d");
  map.finish();
  const auto amount = from == nullptr ? std::nullopt : read_money(*from, errors);
  const auto time = extends == nullptr ? std::nullopt : read_extension(*extends, errors);
  if (!amount || !time) return std::nullopt;
  return TopUpValidity::Step{*amount, *time};
}

void read_steps(const YamlNode& node, TopUpValidity& validity, FileErrors& errors) {
  if (node.kind != YamlNode::Kind::sequence) {
    if (const auto time = read_extension(node, errors)) validity.steps = {{Money(), *time}};
    return;
  }
  if (!check_count(node, errors, "steps", 1, steps_max)) return;
  for (const YamlNode& item : node.items) {
    const auto step = read_step(item, errors);
    if (!step) continue;
    if (!validity.steps.empty() && step->from <= validity.steps.back().from) {
      errors.add(item.position, "a step is not from more than the one before", "ascending amounts");
    }
    validity.steps.push_back(*step);
  }
}

}  // namespace

seconds TopUpValidity::extension(Money top_up) const {
  seconds extends{0};
  for (const Step& step : steps) {
    if (step.from <= top_up) extends = step.extends;
  }
  return extends;
}

std::optional<TopUpValidity> read_top_up_validity(const YamlNode& node, FileErrors& errors) {
  const std::size_t errors_before = errors.count();
  YamlMap map(node, "the validity", errors);
  TopUpValidity validity;
  if (const YamlNode* top_up = map.require("top_up", "by how much it extends, such as 30 d")) {
    read_steps(*top_up, validity, errors);
  }
  if (const YamlNode* grace = map.require("grace", "a duration such as 15 d, or 0 s")) {
    validity.grace = read_duration(*grace, errors, seconds(0), extension_max).value_or(seconds(0));
  }
  map.finish();
  if (errors.count() > errors_before) return std::nullopt;
  return validity;
}

std::string validity_text(const TopUpValidity& validity) {
  std::string text;
  for (const TopUpValidity::Step& step : validity.steps) {
    if (!text.empty()) text += ", ";
    if (step.from.micros > 0) text += fmt::format("from {} on ", step.from.to_string());
    text += duration_text(step.extends);
  }
  return fmt::format("{}; grace {}", text, duration_text(validity.grace));
}

}  // namespace farthing::tariffs
