#include "tests/diameter/sample_messages.h"

namespace farthing::diameter::testing {

namespace {

constexpr std::uint8_t address[] = {10, 45, 0, 2};

void write_multiple_services(Writer& writer) {
  writer.begin_group(AvpId::multiple_services_credit_control);
  writer.begin_group(AvpId::requested_service_unit);
  writer.put_u64(AvpId::cc_total_octets, 10485760);
  writer.end_group();
  writer.begin_group(AvpId::used_service_unit);
  writer.put_u32(AvpId::reporting_reason, 3);
  writer.put_u32(AvpId::cc_time, 600);
  writer.put_u64(AvpId::cc_input_octets, 9000000);
  writer.put_u64(AvpId::cc_output_octets, 1485760);
  writer.end_group();
  writer.put_u32(AvpId::rating_group, 10);
  writer.end_group();
}

void write_service_information(Writer& writer) {
  writer.begin_group(AvpId::service_information);
  writer.begin_group(AvpId::ps_information);
  writer.put_bytes(AvpId::tgpp_charging_id, address);
  writer.put_address(AvpId::pdp_address, {Address::ipv4, address});
  writer.put_address(AvpId::sgsn_address, {Address::ipv4, address});
  writer.put_address(AvpId::ggsn_address, {Address::ipv4, address});
  writer.put_text(AvpId::called_station_id, "internet");
  writer.put_text(AvpId::tgpp_sgsn_mcc_mnc, "46000");
  writer.put_text(AvpId::tgpp_nsapi, "5");
  writer.put_text(AvpId::tgpp_rat_type, "\x06");
  writer.put_text(AvpId::tgpp_user_location_info, "0123456789abc");
  writer.end_group();
  writer.end_group();
}

}  // namespace

void write_sample_request(Buffer& out) {
  Writer writer(out);
  writer.begin(Header{0xc0, command::credit_control, application::credit_control, 0x1234, 0x5678});
  writer.put_text(AvpId::session_id, "pgw01.operator.example;1697000000;42;app_gy");
  writer.put_text(AvpId::origin_host, "pgw01.operator.example");
  writer.put_text(AvpId::origin_realm, "operator.example");
  writer.put_text(AvpId::destination_realm, "farthing.example");
  writer.put_u32(AvpId::auth_application_id, application::credit_control);
  writer.put_text(AvpId::service_context_id, "32251@3gpp.org");
  writer.put_u32(AvpId::cc_request_type, 2);
  writer.put_u32(AvpId::cc_request_number, 7);
  writer.put_time(AvpId::event_timestamp, base::Time(std::chrono::seconds(1700000000)));
  writer.begin_group(AvpId::subscription_id);
  writer.put_u32(AvpId::subscription_id_type, 0);
  writer.put_text(AvpId::subscription_id_data, "8613800138000");
  writer.end_group();
  write_multiple_services(writer);
  write_service_information(writer);
  writer.finish();
}

void write_sample_answer(Buffer& out, const Message& request) {
  Writer writer(out);
  writer.begin_answer(request.header());
  writer.put_text(AvpId::session_id, request.find(AvpId::session_id)->text());
  writer.put_result(ResultCode::success);
  writer.put_text(AvpId::origin_host, "ocs.farthing.example");
  writer.put_text(AvpId::origin_realm, "farthing.example");
  writer.put_u32(AvpId::auth_application_id, application::credit_control);
  writer.put_u32(AvpId::cc_request_type, request.find(AvpId::cc_request_type)->u32());
  writer.put_u32(AvpId::cc_request_number, request.find(AvpId::cc_request_number)->u32());
  const Avp* asked = request.find(AvpId::multiple_services_credit_control);
  const Avp* units = request.find(*asked, AvpId::requested_service_unit);
  writer.begin_group(AvpId::multiple_services_credit_control);
  writer.begin_group(AvpId::granted_service_unit);
  writer.put_u64(AvpId::cc_total_octets, request.find(*units, AvpId::cc_total_octets)->u64());
  writer.end_group();
  writer.put_u32(AvpId::rating_group, request.find(*asked, AvpId::rating_group)->u32());
  writer.put_u32(AvpId::validity_time, 3600);
  writer.put_result(ResultCode::success);
  writer.put_u32(AvpId::volume_quota_threshold, 1048576);
  writer.end_group();
  writer.finish();
}

}  // namespace farthing::diameter::testing
