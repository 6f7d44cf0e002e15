// Records as CSV and JSON: every field where the documentation says, whatever bytes came in.
#include "engine/records/text.h"

#include "storage/memory_store.h"

#include <boost/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace farthing::engine::records {
namespace {

namespace json = boost::json;
using testing::ElementsAre;

// One line taken apart as RFC 4180 says; empty where it is malformed.
std::vector<std::vector<std::string>> parse_csv(std::string_view text) {
  std::vector<std::vector<std::string>> lines(1, {""});
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string& cell = lines.back().back();
    if (quoted && text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      cell += text[++i];
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == ',') {
      lines.back().emplace_back();
    } else if (!quoted && text[i] == '\n') {
      lines.push_back({""});
    } else {
      cell += text[i];
    }
  }
  EXPECT_FALSE(quoted);
  EXPECT_EQ(lines.back(), std::vector<std::string>{""});
  lines.pop_back();
  return lines;
}

ChargingRecord sample() {
  ChargingRecord record;
  record.kind = EntryKind::session_terminated;
  record.account = AccountNumber(7);
  record.subscriber = SubscriberNumber(1);
  record.session_id = "gw;\"1\",\n2";
  record.service_context = "32251@3gpp.org";
  record.attributes =
      std::string("\x05\x08internet\x07\x01\x06\x0c\x06\x00\x01\x0a\x00\x00\x01", 21);
  record.opened_at = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  record.closed_at = record.opened_at + std::chrono::milliseconds(61'500);
  record.requests = 3;
  record.first = Sequence(10);
  record.last = Sequence(12);
  record.charged_micros = 1'500'000;
  record.overage_micros = 250'000;
  record.segments.resize(2);
  SegmentCharge& segment = record.segments[0];
  segment.is_known = true;
  segment.rating_group = RatingGroup(10);
  segment.version = tariffs::TariffVersion(3);
  segment.tax = tariffs::Percent{190'000};
  segment.units = 1024;
  segment.charged_micros = 1'500'000;
  segment.overage_micros = 250'000;
  record.segments[1].units = 5;
  record.allowances = {{0, BucketNumber(2), 100}, {0, BucketNumber(4), 20}};
  return record;
}

class TextTest : public testing::Test {
 protected:
  TextTest() : tariffs_(store_) {
    who_.name = "acme, \"ltd\"";
    who_.msisdn = *Identity::make(Identity::Kind::e164, "8613800138000");
  }
  std::string text(Format format, const ChargingRecord& record) {
    std::string out;
    append_record(format, record, who_, tariffs_, out);
    return out;
  }
  // By column's name.
  std::vector<std::map<std::string, std::string>> rows(const ChargingRecord& record) {
    const auto lines = parse_csv(header_line(Format::csv) + text(Format::csv, record));
    std::vector<std::map<std::string, std::string>> found;
    for (std::size_t i = 1; i < lines.size(); ++i) {
      EXPECT_EQ(lines[i].size(), lines[0].size());
      auto& row = found.emplace_back();
      for (std::size_t k = 0; k < lines[i].size(); ++k) row[lines[0][k]] = lines[i][k];
    }
    return found;
  }

  storage::MemoryStore store_;
  TariffNames tariffs_;
  Who who_;
};

TEST_F(TextTest, csv_has_a_line_for_each_charge) {
  auto found = rows(sample());
  ASSERT_EQ(found.size(), 2u);
  auto& row = found[0];
  EXPECT_EQ(row["record"], "session_terminated");
  EXPECT_EQ(row["complete"], "true");
  EXPECT_EQ(row["account"], "acme, \"ltd\"");
  EXPECT_EQ(row["account_number"], "7");
  EXPECT_EQ(row["msisdn"], "8613800138000");
  EXPECT_EQ(row["session_id"], "gw;\"1\",\n2");
  EXPECT_EQ(row["opened_at"], "2026-06-01T00:00:00.000Z");
  EXPECT_EQ(row["closed_at"], "2026-06-01T00:01:01.500Z");
  EXPECT_EQ(row["first_used_at"], "");
  EXPECT_EQ(row["first_entry"], "10");
  EXPECT_EQ(row["last_entry"], "12");
  EXPECT_EQ(row["charge"], "1");
  EXPECT_EQ(row["charges"], "2");
  EXPECT_EQ(row["rating_group"], "10");
  EXPECT_EQ(row["units"], "1024");
  EXPECT_EQ(row["charged"], "1.500000");
  EXPECT_EQ(row["paid"], "1.250000");
  EXPECT_EQ(row["overage"], "0.250000");
  EXPECT_EQ(row["allowance_units"], "120");
  EXPECT_EQ(row["allowances"], "2:100;4:20");
  EXPECT_EQ(row["access_point"], "internet");
  EXPECT_EQ(row["rat_type"], "6");
  EXPECT_EQ(row["pdp_address"], "10.0.0.1");
  EXPECT_EQ(row["routing_number"], "");
  EXPECT_EQ(row["tax_rate"], "19");
  EXPECT_EQ(row["tax"], "0.239496");
  EXPECT_EQ(found[1]["tax_rate"], "");
  EXPECT_EQ(found[1]["tax"], "");
  EXPECT_EQ(found[1]["charge"], "2");
  EXPECT_EQ(found[1]["units"], "5");
  EXPECT_EQ(found[1]["unit"], "");
}

TEST_F(TextTest, what_belongs_to_no_segment_is_a_charge_of_its_own) {
  ChargingRecord record = sample();
  record.charged_micros += 10;
  auto found = rows(record);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[2]["charged"], "0.000010");
  EXPECT_EQ(found[2]["charges"], "3");
  record.segments.clear();
  record.offer = "bundle";
  found = rows(record);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]["charged"], "1.500010");
  EXPECT_EQ(found[0]["rule"], "bundle");
}

TEST_F(TextTest, json_is_one_line_with_the_same) {
  const std::string line = text(Format::json, sample());
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const json::value value = json::parse(line);
  EXPECT_EQ(value.at("account").as_string(), who_.name);
  EXPECT_EQ(value.at("session_id").as_string(), "gw;\"1\",\n2");
  EXPECT_TRUE(value.at("imsi").is_null());
  EXPECT_EQ(value.at("charged").as_string(), "1.500000");
  ASSERT_EQ(value.at("charges").as_array().size(), 2u);
  const json::value& charge = value.at("charges").at(0);
  EXPECT_EQ(charge.at("rating_group").as_int64(), 10);
  EXPECT_EQ(charge.at("overage").as_string(), "0.250000");
  EXPECT_EQ(charge.at("tax_rate").as_string(), "19");
  EXPECT_EQ(charge.at("tax").as_string(), "0.239496");
  EXPECT_FALSE(value.at("charges").at(1).as_object().contains("tax"));
  EXPECT_EQ(charge.at("allowances").at(1).at("units").as_int64(), 20);
  EXPECT_EQ(value.at("network").at("access_point").as_string(), "internet");
}

TEST_F(TextTest, any_bytes_give_text_that_others_can_read) {
  ChargingRecord record = sample();
  for (unsigned first = 0; first < 256; ++first) {
    const std::string bytes = {static_cast<char>(first), '"', '\\', '\xc3', '\n', ','};
    record.session_id = bytes;
    record.attributes = std::string("\x01\x06", 2) + bytes;
    json::error_code error;
    json::parse(text(Format::json, record), error);
    EXPECT_FALSE(error) << first;
    EXPECT_EQ(rows(record).size(), 2u) << first;
    record.attributes = bytes;  // no list at all
    json::parse(text(Format::json, record), error);
    EXPECT_FALSE(error) << first;
    EXPECT_EQ(rows(record).size(), 2u) << first;
  }
}

TEST_F(TextTest, attributes_are_shown_by_what_they_are) {
  const auto shown = [](std::uint8_t id, std::string_view value) {
    std::string out;
    append_attribute(id, value, out);
    return out;
  };
  EXPECT_EQ(shown(10, std::string_view("\x00\x00\x01\x02", 4)), "258");
  EXPECT_EQ(shown(8, "abc"), "0x616263");
  EXPECT_EQ(shown(1, "sip:a@b"), "sip:a@b");
  EXPECT_EQ(shown(1, "\xff\x01"), "0xff01");
  EXPECT_EQ(shown(12, std::string_view("\x0a\x00\x00\x01", 4)), "10.0.0.1");
  EXPECT_EQ(shown(12, std::string_view("\x00\x02\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 18)),
            "2001:db8::1");
  EXPECT_EQ(shown(12, "odd"), "0x6f6464");
}

}  // namespace
}  // namespace farthing::engine::records
