#include "tests/system/foreign_client.h"

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include <future>
#include <stdexcept>

namespace farthing::test {

namespace {

constexpr std::uint32_t credit_control = 4;  // RFC 8506: the application
constexpr std::uint32_t command_ccr = 272;   // and its command
constexpr const char* origin_host = "foreign.client.example";
constexpr const char* origin_realm = "client.example";

void must(int error, const std::string& what) {
  if (error != 0) throw std::runtime_error("libfdcore: " + what + ": " + std::to_string(error));
}

// The connection is open, or has failed: then there is no realm that the other side named.
void on_connection(peer_info* peer, void* data) {
  static_cast<std::promise<bool>*>(data)->set_value(peer->runtime.pir_realm != nullptr);
}

void connect(std::uint16_t port) {
  peer_info peer{};
  std::string server = "ocs.farthing.example";
  peer.pi_diamid = server.data();
  peer.pi_diamidlen = server.size();
  peer.config.pic_flags.pro4 = PI_P4_TCP;
  peer.config.pic_flags.sec = PI_SEC_NONE;
  peer.config.pic_port = port;
  fd_list_init(&peer.pi_endpoints, nullptr);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  must(fd_ep_add_merge(&peer.pi_endpoints, reinterpret_cast<sockaddr*>(&address), sizeof address,
                       EP_FL_CONF | EP_ACCEPTALL),
       "add an address");
  // It outlives this function where it is never called.
  static std::promise<bool> opened;
  must(fd_peer_add(&peer, "test", on_connection, &opened), "add a peer");
  auto outcome = opened.get_future();
  if (outcome.wait_for(patience) != std::future_status::ready || !outcome.get()) {
    throw std::runtime_error("libfdcore: does not connect");
  }
}

dict_object* find(dict_object_type type, int criteria, const void* what, const std::string& name) {
  dict_object* object = nullptr;
  must(fd_dict_search(fd_g_config->cnf_dict, type, criteria, what, &object, ENOENT),
       "not in its dictionary: " + name);
  return object;
}

void add(msg_or_avp* parent, const ForeignAvp& avp) {
  dict_object* const model = find(DICT_AVP, AVP_BY_NAME_ALL_VENDORS, avp.name.c_str(), avp.name);
  struct avp* added = nullptr;
  must(fd_msg_avp_new(model, 0, &added), "new " + avp.name);
  avp_value value{};
  if (const auto* children = std::get_if<ForeignAvps>(&avp.value)) {
    for (const ForeignAvp& child : *children) add(added, child);
  } else {
    if (const auto* number = std::get_if<std::int32_t>(&avp.value)) value.i32 = *number;
    if (const auto* number = std::get_if<std::uint64_t>(&avp.value)) value.u64 = *number;
    if (const auto* text = std::get_if<std::string>(&avp.value)) {
      // It copies the octets and does not write to them.
      value.os.data = reinterpret_cast<std::uint8_t*>(const_cast<char*>(text->data()));
      value.os.len = text->size();
    }
    must(fd_msg_avp_setvalue(added, &value), "the value of " + avp.name);
  }
  must(fd_msg_avp_add(parent, MSG_BRW_LAST_CHILD, added), "add " + avp.name);
}

std::string text_of(dict_avp_basetype type, const avp_value& value) {
  switch (type) {
    case AVP_TYPE_INTEGER32:
      return std::to_string(value.i32);
    case AVP_TYPE_INTEGER64:
      return std::to_string(value.i64);
    case AVP_TYPE_UNSIGNED32:
      return std::to_string(value.u32);
    case AVP_TYPE_UNSIGNED64:
      return std::to_string(value.u64);
    case AVP_TYPE_OCTETSTRING:
      return {reinterpret_cast<const char*>(value.os.data), value.os.len};
    default:
      return {};
  }
}

void read_children(msg_or_avp* parent, const std::string& path, ForeignAnswer& answer) {
  // fd_msg_browse() is a macro for C.
  msg_or_avp* found = nullptr;
  if (fd_msg_browse_internal(parent, MSG_BRW_FIRST_CHILD, &found, nullptr) != 0) return;
  while (found != nullptr) {
    auto* const at = static_cast<struct avp*>(found);
    dict_object* model = nullptr;
    must(fd_msg_model(at, &model), "model of an AVP");
    avp_hdr* header = nullptr;
    must(fd_msg_avp_hdr(at, &header), "header of an AVP");
    dict_avp_data definition{};
    if (model == nullptr || fd_dict_getval(model, &definition) != 0) {
      answer["unknown"].push_back(path + std::to_string(header->avp_code));
    } else if (definition.avp_basetype == AVP_TYPE_GROUPED) {
      answer[path + definition.avp_name].push_back("");
      read_children(at, path + definition.avp_name + "/", answer);
    } else {
      answer[path + definition.avp_name].push_back(
          text_of(definition.avp_basetype, *header->avp_value));
    }
    if (fd_msg_browse_internal(at, MSG_BRW_NEXT, &found, nullptr) != 0) return;
  }
}

// On a thread of libfdcore's.
void on_answer(void* data, msg** message) {
  auto& promise = *static_cast<std::promise<ForeignAnswer>*>(data);
  ForeignAnswer answer;
  fd_pei problem{};
  try {
    must(fd_msg_parse_dict(*message, fd_g_config->cnf_dict, &problem), "the dictionary refuses it");
    must(fd_msg_parse_rules(*message, fd_g_config->cnf_dict, &problem), "its rules refuse it");
    read_children(*message, "", answer);
    promise.set_value(std::move(answer));
  } catch (const std::exception&) {
    promise.set_exception(std::current_exception());
  }
  fd_msg_free(*message);
  *message = nullptr;
}

std::string configuration() {
  std::string text;
  text += "Identity = \"" + std::string(origin_host) + "\";\n";
  text += "Realm = \"" + std::string(origin_realm) + "\";\n";
  text += "No_SCTP;\nPort = 0;\nSecPort = 0;\n";  // It does not listen.
  for (const char* extension : {"dict_nasreq", "dict_dcca", "dict_dcca_3gpp"}) {
    text += "LoadExtension = \"" + std::string(extension) + ".fdx\";\n";
  }
  return text;
}

}  // namespace

ForeignClient::ForeignClient(const TempFolder& folder, std::uint16_t port) {
  fd_g_debug_lvl = FD_LOG_ERROR;
  std::string file = folder.write("freediameter.conf", configuration());
  must(fd_core_initialize(), "initialize");
  must(fd_core_parseconf(file.data()), "parse its configuration");
  dict_object* const application =
      find(DICT_APPLICATION, APPLICATION_BY_ID, &credit_control, "application 4");
  must(fd_disp_app_support(application, nullptr, 1, 0), "support application 4");
  must(fd_core_start(), "start");
  must(fd_core_waitstartcomplete(), "start");
  connect(port);
}

ForeignClient::~ForeignClient() {
  fd_core_shutdown();
  fd_core_wait_shutdown_complete();
}

ForeignAnswer ForeignClient::ask(const std::string& session_id, const ForeignAvps& avps) {
  dict_object* const command = find(DICT_COMMAND, CMD_BY_CODE_R, &command_ccr, "command 272");
  msg* message = nullptr;
  must(fd_msg_new(command, MSGFL_ALLOC_ETEID, &message), "new request");
  add(message, {"Session-Id", session_id});
  must(fd_msg_add_origin(message, 0), "add its origin");
  for (const ForeignAvp& avp : avps) add(message, avp);
  std::promise<ForeignAnswer> promise;
  auto answer = promise.get_future();
  must(fd_msg_send(&message, on_answer, &promise), "send");
  if (answer.wait_for(patience) != std::future_status::ready) {
    // The promise may still be kept by it: this process is of no more use.
    std::terminate();
  }
  return answer.get();
}

}  // namespace farthing::test
