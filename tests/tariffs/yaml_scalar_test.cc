#include "tariffs/yaml_scalar.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace farthing::tariffs {
namespace {

using std::chrono::seconds;

YamlNode scalar(std::string text) {
  YamlNode node;
  node.kind = YamlNode::Kind::scalar;
  node.position = {4, 2};
  node.text = std::move(text);
  return node;
}

// What a reader says to a text: "ok", or its error's message.
template <class Reader>
std::string answer(const std::string& text, Reader reader) {
  FileErrors errors("f");
  const bool has_value = reader(scalar(text), errors).has_value();
  EXPECT_EQ(has_value, errors.empty()) << text;
  if (has_value) return "ok";
  return to_string(errors.take().at(0));
}

std::string octets_answer(const std::string& text) {
  return answer(text, [](const YamlNode& node, FileErrors& errors) {
    return read_octets(node, errors, 1, std::uint64_t{1} << 40);
  });
}

std::string duration_answer(const std::string& text) {
  return answer(text, [](const YamlNode& node, FileErrors& errors) {
    return read_duration(node, errors, seconds(1), seconds(86400));
  });
}

TEST(YamlScalar, Octets) {
  FileErrors errors("f");
  constexpr std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(read_octets(scalar("0 B"), errors, 0, highest), 0u);
  EXPECT_EQ(read_octets(scalar("1 KiB"), errors, 0, highest), 1024u);
  EXPECT_EQ(read_octets(scalar("100MiB"), errors, 0, highest), 104'857'600u);
  EXPECT_EQ(read_octets(scalar("3 GiB"), errors, 0, highest), 3'221'225'472u);
  EXPECT_EQ(read_octets(scalar("2 TiB"), errors, 0, highest), std::uint64_t{2} << 40);
  EXPECT_TRUE(errors.empty());
}

TEST(YamlScalar, OctetsRefused) {
  const std::string form = "; expected a whole number and one of B, KiB, MiB, GiB, TiB";
  EXPECT_EQ(octets_answer("100"), "f:4:2: \"100\" has no unit" + form);
  EXPECT_EQ(octets_answer("100 MB"),
            "f:4:2: \"MB\" can mean units of 1000 or of 1024; "
            "expected KiB, MiB, GiB or TiB, which are 1024-based");
  EXPECT_EQ(octets_answer("1 kb").substr(0, 15), "f:4:2: \"kb\" can");
  EXPECT_EQ(octets_answer("1 MIB"), "f:4:2: unknown unit \"MIB\" (did you mean \"MiB\"?)" + form);
  EXPECT_EQ(octets_answer("1 parsec"), "f:4:2: unknown unit \"parsec\"" + form);
  for (const char* text :
       {"1.5 GiB", "-1 KiB", "+1 KiB", "01 KiB", "1  KiB", "1 KiB ", "1 ", "KiB", "0x10 KiB",
        "1e3 KiB", "1_000 KiB", "1,000 KiB", "1 KiB 2", "99999999999999999999 KiB"}) {
    EXPECT_EQ(octets_answer(text), "f:4:2: " + in_quotes(text) + " is no quantity" + form) << text;
  }
  EXPECT_EQ(octets_answer("2 TiB"), "f:4:2: \"2 TiB\" is out of range; expected 1 B to 1 TiB");
  EXPECT_EQ(octets_answer("0 B"), "f:4:2: \"0 B\" is out of range; expected 1 B to 1 TiB");
  EXPECT_EQ(
      octets_answer("18446744073709551615 TiB").find("f:4:2: \"18446744073709551615 TiB\" is out"),
      0u);
}

TEST(YamlScalar, Durations) {
  FileErrors errors("f");
  EXPECT_EQ(read_duration(scalar("90 s"), errors, seconds(0), seconds(1'000'000)), seconds(90));
  EXPECT_EQ(read_duration(scalar("2 min"), errors, seconds(0), seconds(1'000'000)), seconds(120));
  EXPECT_EQ(read_duration(scalar("1 h"), errors, seconds(0), seconds(1'000'000)), seconds(3600));
  EXPECT_EQ(read_duration(scalar("10 d"), errors, seconds(0), seconds(1'000'000)),
            seconds(864'000));
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(duration_answer("30"),
            "f:4:2: \"30\" has no unit; expected a whole number and one of s, min, h, d");
  EXPECT_EQ(duration_answer("2 d"), "f:4:2: \"2 d\" is out of range; expected 1 s to 1 d");
  EXPECT_EQ(duration_answer("5 m").substr(0, 22), "f:4:2: unknown unit \"m");
}

TEST(YamlScalar, Integers) {
  const auto integer = [](const std::string& text) {
    return answer(text, [](const YamlNode& node, FileErrors& errors) {
      return read_integer(node, errors, 1, 4096);
    });
  };
  EXPECT_EQ(integer("1"), "ok");
  EXPECT_EQ(integer("4096"), "ok");
  EXPECT_EQ(integer("0"), "f:4:2: \"0\" is out of range; expected a whole number from 1 to 4096");
  for (const char* text : {"010", "0x10", "1.0", "1e3", "-1", "ten", "1 s"}) {
    EXPECT_EQ(integer(text), "f:4:2: " + in_quotes(text) +
                                 " is no whole number; expected a whole number from 1 to 4096");
  }
  EXPECT_EQ(integer(""), "f:4:2: an empty text; expected a whole number from 1 to 4096");
}

TEST(YamlScalar, BooleansChoicesAndNames) {
  FileErrors errors("f");
  EXPECT_EQ(read_boolean(scalar("true"), errors), true);
  EXPECT_EQ(read_boolean(scalar("false"), errors), false);
  EXPECT_EQ(read_choice(scalar("own"), errors, {"any", "own"}), 1u);
  EXPECT_EQ(read_name(scalar("bundle-1g"), errors), "bundle-1g");
  EXPECT_TRUE(errors.empty());
  EXPECT_FALSE(read_boolean(scalar("yes"), errors));
  EXPECT_FALSE(read_choice(scalar("onw"), errors, {"any", "own"}));
  EXPECT_FALSE(read_name(scalar("two words"), errors));
  EXPECT_FALSE(read_name(scalar("-x"), errors));
  EXPECT_FALSE(read_name(scalar(std::string(65, 'x')), errors));
  const std::vector<FileError> taken = errors.take();
  ASSERT_EQ(taken.size(), 5u);
  EXPECT_EQ(taken[0].message, "\"yes\" is not allowed here; expected one of false, true");
  EXPECT_EQ(taken[1].message,
            "\"onw\" is not allowed here (did you mean \"own\"?); expected one of any, own");
}

TEST(YamlScalar, OtherKindsAreSaid) {
  FileErrors errors("f");
  YamlNode list;
  list.kind = YamlNode::Kind::sequence;
  list.position = {1, 1};
  EXPECT_FALSE(read_octets(list, errors, 1, 1024));
  EXPECT_FALSE(read_text(YamlNode{}, errors, "a name"));
  YamlNode refused;
  refused.kind = YamlNode::Kind::refused;
  EXPECT_FALSE(read_text(refused, errors, "a name"));
  const std::vector<FileError> taken = errors.take();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].message, "there is nothing here; expected a name");
  EXPECT_EQ(taken[1].message, "there is a list here; expected 1 B to 1 KiB");
}

RC_GTEST_PROP(YamlScalarProperty, PrintedQuantitiesAreReadBack, (std::uint64_t octets)) {
  FileErrors errors("f");
  const auto read = read_octets(scalar(octets_text(octets)), errors, 0,
                                std::numeric_limits<std::uint64_t>::max());
  RC_ASSERT(read == octets);
  const seconds duration(octets >> 2);
  RC_ASSERT(read_duration(scalar(duration_text(duration)), errors, seconds(0), seconds::max()) ==
            duration);
}

}  // namespace
}  // namespace farthing::tariffs
