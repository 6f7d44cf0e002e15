#include "diameter/capabilities.h"

#include <algorithm>

namespace farthing::diameter {

namespace {

// RFC 6733 5.3.1: { } in the grammar of the CER.
constexpr AvpId required_avps[] = {AvpId::origin_host, AvpId::origin_realm, AvpId::host_ip_address,
                                   AvpId::vendor_id, AvpId::product_name};

constexpr std::uint32_t no_inband_security = 0;  // RFC 6733 6.10
constexpr std::uint32_t inband_tls = 1;

bool is_common_application(const Avp& avp, const ServerConfig& config) {
  const std::uint32_t id = avp.u32();
  return id == application::relay ||
         std::find(config.applications.begin(), config.applications.end(), id) !=
             config.applications.end();
}

// Clients say what they speak at the top level, inside Vendor-Specific-Application-Id, or in both.
bool has_common_application(const Message& cer, const ServerConfig& config) {
  for (const Avp& avp : cer.avps()) {
    if (avp.id == AvpId::auth_application_id && is_common_application(avp, config)) return true;
    if (avp.id != AvpId::vendor_specific_application_id) continue;
    for (const Avp& inside : cer.children(avp)) {
      if (inside.id == AvpId::auth_application_id && is_common_application(inside, config)) {
        return true;
      }
    }
  }
  return false;
}

// What of RFC 6733 6.10 the peer offers; none said is no security.
struct InbandOffer {
  bool none = true;
  bool tls = false;
};

InbandOffer inband_offer_of(const Message& cer) {
  bool is_said = false;
  InbandOffer offer;
  for (const Avp& avp : cer.avps()) {
    if (avp.id != AvpId::inband_security_id) continue;
    if (!is_said) offer.none = false;
    is_said = true;
    if (avp.u32() == no_inband_security) offer.none = true;
    if (avp.u32() == inband_tls) offer.tls = true;
  }
  return offer;
}

// What CER and CEA both say (RFC 6733 5.3.1, 5.3.2).
void put_capabilities(Writer& writer, const IpAddress& local, const ServerConfig& config) {
  writer.put_text(AvpId::origin_host, config.identity.origin_host);
  writer.put_text(AvpId::origin_realm, config.identity.origin_realm);
  if (config.host_ip_addresses.empty()) {
    writer.put_address(AvpId::host_ip_address, local.to_avp());
  }
  for (const IpAddress& address : config.host_ip_addresses) {
    writer.put_address(AvpId::host_ip_address, address.to_avp());
  }
  writer.put_u32(AvpId::vendor_id, config.vendor_id);
  writer.put_text(AvpId::product_name, config.product_name);
  writer.put_u32(AvpId::origin_state_id, config.identity.origin_state_id);
  for (const std::uint32_t id : config.supported_vendors) {
    writer.put_u32(AvpId::supported_vendor_id, id);
  }
  for (const std::uint32_t id : config.applications) {
    writer.put_u32(AvpId::auth_application_id, id);
  }
  for (const std::uint32_t id : config.applications) {
    writer.begin_group(AvpId::vendor_specific_application_id);
    writer.put_u32(AvpId::vendor_id, vendor::tgpp);
    writer.put_u32(AvpId::auth_application_id, id);
    writer.end_group();
  }
  if (config.firmware_revision) {
    writer.put_u32(AvpId::firmware_revision, *config.firmware_revision);
  }
}

}  // namespace

bool is_same_identity(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

const PeerRule* rule_of(std::string_view origin_host, const IpAddress& remote,
                        const ServerConfig& config) {
  for (const PeerRule& rule : config.peers_allowed) {
    const bool fits = rule.origin_host == "*" || is_same_identity(rule.origin_host, origin_host);
    if (fits && rule.network.contains(remote)) return &rule;
  }
  return nullptr;
}

CerVerdict check_cer(const Message& cer, const IpAddress& remote, bool is_secure,
                     const ServerConfig& config) {
  for (const AvpId id : required_avps) {
    if (cer.find(id) == nullptr) return {ResultCode::missing_avp, FailedAvp::missing(id)};
  }
  const PeerRule* rule = rule_of(cer.find(AvpId::origin_host)->text(), remote, config);
  if (rule == nullptr) return {ResultCode::unknown_peer};
  const InbandOffer offer = inband_offer_of(cer);
  const bool starts_tls = !is_secure && offer.tls && config.has_inband_tls;
  if (!is_secure && !starts_tls && (!offer.none || rule->certificate_required)) {
    return {ResultCode::no_common_security};
  }
  if (!has_common_application(cer, config)) return {ResultCode::no_common_application};
  return {.rule = rule, .starts_tls = starts_tls};
}

void write_cea(Buffer& out, const Message& cer, const CerVerdict& verdict, const IpAddress& local,
               const ServerConfig& config) {
  Writer writer(out);
  writer.begin_answer(cer.header(), is_protocol_error(verdict.code));
  writer.put_result(verdict.code);
  put_capabilities(writer, local, config);
  if (verdict.starts_tls) writer.put_u32(AvpId::inband_security_id, inband_tls);
  if (verdict.failed_avp) writer.put_failed_avp(*verdict.failed_avp);
  writer.finish();
}

void write_cer(Buffer& out, std::uint32_t hop_by_hop, std::uint32_t end_to_end,
               const IpAddress& local, const ServerConfig& config) {
  Writer writer(out);
  writer.begin(Header{command_flag::request, command::capabilities_exchange, application::base,
                      hop_by_hop, end_to_end});
  put_capabilities(writer, local, config);
  writer.finish();
}

std::string fault_of_cea(const Message& cea, const PeerRule& expected, const ServerConfig& config) {
  const Avp* const result = cea.find(AvpId::result_code);
  if (result == nullptr) return "a CEA without a Result-Code";
  if (result->u32() != static_cast<std::uint32_t>(ResultCode::success)) {
    return "the capabilities exchange was refused with " + std::to_string(result->u32());
  }
  const Avp* const host = cea.find(AvpId::origin_host);
  if (host == nullptr || !is_same_identity(host->text(), expected.origin_host)) {
    return "it calls itself " + std::string(host == nullptr ? "nothing" : host->text()) +
           "; the configuration expects " + expected.origin_host;
  }
  return has_common_application(cea, config) ? "" : "no application in common";
}

bool wins_election(std::string_view local, std::string_view remote) { return local > remote; }

}  // namespace farthing::diameter
