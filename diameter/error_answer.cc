#include "diameter/error_answer.h"

namespace farthing::diameter {

namespace {

// An AVP of the request that is fit to be sent back: not the one that was refused.
const Avp* find_sound(const Message& request, AvpId id,
                      const std::optional<FailedAvp>& failed_avp) {
  const Avp* avp = request.find(id);
  if (avp == nullptr) return nullptr;
  const bool is_failed = failed_avp && failed_avp->groups_count == 0 &&
                         failed_avp->code == avp->code && failed_avp->vendor == avp->vendor;
  const AvpDefinition& known = definition(id);
  const bool is_sized =
      avp->size_bytes >= known.size_bytes_min && avp->size_bytes <= known.size_bytes_max;
  return is_failed || !is_sized ? nullptr : avp;
}

}  // namespace

void write_error_answer(Buffer& out, const Message& request, const Identity& identity,
                        ResultCode code, const std::optional<FailedAvp>& failed_avp,
                        std::string_view error_message) {
  Writer writer(out);
  writer.begin_answer(request.header(), is_protocol_error(code));
  // Session-Id first (RFC 6733 8.8), even the refused one: the client finds its session by it.
  if (const Avp* avp = request.find(AvpId::session_id)) {
    writer.put_bytes(AvpId::session_id, avp->bytes());
  }
  writer.put_text(AvpId::origin_host, identity.origin_host);
  writer.put_text(AvpId::origin_realm, identity.origin_realm);
  writer.put_result(code);
  if (request.header().application == application::credit_control && !is_protocol_error(code)) {
    writer.put_u32(AvpId::auth_application_id, application::credit_control);
    for (const AvpId id : {AvpId::cc_request_type, AvpId::cc_request_number}) {
      if (const Avp* avp = find_sound(request, id, failed_avp)) writer.put_u32(id, avp->u32());
    }
  }
  if (!error_message.empty()) writer.put_text(AvpId::error_message, error_message);
  if (failed_avp) writer.put_failed_avp(*failed_avp);
  writer.copy_all(request, AvpId::proxy_info);
  writer.finish();
}

}  // namespace farthing::diameter
