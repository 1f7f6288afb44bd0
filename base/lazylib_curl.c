/* The functions of libcurl that aipc calls; see base/lazylib.h. */
#include <stdarg.h>

#include <curl/curl.h>

#include "base/lazylib.h"

/* The type checks of the header are macros of these names; they are done where the functions are called. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

/* Options are long, curl_off_t, or pointers: each one machine word, so passing it on as one changes nothing. */
_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *), "curl's options are one word");

static struct lazylib curl = { "libcurl.so.4", "libcurl4", NULL };

#define FORWARD(type, name, params, args) \
	type name params { LAZYLIB_FN(&curl, name); return fn args; }
#define FORWARD_VOID(name, params, args) \
	void name params { LAZYLIB_FN(&curl, name); fn args; }
#define FORWARD_OPTION(type, name, handle, option) \
	type name(handle *h, option o, ...) \
	{ \
		LAZYLIB_FN(&curl, name); \
		va_list ap; \
		va_start(ap, o); \
		void *value = va_arg(ap, void *); \
		va_end(ap); \
		return fn(h, o, value); \
	}

FORWARD(CURLcode, curl_global_init, (long flags), (flags))
FORWARD(time_t, curl_getdate, (const char *text, const time_t *unused), (text, unused))
FORWARD_VOID(curl_free, (void *p), (p))

FORWARD(CURL *, curl_easy_init, (void), ())
FORWARD_VOID(curl_easy_cleanup, (CURL *e), (e))
FORWARD_VOID(curl_easy_reset, (CURL *e), (e))
FORWARD_OPTION(CURLcode, curl_easy_setopt, CURL, CURLoption)
FORWARD_OPTION(CURLcode, curl_easy_getinfo, CURL, CURLINFO)
FORWARD(CURLcode, curl_easy_pause, (CURL *e, int mask), (e, mask))
FORWARD(CURLcode, curl_easy_perform, (CURL *e), (e))
FORWARD(const char *, curl_easy_strerror, (CURLcode c), (c))

FORWARD(CURLM *, curl_multi_init, (void), ())
FORWARD(CURLMcode, curl_multi_cleanup, (CURLM *m), (m))
FORWARD_OPTION(CURLMcode, curl_multi_setopt, CURLM, CURLMoption)
FORWARD(CURLMcode, curl_multi_add_handle, (CURLM *m, CURL *e), (m, e))
FORWARD(CURLMcode, curl_multi_remove_handle, (CURLM *m, CURL *e), (m, e))
FORWARD(CURLMcode, curl_multi_assign, (CURLM *m, curl_socket_t s, void *p), (m, s, p))
FORWARD(CURLMcode, curl_multi_socket_action, (CURLM *m, curl_socket_t s, int events, int *running), (m, s, events, running))
FORWARD(CURLMsg *, curl_multi_info_read, (CURLM *m, int *left), (m, left))

FORWARD(struct curl_slist *, curl_slist_append, (struct curl_slist *l, const char *s), (l, s))
FORWARD_VOID(curl_slist_free_all, (struct curl_slist *l), (l))

FORWARD(CURLU *, curl_url, (void), ())
FORWARD_VOID(curl_url_cleanup, (CURLU *u), (u))
FORWARD(CURLUcode, curl_url_get, (CURLU *u, CURLUPart what, char **part, unsigned int flags), (u, what, part, flags))
FORWARD(CURLUcode, curl_url_set, (CURLU *u, CURLUPart what, const char *part, unsigned int flags), (u, what, part, flags))

FORWARD(curl_mime *, curl_mime_init, (CURL *e), (e))
FORWARD_VOID(curl_mime_free, (curl_mime *m), (m))
FORWARD(curl_mimepart *, curl_mime_addpart, (curl_mime *m), (m))
FORWARD(CURLcode, curl_mime_name, (curl_mimepart *p, const char *s), (p, s))
FORWARD(CURLcode, curl_mime_filename, (curl_mimepart *p, const char *s), (p, s))
FORWARD(CURLcode, curl_mime_type, (curl_mimepart *p, const char *s), (p, s))
FORWARD(CURLcode, curl_mime_data, (curl_mimepart *p, const char *data, size_t n), (p, data, n))
FORWARD(CURLcode, curl_mime_filedata, (curl_mimepart *p, const char *file), (p, file))
