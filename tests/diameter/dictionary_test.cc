#include "diameter/dictionary.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace farthing::diameter {
namespace {

TEST(Dictionary, FindsEveryRowByVendorAndCode) {
  for (std::size_t i = 1; i < avp_count; ++i) {
    const AvpDefinition& row = definition(static_cast<AvpId>(i));
    EXPECT_EQ(static_cast<std::size_t>(row.id), i);
    EXPECT_EQ(find_avp(row.vendor, row.code), row.id) << row.name;
    EXPECT_FALSE(row.name.empty());
  }
}

TEST(Dictionary, KnowsNoOtherVendorsAndCodes) {
  EXPECT_EQ(find_avp(0, 0), AvpId::unknown);
  EXPECT_EQ(find_avp(0, 0xffffffff), AvpId::unknown);
  EXPECT_EQ(find_avp(10415, 0xffffffff), AvpId::unknown);
  EXPECT_EQ(find_avp(9, 263), AvpId::unknown);
  EXPECT_EQ(find_avp(10415, 263), AvpId::unknown);
  EXPECT_EQ(name(AvpId::unknown), "unknown");
}

TEST(Dictionary, HasTheTypesOfTheTexts) {
  struct Row {
    std::uint32_t vendor, code;
    AvpId id;
    AvpType type;
    std::string_view name;
  };
  const Row rows[] = {
      {0, 263, AvpId::session_id, AvpType::utf8_string, "Session-Id"},
      {0, 264, AvpId::origin_host, AvpType::diameter_identity, "Origin-Host"},
      {0, 257, AvpId::host_ip_address, AvpType::address, "Host-IP-Address"},
      {0, 55, AvpId::event_timestamp, AvpType::time, "Event-Timestamp"},
      {0, 415, AvpId::cc_request_number, AvpType::unsigned32, "CC-Request-Number"},
      {0, 416, AvpId::cc_request_type, AvpType::enumerated, "CC-Request-Type"},
      {0, 421, AvpId::cc_total_octets, AvpType::unsigned64, "CC-Total-Octets"},
      {0, 429, AvpId::exponent, AvpType::integer32, "Exponent"},
      {0, 447, AvpId::value_digits, AvpType::integer64, "Value-Digits"},
      {0, 456, AvpId::multiple_services_credit_control, AvpType::grouped,
       "Multiple-Services-Credit-Control"},
      {10415, 873, AvpId::service_information, AvpType::grouped, "Service-Information"},
      {10415, 872, AvpId::reporting_reason, AvpType::enumerated, "Reporting-Reason"},
      {10415, 21, AvpId::tgpp_rat_type, AvpType::octet_string, "3GPP-RAT-Type"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(find_avp(row.vendor, row.code), row.id);
    EXPECT_EQ(definition(row.id).type, row.type) << row.name;
    EXPECT_EQ(name(row.id), row.name);
  }
}

TEST(Dictionary, HasFewAvpsThatMayStandOnce) {
  std::size_t count = 0;
  for (std::size_t i = 1; i < avp_count; ++i) {
    count += (definition(static_cast<AvpId>(i)).rules & avp_rule::once) != 0;
  }
  EXPECT_LE(count, 16u) << "the decoder counts no more than 16 of them";
}

TEST(Dictionary, NamesResultCodes) {
  EXPECT_EQ(name(ResultCode::success), "DIAMETER_SUCCESS");
  EXPECT_EQ(name(ResultCode::rating_failed), "DIAMETER_RATING_FAILED");
  EXPECT_EQ(name(static_cast<ResultCode>(5999)), "UNKNOWN_RESULT_CODE");
  EXPECT_TRUE(is_protocol_error(ResultCode::command_unsupported));
  EXPECT_FALSE(is_protocol_error(ResultCode::missing_avp));
}

}  // namespace
}  // namespace farthing::diameter
