/* A client that is not ours: libfdcore with its own dictionaries connects to a server, sends credit
 * control requests, prints the Result-Code of each answer, and says goodbye.
 *
 *   diameter_freediameter_client CONFIG SERVER_IDENTITY REQUESTS
 *
 * libfdcore starts only once in a process, so this is one. It checks every answer against its rules
 * and throws away those that break them: then "lost" is printed. */
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { application_credit_control = 4, command_credit_control = 272, wait_seconds_max = 20 };

static sem_t answered;

static struct dict_object* object_of(uint32_t avp_code) {
  struct dict_object* object = NULL;
  if (fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_CODE, &avp_code, &object, ENOENT) !=
      0) {
    exit(3);
  }
  return object;
}

static void add(struct msg* message, uint32_t code, union avp_value* value) {
  struct avp* avp = NULL;
  if (fd_msg_avp_new(object_of(code), 0, &avp) != 0 || fd_msg_avp_setvalue(avp, value) != 0 ||
      fd_msg_avp_add(message, MSG_BRW_LAST_CHILD, avp) != 0) {
    exit(3);
  }
}

static void add_number(struct msg* message, uint32_t code, uint32_t number) {
  union avp_value value;
  memset(&value, 0, sizeof value);
  value.u32 = number;
  add(message, code, &value);
}

static void add_text(struct msg* message, uint32_t code, const char* text) {
  union avp_value value;
  memset(&value, 0, sizeof value);
  value.os.data = (uint8_t*)text;
  value.os.len = strlen(text);
  add(message, code, &value);
}

static void on_answer(void* data, struct msg** message) {
  (void)data;
  struct avp* avp = NULL;
  struct avp_hdr* header = NULL;
  if (fd_msg_search_avp(*message, object_of(268), &avp) == 0 && avp != NULL &&
      fd_msg_avp_hdr(avp, &header) == 0 && header->avp_value != NULL) {
    printf("result %u\n", header->avp_value->u32);
  } else {
    printf("lost\n");
  }
  fd_msg_free(*message);
  *message = NULL;
  sem_post(&answered);
}

static int send_request(uint32_t number) {
  struct dict_object* command = NULL;
  command_code_t code = command_credit_control;
  struct msg* message = NULL;
  char realm[] = "farthing.example";
  if (fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_CODE_R, &code, &command,
                     ENOENT) != 0 ||
      fd_msg_new(command, MSGFL_ALLOC_ETEID, &message) != 0 ||
      fd_msg_new_session(message, NULL, 0) != 0 || fd_msg_add_origin(message, 0) != 0) {
    return 1;
  }
  add_text(message, 283, realm);
  add_number(message, 258, application_credit_control);
  add_text(message, 461, "32251@3gpp.org");
  add_number(message, 416, 1);
  add_number(message, 415, number);
  return fd_msg_send(&message, on_answer, NULL);
}

static int wait_for_open(const char* identity) {
  char name[256];
  snprintf(name, sizeof name, "%s", identity);
  const struct timespec pause = {0, 20 * 1000 * 1000};
  for (int i = 0; i < wait_seconds_max * 50; ++i) {
    struct peer_hdr* peer = NULL;
    if (fd_peer_getbyid(name, strlen(name), 0, &peer) == 0 && peer != NULL &&
        fd_peer_get_state(peer) == STATE_OPEN) {
      return 0;
    }
    nanosleep(&pause, NULL);
  }
  return 1;
}

static int run(char* config, const char* identity, uint32_t requests) {
  application_id_t code = application_credit_control;
  struct dict_object* application = NULL;
  if (fd_core_initialize() != 0 || fd_core_parseconf(config) != 0 ||
      fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &code,
                     &application, ENOENT) != 0 ||
      fd_disp_app_support(application, NULL, 1, 0) != 0 || fd_core_start() != 0 ||
      fd_core_waitstartcomplete() != 0) {
    return 1;
  }
  if (wait_for_open(identity) != 0) return 1;
  printf("open\n");
  for (uint32_t i = 0; i < requests; ++i) {
    if (send_request(i) != 0) return 1;
  }
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += wait_seconds_max;
  for (uint32_t i = 0; i < requests; ++i) {
    if (sem_timedwait(&answered, &end) != 0) return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s CONFIG SERVER_IDENTITY REQUESTS\n", argv[0]);
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  sem_init(&answered, 0, 0);
  const int failed = run(argv[1], argv[2], (uint32_t)atoi(argv[3]));
  fd_core_shutdown();
  fd_core_wait_shutdown_complete();
  printf(failed ? "failed\n" : "done\n");
  return failed;
}
