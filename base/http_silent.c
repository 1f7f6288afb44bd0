#include "base/http_silent.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

void http_sockets_note(struct http_sockets *s, int fd, bool watched)
{
	for (size_t i = 0; i < s->fd.len; i++)
		if (s->fd.at[i] == fd) {
			if (!watched)
				s->fd.at[i] = s->fd.at[--s->fd.len];
			return;
		}
	if (watched)
		vec_push(&s->fd, fd);
}

static int port_of(int fd)
{
	union { struct sockaddr any; struct sockaddr_in in; struct sockaddr_in6 in6; } at;
	socklen_t len = sizeof(at);
	if (getsockname(fd, &at.any, &len) != 0)
		return -1;
	return ntohs(at.any.sa_family == AF_INET6 ? at.in6.sin6_port : at.in.sin_port);
}

static bool silent(int fd, int64_t waited_ms)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	/* A quarter: the request was handed over a little after its clock had started. */
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && (int64_t)info.tcpi_last_data_recv >= waited_ms - HTTP_SILENT_MS / 4;
}

bool http_sockets_end_silent(const struct http_sockets *s, int local_port, int64_t waited_ms)
{
	for (size_t i = 0; i < s->fd.len && waited_ms >= HTTP_SILENT_MS; i++)
		if (port_of(s->fd.at[i]) == local_port && silent(s->fd.at[i], waited_ms))
			return shutdown(s->fd.at[i], SHUT_RDWR) == 0;
	return false;
}
